//! The settlement window: near its end an expiry settles on an average, and the part of it that has been observed no longer
//! moves.

use margin_client::{
    Loaded, MarginReport, addresses,
    state::{ExpirySlot, InstrumentKind, MarginAccount, Underlying},
};
use tests_svm::{BTC, NEAR, Trader, World, call, future, perpetual, put, specs, usd};

/// The default market's window.
const WINDOW: i64 = 1_800;

/// Half a BTC of a future, so many seconds before it expires.
fn before_expiry(seconds: i64) -> (World, Trader) {
    let mut world = World::new();
    let trader = world.trader();
    world.set_time(NEAR - seconds);
    for spec in specs() {
        world.set_price(&spec.feed, spec.spot);
        let near = world.publication(&spec, &spec.surfaces[0]);
        let admin = world.admin.insecure_clone();
        world.accept(near.instruction(), &[&admin]);
    }
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(future(BTC, NEAR), 50, 0).expect("a row");
    });
    (world, trader)
}

fn observe(world: &mut World, average: f64) {
    let change = |slot: &mut ExpirySlot| slot.observed_average = usd(average);
    let address = addresses::underlying(&world.engine, BTC);
    world.forge::<Underlying>(address, |state| {
        change(state.expiries.iter_mut().find(|slot| slot.expiry == NEAR).expect("listed"));
    });
}

fn scan_risk(report: &MarginReport) -> i64 {
    report.underlyings[0].portfolio().expect("the portfolio model").scan_risk
}

fn forward(world: &World) -> u64 {
    let state: Loaded<Underlying> = world.underlying(BTC);
    state.expiry(NEAR).expect("listed").forward
}

#[test]
fn outside_the_window_all_of_a_future_moves() {
    let (mut world, trader) = before_expiry(WINDOW);
    let report = world.report(&trader);
    let value = (forward(&world) / 2_000_000) as i64;
    assert!((report.positions_value - value).abs() <= 1);
    // The grid's edge is 18 %.
    assert!((scan_risk(&report) - value * 18 / 100).abs() <= 2, "{report:?}");
    assert!((report.underlyings[0].greeks.delta - 500_000_000 * 1_003_514 / 1_000_000).abs() < 1_000);
}

#[test]
fn inside_the_window_the_observed_share_is_fixed() {
    for (seconds, share) in [(1_350, 0.75), (900, 0.5), (180, 0.1), (1, 1.0 / 1_800.0)] {
        let (mut world, trader) = before_expiry(seconds);
        let value = (forward(&world) / 2_000_000) as i64;
        let report = world.report(&trader);
        // Nothing observed yet: the forward stands in for it, so the mark is the same.
        assert!((report.positions_value - value).abs() <= 1, "{seconds}: {report:?}");
        let moves = (value as f64 * 0.18 * share) as i64;
        assert!((scan_risk(&report) - moves).abs() <= 2, "{seconds}: {} is not {moves}", scan_risk(&report));
        assert!((report.underlyings[0].greeks.delta as f64 - 501_757_000.0 * share).abs() < 1_000.0, "{report:?}");
    }
}

#[test]
fn an_observed_average_is_part_of_the_mark() {
    let (mut world, trader) = before_expiry(900);
    observe(&mut world, 100_000.0);
    let report = world.report(&trader);
    // Half of half a BTC at the forward, the other half at the average.
    let value = (forward(&world) / 4_000_000) as i64 + 25_000_000_000;
    assert!((report.positions_value - value).abs() <= 1, "{} is not {value}", report.positions_value);
    // A jump of spot moves only what is still to be observed.
    world.shock(BTC, 1.1);
    let jumped = world.report(&trader);
    let rise = (forward(&world) / 40_000_000) as i64;
    assert!((jumped.positions_value - report.positions_value - rise).abs() <= 2, "{jumped:?}");
}

#[test]
fn options_settle_on_the_same_average() {
    let (mut world, trader) = before_expiry(900);
    observe(&mut world, 60_000.0);
    let dated = world.report(&trader);
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(future(BTC, NEAR), -50, 0).expect("its row");
        account.add_position(call(BTC, NEAR, 50_000), 50, 0).expect("a row");
        account.add_position(put(BTC, NEAR, 50_000), -50, 0).expect("a row");
    });
    let report = world.report(&trader);
    // A call less a put is the average less the strike, but for a quarter of an hour's discount of 4 % a year.
    let parity = dated.positions_value - 25_000_000_000;
    assert!((report.positions_value - parity).abs() < 50_000, "{} is not {parity}", report.positions_value);
    let (delta, of_future) = (report.underlyings[0].greeks.delta, dated.underlyings[0].greeks.delta);
    assert!((delta - of_future).abs() < 1_000, "{delta} and {of_future}");
    let expected =
        world.snapshot().report(&world.account(&trader), margin_client::margin::PriceUse::Liquidation, world.now());
    assert_eq!(expected, Ok(report));
}

#[test]
fn a_future_is_no_perpetual() {
    let (mut world, trader) = before_expiry(20 * 86_400);
    let dated = world.report(&trader);
    world.forge::<MarginAccount>(trader.account, |account| {
        let held = account.position(&future(BTC, NEAR)).expect("held").lots;
        account.add_position(future(BTC, NEAR), -held, 0).expect("its row");
        account.add_position(perpetual(BTC), held, 0).expect("a row");
        assert_eq!(account.positions()[0].kind, InstrumentKind::Perpetual as u8);
    });
    let perpetual = world.report(&trader);
    // It is valued at its own forward, 0.35 % above the index.
    let basis = (dated.positions_value - perpetual.positions_value) as f64 / perpetual.positions_value as f64;
    assert!((basis - 0.003_514).abs() < 1e-6, "{basis}");
    assert_eq!(perpetual.positions_value, (specs()[0].spot / 2_000_000) as i64);
}
