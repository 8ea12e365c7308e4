//! Scan risk: the whole book revalued in every scenario.

use super::{
    MarginError, Market, Ratio,
    parameters::{floor_division, lot_price_to_usd},
};
use crate::{Expiry, Leg, Lots, MAX_SCENARIOS, Price, RiskArray, ScenarioSet, Usd, VolLevels};

/// Working memory of a scan, about 3 KB: the caller keeps it where it has room (a program's stack frame holds 4 KiB)
/// and may use it again.
pub struct Scratch {
    set: ScenarioSet,
    /// The expiry being added.
    array: RiskArray,
    /// Value of the options in each scenario, in lots × 1e-12 USD, over the expiries added so far.
    totals: [i128; MAX_SCENARIOS],
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// Empty working memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { set: ScenarioSet::empty(), array: RiskArray::empty(), totals: [0; MAX_SCENARIOS] }
    }

    /// Starts a book.
    pub(super) fn start(&mut self, market: &Market) -> Result<(), MarginError> {
        if market.scenarios.is_empty() || market.scenarios.len() != market.weights.len() {
            return Err(MarginError::ScenarioCount);
        }
        self.set.fill(market.scenarios)?;
        self.totals = [0; MAX_SCENARIOS];
        Ok(())
    }

    /// Starts an expiry of the book.
    pub(super) fn start_expiry(&mut self, expiry: &Expiry) {
        self.array.start(expiry, &self.set);
    }

    // A frame of its own, for the same reason.
    #[inline(never)]
    pub(super) fn add_strike(
        &mut self,
        expiry: &Expiry,
        strike: Price,
        vols: &VolLevels,
        calls: Lots,
        puts: Lots,
    ) -> Result<(), MarginError> {
        let leg = Leg::prepare(expiry, strike, vols)?;
        Ok(self.array.add(&leg, calls, puts)?)
    }

    /// Adds the expiry to the book.
    pub(super) fn finish_expiry(&mut self) -> Result<(), MarginError> {
        Ok(self.array.add_totals(&mut self.totals)?)
    }

    /// Profit in the worst scenario and its number; zero and `None` where nothing loses.
    ///
    /// profit_i = weight_i · (options_i − options_0 + perpetual · (spot_i − 1)), spot and weight in 1e-9. Profits are
    /// compared in units of 1e-9 · lots × 1e-12 USD, so that a perpetual needs no division; the weight is applied in
    /// binary, rounded up, to the profit rounded down. One division at the end, rounded down.
    pub(super) fn worst(
        &self,
        market: &Market,
        option_marks: i128,
        perpetual_marks: i128,
    ) -> Result<(Usd, Option<u8>), MarginError> {
        let overflow = MarginError::Overflow;
        let one = i128::from(Ratio::ONE.0);
        let mut worst = (0i128, None);
        let scenarios = market.scenarios.iter().zip(market.weights);
        for ((index, (scenario, weight)), shocked) in (0u8..).zip(scenarios).zip(&self.totals) {
            let options =
                shocked.checked_sub(option_marks).and_then(|change| change.checked_mul(one)).ok_or(overflow)?;
            let shift = i128::from(scenario.spot.0).checked_sub(one).ok_or(overflow)?;
            let linear = perpetual_marks.checked_mul(shift).ok_or(overflow)?;
            let mut profit = options.checked_add(linear).ok_or(overflow)?;
            if *weight != Ratio::ONE {
                profit = (profit >> WEIGHT_BITS).checked_mul(binary_weight(*weight)).ok_or(overflow)?;
            }
            if profit < worst.0 {
                worst = (profit, Some(index));
            }
        }
        let profit = lot_price_to_usd(floor_division(worst.0, one)?, market.lot_size)?;
        Ok((profit, worst.1))
    }
}

const WEIGHT_BITS: u32 = 32;

/// A weight in Q32, rounded up.
fn binary_weight(weight: Ratio) -> i128 {
    // Below 2^64: the weight has 32 bits.
    i128::from((u64::from(weight.0) << WEIGHT_BITS).div_ceil(u64::from(Ratio::ONE.0)))
}
