use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::PriceAnswered,
    oracle::{PriceUse, read_price},
    state::{Collateral, PriceChallenge as Challenge},
};

#[event_cpi]
#[derive(Accounts)]
pub struct PriceAnswer<'info> {
    #[account(mut)]
    pub answerer: Signer<'info>,
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
    /// CHECK: the oracle policy reads it: provider, feed, age and confidence.
    pub price: UncheckedAccount<'info>,
}

impl<'info> PriceAnswer<'info> {
    fn validate(&self) -> Result<()> {
        // answerer: anyone; is paid the bond. collateral: this program's, by its type. price: judged by the oracle policy.
        require!(self.collateral.load()?.challenge.since != 0, EngineError::NotChallenged);
        Ok(())
    }

    /// Ends a challenge by a price that is good enough to liquidate by, at any time. Whoever brings it is paid the bond.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let Self { answerer, collateral, price, .. } = &*ctx.accounts;
        let (challenge, price) = {
            let mut state = collateral.load_mut()?;
            let price = read_price(&state.oracle, price, PriceUse::Liquidation, now)?.price;
            (core::mem::take(&mut state.challenge), price)
        };
        let Challenge { since, bond } = challenge;
        collateral.sub_lamports(bond)?;
        answerer.add_lamports(bond)?;
        emit_cpi!(PriceAnswered {
            collateral: collateral.key(),
            answerer: answerer.key(),
            price: price.0,
            bond,
            challenged_at: since,
        });
        Ok(())
    }
}
