use anchor_lang::prelude::*;

use crate::{
    constants::MAX_TIME_TO_EXPIRY,
    error::EngineError,
    events::ExpiryListed,
    state::{Engine, ExpirySlot, Underlying},
};

#[event_cpi]
#[derive(Accounts)]
pub struct ExpiryList<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
}

impl<'info> ExpiryList<'info> {
    fn validate(&self, expiry: i64, now: i64) -> Result<()> {
        // admin: the engine's admin. engine: this program's, by its type.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        // underlying: of this engine.
        let underlying = self.underlying.load()?;
        require_keys_eq!(underlying.engine, self.engine.key(), EngineError::ForeignEngine);

        require!(expiry > now && expiry <= now.saturating_add(MAX_TIME_TO_EXPIRY), EngineError::ExpiryTime);
        require!(underlying.expiry(expiry).is_none(), EngineError::ExpiryListed);
        Ok(())
    }

    /// Lists an expiry in a free slot. It trades once its surface is published.
    pub fn handle(ctx: Context<'info, Self>, expiry: i64) -> Result<()> {
        ctx.accounts.validate(expiry, Clock::get()?.unix_timestamp)?;
        {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            // Expired series keep their slot: positions in them are still margined until they are settled.
            let slot = underlying.expiries.iter_mut().find(|slot| slot.expiry == 0);
            *slot.ok_or(EngineError::ExpiryTableFull)? = ExpirySlot { expiry, ..Default::default() };
        }
        emit_cpi!(ExpiryListed { underlying: ctx.accounts.underlying.key(), expiry });
        Ok(())
    }
}
