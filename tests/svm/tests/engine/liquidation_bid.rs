//! What a bid moves and what it costs.

use fixed::types::I80F48;
use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    state::{Collateral, MarginAccount},
};
use tests_svm::{BTC, ETH, FAR, NEAR, SOL_TOKEN, World, buy, call, lots_of, perpetual, put, sell, usdc};

use crate::{
    bid_laws::{Books, assert_bid, closed_form, from_bids, take},
    liquidation::{WHOLE, distressed, sink, start, stretched, tenth},
};

#[test]
fn a_slice_is_proportional_and_its_price_discounted() {
    for fraction in [12_345_678, 33_333_333, WHOLE / 10] {
        let (mut world, trader, keeper) = distressed();
        start(&mut world, &keeper, &trader);
        let parameters = world.engine_state().liquidation;
        let before = Books::of(&world, &trader, &keeper);
        let event = take(&mut world, &keeper, &trader, fraction);
        assert_eq!(event.fraction, fraction);
        assert_bid(&before, &Books::of(&world, &trader, &keeper), &event, parameters);
        assert!(event.slice_value > 0 && event.price > 0, "{event:?}");
        let report = world.report(&trader);
        assert_eq!((event.equity_after, event.maintenance_margin_after), (report.equity, report.maintenance_margin));
    }
}

#[test]
fn the_smallest_bid_takes_a_lot_of_every_position() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let parameters = world.engine_state().liquidation;
    let before = Books::of(&world, &trader, &keeper);
    let event = take(&mut world, &keeper, &trader, 1);
    let after = Books::of(&world, &trader, &keeper);
    assert_bid(&before, &after, &event, parameters);
    let lots: Vec<_> = after.bidder.positions().iter().map(|position| position.lots).collect();
    assert_eq!(lots, [1, -1, 1, -1]);
    // Without cash to go with it the slice is worth less than nothing: it costs nothing, and the bidder pays by taking it.
    assert!(event.slice_value < 0 && event.price == 0 && event.equity_after > event.equity_before, "{event:?}");
}

#[test]
fn thin_slices_cannot_buy_up_the_hedges() {
    let (mut world, trader, keeper) = stretched();
    let calls = call(BTC, NEAR, 40_000);
    world.forge::<MarginAccount>(trader.account, |account| {
        (account.position_count, account.balance_count) = (0, 0);
        account.add_position(perpetual(BTC), -1_000, -941_288_900_000).expect("a free row");
        account.add_position(calls, 100, 0).expect("a free row");
    });
    let report = world.report(&trader);
    world.forge::<MarginAccount>(trader.account, |account| {
        let cash = report.cash + report.maintenance_margin - report.equity - 1_000_000;
        account.cash = (i128::from(cash) << 48).to_le_bytes();
    });
    start(&mut world, &keeper, &trader);
    // A billionth of the account would be one call in a hundred and one perpetual in a thousand.
    let bid = world.bid(&keeper, &trader, 1);
    world.refuse(bid.instruction(), &[&keeper.key], E::BidWorsens);
    let event = take(&mut world, &keeper, &trader, WHOLE);
    assert!(event.released, "{event:?}");
    assert_eq!(lots_of(&world.account(&trader), calls), 90);
}

#[test]
fn no_bid_takes_more_than_restores_the_account() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let parameters = world.engine_state().liquidation;
    let before = Books::of(&world, &trader, &keeper);
    let event = take(&mut world, &keeper, &trader, WHOLE);
    assert_bid(&before, &Books::of(&world, &trader, &keeper), &event, parameters);
    let limit = closed_form(&event, 0.0, parameters) * 1e9;
    assert!((event.fraction as f64 - limit).abs() <= 2.0, "{} is not {limit}", event.fraction);
    assert!(event.fraction < WHOLE);
    assert!(event.released);
    // Above maintenance margin and buffer, and not by more than a lot of each position explains.
    let report = world.report(&trader);
    let target = report.maintenance_margin + tenth(report.maintenance_margin);
    assert!(report.equity >= target - 2, "{report:?}");
    assert!(report.equity < target + report.maintenance_margin / 20, "{report:?}");
    let start = world.start(&keeper, &trader);
    world.refuse(start.instruction(), &[&keeper.key], E::AccountHealthy);
}

#[test]
fn several_bids_never_take_what_earlier_ones_paid() {
    let (mut world, trader, keeper) = distressed();
    let second = world.funded(1_000_000.0);
    start(&mut world, &keeper, &trader);
    let parameters = world.engine_state().liquidation;
    let mut bidders = [&keeper, &second].into_iter().cycle();
    let mut released = false;
    for fraction in [WHOLE / 50, WHOLE / 40, WHOLE / 60, WHOLE] {
        assert!(!released);
        let bidder = bidders.next().expect("a cycle");
        let before = Books::of(&world, &trader, bidder);
        let paid_in = from_bids(&before.account).to_num::<f64>();
        let event = take(&mut world, bidder, &trader, fraction);
        assert_bid(&before, &Books::of(&world, &trader, bidder), &event, parameters);
        let limit = closed_form(&event, paid_in, parameters) * 1e9;
        assert!(event.fraction as f64 <= limit + 2.0, "{} is above {limit}", event.fraction);
        released = event.released;
    }
    assert!(released, "the last bid was large enough");
}

#[test]
fn fractions_lie_between_nothing_and_all() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    for fraction in [0, WHOLE + 1, u64::MAX] {
        let bid = world.bid(&keeper, &trader, fraction);
        world.refuse(bid.instruction(), &[&keeper.key], E::BidFraction);
    }
}

#[test]
fn a_bidders_price_limit_is_kept() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let snapshot = world.account(&keeper);
    let event = take(&mut world, &keeper, &trader, WHOLE / 10);
    // The same again from the same state.
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    assert_eq!(world.account(&keeper).cash(), snapshot.cash());
    let mut bid = world.bid(&keeper, &trader, WHOLE / 10);
    bid.args.price_limit = event.price - 1;
    world.refuse(bid.clone().instruction(), &[&keeper.key], E::BidPriceLimit);
    bid.args.price_limit = event.price;
    world.accept(bid.instruction(), &[&keeper.key]);
}

#[test]
fn of_two_keepers_with_the_same_bid_one_gets_it_and_the_other_loses_nothing() {
    let (mut world, trader, keeper) = distressed();
    let rival = world.funded(1_000_000.0);
    start(&mut world, &keeper, &trader);
    let (first, second) = (world.bid(&keeper, &trader, WHOLE), world.bid(&rival, &trader, WHOLE));
    world.accept(first.instruction(), &[&keeper.key]);
    world.refuse(second.instruction(), &[&rival.key], E::NotInLiquidation);
    assert_eq!(world.cash(&rival), usdc(1_000_000.0) as i64);

    // Who comes second to an account that is still for sale pays within the limit he set for the first slice.
    let (mut world, trader, keeper) = distressed();
    let rival = world.funded(1_000_000.0);
    start(&mut world, &keeper, &trader);
    let mut late = world.bid(&rival, &trader, WHOLE / 20);
    late.args.price_limit = take(&mut world, &keeper, &trader, WHOLE / 20).price / 100 * 115;
    let before = Books::of(&world, &trader, &rival);
    let events = world.accept(late.clone().instruction(), &[&rival.key]).events();
    let [EngineEvent::LiquidationBid(event)] = events.as_slice() else { panic!("one event") };
    assert_bid(&before, &Books::of(&world, &trader, &rival), event, world.engine_state().liquidation);
    assert!(event.price <= late.args.price_limit);
}

#[test]
fn a_bidder_ends_with_initial_margin() {
    let (mut world, trader, keeper) = distressed();
    let poor = world.funded(10.0);
    start(&mut world, &keeper, &trader);
    let bid = world.bid(&poor, &trader, WHOLE);
    world.refuse(bid.instruction(), &[&poor.key], E::BelowInitialMargin);
}

#[test]
fn a_bidder_without_room_is_refused() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    world.forge::<MarginAccount>(keeper.account, |state| {
        for i in 0..128 {
            state.add_position(put(BTC, NEAR, 20_000 + 100 * i), 1, 0).expect("a free row");
        }
    });
    let bid = world.bid(&keeper, &trader, WHOLE);
    world.refuse(bid.instruction(), &[&keeper.key], E::PositionTableFull);
}

#[test]
fn what_bidder_and_account_hold_against_each_other_nets_out() {
    let (mut world, trader, keeper) = stretched();
    let maker = world.funded(1_000_000.0);
    let legs = [buy(500, call(BTC, FAR, 100_000), 4_500.0), buy(40, perpetual(ETH), 3_250.0)];
    world.fill(&maker, &keeper, &legs);
    sink(&mut world, &trader, 0);
    start(&mut world, &keeper, &trader);
    let parameters = world.engine_state().liquidation;
    let before = Books::of(&world, &trader, &keeper);
    let event = take(&mut world, &keeper, &trader, WHOLE / 8);
    let after = Books::of(&world, &trader, &keeper);
    assert_bid(&before, &after, &event, parameters);
    assert_eq!(lots_of(&after.bidder, call(BTC, FAR, 100_000)), 500 - 26);
}

#[test]
fn a_small_account_may_be_taken_whole() {
    let mut world = World::new();
    let (maker, keeper) = (world.funded(1_000_000.0), world.funded(100_000.0));
    let trader = world.funded(220.0);
    world.fill(&maker, &trader, &[sell(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    sink(&mut world, &trader, usdc(100.0) as i64);
    start(&mut world, &keeper, &trader);
    let parameters = world.engine_state().liquidation;
    let before = Books::of(&world, &trader, &keeper);
    let event = take(&mut world, &keeper, &trader, WHOLE);
    let after = Books::of(&world, &trader, &keeper);
    assert_bid(&before, &after, &event, parameters);
    assert!(closed_form(&event, 0.0, parameters) < 0.99, "less would have restored it: {event:?}");
    assert_eq!(event.fraction, WHOLE);
    assert!(event.released && after.account.positions().is_empty());
    // What is left is the price.
    assert_eq!(after.account.cash(), I80F48::from_num(event.price));
    assert_eq!(event.slice_value, event.equity_before);
}

#[test]
fn a_bid_restores_an_account_that_lacks_an_atom() {
    let (mut world, trader, keeper) = stretched();
    // A few atoms short of the buffer with a large equity: the fraction that restores it is rounded up.
    let report = world.report(&trader);
    let target = report.maintenance_margin + tenth(report.maintenance_margin);
    world.forge::<MarginAccount>(trader.account, |account| {
        account.cash = (i128::from(report.cash + target - report.equity - 3) << 48).to_le_bytes();
    });
    world.flag(&trader);
    let event = take(&mut world, &keeper, &trader, WHOLE);
    assert_eq!((event.fraction, event.released), (1, true));
}

#[test]
fn a_bid_that_would_move_nothing_is_refused() {
    let (mut world, trader, keeper) = stretched();
    // A token that counts for nothing, and one atom of it: no share of an atom is an atom.
    let listing = world.tokens[usize::from(SOL_TOKEN)].collateral(&world.engine).collateral;
    world.forge::<Collateral>(listing, |state| state.haircuts.maintenance = 1_000_000_000);
    world.forge::<MarginAccount>(trader.account, |account| {
        (account.position_count, account.balance_count, account.cash) = (0, 0, [0; 16]);
        account.set_balance(SOL_TOKEN, 1).expect("a free row");
    });
    world.flag(&trader);
    let bid = world.bid(&keeper, &trader, WHOLE / 2);
    world.refuse(bid.instruction(), &[&keeper.key], E::BidTooSmall);
}
