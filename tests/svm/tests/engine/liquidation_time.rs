//! The Dutch auction: its price falls with time.

use margin_client::errors::EngineError as E;
use tests_svm::World;

use crate::{
    bid_laws::{Books, assert_bid, closed_form, take},
    liquidation::{WHOLE, distressed, start},
};

/// Lets the auction run; prices and surfaces stay as they are and are fresh.
fn wait(world: &mut World, seconds: i64) {
    world.advance(seconds);
    world.refresh();
}

#[test]
fn slices_cost_less_and_less() {
    // Share paid after each of the times, by the preset: 0.95 to 0.70 in 15 minutes, to nothing in 12 hours more.
    let shares = [(0, 950_000_000), (1, 949_722_223), (450, 825_000_000), (900, 700_000_000), (22_500, 350_000_000)];
    for (elapsed, share) in shares {
        let (mut world, trader, keeper) = distressed();
        start(&mut world, &keeper, &trader);
        let started = world.account(&trader).liquidation.started_at;
        wait(&mut world, elapsed);
        let parameters = world.engine_state().liquidation;
        assert_eq!(world.now() - started, elapsed);
        let before = Books::of(&world, &trader, &keeper);
        let event = take(&mut world, &keeper, &trader, WHOLE);
        assert_eq!(event.share_paid, share);
        if elapsed <= 900 {
            assert_bid(&before, &Books::of(&world, &trader, &keeper), &event, parameters);
        }
        let limit = closed_form(&event, 0.0, parameters) * 1e9;
        assert!((event.fraction as f64 - limit).abs() <= 2.0, "{} is not {limit}", event.fraction);
    }
}

#[test]
fn after_its_time_the_solvent_auction_is_over() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    // Not yet insolvent: there is nothing to convert.
    let convert = world.conversion(&trader).instruction();
    world.refuse(convert, &[], E::AuctionUnchanged);
    let early = world.insolvent_bid(&keeper, &trader, WHOLE).instruction();
    world.refuse(early, &[&keeper.key], E::AuctionSolvent);

    wait(&mut world, 900 + 43_200);
    let late = world.bid(&keeper, &trader, WHOLE).instruction();
    world.refuse(late, &[&keeper.key], E::AuctionInsolvent);
    // The second one has to be opened.
    let closed = world.insolvent_bid(&keeper, &trader, WHOLE).instruction();
    world.refuse(closed, &[&keeper.key], E::AuctionSolvent);
    let convert = world.conversion(&trader).instruction();
    world.accept(convert.clone(), &[]);
    assert_eq!(world.account(&trader).liquidation.insolvent_at, world.now());
    world.advance(1);
    world.refuse(convert, &[], E::AuctionUnchanged);
    // It still has value: whoever takes it gets it for nothing.
    let report = world.report(&trader);
    assert!(report.equity > 0);
    let bid = world.insolvent_bid(&keeper, &trader, WHOLE).instruction();
    world.accept(bid, &[&keeper.key]);
    assert!(world.account(&trader).positions().is_empty() && !world.account(&trader).in_liquidation());
}
