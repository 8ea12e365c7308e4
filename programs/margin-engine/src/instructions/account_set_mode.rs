use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::AccountModeSet,
    risk::require_initial_margin,
    state::{AccountMode, Engine, MarginAccount},
};

/// Remaining accounts: the markets of what the account holds, for the new mode ([`RiskAccounts`](crate::risk_accounts::RiskAccounts)).
#[event_cpi]
#[derive(Accounts)]
pub struct AccountSetMode<'info> {
    pub owner: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> AccountSetMode<'info> {
    fn validate(&self, mode: AccountMode) -> Result<()> {
        let account = self.margin_account.load()?;
        // owner: the account's. engine, margin_account: this program's, by their types; of each other.
        require_keys_eq!(self.owner.key(), account.owner, EngineError::NotOwner);
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(!account.in_liquidation(), EngineError::AccountInLiquidation);
        require!(account.checks_deferred == 0, EngineError::ChecksDeferred);
        if mode == AccountMode::Isolated {
            let alone = account.positions().windows(2).all(|pair| pair[0].underlying == pair[1].underlying);
            require!(alone, EngineError::IsolatedUnderlying);
        }
        Ok(())
    }

    /// Changes how the account is margined; it must have its initial margin in the new mode.
    pub fn handle(ctx: Context<'info, Self>, mode: AccountMode) -> Result<()> {
        ctx.accounts.validate(mode)?;
        let now = Clock::get()?.unix_timestamp;
        let engine_key = ctx.accounts.engine.key();
        let before = {
            let engine = ctx.accounts.engine.load()?;
            let mut account = ctx.accounts.margin_account.load_mut()?;
            let before = account.mode()?;
            account.mode = mode as u8;
            require_initial_margin(&engine_key, &engine, &account, ctx.remaining_accounts, now)?;
            before
        };
        emit_cpi!(AccountModeSet { account: ctx.accounts.margin_account.key(), before, after: mode });
        Ok(())
    }
}
