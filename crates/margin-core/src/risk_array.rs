//! Scenario revaluation: one strike at a time into a fixed array of accumulators per expiry.
//!
//! The inner loop runs once per (strike, scenario), some thousand times per margin check; everything that does not
//! depend on the scenario is hoisted, every product fits 64 bits, and calls and puts of a strike share one
//! evaluation: q_c C + q_p P = (q_c + q_p) C - q_p (F - K), whose last term is linear and kept apart.
//!
//! Units: a *tick* is the power of two of 1e-12 USD that puts the largest shocked forward just below 2^37 ticks, so
//! every price level keeps the same relative resolution, and strikes up to twice that forward stay below 2^38. Sums
//! are kept in *grains* of 2^-4 ticks.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "operators are those of Fx or argued inline; indices come from the set, which is built within bounds"
)]

use crate::elementary::Normal;
use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::fx::{Fx, leading_zeros, mul_high, shl, shr};
use crate::leg::Leg;
use crate::quantities::{Lots, Price};
use crate::run::{Run, TickStrike};
use crate::scenario::{LEVELS, MAX_SCENARIOS, ScenarioSet, Shock, position};
use crate::slot::{GRAIN_MASK, Narrow, Slot, TICK_BITS, Wide};
use crate::totals::Totals;
use crate::word::Word;

/// Largest sum of |calls| + |puts| over one risk array: 2^40.
pub const MAX_GROSS_LOTS: i64 = 1 << 40;
/// Up to 2^19 gross lots a value of 41 bits times lots is summed in one word: the sums of calls and of put lots x
/// forward stay below 2^60 each, that of put lots x strike below 2^61. Beyond, values are split at 21 bits.
const NARROW_LOTS: i64 = 1 << 19;

/// Value of an expiry's vanilla options in every scenario of a set. About 1.8 KB: mind the SVM's 4 KiB stack frames.
///
/// Sums are exact in the evaluated values, so equal and opposite lots of one strike vanish exactly, in any order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RiskArray {
    pub(crate) slots: [Slot; MAX_SCENARIOS],
    /// As in the set.
    positions: [u8; MAX_SCENARIOS],
    is_sorted: bool,
    /// Number of each vol level's slots; inside a level they ascend by `ln_shift`.
    pub(crate) counts: [usize; LEVELS],
    pub(crate) len: usize,
    /// One tick is 2^tick_exponent of 1e-12 USD.
    pub(crate) tick_exponent: Fx,
    pub(crate) discount: u64,
    /// Sum of put lots, and of put lots x D K in grains.
    pub(crate) put_lots: i64,
    pub(crate) put_strikes: i128,
    gross_lots: i64,
    /// Whether every `high` is still zero and all sums fit 64 bits; see [`NARROW_LOTS`].
    pub(crate) narrow: bool,
}

impl RiskArray {
    /// An array without scenarios; [`RiskArray::start`] it.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            slots: [Slot::EMPTY; MAX_SCENARIOS],
            positions: [0; MAX_SCENARIOS],
            is_sorted: true,
            counts: [0; LEVELS],
            len: 0,
            tick_exponent: Fx::ZERO,
            discount: 0,
            put_lots: 0,
            put_strikes: 0,
            gross_lots: 0,
            narrow: true,
        }
    }

    /// Empties the array and applies a scenario set to an expiry: shocked forwards, no positions.
    pub fn start(&mut self, expiry: &Expiry, set: &ScenarioSet) {
        self.start_from(expiry, set, set.shocks(), |shock| *shock);
    }

    /// [`RiskArray::start`] with the shocks of the set, which may lie elsewhere in another form.
    #[inline(never)]
    pub(crate) fn start_from<T>(
        &mut self,
        expiry: &Expiry,
        set: &ScenarioSet,
        shocks: &[T],
        read: impl Fn(&T) -> Shock,
    ) {
        self.is_sorted = set.is_sorted;
        if !set.is_sorted {
            self.positions = set.positions;
        }
        self.counts = set.counts;
        self.len = set.len();
        self.discount = expiry.discount;
        (self.put_lots, self.put_strikes, self.gross_lots, self.narrow) = (0, 0, 0, true);
        if expiry.variable != expiry.forward {
            self.start_window(expiry, set, shocks, read);
            return;
        }
        let spot = expiry.spot >> 22; // [2^39, 2^40), in 2^(spot_exponent + 22)
        let (high, low) = (spot >> 20, spot & 0xf_ffff);
        // 20 bits times at most 2^43 each, so the sum is at most 2^63, and half a tick below 2^26.
        let scaled = |ratio: u64| high.wrapping_mul(ratio).wrapping_add(low.wrapping_mul(ratio) >> 20);
        let largest = scaled(set.largest);
        let mut right = ticks_shift(largest);
        let mut half = shr(shl(1, right), Fx(1));
        // No slot may be rounded up to the bound.
        if shr(largest.wrapping_add(half), right) >> TICK_BITS != 0 {
            right += Fx(1);
            half <<= 1;
        }
        self.tick_exponent = expiry.spot_exponent + right + Fx(2);
        let (Some(slots), Some(shocks)) = (self.slots.get_mut(..set.len()), shocks.get(..set.len())) else { return };
        for (slot, shock) in slots.iter_mut().zip(shocks) {
            let shock = read(shock);
            slot.start(shr(scaled(shock.ratio).wrapping_add(half), right), shock.ln);
        }
    }

    /// Inside a settlement window the ratio of the forwards is no constant of the scenario.
    #[inline(never)]
    fn start_window<T>(&mut self, expiry: &Expiry, set: &ScenarioSet, shocks: &[T], read: impl Fn(&T) -> Shock) {
        // The whole forward is not zero, and a shocked one is at most 8 times it.
        let scaled = |forward: Price| {
            let ratio = (u128::from(forward.0) << 60).checked_div(u128::from(expiry.forward.0)).unwrap_or(0);
            mul_high(expiry.spot, ratio as u64) // in 2^(spot_exponent + 4), below 2^61
        };
        let right = ticks_shift(scaled(window_forward(expiry, set.largest)));
        self.tick_exponent = expiry.spot_exponent + right + Fx(4);
        let half = shr(shl(1, right), Fx(1));
        for (slot, shock) in self.slots.iter_mut().zip(shocks).take(set.len()) {
            let shock = read(shock);
            let forward = window_forward(expiry, shock.ratio);
            let ln_shift = (Normal::new(forward.0).ln() - expiry.ln_forward) >> 24;
            // Rounding may lift the largest forward to the bound itself.
            slot.start(shr(scaled(forward).wrapping_add(half), right).min((1 << TICK_BITS) - 1), ln_shift);
        }
    }

    /// Adds net calls and net puts of one strike in every scenario.
    ///
    /// Each value is discounted and within 2e-11 of max(F, K).
    ///
    /// # Errors
    /// `LotsOutOfRange`: the gross lots of the array would pass [`MAX_GROSS_LOTS`]; the array is unchanged.
    pub fn add(&mut self, leg: &Leg, calls: Lots, puts: Lots) -> Result<(), KernelError> {
        self.gross_lots = add_gross(self.gross_lots, calls, puts)?;
        // |calls|, |puts| <= 2^40 from here on.
        let strike = TickStrike::new(self.tick_exponent, leg);
        if self.gross_lots > NARROW_LOTS || strike.coarse != Fx::ZERO {
            self.narrow = false;
        }
        if puts.0 != 0 {
            self.put_lots = self.put_lots.wrapping_add(puts.0); // bounded by the gross lots
            let grains = if self.narrow {
                i128::from((Fx(puts.0) * Fx::from_bits(strike.whole << 4)).0) // 19 + 42 bits
            } else {
                i128::from(puts.0).wrapping_mul(i128::from(strike.whole) << 4) // 40 + 67 bits
            };
            // All terms together stay below 2^40 lots * 2^67.
            self.put_strikes = self.put_strikes.wrapping_add(grains);
        }
        let lots = Fx(calls.0) + Fx(puts.0);
        if lots == Fx::ZERO {
            Ok(())
        } else if self.narrow {
            Run::add_levels::<Narrow>(&mut self.slots, &self.counts, leg, &strike, lots);
            Ok(())
        } else {
            Run::add_levels::<Wide>(&mut self.slots, &self.counts, leg, &strike, lots);
            Ok(())
        }
    }

    /// The caller's `index`-th scenario: lots x 1e-12 USD per unit, discounted, rounded down (against the account).
    /// Multiply by the lot size. `None` beyond the set.
    #[must_use]
    pub fn total(&self, index: usize) -> Option<i128> {
        self.at(self.position(index)?)
    }

    /// [`RiskArray::total`] of a slot of the set.
    #[inline]
    pub(crate) fn at(&self, slot: usize) -> Option<i128> {
        let slot = self.slots.get(slot)?;
        if self.is_narrow() {
            // As in `read`, of one word.
            let (word, unit) = (self.grains(slot), self.tick_exponent - Fx(4));
            return Some(if unit.is_negative() { i128::from(word.0 >> (-unit).0) } else { Word { word, unit }.wide() });
        }
        Some(self.read(slot))
    }

    /// Whether sums fit one word in ticks that are whole units.
    #[inline(always)]
    pub(crate) fn is_narrow(&self) -> bool {
        self.narrow && !self.tick_exponent.is_negative()
    }

    /// The sum of a slot whose sums fit one word: calls below 2^60, the put terms below 2^60 and 2^61, see [`NARROW_LOTS`].
    #[inline(always)]
    pub(crate) fn grains(&self, slot: &Slot) -> Fx {
        if self.put_lots == 0 { self.grains_of::<false>(slot) } else { self.grains_of::<true>(slot) }
    }

    /// [`RiskArray::grains`] where it is known whether puts are left, for loops.
    #[inline(always)]
    pub(crate) fn grains_of<const HAS_PUTS: bool>(&self, slot: &Slot) -> Fx {
        let strikes = slot.low + Fx(self.put_strikes as i64);
        if HAS_PUTS { strikes - (Fx(self.put_lots) << 4) * slot.forward() } else { strikes }
    }

    /// Adds every scenario's total, as [`RiskArray::total`], to the sums of an underlying, all of whose arrays were
    /// started with the same set.
    ///
    /// # Errors
    /// `Overflow` when a sum reaches 2^110 (one array never does), or after 2^14 arrays; the sums are then of no use.
    #[inline(never)]
    pub fn add_totals(&self, totals: &mut Totals) -> Result<(), KernelError> {
        let slots = self.slots.get(..self.len).unwrap_or(&self.slots);
        // The tick is at most 2^36: no D F passes 2^73.
        let unit = self.tick_exponent - Fx(4);
        match totals.admit(unit, self.word_bound(1))? {
            Some(room) => totals.add_words(0, slots, room, |slot| self.grains(slot)),
            None if !self.narrow || unit.is_negative() => return self.add_wide_totals(totals, slots),
            None => totals.add_narrow(slots, |slot| self.grains(slot), unit),
        }
        Ok(())
    }

    /// Bound in grains of `times` the sum of any slot; the largest number where it is none, or takes more than a word.
    #[inline(always)]
    pub(crate) fn word_bound(&self, times: u64) -> u64 {
        // A call is at most the forward, of 2^41 grains, and a put the strike, of 2^42, both within the kernel's error.
        let lots = Fx(self.gross_lots).bits().wrapping_mul(times); // 40 and a few bits
        if self.narrow && lots >> 19 == 0 { lots << 43 } else { u64::MAX }
    }

    #[inline(never)]
    fn add_wide_totals(&self, totals: &mut Totals, slots: &[Slot]) -> Result<(), KernelError> {
        totals.add_wide(slots, |slot| self.read(slot))
    }

    pub(crate) fn read(&self, slot: &Slot) -> i128 {
        // |put_lots| <= 2^40 and the parts of the forward in grains are below 2^20 and 2^21: with the sums, below 2^63.
        let (puts, forward) = (Fx(self.put_lots), slot.forward() << 4);
        let high = slot.high - puts * (forward >> 21);
        let low = slot.low - puts * (forward & GRAIN_MASK);
        let grains = (i128::from(high.0) << 21).wrapping_add(i128::from(low.0)).wrapping_add(self.put_strikes);
        let shift = self.tick_exponent - Fx(4); // -70 ..= 32, and |grains| < 2^108 where it is positive
        if shift.is_negative() { grains >> (-shift).0 } else { grains << shift.0 }
    }

    /// Where the caller's `index`-th scenario lies among the slots.
    #[inline(always)]
    pub(crate) fn position(&self, index: usize) -> Option<usize> {
        position(index, self.len, if self.is_sorted { None } else { Some(&self.positions) })
    }
}

/// Right shift that leaves the largest forward `TICK_BITS` bits.
#[inline(always)]
fn ticks_shift(largest: u64) -> Fx {
    (Fx(64 - TICK_BITS as i64) - leading_zeros(largest | 1)).max(Fx::ZERO)
}

/// fixed + variable * ratio, rounded down, at least 1e-12 USD.
pub(crate) fn window_forward(expiry: &Expiry, ratio: u64) -> Price {
    let variable = u128::from(expiry.variable.0).wrapping_mul(u128::from(ratio)) >> 40; // 64 + 43 bits
    let fixed = u128::from(expiry.forward.0.wrapping_sub(expiry.variable.0)); // the variable part is a part
    Price(variable.wrapping_add(fixed).clamp(1, u128::from(u64::MAX)) as u64)
}

/// Gross lots with one more position, or `LotsOutOfRange`.
#[inline(always)]
pub(crate) fn add_gross(so_far: i64, calls: Lots, puts: Lots) -> Result<i64, KernelError> {
    let (calls, puts) = (calls.0.unsigned_abs(), puts.0.unsigned_abs()); // each at most 2^63
    if (calls | puts) >> 62 != 0 {
        return Err(KernelError::LotsOutOfRange);
    }
    let total = Fx(so_far) + Fx::from_bits(calls >> 1) + Fx::from_bits(puts >> 1); // so_far is in 0..=2^40
    let total = total + Fx::from_bits(calls.wrapping_sub(calls >> 1)) + Fx::from_bits(puts.wrapping_sub(puts >> 1));
    if total.0 > MAX_GROSS_LOTS { Err(KernelError::LotsOutOfRange) } else { Ok(total.0) }
}
