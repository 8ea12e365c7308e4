//! Digital options.

use margin_core::portfolio::{InstrumentKind, NetGreeks, StandardParameters, assess_standard};
use margin_core::{Lots, Rate, Usd, VolLevel};

use crate::document::{Computation, Example};
use crate::lab::{LOT_SIZE, Lab};
use crate::reader::{Black, density, normal};

pub const ALL: &[Computation] = &[("digital.scan", scan), ("digital.gap", gap)];

/// The option of a strike, undiscounted.
fn option(example: &Example, strike: &str) -> Black {
    let (vol, years) = (example.given("vol"), example.years("time"));
    Black { forward: example.given("forward"), strike: example.given(strike), vol, years, rate: 0.0 }
}

fn scan(example: &Example) {
    let mut lab = Lab::new(example.price("forward"));
    let expiry = lab.expiry(example.seconds("time"), example.price("forward"), example.vol("vol"), Rate(0));
    lab.hold(InstrumentKind::DigitalCall, expiry, example.price("strike"), example.lots("position"));
    lab.scenario(example.spot("spot_move"), VolLevel::None);
    let (risk, profits) = lab.assess_with_profits();
    let (option, units) = (option(example, "strike"), example.given("position"));
    let moved = option.moved(1.0 + example.given("spot_move"));
    example.step("d2", option.d2());
    example.figure("mark", risk.mark_to_market, units * normal(option.d2()));
    let delta: Usd = NetGreeks::in_usd(lab.greeks().delta, LOT_SIZE).unwrap();
    example.figure("delta", delta, units * density(option.d2()) / option.deviation());
    example.figure("profit", profits[1], units * (normal(moved.d2()) - normal(option.d2())));
}

fn gap(example: &Example) {
    let mut lab = Lab::new(example.price("forward"));
    let expiry = lab.expiry(example.seconds("time"), example.price("forward"), example.vol("vol"), Rate(0));
    let sold = example.lots("position");
    lab.hold(InstrumentKind::DigitalCall, expiry, example.price("strike_sold"), sold);
    lab.hold(InstrumentKind::DigitalCall, expiry, example.price("strike_bought"), Lots(-sold.0));
    lab.scenario(example.spot("spot_move"), VolLevel::None);
    let risk = lab.assess();
    let chance = |factor: f64| {
        let at = |strike| normal(option(example, strike).moved(factor).d2());
        at("strike_sold") - at("strike_bought")
    };
    let units = example.given("position");
    let mark = units * chance(1.0);
    let scan_risk = (mark - units * chance(1.0 + example.given("spot_move"))).max(0.0);
    // No spot between the strikes: there the one that is sold pays alone.
    let dip = -units;
    let gap = dip.min(mark - units);
    example.figure("mark", risk.mark_to_market, mark);
    example.figure("scan_risk", risk.scan_risk, scan_risk);
    example.step("dip", dip);
    example.step("most", mark - units);
    example.figure("gap", risk.charges.short_option_maintenance, gap);
    example.figure("maintenance_margin", risk.maintenance_margin, gap + scan_risk);
    let standard = assess_standard(&lab.market(), &StandardParameters::default(), lab.book(), lab.surface());
    example.figure("standard", standard.unwrap().margins().unwrap().maintenance, units);
}
