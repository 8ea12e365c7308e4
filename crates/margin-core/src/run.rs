//! The scenario loop: one strike at one vol level over the slots of an expiry.
#![allow(clippy::arithmetic_side_effects, reason = "operators are those of Fx or argued inline")]

use crate::fx::{Fx, leading_zeros, scale, shr};
use crate::leg::Leg;
use crate::line::{Level, Line};
use crate::normal::{SCAN_END_BITS, scan_cdf, scan_cdf_saturating};
use crate::scenario::{LEVELS, SPOT_LEVELS};
use crate::slot::{Accumulate, SPLIT, SPLIT_MASK, Slot};

/// Strikes of this many bits in ticks need no coarser unit.
const STRIKE_BITS: u32 = 38;

/// D K in the ticks of an array.
pub(crate) struct TickStrike {
    /// In ticks, nearest, below 2^63.
    pub(crate) whole: u64,
    /// In 2^coarse ticks, below 2^38, split like a forward.
    high: Fx,
    low: Fx,
    /// Bits dropped from strike and forward when the strike is more than twice the largest forward.
    pub(crate) coarse: Fx,
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
pub(crate) struct Run<'a> {
    line: Line,
    strike: &'a TickStrike,
    lots: Fx,
}

impl<'a> Run<'a> {
    #[inline(always)]
    pub(crate) fn add_levels<A: Accumulate>(
        mut slots: &mut [Slot],
        counts: &[usize; LEVELS],
        leg: &Leg,
        strike: &'a TickStrike,
        lots: Fx,
    ) {
        let (spot_counts, skew_counts) = counts.split_at(SPOT_LEVELS);
        let (spot_levels, skew_levels) = leg.levels.split_at(SPOT_LEVELS);
        for (&count, &level) in spot_counts.iter().zip(spot_levels) {
            slots = Self::add_level::<A>(slots, count, level, leg.x, strike, lots);
        }
        if skew_counts.iter().any(|&count| count != 0) {
            for (&count, &level) in skew_counts.iter().zip(skew_levels) {
                slots = Self::add_level::<A>(slots, count, level, leg.x, strike, lots);
            }
        }
    }

    /// Adds the first `count` slots; the rest.
    #[inline(always)]
    fn add_level<'s, A: Accumulate>(
        slots: &'s mut [Slot],
        count: usize,
        level: Level,
        x: Fx,
        strike: &'a TickStrike,
        lots: Fx,
    ) -> &'s mut [Slot] {
        if count == 0 {
            return slots;
        }
        let Some((run, rest)) = slots.split_at_mut_checked(count) else { return &mut [] };
        if level.v == Fx::ZERO {
            strike.add_intrinsic::<A>(run, lots);
        } else {
            Run { line: Line::new(x, level), strike, lots }.add::<A>(run);
        }
        rest
    }

    /// Slots ascend by spot, so the ends tell whether all coordinates lie inside the table.
    #[inline(always)]
    fn add<A: Accumulate>(&self, slots: &mut [Slot]) {
        let [low, high] = self.line.inside();
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return };
        if first.ln_shift >= low && last.ln_shift < high && self.strike.coarse == Fx::ZERO {
            self.add_inside::<A>(slots);
        } else {
            self.add_parts::<A>(slots, [low, high]);
        }
    }

    /// Below, inside and above the table, if the strike is not coarse.
    #[inline(never)]
    fn add_parts<A: Accumulate>(&self, slots: &mut [Slot], [low, high]: [Fx; 2]) {
        if low >= high || self.strike.coarse != Fx::ZERO {
            return self.add_edge::<A>(slots);
        }
        let below = slots.iter().take_while(|slot| slot.ln_shift < low).count();
        let (below, slots) = slots.split_at_mut(below);
        let above = slots.iter().rev().take_while(|slot| slot.ln_shift >= high).count();
        let (inside, above) = slots.split_at_mut(slots.len().wrapping_sub(above));
        self.add_edge::<A>(below);
        self.add_inside::<A>(inside);
        self.add_edge::<A>(above);
    }

    /// No slot leaves the table: the loop needs no check at all.
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
