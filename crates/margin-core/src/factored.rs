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
    pub(crate) debts: u64,
    /// A skew scenario lowers their value.
    pub(crate) falls: u64,
}

impl StaticFactors {
    /// Every value as it is.
    pub const ONE: Self = Self { gain: 1 << 60, debt: 1 << 60 };

    /// A value times its factor, rounded down.
    pub(crate) fn apply(&self, value: i128, is_debt: bool) -> i128 {
        if *self == Self::ONE {
            return value;
        }
        let (magnitude, factor) = (value.unsigned_abs(), u128::from(if is_debt { self.debt } else { self.gain }));
        let (high, low) = (magnitude >> 60, magnitude & ((1 << 60) - 1)); // |value| < 2^124: 64 bits and 60 bits
        let product = high.wrapping_mul(factor).wrapping_add(low.wrapping_mul(factor) >> 60) as i128; // below 2^127
        if value < 0 { product.wrapping_neg().wrapping_sub(1) } else { product }
    }
}

/// The factors of an expiry, each found when a value first needs it: they take exponentials.
pub(crate) trait Factors {
    /// [`StaticFactors::gain`].
    fn gain(&self) -> u64;
    /// [`StaticFactors::debt`].
    fn debt(&self) -> u64;
    /// A whole number above both.
    fn bound(&self) -> u64;

    fn both(&self) -> StaticFactors {
        StaticFactors { gain: self.gain(), debt: self.debt() }
    }
}

impl Factors for StaticFactors {
    fn gain(&self) -> u64 {
        self.gain
    }

    fn debt(&self) -> u64 {
        self.debt
    }

    fn bound(&self) -> u64 {
        (self.gain.max(self.debt) >> 60).wrapping_add(1)
    }
}

/// What has been found of some factors.
struct Found<'a, F> {
    factors: &'a F,
    gain: Option<u64>,
    debt: Option<u64>,
}

impl<F: Factors> Found<'_, F> {
    #[inline(always)]
    fn factor(&mut self, is_debt: bool) -> u64 {
        if is_debt {
            *self.debt.get_or_insert_with(|| self.factors.debt())
        } else {
            *self.gain.get_or_insert_with(|| self.factors.gain())
        }
    }

    /// Whether every value counts as it is.
    #[inline(always)]
    fn are_one(&mut self) -> bool {
        const ONE: u64 = StaticFactors::ONE.gain;
        // One that is not one tells without the other.
        let may_be = [self.gain, self.debt].iter().flatten().all(|factor| *factor == ONE);
        may_be && self.factor(false) == ONE && self.factor(true) == ONE
    }
}

/// A factor in two parts, for sums in grains.
#[derive(Clone, Copy)]
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
    pub(crate) fn add_factored<F: Factors>(
        &self,
        factors: &F,
        mark: i128,
        totals: &mut Totals,
    ) -> Result<(), KernelError> {
        if !self.is_narrow() {
            self.add_factored_wide(&factors.both(), mark, None, totals).map(|_| ())
        } else if self.put_lots == 0 {
            self.add_narrow_factored::<F, false>(factors, mark, totals)
        } else {
            self.add_narrow_factored::<F, true>(factors, mark, totals)
        }
    }

    /// [`RiskArray::add_factored`] of sums of one word.
    #[inline(always)]
    fn add_narrow_factored<F: Factors, const HAS_PUTS: bool>(
        &self,
        factors: &F,
        mark: i128,
        totals: &mut Totals,
    ) -> Result<(), KernelError> {
        let (plain, skew) = self.split();
        let unit = self.tick_exponent - Fx(4);
        // A skew scenario's change is the value's and the mark's.
        let bound = self.word_bound(factors.bound().wrapping_add(1));
        let mark_word = if unit.is_negative() { None } else { exact_word(mark, unit, bound) };
        if let Some(mark) = mark_word
            && let Some(room) = totals.admit(unit, bound)?
        {
            let mut found = Found { factors, gain: None, debt: None };
            // Neighbours mostly have one sign, the mark's, or are nothing: a loop for each run of them holds all that it needs
            // in registers.
            let (mut done, mut is_debt) = (0usize, mark.is_negative());
            while let Some(rest) = plain.get(done..)
                && !rest.is_empty()
            {
                let factor = GrainFactor::new(found.factor(is_debt));
                let run = if is_debt {
                    totals.add_words_while(done, rest, room, |slot| {
                        let grains = self.grains_of::<HAS_PUTS>(slot);
                        if grains.0 > 0 { None } else { Some(factor.ticks(grains) << 4) }
                    })
                } else {
                    totals.add_words_while(done, rest, room, |slot| {
                        let grains = self.grains_of::<HAS_PUTS>(slot);
                        if grains.0 < 0 { None } else { Some(factor.ticks(grains) << 4) }
                    })
                };
                done = done.wrapping_add(run); // of two runs at least one is not empty
                is_debt = !is_debt;
            }
            let exact = found.are_one();
            totals.add_words(plain.len(), skew, room, |slot| {
                let mut value = self.grains_of::<HAS_PUTS>(slot);
                if !exact {
                    value = GrainFactor::new(found.factor(value.is_negative())).ticks(value) << 4;
                }
                let change = value - mark;
                if change.is_negative() { change } else { -change }
            });
            return Ok(());
        }
        if mark_word.is_none() {
            totals.admit_limbs()?;
        }
        // Below 2^62 grains, which are 2^58 ticks, and below 2^61 with a factor.
        let factors = factors.both();
        let (gain, debt) = (GrainFactor::new(factors.gain), GrainFactor::new(factors.debt));
        let ticks = |slot: &Slot| {
            let grains = self.grains_of::<HAS_PUTS>(slot);
            if grains.is_negative() { debt.ticks(grains) } else { gain.ticks(grains) }
        };
        totals.add_narrow(plain, ticks, self.tick_exponent);
        self.add_skew(&factors, mark, None, totals).map(|_| ())
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
    pub(crate) fn split(&self) -> (&[Slot], &[Slot]) {
        let plain = self.counts.iter().take(SPOT_LEVELS).fold(0usize, |sum, count| sum.wrapping_add(*count));
        let slots = self.slots.get(..self.len).unwrap_or(&self.slots);
        slots.split_at_checked(plain).unwrap_or((slots, &[]))
    }
}
