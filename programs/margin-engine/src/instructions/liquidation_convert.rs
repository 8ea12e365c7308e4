use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::LiquidationConverted,
    liquidation::Court,
    oracle::PriceUse,
    risk::{Workspace, usd_to_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, MarginAccount},
};

/// Remaining accounts: the markets of what the account holds ([`RiskAccounts`]).
#[event_cpi]
#[derive(Accounts)]
pub struct LiquidationConvert<'info> {
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> LiquidationConvert<'info> {
    fn validate(&self) -> Result<()> {
        // engine, margin_account: this program's, by their types; of each other. Anyone may call.
        let account = self.margin_account.load()?;
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(account.in_liquidation(), EngineError::NotInLiquidation);
        Ok(())
    }

    /// Starts the clock of the insolvent auction once nothing is left at the account's marks or its first auction has run out;
    /// stops it when neither holds any more.
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
            let risk = court.under_witness(&account, &mut Workspace::new())?;
            let insolvent = court.is_insolvent(&account.liquidation, &risk);
            require!(insolvent != (account.liquidation.insolvent_at != 0), EngineError::AuctionUnchanged);
            // Once it is done it waits for `liquidation_stop`, not for its second auction.
            require!(!insolvent || court.buffer_margin(&risk)?.0 < 0, EngineError::AccountHealthy);
            account.liquidation.insolvent_at = if insolvent { now } else { 0 };
            LiquidationConverted {
                account: ctx.accounts.margin_account.key(),
                insolvent,
                equity: usd_to_atoms_floor(risk.equity, engine.quote_decimals)?,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
