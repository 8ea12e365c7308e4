use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::{SeriesFreed, SettlementFinalised},
    state::Underlying,
};

#[event_cpi]
#[derive(Accounts)]
pub struct SettlementFinalise<'info> {
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
}

impl<'info> SettlementFinalise<'info> {
    fn validate(&self) -> Result<()> {
        // underlying: this program's, by its type. Nobody signs.
        Ok(())
    }

    /// Makes the average of an expired series its settlement price, once it has all its samples. A series in which nothing is
    /// open needs none; its slot is free at once. Anyone.
    pub fn handle(ctx: Context<'info, Self>, expiry: i64) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let key = ctx.accounts.underlying.key();
        let (event, freed) = {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            underlying.finalise(expiry, now)?;
            let slot = *underlying.expiry(expiry).ok_or(EngineError::ExpiryUnknown)?;
            let (price, samples) = (slot.observed_average, slot.sample_count);
            let event = SettlementFinalised { underlying: key, expiry, price, samples, open_lots: slot.open_lots };
            (event, underlying.free_series(expiry)?)
        };
        let price = event.price;
        emit_cpi!(event);
        if freed {
            emit_cpi!(SeriesFreed { underlying: key, expiry, price });
        }
        Ok(())
    }
}
