use anchor_lang::prelude::*;
use fixed::types::I80F48;

use crate::{
    error::EngineError,
    events::{PositionsSettled, SeriesFreed, SettledAccount},
    risk::cash_atoms_floor,
    settlement::FinalSeries,
    state::{Engine, MarginAccount, Underlying},
};

/// Remaining accounts: the margin accounts to settle, writable, in any order.
#[event_cpi]
#[derive(Accounts)]
pub struct PositionSettle<'info> {
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
    /// Receives the rewards.
    #[account(mut)]
    pub settler_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> PositionSettle<'info> {
    fn validate(&self) -> Result<()> {
        // Nobody signs: what is paid follows from the settlement price. engine: this program's, by its type. underlying,
        // settler_account: this program's, by their types; of this engine.
        require_keys_eq!(self.underlying.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        require_keys_eq!(self.settler_account.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        Ok(())
    }

    /// Pays every position that the accounts hold in a final series. Anyone; each account pays the settler a reward.
    ///
    /// An account without such positions is left as it is: so is one that comes twice. When nothing is open any more, the
    /// slot of the series is free.
    pub fn handle(ctx: Context<'info, Self>, expiry: i64) -> Result<()> {
        ctx.accounts.validate()?;
        let (event, freed) = ctx.accounts.settle(ctx.remaining_accounts, expiry)?;
        let (underlying, price) = (event.underlying, event.price);
        emit_cpi!(event);
        if freed {
            emit_cpi!(SeriesFreed { underlying, expiry, price });
        }
        Ok(())
    }

    #[inline(never)]
    fn settle(&self, accounts: &'info [AccountInfo<'info>], expiry: i64) -> Result<(PositionsSettled, bool)> {
        let (engine_key, settler) = (self.engine.key(), self.settler_account.key());
        let mut underlying = self.underlying.load_mut()?;
        let (engine, now) = (self.engine.load()?, Clock::get()?.unix_timestamp);
        let series = FinalSeries::new(&underlying, expiry, engine.quote_decimals)?;
        let settler_cash_before = cash_atoms_floor(self.settler_account.load()?.cash())?;
        let mut settled = Vec::with_capacity(accounts.len());
        let mut rewards = 0u64;
        for info in accounts {
            // Borrowed one by one: the settler's own may be among them.
            let loader = AccountLoader::<MarginAccount>::try_from(info)?;
            let mut account = loader.load_mut()?;
            require_keys_eq!(account.engine, engine_key, EngineError::ForeignEngine);
            if !series.is_held_by(&account) {
                continue;
            }
            let cash_before = cash_atoms_floor(account.cash())?;
            account.accrue_interest(&engine, now)?;
            let payment = series.pay(&mut account, *info.key != settler)?;
            let closed = i64::try_from(payment.counted_lots).map_err(|_| EngineError::Overflow)?;
            underlying.count_open(expiry, -closed)?;
            rewards = rewards.checked_add(payment.reward).ok_or(EngineError::Overflow)?;
            settled.push(SettledAccount {
                account: *info.key,
                cash_before,
                cash_after: cash_atoms_floor(account.cash())?,
                fee: payment.fee,
                reward: payment.reward,
                positions: payment.positions,
            });
        }
        let mut settler_account = self.settler_account.load_mut()?;
        settler_account.accrue_interest(&engine, now)?;
        settler_account.add_cash(I80F48::checked_from_num(rewards).ok_or(EngineError::Overflow)?)?;
        let slot = underlying.expiry(expiry).ok_or(EngineError::ExpiryUnknown)?;
        let event = PositionsSettled {
            underlying: self.underlying.key(),
            expiry,
            price: series.price.0,
            open_lots: slot.open_lots,
            settler,
            settler_cash_before,
            settler_cash_after: cash_atoms_floor(settler_account.cash())?,
            accounts: settled,
        };
        Ok((event, underlying.free_series(expiry)?))
    }
}
