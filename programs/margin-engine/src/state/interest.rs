//! Interest on cash: the borrow index in the engine and what an account remembers of it. The pool is in `cash_pool`.
//!
//! Indices are sums of simple interest per atom since the start, 48 fractional bits. An amount in atoms times a growth of
//! an index is therefore exact in the 48 fractional bits of cash: interest itself is never rounded, only rates and the
//! division of a pool's income among its depositors are.

use anchor_lang::prelude::*;
use borsh::{BorshDeserialize, BorshSerialize};
use fixed::types::I80F48;
use margin_core::wide;

use crate::{
    constants::{MAX_BORROW_RATE, MAX_INTEREST_SECONDS, RATIO_ONE, SECONDS_PER_YEAR},
    error::EngineError,
    state::{Engine, MarginAccount, StoredCash, assert_layout, load_cash, store_cash},
};

/// What borrowers owe, as published by `interest_accrue`. Read by every instruction, written by that one.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct BorrowIndex {
    /// precision: 48 fractional bits. Interest owed per atom from the start to `published_at`.
    pub index: u64,
    /// precision: 64 fractional bits, per second. Rate from `published_at` on, rounded up.
    pub rate: u64,
    /// Unix seconds.
    pub published_at: i64,
}
assert_layout!(BorrowIndex, 24);

impl BorrowIndex {
    /// The index at `now`, rounded up. It stands still once nobody has published for [`MAX_INTEREST_SECONDS`].
    #[inline]
    pub fn at(&self, now: i64) -> u64 {
        let elapsed = now.saturating_sub(self.published_at).clamp(0, MAX_INTEREST_SECONDS) as u64;
        // At most 1.6e19: rates are validated to be at most MAX_BORROW_RATE.
        let growth = self.rate.wrapping_mul(elapsed);
        self.index.saturating_add((growth >> 16) + u64::from(growth & 0xffff != 0))
    }
}

/// The rate of `rate` (1e-9 a year) per second, 64 fractional bits, rounded up.
pub fn rate_per_second(rate: u64) -> Result<u64> {
    let per_second = (u128::from(rate) << 64).div_ceil(u128::from(RATIO_ONE) * SECONDS_PER_YEAR as u128);
    Ok(u64::try_from(per_second).map_err(|_| EngineError::Overflow)?)
}

/// How the borrow rate follows utilisation, and who gets the interest. All in 1e-9; all zero: no interest, no borrowing.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct RateParameters {
    /// precision: 1e-9 a year. Borrow rate at no utilisation.
    pub base: u64,
    /// precision: 1e-9 a year. Borrow rate at `kink`.
    pub at_kink: u64,
    /// precision: 1e-9 a year. Borrow rate at full utilisation.
    pub maximum: u64,
    /// precision: 1e-9. Utilisation above which the rate rises faster.
    pub kink: u64,
    /// precision: 1e-9. Share of the interest that the pool keeps as a reserve.
    pub reserve_share: u64,
    /// precision: 1e-9. No withdrawal may borrow beyond this utilisation.
    pub maximum_utilisation: u64,
}
assert_layout!(RateParameters, 48);

impl RateParameters {
    pub fn validate(&self) -> Result<()> {
        require!(self.maximum <= MAX_BORROW_RATE, EngineError::RateMaximum);
        require!(self.base <= self.at_kink && self.at_kink <= self.maximum, EngineError::RateOrder);
        require!(self.kink <= RATIO_ONE, EngineError::RateKink);
        require!(self.reserve_share <= RATIO_ONE, EngineError::RateReserveShare);
        require!(self.maximum_utilisation <= RATIO_ONE, EngineError::RateUtilisation);
        Ok(())
    }

    /// Borrow rate at a utilisation (1e-9), in 1e-9 a year: linear from `base` to `at_kink` to `maximum`, rounded up.
    pub fn borrow_rate(&self, utilisation: u64) -> u64 {
        let (kink, used) = (self.kink, utilisation.min(RATIO_ONE));
        // Rates are at most 1e10 and utilisations 1e9, so products fit 64 bits.
        let part = |rise: u64, of: u64, whole: u64| if whole == 0 { 0 } else { (rise * of).div_ceil(whole) };
        if used < kink {
            self.base + part(self.at_kink - self.base, used, kink)
        } else {
            self.at_kink + part(self.maximum - self.at_kink, used - kink, RATIO_ONE - kink)
        }
    }
}

/// What an account has to do with the pool. All zero: nothing.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct InterestState {
    /// precision: 48 fractional bits. [`BorrowIndex`] up to which the account has paid.
    pub borrow_index: u64,
    /// precision: 48 fractional bits. Deposit index up to which the pool has paid the account.
    pub deposit_index: u64,
    /// Atoms of debt that the pool knows of.
    pub recorded_borrow: u64,
    /// Atoms of cash that the pool knows of.
    pub recorded_deposit: u64,
    /// Atoms that earn: the recorded deposit, or the lowest cash since it was recorded where that is less.
    pub earning: u64,
    /// precision: I80F48 quote atoms. What the pool does not know of yet and gets at the next contact: interest paid on
    /// unrecorded debt, and the account's share of losses.
    pub unreported: StoredCash,
    /// precision: 63 fractional bits. [`Engine::socialised`] up to which the account has borne losses.
    pub socialised: u64,
}
assert_layout!(InterestState, 64);

impl MarginAccount {
    /// Takes losses of insolvent accounts and the interest that is owed up to `now` out of cash. Whatever moves cash calls this first: it also notes how
    /// little cash there was, since only that earns.
    ///
    /// Deposits earn through the pool alone (`Collateral::settle_interest`), so that nothing here needs it.
    pub fn accrue_interest(&mut self, engine: &Engine, now: i64) -> Result<()> {
        self.bear_losses(engine)?;
        let index = engine.borrow.at(now);
        let growth = index.saturating_sub(self.interest.borrow_index);
        let cash = self.cash();
        if growth != 0 && self.owes(cash) {
            let principal = self.borrow_principal(cash)?;
            let owed = interest_on(principal, growth)?;
            let reported = interest_on(i128::from(self.interest.recorded_borrow), growth)?;
            self.add_cash(-owed)?;
            let unreported = load_cash(self.interest.unreported).checked_add(owed - reported);
            self.interest.unreported = store_cash(unreported.ok_or(EngineError::Overflow)?);
        }
        self.interest.borrow_index = index.max(self.interest.borrow_index);
        self.interest.earning = self.interest.earning.min(whole_atoms(cash));
        Ok(())
    }

    /// Cash less the interest owed on it and the losses borne up to `now`; what a deposit has earned since its last contact with the pool does
    /// not count yet. Writes nothing.
    #[inline]
    pub fn cash_at(&self, engine: &Engine, now: i64) -> Result<I80F48> {
        let cash = self.cash();
        if self.owes(cash) {
            self.cash_after_interest(cash, engine, now)
        } else if self.interest.socialised == engine.socialised {
            Ok(cash)
        } else {
            Ok(cash - self.share_of_losses(engine)?)
        }
    }

    #[inline(never)]
    fn cash_after_interest(&self, cash: I80F48, engine: &Engine, now: i64) -> Result<I80F48> {
        let cash = cash - self.share_of_losses(engine)?;
        let growth = engine.borrow.at(now).saturating_sub(self.interest.borrow_index);
        let owed = interest_on(self.borrow_principal(cash)?, growth)?;
        Ok(cash.checked_sub(owed).ok_or(EngineError::Overflow)?)
    }

    #[inline(always)]
    fn owes(&self, cash: I80F48) -> bool {
        cash.is_negative() || self.interest.recorded_borrow != 0
    }

    /// Atoms on which interest is owed: the debt rounded up, or what the pool has recorded where that is more.
    fn borrow_principal(&self, cash: I80F48) -> Result<i128> {
        let debt = -(cash.to_bits() >> I80F48::FRAC_NBITS);
        Ok(debt.max(i128::from(self.interest.recorded_borrow)))
    }
}

/// Interest on whole atoms, exact.
pub(super) fn interest_on(atoms: i128, growth: u64) -> Result<I80F48> {
    Ok(I80F48::from_bits(wide::multiply(atoms, growth).ok_or(EngineError::Overflow)?))
}

/// Cash above zero in whole atoms, rounded down.
pub(super) fn whole_atoms(cash: I80F48) -> u64 {
    u64::try_from((cash.to_bits() >> I80F48::FRAC_NBITS).max(0)).unwrap_or(u64::MAX)
}
