//! Scan risk: the whole book revalued in every scenario.

use super::{
    GridScenario, MAX_GRID, MarginError, Market, Measure, Ratio, RiskParameters, ScanFactors, WorstCase,
    detail::SignLog,
    ratio::{floor_division, lot_price_to_usd, scale_down},
};
use crate::{
    Expiry, Leg, Lots, MAX_MULTIPLIER, Multiplier, RiskArray, Scenario, ScenarioSet, StaticFactors, Strike, Totals,
    Usd, VolLevel, VolLevels,
};

/// Working memory of a scan, about 4 KB: the caller keeps it where it has room (a program's stack frame holds 4 KiB)
/// and may use it again.
pub struct Scratch {
    set: ScenarioSet,
    /// The expiry being added.
    array: RiskArray,
    /// Over the expiries added so far: options by scenario, and losses by skew scenario, in lots × 1e-12 USD.
    totals: Totals,
    /// Weighted profit of everything by scenario, once finished, in lots × 1e-12 USD.
    profits: [i128; MAX_GRID],
    len: usize,
    has_skew: bool,
    probes: Probes,
}

/// Where in the set the marks and the shocked forwards are, whether the grid has them or not.
#[derive(Clone, Copy, Debug, Default)]
struct Probes {
    mark: usize,
    basis: Option<(usize, usize)>,
}

/// An expiry's options at their marks and what its scenarios say besides.
pub(super) struct ExpiryScan {
    /// Value at the marks, in lots × 1e-12 USD.
    pub(super) mark: i128,
    /// Values at the shocked forwards less the mark.
    pub(super) basis: Option<(i128, i128)>,
}

const ONE: i128 = 1_000_000_000;
const UNIT: u64 = Ratio::ONE.0;
/// The marks as a scenario.
const MARK: Scenario = Scenario { spot: Multiplier::ONE, ln_spot: 0, vol: VolLevel::None };

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// Empty working memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            set: ScenarioSet::empty(),
            array: RiskArray::empty(),
            totals: Totals::new(),
            profits: [0; MAX_GRID],
            len: 0,
            has_skew: false,
            probes: Probes { mark: 0, basis: None },
        }
    }

    /// Profit of the last book in each scenario of its grid, weighted, in USD rounded down.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn profits(&self, lot_size: u64) -> impl Iterator<Item = Result<Usd, MarginError>> {
        self.profits.iter().take(self.len).map(move |profit| lot_price_to_usd(*profit, lot_size))
    }

    /// Starts a book. Marks and forward shocks become scenarios of their own unless the grid has them.
    #[inline(never)]
    pub(super) fn start(
        &mut self,
        grid: &[GridScenario],
        parameters: &RiskParameters,
        basis: bool,
    ) -> Result<(), MarginError> {
        if grid.len() > MAX_GRID {
            return Err(MarginError::ScenarioCount);
        }
        (self.len, self.has_skew) = (grid.len(), grid.iter().any(GridScenario::is_skew));
        self.totals.clear();
        let find = |spot: Multiplier| grid.iter().position(|s| s.shock.spot == spot && s.shock.vol == VolLevel::None);
        let mut extra = [MARK; 3];
        let mut count = 0usize;
        let mut place = |scenario: Scenario| {
            find(scenario.spot).unwrap_or_else(|| {
                if let Some(slot) = extra.get_mut(count) {
                    *slot = scenario;
                }
                count = count.wrapping_add(1); // at most three calls
                grid.len().wrapping_add(count).wrapping_sub(1)
            })
        };
        let mark = place(MARK);
        let basis = if basis {
            let shocked = |spot: Multiplier| Scenario::new(spot.min(MAX_MULTIPLIER), VolLevel::None);
            Some((place(shocked(parameters.basis.up)?), place(shocked(parameters.basis.down)?)))
        } else {
            None
        };
        self.probes = Probes { mark, basis };
        let shocks = grid.iter().map(|s| if s.is_skew() { Scenario { vol: s.shock.vol, ..MARK } } else { s.shock });
        Ok(self.set.fill_from(shocks.chain(extra.iter().copied().take(count)))?)
    }

    /// Values come out as they would beside these scenarios, to the bit.
    pub(super) fn reach(&mut self, market: &Market) {
        let basis = &market.parameters.basis;
        if basis.is_active() {
            self.set.reach(basis.up);
            self.set.reach(basis.down);
        }
        for scenario in market.scenarios.iter().filter(|scenario| !scenario.is_skew()) {
            self.set.reach(scenario.shock.spot);
        }
    }

    /// Whether skew vols are looked at.
    pub(super) fn has_skew(&self) -> bool {
        self.has_skew
    }

    /// Starts an expiry of the book.
    pub(super) fn start_expiry(&mut self, expiry: &Expiry) {
        self.array.start(expiry, &self.set);
    }

    // A frame of its own: one stack frame of a program holds 4 KiB.
    #[inline(never)]
    pub(super) fn add_strike(
        &mut self,
        expiry: &Expiry,
        strike: &Strike,
        vols: &VolLevels,
        calls: Lots,
        puts: Lots,
    ) -> Result<(), MarginError> {
        let leg = Leg::prepare_at(expiry, strike, vols)?;
        Ok(self.array.add(&leg, calls, puts)?)
    }

    /// Adds the expiry to the book. With `signs` the book is taken apart: they hold those of the whole book, or are to be
    /// found.
    #[inline(never)]
    pub(super) fn finish_expiry(
        &mut self,
        factors: Option<&StaticFactors>,
        signs: Option<&mut SignLog>,
    ) -> Result<ExpiryScan, MarginError> {
        let total = |index: usize| self.array.total(index).ok_or(MarginError::ScenarioCount);
        let mark = total(self.probes.mark)?;
        let change = |index: usize| subtract(total(index)?, mark);
        let basis = match self.probes.basis {
            Some((up, down)) => Some((change(up)?, change(down)?)),
            None => None,
        };
        if let Some(log) = signs {
            let factors = factors.unwrap_or(&StaticFactors::ONE);
            let used = self.array.add_factored_wide(factors, mark, log.replayed().as_ref(), &mut self.totals)?;
            log.advance(used)?;
        } else if factors.is_some() || self.has_skew {
            self.array.add_factored(factors.unwrap_or(&StaticFactors::ONE), mark, &mut self.totals)?;
        } else {
            self.array.add_totals(&mut self.totals)?;
        }
        Ok(ExpiryScan { mark, basis })
    }

    /// Turns the sums into weighted profits of the whole book, and names the loss that counts.
    ///
    /// profit_i = weight_i · (options_i − marks + linear · move_i); a skew scenario moves nothing linear, and its sum is a
    /// profit already. Every step rounds down.
    #[inline(never)]
    pub(super) fn finish(
        &mut self,
        market: &Market,
        grid: &[GridScenario],
        option_marks: i128,
        linear: i128,
    ) -> Result<(i128, WorstCase), MarginError> {
        let scan = &market.parameters.scan;
        let dampener = usd_to_lot_price(scan.extended_dampener, market.lot_size)?;
        let linear = Linear::new(linear, scan)?;
        for ((index, scenario), entry) in grid.iter().enumerate().zip(&mut self.profits) {
            let mut profit = self.totals.get(&self.set, index).ok_or(MarginError::ScenarioCount)?;
            if !scenario.is_skew() {
                profit = subtract(profit, option_marks)?;
                profit = profit.checked_add(linear.profit(scenario)?).ok_or(MarginError::Overflow)?;
            }
            if scenario.weight != Ratio::ONE {
                profit = scale_down(profit, scenario.weight.0)?;
            }
            if profit > 0 && scan.gain_haircut != Ratio::ZERO {
                profit = scale_down(profit, scan.gain_haircut.complement().0)?;
            }
            if scenario.extended && profit < 0 {
                profit = profit.checked_add(dampener).ok_or(MarginError::Overflow)?.min(0);
            }
            *entry = profit;
        }
        scan.measure.worst(self.profits.get(..self.len).unwrap_or_default())
    }
}

impl Measure {
    /// The loss that counts among the profits of a risk array (given, or a sum of several), never positive, and where it
    /// comes from. A mean rounds down.
    ///
    /// # Errors
    /// `Overflow`; `ScenarioCount` for more than [`MAX_GRID`] scenarios under a mean.
    pub fn worst<T: Copy + Into<i128>>(self, profits: &[T]) -> Result<(i128, WorstCase), MarginError> {
        let mut worst = (0i128, WorstCase::None);
        for (index, profit) in (0u8..=u8::MAX).zip(profits) {
            let profit = (*profit).into();
            if profit < worst.0 {
                worst = (profit, WorstCase::Scenario(index));
            }
        }
        match self {
            Self::Shortfall(count) if count > 1 => {
                let mean = shortfall(profits, count)?;
                Ok(if mean < 0 { (mean, worst.1) } else { (0, WorstCase::None) })
            }
            Self::Worst | Self::Shortfall(_) => Ok(worst),
        }
    }
}

/// The part of a book that moves in proportion to spot.
struct Linear {
    /// Value over 1e9, rounded down, and the rest.
    quotient: i128,
    remainder: u64,
    inverse: bool,
    /// Largest move in an extended scenario; zero: none.
    range: i64,
}

impl Linear {
    fn new(value: i128, scan: &ScanFactors) -> Result<Self, MarginError> {
        const LIMIT: u128 = 1 << 90;
        let quotient = if value == 0 { 0 } else { floor_division(value, ONE)? };
        if quotient.unsigned_abs() > LIMIT {
            return Err(MarginError::Overflow);
        }
        // The remainder of a floor division by 1e9.
        let remainder = value.wrapping_sub(quotient.wrapping_mul(ONE)) as u64;
        Ok(Self {
            quotient,
            remainder,
            inverse: scan.inverse,
            range: i64::try_from(scan.extended_range.0).unwrap_or(i64::MAX),
        })
    }

    /// Profit in a scenario, rounded down.
    #[inline]
    fn profit(&self, scenario: &GridScenario) -> Result<i128, MarginError> {
        if self.quotient == 0 && self.remainder == 0 {
            return Ok(0);
        }
        let spot = scenario.shock.spot.0.min(MAX_MULTIPLIER.0) as i64; // 8e9
        let mut shift = spot.wrapping_sub(ONE as i64);
        if scenario.extended && self.range != 0 {
            shift = shift.clamp(self.range.wrapping_neg(), self.range);
        }
        if self.inverse {
            // 1 − 1/(1 + move)
            let moved = self.quotient.wrapping_mul(ONE).wrapping_add(i128::from(self.remainder));
            let scaled = moved.checked_mul(i128::from(shift)).ok_or(MarginError::Overflow)?;
            return floor_division(scaled, i128::from(shift.wrapping_add(ONE as i64).max(1)));
        }
        // Below 2^90 · 2^33, and 1e9 · 8e9 < 2^63. The VM divides unsigned numbers only.
        let magnitude = self.remainder.wrapping_mul(shift.unsigned_abs());
        let rest = if shift < 0 {
            i128::from(magnitude.div_ceil(UNIT)).wrapping_neg()
        } else {
            i128::from(magnitude.checked_div(UNIT).unwrap_or(0))
        };
        Ok(self.quotient.wrapping_mul(i128::from(shift)).wrapping_add(rest))
    }
}

/// Mean of the `count` worst profits (of all, if there are fewer), rounded down.
#[inline(never)]
fn shortfall<T: Copy + Into<i128>>(profits: &[T], count: u8) -> Result<i128, MarginError> {
    if profits.len() > MAX_GRID {
        return Err(MarginError::ScenarioCount);
    }
    let mut worst = [i128::MAX; MAX_GRID];
    let count = usize::from(count).clamp(1, MAX_GRID).min(profits.len().max(1));
    let Some(worst) = worst.get_mut(..count) else { return Err(MarginError::ScenarioCount) };
    for profit in profits {
        // Carries the larger of each pair up the sorted list.
        let mut carried = (*profit).into();
        for slot in worst.iter_mut() {
            if carried < *slot {
                core::mem::swap(slot, &mut carried);
            }
        }
    }
    let mut sum = 0i128;
    for profit in worst.iter() {
        sum = sum.checked_add(*profit).ok_or(MarginError::Overflow)?;
    }
    floor_division(sum, count as i128)
}

/// USD in lots × 1e-12 USD, rounded down.
pub(super) fn usd_to_lot_price(amount: Usd, lot_size: u64) -> Result<i128, MarginError> {
    if amount.0 == 0 {
        return Ok(0);
    }
    floor_division(amount.0.checked_mul(ONE).ok_or(MarginError::Overflow)?, i128::from(lot_size.max(1)))
}

fn subtract(a: i128, b: i128) -> Result<i128, MarginError> {
    a.checked_sub(b).ok_or(MarginError::Overflow)
}
