use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    oracle::PriceUse,
    risk::{Breakdown, BreakdownPart, Check},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, MarginAccount},
};

/// Remaining accounts: the markets of what the account holds ([`RiskAccounts`]).
#[derive(Accounts)]
pub struct MarginBreakdown<'info> {
    pub engine: AccountLoader<'info, Engine>,
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> MarginBreakdown<'info> {
    fn validate(&self) -> Result<()> {
        // engine, margin_account: this program's, by their types; the account belongs to the engine.
        require_keys_eq!(self.margin_account.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        Ok(())
    }

    /// What one leg, the offsetting collateral or the whole book of an underlying makes in every scenario. For simulation:
    /// one call a leg explains an account to the last digit. Writes nothing.
    pub fn handle(ctx: Context<'info, Self>, underlying: u16, part: BreakdownPart) -> Result<Breakdown> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let engine_key = ctx.accounts.engine.key();
        let engine = ctx.accounts.engine.load()?;
        let account = ctx.accounts.margin_account.load()?;
        let required = RequiredMarkets::of_accounts(&engine, &[&account])?;
        let markets = RiskAccounts::load(&engine_key, ctx.remaining_accounts, required, PriceUse::Liquidation, now)?;
        Check::new(&account, &markets, &engine, PriceUse::Liquidation, now)?.breakdown(underlying, part)
    }
}
