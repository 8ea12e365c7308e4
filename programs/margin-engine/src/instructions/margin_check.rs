use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    oracle::PriceUse,
    risk::{MarginReport, report},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, MarginAccount},
};

/// Remaining accounts: the markets of what the account holds ([`RiskAccounts`]).
#[derive(Accounts)]
pub struct MarginCheck<'info> {
    pub engine: AccountLoader<'info, Engine>,
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> MarginCheck<'info> {
    fn validate(&self) -> Result<()> {
        // engine, margin_account: this program's, by their types; the account belongs to the engine.
        require_keys_eq!(self.margin_account.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        Ok(())
    }

    /// Computes the margin of an account; the result is the instruction's return data. Writes nothing.
    pub fn handle(ctx: Context<'info, Self>) -> Result<MarginReport> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let account = ctx.accounts.margin_account.load()?;
        let engine_key = ctx.accounts.engine.key();
        let mut required = RequiredMarkets::default();
        required.add_account(&account)?;
        let markets = RiskAccounts::load(&engine_key, ctx.remaining_accounts, required, PriceUse::Liquidation, now)?;
        let engine = ctx.accounts.engine.load()?;
        report(&account, &markets, &engine, PriceUse::Liquidation, now)
    }
}
