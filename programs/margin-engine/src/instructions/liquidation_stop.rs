use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::LiquidationStopped,
    liquidation::Court,
    oracle::PriceUse,
    risk::{Workspace, usd_to_atoms_ceil, usd_to_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, LiquidationState, MarginAccount},
};

/// Remaining accounts: the markets of what the account holds ([`RiskAccounts`]).
#[event_cpi]
#[derive(Accounts)]
pub struct LiquidationStop<'info> {
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> LiquidationStop<'info> {
    fn validate(&self) -> Result<()> {
        // engine, margin_account: this program's, by their types; of each other. Anyone may call.
        let account = self.margin_account.load()?;
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(account.in_liquidation(), EngineError::NotInLiquidation);
        Ok(())
    }

    /// Releases an account that has its maintenance margin and the buffer again under every scenario: after bids, a deposit or
    /// a better market.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let engine_key = ctx.accounts.engine.key();
        let event = {
            let mut account = ctx.accounts.margin_account.load_mut()?;
            let engine = ctx.accounts.engine.load()?;
            let required = RequiredMarkets::of_accounts(&engine, &[&account])?;
            let markets =
                RiskAccounts::load(&engine_key, ctx.remaining_accounts, required, PriceUse::Liquidation, now)?;
            let court = Court { engine: &engine, markets: &markets, now };
            let risk = court.in_full(&account, &mut Workspace::new())?;
            require!(court.buffer_margin(&risk)?.0 >= 0, EngineError::NotRecovered);
            account.liquidation = LiquidationState::default();
            LiquidationStopped {
                account: ctx.accounts.margin_account.key(),
                equity: usd_to_atoms_floor(risk.equity, engine.quote_decimals)?,
                maintenance_margin: usd_to_atoms_ceil(risk.maintenance_margin, engine.quote_decimals)?,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
