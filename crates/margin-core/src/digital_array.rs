//! Scenario revaluation of cash-or-nothing options. They are rare, so this is a plain loop with 128-bit sums.
#![allow(clippy::arithmetic_side_effects, reason = "operators are those of Fx")]

use crate::elementary::Normal;
use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::factored::{Signs, StaticFactors};
use crate::fx::{Fx, mul_high};
use crate::leg::Leg;
use crate::line::{Level, Line};
use crate::normal::{ONE_Q44, scan_cdf_saturating};
use crate::quantities::{Lots, Price};
use crate::risk_array::{RiskArray, add_gross, window_forward};
use crate::scenario::{MAX_SCENARIOS, ScenarioSet, Shock};
use crate::slot::Slot;
use crate::totals::Totals;

/// Value of an expiry's digital options in every scenario, in lots x 1e-12 USD for a payout of one USD per unit.
///
/// A digital is not stationary in d2, so its error is that of ln(F/K) in units of v: below 1e-12 + 2^-33 / v a USD. With no
/// time or no vol left the shocked forward, rounded down, is compared with the strike exactly. Call and put of a strike add up
/// to the discounted payout exactly.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DigitalArray {
    /// By slot of the scenario set.
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

    /// Adds net digital calls and puts of one strike in every scenario; all strikes of an array have one expiry and one set.
    ///
    /// # Errors
    /// `LotsOutOfRange` as in [`RiskArray::add`].
    pub fn add(
        &mut self,
        expiry: &Expiry,
        set: &ScenarioSet,
        strike: Price,
        leg: &Leg,
        calls: Lots,
        puts: Lots,
    ) -> Result<(), KernelError> {
        self.add_from(expiry, set, set.shocks(), |shock| *shock, (strike, leg), (calls, puts))
    }

    /// [`DigitalArray::add`] with the shocks of the set, which may lie elsewhere in another form.
    #[inline(never)]
    pub(crate) fn add_from<T>(
        &mut self,
        expiry: &Expiry,
        set: &ScenarioSet,
        shocks: &[T],
        read: impl Fn(&T) -> Shock,
        (strike, leg): (Price, &Leg),
        (calls, puts): (Lots, Lots),
    ) -> Result<(), KernelError> {
        self.gross_lots = add_gross(self.gross_lots, calls, puts)?;
        // |lots| <= 2^41 times at most e^2 * 1e12.
        let calls = i128::from(calls.0).wrapping_sub(i128::from(puts.0));
        let certain = i128::from(puts.0).wrapping_mul(i128::from(certain_payout(expiry).0));
        let mut slots = shocks.iter().zip(&mut self.totals);
        for (count, level) in set.counts.into_iter().zip(&leg.levels) {
            for (shock, total) in slots.by_ref().take(count) {
                let call = payout(chance(expiry, &read(shock), strike, leg.x, level), expiry.discount);
                let value = calls.wrapping_mul(i128::from(call)).wrapping_add(certain);
                *total = total.wrapping_add(value); // 2^40 gross lots
            }
        }
        Ok(())
    }

    /// The caller's `index`-th scenario of `set`: lots x 1e-12 USD, discounted. `None` beyond the set.
    #[must_use]
    pub fn total(&self, set: &ScenarioSet, index: usize) -> Option<i128> {
        self.at(set.position(index)?)
    }

    /// [`DigitalArray::total`] of a slot of the set.
    pub(crate) fn at(&self, slot: usize) -> Option<i128> {
        self.totals.get(slot).copied()
    }

    /// [`RiskArray::add_factored_wide`] for an expiry that has vanilla and digital options: gains and debts are those of both
    /// together, whose value at the marks is `mark`.
    ///
    /// # Errors
    /// As [`RiskArray::add_totals`].
    #[inline(never)]
    pub(crate) fn add_factored(
        &self,
        vanilla: &RiskArray,
        factors: &StaticFactors,
        mark: i128,
        signs: Option<&Signs>,
        totals: &mut Totals,
    ) -> Result<Signs, KernelError> {
        totals.admit_limbs()?;
        let (plain, skew) = vanilla.split();
        let mut used = Signs::default();
        let (mut bit, mut digitals) = (1u64, self.totals.iter());
        let mut counted = |slot: &Slot| {
            let value = vanilla.read(slot).wrapping_add(digitals.next().copied().unwrap_or(0)); // 2^124 and 2^84
            let is_debt = signs.map_or(value < 0, |signs| signs.debts & bit != 0);
            used.debts |= if is_debt { bit } else { 0 };
            let own = bit;
            bit = bit.wrapping_shl(1); // at most MAX_SCENARIOS, below 64
            (factors.apply(value, is_debt), own)
        };
        totals.add_wide(plain, |slot| counted(slot).0)?;
        let mut falling = 0u64;
        totals.add_wide_from(plain.len(), skew, |slot| {
            let (value, bit) = counted(slot);
            let change = value.wrapping_sub(mark); // both below 2^126
            let falls = signs.map_or(change < 0, |signs| signs.falls & bit != 0);
            falling |= if falls { bit } else { 0 };
            if falls { change } else { change.wrapping_neg() }
        })?;
        used.falls = falling;
        Ok(used)
    }
}

/// Probability that a call pays, N(d2) in Q44, with the forward shocked.
fn chance(expiry: &Expiry, shock: &Shock, strike: Price, x: Fx, level: &Level) -> Fx {
    if level.v == Fx::ZERO {
        return if window_forward(expiry, shock.ratio) > strike { ONE_Q44 } else { Fx::ZERO };
    }
    let ln_shift = if expiry.variable == expiry.forward {
        shock.ln
    } else {
        (Normal::new(window_forward(expiry, shock.ratio).0).ln() - expiry.ln_forward) >> 24
    };
    scan_cdf_saturating(Line::new(x, *level).d2_fine(ln_shift)).max(Fx::ZERO).min(ONE_Q44)
}

/// A payout of one USD at expiry, discounted, to nearest.
pub(crate) fn certain_payout(expiry: &Expiry) -> Price {
    Price(payout(ONE_Q44, expiry.discount))
}

/// D N in 1e-12 USD, nearest, N in Q44.
#[inline(always)]
fn payout(n: Fx, discount: u64) -> u64 {
    let discounted = mul_high((n << 18).bits(), discount); // Q62 * Q60 -> Q58
    mul_high(discounted, Price::ONE_USD.0 << 23).wrapping_add(1 << 16) >> 17
}
