//! Scenario revaluation of cash-or-nothing options. They are rare, so this is a plain loop with 128-bit sums.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "operators are those of Fx; positions come from a risk array, which is built within bounds"
)]

use crate::error::KernelError;
use crate::fx::{Fx, mul_high};
use crate::leg::Leg;
use crate::line::{Level, Line};
use crate::normal::{ONE_Q44, scan_cdf_saturating};
use crate::quantities::{Lots, Price};
use crate::risk_array::{RiskArray, add_gross};
use crate::run::TickStrike;
use crate::scenario::MAX_SCENARIOS;

/// Value of an expiry's digital options in every scenario, in lots x 1e-12 USD for a payout of one USD per unit.
///
/// A digital is not stationary in d2, so its error is that of ln(F/K) in units of v: below 1e-12 + 2^-33 / v a USD.
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

    /// Adds net digital calls and puts of one strike in every scenario of `array`, which holds the same expiry's forwards.
    ///
    /// # Errors
    /// `LotsOutOfRange` as in [`RiskArray::add`].
    pub fn add(&mut self, array: &RiskArray, leg: &Leg, calls: Lots, puts: Lots) -> Result<(), KernelError> {
        self.gross_lots = add_gross(self.gross_lots, calls, puts)?;
        let strike = TickStrike::new(array.tick_exponent, leg);
        let mut start = 0usize;
        for (count, level) in array.counts.into_iter().zip(&leg.levels) {
            let end = start.wrapping_add(count); // at most MAX_SCENARIOS
            for position in start..end {
                let ln_shift = array.slots[position].ln_shift;
                let n2 = match level {
                    Level { v: Fx::ZERO, .. } if array.slots[position].forward().bits() > strike.whole => ONE_Q44,
                    Level { v: Fx::ZERO, .. } => Fx::ZERO,
                    level => scan_cdf_saturating(Line::new(leg.x, *level).d2_fine(ln_shift)).max(Fx::ZERO).min(ONE_Q44),
                };
                // Q44 << 18 is Q62; |lots| <= 2^40 times at most e^2 * 1e12.
                let (call, put) = (payout(n2, array.discount), payout(ONE_Q44 - n2, array.discount));
                let value = i128::from(calls.0)
                    .wrapping_mul(i128::from(call))
                    .wrapping_add(i128::from(puts.0).wrapping_mul(i128::from(put)));
                self.totals[position] = self.totals[position].wrapping_add(value);
            }
            start = end;
        }
        Ok(())
    }

    /// The caller's `index`-th scenario: lots x 1e-12 USD, discounted. `None` beyond the set.
    #[must_use]
    pub fn total(&self, array: &RiskArray, index: usize) -> Option<i128> {
        self.totals.get(array.position(index)?).copied()
    }
}

/// D N in 1e-12 USD, nearest, N in Q44.
#[inline(always)]
fn payout(n: Fx, discount: u64) -> u64 {
    let discounted = mul_high((n << 18).bits(), discount); // Q62 * Q60 -> Q58
    mul_high(discounted, Price::ONE_USD.0 << 23).wrapping_add(1 << 16) >> 17
}
