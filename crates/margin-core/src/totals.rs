//! Sums of risk arrays over the expiries of an underlying.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "operators are those of Fx, or 128-bit sums whose bound is argued inline"
)]

use crate::error::KernelError;
use crate::fx::Fx;
use crate::scenario::{MAX_SCENARIOS, ScenarioSet};

/// Bits of the lower limb.
const LIMB: u32 = 48;
const LIMB_MASK: Fx = Fx((1 << LIMB) - 1);
/// Most risk arrays in one sum: 2^14, so that lower limbs stay below 2^62.
const MAX_ARRAYS: u32 = 1 << 14;
/// Bound of the upper limb after a checked addition; the unchecked ones add at most 2^48 each, 2^62 together.
const MAX_HIGH: i64 = 1 << 62;

/// `high * 2^48 + low`: two limbs without a carry between them, which 128-bit integers would need in each addition.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Sum {
    high: Fx,
    low: Fx,
}

impl Sum {
    /// Below 2^111.
    #[inline(always)]
    fn value(&self) -> i128 {
        (i128::from(self.high.0) << LIMB).wrapping_add(i128::from(self.low.0))
    }

    /// The difference, with one carry instead of two 128-bit operations.
    #[inline(always)]
    fn less(&self, base: &Self) -> i128 {
        let (high, low) = (self.high - base.high, self.low - base.low); // 2^62 + 2^61; 2^62 + 2^48
        let high = high + (low >> LIMB);
        let low = ((high.0 as u64) << LIMB) | (low & LIMB_MASK).bits();
        (i128::from(high.0 >> (64 - LIMB)) << 64) | i128::from(low)
    }
}

/// Value of an underlying's options in every scenario of a set: the sum of its expiries' [`crate::RiskArray`]s, in
/// lots x 1e-12 USD per unit of the underlying.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Totals {
    /// In the order of the set's slots.
    sums: [Sum; MAX_SCENARIOS],
    arrays: u32,
}

impl Default for Totals {
    fn default() -> Self {
        Self::new()
    }
}

impl Totals {
    /// Zero in every scenario.
    #[must_use]
    pub const fn new() -> Self {
        Self { sums: [Sum { high: Fx::ZERO, low: Fx::ZERO }; MAX_SCENARIOS], arrays: 0 }
    }

    /// Back to zero.
    pub fn clear(&mut self) {
        self.clear_first(MAX_SCENARIOS);
    }

    /// [`Totals::clear`] for a set of `len` scenarios.
    #[inline(always)]
    pub(crate) fn clear_first(&mut self, len: usize) {
        for sum in self.sums.iter_mut().take(len) {
            *sum = Sum::default();
        }
        self.arrays = 0;
    }

    /// The `index`-th scenario of the `set` that all arrays were started with, as the caller ordered it; `None` beyond
    /// the set.
    #[must_use]
    pub fn get(&self, set: &ScenarioSet, index: usize) -> Option<i128> {
        self.at(set.position(index)?)
    }

    /// The sum of a slot of the set.
    #[inline(always)]
    pub(crate) fn at(&self, slot: usize) -> Option<i128> {
        Some(self.sums.get(slot)?.value())
    }

    /// Every scenario's change against `base` (|base| < 2^120), as the caller ordered them; where the smile moves, the sum is a
    /// change already.
    ///
    /// # Errors
    /// `TooManyScenarios` for more than the set has.
    #[inline(always)]
    pub(crate) fn copy_changes(&self, set: &ScenarioSet, base: i128, changes: &mut [i128]) -> Result<(), KernelError> {
        // Limbs of 2^61 at most, which leave room for the difference.
        let base_high = (base >> LIMB) as i64;
        if !set.is_sorted || i128::from(base_high) != base >> LIMB || base_high.unsigned_abs() >> 61 != 0 {
            return self.copy_unsorted_changes(set, base, changes);
        }
        let base = Sum { high: Fx(base_high), low: Fx(base as i64) & LIMB_MASK };
        // Two slices side by side: what else an iterator may do costs more than the sums.
        let moves = set.spot_moves().min(changes.len());
        let (plain, skew) = changes.split_at_mut_checked(moves).ok_or(KernelError::TooManyScenarios)?;
        let (plain_sums, skew_sums) = self.sums.split_at_checked(moves).ok_or(KernelError::TooManyScenarios)?;
        for (change, sum) in plain.iter_mut().zip(plain_sums) {
            *change = sum.less(&base);
        }
        for (change, sum) in skew.iter_mut().zip(skew_sums) {
            *change = sum.value();
        }
        Ok(())
    }

    #[inline(never)]
    fn copy_unsorted_changes(&self, set: &ScenarioSet, base: i128, changes: &mut [i128]) -> Result<(), KernelError> {
        for (index, change) in changes.iter_mut().enumerate() {
            let slot = set.position(index).ok_or(KernelError::TooManyScenarios)?;
            let sum = self.at(slot).ok_or(KernelError::TooManyScenarios)?;
            *change = if slot < set.spot_moves() { sum.wrapping_sub(base) } else { sum };
        }
        Ok(())
    }

    /// Counts one more array.
    #[inline(always)]
    pub(crate) fn count(&mut self) -> Result<(), KernelError> {
        if self.arrays >= MAX_ARRAYS {
            return Err(KernelError::Overflow);
        }
        self.arrays = self.arrays.wrapping_add(1);
        Ok(())
    }

    /// Adds `value(slot) * 2^shift`, |value| < 2^62 and 0 <= shift <= 32 (or |value| < 2^60 and shift <= 36), for each
    /// slot.
    #[inline(always)]
    pub(crate) fn add_narrow<T>(&mut self, slots: &[T], mut value: impl FnMut(&T) -> Fx, shift: Fx) {
        let right = Fx(i64::from(LIMB)) - shift;
        let Some(sums) = self.sums.get_mut(..slots.len()) else { return };
        for (sum, slot) in sums.iter_mut().zip(slots) {
            let value = value(slot);
            sum.high += value >> right;
            sum.low += Fx(value.0.wrapping_shl(shift.0 as u32)) & LIMB_MASK;
        }
    }

    /// Adds `value(slot)` for each slot.
    ///
    /// # Errors
    /// `Overflow` from 2^110 on; part of the slots may have been added.
    #[inline(always)]
    pub(crate) fn add_wide<T>(&mut self, slots: &[T], mut value: impl FnMut(&T) -> i128) -> Result<(), KernelError> {
        self.add_wide_from(0, slots, &mut value)
    }

    /// [`Totals::add_wide`] where `slots` begin at the `first`.
    ///
    /// # Errors
    /// As [`Totals::add_wide`].
    pub(crate) fn add_wide_from<T>(
        &mut self,
        first: usize,
        slots: &[T],
        mut value: impl FnMut(&T) -> i128,
    ) -> Result<(), KernelError> {
        let Some(sums) = self.sums.get_mut(first..) else { return Ok(()) };
        for (sum, slot) in sums.iter_mut().zip(slots) {
            let value = value(slot);
            let high = i64::try_from(value >> LIMB).map_err(|_| KernelError::Overflow)?;
            let high = sum.high.0.checked_add(high).ok_or(KernelError::Overflow)?;
            if high.unsigned_abs() > MAX_HIGH as u64 {
                return Err(KernelError::Overflow);
            }
            sum.high = Fx(high);
            sum.low += Fx(value as i64) & LIMB_MASK;
        }
        Ok(())
    }
}
