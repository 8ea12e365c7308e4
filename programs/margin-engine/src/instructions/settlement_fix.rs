use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::{SeriesFreed, SettlementFixed},
    state::{Engine, Underlying},
};

#[event_cpi]
#[derive(Accounts)]
pub struct SettlementFix<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
}

impl<'info> SettlementFix<'info> {
    fn validate(&self) -> Result<()> {
        // admin: the engine's admin. engine: this program's, by its type. underlying: of this engine.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        require_keys_eq!(self.underlying.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        Ok(())
    }

    /// Sets the settlement price of a series whose oracle has not come back within the grace: near what it said last.
    pub fn handle(ctx: Context<'info, Self>, expiry: i64, price: u64) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let key = ctx.accounts.underlying.key();
        let (event, freed) = {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            let slot = *underlying.expiry(expiry).ok_or(EngineError::ExpiryUnknown)?;
            underlying.fix(expiry, price, now)?;
            let event = SettlementFixed {
                underlying: key,
                expiry,
                average_before: slot.observed_average,
                price,
                samples: slot.sample_count,
                forward: slot.forward,
                open_lots: slot.open_lots,
            };
            (event, underlying.free_series(expiry)?)
        };
        emit_cpi!(event);
        if freed {
            emit_cpi!(SeriesFreed { underlying: key, expiry, price });
        }
        Ok(())
    }
}
