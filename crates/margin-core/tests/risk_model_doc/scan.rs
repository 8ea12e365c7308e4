//! Scan risk and forward contingency.

use margin_core::portfolio::{
    BasisContingency, InstrumentKind, Measure, SkewCap, SkewShock, StaticDiscount, VolShock, WorstCase,
};
use margin_core::{Multiplier, Price, Rate, Usd, Vol, VolLevel};

use crate::document::{Computation, Example};
use crate::lab::Lab;
use crate::marks::{option, undiscounted};
use crate::reader::Black;

pub const ALL: &[Computation] = &[
    ("scan.vol-shock", vol_shock),
    ("scan.tail", tail),
    ("scan.static-discount", static_discount),
    ("scan.skew", skew),
    ("scan.extended", extended),
    ("scan.measure", measure),
    ("basis", basis),
];

/// A call of the example's rows in a book of its own.
fn call(example: &Example, rate: Rate) -> Lab {
    let mut lab = Lab::new(example.price("forward"));
    let expiry = lab.expiry(example.seconds("time"), example.price("forward"), example.vol("vol"), rate);
    lab.hold(InstrumentKind::Call, expiry, example.price("strike"), example.lots("position"));
    lab
}

fn vol_shock(example: &Example) {
    let mut lab = call(example, Rate(0));
    lab.parameters.vol = VolShock {
        range_up: example.ratio("range_up"),
        range_down: example.ratio("range_down"),
        short_term_power: example.ratio("short_term_power"),
        tenor_floor: example.seconds("tenor_floor"),
        ..VolShock::default()
    };
    lab.scenario(example.spot("spot_move"), VolLevel::Up);
    lab.scenario(example.spot("spot_move"), VolLevel::Down);
    let (risk, profits) = lab.assess_with_profits();

    let thirty_days = 2_592_000.0;
    let time = example.given("time").max(example.given("tenor_floor"));
    let multiplier = (thirty_days / time).powf(example.given("short_term_power"));
    let up = 1.0 + example.given("range_up") * multiplier;
    let down = 1.0 - example.given("range_down") * multiplier;
    let (mark, lots) = (undiscounted(example), example.given("position"));
    let then = |factor: f64| mark.moved(1.0 + example.given("spot_move")).with_vol(mark.vol * factor).call();
    example.step("multiplier", multiplier);
    example.step("vol_up", mark.vol * up);
    example.step("vol_down", mark.vol * down);
    example.figure("mark", risk.mark_to_market, lots * mark.call());
    example.figure("profit_up", profits[1], lots * (then(up) - mark.call()));
    example.figure("profit_down", profits[2], lots * (then(down) - mark.call()));
}

fn tail(example: &Example) {
    let mut lab = call(example, Rate(0));
    lab.scenario(example.spot("spot_move"), VolLevel::None);
    lab.scenario(example.spot("spot_move"), VolLevel::None).weight = example.ratio("weight");
    let (_, profits) = lab.assess_with_profits();
    let mark = undiscounted(example);
    let profit = example.given("position") * (mark.moved(1.0 + example.given("spot_move")).call() - mark.call());
    example.figure("profit", profits[1], profit);
    example.figure("weighted", profits[2], profit * example.given("weight"));
}

fn static_discount(example: &Example) {
    let mut lab = call(example, example.rate("rate"));
    lab.parameters.static_discount = StaticDiscount {
        long_markdown: margin_core::portfolio::SignedRatio(example.ratio("long_markdown").0 as i64),
        long_rate_scale: example.ratio("long_rate_scale"),
        long_rate_add: example.ratio("long_rate_add"),
        short_markup: example.ratio("short_markup"),
        short_rate_scale: example.ratio("short_rate_scale"),
        short_rate_add: example.ratio("short_rate_add"),
    };
    let reader = option(example);
    let exponent = |side: &str| {
        let [scale, addition] = ["scale", "add"].map(|name| example.given(&format!("{side}_rate_{name}")));
        reader.years * (reader.rate * scale + addition)
    };
    let long = (1.0 - example.given("long_markdown")) * (-exponent("long")).exp();
    let short = ((1.0 + example.given("short_markup")) * exponent("short").exp()).min(1.0 / reader.discount());
    let (risk, profits) = lab.assess_with_profits();
    example.step("factor_long", long);
    example.step("factor_short", short);
    let value = example.given("position") * reader.call();
    example.figure("mark", risk.mark_to_market, value);
    example.figure("profit_long", profits[0], value * (long - 1.0));
    lab.positions[0].lots = lab.positions[0].lots.checked_neg().unwrap();
    let (_, profits) = lab.assess_with_profits();
    example.figure("profit_short", profits[0], -value * (short - 1.0));
}

fn skew(example: &Example) {
    let mut lab = call(example, Rate(0));
    lab.positions[0].kind = InstrumentKind::Put;
    let cap = SkewCap { base: example.ratio("cap_base"), ..SkewCap::default() };
    lab.parameters.skew = SkewShock {
        linear: cap,
        abs: cap,
        min_width: example.ratio("min_width"),
        width_scale: example.ratio("width_scale"),
        vol_static: example.ratio("vol_static"),
        ..SkewShock::default()
    };
    lab.scenario(Multiplier::ONE, VolLevel::SkewLinear);
    lab.scenario(Multiplier::ONE, VolLevel::SkewAbs);
    let (_, profits) = lab.assess_with_profits();

    let mark = undiscounted(example);
    let k = (mark.strike / mark.forward).ln();
    assert!(k < 0.0, "the linear scenario takes the sign of k");
    let width = (mark.years.sqrt() * example.given("width_scale") * example.given("vol_static"))
        .max(example.given("min_width"));
    let y = (k.abs() * example.given("cap_base") / width).min(example.given("cap_base"));
    let loss = |vol: f64| -(example.given("position") * (mark.with_vol(vol).put() - mark.put())).abs();
    example.step("k", k);
    example.step("width", width);
    example.step("y", y);
    example.step("vol_linear", mark.vol * (1.0 - y));
    example.step("vol_abs", mark.vol * (1.0 + y));
    example.figure("profit_linear", profits[1], loss(mark.vol * (1.0 - y)));
    example.figure("profit_abs", profits[2], loss(mark.vol * (1.0 + y)));
}

fn extended(example: &Example) {
    let mut lab = Lab::new(example.price("spot"));
    lab.perpetual(example.lots("perpetual"));
    lab.parameters.scan.extended_range = example.ratio("extended_range");
    lab.parameters.scan.extended_dampener = example.usd("extended_dampener");
    let scenario = lab.scenario(example.spot("spot_move"), VolLevel::None);
    (scenario.weight, scenario.extended) = (example.ratio("weight"), true);
    let (_, profits) = lab.assess_with_profits();
    let counted = example.given("spot_move").max(-example.given("extended_range"));
    let profit = example.given("perpetual") * example.given("spot") * counted;
    example.step("move_counted", counted);
    example.step("profit", profit);
    example.step("weighted", profit * example.given("weight"));
    let dampened = (profit * example.given("weight") + example.given("extended_dampener")).min(0.0);
    example.figure("counted", profits[1], dampened);
}

/// A perpetual of one USD makes any list of profits: each scenario moves spot by one of them.
fn measure(example: &Example) {
    let profits = ["a", "b", "c", "d", "e"].map(|name| example.usd(&format!("profit_{name}")).0);
    let count = example.given("count");
    let (worst, case) = Measure::Worst.worst(&profits).unwrap();
    let (mean, _) = Measure::Shortfall(count as u8).worst(&profits).unwrap();
    assert_eq!(case, WorstCase::Scenario(0));
    let mut sorted = profits.map(|profit| profit as f64 / 1e12);
    sorted.sort_by(f64::total_cmp);
    example.figure("worst", Usd(worst), sorted[0]);
    example.figure("shortfall", Usd(mean), sorted[..count as usize].iter().sum::<f64>() / count);

    let mut lab = Lab::new(Price::ONE_USD);
    lab.perpetual(margin_core::Lots(100_000)); // 1000 units of 1 USD
    lab.parameters.scan.gain_haircut = example.ratio("gain_haircut");
    for profit in profits {
        lab.scenario(Multiplier(u64::try_from(1_000_000_000 + profit / 1_000_000).unwrap()), VolLevel::None);
    }
    let (risk, counted) = lab.assess_with_profits();
    assert_eq!(risk.worst.0, worst);
    let gain = sorted[4];
    assert_eq!(counted.iter().max(), counted.get(2), "the one gain is the second profit");
    example.figure("gain_counted", counted[2], gain * (1.0 - example.given("gain_haircut")));
}

fn basis(example: &Example) {
    let mut lab = Lab::new(example.price("forward_near"));
    for side in ["near", "far"] {
        let key = |name: &str| format!("{name}_{side}");
        let forward = example.price(&key("forward"));
        let expiry = lab.expiry(example.seconds(&key("time")), forward, Vol(50_000_000), Rate(0));
        lab.hold(InstrumentKind::Future, expiry, Price(0), example.lots(&key("position")));
    }
    lab.parameters.basis = BasisContingency {
        up: example.spot("up"),
        down: example.spot("down"),
        add: example.ratio("add"),
        annual: example.ratio("annual"),
    };
    let charge = |side: &str| {
        let [position, forward] = ["position", "forward"].map(|name| example.given(&format!("{name}_{side}")));
        let gains = [example.given("up"), example.given("down")].map(|shift| position * forward * shift);
        let loss = gains[0].min(gains[1]).min(0.0);
        loss * (example.given("add") + example.given("annual") * example.years(&format!("time_{side}")))
    };
    let risk = lab.assess();
    assert_eq!(risk.worst_case, WorstCase::Basis);
    example.step("near", charge("near"));
    example.step("far", charge("far"));
    example.figure("contingency", risk.basis_contingency, charge("near") + charge("far"));
}

/// Used by the account's examples as well.
pub fn worst_of(mark: &Black, position: f64, moves: &[f64], vols: &[f64]) -> f64 {
    let cell = |shift: &f64, factor: &f64| mark.moved(1.0 + shift).with_vol(mark.vol * factor).call() - mark.call();
    moves.iter().flat_map(|shift| vols.iter().map(move |factor| position * cell(shift, factor))).fold(0.0, f64::min)
}
