//! Across underlyings: one market factor, one residual shock for each underlying, and a floor for the day correlations
//! break.
//!
//! `shock_i = β_i·f + ε_i`. The *systematic* loss is the worst, over the scenarios of f, of the sum of the underlyings'
//! profits at β_i·f. The *idiosyncratic* losses are each underlying's own worst case on its grid shrunk to the residual
//! range, added by root sum of squares. Their sum is the scan risk, but never less than `floor` times the sum of the
//! stand-alone scan risks.

use super::{
    AccountRisk, BookPosition, Detail, ExpiryMarket, GridScenario, MAX_GRID, MarginError, Market, Ratio, Scratch,
    SignedRatio, UnderlyingRisk, assess_underlying,
    ratio::{add, negate, subtract},
};
use crate::{MAX_MULTIPLIER, Multiplier, Scenario, Usd, VolLevel};

/// A scenario of the market factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorScenario {
    /// Move of the factor; an underlying of β = 1 moves by as much.
    pub market_move: SignedRatio,
    /// What vols do meanwhile.
    pub vol: VolLevel,
    /// Factor on the sum of profits.
    pub weight: Ratio,
}

/// How an underlying depends on the market factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorExposure {
    /// Move of the underlying for a move of the factor.
    pub beta: SignedRatio,
    /// Residual range over the stand-alone range, at most one.
    pub residual: Ratio,
}

/// The cross-underlying model; one for an engine.
#[derive(Clone, Copy, Debug)]
pub struct Correlation<'a> {
    /// Scenarios of the market factor, at most [`MAX_GRID`].
    pub scenarios: &'a [FactorScenario],
    /// Least share of the stand-alone scan risks.
    pub floor: Ratio,
}

/// Smallest spot multiplier of a derived scenario: 1 %.
const LEAST_SPOT: u64 = 10_000_000;

/// Figures of an account's underlyings, added one by one with [`CrossScan::assess`]. About 800 bytes.
#[derive(Clone, Debug)]
pub struct CrossScan<'a> {
    correlation: Correlation<'a>,
    /// Sum of the underlyings' profits by scenario of the factor.
    profits: [Usd; MAX_GRID],
    /// Sum of squares, in 1e-6 USD.
    squares: u128,
    stand_alone: Usd,
    initial_factor: Ratio,
    maintenance_factor: Ratio,
    /// Requirements without their scan risk.
    initial_charges: Usd,
    maintenance_charges: Usd,
    mark_to_market: Usd,
}

/// The scan risk across underlyings and what it is made of; every figure a loss, rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrossRisk {
    /// Worst sum over the market factor.
    pub systematic: Usd,
    /// Root sum of squares of the residual losses.
    pub idiosyncratic: Usd,
    /// Sum of the stand-alone scan risks.
    pub stand_alone: Usd,
    /// Scan risk that counts.
    pub scan_risk: Usd,
    /// Requirements of all underlyings with it. The factors on the scan risk are the largest of the underlyings held.
    pub initial_margin: Usd,
    /// As `initial_margin`.
    pub maintenance_margin: Usd,
    /// Of all underlyings.
    pub mark_to_market: Usd,
}

impl<'a> CrossScan<'a> {
    /// Nothing held.
    #[must_use]
    pub const fn new(correlation: Correlation<'a>) -> Self {
        Self {
            correlation,
            profits: [Usd::ZERO; MAX_GRID],
            squares: 0,
            stand_alone: Usd::ZERO,
            initial_factor: Ratio::ZERO,
            maintenance_factor: Ratio::ZERO,
            initial_charges: Usd::ZERO,
            maintenance_charges: Usd::ZERO,
            mark_to_market: Usd::ZERO,
        }
    }

    /// Adds an underlying's stand-alone figures and its loss on the residual grid.
    fn add(&mut self, risk: &UnderlyingRisk, residual_loss: Usd) -> Result<(), MarginError> {
        let overflow = MarginError::Overflow;
        // 1e-12 to 1e-6 USD, rounded up; at most 2^64, so that squares fit.
        let micro = residual_loss.0.max(0).unsigned_abs().div_ceil(1_000_000);
        let square = if micro >> 60 == 0 { micro.checked_mul(micro) } else { None };
        self.squares = square.and_then(|square| self.squares.checked_add(square)).ok_or(overflow)?;
        self.stand_alone = add(self.stand_alone, risk.scan_risk)?;
        self.mark_to_market = add(self.mark_to_market, risk.mark_to_market)?;
        self.initial_factor = self.initial_factor.max(risk.initial_factor);
        self.maintenance_factor = self.maintenance_factor.max(risk.maintenance_factor);
        let besides = |margin: Usd, factor: Ratio| subtract(margin, factor.of_rounded_up(risk.scan_risk)?);
        self.initial_charges = add(self.initial_charges, besides(risk.initial_margin, risk.initial_factor)?)?;
        self.maintenance_charges =
            add(self.maintenance_charges, besides(risk.maintenance_margin, risk.maintenance_factor)?)?;
        Ok(())
    }

    /// Stand-alone figures of an underlying, and its part in the sum. Costs three scans.
    ///
    /// # Errors
    /// As [`assess_underlying`]; `ScenarioCount` for too many factor scenarios.
    pub fn assess<E, P, S>(
        &mut self,
        market: &Market,
        exposure: &FactorExposure,
        positions: P,
        mut surface: S,
        detail: Detail,
        scratch: &mut Scratch,
    ) -> Result<UnderlyingRisk, E>
    where
        E: From<MarginError>,
        P: IntoIterator<Item = BookPosition> + Clone,
        S: FnMut(i64) -> Result<ExpiryMarket, E>,
    {
        let factors = self.correlation.scenarios;
        let mut derived = [GridScenario::UNSHOCKED; MAX_GRID];
        let systematic = derived.get_mut(..factors.len()).ok_or(MarginError::ScenarioCount)?;
        for (slot, factor) in systematic.iter_mut().zip(factors) {
            *slot = factor.for_beta(exposure.beta)?;
        }
        let mut assess = |scenarios: &[GridScenario], detail: Detail, scratch: &mut Scratch| {
            assess_underlying(&Market { scenarios, ..*market }, positions.clone(), &mut surface, detail, scratch)
        };
        assess(systematic, Detail::Margin, scratch)?;
        for (sum, profit) in self.profits.iter_mut().zip(scratch.profits(market.lot_size)) {
            *sum = add(*sum, profit?)?;
        }
        let own = derived.get_mut(..market.scenarios.len()).ok_or(MarginError::ScenarioCount)?;
        for (slot, scenario) in own.iter_mut().zip(market.scenarios) {
            *slot = scenario.scaled(exposure.residual)?;
        }
        let residual = assess(own, Detail::Margin, scratch)?;
        let risk = assess(market.scenarios, detail, scratch)?;
        self.add(&risk, Usd(negate(residual.worst.0)?))?;
        Ok(risk)
    }

    /// The figures that count.
    pub fn finish(&self) -> Result<CrossRisk, MarginError> {
        let mut worst = Usd::ZERO;
        for (scenario, profit) in self.correlation.scenarios.iter().zip(&self.profits) {
            worst = worst.min(scenario.weight.of_rounded_down(*profit)?);
        }
        let systematic = Usd(negate(worst.0)?);
        let root = self.squares.isqrt();
        let root = if root.checked_mul(root) == Some(self.squares) { root } else { root.saturating_add(1) };
        let idiosyncratic = i128::try_from(root).ok().and_then(|root| root.checked_mul(1_000_000)).map(Usd);
        let idiosyncratic = idiosyncratic.ok_or(MarginError::Overflow)?;
        let floor = self.correlation.floor.of_rounded_up(self.stand_alone)?;
        let scan_risk = add(systematic, idiosyncratic)?.max(floor);
        Ok(CrossRisk {
            systematic,
            idiosyncratic,
            stand_alone: self.stand_alone,
            scan_risk,
            initial_margin: add(self.initial_factor.of_rounded_up(scan_risk)?, self.initial_charges)?,
            maintenance_margin: add(self.maintenance_factor.of_rounded_up(scan_risk)?, self.maintenance_charges)?,
            mark_to_market: self.mark_to_market,
        })
    }
}

impl AccountRisk {
    /// Adds all underlyings under the cross-underlying model, instead of [`AccountRisk::add_underlying`] for each.
    pub fn add_cross(&mut self, risk: &CrossRisk) -> Result<(), MarginError> {
        self.add(risk.mark_to_market, risk.maintenance_margin, risk.initial_margin)
    }
}

impl FactorScenario {
    /// The scenario for an underlying of this β; the weight is left to the sum.
    fn for_beta(&self, beta: SignedRatio) -> Result<GridScenario, MarginError> {
        let spot = shifted(beta.0, self.market_move.0);
        Ok(GridScenario { shock: Scenario::new(spot, self.vol)?, ..GridScenario::UNSHOCKED })
    }
}

impl GridScenario {
    /// The same scenario with its spot move multiplied by `scale`; the multiplier stays between 1 % and the largest.
    ///
    /// # Errors
    /// None that the bounds leave: the kernel's check of the multiplier.
    pub fn scaled(&self, scale: Ratio) -> Result<Self, MarginError> {
        // Multipliers are at most 8e9.
        let own = self.shock.spot.0.min(MAX_MULTIPLIER.0) as i64;
        let spot = shifted(i64::try_from(scale.0).unwrap_or(i64::MAX), own.wrapping_sub(Multiplier::ONE.0 as i64));
        Ok(Self { shock: Scenario::new(spot, self.shock.vol)?, ..*self })
    }
}

/// 1 + factor·shift, to nearest, between 1 % and the largest multiplier.
fn shifted(factor: i64, shift: i64) -> Multiplier {
    const ONE: i128 = 1_000_000_000;
    const HALF: i128 = 500_000_000;
    // 63 bits each.
    let product = i128::from(factor).wrapping_mul(i128::from(shift)).wrapping_add(HALF).div_euclid(ONE);
    let spot = product.wrapping_add(ONE).clamp(i128::from(LEAST_SPOT), i128::from(MAX_MULTIPLIER.0));
    Multiplier(spot as u64)
}
