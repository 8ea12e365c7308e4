use anchor_lang::prelude::*;

use crate::{
    constants::MIN_PUBLICATION_SECONDS,
    error::EngineError,
    events::InterestAccrued,
    risk::cash_atoms_floor,
    state::{BorrowIndex, Collateral, Engine, load_cash, rate_per_second},
};

#[event_cpi]
#[derive(Accounts)]
pub struct InterestAccrue<'info> {
    #[account(mut)]
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
}

impl<'info> InterestAccrue<'info> {
    fn validate(&self, now: i64) -> Result<()> {
        // engine, collateral: this program's, by their types; of each other. Anyone may call.
        let (engine, collateral) = (self.engine.load()?, self.collateral.load()?);
        require_keys_eq!(collateral.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(collateral.is_quote(), EngineError::NotQuoteCollateral);
        let elapsed = now.saturating_sub(engine.borrow.published_at);
        require!(elapsed >= MIN_PUBLICATION_SECONDS, EngineError::InterestTooSoon);
        Ok(())
    }

    /// Publishes the borrow index of now, and the rate from now on by the average utilisation since the last publication.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        ctx.accounts.validate(now)?;
        let event = {
            let mut engine = ctx.accounts.engine.load_mut()?;
            let mut collateral = ctx.accounts.collateral.load_mut()?;
            let before = engine.borrow;
            let vault = collateral.total_deposits;
            collateral.pool.advance(vault, &before, now)?;
            let utilisation = collateral.pool.take_average(before.published_at);
            let rate = rate_per_second(collateral.pool.rates.borrow_rate(utilisation))?;
            engine.borrow = BorrowIndex { index: before.at(now), rate, published_at: now };
            InterestAccrued {
                engine: ctx.accounts.engine.key(),
                utilisation,
                borrow_rate_before: before.rate,
                borrow_rate_after: rate,
                borrow_index_before: before.index,
                borrow_index_after: engine.borrow.index,
                deposit_index: collateral.pool.deposit_index,
                reserve: cash_atoms_floor(load_cash(collateral.pool.reserve))?,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
