//! Scan risk: the whole book revalued in every scenario.

use super::{
    MarginError, Market, Ratio,
    parameters::{floor_division, lot_price_to_usd},
};
use crate::{Expiry, Leg, Lots, Multiplier, Price, RiskArray, ScenarioSet, Totals, Usd, VolLevels, wide};

/// Working memory of a scan, about 3 KB: the caller keeps it where it has room (a program's stack frame holds 4 KiB)
/// and may use it again.
pub struct Scratch {
    set: ScenarioSet,
    /// The expiry being added.
    array: RiskArray,
    /// Value of the options in each scenario, in lots × 1e-12 USD, over the expiries added so far.
    totals: Totals,
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
        Self { set: ScenarioSet::empty(), array: RiskArray::empty(), totals: Totals::new() }
    }

    /// Starts a book.
    pub(super) fn start(&mut self, market: &Market) -> Result<(), MarginError> {
        if market.scenarios.is_empty() || market.scenarios.len() != market.weights.len() {
            return Err(MarginError::ScenarioCount);
        }
        self.set.fill(market.scenarios)?;
        self.totals.clear();
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
    /// profit_i = weight_i · (options_i − options_0 + perpetual · (spot_i − 1)) in lots × 1e-12 USD: each product with a
    /// share rounded down, and the end as well.
    pub(super) fn worst(
        &self,
        market: &Market,
        option_marks: i128,
        perpetual_marks: i128,
    ) -> Result<(Usd, Option<u8>), MarginError> {
        let overflow = MarginError::Overflow;
        let mut worst = (0i128, None);
        let scenarios = market.scenarios.iter().zip(market.weights);
        for (index, (scenario, weight)) in (0u8..).zip(scenarios) {
            let shocked = self.totals.get(&self.set, usize::from(index)).ok_or(MarginError::ScenarioCount)?;
            let mut profit = shocked.checked_sub(option_marks).ok_or(overflow)?;
            if perpetual_marks != 0 {
                let linear = shifted_profit(perpetual_marks, scenario.spot)?;
                profit = profit.checked_add(linear).ok_or(overflow)?;
            }
            if *weight != Ratio::ONE {
                profit = weight.of_rounded_down(profit)?;
            }
            if profit < worst.0 {
                worst = (profit, Some(index));
            }
        }
        Ok((lot_price_to_usd(worst.0, market.lot_size)?, worst.1))
    }
}

/// `value · (spot − 1)`, rounded down.
fn shifted_profit(value: i128, spot: Multiplier) -> Result<i128, MarginError> {
    let (up, down) = (spot.0.saturating_sub(ONE), ONE.saturating_sub(spot.0)); // one of them is zero
    let signed = if down == 0 { Some(value) } else { value.checked_neg() };
    let product = signed.and_then(|value| wide::multiply(value, up.max(down))).ok_or(MarginError::Overflow)?;
    floor_division(product, i128::from(ONE))
}

/// A multiplier of one.
const ONE: u64 = 1_000_000_000;
