//! From the sums of all scenarios to the loss that counts.

use super::{
    GridScenario, MAX_GRID, MarginError, Market, Measure, PreparedGrid, Ratio, WorstCase,
    book::Cells,
    linear::Linear,
    ratio::scale_down,
    scan::{Scratch, usd_to_lot_price},
};
use crate::word::Word;

impl Scratch {
    /// Turns the sums into weighted profits of the whole book, and names the loss that counts.
    ///
    /// profit_i = weight_i · (options_i − marks + linear · move_i); a skew scenario moves nothing linear, and its sum is a
    /// profit already. Every step rounds down.
    #[inline(never)]
    pub(super) fn finish(
        &mut self,
        market: &Market,
        cells: &Cells,
        option_marks: i128,
        linear: i128,
    ) -> Result<(i128, WorstCase), MarginError> {
        // So far below 2^127 that no sum here can leave it: totals are below 2^111, linear profits below 2^124.
        const LIMIT: u128 = 1 << 120;
        if option_marks.unsigned_abs() > LIMIT {
            return Err(MarginError::Overflow);
        }
        match cells {
            Cells::Given(grid) => self.finish_all(market, grid, option_marks, linear),
            Cells::Prepared(grid) => {
                if self.seeks_worst
                    && linear == 0
                    && market.parameters.scan.measure == Measure::Worst
                    && let Some(worst) = self.worst_of_words(market, grid, option_marks)?
                {
                    return Ok(worst);
                }
                self.finish_prepared(market, grid, option_marks, linear)
            }
        }
    }

    /// [`Scratch::finish_all`] of a prepared grid's scenarios.
    #[inline(never)]
    fn finish_prepared(
        &mut self,
        market: &Market,
        grid: &PreparedGrid,
        option_marks: i128,
        linear: i128,
    ) -> Result<(i128, WorstCase), MarginError> {
        let mut scenarios = [GridScenario::UNSHOCKED; MAX_GRID];
        let scenarios = scenarios.get_mut(..grid.scenarios.count()).ok_or(MarginError::ScenarioCount)?;
        for (index, slot) in scenarios.iter_mut().enumerate() {
            *slot = grid.scenarios.get(index).ok_or(MarginError::ScenarioCount)?;
        }
        self.finish_all(market, scenarios, option_marks, linear)
    }

    /// Weighs the profits, which stay in the memory.
    #[inline(never)]
    fn finish_all(
        &mut self,
        market: &Market,
        grid: &[GridScenario],
        option_marks: i128,
        linear: i128,
    ) -> Result<(i128, WorstCase), MarginError> {
        let scan = &market.parameters.scan;
        self.totals.widen();
        // One small loop a step: on the VM a loop that keeps all its state in registers costs half.
        let (Some(profits), Some(weights)) = (self.profits.get_mut(..grid.len()), self.weights.get_mut(..grid.len()))
        else {
            return Err(MarginError::ScenarioCount);
        };
        self.totals.copy_changes(&self.set, option_marks, profits)?;
        if let Some(linear) = Linear::new(linear, scan)? {
            for (profit, scenario) in profits.iter_mut().zip(grid) {
                if !scenario.is_skew() {
                    *profit = profit.wrapping_add(linear.profit(scenario)?);
                }
            }
        }
        if scan.gain_haircut != Ratio::ZERO || scan.measure != Measure::Worst {
            return self.weigh_all(market, grid);
        }
        let mut worst = (0i128, WorstCase::None);
        let mut index = 0u8;
        for ((profit, weight), scenario) in profits.iter_mut().zip(weights).zip(grid) {
            *weight = scenario.weight;
            if scenario.extended || scenario.weight > Ratio::ONE {
                *profit = adjusted(*profit, scenario, market)?;
                *weight = Ratio::ONE;
            }
            // A weight up to one makes no loss larger: where this one is not below the worst, it waits for `profits`. The
            // upper words decide nearly always.
            if (*profit >> 64) as i64 <= (worst.0 >> 64) as i64 && *profit < worst.0 {
                *profit = scale_down(*profit, weight.0)?;
                *weight = Ratio::ONE;
                if *profit < worst.0 {
                    worst = (*profit, WorstCase::Scenario(index));
                }
            }
            index = index.wrapping_add(1); // at most MAX_GRID
        }
        Ok(worst)
    }

    /// The worst profit of a book of options whose sums are words. A weight up to one, a dampener and a haircut on gains make no
    /// loss larger, so that only scenarios below the worst so far are weighed.
    #[inline(always)]
    fn worst_of_words(
        &self,
        market: &Market,
        grid: &PreparedGrid,
        option_marks: i128,
    ) -> Result<Option<(i128, WorstCase)>, MarginError> {
        // The worst profit, unless it is the least change as it is.
        let (mut worst_case, mut worst) = (WorstCase::None, None);
        let least = self.totals.search(&self.set, option_marks, |index, change, least| {
            if (self.whole >> (index & 63)) & 1 != 0 {
                (worst_case, worst) = (WorstCase::Scenario(index as u8), None); // below MAX_GRID
                return Ok::<_, MarginError>(change.word);
            }
            // Marks and forward shocks may follow the grid: there is no weight to them.
            if change.is_above(grid.scenarios.weight(index), least) {
                return Ok(least.word);
            }
            let Some(scenario) = grid.scenarios.get(index) else { return Ok(least.word) };
            let profit = adjusted(change.wide(), &scenario, market)?;
            if profit >= worst.unwrap_or_else(|| least.wide()) {
                return Ok(least.word);
            }
            (worst_case, worst) = (WorstCase::Scenario(index as u8), Some(profit));
            Ok(change.at_least(profit))
        })?;
        Ok(least.map(|least| (worst.unwrap_or_else(|| least.wide()), worst_case)))
    }

    /// Weighs every profit, for models that need them all.
    #[inline(never)]
    fn weigh_all(&mut self, market: &Market, grid: &[GridScenario]) -> Result<(i128, WorstCase), MarginError> {
        for ((profit, weight), scenario) in self.profits.iter_mut().zip(&mut self.weights).zip(grid) {
            *profit = adjusted(*profit, scenario, market)?;
            *weight = Ratio::ONE;
        }
        market.parameters.scan.measure.worst(self.profits.get(..grid.len()).unwrap_or_default())
    }
}

impl Word {
    /// Whether it is certain that a loss at a weight up to one is no larger than another; for most it is.
    #[inline(always)]
    fn is_above(self, weight: Ratio, least: Self) -> bool {
        // Both magnitudes, below 2^63, without their last 30 bits, the first one rounded up: 33 + 30 bits.
        let (loss, most) = ((self.word.abs() >> 30).wrapping_add(1), least.word.abs() >> 30);
        loss.wrapping_mul(weight.0) <= most.wrapping_mul(Ratio::ONE.0)
    }
}

/// A scenario's profit as far as the model counts it: weighted, a gain less its haircut, a tail's loss less the dampener.
#[inline(never)]
fn adjusted(profit: i128, scenario: &GridScenario, market: &Market) -> Result<i128, MarginError> {
    let scan = &market.parameters.scan;
    let mut profit = scale_down(profit, scenario.weight.0)?;
    if profit > 0 && scan.gain_haircut != Ratio::ZERO {
        profit = scale_down(profit, scan.gain_haircut.complement().0)?;
    }
    if scenario.extended && profit < 0 {
        let dampener = usd_to_lot_price(scan.extended_dampener, market.lot_size)?;
        profit = profit.checked_add(dampener).ok_or(MarginError::Overflow)?.min(0);
    }
    Ok(profit)
}
