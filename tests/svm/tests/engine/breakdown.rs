//! Figures of each leg in each scenario: they add up to the book's without a remainder.

use margin_client::{
    Breakdown, PROGRAM_ID, decode_breakdown,
    errors::EngineError as E,
    instructions::BreakdownPart,
    state::{AccountMode, MarginAccount},
};
use tests_svm::{BTC, ETH, Rng, SOL, Trader, World, correlation, perpetual, random_book, random_rich_book};

#[track_caller]
fn row(world: &mut World, trader: &Trader, underlying: u16, part: BreakdownPart) -> Breakdown {
    let breakdown = world.margin_breakdown(trader, underlying, part);
    let receipt = world.accept(breakdown.instruction(), &[]);
    let row = decode_breakdown(&PROGRAM_ID, &receipt.return_data).expect("a breakdown");
    let off_chain = world.snapshot().breakdown(&world.account(trader), underlying, part, world.now());
    assert_eq!(off_chain, Ok(row.clone()));
    row
}

/// Adds all legs and the collateral of one underlying and returns how many legs there were.
#[track_caller]
fn assert_adds_up(world: &mut World, trader: &Trader, underlying: u16, what: &str) -> usize {
    let book = row(world, trader, underlying, BreakdownPart::Book);
    let scenarios = usize::from(world.underlying(underlying).scenario_count);
    assert_eq!(book.profits.len(), scenarios);
    let legs = world.account(trader).positions().iter().filter(|position| position.underlying == underlying).count();
    let parts = (0..legs).map(|leg| BreakdownPart::Position(leg as u8)).chain([BreakdownPart::Collateral]);
    let mut sum = Breakdown { mark_to_market: 0, profits: vec![0; scenarios] };
    for part in parts {
        let row = row(world, trader, underlying, part);
        sum.mark_to_market += row.mark_to_market;
        for (sum, profit) in sum.profits.iter_mut().zip(&row.profits) {
            *sum += profit;
        }
    }
    assert_eq!(sum, book, "{what}, underlying {underlying}");
    legs
}

fn random_books(mut world: World, seeds: std::ops::Range<u64>, fill: fn(&mut MarginAccount, &mut Rng)) -> usize {
    let trader = world.trader();
    let mut legs = 0;
    for seed in seeds {
        let mut rng = Rng::new(seed);
        world.forge::<MarginAccount>(trader.account, |account| fill(account, &mut rng));
        for underlying in [BTC, ETH, SOL] {
            if world.account(&trader).positions().iter().any(|position| position.underlying == underlying) {
                legs += assert_adds_up(&mut world, &trader, underlying, &format!("seed {seed:#x}"));
            }
        }
    }
    legs
}

#[test]
fn legs_add_up_exactly_under_the_default_model() {
    assert!(random_books(World::new(), 0xb0_0000..0xb0_0010, random_book) > 100);
}

#[test]
fn legs_and_collateral_add_up_exactly_with_every_part_of_the_model_on() {
    assert!(random_books(World::rich(), 0xb1_0000..0xb1_0010, random_rich_book) > 100);
}

#[test]
fn the_books_row_is_what_the_report_is_made_of() {
    let mut world = World::new();
    let trader = world.trader();
    for seed in 0..20 {
        let mut rng = Rng::new(0xb2_0000 + seed);
        world.forge::<MarginAccount>(trader.account, |account| random_book(account, &mut rng));
        let report = world.report(&trader);
        for part in &report.underlyings {
            let book = row(&mut world, &trader, part.index, BreakdownPart::Book);
            let parts = part.portfolio().expect("the portfolio model");
            assert_eq!(book.mark_to_market.div_euclid(1_000_000), i128::from(part.positions_value));
            let worst = *book.profits.iter().min().expect("a scenario");
            assert_eq!(worst.min(0).div_euclid(1_000_000), i128::from(parts.worst_profit));
            if worst < 0 {
                assert_eq!(book.profits[usize::from(parts.worst_case)], worst);
            }
        }
    }
}

#[test]
fn a_lone_linear_position_makes_the_move_of_spot_in_every_scenario() {
    let mut world = World::new();
    let trader = world.trader();
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(perpetual(ETH), 1_000, 0).expect("a row");
    });
    let row = row(&mut world, &trader, ETH, BreakdownPart::Position(0));
    // A hundred units at 3 240.67.
    let notional = 100 * 3_240_670_000_000_000i128;
    assert_eq!(row.mark_to_market, notional);
    for (scenario, profit) in world.underlying(ETH).scenarios().iter().zip(&row.profits) {
        let weighted = notional * (i128::from(scenario.spot) - 1_000_000_000) * i128::from(scenario.weight);
        assert_eq!(*profit, weighted.div_euclid(1_000_000_000_000_000_000));
    }
}

#[test]
fn what_is_not_held_has_no_row() {
    let mut world = World::new();
    let trader = world.trader();
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(perpetual(BTC), 1, 0).expect("a row");
        account.add_position(perpetual(ETH), 1, 0).expect("a row");
    });
    for number in [1, 2, 255] {
        let breakdown = world.margin_breakdown(&trader, BTC, BreakdownPart::Position(number));
        world.refuse(breakdown.instruction(), &[], E::UnknownPosition);
    }
    // An underlying that the account does not hold is not among its markets.
    for underlying in [SOL, 64, u16::MAX] {
        let breakdown = world.margin_breakdown(&trader, underlying, BreakdownPart::Book);
        world.refuse(breakdown.instruction(), &[], E::RiskAccountMissing);
    }
    let row = row(&mut world, &trader, BTC, BreakdownPart::Collateral);
    assert!(row.mark_to_market == 0 && row.profits.iter().all(|profit| *profit == 0));
}

#[test]
fn a_breakdown_shows_the_portfolio_model_whatever_the_mode() {
    let mut world = World::new();
    world.correlate(correlation());
    let trader = world.trader();
    let mut rows = Vec::new();
    for mode in [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard] {
        world.forge::<MarginAccount>(trader.account, |account| {
            account.mode = mode as u8;
            account
                .add_position(perpetual(BTC), 7 - account.positions().first().map_or(0, |p| p.lots), 0)
                .expect("a row");
        });
        rows.push(row(&mut world, &trader, BTC, BreakdownPart::Book));
    }
    assert!(rows.windows(2).all(|pair| pair[0] == pair[1]));
}
