//! The pool of cash: what borrowers are known to owe, what depositors are known to have, and how interest gets from the
//! first to the second.
//!
//! **Never more is paid than owed.** Between two updates the recorded borrows `B` owe exactly `B·g` for a growth `g` of the
//! borrow index, whatever else borrowers owe. Depositors are credited `step·D` at most, for `D` the recorded deposits and
//! `step = floor(pot / D)`, where the pot is that income less the reserve's share; the rest stays in the pot. So sums of
//! cash, unreported interest, reserve and pot change by deposits and withdrawals only, to the last bit.

use anchor_lang::prelude::*;
use core::num::NonZero;
use fixed::types::I80F48;
use margin_core::wide;

use crate::{
    constants::RATIO_ONE,
    error::EngineError,
    state::{
        BorrowIndex, Collateral, Engine, InterestState, MarginAccount, RateParameters, StoredCash, assert_layout,
        interest::{interest_on, whole_atoms},
        load_cash, store_cash,
    },
};

/// The quote token's pool; all zero for other tokens. Written by whatever moves the vault, and by syncs.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct CashPool {
    /// Atoms: sum of the accounts' recorded borrows.
    pub borrowed: u64,
    /// Atoms: sum of the accounts' recorded deposits.
    pub deposited: u64,
    /// precision: 48 fractional bits. Borrow index of the last update.
    pub borrow_index: u64,
    /// precision: 48 fractional bits. Interest earned per recorded atom since the start, rounded down.
    pub deposit_index: u64,
    /// precision: 1e-9 · seconds. Utilisation summed over the time since the last publication.
    pub utilisation_seconds: u64,
    /// Unix seconds of the last update.
    pub updated_at: i64,
    /// precision: I80F48 quote atoms. Interest kept.
    pub reserve: StoredCash,
    /// precision: I80F48 quote atoms. Income that did not divide evenly among depositors yet.
    pub pot: StoredCash,
    pub rates: RateParameters,
}
assert_layout!(CashPool, 128);

impl CashPool {
    /// Share of the pool's cash that is lent out, in 1e-9, rounded up: borrows over vault and borrows.
    pub fn utilisation(&self, vault: u64) -> u64 {
        let lent = u128::from(self.borrowed) * u128::from(RATIO_ONE);
        let total = u128::from(self.borrowed) + u128::from(vault);
        // A share: at most 1e9.
        if total == 0 { 0 } else { lent.div_ceil(total) as u64 }
    }

    /// Divides the interest that recorded borrows owe since the last update.
    pub fn advance(&mut self, vault: u64, index: &BorrowIndex, now: i64) -> Result<()> {
        let elapsed = now.saturating_sub(self.updated_at).max(0).unsigned_abs();
        if elapsed == 0 {
            return Ok(());
        }
        // 1e9 · seconds: centuries fit.
        let lent = self.utilisation(vault).saturating_mul(elapsed);
        self.utilisation_seconds = self.utilisation_seconds.saturating_add(lent);
        self.updated_at = now;

        let index = index.at(now);
        let growth = index.saturating_sub(self.borrow_index);
        self.borrow_index = index;
        if growth == 0 || self.borrowed == 0 {
            return Ok(());
        }
        let income = interest_on(i128::from(self.borrowed), growth)?;
        let kept = wide::share_floor(income.to_bits(), self.rates.reserve_share, RATIO);
        let kept = I80F48::from_bits(kept.ok_or(EngineError::Overflow)?);
        let pot = load_cash(self.pot).checked_add(income - kept).ok_or(EngineError::Overflow)?;
        let (step, rest) = self.divide(pot, growth)?;
        self.deposit_index = self.deposit_index.checked_add(step).ok_or(EngineError::Overflow)?;
        if step == growth {
            // Less was deposited than lent: nobody earns more than the borrow rate.
            self.pot = store_cash(I80F48::ZERO);
            self.keep(kept.checked_add(rest).ok_or(EngineError::Overflow)?)
        } else {
            self.pot = store_cash(rest);
            self.keep(kept)
        }
    }

    /// What each recorded atom gets of a pot, at most `most`, rounded down; and what is left of the pot.
    fn divide(&self, pot: I80F48, most: u64) -> Result<(u64, I80F48)> {
        let share = NonZero::new(self.deposited).and_then(|atoms| wide::quotient(pot.to_bits().unsigned_abs(), atoms));
        let step = share.unwrap_or(u64::MAX).min(most);
        Ok((step, pot - interest_on(i128::from(self.deposited), step)?))
    }

    /// Adds to the reserve.
    pub fn keep(&mut self, amount: I80F48) -> Result<()> {
        let reserve = load_cash(self.reserve).checked_add(amount).ok_or(EngineError::Overflow)?;
        self.reserve = store_cash(reserve);
        Ok(())
    }

    /// The average utilisation since `since` (1e-9), rounded down; begins a new average.
    pub fn take_average(&mut self, since: i64) -> u64 {
        let elapsed = self.updated_at.saturating_sub(since).max(1).unsigned_abs();
        (core::mem::take(&mut self.utilisation_seconds) / elapsed).min(RATIO_ONE)
    }
}

const RATIO: NonZero<u32> = NonZero::<u32>::MIN.saturating_add(RATIO_ONE as u32 - 1);

impl Collateral {
    /// Brings pool and account up to `now`: takes what the account owes, pays what it has earned, and keeps what the pool
    /// did not know of. Followed by [`record_cash`](Self::record_cash) once cash has its new amount.
    pub fn settle_interest(&mut self, account: &mut MarginAccount, engine: &Engine, now: i64) -> Result<()> {
        self.pool.advance(self.total_deposits, &engine.borrow, now)?;
        account.accrue_interest(engine, now)?;
        let state = account.interest;
        let growth = self.pool.deposit_index.saturating_sub(state.deposit_index);
        let earned = interest_on(i128::from(state.earning), growth)?;
        let forgone = interest_on(i128::from(state.recorded_deposit.saturating_sub(state.earning)), growth)?;
        account.add_cash(earned)?;
        let unreported = load_cash(state.unreported);
        account.interest.deposit_index = self.pool.deposit_index;
        account.interest.unreported = store_cash(I80F48::ZERO);
        self.pool.keep(forgone.checked_add(unreported).ok_or(EngineError::Overflow)?)
    }

    /// Tells the pool what an account has or owes: whole atoms, rounded down, so that the pool never counts on more than is
    /// owed. Only after [`settle_interest`](Self::settle_interest).
    pub fn record_cash(&mut self, account: &mut MarginAccount) -> Result<()> {
        let cash = account.cash();
        let (deposit, borrow) = (whole_atoms(cash), whole_atoms(I80F48::ZERO.saturating_sub(cash)));
        let before = account.interest;
        let replace = |total: u64, old: u64, new: u64| -> Result<u64> {
            Ok(total.checked_sub(old).and_then(|rest| rest.checked_add(new)).ok_or(EngineError::Overflow)?)
        };
        self.pool.deposited = replace(self.pool.deposited, before.recorded_deposit, deposit)?;
        self.pool.borrowed = replace(self.pool.borrowed, before.recorded_borrow, borrow)?;
        account.interest =
            InterestState { recorded_borrow: borrow, recorded_deposit: deposit, earning: deposit, ..before };
        Ok(())
    }
}
