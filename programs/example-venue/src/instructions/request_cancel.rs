use anchor_lang::prelude::*;

use crate::{
    engine::may_trade, error::VenueError, events::RequestCancelled, margin_engine::accounts::MarginAccount,
    state::Request,
};

#[event_cpi]
#[derive(Accounts)]
pub struct RequestCancel<'info> {
    pub caller: Signer<'info>,
    /// The request's margin account; may be left out once the request has expired, when it may be closed itself.
    pub taker_account: Option<AccountLoader<'info, MarginAccount>>,
    #[account(mut)]
    pub request: Account<'info, Request>,
    /// CHECK: who paid for the request.
    #[account(mut)]
    pub rent_recipient: UncheckedAccount<'info>,
}

impl<'info> RequestCancel<'info> {
    fn validate(&self, now: i64) -> Result<()> {
        // request: this program's, by its type. rent_recipient: who paid.
        require_keys_eq!(self.rent_recipient.key(), self.request.payer, VenueError::RentRecipient);
        // Anyone sweeps up what has expired.
        if now >= self.request.expires_at {
            return Ok(());
        }
        // taker_account: the request's, hence the margin engine's. caller: its owner or delegate.
        let account = self.taker_account.as_ref().ok_or(VenueError::NotTakerAccount)?;
        require_keys_eq!(account.key(), self.request.taker_account, VenueError::NotTakerAccount);
        require!(may_trade(&*account.load()?, self.caller.key), VenueError::NotOwnerOrDelegate);
        Ok(())
    }

    /// Closes a request.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate(Clock::get()?.unix_timestamp)?;
        let request = &ctx.accounts.request;
        let event =
            RequestCancelled { request: request.key(), taker_account: request.taker_account, lots: request.lots };
        request.close(ctx.accounts.rent_recipient.to_account_info())?;
        emit_cpi!(event);
        Ok(())
    }
}
