//! Units, marks and Greeks.

use margin_core::portfolio::{InstrumentKind, NetGreeks, lots_value};
use margin_core::{Expiry, ExpiryInputs, Lots, OptionKind, Price, Svi, Usd, VolLevel, value};

use crate::document::{Computation, Example};
use crate::lab::{LOT_SIZE, Lab};
use crate::reader::{Black, density};

pub const ALL: &[Computation] = &[
    ("units.notional", notional),
    ("marks.black76", black76),
    ("marks.svi", svi),
    ("marks.window", window),
    ("greeks.cash", cash_greeks),
    ("greeks.taylor", taylor),
];

fn notional(example: &Example) {
    let lots = example.given("lots");
    let lot_size = example.given("lot_size");
    let core = lots_value(Lots(lots as i64), example.price("price"), (lot_size * 1e9).round() as u64).unwrap();
    example.figure("value", core, lots * lot_size * example.given("price"));
}

/// The option that an example's rows describe.
pub fn option(example: &Example) -> Black {
    Black {
        forward: example.given("forward"),
        strike: example.given("strike"),
        vol: example.given("vol"),
        years: example.years("time"),
        rate: example.given("rate"),
    }
}

/// The same without a rate.
pub fn undiscounted(example: &Example) -> Black {
    Black {
        forward: example.given("forward"),
        strike: example.given("strike"),
        vol: example.given("vol"),
        years: example.years("time"),
        rate: 0.0,
    }
}

fn black76(example: &Example) {
    let inputs = ExpiryInputs {
        forward: example.price("forward"),
        fixed: Price(0),
        time: example.seconds("time"),
        rate: example.rate("rate"),
    };
    let expiry = Expiry::prepare(inputs).unwrap();
    let mark = |kind| value(&expiry, example.price("strike"), example.vol("vol"), kind).unwrap();
    let reader = option(example);
    example.step("d1", reader.d1());
    example.step("d2", reader.d2());
    example.step("discount", reader.discount());
    example.figure("call", mark(OptionKind::Call), reader.call());
    example.figure("put", mark(OptionKind::Put), reader.put());
}

fn svi(example: &Example) {
    let unit = |key: &str| (example.given(key) * 1e15).round() as i64;
    let svi = Svi {
        a: unit("a"),
        b: unit("b"),
        rho: unit("rho"),
        m: unit("m"),
        sigma: unit("sigma"),
        forward: example.price("reference_forward"),
        time: example.seconds("reference_time"),
    };
    let [a, b, rho, m, sigma] = ["a", "b", "rho", "m", "sigma"].map(|key| example.given(key));
    let k = (example.given("strike") / example.given("reference_forward")).ln();
    let limit = 4.0 * (a + b * sigma).sqrt();
    assert!(k.abs() < limit);
    let variance = a + b * (rho * (k - m) + (k - m).hypot(sigma));
    example.step("k", k);
    example.step("k_limit", limit);
    example.step("variance", variance);
    let vol = svi.prepare().unwrap().vol(example.price("strike")).unwrap();
    example.figure("vol", vol, (variance / example.years("reference_time")).sqrt());
}

/// A future shows what the window has fixed.
fn window(example: &Example) {
    let share = example.given("time") / example.given("window");
    let (fixed, variable) = ((1.0 - share) * example.given("average"), share * example.given("forward"));
    let price = |usd: f64| Price((usd * 1e6).round() as u64 * 1_000_000);
    let mut lab = Lab::new(example.price("forward"));
    let expiry = lab.expiry(
        example.seconds("time"),
        example.price("forward"),
        margin_core::Vol(50_000_000),
        margin_core::Rate(0),
    );
    let inputs = &mut lab.expiries.get_mut(&expiry).unwrap().inputs;
    (inputs.forward, inputs.fixed) = (price(variable), price(fixed));
    lab.hold(InstrumentKind::Future, expiry, Price(0), Lots(100));
    lab.scenario(example.spot("spot_move"), VolLevel::None);
    let (risk, profits) = lab.assess_with_profits();
    example.step("fixed", fixed);
    example.step("variable", variable);
    example.figure("settlement", risk.mark_to_market, fixed + variable);
    let shocked = Usd(risk.mark_to_market.0 + profits[1].0);
    example.figure("shocked", shocked, fixed + variable * (1.0 + example.given("spot_move")));
}

fn long_call(example: &Example, rate: margin_core::Rate) -> Lab {
    let mut lab = Lab::new(example.price("forward"));
    let expiry = lab.expiry(example.seconds("time"), example.price("forward"), example.vol("vol"), rate);
    lab.hold(InstrumentKind::Call, expiry, example.price("strike"), Lots(100));
    lab
}

fn cash_greeks(example: &Example) {
    let lab = long_call(example, example.rate("rate"));
    let greeks = lab.greeks();
    let usd = |greek| NetGreeks::in_usd(greek, LOT_SIZE).unwrap();
    let reader = option(example);
    let spot = reader.discount() * reader.forward;
    let (d1, d2, root) = (reader.d1(), reader.d2(), reader.years.sqrt());
    let rho = reader.years * reader.strike * reader.discount() * crate::reader::normal(d2);
    example.figure("delta", usd(greeks.delta), reader.cash_delta());
    example.figure("gamma", usd(greeks.gamma), reader.cash_gamma());
    example.figure("vega", usd(greeks.vega), reader.vega());
    let decay = -spot * density(d1) * reader.vol / (2.0 * root);
    example.figure("theta", usd(greeks.theta), decay - reader.rate * rho / reader.years);
    example.figure("rho", usd(greeks.rho), rho);
    example.figure("vanna", usd(greeks.vanna), -spot * density(d1) * d2 / reader.vol);
    example.figure("volga", usd(greeks.volga), reader.vega() * d1 * d2 / reader.vol);
}

fn taylor(example: &Example) {
    let mut lab = long_call(example, margin_core::Rate(0));
    lab.positions[0].lots = Lots(-100);
    lab.scenario(example.spot("spot_move"), VolLevel::None);
    let (_, profits) = lab.assess_with_profits();
    let greeks = lab.greeks();
    let usd = |greek| NetGreeks::in_usd(greek, LOT_SIZE).unwrap();
    let (reader, shift) = (undiscounted(example), example.given("spot_move"));
    example.figure("delta", usd(greeks.delta), -reader.cash_delta());
    example.figure("gamma", usd(greeks.gamma), -reader.cash_gamma());
    example.step("second_order", -(reader.cash_delta() * shift + reader.cash_gamma() * shift * shift / 2.0));
    example.figure("revalued", profits[1], reader.call() - reader.moved(1.0 + shift).call());
}
