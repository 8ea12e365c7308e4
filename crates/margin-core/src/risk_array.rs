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
use crate::fx::{Fx, leading_zeros, mul_high, scale, shr};
use crate::leg::Leg;
use crate::line::Line;
use crate::normal::{SCAN_END_BITS, scan_cdf, scan_cdf_saturating};
use crate::quantities::{Lots, Price};
use crate::scenario::{LEVELS, MAX_SCENARIOS, ScenarioSet};

/// Largest sum of |calls| + |puts| over one risk array: 2^40.
pub const MAX_GROSS_LOTS: i64 = 1 << 40;
/// Up to 2^19 gross lots a value of 41 bits times lots is summed in one word: the sums of calls and of put lots x
/// forward stay below 2^60 each, that of put lots x strike below 2^61. Beyond, values are split at 21 bits.
const NARROW_LOTS: i64 = 1 << 19;
const TICK_BITS: i64 = 37;
const STRIKE_BITS: u32 = 38;
/// Bits of the lower part of a forward or strike in the loop's products.
const SPLIT: u32 = 19;
const SPLIT_MASK: Fx = Fx((1 << SPLIT) - 1);
/// Lower part of a value in grains.
const GRAIN_MASK: Fx = Fx(0x1f_ffff);

/// One scenario of the expiry, and the sum over strikes of lots x call value: `high * 2^21 + low` grains.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Slot {
    /// ln(shocked F / F), Q32; |.| <= 21 (44.4 inside a settlement window).
    pub(crate) ln_shift: Fx,
    /// Shocked D F: `forward_high * 2^19 + forward_low` ticks, below 2^37.
    forward_high: Fx,
    forward_low: Fx,
    high: Fx,
    low: Fx,
}

impl Slot {
    const EMPTY: Self =
        Self { ln_shift: Fx::ZERO, forward_high: Fx::ZERO, forward_low: Fx::ZERO, high: Fx::ZERO, low: Fx::ZERO };

    #[inline(always)]
    fn new(forward: Fx, ln_shift: Fx) -> Self {
        // Rounding may lift the largest forward to 2^37 itself: stay one below.
        let forward = forward.min(Fx((1 << TICK_BITS) - 1));
        Self { ln_shift, forward_high: forward >> SPLIT, forward_low: forward & SPLIT_MASK, ..Self::EMPTY }
    }

    /// In ticks.
    #[inline(always)]
    pub(crate) fn forward(&self) -> Fx {
        (self.forward_high << SPLIT) + self.forward_low
    }
}

/// Value of an expiry's vanilla options in every scenario of a set. About 1.8 KB: mind the SVM's 4 KiB stack frames.
///
/// Sums are exact in the evaluated values, so equal and opposite lots of one strike vanish exactly, in any order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RiskArray {
    pub(crate) slots: [Slot; MAX_SCENARIOS],
    positions: [u8; MAX_SCENARIOS],
    /// End of each vol level's slots; inside a level they ascend by `ln_shift`.
    pub(crate) ends: [usize; LEVELS],
    len: usize,
    /// One tick is 2^tick_exponent of 1e-12 USD.
    pub(crate) tick_exponent: Fx,
    pub(crate) discount: u64,
    /// Sum of put lots, and of put lots x D K in grains.
    put_lots: i64,
    put_strikes: i128,
    gross_lots: i64,
    /// Whether every `high` is still zero and all sums fit 64 bits; see [`NARROW_LOTS`].
    narrow: bool,
}

impl RiskArray {
    /// An array without scenarios; [`RiskArray::start`] it.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            slots: [Slot::EMPTY; MAX_SCENARIOS],
            positions: [0; MAX_SCENARIOS],
            ends: [0; LEVELS],
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
    #[inline(never)]
    pub fn start(&mut self, expiry: &Expiry, set: &ScenarioSet) {
        self.positions = set.positions;
        self.ends = set.ends;
        self.len = set.len();
        self.discount = expiry.discount;
        (self.put_lots, self.put_strikes, self.gross_lots, self.narrow) = (0, 0, 0, true);
        if expiry.variable != expiry.forward {
            self.start_window(expiry, set);
            return;
        }
        let spot = expiry.spot >> 22; // [2^39, 2^40), in 2^(spot_exponent + 22)
        let (high, low) = (spot >> 20, spot & 0xf_ffff);
        // 20 bits * 43 bits each, and the sum is spot * ratio / 2^20 < 2^63.
        let scaled =
            |ratio: u64| Fx::from_bits(high.wrapping_mul(ratio)) + Fx::from_bits(low.wrapping_mul(ratio) >> 20);
        let right = ticks_shift(scaled(set.largest));
        self.tick_exponent = expiry.spot_exponent + right + Fx(2);
        let half = Fx(1) << right >> 1;
        for (slot, shock) in self.slots.iter_mut().zip(set.shocks()) {
            *slot = Slot::new((scaled(shock.ratio) + half) >> right, shock.ln);
        }
    }

    /// Inside a settlement window the ratio of the forwards is no constant of the scenario.
    #[inline(never)]
    fn start_window(&mut self, expiry: &Expiry, set: &ScenarioSet) {
        // The whole forward is not zero, and a shocked one is at most 8 times it.
        let scaled = |forward: Price| {
            let ratio = (u128::from(forward.0) << 60).checked_div(u128::from(expiry.forward.0)).unwrap_or(0);
            Fx::from_bits(mul_high(expiry.spot, ratio as u64)) // in 2^(spot_exponent + 4), below 2^61
        };
        let right = ticks_shift(scaled(window_forward(expiry, set.largest)));
        self.tick_exponent = expiry.spot_exponent + right + Fx(4);
        let half = Fx(1) << right >> 1;
        for (slot, shock) in self.slots.iter_mut().zip(set.shocks()) {
            let forward = window_forward(expiry, shock.ratio);
            let ln_shift = (Normal::new(forward.0).ln() - expiry.ln_forward) >> 24;
            *slot = Slot::new((scaled(forward) + half) >> right, ln_shift);
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
            Run::add_levels::<Narrow>(&mut self.slots, &self.ends, leg, &strike, lots);
            Ok(())
        } else {
            Run::add_levels::<Wide>(&mut self.slots, &self.ends, leg, &strike, lots);
            Ok(())
        }
    }

    /// The caller's `index`-th scenario: lots x 1e-12 USD per unit, discounted, rounded down (against the account).
    /// Multiply by the lot size. `None` beyond the set.
    #[must_use]
    pub fn total(&self, index: usize) -> Option<i128> {
        Some(self.read(self.slots.get(self.position(index)?)?))
    }

    /// Adds every scenario's total, as [`RiskArray::total`], to the caller's sums, in the caller's order of scenarios.
    /// Sums beyond the set are left alone.
    ///
    /// # Errors
    /// `Overflow` when a sum reaches 2^126.
    #[inline(never)]
    pub fn add_totals(&self, sums: &mut [i128]) -> Result<(), KernelError> {
        let shift = self.tick_exponent - Fx(4);
        if !self.narrow || shift.is_negative() {
            return self.add_wide_totals(sums);
        }
        let (puts, strikes) = (Fx(self.put_lots) << 4, Fx(self.put_strikes as i64)); // below 2^61, see NARROW_LOTS
        for (sum, position) in sums.iter_mut().zip(self.positions.iter().take(self.len)) {
            let slot = &self.slots[usize::from(*position).min(MAX_SCENARIOS - 1)];
            let grains = slot.low - puts * slot.forward() + strikes;
            *sum = add_bounded(*sum, wide_shl(grains, shift))?;
        }
        Ok(())
    }

    /// As [`RiskArray::add_totals`], with each total multiplied by `factors`: `gain` where it is an asset, `debt` where it
    /// is a liability. The products round against the account by less than four ticks, and nothing stays nothing.
    ///
    /// `signs` fixes which scenarios are liabilities (bit i: the caller's i-th scenario) instead of the totals' own
    /// signs. Returns the signs used.
    ///
    /// # Errors
    /// `Overflow` when a sum reaches 2^126.
    #[inline(never)]
    pub fn add_factored_totals(
        &self,
        factors: &SignedFactors,
        signs: Option<u64>,
        sums: &mut [i128],
    ) -> Result<u64, KernelError> {
        let narrow = self.narrow && !self.tick_exponent.is_negative();
        let (puts, strikes) = (Fx(self.put_lots) << 4, Fx(self.put_strikes as i64)); // as in `add_totals`, if narrow
        let (mut used, mut bit) = (0u64, 1u64);
        for (sum, position) in sums.iter_mut().zip(self.positions.iter().take(self.len)) {
            let slot = &self.slots[usize::from(*position).min(MAX_SCENARIOS - 1)];
            let own = if narrow {
                Total::Grains(slot.low - puts * slot.forward() + strikes)
            } else {
                Total::Wide(self.read(slot))
            };
            let debt = signs.map_or(own.is_negative(), |signs| signs & bit != 0);
            let factor = if debt { factors.debt } else { factors.gain };
            let scaled = match own {
                Total::Grains(grains) => wide_shl(scale_grains(grains, factor), self.tick_exponent),
                Total::Wide(value) => scale_wide(value, factor),
            };
            *sum = add_bounded(*sum, scaled)?;
            used |= if debt { bit } else { 0 };
            bit = bit.wrapping_shl(1);
        }
        Ok(used)
    }

    #[inline(never)]
    fn add_wide_totals(&self, sums: &mut [i128]) -> Result<(), KernelError> {
        for (sum, position) in sums.iter_mut().zip(self.positions.iter().take(self.len)) {
            let slot = &self.slots[usize::from(*position).min(MAX_SCENARIOS - 1)];
            *sum = add_bounded(*sum, self.read(slot))?;
        }
        Ok(())
    }

    fn read(&self, slot: &Slot) -> i128 {
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
        if index < self.len { self.positions.get(index).map(|&position| usize::from(position)) } else { None }
    }
}

/// Factors on an expiry's value in a scenario, Q60 and below 2^63 (8.0).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignedFactors {
    /// Where the account is long.
    pub gain: u64,
    /// Where it is short.
    pub debt: u64,
}

/// A total before it is scaled.
enum Total {
    /// In grains, below 2^62.
    Grains(Fx),
    /// In 1e-12 USD.
    Wide(i128),
}

impl Total {
    #[inline(always)]
    fn is_negative(&self) -> bool {
        match self {
            Self::Grains(grains) => grains.is_negative(),
            Self::Wide(value) => *value < 0,
        }
    }
}

/// Grains times a factor in Q60, in ticks, rounded down (by up to three ticks).
#[inline(always)]
fn scale_grains(grains: Fx, factor: u64) -> Fx {
    if grains == Fx::ZERO {
        return Fx::ZERO;
    }
    let ticks = Fx::from_bits(mul_high(grains.abs(), factor)); // Q60 * 2^-4 ticks over 2^64; at most two too small
    if grains.is_negative() { -ticks - Fx(3) } else { ticks }
}

/// A value times a factor in Q60, rounded down.
fn scale_wide(value: i128, factor: u64) -> i128 {
    let (magnitude, factor) = (value.unsigned_abs(), u128::from(factor));
    let (high, low) = (magnitude >> 60, magnitude & ((1 << 60) - 1)); // |value| < 2^124: 64 bits and 60 bits
    let product = high.wrapping_mul(factor).wrapping_add(low.wrapping_mul(factor) >> 60) as i128; // below 2^127
    if value < 0 { product.wrapping_neg().wrapping_sub(1) } else { product }
}

/// Right shift that leaves the largest forward `TICK_BITS` bits.
#[inline(always)]
fn ticks_shift(largest: Fx) -> Fx {
    (Fx(64 - TICK_BITS) - leading_zeros(largest.bits() | 1)).max(Fx::ZERO)
}

/// fixed + variable * ratio, rounded down, at least 1e-12 USD.
fn window_forward(expiry: &Expiry, ratio: u64) -> Price {
    let variable = u128::from(expiry.variable.0).wrapping_mul(u128::from(ratio)) >> 40; // 64 + 43 bits
    let fixed = u128::from(expiry.forward.0.wrapping_sub(expiry.variable.0)); // the variable part is a part
    Price(variable.wrapping_add(fixed).clamp(1, u128::from(u64::MAX)) as u64)
}

/// `value * 2^bits` for 0 <= bits < 64 without a 128-bit builtin.
#[inline(always)]
fn wide_shl(value: Fx, bits: Fx) -> i128 {
    let low = (value.0 as u64) << (bits.0 & 63);
    let high = (value >> 1) >> (Fx(63) - bits);
    (i128::from(high.0) << 64) | i128::from(low)
}

/// Sum with a bound of 2^126, which is cheaper to check than a carry into the sign.
#[inline(always)]
fn add_bounded(a: i128, b: i128) -> Result<i128, KernelError> {
    let sum = a.wrapping_add(b); // |a| < 2^126 unless the caller began beyond it, |b| < 2^124
    let high = (sum >> 64) as i64;
    if (high ^ high.wrapping_shl(1)) < 0 { Err(KernelError::Overflow) } else { Ok(sum) }
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

/// How lots x value is added to a slot; the value is in 2^-25 ticks and in -2^32..=2^62.
trait Accumulate {
    fn add(slot: &mut Slot, value: Fx, lots: Fx);
}

/// One word.
struct Narrow;

impl Accumulate for Narrow {
    #[inline(always)]
    fn add(slot: &mut Slot, value: Fx, lots: Fx) {
        slot.low += lots * (value >> 21);
    }
}

/// Two words: |lots| sums to at most 2^40 and the parts are below 2^20 and 2^21, so the sums stay below 2^62 with what
/// narrow additions left.
struct Wide;

impl Accumulate for Wide {
    #[inline(always)]
    fn add(slot: &mut Slot, value: Fx, lots: Fx) {
        slot.high += lots * (value >> 42);
        slot.low += lots * ((value >> 21) & GRAIN_MASK);
    }
}

/// D K in the ticks of an array.
pub(crate) struct TickStrike {
    /// In ticks, nearest, below 2^63.
    pub(crate) whole: u64,
    /// In 2^coarse ticks, below 2^38, split like a forward.
    high: Fx,
    low: Fx,
    /// Bits dropped from strike and forward when the strike is more than twice the largest forward.
    coarse: Fx,
}

impl TickStrike {
    #[inline(always)]
    pub(crate) fn new(tick_exponent: Fx, leg: &Leg) -> Self {
        let right = tick_exponent - leg.strike_exponent;
        // |ln F/K| is bounded, so the strike has at least one tick, and `right` is below 63.
        let whole = if right > Fx::ZERO {
            shr(leg.strike, right - Fx(1)).wrapping_add(1) >> 1
        } else {
            scale(leg.strike, -right)
        };
        let coarse = if whole >> STRIKE_BITS == 0 { Fx::ZERO } else { Fx(26) - leading_zeros(whole) };
        let reduced = Fx::from_bits(shr(whole, coarse));
        Self { whole, high: reduced >> SPLIT, low: reduced & SPLIT_MASK, coarse }
    }
}

/// One strike at one vol level, with the lots to add.
struct Run<'a> {
    line: Line,
    strike: &'a TickStrike,
    lots: Fx,
}

impl<'a> Run<'a> {
    #[inline(always)]
    fn add_levels<A: Accumulate>(
        slots: &mut [Slot; MAX_SCENARIOS],
        ends: &[usize; LEVELS],
        leg: &Leg,
        strike: &'a TickStrike,
        lots: Fx,
    ) {
        let mut start = 0;
        for (end, level) in ends.iter().zip(&leg.levels) {
            if let Some(slots @ [_, ..]) = slots.get_mut(start..*end) {
                if level.v == Fx::ZERO {
                    strike.add_intrinsic::<A>(slots, lots);
                } else {
                    Run { line: Line::new(leg.x, *level), strike, lots }.add::<A>(slots);
                }
            }
            start = *end;
        }
    }

    /// Slots ascend by spot, so those whose coordinates leave the table lie at the two ends; between them the loop
    /// needs no check at all.
    #[inline(always)]
    fn add<A: Accumulate>(&self, slots: &mut [Slot]) {
        let (low, high) = self.line.inside();
        if self.strike.coarse != Fx::ZERO || low >= high {
            return self.add_edge::<A>(slots);
        }
        let below = slots.iter().take_while(|slot| slot.ln_shift < low).count();
        let (below, slots) = slots.split_at_mut(below);
        let above = slots.iter().rev().take_while(|slot| slot.ln_shift >= high).count();
        let (slots, above) = slots.split_at_mut(slots.len().wrapping_sub(above));
        if !below.is_empty() {
            self.add_edge::<A>(below);
        }
        if !above.is_empty() {
            self.add_edge::<A>(above);
        }
        self.add_inside::<A>(slots);
    }

    #[inline(never)]
    fn add_inside<A: Accumulate>(&self, slots: &mut [Slot]) {
        for slot in slots {
            let (i1, i2) = self.line.at_inside(slot.ln_shift);
            A::add(
                slot,
                self.strike.combine(slot.forward_high, slot.forward_low, scan_cdf(i1), scan_cdf(i2)),
                self.lots,
            );
        }
    }

    /// Slots whose coordinates may lie beyond the table, or with a coarse strike.
    #[inline(never)]
    fn add_edge<A: Accumulate>(&self, slots: &mut [Slot]) {
        for slot in slots {
            let (i1, i2) = self.line.at(slot.ln_shift);
            if i1.is_negative() {
                continue; // worthless: d2 < d1 < -8
            }
            let TickStrike { high, low, coarse, .. } = *self.strike;
            let forward = slot.forward() >> coarse;
            let value = if (i2 >> SCAN_END_BITS).0 > 0 {
                (forward - (high << SPLIT) - low) << 25 // certain: d1 > d2 >= 8
            } else {
                let (n1, n2) = (scan_cdf_saturating(i1), scan_cdf_saturating(i2));
                self.strike.combine(forward >> SPLIT, forward & SPLIT_MASK, n1, n2)
            };
            // A strike far above the forward carries an error relative to itself: keep 0 <= call <= F.
            A::add(slot, value.max(Fx::ZERO).min(forward << 25) << coarse, self.lots);
        }
    }
}

impl TickStrike {
    /// Call value in 2^-25 ticks: F N(d1) - K N(d2) with N in Q44, F and K split at 19 bits.
    ///
    /// The upper parts are below 2^18 and 2^19, the lower ones below 2^19, and N at most 2^44: every product is below
    /// 2^63 - 2^44, and so is every difference in magnitude.
    #[inline(always)]
    fn combine(&self, forward_high: Fx, forward_low: Fx, n1: Fx, n2: Fx) -> Fx {
        (forward_high * n1 - self.high * n2) + ((forward_low * n1 - self.low * n2) >> SPLIT)
    }

    /// No time value.
    #[inline(never)]
    fn add_intrinsic<A: Accumulate>(&self, slots: &mut [Slot], lots: Fx) {
        let strike = Fx::from_bits(self.whole.min(1 << STRIKE_BITS)); // no forward reaches 2^37
        for slot in slots {
            A::add(slot, (slot.forward() - strike).max(Fx::ZERO) << 25, lots);
        }
    }
}
