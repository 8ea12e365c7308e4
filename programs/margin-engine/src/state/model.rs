//! The margin model of one underlying as stored. `docs/risk-model.md` gives the formulas; the fields have the names and
//! meanings of the core crate's parameters. Ratios are in 1e-9; a group of zeros is switched off.

use anchor_lang::prelude::*;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::state::assert_layout;

/// The portfolio-margin model.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct RiskParameters {
    /// How scenarios move vol by tenor.
    pub vol: VolShocks,
    /// From the profits of all scenarios to a requirement.
    pub scan: ScanFactors,
    /// Markdown of options held and markup of options owed inside scenarios, net for each expiry.
    pub static_discount: StaticDiscount,
    /// How skew scenarios move the smile.
    pub skew: SkewShock,
    /// Forward contingency.
    pub basis: BasisContingency,
    /// Charges on spot notional.
    pub charges: PositionCharges,
    /// Floor on the scan risk.
    pub minimum_delta: MinimumDelta,
    /// Charge on deltas that must be rolled.
    pub roll: Roll,
    /// Charge on vega netted between expiries.
    pub vega: VegaTermStructure,
    /// Charge on positions too large for the market. A depth of 0: none.
    pub concentration: Concentration,
    /// Initial margin only: charge where oracles are unsure.
    pub confidence: ConfidenceCharge,
    /// Initial margin only: charge while the quote token is below its peg.
    pub depeg: Depeg,
    /// precision: 1e-6 USD. Unrealised profit beyond this counts for maintenance margin only; the largest number: no
    /// cap.
    pub unrealised_profit_cap: u64,
}
assert_layout!(RiskParameters, 408);

impl RiskParameters {
    /// Value of `unrealised_profit_cap` that stands for none.
    pub const NO_CAP: u64 = u64::MAX;
}

/// How scenarios move vol by tenor.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct VolShocks {
    /// precision: 1e-9. Vol in an Up scenario rises by this share, times the tenor multiplier.
    pub range_up: u64,
    /// precision: 1e-9. Vol in a Down scenario falls by this share, times the tenor multiplier.
    pub range_down: u64,
    /// precision: 1e-9. Power of the tenor multiplier up to 30 days.
    pub short_term_power: u64,
    /// precision: 1e-9. Power of the tenor multiplier beyond 30 days.
    pub long_term_power: u64,
    /// precision: seconds. Shorter times count as this one.
    pub tenor_floor: u64,
    /// precision: 1e-8. Vol in an Up scenario is at least this.
    pub min_vol_up: u64,
}
assert_layout!(VolShocks, 48);

/// From the profits of all scenarios to a requirement.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct ScanFactors {
    /// precision: 1e-9. Share of the scan risk in initial margin.
    pub initial: u64,
    /// precision: 1e-9. Share of the scan risk in maintenance margin; at most `initial`.
    pub maintenance: u64,
    /// precision: 1e-9. Share of a scenario's profit that does not count.
    pub gain_haircut: u64,
    /// precision: 1e-9. Linear instruments move by at most this in an extended scenario; 0: by all of it.
    pub extended_range: u64,
    /// precision: 1e-6 USD. Loss in an extended scenario that does not count.
    pub extended_dampener: u64,
    /// Scan risk is the mean of this many worst scenarios; 0: the worst one.
    pub shortfall_count: u8,
    /// 1: the factors also scale the charges on roll, vega and concentration.
    pub scales_charges: u8,
    /// 1: linear instruments settle in the underlying; amounts and prices are in units of it.
    pub inverse: u8,
    pub _padding: [u8; 5],
}
assert_layout!(ScanFactors, 48);

/// Markdown of options held and markup of options owed inside scenarios, net for each expiry.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct StaticDiscount {
    /// precision: 1e-9. 1 − the base factor of an asset.
    pub long_markdown: i64,
    /// precision: 1e-9. Multiplies the rate.
    pub long_rate_scale: u64,
    /// precision: 1e-9. Added to the rate, per year.
    pub long_rate_add: u64,
    /// precision: 1e-9. The base factor of a liability − 1.
    pub short_markup: u64,
    /// precision: 1e-9. Multiplies the rate.
    pub short_rate_scale: u64,
    /// precision: 1e-9. Added to the rate, per year.
    pub short_rate_add: u64,
}
assert_layout!(StaticDiscount, 48);

/// `base + slope·√τ`.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct SkewCap {
    /// precision: 1e-9. At expiry.
    pub base: u64,
    /// precision: 1e-9. By √τ.
    pub slope: i64,
}
assert_layout!(SkewCap, 16);

/// How skew scenarios move the smile.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct SkewShock {
    /// Cap of the linear scenario.
    pub linear: SkewCap,
    /// Cap of the absolute scenario.
    pub abs: SkewCap,
    /// precision: 1e-9. Smallest width k*.
    pub min_width: u64,
    /// precision: 1e-9. Factor on √τ in k*.
    pub width_scale: u64,
    /// precision: 1e-9. Vol of k*, its constant part.
    pub vol_static: u64,
    /// precision: 1e-9. Vol of k*, its part by √τ.
    pub vol_scale: i64,
}
assert_layout!(SkewShock, 64);

/// Forward contingency.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct BasisContingency {
    /// precision: 1e-9. Upper forward over the forward.
    pub up: u64,
    /// precision: 1e-9. Lower forward over the forward.
    pub down: u64,
    /// precision: 1e-9. Share of the loss that counts at expiry.
    pub add: u64,
    /// precision: 1e-9. Added to it for each year.
    pub annual: u64,
}
assert_layout!(BasisContingency, 32);

/// Charges on spot notional.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct PositionCharges {
    /// precision: 1e-9. On perpetuals and futures, in both margins.
    pub perpetual_maintenance: u64,
    /// precision: 1e-9. On top in initial margin.
    pub perpetual_initial: u64,
    /// precision: 1e-9. On naked short options, in both margins.
    pub short_option_maintenance: u64,
    /// precision: 1e-9. On top in initial margin.
    pub short_option_initial: u64,
}
assert_layout!(PositionCharges, 32);

/// Floor on the scan risk.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct MinimumDelta {
    /// precision: 1e-9. On the net delta.
    pub unhedged: u64,
    /// precision: 1e-9. On the delta that cancels.
    pub hedged: u64,
}
assert_layout!(MinimumDelta, 16);

/// Charge on deltas that must be rolled.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct Roll {
    /// precision: 1e-9. Smallest move.
    pub min_move: u64,
    /// precision: 1e-9. Move for each year to expiry.
    pub annual_move: u64,
    /// 1: instruments of one expiry add up instead of netting.
    pub gross: u8,
    pub _padding: [u8; 7],
}
assert_layout!(Roll, 24);

/// Charge on vega netted between expiries.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct VegaTermStructure {
    /// precision: 1e-9. Absolute vol move at 30 days.
    pub range: u64,
    /// precision: 1e-9. Share of opposite vegas of different expiries that cancels.
    pub offset: u64,
}
assert_layout!(VegaTermStructure, 16);

/// Charge on positions too large for the market. A depth of 0: none.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct Concentration {
    /// precision: 1e-6 USD. Cash delta that the market absorbs.
    pub delta_depth: u64,
    /// precision: 1e-9. Rate when the excess is as large as the depth.
    pub delta_rate: u64,
    /// precision: 1e-6 USD for 1.00 of vol. Vega that the market absorbs.
    pub vega_depth: u64,
    /// precision: 1e-9. Rate when the excess is as large as the depth, per 1.00 of vol.
    pub vega_rate: u64,
    /// precision: 1e-9. Highest rate of either.
    pub max_rate: u64,
}
assert_layout!(Concentration, 40);

/// Initial margin only: charge where oracles are unsure.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct ConfidenceCharge {
    /// precision: 1e-9. Confidence that costs nothing.
    pub threshold: u64,
    /// precision: 1e-9. Share of the notional at no confidence at all.
    pub factor: u64,
}
assert_layout!(ConfidenceCharge, 16);

/// Initial margin only: charge while the quote token is below its peg.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct Depeg {
    /// precision: 1e-9 USD. Price below which the token counts as off its peg.
    pub threshold: u64,
    /// precision: 1e-9. Rise of the initial factor for each USD below.
    pub factor: u64,
}
assert_layout!(Depeg, 16);

/// Standard mode: position by position. All zero: the mode is not offered on this underlying.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct StandardParameters {
    /// precision: 1e-9. On linear instruments at their mark, initial.
    pub perpetual_initial: u64,
    /// precision: 1e-9. On linear instruments at their mark, maintenance.
    pub perpetual_maintenance: u64,
    /// precision: 1e-9. Initial margin of a short option is max(this − its distance out of the money over spot,
    /// `least_spot`) of spot.
    pub most_spot: u64,
    /// precision: 1e-9. Least initial margin of a short option, of spot.
    pub least_spot: u64,
    /// precision: 1e-9. Maintenance margin of a short call, of spot.
    pub call_maintenance: u64,
    /// precision: 1e-9. Maintenance margin of a short put, of spot; the larger of this and the next.
    pub put_maintenance: u64,
    /// precision: 1e-9. Maintenance margin of a short put, of its mark.
    pub put_mark_maintenance: u64,
    /// precision: 1e-9. Initial margin of a short put with its mark is at least this share of the maintenance one.
    pub put_initial_over_maintenance: u64,
    /// precision: 1e-9. Share of the forward that each uncovered call adds to the maximum loss, initial.
    pub unpaired_initial: u64,
    /// precision: 1e-9. Share of the forward that each uncovered call adds to the maximum loss, maintenance.
    pub unpaired_maintenance: u64,
    /// precision: 1e-9. Share of the value of collateral in the underlying itself that counts, maintenance.
    pub collateral: u64,
    /// precision: 1e-9. Share of that in initial margin.
    pub collateral_initial: u64,
    /// Initial margin only: charge where oracles are unsure.
    pub confidence: ConfidenceCharge,
    /// Initial margin only: share of all shorts and linear instruments for each USD under the peg.
    pub depeg: Depeg,
}
assert_layout!(StandardParameters, 128);

/// How the underlying depends on the market factor of the cross-underlying model.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct FactorExposure {
    /// precision: 1e-9. Move of the underlying for a move of the factor.
    pub beta: i64,
    /// precision: 1e-9. Range of its own over the range of its grid.
    pub residual: u64,
}
assert_layout!(FactorExposure, 16);

/// Spot moves that follow the market's own vol; `reference` 0: off.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct AdaptiveRange {
    /// precision: 1e-9. Spot move that the grid was designed for.
    pub reference: u64,
    /// precision: 1e-9. Least expected move.
    pub floor: u64,
    /// precision: 1e-9. Standard deviations to cover.
    pub deviations: u64,
    /// precision: seconds. Time over which the market may move.
    pub horizon: u64,
    /// precision: 1e-9. Least scale of the grid.
    pub least: u64,
    /// precision: 1e-9. Largest scale of the grid.
    pub most: u64,
    /// precision: 1e-9. Largest change of the scale in a day.
    pub daily_change: u64,
    /// precision: 1e-9. Scale that the grid has now.
    pub scale: u64,
    /// Unix seconds of the last change of the scale.
    pub scaled_at: i64,
}
assert_layout!(AdaptiveRange, 72);
