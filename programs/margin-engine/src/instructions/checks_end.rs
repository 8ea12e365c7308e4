use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    risk::require_initial_margin,
    state::{Engine, MarginAccount},
};

/// Remaining accounts: the markets of what the account holds ([`RiskAccounts`](crate::risk_accounts::RiskAccounts)).
#[derive(Accounts)]
pub struct ChecksEnd<'info> {
    pub engine: AccountLoader<'info, Engine>,
    /// `checks_begin` looks for it at this place.
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> ChecksEnd<'info> {
    fn validate(&self) -> Result<()> {
        let account = self.margin_account.load()?;
        // engine, margin_account: this program's, by their types; of each other. Nobody signs: only `checks_begin` gets here.
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(account.checks_deferred != 0, EngineError::ChecksNotDeferred);
        Ok(())
    }

    /// Makes up for the deferred checks: the account must have initial margin.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let engine_key = ctx.accounts.engine.key();
        let engine = ctx.accounts.engine.load()?;
        let mut account = ctx.accounts.margin_account.load_mut()?;
        account.checks_deferred = 0;
        require_initial_margin(&engine_key, &engine, &account, ctx.remaining_accounts, now)?;
        Ok(())
    }
}
