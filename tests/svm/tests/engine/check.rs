//! How a margin check can be asked: a minimum of health, one scenario instead of all, pages, Greeks, another mode.

use margin_client::{
    MarginReport, UnderlyingReport,
    errors::EngineError as E,
    instructions::{MarginCheckArgs, MinimumHealth},
    state::{AccountMode, MarginAccount},
};
use tests_svm::{
    BTC, ETH, FAR, NEAR, Rng, SOL, SOL_TOKEN, Spec, Trader, World, call, correlation, perpetual, put, random_book,
    specs,
};

use crate::liquidation::stretched;

/// Numbers of worst cases that are no scenario.
const NO_LOSS: u8 = 255;

fn minimum(initial: Option<i64>, maintenance: Option<i64>) -> MarginCheckArgs {
    MarginCheckArgs { minimum: MinimumHealth { initial, maintenance }, ..MarginCheckArgs::default() }
}

fn witness(scenarios: &[u8]) -> MarginCheckArgs {
    MarginCheckArgs { witness: Some(scenarios.to_vec()), greeks: false, ..MarginCheckArgs::default() }
}

fn worst_cases(report: &MarginReport) -> Vec<u8> {
    report.underlyings.iter().map(|part| part.portfolio().expect("the portfolio model").worst_case).collect()
}

/// A report without what only a full check finds.
fn without_greeks(mut report: MarginReport) -> MarginReport {
    report.underlyings.iter_mut().for_each(|part| part.greeks = Default::default());
    report
}

#[test]
fn a_minimum_of_health_holds_to_the_atom() {
    let (mut world, trader, _) = stretched();
    let report = world.report(&trader);
    let above = |requirement: i64| report.equity - requirement;
    let (initial, maintenance) = (above(report.initial_margin), above(report.maintenance_margin));
    assert!(0 < initial && initial < maintenance);
    for args in [
        minimum(Some(initial), None),
        minimum(None, Some(maintenance)),
        minimum(Some(initial), Some(maintenance)),
        minimum(Some(i64::MIN), Some(0)),
    ] {
        assert_eq!(world.report_with(&trader, args), report);
    }
    for args in [
        minimum(Some(initial + 1), None),
        minimum(None, Some(maintenance + 1)),
        minimum(Some(initial), Some(maintenance + 1)),
        minimum(Some(i64::MAX), None),
    ] {
        let check = world.margin_check_with(&trader, args);
        world.refuse(check.instruction(), &[], E::HealthBelowMinimum);
    }
}

#[test]
fn a_minimum_counts_in_the_mode_that_is_asked_for() {
    let (mut world, trader, _) = stretched();
    let standard = MarginCheckArgs { mode: Some(AccountMode::Standard), ..MarginCheckArgs::default() };
    let report = world.report_with(&trader, standard.clone());
    let left = report.equity - report.initial_margin;
    let least = |atoms| MinimumHealth { initial: Some(atoms), maintenance: None };
    let enough = MarginCheckArgs { minimum: least(left), ..standard.clone() };
    assert_eq!(world.report_with(&trader, enough), report);
    let check = world.margin_check_with(&trader, MarginCheckArgs { minimum: least(left + 1), ..standard });
    world.refuse(check.instruction(), &[], E::HealthBelowMinimum);
}

#[test]
fn a_witness_to_the_worst_case_finds_what_the_full_check_finds() {
    let mut world = World::new();
    let trader = world.trader();
    let mut cheaper = 0;
    for seed in 0..60u64 {
        let mut rng = Rng::new(0xacce_5500 + seed);
        world.forge::<MarginAccount>(trader.account, |account| random_book(account, &mut rng));
        let check = world.margin_check_with(&trader, MarginCheckArgs { greeks: false, ..Default::default() });
        let full = world.accept(check.instruction(), &[]);
        let report = full.report();
        let cases = worst_cases(&report);
        let check = world.margin_check_with(&trader, witness(&cases));
        let witnessed = world.accept(check.instruction(), &[]);
        cheaper += u32::from(witnessed.compute_units < full.compute_units);
        assert_eq!(witnessed.report(), report, "seed {seed}");
        // Any other scenario asks for no more.
        for _ in 0..6 {
            let other: Vec<u8> = cases.iter().map(|_| rng.pick(&[0, 7, 12, 19, 24, 30, 254, NO_LOSS])).collect();
            let bound = world.report_with(&trader, witness(&other));
            assert_eq!(bound.equity, report.equity);
            assert!(bound.initial_margin <= report.initial_margin, "seed {seed}: {other:?}");
            assert!(bound.maintenance_margin <= report.maintenance_margin, "seed {seed}: {other:?}");
        }
    }
    assert_eq!(cheaper, 60, "one scenario costs less than all of them");
}

#[test]
fn a_witness_names_one_known_scenario_for_each_underlying() {
    let (mut world, trader, _) = stretched();
    for (scenarios, error) in [
        (&[][..], E::WitnessCount),
        (&[0], E::WitnessCount),
        (&[0, 0, 0], E::WitnessCount),
        (&[31, 0], E::UnknownScenario),
        (&[0, 40], E::UnknownScenario),
        (&[0, 253], E::UnknownScenario),
    ] {
        let check = world.margin_check_with(&trader, witness(scenarios));
        world.refuse(check.instruction(), &[], error);
    }
    // No loss anywhere: what is left are the charges.
    let report = world.report_with(&trader, witness(&[NO_LOSS, NO_LOSS]));
    assert_eq!(worst_cases(&report), [NO_LOSS, NO_LOSS]);
    assert!(report.underlyings.iter().all(|part| part.portfolio().expect("parts").scan_risk == 0));
    assert!(report.initial_margin > 0);
}

#[test]
fn a_witness_says_nothing_about_other_modes_and_measures() {
    let (mut world, trader, _) = stretched();
    let standard = MarginCheckArgs { mode: Some(AccountMode::Standard), ..witness(&[0, 0]) };
    let check = world.margin_check_with(&trader, standard);
    world.refuse(check.instruction(), &[], E::WitnessUnsupported);
    // Across underlyings the worst case is one of the market factor.
    world.correlate(correlation());
    let check = world.margin_check_with(&trader, witness(&[0, 0]));
    world.refuse(check.instruction(), &[], E::WitnessUnsupported);
    let isolated = MarginCheckArgs { mode: Some(AccountMode::Isolated), ..witness(&[0, 0]) };
    world.report_with(&trader, isolated);

    // A mean of several scenarios is bounded by none.
    let mut world = World::rich();
    let trader = world.trader();
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(perpetual(BTC), 1, 0).expect("a row");
    });
    let check = world.margin_check_with(&trader, witness(&[0]));
    world.refuse(check.instruction(), &[], E::WitnessUnsupported);
}

/// The default market with three more underlyings, and a book in all six of them.
fn six_underlyings() -> (World, Trader) {
    let mut world = World::new();
    let [btc, ..] = specs();
    for index in 3..6 {
        let spec = Spec { index, ..btc.clone() };
        world.list_underlying(&spec);
        world.publish_surfaces(&spec);
    }
    let trader = world.trader();
    world.forge::<MarginAccount>(trader.account, |account| {
        account.cash = (1_000_000_000_000i128 << 48).to_le_bytes();
        for (at, index) in [0u16, 1, 2, 3, 4, 5].into_iter().enumerate() {
            let lots = 10 - 7 * at as i64;
            account.add_position(perpetual(index), lots, 0).expect("a row");
            account.add_position(call(index, NEAR, 100_000), -lots, 0).expect("a row");
        }
    });
    (world, trader)
}

#[test]
fn a_report_turns_its_pages() {
    let (mut world, trader) = six_underlyings();
    let page = |first_underlying| MarginCheckArgs { first_underlying, ..MarginCheckArgs::default() };
    let indices = |parts: &[UnderlyingReport]| parts.iter().map(|part| part.index).collect::<Vec<_>>();
    let first = world.report(&trader);
    assert_eq!((first.underlying_count, indices(&first.underlyings)), (6, vec![0, 1, 2, 3]));
    let mut parts = first.underlyings.clone();
    for (at, expected) in [(0, &[0, 1, 2, 3][..]), (2, &[2, 3, 4, 5]), (4, &[4, 5]), (5, &[5]), (6, &[]), (255, &[])] {
        let report = world.report_with(&trader, page(at));
        assert_eq!(indices(&report.underlyings), expected);
        // The account's figures are those of all underlyings on every page.
        assert_eq!(MarginReport { underlyings: first.underlyings.clone(), ..report.clone() }, first);
        if at == 4 {
            parts.extend(report.underlyings);
        }
    }
    // Both pages together explain the requirement, each part rounded up by less than an atom.
    let sum: i64 = parts.iter().map(|part| part.initial_margin).sum();
    assert!((0..6).contains(&(sum - first.initial_margin)), "{sum} against {}", first.initial_margin);
    let sum: i64 = parts.iter().map(|part| part.positions_value).sum();
    assert!((0..6).contains(&(first.positions_value - sum)), "{sum} against {}", first.positions_value);
}

#[test]
fn without_greeks_everything_else_stays_and_costs_less() {
    let (mut world, trader, _) = stretched();
    for mode in [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard] {
        let args = MarginCheckArgs { mode: Some(mode), ..MarginCheckArgs::default() };
        let with = world.margin_check_with(&trader, args.clone());
        let with = world.accept(with.instruction(), &[]);
        let without = world.margin_check_with(&trader, MarginCheckArgs { greeks: false, ..args });
        let without = world.accept(without.instruction(), &[]);
        assert!(with.report().underlyings.iter().all(|part| part.greeks != Default::default()));
        assert_eq!(without.report(), without_greeks(with.report()));
        assert!(without.compute_units < with.compute_units);
    }
}

#[test]
fn one_book_in_every_mode() {
    let mut world = World::new();
    let trader = world.funded(100_000.0);
    world.fund(&trader, SOL_TOKEN, 50_000_000_000);
    world.forge::<MarginAccount>(trader.account, |account| {
        // Hedged within and across underlyings.
        for (instrument, lots) in [
            (call(BTC, NEAR, 100_000), -100),
            (call(BTC, NEAR, 105_000), 100),
            (put(BTC, FAR, 90_000), 30),
            (perpetual(BTC), 20),
            (perpetual(ETH), -50),
            (perpetual(SOL), 100),
        ] {
            account.add_position(instrument, lots, 0).expect("a row");
        }
    });
    let report = |world: &mut World, mode| {
        world.report_with(&trader, MarginCheckArgs { mode: Some(mode), ..MarginCheckArgs::default() })
    };
    let portfolio = report(&mut world, AccountMode::Portfolio);
    let isolated = report(&mut world, AccountMode::Isolated);
    let standard = report(&mut world, AccountMode::Standard);
    assert_eq!(portfolio, world.report(&trader), "the account's own");
    // Without the cross-underlying model requirements of underlyings add up in both.
    assert_eq!(MarginReport { mode: AccountMode::Portfolio, ..isolated }, portfolio);
    assert_eq!(standard.mode, AccountMode::Standard);
    // The spread costs as if it were none, and perpetuals do not offset options.
    let of_btc = |report: &MarginReport| report.underlyings[0].initial_margin;
    assert!(of_btc(&standard) > 3 * of_btc(&portfolio), "{standard:?} against {portfolio:?}");
    assert!(standard.underlyings.iter().all(|part| part.portfolio().is_none()));
    // Position by position options are marked without discounting; nothing else differs.
    let marks = |report: &MarginReport| report.underlyings.iter().map(|part| part.positions_value).collect::<Vec<_>>();
    assert_eq!(marks(&standard)[1..], marks(&portfolio)[1..]);
    assert!(standard.positions_value != portfolio.positions_value);
    assert_eq!(standard.equity - standard.positions_value, portfolio.equity - portfolio.positions_value);
    // What the haircut costs is the same, and shown apart.
    assert_eq!(portfolio.collateral_maintenance, 50 * 137_000_000 / 10);
    assert_eq!(portfolio.collateral_initial, 50 * 137_000_000 * 3 / 20);
    assert_eq!(standard.collateral_initial, portfolio.collateral_initial);
    // The stored mode is what it was.
    assert_eq!(world.account(&trader).mode, AccountMode::Portfolio as u8);
}
