use anchor_lang::prelude::*;

use crate::{error::EngineError, events::QuotesCancelled, state::MarginAccount};

#[event_cpi]
#[derive(Accounts)]
pub struct QuotesCancel<'info> {
    pub authority: Signer<'info>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> QuotesCancel<'info> {
    fn validate(&self, floor: u64) -> Result<()> {
        // authority: owner or delegate of the account. margin_account: this program's, by its type.
        let account = self.margin_account.load()?;
        require!(account.may_trade(self.authority.key), EngineError::NotOwnerOrDelegate);
        require!(floor > account.quotes.floor, EngineError::QuoteSpent);
        Ok(())
    }

    /// Makes every quote with a nonce below `floor` void.
    pub fn handle(ctx: Context<'info, Self>, floor: u64) -> Result<()> {
        ctx.accounts.validate(floor)?;
        let before = {
            let mut account = ctx.accounts.margin_account.load_mut()?;
            let before = account.quotes.floor;
            account.quotes.raise(floor);
            before
        };
        emit_cpi!(QuotesCancelled { account: ctx.accounts.margin_account.key(), before, after: floor });
        Ok(())
    }
}
