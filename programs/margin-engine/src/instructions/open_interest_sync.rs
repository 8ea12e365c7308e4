use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::OpenInterestSynced,
    state::{Instrument, MarginAccount, Underlying},
};

#[event_cpi]
#[derive(Accounts)]
pub struct OpenInterestSync<'info> {
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> OpenInterestSync<'info> {
    fn validate(&self) -> Result<()> {
        // Nobody signs: it changes no right. underlying, margin_account: this program's, by their types; of one engine.
        require_keys_eq!(
            self.underlying.load()?.engine,
            self.margin_account.load()?.engine,
            EngineError::ForeignEngine
        );
        Ok(())
    }

    /// Brings the open interest of an underlying's series up to date with one account, whose positions without lots go. Only
    /// a liquidation leaves something to do: it nets positions without writing their series. Anyone.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let change = {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            let mut account = ctx.accounts.margin_account.load_mut()?;
            let index = underlying.index;
            let held: Vec<Instrument> = account
                .positions()
                .iter()
                .filter(|position| {
                    position.underlying == index && position.counted_lots != position.lots.unsigned_abs()
                })
                .filter_map(|position| position.instrument().filter(|instrument| instrument.kind.has_expiry()))
                .collect();
            let mut change = 0i64;
            for instrument in &held {
                let lots = account.recount(instrument)?;
                underlying.count_open(instrument.expiry, lots)?;
                change = change.checked_add(lots).ok_or(EngineError::Overflow)?;
            }
            change
        };
        emit_cpi!(OpenInterestSynced {
            underlying: ctx.accounts.underlying.key(),
            account: ctx.accounts.margin_account.key(),
            change,
        });
        Ok(())
    }
}
