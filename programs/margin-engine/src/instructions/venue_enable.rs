use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::VenueEnabled,
    state::{Engine, Venue},
};

#[event_cpi]
#[derive(Accounts)]
pub struct VenueEnable<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub venue: AccountLoader<'info, Venue>,
}

impl<'info> VenueEnable<'info> {
    fn validate(&self) -> Result<()> {
        // admin: the engine's admin. engine: this program's, by its type. venue: of this engine.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        require_keys_eq!(self.venue.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        Ok(())
    }

    /// Lets a registered venue settle, or no longer.
    pub fn handle(ctx: Context<'info, Self>, enabled: bool) -> Result<()> {
        ctx.accounts.validate()?;
        let before = core::mem::replace(&mut ctx.accounts.venue.load_mut()?.enabled, u8::from(enabled)) != 0;
        emit_cpi!(VenueEnabled { venue: ctx.accounts.venue.key(), before, after: enabled });
        Ok(())
    }
}
