//! Scenario revaluation: one strike at a time into a fixed array of accumulators per expiry.
//!
//! The inner loop runs once per (strike, scenario), some thousand times per margin check; everything that does not
//! depend on the scenario is hoisted, every product fits 64 bits, and calls and puts of a strike share one
//! evaluation: q_c C + q_p P = (q_c + q_p) C - q_p (F - K), whose last term is linear and kept apart.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "operators are those of Fx or argued inline; indices come from the grid, which is built within bounds"
)]

use crate::black::Terms;
use crate::deviation::Deviation;
use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::fx::{Fx, align, leading_zeros, mul_high, scale, shl, shr};
use crate::normal::{ONE_Q44, SCAN_BIAS, SCAN_BITS, SCAN_END_BITS, scan_cdf, scan_cdf_saturating};
use crate::quantities::{Lots, Price};
use crate::scenario::{MAX_SCENARIOS, Node, ScenarioGrid, VolLevels};
use crate::strike::Strike;

/// Largest sum of |calls| + |puts| over one risk array: 2^40.
pub const MAX_GROSS_LOTS: i64 = 1 << 40;

/// One strike of one expiry, ready for scenarios.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Leg {
    /// ln(F/K), Q56; |x| <= 20 ln 2.
    x: Fx,
    /// D K as `strike * 2^strike_exponent` in 1e-12 USD; below 2^63.
    strike: u64,
    strike_exponent: Fx,
    /// By vol level; `None` has no time value.
    levels: [Option<Deviation>; 3],
}

impl Leg {
    /// Prepares one strike with its three vols.
    ///
    /// # Errors
    /// `StrikeOutOfRange`, `MoneynessOutOfRange`, `VolOutOfRange`.
    #[inline]
    pub fn prepare(expiry: &Expiry, strike: Price, vols: &VolLevels) -> Result<Self, KernelError> {
        Self::prepare_at(expiry, &Strike::prepare(strike)?, vols)
    }

    /// [`Leg::prepare`] for a strike whose logarithm is known.
    ///
    /// # Errors
    /// `MoneynessOutOfRange`, `VolOutOfRange`.
    #[inline]
    pub fn prepare_at(expiry: &Expiry, strike: &Strike, vols: &VolLevels) -> Result<Self, KernelError> {
        let terms = Terms::new(expiry, strike)?;
        Ok(Self {
            x: terms.x,
            strike: terms.strike,
            strike_exponent: terms.exponent,
            levels: [
                Deviation::new(expiry, vols.up)?,
                Deviation::new(expiry, vols.none)?,
                Deviation::new(expiry, vols.down)?,
            ],
        })
    }
}

/// Sum over strikes of lots x call value: `high * 2^21 + low` in quarter ticks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Cell {
    high: Fx,
    low: Fx,
}

/// Value of an expiry's vanilla options in every scenario of a grid.
///
/// Sums are exact in the evaluated values, so equal and opposite lots of one strike vanish exactly, in any order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RiskArray {
    cells: [Cell; MAX_SCENARIOS],
    /// Sum of put lots, and of put lots x D K in quarter ticks.
    put_lots: i64,
    put_strikes: i128,
    gross_lots: i64,
    /// Whether every `high` is still zero and all sums fit 64 bits; see [`NARROW_LOTS`].
    narrow: bool,
}

/// Up to 2^19 gross lots a value of 42 bits times lots is summed in one word: the sums of calls, of put lots x
/// forward and of put lots x strike stay below 2^61 each. Beyond, values are split in two halves of 21 bits.
const NARROW_LOTS: i64 = 1 << 19;

impl Default for RiskArray {
    fn default() -> Self {
        Self::new()
    }
}

impl RiskArray {
    /// An empty array (about 700 bytes: mind the 4 KiB stack frames of the SVM).
    #[must_use]
    pub const fn new() -> Self {
        Self {
            cells: [Cell { high: Fx::ZERO, low: Fx::ZERO }; MAX_SCENARIOS],
            put_lots: 0,
            put_strikes: 0,
            gross_lots: 0,
            narrow: true,
        }
    }

    /// Empties the array for the next expiry.
    pub fn clear(&mut self) {
        self.cells.fill(Cell::default());
        self.put_lots = 0;
        self.put_strikes = 0;
        self.gross_lots = 0;
        self.narrow = true;
    }

    /// Adds net calls and net puts of one strike in every scenario of the grid of the same expiry.
    ///
    /// Each value is discounted and within 2e-11 of max(F, K).
    ///
    /// # Errors
    /// `LotsOutOfRange`: the gross lots of the array would pass [`MAX_GROSS_LOTS`]; the array is unchanged.
    pub fn add(&mut self, grid: &ScenarioGrid, leg: &Leg, calls: Lots, puts: Lots) -> Result<(), KernelError> {
        self.gross_lots = gross(self.gross_lots, calls, puts)?;
        // |calls|, |puts| <= 2^40 from here on.
        let strike = TickStrike::new(grid, leg);
        if self.gross_lots > NARROW_LOTS || strike.coarse != Fx::ZERO {
            self.narrow = false;
        }
        if puts.0 != 0 {
            self.put_lots = self.put_lots.wrapping_add(puts.0); // bounded by the gross lots
            let quarters = if self.narrow {
                i128::from((Fx(puts.0) * Fx::from_bits(strike.whole << 2)).0) // 19 + 42 bits
            } else {
                i128::from(puts.0).wrapping_mul(i128::from(strike.whole) << 2) // 40 + 65 bits
            };
            // All terms together stay below 2^40 lots * 2^65.
            self.put_strikes = self.put_strikes.wrapping_add(quarters);
        }
        let lots = Fx(calls.0) + Fx(puts.0);
        if lots == Fx::ZERO {
            Ok(())
        } else if self.narrow {
            strike.add_levels::<Narrow>(&mut self.cells, grid, leg, lots);
            Ok(())
        } else {
            strike.add_levels::<Wide>(&mut self.cells, grid, leg, lots);
            Ok(())
        }
    }

    /// The caller's `index`-th scenario: lots x 1e-12 USD per unit, discounted, rounded down (against the account).
    /// Multiply by the lot size. `None` beyond the grid.
    #[must_use]
    pub fn total(&self, grid: &ScenarioGrid, index: usize) -> Option<i128> {
        let position = grid.position(index)?;
        let (cell, node) = (self.cells.get(position)?, grid.nodes.get(position)?);
        Some(self.read(grid, cell, node))
    }

    /// Adds every scenario's total, as [`RiskArray::total`], to the caller's sums, in the caller's order of scenarios.
    /// Sums beyond the grid are left alone.
    ///
    /// # Errors
    /// `Overflow` when a sum reaches 2^126.
    #[inline(never)]
    pub fn add_totals(&self, grid: &ScenarioGrid, sums: &mut [i128]) -> Result<(), KernelError> {
        let shift = grid.tick_exponent - Fx(2);
        if !self.narrow || shift.is_negative() {
            return self.add_wide_totals(grid, sums);
        }
        let (puts, strikes) = (Fx(self.put_lots) << 2, Fx(self.put_strikes as i64)); // below 2^61, see NARROW_LOTS
        for (sum, position) in sums.iter_mut().zip(grid.positions()) {
            let position = usize::from(*position).min(MAX_SCENARIOS - 1);
            let quarters = self.cells[position].low - puts * grid.nodes[position].forward + strikes;
            *sum = add_bounded(*sum, wide_shl(quarters, shift))?;
        }
        Ok(())
    }

    #[inline(never)]
    fn add_wide_totals(&self, grid: &ScenarioGrid, sums: &mut [i128]) -> Result<(), KernelError> {
        for (sum, position) in sums.iter_mut().zip(grid.positions()) {
            let position = usize::from(*position).min(MAX_SCENARIOS - 1);
            *sum = add_bounded(*sum, self.read(grid, &self.cells[position], &grid.nodes[position]))?;
        }
        Ok(())
    }

    #[inline(always)]
    fn read(&self, grid: &ScenarioGrid, cell: &Cell, node: &Node) -> i128 {
        let (mut high, mut low) = (cell.high, cell.low);
        let shift = grid.tick_exponent - Fx(2); // -66 ..= 27
        if self.narrow {
            // Every term is below 2^61 (see NARROW_LOTS), so the strikes fit 64 bits too.
            let quarters = low - Fx(self.put_lots) * (node.forward << 2) + Fx(self.put_strikes as i64);
            return if shift.is_negative() {
                i128::from((quarters >> (-shift).min(Fx(63))).0)
            } else {
                wide_shl(quarters, shift)
            };
        }
        if self.put_lots != 0 {
            // |put_lots| <= 2^40 and both halves of the forward are below 2^21: with the sums, below 2^62.
            let puts = Fx(self.put_lots);
            high = high - puts * (node.forward >> 19);
            low = low - puts * ((node.forward << 2) & QUARTER_TICKS);
        }
        let quarters =
            (i128::from(high.0) << 21).wrapping_add(i128::from(low.0)).wrapping_add(self.put_strikes);
        // |quarters| < 2^106 and the tick exponent is at most 29.
        if shift.is_negative() {
            quarters.wrapping_shr((-shift).0 as u32)
        } else {
            quarters.wrapping_shl(shift.0 as u32)
        }
    }
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
    let sum = a.wrapping_add(b); // |a| < 2^126 by induction, |b| < 2^107
    let high = (sum >> 64) as i64;
    if (high ^ high.wrapping_shl(1)) < 0 { Err(KernelError::Overflow) } else { Ok(sum) }
}

/// Low part of a value in quarter ticks.
const QUARTER_TICKS: Fx = Fx(0x1f_ffff);
const MASK_22: Fx = Fx(0x3f_ffff);

fn gross(so_far: i64, calls: Lots, puts: Lots) -> Result<i64, KernelError> {
    let added = calls.0.unsigned_abs().saturating_add(puts.0.unsigned_abs());
    let total = (so_far as u64).saturating_add(added); // so_far is in 0..=2^40
    if total > MAX_GROSS_LOTS as u64 { Err(KernelError::LotsOutOfRange) } else { Ok(total as i64) }
}

/// How lots x value is added to a cell; the value is in 2^-22 ticks and in -2^42..=2^62.
trait Accumulate {
    fn add(cell: &mut Cell, value: Fx, lots: Fx);
}

/// One word.
struct Narrow;

impl Accumulate for Narrow {
    #[inline(always)]
    fn add(cell: &mut Cell, value: Fx, lots: Fx) {
        cell.low += lots * (value >> 20);
    }
}

/// Two words: |lots| sums to at most 2^40 and each half is below 2^21, so the sums stay below 2^62 with what narrow
/// additions left.
struct Wide;

impl Accumulate for Wide {
    #[inline(always)]
    fn add(cell: &mut Cell, value: Fx, lots: Fx) {
        cell.high += lots * (value >> 41);
        cell.low += lots * ((value >> 20) & QUARTER_TICKS);
    }
}

/// D K in the ticks of a grid.
struct TickStrike {
    x: Fx,
    /// In ticks, nearest, below 2^63.
    whole: u64,
    /// In 2^coarse ticks, below 2^40.
    reduced: Fx,
    /// Bits dropped from strike and forward when the strike lies above the grid's largest forward.
    coarse: Fx,
}

impl TickStrike {
    #[inline(always)]
    fn new(grid: &ScenarioGrid, leg: &Leg) -> Self {
        let shift = leg.strike_exponent - grid.tick_exponent;
        let whole = if shift.is_negative() {
            let right = -shift;
            // The strike is below 2^63, so the sum fits 64 bits.
            if right.0 > 62 { 0 } else { shr(leg.strike.wrapping_add(shl(1, right - Fx(1))), right) }
        } else {
            scale(leg.strike, shift)
        };
        let coarse = if whole >> 40 == 0 { Fx::ZERO } else { Fx(24) - leading_zeros(whole) };
        Self { x: leg.x, whole, reduced: Fx::from_bits(shr(whole, coarse)), coarse }
    }

    /// Call value in 2^-22 ticks: F N(d1) - K N(d2) with N in Q44 split at 22 bits.
    ///
    /// Forward and strike are below 2^40 and N at most 2^44, so the products are below 2^62.
    #[inline(always)]
    fn combine(&self, forward: Fx, n1: Fx, n2: Fx) -> Fx {
        let high = forward * (n1 >> 22) - self.reduced * (n2 >> 22);
        let low = forward * (n1 & MASK_22) - self.reduced * (n2 & MASK_22);
        high + (low >> 22)
    }

    #[inline(always)]
    fn add_levels<A: Accumulate>(&self, cells: &mut [Cell; MAX_SCENARIOS], grid: &ScenarioGrid, leg: &Leg, lots: Fx) {
        let mut start = 0;
        for (end, level) in grid.ends.into_iter().zip(&leg.levels) {
            if end > start {
                let (nodes, cells) = (&grid.nodes[start..end], &mut cells[start..end]);
                match level {
                    Some(deviation) => self.add_smooth::<A>(nodes, cells, &Line::new(self.x, deviation), lots),
                    None => self.add_intrinsic::<A>(nodes, cells, lots),
                }
                start = end;
            }
        }
    }

    /// No time value.
    #[inline(never)]
    fn add_intrinsic<A: Accumulate>(&self, nodes: &[Node], cells: &mut [Cell], lots: Fx) {
        let strike = Fx::from_bits(self.whole.min(1 << 40)); // no forward reaches 2^38
        for (node, cell) in nodes.iter().zip(cells) {
            A::add(cell, (node.forward - strike).max(Fx::ZERO) << 22, lots);
        }
    }

    /// Nodes ascend by spot, so those whose coordinates leave the table lie at the two ends; between them the loop
    /// needs no check at all.
    #[inline(always)]
    fn add_smooth<A: Accumulate>(&self, nodes: &[Node], cells: &mut [Cell], line: &Line, lots: Fx) {
        let (mut first, mut last) = (0, nodes.len());
        while first < last && (self.coarse != Fx::ZERO || line.is_below(nodes[first].ln_shift)) {
            self.add_edge::<A>(&nodes[first], &mut cells[first], line, lots);
            first = first.wrapping_add(1); // at most MAX_SCENARIOS
        }
        while first < last && line.is_above(nodes[last.wrapping_sub(1)].ln_shift) {
            last = last.wrapping_sub(1);
            self.add_edge::<A>(&nodes[last], &mut cells[last], line, lots);
        }
        for (node, cell) in nodes[first..last].iter().zip(&mut cells[first..last]) {
            let (i1, i2) = line.at_inside(node.ln_shift);
            A::add(cell, self.combine(node.forward, scan_cdf(i1), scan_cdf(i2)), lots);
        }
    }

    /// One node whose coordinates may lie beyond the table, or whose strike is coarse.
    #[inline(always)]
    fn add_edge<A: Accumulate>(&self, node: &Node, cell: &mut Cell, line: &Line, lots: Fx) {
        let (i1, i2) = line.at(node.ln_shift);
        if i1.is_negative() {
            return; // worthless: d2 < d1 < -8
        }
        let forward = node.forward >> self.coarse;
        let value = if (i2 >> SCAN_END_BITS).0 > 0 {
            (forward - self.reduced) << 22 // certain: d1 > d2 >= 8
        } else {
            self.combine(forward, scan_cdf_saturating(i1), scan_cdf_saturating(i2))
        };
        // A strike far above the forward carries an error relative to itself: keep 0 <= call <= F.
        A::add(cell, value.max(Fx::ZERO).min(forward << 22) << self.coarse, lots);
    }
}

/// The scan coordinates of d1 and d2 as linear functions of ln(shocked F / F).
///
/// Logarithms are in Q32 here: their error of 2^-33 moves d1 and d2 together, so it reaches the value at second order
/// only, by less than 1e-14 of the forward wherever v > 1e-6.
struct Line {
    /// ln(F/K), Q32.
    x: Fx,
    /// 1/v, Q26.
    reciprocal: Fx,
    /// Coordinate of d1 at a shift of zero, times 2^19; wraps when that lies far outside the table.
    constant: Fx,
    /// Q39.
    v: Fx,
    /// 20 v, Q32.
    limit: Fx,
}

/// Coordinates beyond both ends of the table.
const FAR: Fx = Fx::power(50);
/// v from which d1 > 8 and d2 < -8 wherever |x| < 60: 24.
const V_LIMIT: Fx = Fx(24 << SCAN_BITS);

impl Line {
    #[inline(always)]
    fn new(x: Fx, deviation: &Deviation) -> Self {
        let v = ((deviation.v + Fx::power(16)) >> 17).min(V_LIMIT);
        let x = x >> 24;
        // 2^89 / V, V = v 2^(56 + shift), is (1/v) 2^(33 - shift).
        let reciprocal = Fx::from_bits(align(deviation.reciprocal, deviation.shift - Fx(7)));
        let bias = SCAN_BIAS + (v >> 1); // below 2^44, so 2^19 times it fits
        let constant = Fx(x.0.wrapping_mul(reciprocal.0).wrapping_add((bias << 19).0));
        Self { x, reciprocal, constant, v, limit: (v >> 7) * Fx(20) }
    }

    /// Coordinates of a node with |x/v| <= 20.
    ///
    /// With |x| < 60 that keeps |d1| = |x/v + v/2| below 22 (v/2 is at most 12, and below 1.5 where |x/v| is 20), so
    /// the coordinate d1 + 8 times 2^(39 + 19) is below 2^63 although the two products may wrap.
    #[inline(always)]
    fn at_inside(&self, ln_shift: Fx) -> (Fx, Fx) {
        let i1 = Fx(ln_shift.0.wrapping_mul(self.reciprocal.0).wrapping_add(self.constant.0)) >> 19;
        (i1, i1 - self.v)
    }

    /// Coordinates of any node; beyond the limit they lie beyond the table.
    #[inline(always)]
    fn at(&self, ln_shift: Fx) -> (Fx, Fx) {
        let x = self.x + ln_shift;
        if x > self.limit {
            (FAR, FAR)
        } else if x < -self.limit {
            (-FAR, -FAR)
        } else {
            self.at_inside(ln_shift)
        }
    }

    /// d2 < -8: the coordinates leave the table on the left.
    #[inline(always)]
    fn is_below(&self, ln_shift: Fx) -> bool {
        self.at(ln_shift).1.is_negative()
    }

    /// d1 >= 8: the coordinates leave the table on the right.
    #[inline(always)]
    fn is_above(&self, ln_shift: Fx) -> bool {
        (self.at(ln_shift).0 >> SCAN_END_BITS).0 > 0
    }
}

/// Value of an expiry's digital options in every scenario, in lots x 1e-12 USD for a payout of one USD per unit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DigitalArray {
    totals: [i128; MAX_SCENARIOS],
    gross_lots: i64,
}

impl Default for DigitalArray {
    fn default() -> Self {
        Self::new()
    }
}

impl DigitalArray {
    /// An empty array.
    #[must_use]
    pub const fn new() -> Self {
        Self { totals: [0; MAX_SCENARIOS], gross_lots: 0 }
    }

    /// Adds net digital calls and puts of one strike in every scenario of the grid of the same expiry.
    ///
    /// # Errors
    /// `LotsOutOfRange` as in [`RiskArray::add`].
    pub fn add(&mut self, grid: &ScenarioGrid, leg: &Leg, calls: Lots, puts: Lots) -> Result<(), KernelError> {
        self.gross_lots = gross(self.gross_lots, calls, puts)?;
        let strike = TickStrike::new(grid, leg);
        let mut start = 0;
        for (end, level) in grid.ends.into_iter().zip(&leg.levels) {
            for position in start..end {
                let ln_shift = grid.nodes[position].ln_shift;
                let n2 = match level {
                    None if grid.nodes[position].forward.bits() > strike.whole => ONE_Q44,
                    None => Fx::ZERO,
                    Some(deviation) => {
                        let (_, i2) = Line::new(leg.x, deviation).at(ln_shift);
                        scan_cdf_saturating(i2).max(Fx::ZERO).min(ONE_Q44)
                    }
                };
                // Q44 << 18 is Q62; |lots| <= 2^40 times at most e^2 * 1e12.
                let (call, put) = (payout(n2, grid.discount), payout(ONE_Q44 - n2, grid.discount));
                let value = i128::from(calls.0)
                    .wrapping_mul(i128::from(call))
                    .wrapping_add(i128::from(puts.0).wrapping_mul(i128::from(put)));
                self.totals[position] = self.totals[position].wrapping_add(value);
            }
            start = end;
        }
        Ok(())
    }

    /// The caller's `index`-th scenario: lots x 1e-12 USD, discounted. `None` beyond the grid.
    #[must_use]
    pub fn total(&self, grid: &ScenarioGrid, index: usize) -> Option<i128> {
        self.totals.get(grid.position(index)?).copied()
    }
}

/// D N in 1e-12 USD, nearest, N in Q44.
#[inline(always)]
fn payout(n: Fx, discount: u64) -> u64 {
    let discounted = mul_high((n << 18).bits(), discount); // Q62 * Q60 -> Q58
    mul_high(discounted, Price::ONE_USD.0 << 23).wrapping_add(1 << 16) >> 17
}
