use anchor_lang::prelude::*;

use crate::{
    engine::may_trade, error::VenueError, events::QuoteWithdrawn, margin_engine::accounts::MarginAccount,
    state::Request,
};

#[event_cpi]
#[derive(Accounts)]
pub struct QuoteWithdraw<'info> {
    pub maker: Signer<'info>,
    pub maker_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub request: Account<'info, Request>,
}

impl<'info> QuoteWithdraw<'info> {
    fn validate(&self) -> Result<()> {
        // maker: owner or delegate of the account. maker_account: the margin engine's, by its type; that it has a quote here
        // proves its engine. request: this program's, by its type.
        require!(may_trade(&*self.maker_account.load()?, self.maker.key), VenueError::NotOwnerOrDelegate);
        Ok(())
    }

    /// Takes the account's quote from a request.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let quote = ctx.accounts.request.withdraw(&ctx.accounts.maker_account.key())?;
        emit_cpi!(QuoteWithdrawn { request: ctx.accounts.request.key(), quote });
        Ok(())
    }
}
