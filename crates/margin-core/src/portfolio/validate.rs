//! Which parameters are sane. One error for each rule, so that a refused proposal says what to change.

use super::{ConfidenceCharge, Depeg, GridScenario, MAX_GRID, Measure, Ratio, RiskParameters};
use crate::{MAX_MULTIPLIER, Multiplier, Price, Seconds, Vol};

/// A rule that a parameter set breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ParameterError {
    /// `range_up` above 10, or `range_down` above 1.
    VolRange = 1,
    /// A tenor power above 10.
    TenorPower = 2,
    /// Tenor floor outside one hour to 400 days, with a power in use.
    TenorFloor = 3,
    /// Least vol of Up scenarios above 1 000 %.
    MinVolUp = 4,
    /// Maintenance factor of zero, or a factor above 10.
    ScanFactor = 5,
    /// Initial factor below the maintenance factor.
    InitialBelowMaintenance = 6,
    /// Expected shortfall of zero scenarios or more than a grid holds.
    ShortfallCount = 7,
    /// A gain haircut above one.
    GainHaircut = 8,
    /// A negative dampener, or an extended range above the largest spot move.
    Extended = 9,
    /// Markdown of assets outside zero to one.
    LongMarkdown = 10,
    /// Markup of liabilities above 3.
    ShortMarkup = 11,
    /// A rate scale or rate addition of the static discount above 10.
    DiscountRate = 12,
    /// Skew cap above 10, or its slope beyond ±10.
    SkewCap = 13,
    /// Skew width of zero, or above 10, in a grid with skew scenarios.
    SkewWidth = 14,
    /// Skew vol parts beyond ±20.
    SkewVol = 15,
    /// Forward shocks of an active basis contingency that are not down < 1 < up.
    BasisShock = 16,
    /// Basis factors above 20.
    BasisFactor = 17,
    /// A charge on notional above 300 %.
    PositionCharge = 18,
    /// A minimum-delta share above one, or a hedged share above the unhedged one.
    MinimumDelta = 19,
    /// A roll move above one.
    RollMove = 20,
    /// Vega range above 10.
    VegaRange = 21,
    /// Vega offset above one.
    VegaOffset = 22,
    /// A negative depth.
    ConcentrationDepth = 23,
    /// A concentration rate above one.
    ConcentrationRate = 24,
    /// Confidence threshold above one.
    ConfidenceThreshold = 25,
    /// Confidence factor above 20.
    ConfidenceFactor = 26,
    /// Peg threshold above one dollar.
    PegThreshold = 27,
    /// Peg factor above 10.
    PegFactor = 28,
    /// A negative cap on unrealised profit.
    ProfitCap = 29,
    /// No scenario, or more than a grid holds.
    GridSize = 30,
    /// A spot multiplier below 1 % or above the kernel's largest.
    GridSpot = 31,
    /// A weight of zero or above one.
    GridWeight = 32,
    /// A skew scenario that also moves spot.
    GridSkewSpot = 33,
    /// No scenario falls, or none rises.
    GridOneSided = 34,
    /// Scenarios out of the kernel's order: by vol level, then by spot multiplier.
    GridOrder = 35,
    /// A share of the standard model above 300 %, or its share of collateral above one.
    StandardShare = 36,
    /// The standard model could ask for less initial than maintenance margin.
    StandardInitialBelowMaintenance = 37,
    /// Adaptive bounds that are not least ≤ 1 ≤ most ≤ 8, or a least scale of zero.
    AdaptiveBounds = 38,
    /// An expected move above one, more than 20 standard deviations, or a horizon outside one minute to a year.
    AdaptiveMove = 39,
    /// A daily change of zero or above 8.
    AdaptiveChange = 40,
    /// A beta beyond ±8.
    FactorBeta = 41,
    /// A residual range above one.
    FactorResidual = 42,
    /// No scenario of the market factor, or more than a grid holds.
    FactorCount = 43,
    /// A move of the market factor beyond −99 % to +700 %.
    FactorMove = 44,
    /// A weight of zero or above one.
    FactorWeight = 45,
    /// A skew scenario of the market factor.
    FactorSkew = 46,
    /// A breakdown floor above one.
    CorrelationFloor = 47,
}

pub(super) const fn times(factor: u64) -> Ratio {
    Ratio(Ratio::ONE.0.saturating_mul(factor))
}

pub(super) const TEN: Ratio = times(10);
const HOUR: Seconds = Seconds(3_600);
const LONGEST_FLOOR: Seconds = Seconds(400 * 86_400);

pub(super) fn check(holds: bool, error: ParameterError) -> Result<(), ParameterError> {
    if holds { Ok(()) } else { Err(error) }
}

pub(super) fn within(ratio: super::SignedRatio, bound: Ratio) -> bool {
    ratio.0.unsigned_abs() <= bound.0
}

impl RiskParameters {
    /// Checks every parameter, and that initial margin can never be below maintenance margin: all initial percentages
    /// come on top, so only the factors could break it.
    ///
    /// # Errors
    /// The first rule broken, in the order of [`ParameterError`].
    pub fn validate(&self, grid: &[GridScenario]) -> Result<(), ParameterError> {
        self.validate_without_grid()?;
        check_grid(grid)?;
        let skewed = grid.iter().any(GridScenario::is_skew);
        check(!skewed || self.skew.min_width > Ratio::ZERO, ParameterError::SkewWidth)
    }

    /// [`RiskParameters::validate`] for a model whose grid is yet to come.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn validate_without_grid(&self) -> Result<(), ParameterError> {
        self.check_shocks()?;
        self.check_options()?;
        self.check_charges()
    }

    fn check_shocks(&self) -> Result<(), ParameterError> {
        use ParameterError as E;
        let (vol, scan) = (&self.vol, &self.scan);
        check(vol.range_up <= TEN && vol.range_down <= Ratio::ONE, E::VolRange)?;
        check(vol.short_term_power <= TEN && vol.long_term_power <= TEN, E::TenorPower)?;
        let powers = vol.short_term_power.0 | vol.long_term_power.0;
        check(powers == 0 || (HOUR..=LONGEST_FLOOR).contains(&vol.tenor_floor), E::TenorFloor)?;
        check(vol.min_vol_up <= Vol(1_000_000_000), E::MinVolUp)?;
        check(scan.maintenance > Ratio::ZERO && scan.maintenance <= TEN && scan.initial <= TEN, E::ScanFactor)?;
        check(scan.initial >= scan.maintenance, E::InitialBelowMaintenance)?;
        let count_is_sane = match scan.measure {
            Measure::Worst => true,
            Measure::Shortfall(count) => (1..=MAX_GRID).contains(&usize::from(count)),
        };
        check(count_is_sane, E::ShortfallCount)?;
        check(scan.gain_haircut <= Ratio::ONE, E::GainHaircut)?;
        check(scan.extended_dampener.0 >= 0 && scan.extended_range.0 <= MAX_MULTIPLIER.0, E::Extended)
    }

    fn check_options(&self) -> Result<(), ParameterError> {
        use ParameterError as E;
        let (discount, skew, basis) = (&self.static_discount, &self.skew, &self.basis);
        check((0..=Ratio::ONE.0 as i64).contains(&discount.long_markdown.0), E::LongMarkdown)?;
        check(discount.short_markup <= times(3), E::ShortMarkup)?;
        let rates =
            [discount.long_rate_scale, discount.long_rate_add, discount.short_rate_scale, discount.short_rate_add];
        check(rates.iter().all(|rate| *rate <= TEN), E::DiscountRate)?;
        let caps = [skew.linear, skew.abs];
        check(caps.iter().all(|cap| cap.base <= TEN && within(cap.slope, TEN)), E::SkewCap)?;
        check(skew.min_width <= TEN, E::SkewWidth)?;
        check(
            skew.width_scale <= TEN && skew.vol_static <= times(20) && within(skew.vol_scale, times(20)),
            E::SkewVol,
        )?;
        let shocked = basis.down > Multiplier::ZERO && basis.down < Multiplier::ONE && basis.up > Multiplier::ONE;
        check(!basis.is_active() || (shocked && basis.up <= MAX_MULTIPLIER), E::BasisShock)?;
        check(basis.add <= times(20) && basis.annual <= times(20), E::BasisFactor)
    }

    fn check_charges(&self) -> Result<(), ParameterError> {
        use ParameterError as E;
        let charges = [
            self.charges.perpetual_maintenance,
            self.charges.perpetual_initial,
            self.charges.short_option_maintenance,
            self.charges.short_option_initial,
        ];
        check(charges.iter().all(|charge| *charge <= times(3)), E::PositionCharge)?;
        let floor = &self.minimum_delta;
        check(floor.unhedged <= Ratio::ONE && floor.hedged <= floor.unhedged, E::MinimumDelta)?;
        check(self.roll.min_move <= Ratio::ONE && self.roll.annual_move <= Ratio::ONE, E::RollMove)?;
        check(self.vega.range <= TEN, E::VegaRange)?;
        check(self.vega.offset <= Ratio::ONE, E::VegaOffset)?;
        let concentration = &self.concentration;
        check(concentration.delta_depth.0 >= 0 && concentration.vega_depth.0 >= 0, E::ConcentrationDepth)?;
        let rates = [concentration.delta_rate, concentration.vega_rate, concentration.max_rate];
        check(rates.iter().all(|rate| *rate <= Ratio::ONE), E::ConcentrationRate)?;
        self.confidence.validate()?;
        self.depeg.validate()?;
        check(self.unrealised_profit_cap.is_none_or(|cap| cap.0 >= 0), E::ProfitCap)
    }
}

impl ConfidenceCharge {
    /// Checks the charge.
    ///
    /// # Errors
    /// `ConfidenceThreshold`, `ConfidenceFactor`.
    pub fn validate(&self) -> Result<(), ParameterError> {
        check(self.threshold <= Ratio::ONE, ParameterError::ConfidenceThreshold)?;
        check(self.factor <= times(20), ParameterError::ConfidenceFactor)
    }
}

impl Depeg {
    /// Checks the charge.
    ///
    /// # Errors
    /// `PegThreshold`, `PegFactor`.
    pub fn validate(&self) -> Result<(), ParameterError> {
        check(self.threshold <= Price::ONE_USD, ParameterError::PegThreshold)?;
        check(self.factor <= TEN, ParameterError::PegFactor)
    }
}

fn check_grid(grid: &[GridScenario]) -> Result<(), ParameterError> {
    use ParameterError as E;
    const LEAST_SPOT: Multiplier = Multiplier(10_000_000);
    check((1..=MAX_GRID).contains(&grid.len()), E::GridSize)?;
    for scenario in grid {
        check((LEAST_SPOT..=MAX_MULTIPLIER).contains(&scenario.shock.spot), E::GridSpot)?;
        check(scenario.weight > Ratio::ZERO && scenario.weight <= Ratio::ONE, E::GridWeight)?;
        check(!scenario.is_skew() || scenario.shock.spot == Multiplier::ONE, E::GridSkewSpot)?;
    }
    let moves = |up: bool| {
        grid.iter().any(|s| if up { s.shock.spot > Multiplier::ONE } else { s.shock.spot < Multiplier::ONE })
    };
    check(moves(true) && moves(false), E::GridOneSided)?;
    check(grid.is_sorted_by_key(|scenario| (scenario.shock.vol as u8, scenario.shock.spot)), E::GridOrder)
}
