//! The margin model of one underlying as data.
//!
//! Every group may be left at its default, zero, and then costs neither money nor compute units; only the scan factors
//! and a scenario grid are needed. [`RiskParameters::validate`] says which values are sane.

use super::{Ratio, SignedRatio};
use crate::{Multiplier, Price, Seconds, Usd, Vol};

/// The margin model of one underlying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RiskParameters {
    /// How scenarios move vol.
    pub vol: VolShock,
    /// How scenarios become a requirement.
    pub scan: ScanFactors,
    /// Markdown of options held and markup of options owed inside scenarios.
    pub static_discount: StaticDiscount,
    /// How skew scenarios move the smile.
    pub skew: SkewShock,
    /// Forward contingency.
    pub basis: BasisContingency,
    /// Charges on notionals.
    pub charges: PositionCharges,
    /// Floor on the scan risk.
    pub minimum_delta: MinimumDelta,
    /// Charge on deltas that must be rolled.
    pub roll: Roll,
    /// Charge on vega netted between expiries.
    pub vega: VegaTermStructure,
    /// Charge on positions too large for the market.
    pub concentration: Concentration,
    /// Charge where oracles are unsure.
    pub confidence: ConfidenceCharge,
    /// Charge while the quote token is below its peg.
    pub depeg: Depeg,
    /// Unrealised profit beyond this counts for maintenance only.
    pub unrealised_profit_cap: Option<Usd>,
}

/// How scenarios move vol: `m = (30 d / max(time, tenor_floor))^power` times a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VolShock {
    /// Vol in an Up scenario is multiplied by 1 + `range_up`·m.
    pub range_up: Ratio,
    /// Vol in a Down scenario is multiplied by max(0, 1 − `range_down`·m).
    pub range_down: Ratio,
    /// Power up to 30 days, by the actual time.
    pub short_term_power: Ratio,
    /// Power beyond 30 days.
    pub long_term_power: Ratio,
    /// Shorter times count as this one.
    pub tenor_floor: Seconds,
    /// Vol in an Up scenario is at least this.
    pub min_vol_up: Vol,
}

/// From the profits of all scenarios to a requirement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanFactors {
    /// Share of the scan risk in initial margin.
    pub initial: Ratio,
    /// Share of the scan risk in maintenance margin.
    pub maintenance: Ratio,
    /// Worst scenario, or a mean of several.
    pub measure: Measure,
    /// Share of a scenario's profit that does not count: 1 − (the venue's) profit offset.
    pub gain_haircut: Ratio,
    /// Whether roll, vega and concentration charges are scaled by the factors as the scan risk is.
    pub scales_charges: bool,
    /// Whether the linear instruments are inverse: settled in the underlying, so that a move m of one unit pays
    /// 1 − 1/m units. All amounts are then in units of the underlying and prices are one; options are refused.
    pub inverse: bool,
    /// Linear instruments in an extended scenario move by at most this; zero: by all of it.
    pub extended_range: Ratio,
    /// Loss in an extended scenario that does not count.
    pub extended_dampener: Usd,
}

/// Which loss the scan risk is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// That of the worst scenario.
    #[default]
    Worst,
    /// Expected shortfall: the mean of this many worst scenarios (of all, if there are fewer).
    Shortfall(u8),
}

/// Options inside scenarios, net for each expiry: an asset counts
/// `(1 − long_markdown)·exp(−τ·(r·long_rate_scale + long_rate_add))` of its value, a liability
/// `min(1/D, (1 + short_markup)·exp(τ·(r·short_rate_scale + short_rate_add)))`, at most 8, of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StaticDiscount {
    /// 1 − the base factor of an asset.
    pub long_markdown: SignedRatio,
    /// Multiplies the rate.
    pub long_rate_scale: Ratio,
    /// Added to the rate, per year.
    pub long_rate_add: Ratio,
    /// The base factor of a liability − 1.
    pub short_markup: Ratio,
    /// Multiplies the rate.
    pub short_rate_scale: Ratio,
    /// Added to the rate, per year.
    pub short_rate_add: Ratio,
}

/// Skew scenarios: vol is multiplied by max(0, 1 + x), `y = min(|k|·cap/k*, cap)` with k = ln(strike / forward).
///
/// `x = y` in the absolute scenario and `y` with the sign of k in the linear one; `cap = base + slope·√τ`,
/// `k* = max(min_width, √τ·width_scale·(vol_static + vol_scale·√τ))`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkewShock {
    /// Cap of the linear scenario.
    pub linear: SkewCap,
    /// Cap of the absolute scenario.
    pub abs: SkewCap,
    /// Smallest k*.
    pub min_width: Ratio,
    /// Factor on √τ in k*.
    pub width_scale: Ratio,
    /// Vol of k*, its constant part.
    pub vol_static: Ratio,
    /// Vol of k*, its part by √τ.
    pub vol_scale: SignedRatio,
}

/// `base + slope·√τ`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkewCap {
    /// At expiry.
    pub base: Ratio,
    /// By √τ.
    pub slope: SignedRatio,
}

/// Per expiry min(ΔV(forward·up), ΔV(forward·down), 0)·(add + annual·τ), without netting between expiries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BasisContingency {
    /// Upper forward over the forward.
    pub up: Multiplier,
    /// Lower forward over the forward.
    pub down: Multiplier,
    /// Share of the loss that counts at expiry.
    pub add: Ratio,
    /// Added to it for each year.
    pub annual: Ratio,
}

/// Charges on spot notional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionCharges {
    /// On perpetuals and futures, in both margins.
    pub perpetual_maintenance: Ratio,
    /// On top in initial margin.
    pub perpetual_initial: Ratio,
    /// On naked short options, in both margins.
    pub short_option_maintenance: Ratio,
    /// On top in initial margin.
    pub short_option_initial: Ratio,
}

/// Scan risk is at least `(unhedged·|net Δ| + hedged·(gross Δ − |net Δ|)/2)·S`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinimumDelta {
    /// On the net delta.
    pub unhedged: Ratio,
    /// On the delta that cancels.
    pub hedged: Ratio,
}

/// Σ over expiries of |Δ|·S·max(min_move, annual_move·τ); a perpetual counts as an expiry without time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    /// Smallest move.
    pub min_move: Ratio,
    /// Move for each year.
    pub annual_move: Ratio,
    /// Whether instruments of one expiry add up instead of netting.
    pub gross: bool,
}

/// Vega charge: with x the net vega of an expiry times `range`·m vol points (m the tenor multiplier of [`VolShock`]),
/// gains and losses of different expiries cancel only in part: `Σ|x| − 2·offset·min(Σ gains, Σ losses)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VegaTermStructure {
    /// Absolute vol move at 30 days.
    pub range: Ratio,
    /// Share of opposite vegas that cancels, at most one.
    pub offset: Ratio,
}

/// Excess x of |net Δ|·S or |net vega| over a depth d costs `x·min(max_rate, rate·x/d)`; a depth of zero: no charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Concentration {
    /// Cash delta that the market absorbs.
    pub delta_depth: Usd,
    /// Rate when the excess is as large as the depth.
    pub delta_rate: Ratio,
    /// Vega (USD for 1.00 of vol) that the market absorbs.
    pub vega_depth: Usd,
    /// Rate when the excess is as large as the depth, per 1.00 of vol.
    pub vega_rate: Ratio,
    /// Highest rate of either.
    pub max_rate: Ratio,
}

/// Initial margin only: (1 − c)·`factor`·notional where the confidence c is below the threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConfidenceCharge {
    /// Confidence that costs nothing.
    pub threshold: Ratio,
    /// Share of the notional at no confidence at all.
    pub factor: Ratio,
}

/// The initial factor rises by (threshold − price)·factor while the quote token is below the threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depeg {
    /// Price below which the token counts as off its peg.
    pub threshold: Price,
    /// Rise of the factor for each USD below.
    pub factor: Ratio,
}

impl Depeg {
    /// (threshold − price)·factor while the quote token is below the threshold; rounded up.
    #[must_use]
    pub fn rise(&self, price: Price) -> Ratio {
        match self.threshold.checked_sub(price) {
            // 1e-12 USD to 1e-9, rounded up.
            Some(gap) if self.factor != Ratio::ZERO => self.factor.times(Ratio(gap.0.div_ceil(1_000))),
            _ => Ratio::ZERO,
        }
    }
}

impl BasisContingency {
    /// Whether it can charge anything.
    pub(super) fn is_active(&self) -> bool {
        (self.add.0 | self.annual.0) != 0
    }
}

impl StaticDiscount {
    pub(super) fn is_active(&self) -> bool {
        *self != Self::default()
    }
}

impl RiskParameters {
    /// Whether the requirement depends on net Greeks.
    pub(super) fn needs_greeks(&self) -> bool {
        let Concentration { delta_depth, vega_depth, .. } = self.concentration;
        (self.minimum_delta.unhedged.0
            | self.minimum_delta.hedged.0
            | self.roll.min_move.0
            | self.roll.annual_move.0
            | self.vega.range.0)
            != 0
            || delta_depth.0 != 0
            || vega_depth.0 != 0
    }
}
