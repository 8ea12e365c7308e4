//! Margin models as files.
//!
//! A model file is one JSON object. Every number is a decimal (a JSON number or a string); shares and spot multipliers
//! are plain fractions (`0.045`, not 4.5 %), times are seconds, amounts USD. Unknown names are refused; a group or a
//! number that is left out is zero, which switches it off.
//!
//! ```json
//! {
//!   "name": "example", "description": "…", "mode": "portfolio", "vector_only": false,
//!   "parameters": {
//!     "vol": { "range_up": 0.5, "range_down": 0.25, "tenor_floor": 86400 },
//!     "scan": { "initial": 1, "maintenance": 0.8 }
//!   },
//!   "standard": { "perpetual_initial": 0.1, "perpetual_maintenance": 0.05 },
//!   "exposure": { "beta": 1, "residual": 0.5 },
//!   "scenarios": [
//!     { "spot": 1.1, "vol": "none" },
//!     { "spot": 0.9, "vol": "up", "weight": 0.5, "extended": false }
//!   ]
//! }
//! ```
//!
//! Groups and fields have the names of the stored parameters ([`RiskParameters`](state::RiskParameters) and its
//! neighbours), which say what they mean; `vol` of a scenario is `up`, `none`, `down`, `skew_linear` or `skew_abs`.
//! `unrealised_profit_cap` may be left out for no cap.

use margin_engine::{
    instructions::ModelSetArgs,
    state::{self, RiskParameters as StoredRisk, ScenarioArgs},
};
use serde::{Deserialize, Serialize};

use super::MarginModel;
use crate::decimal::Scaled;

/// A share, 1e-9.
type Ratio = Scaled<u64, 9>;
/// A share that may be negative, 1e-9.
type Signed = Scaled<i64, 9>;
/// An annual volatility, 1e-8.
type Vol = Scaled<u64, 8>;
/// USD, 1e-6.
type Micro = Scaled<u64, 6>;
/// USD, 1e-9.
type Nano = Scaled<u64, 9>;
/// Whole numbers and seconds.
type Count = Scaled<u64, 0>;
type Small = Scaled<u8, 0>;

/// A field or a group in its stored form.
trait Field<S> {
    fn store(&self) -> S;
    fn load(stored: &S) -> Self;
}

impl<T: Copy, const PLACES: u32> Field<T> for Scaled<T, PLACES> {
    fn store(&self) -> T {
        self.0
    }

    fn load(stored: &T) -> Self {
        Self(*stored)
    }
}

impl Field<u8> for bool {
    fn store(&self) -> u8 {
        u8::from(*self)
    }

    fn load(stored: &u8) -> Self {
        *stored != 0
    }
}

/// A group of parameters as written and as stored.
macro_rules! group {
    ($(#[$meta:meta])* $name:ident: $stored:ty { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(pub $field: $type,)*
        }

        impl Field<$stored> for $name {
            fn store(&self) -> $stored {
                self.into()
            }

            fn load(stored: &$stored) -> Self {
                Self { $($field: Field::load(&stored.$field),)* }
            }
        }

        impl From<&$name> for $stored {
            #[allow(clippy::needless_update, reason = "some stored groups have padding, some have none")]
            fn from(group: &$name) -> Self {
                Self { $($field: Field::store(&group.$field),)* ..Default::default() }
            }
        }
    };
}

group!(
    /// How scenarios move vol by tenor.
    VolShocks: state::VolShocks {
        range_up: Ratio, range_down: Ratio, short_term_power: Ratio, long_term_power: Ratio, tenor_floor: Count,
        min_vol_up: Vol,
    }
);
group!(
    /// From the profits of all scenarios to a requirement.
    ScanFactors: state::ScanFactors {
        initial: Ratio, maintenance: Ratio, gain_haircut: Ratio, extended_range: Ratio, extended_dampener: Micro,
        shortfall_count: Small, scales_charges: bool, inverse: bool,
    }
);
group!(
    /// Markdown of options held and markup of options owed inside scenarios.
    StaticDiscount: state::StaticDiscount {
        long_markdown: Signed, long_rate_scale: Ratio, long_rate_add: Ratio, short_markup: Ratio,
        short_rate_scale: Ratio, short_rate_add: Ratio,
    }
);
group!(
    /// Cap of a skew scenario.
    SkewCap: state::SkewCap { base: Ratio, slope: Signed }
);
group!(
    /// How skew scenarios move the smile.
    SkewShock: state::SkewShock {
        linear: SkewCap, abs: SkewCap, min_width: Ratio, width_scale: Ratio, vol_static: Ratio, vol_scale: Signed,
    }
);
group!(
    /// Forward contingency.
    BasisContingency: state::BasisContingency { up: Ratio, down: Ratio, add: Ratio, annual: Ratio }
);
group!(
    /// Charges on spot notional.
    PositionCharges: state::PositionCharges {
        perpetual_maintenance: Ratio, perpetual_initial: Ratio, short_option_maintenance: Ratio,
        short_option_initial: Ratio,
    }
);
group!(
    /// Floor on the scan risk.
    MinimumDelta: state::MinimumDelta { unhedged: Ratio, hedged: Ratio }
);
group!(
    /// Charge on deltas that must be rolled.
    Roll: state::Roll { min_move: Ratio, annual_move: Ratio, gross: bool }
);
group!(
    /// Charge on vega netted between expiries.
    VegaTermStructure: state::VegaTermStructure { range: Ratio, offset: Ratio }
);
group!(
    /// Charge on positions too large for the market.
    Concentration: state::Concentration {
        delta_depth: Micro, delta_rate: Ratio, vega_depth: Micro, vega_rate: Ratio, max_rate: Ratio,
    }
);
group!(
    /// Charge where oracles are unsure.
    ConfidenceCharge: state::ConfidenceCharge { threshold: Ratio, factor: Ratio }
);
group!(
    /// Charge while the quote token is below its peg.
    Depeg: state::Depeg { threshold: Nano, factor: Ratio }
);
group!(
    /// Standard mode.
    StandardParameters: state::StandardParameters {
        perpetual_initial: Ratio, perpetual_maintenance: Ratio, most_spot: Ratio, least_spot: Ratio,
        call_maintenance: Ratio, put_maintenance: Ratio, put_mark_maintenance: Ratio,
        put_initial_over_maintenance: Ratio, unpaired_initial: Ratio, unpaired_maintenance: Ratio, collateral: Ratio,
        collateral_initial: Ratio, confidence: ConfidenceCharge, depeg: Depeg,
    }
);
group!(
    /// How the underlying depends on the market factor.
    FactorExposure: state::FactorExposure { beta: Signed, residual: Ratio }
);
group!(
    /// Spot moves that follow the market's own vol.
    AdaptiveRange: state::AdaptiveRange {
        reference: Ratio, floor: Ratio, deviations: Ratio, horizon: Count, least: Ratio, most: Ratio,
        daily_change: Ratio,
    }
);

/// The portfolio model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RiskParameters {
    pub vol: VolShocks,
    pub scan: ScanFactors,
    pub static_discount: StaticDiscount,
    pub skew: SkewShock,
    pub basis: BasisContingency,
    pub charges: PositionCharges,
    pub minimum_delta: MinimumDelta,
    pub roll: Roll,
    pub vega: VegaTermStructure,
    pub concentration: Concentration,
    pub confidence: ConfidenceCharge,
    pub depeg: Depeg,
    /// None: no cap.
    pub unrealised_profit_cap: Option<Micro>,
}

impl From<&RiskParameters> for StoredRisk {
    fn from(file: &RiskParameters) -> Self {
        Self {
            vol: file.vol.store(),
            scan: file.scan.store(),
            static_discount: file.static_discount.store(),
            skew: file.skew.store(),
            basis: file.basis.store(),
            charges: file.charges.store(),
            minimum_delta: file.minimum_delta.store(),
            roll: file.roll.store(),
            vega: file.vega.store(),
            concentration: file.concentration.store(),
            confidence: file.confidence.store(),
            depeg: file.depeg.store(),
            unrealised_profit_cap: file.unrealised_profit_cap.map_or(Self::NO_CAP, |cap| cap.0),
        }
    }
}

impl From<&StoredRisk> for RiskParameters {
    fn from(stored: &StoredRisk) -> Self {
        Self {
            vol: Field::load(&stored.vol),
            scan: Field::load(&stored.scan),
            static_discount: Field::load(&stored.static_discount),
            skew: Field::load(&stored.skew),
            basis: Field::load(&stored.basis),
            charges: Field::load(&stored.charges),
            minimum_delta: Field::load(&stored.minimum_delta),
            roll: Field::load(&stored.roll),
            vega: Field::load(&stored.vega),
            concentration: Field::load(&stored.concentration),
            confidence: Field::load(&stored.confidence),
            depeg: Field::load(&stored.depeg),
            unrealised_profit_cap: match stored.unrealised_profit_cap {
                StoredRisk::NO_CAP => None,
                cap => Some(Scaled(cap)),
            },
        }
    }
}

/// The mode that a model is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Portfolio,
    Isolated,
    Standard,
}

impl From<Mode> for state::AccountMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Portfolio => Self::Portfolio,
            Mode::Isolated => Self::Isolated,
            Mode::Standard => Self::Standard,
        }
    }
}

/// How a scenario moves vol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolShock {
    Up,
    #[default]
    None,
    Down,
    SkewLinear,
    SkewAbs,
}

impl From<VolShock> for state::VolShock {
    fn from(shock: VolShock) -> Self {
        match shock {
            VolShock::Up => Self::Up,
            VolShock::None => Self::None,
            VolShock::Down => Self::Down,
            VolShock::SkewLinear => Self::SkewLinear,
            VolShock::SkewAbs => Self::SkewAbs,
        }
    }
}

/// One cell of the risk grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Spot is multiplied by this.
    pub spot: Ratio,
    #[serde(default)]
    pub vol: VolShock,
    /// The profit is multiplied by this; one if left out.
    #[serde(default = "one")]
    pub weight: Scaled<u32, 9>,
    /// A tail, for which the extended range and dampener hold.
    #[serde(default)]
    pub extended: bool,
}

fn one() -> Scaled<u32, 9> {
    Scaled(1_000_000_000)
}

impl From<&Scenario> for ScenarioArgs {
    fn from(file: &Scenario) -> Self {
        Self { spot: file.spot.0, weight: file.weight.0, vol: file.vol.into(), extended: file.extended }
    }
}

/// A model file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelFile {
    pub name: String,
    pub description: String,
    /// The mode that the model is made for.
    pub mode: Mode,
    /// Made to reproduce published figures: it need not satisfy the program's rules for models.
    pub vector_only: bool,
    pub parameters: RiskParameters,
    pub standard: StandardParameters,
    pub exposure: FactorExposure,
    pub adaptive: AdaptiveRange,
    /// In the program's order: by vol shock (up, none, down, skew_linear, skew_abs), then by rising spot multiplier.
    pub scenarios: Vec<Scenario>,
}

impl ModelFile {
    /// As the program's instructions take it.
    #[must_use]
    pub fn model(&self) -> MarginModel {
        MarginModel {
            parameters: ModelSetArgs {
                risk: (&self.parameters).into(),
                standard: (&self.standard).into(),
                exposure: (&self.exposure).into(),
                adaptive: (&self.adaptive).into(),
            },
            scenarios: self.scenarios.iter().map(ScenarioArgs::from).collect(),
        }
    }
}
