use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::InterestSet as InterestSetEvent,
    state::{Collateral, Engine, RateParameters},
};

#[event_cpi]
#[derive(Accounts)]
pub struct InterestSet<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
}

impl<'info> InterestSet<'info> {
    fn validate(&self, rates: &RateParameters) -> Result<()> {
        // admin: the engine's. engine, collateral: this program's, by their types; of each other.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        let collateral = self.collateral.load()?;
        require_keys_eq!(collateral.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(collateral.is_quote(), EngineError::NotQuoteCollateral);
        rates.validate()
    }

    /// Sets how the borrow rate follows utilisation, from the next publication on, and who gets the interest, from now on.
    pub fn handle(ctx: Context<'info, Self>, rates: RateParameters) -> Result<()> {
        ctx.accounts.validate(&rates)?;
        let before = {
            let now = Clock::get()?.unix_timestamp;
            let mut collateral = ctx.accounts.collateral.load_mut()?;
            let vault = collateral.total_deposits;
            // Interest up to now is divided as it was.
            collateral.pool.advance(vault, &ctx.accounts.engine.load()?.borrow, now)?;
            core::mem::replace(&mut collateral.pool.rates, rates)
        };
        emit_cpi!(InterestSetEvent { collateral: ctx.accounts.collateral.key(), before, after: rates });
        Ok(())
    }
}
