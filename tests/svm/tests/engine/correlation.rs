//! The cross-underlying model: figures are those of the formulas and of the core, and it counts for portfolio accounts only.

use margin_client::{
    CrossReport, MarginReport, UnderlyingReport,
    instructions::{CorrelationSetArgs, MarginCheckArgs},
    state::{AccountMode, FactorScenarioArgs, MarginAccount, VolShock},
};
use tests_svm::{BTC, ETH, Rng, SOL, Trader, World, call, correlation, perpetual, random_book};

const ONE: i64 = 1_000_000_000;

fn factor(percent: i64) -> FactorScenarioArgs {
    FactorScenarioArgs { market_move: percent * ONE / 100, weight: ONE as u64, vol: VolShock::None }
}

fn correlated(args: CorrelationSetArgs) -> (World, Trader) {
    let mut world = World::new();
    world.correlate(args);
    let trader = world.funded(1_000_000.0);
    (world, trader)
}

fn hold(world: &mut World, trader: &Trader, lots: &[(u16, i64)]) {
    world.forge::<MarginAccount>(trader.account, |account| {
        for index in [BTC, ETH, SOL] {
            let held = account.position(&perpetual(index)).map_or(0, |position| position.lots);
            let wanted = lots.iter().find(|(held, _)| *held == index).map_or(0, |(_, lots)| *lots);
            account.add_position(perpetual(index), wanted - held, 0).expect("a row");
        }
    });
}

fn scan_risk(part: &UnderlyingReport) -> i64 {
    part.portfolio().expect("the portfolio model").scan_risk
}

fn cross(report: &MarginReport) -> CrossReport {
    report.cross.expect("the cross-underlying model is on")
}

#[test]
fn a_pair_of_linear_positions_by_hand() {
    // The default exposure: β 1, a residual range of half.
    let args = CorrelationSetArgs { floor: 0, scenarios: [-20, -10, 10, 20].map(factor).to_vec() };
    let (mut world, trader) = correlated(args);
    // 1 BTC of 94 128.89 against 30 ETH of 3 240.67: 97 220.10.
    hold(&mut world, &trader, &[(BTC, 100), (ETH, -300)]);
    let report = world.report(&trader);
    let figures = cross(&report);
    // Of the factor only the difference moves: 20 % of 3 091.21.
    assert_eq!(figures.systematic, 618_242_000);
    // Each one's own worst move is 18 %, halved: root of the squares of 8 471.6001 and 8 749.809.
    let (btc, eth) = (8_471_600_100f64, 8_749_809_000f64);
    assert!((figures.idiosyncratic as f64 - btc.hypot(eth)).abs() <= 2.0, "{figures:?}");
    // 18 % each.
    assert_eq!(figures.stand_alone, 16_943_200_200 + 17_499_618_000);
    assert!((figures.scan_risk - figures.systematic - figures.idiosyncratic).abs() <= 1);
    // Requirements: scan risk and the charges on both perpetuals, 2 % initial and 1.5 % maintenance.
    let notional = 94_128_890_000 + 97_220_100_000;
    assert!((report.initial_margin - figures.scan_risk - notional / 50).abs() <= 2, "{report:?}");
    let maintenance = figures.scan_risk / 5 * 4 + notional * 3 / 200;
    assert!((report.maintenance_margin - maintenance).abs() <= 6, "{report:?}");
    // Both on the same side: the factor moves the sum.
    hold(&mut world, &trader, &[(BTC, 100), (ETH, 300)]);
    assert_eq!(cross(&world.report(&trader)).systematic, notional / 5);
}

#[test]
fn the_floor_holds_the_day_correlations_break() {
    let quiet = |floor| CorrelationSetArgs { floor, scenarios: vec![factor(0)] };
    let scan_of = |floor| {
        let (mut world, trader) = correlated(quiet(floor));
        hold(&mut world, &trader, &[(BTC, 100), (ETH, -300), (SOL, 700)]);
        let report = world.report(&trader);
        (cross(&report), report.underlyings.iter().map(scan_risk).sum::<i64>(), report.initial_margin)
    };
    let (loose, stand_alone, cheap) = scan_of(0);
    assert_eq!((loose.systematic, loose.stand_alone), (0, stand_alone));
    assert_eq!(loose.scan_risk, loose.idiosyncratic);
    let (firm, ..) = scan_of(900_000_000);
    assert!((firm.scan_risk - stand_alone / 10 * 9).abs() <= 9, "{firm:?}");
    let (full, _, dear) = scan_of(1_000_000_000);
    assert_eq!(full.scan_risk, stand_alone);
    assert!(dear - cheap >= full.scan_risk - loose.scan_risk - 2);
}

#[test]
fn stand_alone_figures_do_not_change_and_other_modes_do_not_see_it() {
    let mut world = World::new();
    let trader = world.trader();
    let mut rng = Rng::new(0xc0_0001);
    world.forge::<MarginAccount>(trader.account, |account| random_book(account, &mut rng));
    let ask = |world: &mut World, mode| {
        world.report_with(&trader, MarginCheckArgs { mode: Some(mode), ..MarginCheckArgs::default() })
    };
    let modes = [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard];
    let before = modes.map(|mode| ask(&mut world, mode));
    assert!(before.iter().all(|report| report.cross.is_none()));
    world.correlate(correlation());
    let after = modes.map(|mode| ask(&mut world, mode));
    assert_eq!(before[1..], after[1..]);
    assert_eq!(before[0].underlyings, after[0].underlyings);
    assert_eq!(before[0].equity, after[0].equity);
    assert!(after[0].cross.is_some());
}

#[test]
fn one_underlying_alone_has_no_use_for_it_and_an_empty_account_no_risk() {
    let (mut world, trader) = correlated(correlation());
    let empty = world.report(&trader);
    assert_eq!((cross(&empty).scan_risk, empty.initial_margin), (0, 0));
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(call(BTC, tests_svm::NEAR, 100_000), 1, 0).expect("a row");
    });
    let alone = world.report(&trader);
    let figures = cross(&alone);
    assert_eq!(figures.stand_alone, scan_risk(&alone.underlyings[0]));
    assert!(figures.scan_risk >= figures.stand_alone * 3 / 10);
}

#[test]
fn initial_margin_is_never_below_maintenance_margin() {
    let (mut world, trader) = correlated(correlation());
    for seed in 0..60u64 {
        let mut rng = Rng::new(0xc1_0000 + seed);
        world.forge::<MarginAccount>(trader.account, |account| random_book(account, &mut rng));
        let report = world.report(&trader);
        let figures = cross(&report);
        assert!(0 <= report.maintenance_margin && report.maintenance_margin <= report.initial_margin, "seed {seed}");
        let sum: i64 = report.underlyings.iter().map(scan_risk).sum();
        assert!((0..=3).contains(&(sum - figures.stand_alone)), "seed {seed}: {sum} against {figures:?}");
        let floor = figures.stand_alone * 3 / 10;
        assert!(figures.scan_risk >= floor - 1 && figures.scan_risk + 2 >= figures.systematic + figures.idiosyncratic);
    }
}
