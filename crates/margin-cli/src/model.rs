//! A stored margin model by the names of the preset files.

use margin_client::{
    state::{RiskParameters, VolShock},
    text::exact,
};

const RATIO: u32 = 9;

/// Every parameter that is switched on, as `group.field` and its decimal value.
pub fn parameters(risk: &RiskParameters) -> Vec<(&'static str, String)> {
    let RiskParameters { vol, scan, static_discount: discount, skew, basis, charges, roll, concentration, .. } = risk;
    let cap = match risk.unrealised_profit_cap {
        RiskParameters::NO_CAP => 0,
        cap => i128::from(cap),
    };
    let rows: [(&'static str, i128, u32); 52] = [
        ("vol.range_up", vol.range_up.into(), RATIO),
        ("vol.range_down", vol.range_down.into(), RATIO),
        ("vol.short_term_power", vol.short_term_power.into(), RATIO),
        ("vol.long_term_power", vol.long_term_power.into(), RATIO),
        ("vol.tenor_floor", vol.tenor_floor.into(), 0),
        ("vol.min_vol_up", vol.min_vol_up.into(), 8),
        ("scan.initial", scan.initial.into(), RATIO),
        ("scan.maintenance", scan.maintenance.into(), RATIO),
        ("scan.gain_haircut", scan.gain_haircut.into(), RATIO),
        ("scan.extended_range", scan.extended_range.into(), RATIO),
        ("scan.extended_dampener", scan.extended_dampener.into(), 6),
        ("scan.shortfall_count", scan.shortfall_count.into(), 0),
        ("scan.scales_charges", scan.scales_charges.into(), 0),
        ("scan.inverse", scan.inverse.into(), 0),
        ("static_discount.long_markdown", discount.long_markdown.into(), RATIO),
        ("static_discount.long_rate_scale", discount.long_rate_scale.into(), RATIO),
        ("static_discount.long_rate_add", discount.long_rate_add.into(), RATIO),
        ("static_discount.short_markup", discount.short_markup.into(), RATIO),
        ("static_discount.short_rate_scale", discount.short_rate_scale.into(), RATIO),
        ("static_discount.short_rate_add", discount.short_rate_add.into(), RATIO),
        ("skew.linear.base", skew.linear.base.into(), RATIO),
        ("skew.linear.slope", skew.linear.slope.into(), RATIO),
        ("skew.abs.base", skew.abs.base.into(), RATIO),
        ("skew.abs.slope", skew.abs.slope.into(), RATIO),
        ("skew.min_width", skew.min_width.into(), RATIO),
        ("skew.width_scale", skew.width_scale.into(), RATIO),
        ("skew.vol_static", skew.vol_static.into(), RATIO),
        ("skew.vol_scale", skew.vol_scale.into(), RATIO),
        ("basis.up", basis.up.into(), RATIO),
        ("basis.down", basis.down.into(), RATIO),
        ("basis.add", basis.add.into(), RATIO),
        ("basis.annual", basis.annual.into(), RATIO),
        ("charges.perpetual_maintenance", charges.perpetual_maintenance.into(), RATIO),
        ("charges.perpetual_initial", charges.perpetual_initial.into(), RATIO),
        ("charges.short_option_maintenance", charges.short_option_maintenance.into(), RATIO),
        ("charges.short_option_initial", charges.short_option_initial.into(), RATIO),
        ("minimum_delta.unhedged", risk.minimum_delta.unhedged.into(), RATIO),
        ("minimum_delta.hedged", risk.minimum_delta.hedged.into(), RATIO),
        ("roll.min_move", roll.min_move.into(), RATIO),
        ("roll.annual_move", roll.annual_move.into(), RATIO),
        ("roll.gross", roll.gross.into(), 0),
        ("vega.range", risk.vega.range.into(), RATIO),
        ("vega.offset", risk.vega.offset.into(), RATIO),
        ("concentration.delta_depth", concentration.delta_depth.into(), 6),
        ("concentration.delta_rate", concentration.delta_rate.into(), RATIO),
        ("concentration.vega_depth", concentration.vega_depth.into(), 6),
        ("concentration.vega_rate", concentration.vega_rate.into(), RATIO),
        ("confidence.threshold", risk.confidence.threshold.into(), RATIO),
        ("confidence.factor", risk.confidence.factor.into(), RATIO),
        ("depeg.threshold", risk.depeg.threshold.into(), RATIO),
        ("depeg.factor", risk.depeg.factor.into(), RATIO),
        ("unrealised_profit_cap", cap, 6),
    ];
    rows.into_iter()
        .filter(|(_, value, _)| *value != 0)
        .map(|(name, value, decimals)| (name, exact(value, decimals)))
        .collect()
}

/// A vol shock as the preset files name it.
pub fn vol_name(shock: VolShock) -> &'static str {
    match shock {
        VolShock::Up => "up",
        VolShock::None => "none",
        VolShock::Down => "down",
        VolShock::SkewLinear => "skew-linear",
        VolShock::SkewAbs => "skew-abs",
    }
}
