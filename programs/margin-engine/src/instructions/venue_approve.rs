use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::VenueApproved,
    state::{MarginAccount, Venue, VenueLimits},
};

#[event_cpi]
#[derive(Accounts)]
pub struct VenueApprove<'info> {
    pub owner: Signer<'info>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
    pub venue: AccountLoader<'info, Venue>,
}

impl<'info> VenueApprove<'info> {
    fn validate(&self, limits: &VenueLimits, now: i64) -> Result<()> {
        let account = self.margin_account.load()?;
        // owner: the account's; a delegate may not let others trade.
        require_keys_eq!(self.owner.key(), account.owner, EngineError::NotOwner);
        // margin_account, venue: this program's, by their types; of one engine.
        require_keys_eq!(self.venue.load()?.engine, account.engine, EngineError::ForeignEngine);
        let ends = limits.notional == 0;
        require!(ends || (limits.expires_at > now && limits.underlyings != 0), EngineError::ApprovalLimits);
        Ok(())
    }

    /// Lets a venue settle fills of the account within limits, or - without notional - no longer.
    pub fn handle(ctx: Context<'info, Self>, limits: VenueLimits) -> Result<()> {
        ctx.accounts.validate(&limits, Clock::get()?.unix_timestamp)?;
        let authority = ctx.accounts.venue.load()?.authority;
        let (before, after) = {
            let mut account = ctx.accounts.margin_account.load_mut()?;
            let before = account.venue_limits(&authority);
            account.approve_venue(authority, limits)?;
            (before, account.venue_limits(&authority))
        };
        emit_cpi!(VenueApproved { account: ctx.accounts.margin_account.key(), authority, before, after });
        Ok(())
    }
}
