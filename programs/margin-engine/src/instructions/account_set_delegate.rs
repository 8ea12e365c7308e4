use anchor_lang::prelude::*;

use crate::{error::EngineError, events::DelegateSet, state::MarginAccount};

#[event_cpi]
#[derive(Accounts)]
pub struct AccountSetDelegate<'info> {
    pub owner: Signer<'info>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> AccountSetDelegate<'info> {
    fn validate(&self) -> Result<()> {
        // owner: the account's. margin_account: this program's, by its type.
        require_keys_eq!(self.owner.key(), self.margin_account.load()?.owner, EngineError::NotOwner);
        Ok(())
    }

    /// Names who else may trade and deposit; the default address: nobody.
    pub fn handle(ctx: Context<'info, Self>, delegate: Pubkey) -> Result<()> {
        ctx.accounts.validate()?;
        let before = core::mem::replace(&mut ctx.accounts.margin_account.load_mut()?.delegate, delegate);
        emit_cpi!(DelegateSet { account: ctx.accounts.margin_account.key(), before, after: delegate });
        Ok(())
    }
}
