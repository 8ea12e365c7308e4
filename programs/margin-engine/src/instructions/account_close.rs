use anchor_lang::prelude::*;

use crate::{error::EngineError, events::AccountClosed, state::MarginAccount};

#[event_cpi]
#[derive(Accounts)]
pub struct AccountClose<'info> {
    pub owner: Signer<'info>,
    #[account(mut, close = rent_recipient)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
    /// CHECK: only receives the rent; the owner signs for the choice.
    #[account(mut)]
    pub rent_recipient: UncheckedAccount<'info>,
}

impl<'info> AccountClose<'info> {
    fn validate(&self) -> Result<()> {
        let account = self.margin_account.load()?;
        // owner: the account's. rent_recipient: the owner's choice.
        require_keys_eq!(self.owner.key(), account.owner, EngineError::NotOwner);
        // margin_account: this program's, by its type; empty.
        require!(account.positions().is_empty(), EngineError::AccountHasPositions);
        require!(account.balances().is_empty(), EngineError::AccountHasBalances);
        require!(account.cash() == fixed::types::I80F48::ZERO, EngineError::AccountHasCash);
        // Anyone may collect them first.
        require!(account.fees == 0, EngineError::AccountHasFees);
        require!(!account.in_liquidation(), EngineError::AccountInLiquidation);
        Ok(())
    }

    /// Closes an empty account and returns its rent.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        emit_cpi!(AccountClosed { account: ctx.accounts.margin_account.key(), owner: ctx.accounts.owner.key() });
        Ok(())
    }
}
