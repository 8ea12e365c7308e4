//! Compute units. Figures are printed (`cargo test -p tests-svm --test engine cu -- --nocapture`); what is asserted is
//! what users depend on: the largest books still fit a transaction.

use margin_client::{presets::MAX_COMPUTE_UNITS, state::MarginAccount};
use tests_svm::{BTC, ETH, FAR, NEAR, SOL, SOL_TOKEN, USDC, World, buy, call, perpetual, put, sell, usdc};

/// Positions of one underlying: calls and puts alternate over strikes around the money and two expiries.
fn book(count: i64) -> Vec<(margin_client::state::Instrument, i64)> {
    (0..count)
        .map(|i| {
            let expiry = if i % 2 == 0 { NEAR } else { FAR };
            let strike = 60_000 + 1_000 * (i / 2).unsigned_abs();
            let instrument = if i % 3 == 0 { call(BTC, expiry, strike) } else { put(BTC, expiry, strike) };
            (instrument, if i % 4 < 2 { 10 } else { -10 })
        })
        .collect()
}

#[test]
fn a_margin_check_of_64_legs_on_one_underlying_fits_a_transaction() {
    let mut world = World::new();
    let trader = world.funded(1_000_000.0);
    println!("| margin check, one underlying | CU |\n|---|---|");
    for count in [1, 8, 16, 32, 64] {
        world.forge::<MarginAccount>(trader.account, |account| {
            for (instrument, lots) in book(count) {
                let held = account.position(&instrument).map_or(0, |position| position.lots);
                account.add_position(instrument, lots - held, 0).expect("a free row");
            }
        });
        assert_eq!(world.account(&trader).positions().len(), count as usize);
        let check = world.margin_check(&trader);
        let units = world.accept(check.instruction(), &[]).compute_units;
        println!("| {count} legs | {units} |");
        assert!(units <= u64::from(MAX_COMPUTE_UNITS));
    }
}

#[test]
fn the_main_instructions_fit_easily() {
    let mut world = World::new();
    let maker = world.funded(1_000_000.0);
    let taker = world.funded(100_000.0);
    world.fund(&taker, SOL_TOKEN, 10_000_000_000);
    world.give(&taker, USDC, usdc(1.0));
    let mut rows = Vec::new();
    let deposit = world.deposit(&taker, USDC, usdc(1.0));
    rows.push(("deposit", world.accept(deposit.instruction(), &[&taker.key]).compute_units));
    rows.push((
        "trade, one option",
        world.fill(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]).compute_units,
    ));
    let legs = [
        sell(1, put(BTC, NEAR, 85_000), 1_500.0),
        buy(1, put(BTC, NEAR, 80_000), 1_000.0),
        sell(5, call(ETH, FAR, 4_000), 150.0),
        buy(10, perpetual(SOL), 137.0),
    ];
    rows.push(("trade, four legs on three underlyings", world.fill(&maker, &taker, &legs).compute_units));
    let check = world.margin_check(&taker);
    rows.push(("margin check, five positions", world.accept(check.instruction(), &[]).compute_units));
    let withdraw = world.withdraw(&taker, USDC, usdc(1.0));
    rows.push(("withdraw, five positions", world.accept(withdraw.instruction(), &[&taker.key]).compute_units));
    println!("| instruction | CU |\n|---|---|");
    for (name, units) in rows {
        println!("| {name} | {units} |");
        assert!(units <= u64::from(MAX_COMPUTE_UNITS));
    }
}
