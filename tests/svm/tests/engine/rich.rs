//! The whole risk model at once: figures on the chain are the client's, bit for bit, in every mode; and each part of the
//! model is seen to cost something.

use margin_client::{
    MarginReport, ModelReport,
    instructions::MarginCheckArgs,
    margin::PriceUse,
    pyth::feeds,
    state::{AccountMode, MarginAccount},
};
use tests_svm::{
    BTC, NEAR, Rng, SOL, SOL_TOKEN, Trader, World, correlation, future, keep_digitals, perpetual, random_rich_book,
    specs, usd,
};

const MODES: [AccountMode; 3] = [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard];
const BOOKS: u64 = 240;

/// Overwrites an account with a random book and moves spots, the peg and time now and then.
fn next_book(world: &mut World, trader: &Trader, seed: u64) {
    let mut rng = Rng::new(seed);
    let correlates = world.engine_state().correlates();
    world.forge::<MarginAccount>(trader.account, |account| {
        random_rich_book(account, &mut rng);
        if correlates {
            // Three scans of a book full of them pass what a transaction may compute.
            keep_digitals(account, 2);
        }
    });
    if rng.one_in(3) {
        for spec in specs() {
            let percent = rng.within(60, 150).unsigned_abs();
            world.set_price(&spec.feed, spec.spot / 100 * percent);
        }
    }
    if rng.one_in(4) {
        world.set_price(&feeds::USDC_USD, usd(rng.within(940_000, 1_010_000) as f64 * 1e-6));
    }
    if rng.one_in(10) {
        world.advance(rng.within(0, 12));
    }
}

fn of_mode(mode: AccountMode) -> MarginCheckArgs {
    MarginCheckArgs { mode: Some(mode), usage: PriceUse::Liquidation, ..MarginCheckArgs::default() }
}

#[track_caller]
fn assert_equal(world: &mut World, trader: &Trader, args: MarginCheckArgs, what: &str) -> MarginReport {
    let off_chain = world.snapshot().check(&world.account(trader), &args, world.now());
    let on_chain = world.report_with(trader, args);
    assert_eq!(off_chain.as_ref(), Ok(&on_chain), "{what}");
    on_chain
}

/// Which parts of the model cost something in a report.
fn costly(report: &MarginReport) -> Vec<&'static str> {
    let mut parts = Vec::new();
    for underlying in &report.underlyings {
        let figures = match &underlying.model {
            ModelReport::Portfolio(part) => {
                let charges = &part.charges;
                vec![
                    ("scan", part.worst_profit),
                    ("basis", part.basis_contingency),
                    ("minimum delta binds", i64::from(part.minimum_delta == part.scan_risk && part.scan_risk > 0)),
                    ("depeg", part.initial_factor as i64 - 1_000_000_000),
                    ("perpetual", charges.perpetual_initial),
                    ("short option", charges.short_option_initial),
                    ("roll", charges.roll),
                    ("vega", charges.vega),
                    ("concentration", charges.concentration),
                    ("confidence", charges.confidence),
                    ("profit cap", charges.unrealised_profit),
                ]
            }
            ModelReport::Standard(part) => vec![
                ("linear", part.linear_initial),
                ("options", part.options_initial),
                ("own token", part.collateral_initial),
                ("confidence", part.confidence),
                ("depeg", part.depeg),
            ],
        };
        parts.extend(figures.into_iter().filter(|(_, figure)| *figure != 0).map(|(name, _)| name));
    }
    if report.collateral_initial > 0 {
        parts.push("haircut");
    }
    if let Some(cross) = report.cross {
        parts.push(if cross.systematic + cross.idiosyncratic < cross.scan_risk { "floor" } else { "factor" });
    }
    parts
}

/// Compares all books in the modes by turns and returns the parts that cost something in at least one of them.
fn compare(mut world: World, seeds: std::ops::Range<u64>, modes: &[AccountMode]) -> std::collections::BTreeSet<String> {
    let trader = world.trader();
    let mut seen = std::collections::BTreeSet::new();
    for (seed, mode) in seeds.zip(modes.iter().cycle()) {
        next_book(&mut world, &trader, seed);
        let report = assert_equal(&mut world, &trader, of_mode(*mode), &format!("seed {seed:#x}, {mode:?}"));
        assert!(report.maintenance_margin <= report.initial_margin, "seed {seed:#x}, {mode:?}: {report:?}");
        seen.extend(costly(&report).into_iter().map(str::to_owned));
    }
    seen
}

#[track_caller]
fn assert_all(seen: &std::collections::BTreeSet<String>, wanted: &[&str]) {
    for part in wanted {
        assert!(seen.contains(*part), "{part} never cost anything: {seen:?}");
    }
}

#[test]
fn the_whole_model_on_chain_is_the_clients_bit_for_bit() {
    let seen =
        compare(World::rich(), 0x51c4_0000..0x51c4_0000 + BOOKS, &[AccountMode::Portfolio, AccountMode::Isolated]);
    let parts = [
        "scan",
        "basis",
        "minimum delta binds",
        "depeg",
        "perpetual",
        "short option",
        "roll",
        "vega",
        "concentration",
        "confidence",
        "profit cap",
        "haircut",
    ];
    assert_all(&seen, &parts);
}

#[test]
fn standard_margin_on_chain_is_the_clients_bit_for_bit() {
    let seen = compare(World::rich(), 0x57d0_0000..0x57d0_0000 + BOOKS, &[AccountMode::Standard]);
    assert_all(&seen, &["linear", "options", "own token", "confidence", "depeg"]);
}

#[test]
fn the_cross_underlying_model_on_chain_is_the_clients_bit_for_bit() {
    let mut world = World::rich();
    world.correlate(correlation());
    let seen = compare(world, 0xc055_0000..0xc055_0000 + BOOKS, &[AccountMode::Portfolio]);
    assert_all(&seen, &["factor", "scan", "depeg", "confidence", "profit cap"]);
    // The default market's model, too, where the factor is the only thing on.
    let mut world = World::new();
    world.correlate(correlation());
    compare(world, 0xc056_0000..0xc056_0000 + BOOKS / 4, &MODES);
}

#[test]
fn every_way_to_ask_is_the_clients_too() {
    let mut world = World::rich();
    let trader = world.trader();
    for seed in 0..30 {
        next_book(&mut world, &trader, 0xa5c0_0000 + seed);
        world.refresh_prices();
        for usage in [PriceUse::RaiseRisk, PriceUse::Liquidation] {
            for greeks in [true, false] {
                let args = MarginCheckArgs { usage, greeks, first_underlying: (seed % 3) as u8, ..Default::default() };
                assert_equal(&mut world, &trader, args, &format!("seed {seed}"));
            }
        }
    }
}

#[test]
fn books_with_expired_series_are_the_clients_too() {
    let mut world = World::rich();
    let trader = world.trader();
    let admin = world.admin.insecure_clone();
    world.set_time(NEAR + 60);
    world.refresh();
    for spec in specs() {
        let publish = world.perpetual_publication(&spec, 1_000_000_000);
        world.accept(publish.instruction(), &[&admin]);
    }
    for (seed, mode) in (0xe4b1_0000..0xe4b1_0030u64).zip(MODES.into_iter().cycle()) {
        let mut rng = Rng::new(seed);
        world.forge::<MarginAccount>(trader.account, |account| {
            random_rich_book(account, &mut rng);
            account.add_position(future(BTC, NEAR), 1 + account.positions().len() as i64, 7).expect("a row");
        });
        assert_equal(&mut world, &trader, of_mode(mode), &format!("seed {seed:#x}, {mode:?}"));
    }
}

#[test]
fn a_token_of_the_underlying_offsets_its_risk() {
    let mut world = World::rich();
    let trader = world.funded(100_000.0);
    world.fund(&trader, SOL_TOKEN, 100_000_000_000);
    let sol_only = world.report(&trader);
    // The token alone is exposed to SOL.
    assert_eq!(sol_only.underlying_count, 1);
    assert!(sol_only.underlyings[0].portfolio().expect("parts").worst_profit < 0);
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(perpetual(SOL), -100, -13_700_000_000).expect("a row");
    });
    let hedged = world.report(&trader);
    let worst = |report: &MarginReport| report.underlyings[0].portfolio().expect("parts").worst_profit;
    assert!(worst(&hedged) > worst(&sol_only) / 5, "{} against {}", worst(&hedged), worst(&sol_only));
}

#[test]
fn every_settled_amount_counts_in_equity_at_the_price_of_the_quote_token() {
    let mut world = World::rich();
    let trader = world.funded(1_000.0);
    world.fund(&trader, SOL_TOKEN, 1_000_000_000);
    // One SOL of 137 USD is 141.237113402… tokens of 0.97 USD; cash is not converted.
    let report = world.report(&trader);
    assert_eq!((report.cash, report.collateral_value, report.equity), (1_000_000_000, 141_237_113, 1_141_237_113));
    world.set_price(&feeds::USDC_USD, usd(1.0));
    assert_eq!(world.report(&trader).collateral_value, 137_000_000);
}
