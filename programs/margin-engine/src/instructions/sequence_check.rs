use anchor_lang::prelude::*;

use crate::{error::EngineError, state::MarginAccount};

#[derive(Accounts)]
pub struct SequenceCheck<'info> {
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> SequenceCheck<'info> {
    fn validate(&self, sequence: u64) -> Result<()> {
        // margin_account: this program's, by its type.
        require!(self.margin_account.load()?.sequence == sequence, EngineError::SequenceMismatch);
        Ok(())
    }

    /// Fails unless the account has traded exactly as often as the caller believes: put it before instructions that were
    /// built on a known book.
    pub fn handle(ctx: Context<'info, Self>, sequence: u64) -> Result<()> {
        ctx.accounts.validate(sequence)
    }
}
