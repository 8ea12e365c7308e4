//! A bidder whose position table is full, or nearly.

use margin_client::{errors::EngineError as E, state::MarginAccount};
use tests_svm::{Shape, Trader, Wide, lots_of};

use crate::account::venue_model;

const WHOLE: u64 = 1_000_000_000;

/// An account with `legs` positions in liquidation, and a bidder who holds `own` positions of other instruments.
fn stage(legs: usize, own: usize) -> (Wide, Trader, Trader) {
    let mut wide = Wide::new(&venue_model(), Shape { underlyings: 2, expiries: 2 }, 0);
    let (trader, keeper) = (wide.world.trader(), wide.world.trader());
    let (book, other): (Vec<_>, Vec<_>) = (wide.book(0, legs).collect(), wide.book(1, own).collect());
    wide.hold(&trader, &book);
    wide.hold(&keeper, &other);
    wide.enrich(&keeper);
    wide.set_equity(&trader, 50);
    let start = wide.world.start(&keeper, &trader);
    wide.world.accept(start.instruction(), &[&keeper.key]);
    (wide, trader, keeper)
}

#[test]
fn a_full_table_refuses_and_changes_nothing() {
    let (mut wide, trader, keeper) = stage(16, 128);
    let bid = wide.world.bid(&keeper, &trader, WHOLE);
    wide.world.refuse(bid.instruction(), &[&keeper.key], E::PositionTableFull);
}

/// Tries the legs one by one, as a keeper would in simulation, and buys the first that the account is better off without.
fn buy_a_leg(wide: &mut Wide, trader: &Trader, keeper: &Trader) -> usize {
    let account = wide.world.account(trader);
    for (at, position) in account.positions().iter().enumerate() {
        let instrument = position.instrument().expect("a known kind");
        let before = lots_of(&wide.world.account(keeper), instrument);
        let mut bid = wide.world.bid(keeper, trader, WHOLE);
        bid.args.legs = Some(wide.world.legs(trader, &[at]));
        match wide.world.attempt(&[bid.instruction()], &[&keeper.key]) {
            Ok(_) => {
                let moved = lots_of(&wide.world.account(keeper), instrument) - before;
                assert_ne!(moved, 0);
                assert_eq!(lots_of(&wide.world.account(trader), instrument), position.lots - moved);
                return at;
            }
            Err(error) => assert!(matches!(error, E::BidWorsens), "{error}"),
        }
    }
    panic!("no leg frees margin");
}

#[test]
fn a_table_with_one_free_row_takes_one_leg() {
    let (mut wide, trader, keeper) = stage(16, 127);
    let bid = wide.world.bid(&keeper, &trader, WHOLE);
    wide.world.refuse(bid.instruction(), &[&keeper.key], E::PositionTableFull);
    buy_a_leg(&mut wide, &trader, &keeper);
    assert_eq!(wide.world.account(&keeper).positions().len(), 128);
    let bid = wide.world.bid(&keeper, &trader, WHOLE);
    wide.world.refuse(bid.instruction(), &[&keeper.key], E::PositionTableFull);
}

#[test]
fn a_full_table_takes_what_it_holds_already() {
    let (mut wide, trader, keeper) = stage(16, 128);
    // One of the bidder's instruments is the account's instead, short where that is long.
    let account = wide.world.account(&trader);
    let shared: Vec<_> = account.positions().iter().map(|position| position.instrument().expect("a kind")).collect();
    for (at, instrument) in shared.into_iter().enumerate() {
        wide.world.forge::<MarginAccount>(keeper.account, |state| {
            let number = state.positions().len() - 1;
            state.remove_positions(number..number + 1);
            state.add_position(instrument, 7, 0).expect("the freed row");
        });
        assert_eq!(wide.world.account(&keeper).positions().len(), 128);
        let mut bid = wide.world.bid(&keeper, &trader, WHOLE);
        bid.args.legs = Some(wide.world.legs(&trader, &[at]));
        match wide.world.attempt(&[bid.instruction()], &[&keeper.key]) {
            Ok(_) => return,
            Err(error) => assert!(matches!(error, E::BidWorsens), "{error}"),
        }
    }
    panic!("no leg frees margin");
}
