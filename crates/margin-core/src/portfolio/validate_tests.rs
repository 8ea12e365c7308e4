//! Every rule of a parameter set has an error of its own.

use super::testing::*;
use super::*;
use crate::{Multiplier, Price, Scenario, Seconds, Usd, Vol, VolLevel};
use ParameterError as E;

fn ratio(value: f64) -> Ratio {
    Ratio((value * 1e9) as u64)
}

fn skewed(spot: u64) -> GridScenario {
    let shock = Scenario::new(Multiplier(spot), VolLevel::SkewAbs).unwrap();
    GridScenario { shock, weight: Ratio::ONE, extended: false }
}

/// The grid in the kernel's order.
fn sorted() -> Vec<GridScenario> {
    let mut grid = scenarios();
    grid.sort_by_key(|scenario| (scenario.shock.vol as u8, scenario.shock.spot));
    grid
}

#[test]
fn the_default_model_is_valid() {
    assert_eq!(parameters().validate(&sorted()), Ok(()));
    assert_eq!(parameters().validate(&scenarios()), Err(E::GridOrder));
}

#[test]
fn every_rule_has_its_error() {
    type Change = fn(&mut RiskParameters);
    let cases: &[(Change, ParameterError)] = &[
        (|p| p.vol.range_up = ratio(10.1), E::VolRange),
        (|p| p.vol.range_down = ratio(1.1), E::VolRange),
        (|p| p.vol.long_term_power = ratio(11.0), E::TenorPower),
        (|p| p.vol.tenor_floor = Seconds(3_599), E::TenorFloor),
        (|p| p.vol.tenor_floor = Seconds(401 * 86_400), E::TenorFloor),
        (|p| p.vol.min_vol_up = Vol(1_000_000_001), E::MinVolUp),
        (|p| p.scan.maintenance = Ratio::ZERO, E::ScanFactor),
        (|p| p.scan.initial = ratio(10.1), E::ScanFactor),
        (|p| p.scan.initial = ratio(0.79), E::InitialBelowMaintenance),
        (|p| p.scan.measure = Measure::Shortfall(0), E::ShortfallCount),
        (|p| p.scan.measure = Measure::Shortfall(41), E::ShortfallCount),
        (|p| p.scan.gain_haircut = ratio(1.1), E::GainHaircut),
        (|p| p.scan.extended_dampener = Usd(-1), E::Extended),
        (|p| p.scan.extended_range = ratio(8.1), E::Extended),
        (|p| p.static_discount.long_markdown = SignedRatio(-1), E::LongMarkdown),
        (|p| p.static_discount.long_markdown = SignedRatio(1_000_000_001), E::LongMarkdown),
        (|p| p.static_discount.short_markup = ratio(3.1), E::ShortMarkup),
        (|p| p.static_discount.short_rate_add = ratio(10.1), E::DiscountRate),
        (|p| p.skew.abs.base = ratio(10.1), E::SkewCap),
        (|p| p.skew.linear.slope = SignedRatio(-10_000_000_001), E::SkewCap),
        (|p| p.skew.vol_scale = SignedRatio(20_000_000_001), E::SkewVol),
        (|p| p.basis.add = ratio(0.5), E::BasisShock),
        (
            |p| (p.basis.add, p.basis.up, p.basis.down) = (ratio(0.5), Multiplier(1_045_000_000), Multiplier::ONE),
            E::BasisShock,
        ),
        (
            |p| (p.basis.annual, p.basis.up, p.basis.down) = (ratio(20.1), Multiplier(1_045_000_000), Multiplier(1)),
            E::BasisFactor,
        ),
        (|p| p.charges.short_option_initial = ratio(3.1), E::PositionCharge),
        (|p| p.minimum_delta.unhedged = ratio(1.1), E::MinimumDelta),
        (|p| p.minimum_delta.hedged = ratio(0.1), E::MinimumDelta),
        (|p| p.roll.annual_move = ratio(1.1), E::RollMove),
        (|p| p.vega.range = ratio(10.1), E::VegaRange),
        (|p| p.vega.offset = ratio(1.1), E::VegaOffset),
        (|p| p.concentration.vega_depth = Usd(-1), E::ConcentrationDepth),
        (|p| p.concentration.max_rate = ratio(1.1), E::ConcentrationRate),
        (|p| p.confidence.threshold = ratio(1.1), E::ConfidenceThreshold),
        (|p| p.confidence.factor = ratio(20.1), E::ConfidenceFactor),
        (|p| p.depeg.threshold = Price(1_000_000_000_001), E::PegThreshold),
        (|p| p.depeg.factor = ratio(10.1), E::PegFactor),
        (|p| p.unrealised_profit_cap = Some(Usd(-1)), E::ProfitCap),
    ];
    let grid = sorted();
    for (number, (change, error)) in cases.iter().enumerate() {
        let mut model = parameters();
        change(&mut model);
        assert_eq!(model.validate(&grid), Err(*error), "case {number}");
    }
}

#[test]
fn every_rule_of_a_grid_has_its_error() {
    let model = parameters();
    let grid = sorted();
    let one = |change: fn(&mut GridScenario)| {
        let mut grid = grid.clone();
        change(&mut grid[3]);
        model.validate(&grid)
    };
    assert_eq!(model.validate(&[]), Err(E::GridSize));
    assert_eq!(model.validate(&[grid[0]; 41]), Err(E::GridSize));
    assert_eq!(one(|scenario| scenario.shock.spot = Multiplier(9_999_999)), Err(E::GridSpot));
    assert_eq!(one(|scenario| scenario.shock.spot = Multiplier(8_000_000_001)), Err(E::GridSpot));
    assert_eq!(one(|scenario| scenario.weight = Ratio::ZERO), Err(E::GridWeight));
    assert_eq!(one(|scenario| scenario.weight = Ratio(1_000_000_001)), Err(E::GridWeight));
    assert_eq!(model.validate(&grid[9..10]), Err(E::GridOneSided));
    let with = |scenario| [grid.as_slice(), &[scenario]].concat();
    assert_eq!(model.validate(&with(skewed(1_000_000_000))), Err(E::SkewWidth));
    let mut model = model;
    model.skew.min_width = ratio(0.01);
    assert_eq!(model.validate(&with(skewed(1_000_000_000))), Ok(()));
    assert_eq!(model.validate(&with(skewed(1_000_000_001))), Err(E::GridSkewSpot));
}
