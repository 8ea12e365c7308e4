use anchor_lang::prelude::*;

use crate::{
    events::FundingUpdated,
    oracle::{PriceUse, read_price},
    state::Underlying,
};

#[event_cpi]
#[derive(Accounts)]
pub struct FundingUpdate<'info> {
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
    /// CHECK: the oracle policy reads it: provider, feed, age and confidence.
    pub price: UncheckedAccount<'info>,
}

impl<'info> FundingUpdate<'info> {
    fn validate(&self) -> Result<()> {
        // underlying: this program's, by its type. price: judged by the oracle policy. Nobody signs.
        Ok(())
    }

    /// Brings the funding index of the perpetual up to date. Anyone.
    ///
    /// It needs a price good enough for trading. While there is none it fails, and once there is one again the time since
    /// the last update counts up to the funding gap only: funding pauses with the oracle.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let event = {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            let price = read_price(&underlying.oracle, &ctx.accounts.price, PriceUse::RaiseRisk, now)?.price;
            let terms = underlying.trading;
            let funding = &mut underlying.perpetual.funding;
            let before = *funding;
            funding.accrue(&terms, price, now)?;
            FundingUpdated {
                underlying: ctx.accounts.underlying.key(),
                index_price: price.0,
                index_before: before.index,
                index_after: funding.index,
                premium_before: before.premium,
                premium_after: funding.premium,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
