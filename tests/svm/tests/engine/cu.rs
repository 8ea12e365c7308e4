//! Compute units. Figures are printed (`cargo test -p tests-svm --test engine cu -- --nocapture`); what is asserted is
//! what users depend on: large books fit a transaction, and can be liquidated in one.

use margin_client::{
    presets::MAX_COMPUTE_UNITS,
    state::{Instrument, MarginAccount},
};
use tests_svm::{
    BTC, ETH, FAR, NEAR, NOW, SOL, SOL_TOKEN, SurfaceSpec, Trader, USDC, World, buy, call, correlation, digital_call,
    perpetual, put, sell, specs, usdc,
};

const DAY: i64 = 86_400;
/// Expiries of the books below: the default market's and two more.
const EXPIRIES: [i64; 4] = [NOW + 7 * DAY, NEAR, NOW + 60 * DAY, FAR];

/// The default market with four expiries of BTC.
fn world() -> World {
    let mut world = World::new();
    let [btc, ..] = specs();
    let admin = world.admin.insecure_clone();
    for expiry in [EXPIRIES[0], EXPIRIES[2]] {
        let list = world.expiry_listing(BTC, expiry);
        world.accept(list.instruction(), &[&admin]);
        let surface = SurfaceSpec { expiry, ..btc.surfaces[1] };
        let publish = world.publication(&btc, &surface);
        world.accept(publish.instruction(), &[&admin]);
    }
    world
}

/// Options of BTC spread evenly over the four expiries, each at a strike of its own: nothing is shared between legs.
fn book(legs: u32) -> impl Iterator<Item = (Instrument, i64)> {
    (0..legs).map(|leg| {
        let (expiry, strike) = (EXPIRIES[leg as usize % 4], 60_000 + 1_000 * u64::from(leg / 4));
        let instrument = if leg % 3 == 0 { call(BTC, expiry, strike) } else { put(BTC, expiry, strike) };
        (instrument, if leg % 5 < 2 { -10 } else { 10 })
    })
}

fn hold(world: &mut World, trader: &Trader, legs: u32, cash: i64) {
    world.forge::<MarginAccount>(trader.account, |account| {
        account.cash = (i128::from(cash) << 48).to_le_bytes();
        for (instrument, lots) in book(legs) {
            let held = account.position(&instrument).map_or(0, |position| position.lots);
            account.add_position(instrument, lots - held, 0).expect("a free row");
        }
    });
    assert_eq!(world.account(trader).positions().len(), legs as usize);
}

fn print(title: &str, rows: &[(String, u64)]) {
    println!("| {title} | CU |\n|---|---|");
    for (name, units) in rows {
        println!("| {name} | {units} |");
    }
}

#[test]
fn a_margin_check_of_64_legs_on_four_expiries_fits_a_transaction() {
    let mut world = world();
    let trader = world.trader();
    let rows = [1, 4, 16, 32, 64].map(|legs| {
        hold(&mut world, &trader, legs, 1_000_000_000_000);
        let check = world.margin_check(&trader);
        (format!("{legs} legs"), world.accept(check.instruction(), &[]).compute_units)
    });
    print("margin check, one underlying, four expiries", &rows);
    assert!(rows[4].1 <= u64::from(MAX_COMPUTE_UNITS));
}

/// A bid revalues three books (the account before and after it, the bidder's), so it is the dearest instruction: with every
/// leg at a strike of its own, as many legs as an account may hold just fit.
#[test]
fn a_large_account_can_be_put_into_liquidation_and_taken_over() {
    let mut world = world();
    let keeper = world.funded(10_000_000.0);
    let mut rows = Vec::new();
    for legs in [1, 16, 64, 128] {
        let trader = world.trader();
        hold(&mut world, &trader, legs, 0);
        // Cash that leaves the account a dollar short of maintenance margin.
        let report = world.report(&trader);
        hold(&mut world, &trader, legs, report.maintenance_margin - report.equity - 1_000_000);
        let start = world.start(&keeper, &trader);
        rows.push((format!("start, {legs} legs"), world.accept(start.instruction(), &[&keeper.key]).compute_units));
        let bid = world.bid(&keeper, &trader, 1_000_000_000);
        rows.push((format!("bid, {legs} legs"), world.accept(bid.instruction(), &[&keeper.key]).compute_units));
        assert_eq!(world.account(&keeper).positions().len(), legs as usize);
        world.forge::<MarginAccount>(keeper.account, |account| {
            account.positions.fill(Default::default());
            account.position_count = 0;
        });
    }
    print("liquidation, one underlying, four expiries", &rows);
}

#[test]
fn the_main_instructions_fit_easily() {
    let mut world = World::new();
    let maker = world.funded(1_000_000.0);
    let taker = world.funded(100_000.0);
    world.fund(&taker, SOL_TOKEN, 10_000_000_000);
    world.give(&taker, USDC, usdc(1.0));
    let mut rows = Vec::new();
    let mut row = |name: &str, units| rows.push((name.to_owned(), units));
    let deposit = world.deposit(&taker, USDC, usdc(1.0));
    row("deposit", world.accept(deposit.instruction(), &[&taker.key]).compute_units);
    let withdraw = world.withdraw(&taker, USDC, usdc(1.0));
    row("withdraw, no position", world.accept(withdraw.instruction(), &[&taker.key]).compute_units);
    let legs = [buy(1, call(BTC, NEAR, 100_000), 2_500.0)];
    row("trade, one option", world.fill(&maker, &taker, &legs).compute_units);
    let legs = [
        sell(1, put(BTC, NEAR, 85_000), 1_500.0),
        buy(1, put(BTC, NEAR, 80_000), 1_000.0),
        sell(5, call(ETH, FAR, 4_000), 150.0),
        buy(10, perpetual(SOL), 137.0),
    ];
    row("trade, four legs on three underlyings", world.fill(&maker, &taker, &legs).compute_units);
    let check = world.margin_check(&taker);
    row("margin check, five positions", world.accept(check.instruction(), &[]).compute_units);
    let withdraw = world.withdraw(&taker, USDC, usdc(1.0));
    row("withdraw, five positions", world.accept(withdraw.instruction(), &[&taker.key]).compute_units);
    print("instruction", &rows);
    // Two to a transaction, with room for what surrounds them.
    assert!(rows.iter().all(|(_, units)| 2 * units <= u64::from(MAX_COMPUTE_UNITS)), "{rows:?}");
}

/// Under the cross-underlying model a check takes three scans, and a digital option costs more in each than a vanilla one.
#[test]
fn a_check_of_twelve_digital_options_under_the_cross_underlying_model_fits_a_transaction() {
    let mut world = World::new();
    world.correlate(correlation());
    let trader = world.trader();
    let rows = [3, 6, 12, 24].map(|options: u64| {
        world.forge::<MarginAccount>(trader.account, |account| {
            for spec in specs() {
                let spot = spec.spot / 1_000_000_000_000;
                for option in 0..options / 3 {
                    let strike = spot * (90 + option) / 100;
                    let instrument = digital_call(spec.index, if option % 2 == 0 { NEAR } else { FAR }, strike);
                    if account.position(&instrument).is_none() {
                        account.add_position(instrument, 100, 0).expect("a free row");
                    }
                }
            }
            account.cash = (1_000_000_000i128 << 48).to_le_bytes();
        });
        assert_eq!(world.account(&trader).positions().len() as u64, options);
        let check = world.margin_check(&trader);
        let outcome = world.send(&[check.instruction()], &[]);
        (options, outcome.map(|receipt| receipt.compute_units))
    });
    println!("| digital options, three underlyings, cross-underlying model | CU |\n|---|---|");
    for (options, outcome) in &rows {
        match outcome {
            Ok(units) => println!("| {options} | {units} |"),
            Err(refusal) => println!("| {options} | {} |", refusal.cause),
        }
    }
    assert!(rows.iter().filter(|(options, _)| *options <= 12).all(|(_, outcome)| outcome.is_ok()));
}
