//! Two accounts of 64 legs in one bid.

use margin_client::{instructions::WitnessArgs, state::MarginAccount};
use tests_svm::{Footprint, Shape, Wide};

use crate::account::venue_model;

const LEGS: usize = 64;
const WHOLE: u64 = 1_000_000_000;
const BID: u64 = 700_000;
const START: u64 = 110_000;

/// A bid for half of what restores an account of 64 legs by a bidder who holds a book of 64 legs: the one of this number.
fn bid(shape: Shape, number: u64) -> Footprint {
    let mut wide = Wide::new(&venue_model(), shape, 0);
    let (trader, keeper) = (wide.world.trader(), wide.world.trader());
    let (book, own): (Vec<_>, Vec<_>) = (wide.book(0, LEGS).collect(), wide.book(number, LEGS).collect());
    wide.hold(&trader, &book);
    wide.hold(&keeper, &own);
    wide.enrich(&keeper);
    wide.set_equity(&trader, 50);
    let start = wide.world.start(&keeper, &trader);
    wide.world.accept(start.instruction(), &[&keeper.key]);
    let bid = wide.world.bid(&keeper, &trader, WHOLE);
    let footprint = wide.world.footprint(bid.instruction(), &keeper).unwrap_or_else(|no| panic!("{}", no.describe()));
    assert_eq!(wide.world.account(&trader).positions().len(), LEGS);
    println!("bid {shape:?} {number}: {footprint:?}");
    footprint
}

const SHAPES: [Shape; 3] = [
    Shape { underlyings: 1, expiries: 4 },
    Shape { underlyings: 4, expiries: 1 },
    Shape { underlyings: 4, expiries: 3 },
];

#[test]
fn a_bidder_who_holds_the_same_instruments() {
    for shape in SHAPES {
        let footprint = bid(shape, 0);
        assert!(footprint.compute_units <= BID, "{shape:?}: {footprint:?}");
    }
}

#[test]
fn a_bidder_who_holds_64_others() {
    // 128 legs of the bidder are looked at afterwards, under every scenario.
    for (shape, most) in SHAPES.into_iter().zip([BID, BID, 790_000]) {
        let footprint = bid(shape, 1);
        assert!(footprint.compute_units <= most, "{shape:?}: {footprint:?}");
    }
}

/// Whatever the witness.
#[test]
fn a_start_by_witness() {
    // On twelve groups it is more.
    for (shape, most) in SHAPES.into_iter().zip([START, START, 130_000]) {
        let mut wide = Wide::new(&venue_model(), shape, 0);
        let (trader, keeper) = (wide.world.trader(), wide.world.trader());
        let book: Vec<_> = wide.book(0, LEGS).collect();
        wide.hold(&trader, &book);
        // Below maintenance margin under every scenario, even where the account would gain.
        wide.set_equity(&trader, -1_000);
        let scenarios = venue_model().scenarios.len() as u8;
        let mut dearest = 0;
        for scenario in 0..scenarios {
            wide.world.forge::<MarginAccount>(trader.account, |account| account.liquidation = Default::default());
            let mut start = wide.world.start(&keeper, &trader);
            start.args = WitnessArgs { witness: Some(vec![scenario; usize::from(shape.underlyings)]) };
            let footprint = wide.world.footprint(start.instruction(), &keeper);
            let footprint = footprint.unwrap_or_else(|no| panic!("{}", no.describe()));
            dearest = dearest.max(footprint.compute_units);
        }
        println!("start by witness, 64 legs, {shape:?}: {dearest}");
        assert!(dearest <= most, "{shape:?}: {dearest}");
    }
}
