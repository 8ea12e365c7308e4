use anchor_lang::prelude::*;
use fixed::types::I80F48;

use crate::{
    error::EngineError,
    events::LiquidationStarted,
    oracle::PriceUse,
    risk::{Check, usd_to_atoms_ceil, usd_to_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, LiquidationState, MarginAccount, store_cash},
};

/// Remaining accounts: the markets of what the account holds ([`RiskAccounts`]).
#[event_cpi]
#[derive(Accounts)]
pub struct LiquidationStart<'info> {
    pub liquidator: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> LiquidationStart<'info> {
    fn validate(&self) -> Result<()> {
        // liquidator: anyone. engine, margin_account: this program's, by their types; of each other.
        let account = self.margin_account.load()?;
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(!account.in_liquidation(), EngineError::AlreadyInLiquidation);
        Ok(())
    }

    /// Puts an account whose equity is below its maintenance margin into liquidation.
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
            let risk = Check::new(&account, &markets, &engine, PriceUse::Liquidation, now)?.assess()?;
            require!(!risk.safe(), EngineError::AccountHealthy);
            account.liquidation = LiquidationState {
                active: 1,
                started_at: now,
                cash_from_bids: store_cash(I80F48::ZERO),
                ..Default::default()
            };
            LiquidationStarted {
                account: ctx.accounts.margin_account.key(),
                liquidator: ctx.accounts.liquidator.key(),
                equity: usd_to_atoms_floor(risk.equity, engine.quote_decimals)?,
                maintenance_margin: usd_to_atoms_ceil(risk.maintenance_margin, engine.quote_decimals)?,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
