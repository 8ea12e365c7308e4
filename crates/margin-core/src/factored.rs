//! An expiry's part in an underlying's sums when gains and debts count at different factors, and skew scenarios as losses.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "operators are those of Fx, or 128-bit products whose bounds are argued inline"
)]

use crate::error::KernelError;
use crate::fx::Fx;
use crate::risk_array::RiskArray;
use crate::scenario::SPOT_LEVELS;
use crate::slot::Slot;
use crate::totals::Totals;
use crate::word::exact_word;

/// Factors on an expiry's value in a scenario, Q60 and below 2^63 (8.0).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StaticFactors {
    /// Where the account is long.
    pub gain: u64,
    /// Where it is short.
    pub debt: u64,
}

/// What factors and skew scenarios made of an expiry, by slot of the scenario set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Signs {
    /// The options are a liability.
    debts: u64,
    /// A skew scenario lowers their value.
    falls: u64,
}

impl StaticFactors {
    /// Every value as it is.
    pub const ONE: Self = Self { gain: 1 << 60, debt: 1 << 60 };

    /// A value times its factor, rounded down.
    fn apply(&self, value: i128, is_debt: bool) -> i128 {
        if *self == Self::ONE {
            return value;
        }
        let (magnitude, factor) = (value.unsigned_abs(), u128::from(if is_debt { self.debt } else { self.gain }));
        let (high, low) = (magnitude >> 60, magnitude & ((1 << 60) - 1)); // |value| < 2^124: 64 bits and 60 bits
        let product = high.wrapping_mul(factor).wrapping_add(low.wrapping_mul(factor) >> 60) as i128; // below 2^127
        if value < 0 { product.wrapping_neg().wrapping_sub(1) } else { product }
    }
}

/// A factor in two parts, for sums in grains.
struct GrainFactor {
    high: Fx,
    low: Fx,
}

impl GrainFactor {
    #[inline(always)]
    fn new(factor: u64) -> Self {
        // Below 2^63: 32 and 31 bits.
        Self { high: Fx::from_bits(factor >> 31), low: Fx::from_bits(factor & 0x7fff_ffff) }
    }

    /// Grains times the factor, in ticks, rounded down by less than three ticks; nothing stays nothing.
    #[inline(always)]
    fn ticks(&self, grains: Fx) -> Fx {
        // Below 2^61.6 in magnitude; every shift rounds down, whatever the sign. Products are below 2^63, their
        // halves together below 2^63.
        let (high, low) = (grains >> 31, grains & Fx(0x7fff_ffff));
        let cross = ((high * self.low) >> 1) + ((low * self.high) >> 1);
        // Q60 times 2^-4 ticks: less 2^64 in all.
        (high * self.high + (cross >> 30)) >> 2
    }
}

impl RiskArray {
    /// As [`RiskArray::add_totals`], with each total multiplied by its factor, rounded down (by less than four ticks); and a
    /// skew scenario's entry is not a total but its loss `−|total · factor − mark|`.
    ///
    /// # Errors
    /// As [`RiskArray::add_totals`].
    #[inline(never)]
    pub fn add_factored(&self, factors: &StaticFactors, mark: i128, totals: &mut Totals) -> Result<(), KernelError> {
        if !self.is_narrow() {
            return self.add_factored_wide(factors, mark, None, totals).map(|_| ());
        }
        let (plain, skew) = self.split();
        // Below 2^62 grains, which are 2^58 ticks, and below 2^61 with a factor.
        let (gain, debt) = (GrainFactor::new(factors.gain), GrainFactor::new(factors.debt));
        let ticks = |slot: &Slot| {
            let grains = self.grains(slot);
            if grains.is_negative() { debt.ticks(grains) } else { gain.ticks(grains) }
        };
        let unit = self.tick_exponent - Fx(4);
        // A skew scenario's change is the value's and the mark's; a factor is below this number.
        let bound = self.word_bound((factors.gain.max(factors.debt) >> 60).wrapping_add(2));
        let mark_word = if unit.is_negative() { None } else { exact_word(mark, unit, bound) };
        if let Some(mark) = mark_word
            && let Some(room) = totals.admit(unit, bound)?
        {
            totals.add_words(0, plain, room, |slot| ticks(slot) << 4);
            let exact = *factors == StaticFactors::ONE;
            totals.add_words(plain.len(), skew, room, |slot| {
                let change = if exact { self.grains(slot) } else { ticks(slot) << 4 } - mark;
                if change.is_negative() { change } else { -change }
            });
            return Ok(());
        }
        if mark_word.is_none() {
            totals.admit_limbs()?;
        }
        totals.add_narrow(plain, ticks, self.tick_exponent);
        self.add_skew(factors, mark, None, totals).map(|_| ())
    }

    /// [`RiskArray::add_factored`] for books that are taken apart: with the signs of the whole book where they are given,
    /// or else with its own, which are returned.
    ///
    /// # Errors
    /// As [`RiskArray::add_totals`].
    #[inline(never)]
    pub fn add_factored_wide(
        &self,
        factors: &StaticFactors,
        mark: i128,
        signs: Option<&Signs>,
        totals: &mut Totals,
    ) -> Result<Signs, KernelError> {
        totals.admit_limbs()?;
        let (plain, _) = self.split();
        let narrow = self.is_narrow();
        let (mut debts, mut bit) = (0u64, 1u64);
        let (gain, debt) = (GrainFactor::new(factors.gain), GrainFactor::new(factors.debt));
        totals.add_wide(plain, |slot| {
            let value = self.read(slot);
            let is_debt = signs.map_or(value < 0, |signs| signs.debts & bit != 0);
            debts |= if is_debt { bit } else { 0 };
            bit = bit.wrapping_shl(1);
            if narrow {
                // To the same bit as `add_factored`.
                let factor = if is_debt { &debt } else { &gain };
                i128::from(factor.ticks(self.grains(slot)).0) << self.tick_exponent.0
            } else {
                factors.apply(value, is_debt)
            }
        })?;
        let skew = self.add_skew(factors, mark, signs, totals)?;
        Ok(Signs { debts: debts | skew.debts, falls: skew.falls })
    }

    /// The losses of skew scenarios.
    fn add_skew(
        &self,
        factors: &StaticFactors,
        mark: i128,
        signs: Option<&Signs>,
        totals: &mut Totals,
    ) -> Result<Signs, KernelError> {
        let (plain, skew) = self.split();
        let mut used = Signs::default();
        if skew.is_empty() {
            return Ok(used);
        }
        // Without a factor the value is exact, so that a smile which does not move costs nothing.
        let narrow = self.is_narrow() && *factors != StaticFactors::ONE;
        let (gain, debt) = (GrainFactor::new(factors.gain), GrainFactor::new(factors.debt));
        let mut bit = 1u64.wrapping_shl(plain.len() as u32); // at most MAX_SCENARIOS, below 64
        totals.add_wide_from(plain.len(), skew, |slot| {
            let value = if narrow {
                let grains = self.grains(slot);
                let is_debt = signs.map_or(grains.is_negative(), |signs| signs.debts & bit != 0);
                used.debts |= if is_debt { bit } else { 0 };
                let factor = if is_debt { &debt } else { &gain };
                i128::from(factor.ticks(grains).0) << self.tick_exponent.0
            } else {
                let value = self.read(slot);
                let is_debt = signs.map_or(value < 0, |signs| signs.debts & bit != 0);
                used.debts |= if is_debt { bit } else { 0 };
                factors.apply(value, is_debt)
            };
            let change = value.wrapping_sub(mark); // both below 2^126
            let falls = signs.map_or(change < 0, |signs| signs.falls & bit != 0);
            used.falls |= if falls { bit } else { 0 };
            bit = bit.wrapping_shl(1);
            if falls { change } else { change.wrapping_neg() }
        })?;
        Ok(used)
    }

    /// Slots of scenarios that move spot, and of those that move the smile.
    fn split(&self) -> (&[Slot], &[Slot]) {
        let plain = self.counts.iter().take(SPOT_LEVELS).fold(0usize, |sum, count| sum.wrapping_add(*count));
        let slots = self.slots.get(..self.len).unwrap_or(&self.slots);
        slots.split_at_checked(plain).unwrap_or((slots, &[]))
    }
}
