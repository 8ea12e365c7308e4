//! Witnesses: one scenario for each underlying, under which a liquidation starts and its bids are judged.

use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    instructions::WitnessArgs,
    state::{AccountMode, LiquidationState, MarginAccount},
};
use tests_svm::{BTC, NEAR, Trader, World, call, correlation};

use crate::{
    bid_laws::take,
    liquidation::{WHOLE, distressed, start, stretched},
};

const NO_LOSS: u8 = 255;

fn stored(world: &World, trader: &Trader) -> [u8; 64] {
    world.account(trader).liquidation.witness
}

fn start_by(
    world: &World,
    keeper: &Trader,
    trader: &Trader,
    scenarios: &[u8],
) -> margin_client::instructions::LiquidationStart {
    let mut start = world.start(keeper, trader);
    start.args = WitnessArgs { witness: Some(scenarios.to_vec()) };
    start
}

#[test]
fn a_start_keeps_its_witness_whether_named_or_found() {
    let (mut world, trader, keeper) = distressed();
    let worst = World::worst_cases(&world.report(&trader));
    let named = start_by(&world, &keeper, &trader, &worst).instruction();
    let found = world.start(&keeper, &trader).instruction();
    let mut kept = Vec::new();
    let mut costs = Vec::new();
    for start in [named, found] {
        let receipt = world.accept(start, &[&keeper.key]);
        costs.push(receipt.compute_units);
        let Ok([EngineEvent::LiquidationStarted(event)]) = <[EngineEvent; 1]>::try_from(receipt.events()) else {
            panic!("one event")
        };
        let report = world.report(&trader);
        assert_eq!((event.equity, event.maintenance_margin), (report.equity, report.maintenance_margin));
        assert!(!event.insolvent);
        kept.push(world.account(&trader).liquidation);
        world.forge::<MarginAccount>(trader.account, |account| account.liquidation = LiquidationState::default());
    }
    assert_eq!(kept[0], kept[1]);
    let at: Vec<_> = world.report(&trader).underlyings.iter().map(|part| usize::from(part.index)).collect();
    for (index, scenario) in kept[0].witness.iter().enumerate() {
        let expected = at.iter().position(|held| *held == index).map_or(NO_LOSS, |number| worst[number]);
        assert_eq!(*scenario, expected, "underlying {index}");
    }
    assert!(costs[0] * 3 < costs[1] * 2, "a witness costs a fraction of all scenarios: {costs:?}");
}

#[test]
fn a_witness_under_which_the_account_is_safe_starts_nothing() {
    let (mut world, trader, keeper) = distressed();
    let held = World::worst_cases(&world.report(&trader)).len();
    let safe = start_by(&world, &keeper, &trader, &vec![NO_LOSS; held]).instruction();
    world.refuse(safe, &[&keeper.key], E::AccountHealthy);
    let mut unknown = vec![0; held];
    unknown[held - 1] = 77;
    for (scenarios, error) in
        [(vec![0; held - 1], E::WitnessCount), (vec![0; held + 1], E::WitnessCount), (unknown, E::UnknownScenario)]
    {
        let wrong = start_by(&world, &keeper, &trader, &scenarios).instruction();
        world.refuse(wrong, &[&keeper.key], error);
    }
}

#[test]
fn modes_without_scenarios_of_their_own_are_looked_at_in_full() {
    let (mut world, trader, keeper) = distressed();
    world.forge::<MarginAccount>(trader.account, |account| account.mode = AccountMode::Standard as u8);
    let named = start_by(&world, &keeper, &trader, &[0, 0, 0]).instruction();
    world.refuse(named, &[&keeper.key], E::WitnessUnsupported);
    start(&mut world, &keeper, &trader);
    let witness = world.witness(&trader, &[0, 0, 0]).instruction();
    world.refuse(witness, &[], E::WitnessUnsupported);
    let mut all = world.witness(&trader, &[]);
    all.args.witness = None;
    world.refuse(all.instruction(), &[], E::WitnessNotWorse);

    let (mut world, trader, keeper) = distressed();
    world.correlate(correlation());
    let named = start_by(&world, &keeper, &trader, &[0, 0, 0]).instruction();
    world.refuse(named, &[&keeper.key], E::WitnessUnsupported);
}

#[test]
fn a_witness_gives_way_to_a_worse_one_only_and_the_auction_goes_on() {
    let (mut world, trader, keeper) = distressed();
    let worst = World::worst_cases(&world.report(&trader));
    // As weak as one that still starts it.
    let weak = (0..31u8)
        .filter_map(|scenario| {
            let mut witness = vec![NO_LOSS; worst.len()];
            witness[0] = scenario;
            let start = start_by(&world, &keeper, &trader, &witness);
            let transaction = world.transaction(&[start.instruction()], &[&keeper.key]);
            world.svm.simulate_transaction(transaction).is_ok().then_some(witness)
        })
        .find(|witness| *witness != worst)
        .expect("a scenario that suffices and is not the worst");
    let begin = start_by(&world, &keeper, &trader, &weak).instruction();
    world.accept(begin, &[&keeper.key]);
    let started = world.account(&trader).liquidation;
    world.advance(5);
    let same = world.witness(&trader, &weak).instruction();
    world.refuse(same, &[], E::WitnessNotWorse);
    let better = world.witness(&trader, &vec![NO_LOSS; worst.len()]).instruction();
    world.refuse(better, &[], E::WitnessNotWorse);
    let worse = world.witness(&trader, &worst).instruction();
    let receipt = world.accept(worse, &[]);
    let Ok([EngineEvent::WitnessReplaced(event)]) = <[EngineEvent; 1]>::try_from(receipt.events()) else {
        panic!("one event")
    };
    let report = world.report(&trader);
    assert!(event.maintenance_margin_before < event.maintenance_margin_after);
    assert_eq!((event.equity, event.maintenance_margin_after), (report.equity, report.maintenance_margin));
    let state = world.account(&trader).liquidation;
    assert_eq!(LiquidationState { witness: started.witness, ..state }, started, "nothing else has changed");
    let back = world.witness(&trader, &weak).instruction();
    world.refuse(back, &[], E::WitnessNotWorse);
}

#[test]
fn a_bid_under_a_weak_witness_goes_on_under_the_worst_one() {
    let (mut world, trader, keeper) = distressed();
    let worst = World::worst_cases(&world.report(&trader));
    let mut weak = worst.clone();
    weak[1] = NO_LOSS;
    let begin = start_by(&world, &keeper, &trader, &weak).instruction();
    if world.attempt(&[begin], &[&keeper.key]).is_err() {
        panic!("BTC alone puts the account below its margin");
    }
    let event = take(&mut world, &keeper, &trader, WHOLE);
    // The deficit under the witness is gone, the full one is not: the account stays, under its worst scenarios.
    let report = world.report(&trader);
    let done = report.equity >= report.maintenance_margin + crate::liquidation::tenth(report.maintenance_margin);
    assert_eq!(event.released, done, "{event:?}");
    assert_eq!((event.equity_after, event.maintenance_margin_after), (report.equity, report.maintenance_margin));
    if !done {
        assert_eq!(stored(&world, &trader)[usize::from(BTC)], World::worst_cases(&report)[0]);
    }
}

#[test]
fn a_large_account_is_released_by_a_stop() {
    let mut world = World::new();
    let (trader, keeper) = (world.trader(), world.funded(10_000_000.0));
    world.forge::<MarginAccount>(trader.account, |account| {
        for number in 0..33 {
            account.add_position(call(BTC, NEAR, 80_000 + 1_000 * number), -10, 0).expect("a row");
        }
    });
    let report = world.report(&trader);
    world.forge::<MarginAccount>(trader.account, |account| {
        let cash = report.maintenance_margin * 9 / 10 - report.equity;
        account.cash = (i128::from(cash) << 48).to_le_bytes();
    });
    start(&mut world, &keeper, &trader);
    let event = take(&mut world, &keeper, &trader, WHOLE);
    assert!(!event.released && event.fraction < WHOLE, "{event:?}");
    // Nobody can bid on it meanwhile.
    let more = world.bid(&keeper, &trader, WHOLE);
    world.refuse(more.instruction(), &[&keeper.key], E::AccountHealthy);
    let stop = world.stop(&trader);
    world.accept(stop.instruction(), &[]);
    assert!(!world.account(&trader).in_liquidation());
}

#[test]
fn only_an_account_in_liquidation_has_a_witness() {
    let (mut world, trader, _) = stretched();
    let witness = world.witness(&trader, &[0, 0, 0]).instruction();
    world.refuse(witness, &[], E::NotInLiquidation);
    let convert = world.conversion(&trader).instruction();
    world.refuse(convert, &[], E::NotInLiquidation);
}
