use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::SettlementSampled,
    oracle::{PriceUse, read_price},
    state::Underlying,
};

#[event_cpi]
#[derive(Accounts)]
pub struct SettlementSample<'info> {
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
    /// CHECK: the oracle policy reads it: provider, feed, age and confidence.
    pub price: UncheckedAccount<'info>,
}

impl<'info> SettlementSample<'info> {
    fn validate(&self) -> Result<()> {
        // underlying: this program's, by its type. price: judged by the oracle policy. Nobody signs.
        Ok(())
    }

    /// Takes the oracle's price into the settlement average of a series. Anyone.
    ///
    /// From the beginning of the settlement window, and beyond the expiry for as long as samples are missing: after an outage
    /// of the oracle the average is completed with the first prices that there are again.
    pub fn handle(ctx: Context<'info, Self>, expiry: i64) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let event = {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            let average = |underlying: &Underlying| underlying.expiry(expiry).map(|slot| slot.observed_average);
            let before = average(&underlying).ok_or(EngineError::ExpiryUnknown)?;
            let price = read_price(&underlying.oracle, &ctx.accounts.price, PriceUse::RaiseRisk, now)?;
            underlying.take_sample(expiry, &price, now)?;
            let slot = underlying.expiry(expiry).ok_or(EngineError::ExpiryUnknown)?;
            SettlementSampled {
                underlying: ctx.accounts.underlying.key(),
                expiry,
                price: price.price.0,
                published_at: price.publish_time,
                samples: slot.sample_count,
                missing: underlying.samples_missing(slot),
                average_before: before,
                average_after: slot.observed_average,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
