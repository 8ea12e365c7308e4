//! Charges on positions, Greeks and oracles, and the adaptive range.

use margin_core::portfolio::*;
use margin_core::{Lots, Price, Rate, Seconds, Usd, Vol, VolLevel};

use crate::document::{Computation, Example};
use crate::lab::Lab;
use crate::reader::Black;

pub const ALL: &[Computation] = &[
    ("charges.notional", notional),
    ("charges.minimum-delta", minimum_delta),
    ("charges.roll", roll),
    ("charges.vega", vega),
    ("charges.concentration", concentration),
    ("charges.confidence", confidence),
    ("charges.depeg", depeg),
    ("charges.profit-cap", profit_cap),
    ("adaptive", adaptive),
];

const QUARTER: Seconds = Seconds(90 * 86_400);

fn notional(example: &Example) {
    let mut lab = Lab::new(example.price("spot"));
    let expiry = lab.expiry(QUARTER, example.price("spot"), Vol(50_000_000), Rate(0));
    let strike = example.price("strike");
    lab.perpetual(example.lots("perpetual"));
    lab.hold(InstrumentKind::Call, expiry, strike, example.lots("calls"));
    lab.hold(InstrumentKind::Put, expiry, strike, example.lots("puts"));
    lab.parameters.charges = PositionCharges {
        perpetual_maintenance: example.ratio("perpetual_maintenance"),
        perpetual_initial: example.ratio("perpetual_initial"),
        short_option_maintenance: example.ratio("short_option_maintenance"),
        short_option_initial: example.ratio("short_option_initial"),
    };
    let charges = lab.assess().charges;
    let spot = example.given("spot");
    let linear = example.given("perpetual").abs() * spot;
    let naked = -(example.given("calls") + example.given("puts")).min(0.0) * spot;
    let rate = |name: &str| example.given(name);
    let perpetual_initial = rate("perpetual_maintenance") + rate("perpetual_initial");
    let short_initial = rate("short_option_maintenance") + rate("short_option_initial");
    example.figure("perpetual_mm", charges.perpetual_maintenance, linear * rate("perpetual_maintenance"));
    example.figure("perpetual_im", charges.perpetual_initial, linear * perpetual_initial);
    example.figure("naked_mm", charges.short_option_maintenance, naked * rate("short_option_maintenance"));
    example.figure("naked_im", charges.short_option_initial, naked * short_initial);
}

/// A perpetual against a future.
fn linear_book(example: &Example) -> Lab {
    let mut lab = Lab::new(example.price("spot"));
    let time = example.seconds("time");
    let expiry = lab.expiry(time, example.price("spot"), Vol(50_000_000), Rate(0));
    lab.perpetual(example.lots("perpetual"));
    lab.hold(InstrumentKind::Future, expiry, Price(0), example.lots("future"));
    lab
}

fn minimum_delta(example: &Example) {
    let mut lab = linear_book(example);
    lab.parameters.minimum_delta =
        MinimumDelta { unhedged: example.ratio("unhedged"), hedged: example.ratio("hedged") };
    let risk = lab.assess();
    let (a, b) = (example.given("perpetual"), example.given("future"));
    let (net, gross) = ((a + b).abs(), a.abs() + b.abs());
    let hedged = (gross - net) / 2.0;
    example.step("net_delta", net);
    example.step("hedged_delta", hedged);
    let floor = (example.given("unhedged") * net + example.given("hedged") * hedged) * example.given("spot");
    example.figure("floor", risk.minimum_delta, floor);
    // Nothing moves, so the floor is all there is.
    example.figure("scan_risk", risk.scan_risk, floor);
}

fn roll(example: &Example) {
    let mut lab = linear_book(example);
    lab.parameters.roll =
        Roll { min_move: example.ratio("min_move"), annual_move: example.ratio("annual_move"), gross: false };
    let shift = (example.given("annual_move") * example.years("time")).max(example.given("min_move"));
    let perpetual = example.given("perpetual").abs() * example.given("spot") * example.given("min_move");
    let future = example.given("future").abs() * example.given("spot") * shift;
    example.step("move_future", shift);
    example.step("perpetual_charge", perpetual);
    example.step("future_charge", future);
    example.figure("charge", lab.assess().charges.roll, perpetual + future);
}

fn vega(example: &Example) {
    let mut lab = Lab::new(example.price("forward"));
    let mut moved = Vec::new();
    for side in ["near", "far"] {
        let key = |name: &str| format!("{name}_{side}");
        let time = example.seconds(&key("time"));
        let expiry = lab.expiry(time, example.price("forward"), example.vol("vol"), Rate(0));
        lab.hold(InstrumentKind::Call, expiry, example.price("forward"), example.lots(&key("position")));
        let forward = example.given("forward");
        let years = example.years(&key("time"));
        let option = Black { forward, strike: forward, vol: example.given("vol"), years, rate: 0.0 };
        let vega = example.given(&key("position")) * option.vega();
        let days = example.given(&key("time")) / 86_400.0;
        let power = example.given(if days <= 30.0 { "short_term_power" } else { "long_term_power" });
        let shift = example.given("range") * (30.0 / days).powf(power);
        example.step(&key("vega"), vega);
        example.step(&key("move"), shift);
        example.step(&key("cost"), (vega * shift).abs());
        moved.push(vega * shift);
    }
    lab.parameters.vol = VolShock {
        short_term_power: example.ratio("short_term_power"),
        long_term_power: example.ratio("long_term_power"),
        tenor_floor: Seconds(86_400),
        ..VolShock::default()
    };
    lab.parameters.vega = VegaTermStructure { range: example.ratio("range"), offset: example.ratio("offset") };
    assert!(moved[0] * moved[1] < 0.0, "opposite vegas");
    let smaller = moved[0].abs().min(moved[1].abs());
    let charge = moved[0].abs() + moved[1].abs() - 2.0 * example.given("offset") * smaller;
    example.figure("charge", lab.assess().charges.vega, charge);
}

fn concentration(example: &Example) {
    let mut lab = Lab::new(example.price("spot"));
    lab.perpetual(example.lots("perpetual"));
    lab.parameters.concentration = Concentration {
        delta_depth: example.usd("delta_depth"),
        delta_rate: example.ratio("delta_rate"),
        max_rate: example.ratio("max_rate"),
        ..Concentration::default()
    };
    let depth = example.given("delta_depth");
    let excess = example.given("perpetual").abs() * example.given("spot") - depth;
    let rate = (example.given("delta_rate") * excess / depth).min(example.given("max_rate"));
    example.step("excess", excess);
    example.step("rate", rate);
    example.figure("charge", lab.assess().charges.concentration, excess * rate);
}

fn confidence(example: &Example) {
    let core = interval_confidence(example.price("spot"), example.price("interval"), example.ratio("full_scale"));
    let spread = example.given("interval") / example.given("spot");
    let reader = 1.0 - (spread / example.given("full_scale")).min(1.0);
    example.figure("confidence", core, reader);
    let mut lab = Lab::new(example.price("spot"));
    lab.perpetual(example.lots("perpetual"));
    lab.perpetual_confidence = core;
    lab.parameters.confidence =
        ConfidenceCharge { threshold: example.ratio("threshold"), factor: example.ratio("factor") };
    assert!(reader < example.given("threshold"));
    let notional = example.given("perpetual").abs() * example.given("spot");
    let charge = (1.0 - reader) * example.given("factor") * notional;
    example.figure("charge_im", lab.assess().charges.confidence, charge);
}

fn depeg(example: &Example) {
    let mut lab = Lab::new(example.price("spot"));
    lab.perpetual(example.lots("perpetual"));
    lab.scenario(example.spot("spot_move"), VolLevel::None);
    lab.stable = example.price("stable");
    lab.parameters.depeg = Depeg { threshold: example.price("threshold"), factor: example.ratio("factor") };
    let risk = lab.assess();
    let rise = (example.given("threshold") - example.given("stable")) * example.given("factor");
    let scan = -example.given("perpetual") * example.given("spot") * example.given("spot_move");
    example.figure("scan_risk", risk.scan_risk, scan);
    example.figure("initial_factor", risk.initial_factor, 1.0 + rise);
    example.figure("maintenance_margin", risk.maintenance_margin, scan);
    example.figure("initial_margin", risk.initial_margin, scan * (1.0 + rise));
}

fn profit_cap(example: &Example) {
    let mut lab = Lab::new(example.price("spot"));
    lab.perpetual(example.lots("perpetual"));
    let [position, entry, spot, cap] = ["perpetual", "entry", "spot", "cap"].map(|name| example.given(name));
    lab.positions[0].settled_value =
        lots_value(example.lots("perpetual"), example.price("entry"), crate::lab::LOT_SIZE).unwrap();
    lab.parameters.unrealised_profit_cap = Some(example.usd("cap"));
    let risk = lab.assess();
    let profit = position * (spot - entry);
    example.figure("profit", risk.mark_to_market, profit);
    example.figure("charge_im", risk.charges.unrealised_profit, (profit - cap).max(0.0));
}

fn adaptive(example: &Example) {
    let range = AdaptiveRange {
        reference: example.ratio("reference"),
        floor: example.ratio("floor"),
        deviations: example.ratio("deviations"),
        horizon: example.seconds("horizon"),
        least: example.ratio("least"),
        most: example.ratio("most"),
        daily_change: example.ratio("daily_change"),
    };
    let expected = example.given("deviations") * example.given("vol") * example.years("horizon").sqrt();
    let target = expected.max(example.given("floor")) / example.given("reference");
    let target = target.clamp(example.given("least"), example.given("most"));
    let days = example.given("elapsed") / 86_400.0;
    let (previous, change) = (example.given("previous"), example.given("daily_change") * days);
    let next = target.clamp(previous - change, previous + change);
    let core = range.next(example.ratio("previous"), example.seconds("elapsed"), example.vol("vol"));
    example.step("expected_move", expected);
    example.figure("target", range.target(example.vol("vol")), target);
    example.figure("next", core, next);

    // What the scale does to a scenario: seen on a perpetual.
    let edge = example.given("edge");
    let mut lab = Lab::new(Price::ONE_USD);
    lab.perpetual(Lots(100));
    lab.scenario(example.spot("edge"), VolLevel::None);
    lab.grid = lab.grid.iter().map(|scenario| scenario.scaled(core).unwrap()).collect();
    let (_, profits) = lab.assess_with_profits();
    let Usd(profit) = profits[1];
    example.figure("edge_scaled", Usd(profit), edge * next);
}
