//! Sums of risk arrays over the expiries of an underlying.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "operators are those of Fx, or 128-bit sums whose bound is argued inline"
)]

use crate::error::KernelError;
use crate::fx::Fx;
use crate::scenario::{MAX_SCENARIOS, ScenarioSet};
use crate::word::{MAX_UNIT, Word, exact_word};

/// Bits of the lower limb.
const LIMB: u32 = 48;
const LIMB_MASK: Fx = Fx((1 << LIMB) - 1);
/// Most risk arrays in one sum: 2^14, so that lower limbs stay below 2^62.
const MAX_ARRAYS: u32 = 1 << 14;
/// Bound of the upper limb after a checked addition; the unchecked ones add at most 2^48 each, 2^62 together.
const MAX_HIGH: i64 = 1 << 62;
/// Bound of a sum that is one word.
const MAX_WORD: u64 = 1 << 62;

/// `high * 2^48 + low`: two limbs without a carry between them, which 128-bit integers would need in each addition. While all
/// sums are words, `low` alone is one.
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

/// How an array's entries join sums that are words.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Room {
    /// They are the first.
    First,
    /// Multiplied by this power of two.
    Shifted(Fx),
}

/// Value of an underlying's options in every scenario of a set: the sum of its expiries' [`crate::RiskArray`]s, in
/// lots x 1e-12 USD per unit of the underlying.
///
/// Sums begin as words, multiples of the first array's grain, which most never leave; limbs take whatever may not fit.
#[derive(Clone, Debug)]
pub struct Totals {
    /// In the order of the set's slots; of no meaning before the first array.
    sums: [Sum; MAX_SCENARIOS],
    len: usize,
    arrays: u32,
    are_words: bool,
    /// Words are multiples of 2^unit, 0 <= unit <= 32, and at most `bound`.
    unit: Fx,
    bound: u64,
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
        Self {
            sums: [Sum { high: Fx::ZERO, low: Fx::ZERO }; MAX_SCENARIOS],
            len: MAX_SCENARIOS,
            arrays: 0,
            are_words: false,
            unit: Fx::ZERO,
            bound: 0,
        }
    }

    /// Back to zero.
    pub fn clear(&mut self) {
        self.start(MAX_SCENARIOS);
    }

    /// [`Totals::clear`] for a set of `len` scenarios.
    #[inline(always)]
    pub(crate) fn start(&mut self, len: usize) {
        (self.len, self.arrays) = (len, 0);
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
        let sum = self.sums.get(slot)?;
        Some(match self.arrays {
            0 => 0,
            _ if self.are_words => Word { word: sum.low, unit: self.unit }.wide(),
            _ => sum.value(),
        })
    }

    /// Looks for the least change against `base`, as [`Totals::copy_changes`] tells them: shows `fall` every change below the
    /// least so far, which is zero at first, after the scenario's index; it answers the least from then on. The least in the
    /// end, or `None` unless the sums and `base` are words and the scenarios lie in the set as the caller ordered them.
    #[inline(always)]
    pub(crate) fn search<E>(
        &self,
        set: &ScenarioSet,
        base: i128,
        mut fall: impl FnMut(usize, Word, Word) -> Result<Fx, E>,
    ) -> Result<Option<Word>, E> {
        if self.arrays == 0 || !self.are_words || !set.is_sorted {
            return Ok(None);
        }
        let unit = self.unit;
        let (Some(base), Some(sums)) = (exact_word(base, unit, MAX_WORD), self.sums.get(..self.len)) else {
            return Ok(None);
        };
        let Some((plain, skew)) = sums.split_at_checked(set.spot_moves()) else { return Ok(None) };
        let (mut least, mut index) = (Fx::ZERO, 0usize);
        // Where the smile moves, the sum is a change already.
        for (sums, base) in [(plain, base), (skew, Fx::ZERO)] {
            let mut limit = base + least;
            for sum in sums {
                if sum.low < limit {
                    least = fall(index, Word { word: sum.low - base, unit }, Word { word: least, unit })?;
                    limit = base + least;
                }
                index = index.wrapping_add(1); // at most MAX_SCENARIOS
            }
        }
        Ok(Some(Word { word: least, unit }))
    }

    /// Every scenario's change against `base` (|base| < 2^120), as the caller ordered them; where the smile moves, the sum is a
    /// change already. For sums that are limbs.
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

    /// Counts one more array, whose entries are multiples of 2^unit, at most `bound` times it: how they join the sums, or
    /// `None` where a sum might leave its word. Then the sums are limbs from now on.
    #[inline(always)]
    pub(crate) fn admit(&mut self, unit: Fx, bound: u64) -> Result<Option<Room>, KernelError> {
        if bound <= MAX_WORD && unit >= Fx::ZERO && unit <= MAX_UNIT {
            if self.arrays == 0 {
                (self.arrays, self.are_words, self.unit, self.bound) = (1, true, unit, bound);
                return Ok(Some(Room::First));
            }
            let shift = unit - self.unit;
            if self.are_words && !shift.is_negative() && bound <= MAX_WORD.wrapping_sub(self.bound) >> (shift.0 & 63) {
                self.bound = self.bound.wrapping_add(bound << (shift.0 & 63));
                self.count()?;
                return Ok(Some(Room::Shifted(shift)));
            }
        }
        self.admit_limbs()?;
        Ok(None)
    }

    /// Counts one more array, of any entries: the sums are limbs from now on.
    #[inline(never)]
    pub(crate) fn admit_limbs(&mut self) -> Result<(), KernelError> {
        self.widen();
        self.count()
    }

    fn count(&mut self) -> Result<(), KernelError> {
        if self.arrays >= MAX_ARRAYS {
            return Err(KernelError::Overflow);
        }
        self.arrays = self.arrays.wrapping_add(1);
        Ok(())
    }

    /// Makes limbs of the sums.
    #[inline(never)]
    pub(crate) fn widen(&mut self) {
        let (is_empty, unit) = (self.arrays == 0, self.unit);
        if !is_empty && !self.are_words {
            return;
        }
        for sum in self.sums.iter_mut().take(self.len) {
            let word = if is_empty { Fx::ZERO } else { sum.low };
            let low = Fx(word.0 << (unit.0 & 63)) & LIMB_MASK; // 0..=32
            *sum = Sum { high: word >> (Fx(i64::from(LIMB)) - unit), low };
        }
        self.are_words = false;
    }

    /// Adds `value(slot)` for each slot from the `first` on, in an array's own unit, to sums that are words.
    #[inline(always)]
    pub(crate) fn add_words<T>(&mut self, first: usize, slots: &[T], room: Room, mut value: impl FnMut(&T) -> Fx) {
        // Of the same length: what an iterator may do besides costs as much as an addition.
        let end = first.wrapping_add(slots.len()); // at most MAX_SCENARIOS
        let Some(sums) = self.sums.get_mut(first..end) else { return };
        match room {
            Room::First => {
                for (sum, slot) in sums.iter_mut().zip(slots) {
                    sum.low = value(slot);
                }
            }
            Room::Shifted(shift) => {
                for (sum, slot) in sums.iter_mut().zip(slots) {
                    sum.low += value(slot) << shift;
                }
            }
        }
    }

    /// [`Totals::add_words`] up to the first slot without a value; how many have one.
    #[inline(always)]
    pub(crate) fn add_words_while<T>(
        &mut self,
        first: usize,
        slots: &[T],
        room: Room,
        mut value: impl FnMut(&T) -> Option<Fx>,
    ) -> usize {
        let end = first.wrapping_add(slots.len()); // at most MAX_SCENARIOS
        let Some(sums) = self.sums.get_mut(first..end) else { return slots.len() };
        let mut run = 0usize; // `enumerate` would check it
        match room {
            Room::First => {
                for (sum, slot) in sums.iter_mut().zip(slots) {
                    let Some(word) = value(slot) else { break };
                    sum.low = word;
                    run = run.wrapping_add(1);
                }
            }
            Room::Shifted(shift) => {
                for (sum, slot) in sums.iter_mut().zip(slots) {
                    let Some(word) = value(slot) else { break };
                    sum.low += word << shift;
                    run = run.wrapping_add(1);
                }
            }
        }
        run
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
