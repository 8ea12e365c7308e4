//! A stored margin model as the core crate's, and the core's verdict on it as the program's errors.

use margin_core::{
    Multiplier, Price, Scenario as CoreScenario, Seconds, Usd, Vol, VolLevel,
    portfolio::{self as core, GridScenario, Measure, ParameterError, Ratio, SignedRatio},
};

use crate::{
    error::EngineError,
    state::{
        AdaptiveRange, ConfidenceCharge, Depeg, FactorExposure, FactorScenario, RiskParameters, Scenario, SkewCap,
        StandardParameters, VolShock,
    },
};

/// Amounts of a model are stored in 1e-6 USD.
fn micro(amount: u64) -> Usd {
    // Most are zero, and the VM multiplies 128 bits step by step.
    if amount == 0 { Usd::ZERO } else { Usd(i128::from(amount) * 1_000_000) }
}

fn flag(byte: u8) -> bool {
    byte != 0
}

impl From<&RiskParameters> for core::RiskParameters {
    // Group by group, in place and not inlined: otherwise each number waits on the stack until all are read.
    #[inline(never)]
    #[allow(clippy::field_reassign_with_default, reason = "as said above")]
    fn from(stored: &RiskParameters) -> Self {
        let RiskParameters { vol, scan, static_discount, skew, basis, charges, roll, concentration, .. } = stored;
        // Whatever branches comes first: the VM's few registers then hold nothing over it.
        let extended_dampener = micro(scan.extended_dampener);
        let (delta_depth, vega_depth) = (micro(concentration.delta_depth), micro(concentration.vega_depth));
        let (scales_charges, inverse, gross) = (flag(scan.scales_charges), flag(scan.inverse), flag(roll.gross));
        let depeg = (&stored.depeg).into();
        let unrealised_profit_cap = match stored.unrealised_profit_cap {
            RiskParameters::NO_CAP => None,
            cap => Some(micro(cap)),
        };
        let mut parameters = Self::default();
        parameters.vol = core::VolShock {
            range_up: Ratio(vol.range_up),
            range_down: Ratio(vol.range_down),
            short_term_power: Ratio(vol.short_term_power),
            long_term_power: Ratio(vol.long_term_power),
            tenor_floor: Seconds(vol.tenor_floor),
            min_vol_up: Vol(vol.min_vol_up),
        };
        parameters.scan = core::ScanFactors {
            initial: Ratio(scan.initial),
            maintenance: Ratio(scan.maintenance),
            measure: match scan.shortfall_count {
                0 => Measure::Worst,
                count => Measure::Shortfall(count),
            },
            gain_haircut: Ratio(scan.gain_haircut),
            scales_charges,
            inverse,
            extended_range: Ratio(scan.extended_range),
            extended_dampener,
        };
        parameters.static_discount = core::StaticDiscount {
            long_markdown: SignedRatio(static_discount.long_markdown),
            long_rate_scale: Ratio(static_discount.long_rate_scale),
            long_rate_add: Ratio(static_discount.long_rate_add),
            short_markup: Ratio(static_discount.short_markup),
            short_rate_scale: Ratio(static_discount.short_rate_scale),
            short_rate_add: Ratio(static_discount.short_rate_add),
        };
        parameters.skew = core::SkewShock {
            linear: (&skew.linear).into(),
            abs: (&skew.abs).into(),
            min_width: Ratio(skew.min_width),
            width_scale: Ratio(skew.width_scale),
            vol_static: Ratio(skew.vol_static),
            vol_scale: SignedRatio(skew.vol_scale),
        };
        parameters.basis = core::BasisContingency {
            up: Multiplier(basis.up),
            down: Multiplier(basis.down),
            add: Ratio(basis.add),
            annual: Ratio(basis.annual),
        };
        parameters.charges = core::PositionCharges {
            perpetual_maintenance: Ratio(charges.perpetual_maintenance),
            perpetual_initial: Ratio(charges.perpetual_initial),
            short_option_maintenance: Ratio(charges.short_option_maintenance),
            short_option_initial: Ratio(charges.short_option_initial),
        };
        parameters.minimum_delta = core::MinimumDelta {
            unhedged: Ratio(stored.minimum_delta.unhedged),
            hedged: Ratio(stored.minimum_delta.hedged),
        };
        parameters.roll = core::Roll { min_move: Ratio(roll.min_move), annual_move: Ratio(roll.annual_move), gross };
        parameters.vega =
            core::VegaTermStructure { range: Ratio(stored.vega.range), offset: Ratio(stored.vega.offset) };
        parameters.concentration = core::Concentration {
            delta_depth,
            delta_rate: Ratio(concentration.delta_rate),
            vega_depth,
            vega_rate: Ratio(concentration.vega_rate),
            max_rate: Ratio(concentration.max_rate),
        };
        parameters.confidence = (&stored.confidence).into();
        parameters.depeg = depeg;
        parameters.unrealised_profit_cap = unrealised_profit_cap;
        parameters
    }
}

impl From<&SkewCap> for core::SkewCap {
    fn from(stored: &SkewCap) -> Self {
        Self { base: Ratio(stored.base), slope: SignedRatio(stored.slope) }
    }
}

impl From<&ConfidenceCharge> for core::ConfidenceCharge {
    fn from(stored: &ConfidenceCharge) -> Self {
        Self { threshold: Ratio(stored.threshold), factor: Ratio(stored.factor) }
    }
}

impl From<&Depeg> for core::Depeg {
    fn from(stored: &Depeg) -> Self {
        // 1e-9 USD; a threshold beyond all prices is beyond every rule.
        let threshold = stored.threshold;
        let threshold =
            if threshold >> 54 == 0 { threshold.wrapping_mul(1_000) } else { threshold.saturating_mul(1_000) };
        Self { threshold: Price(threshold), factor: Ratio(stored.factor) }
    }
}

impl From<&StandardParameters> for core::StandardParameters {
    fn from(stored: &StandardParameters) -> Self {
        Self {
            perpetual_initial: Ratio(stored.perpetual_initial),
            perpetual_maintenance: Ratio(stored.perpetual_maintenance),
            most_spot: Ratio(stored.most_spot),
            least_spot: Ratio(stored.least_spot),
            call_maintenance: Ratio(stored.call_maintenance),
            put_maintenance: Ratio(stored.put_maintenance),
            put_mark_maintenance: Ratio(stored.put_mark_maintenance),
            put_initial_over_maintenance: Ratio(stored.put_initial_over_maintenance),
            unpaired_initial: Ratio(stored.unpaired_initial),
            unpaired_maintenance: Ratio(stored.unpaired_maintenance),
            collateral: Ratio(stored.collateral),
            collateral_initial: Ratio(stored.collateral_initial),
            confidence: (&stored.confidence).into(),
            depeg: (&stored.depeg).into(),
        }
    }
}

impl From<&FactorExposure> for core::FactorExposure {
    fn from(stored: &FactorExposure) -> Self {
        Self { beta: SignedRatio(stored.beta), residual: Ratio(stored.residual) }
    }
}

impl From<&AdaptiveRange> for core::AdaptiveRange {
    fn from(stored: &AdaptiveRange) -> Self {
        Self {
            reference: Ratio(stored.reference),
            floor: Ratio(stored.floor),
            deviations: Ratio(stored.deviations),
            horizon: Seconds(stored.horizon),
            least: Ratio(stored.least),
            most: Ratio(stored.most),
            daily_change: Ratio(stored.daily_change),
        }
    }
}

impl From<&Scenario> for GridScenario {
    fn from(stored: &Scenario) -> Self {
        let vol = VolLevel::from(VolShock::from_byte(stored.vol));
        let shock = CoreScenario { spot: Multiplier(stored.spot), ln_spot: stored.ln_spot, vol };
        Self { shock, weight: Ratio(u64::from(stored.weight)), extended: flag(stored.extended) }
    }
}

impl From<&FactorScenario> for core::FactorScenario {
    fn from(stored: &FactorScenario) -> Self {
        Self {
            market_move: SignedRatio(stored.market_move),
            vol: VolShock::from_byte(stored.vol).into(),
            weight: Ratio(stored.weight),
        }
    }
}

impl From<ParameterError> for EngineError {
    fn from(error: ParameterError) -> Self {
        match error {
            ParameterError::VolRange => Self::ParameterVolRange,
            ParameterError::TenorPower => Self::ParameterTenorPower,
            ParameterError::TenorFloor => Self::ParameterTenorFloor,
            ParameterError::MinVolUp => Self::ParameterMinVolUp,
            ParameterError::ScanFactor => Self::ParameterScanFactor,
            ParameterError::InitialBelowMaintenance => Self::ParameterInitialBelowMaintenance,
            ParameterError::ShortfallCount => Self::ParameterShortfallCount,
            ParameterError::GainHaircut => Self::ParameterGainHaircut,
            ParameterError::Extended => Self::ParameterExtended,
            ParameterError::LongMarkdown => Self::ParameterLongMarkdown,
            ParameterError::ShortMarkup => Self::ParameterShortMarkup,
            ParameterError::DiscountRate => Self::ParameterDiscountRate,
            ParameterError::SkewCap => Self::ParameterSkewCap,
            ParameterError::SkewWidth => Self::ParameterSkewWidth,
            ParameterError::SkewVol => Self::ParameterSkewVol,
            ParameterError::BasisShock => Self::ParameterBasisShock,
            ParameterError::BasisFactor => Self::ParameterBasisFactor,
            ParameterError::PositionCharge => Self::ParameterPositionCharge,
            ParameterError::MinimumDelta => Self::ParameterMinimumDelta,
            ParameterError::RollMove => Self::ParameterRollMove,
            ParameterError::VegaRange => Self::ParameterVegaRange,
            ParameterError::VegaOffset => Self::ParameterVegaOffset,
            ParameterError::ConcentrationRate => Self::ParameterConcentrationRate,
            ParameterError::ConfidenceThreshold => Self::ParameterConfidenceThreshold,
            ParameterError::ConfidenceFactor => Self::ParameterConfidenceFactor,
            ParameterError::PegThreshold => Self::ParameterPegThreshold,
            ParameterError::PegFactor => Self::ParameterPegFactor,
            ParameterError::GridSize => Self::ScenarioCount,
            ParameterError::GridSpot => Self::ScenarioSpot,
            ParameterError::GridWeight => Self::ScenarioWeight,
            ParameterError::GridSkewSpot => Self::ScenarioSkewSpot,
            ParameterError::GridOneSided => Self::ScenarioOneSided,
            ParameterError::GridOrder => Self::ScenarioOrder,
            ParameterError::StandardShare => Self::ParameterStandardShare,
            ParameterError::StandardInitialBelowMaintenance => Self::ParameterStandardInitialBelowMaintenance,
            ParameterError::AdaptiveBounds => Self::ParameterAdaptiveBounds,
            ParameterError::AdaptiveMove => Self::ParameterAdaptiveMove,
            ParameterError::AdaptiveChange => Self::ParameterAdaptiveChange,
            ParameterError::FactorBeta => Self::ParameterFactorBeta,
            ParameterError::FactorResidual => Self::ParameterFactorResidual,
            ParameterError::FactorCount => Self::FactorCount,
            ParameterError::FactorMove => Self::FactorMove,
            ParameterError::FactorWeight => Self::FactorWeight,
            ParameterError::FactorSkew => Self::FactorSkew,
            ParameterError::CorrelationFloor => Self::CorrelationFloor,
            // Stored amounts have no sign.
            ParameterError::ConcentrationDepth | ParameterError::ProfitCap => Self::UnknownLayout,
        }
    }
}
