//! When a settlement price is final, who may set one by hand and when, and when a slot is free again.

use margin_client::{addresses, errors::EngineError as E, events::EngineEvent};
use tests_svm::{BTC, NEAR, Trader, World, buy, call, usd, usdc};

/// Three days.
const GRACE: i64 = 259_200;

fn open_series() -> (World, Trader, Trader) {
    let mut world = World::new();
    let (maker, taker) = (world.funded(200_000.0), world.funded(50_000.0));
    world.fill(&maker, &taker, &[buy(10, call(BTC, NEAR, 90_000), 5_000.0)]);
    (world, maker, taker)
}

#[test]
fn a_price_is_final_once_and_only_after_the_expiry() {
    let (mut world, ..) = open_series();
    let finalise = world.finalise(BTC, NEAR);
    world.refuse(finalise.instruction(), &[], E::SeriesAlive);
    world.sample_window(BTC, NEAR, [usd(95_000.0); 19]);
    world.set_time(NEAR - 1);
    world.refuse(finalise.instruction(), &[], E::SeriesAlive);
    world.set_time(NEAR);
    world.refuse(finalise.instruction(), &[], E::SettlementUncovered);
    world.sample_at(BTC, NEAR, NEAR + 5, usd(95_020.0));
    let events = world.accept(finalise.instruction(), &[]).events();
    let [EngineEvent::SettlementFinalised(event)] = events.as_slice() else { panic!("only final, not freed") };
    assert_eq!((event.price, event.samples, event.open_lots), (usd(95_001.0), 20, 20));
    world.refuse(finalise.instruction(), &[], E::SettlementFinal);
    let mut unlisted = world.finalise(BTC, NEAR + 1);
    world.refuse(unlisted.instruction(), &[], E::ExpiryUnknown);
    unlisted.expiry = 0;
    world.refuse(unlisted.instruction(), &[], E::ExpiryUnknown);
}

#[test]
fn the_admin_sets_a_price_only_where_the_oracle_stayed_away() {
    let (mut world, maker, taker) = open_series();
    let admin = world.admin.insecure_clone();
    world.sample_window(BTC, NEAR, [usd(96_000.0); 4]);
    let fix = |world: &World, price: f64| world.fix(BTC, NEAR, usd(price)).instruction();
    for time in [NEAR, NEAR + GRACE - 1] {
        world.set_time(time);
        let early = fix(&world, 96_000.0);
        world.refuse(early, &[&admin], E::SettlementFixGrace);
    }
    world.set_time(NEAR + GRACE);
    for price in [47_999.999_999, 144_000.000_001, 0.0] {
        let far = fix(&world, price);
        world.refuse(far, &[&admin], E::SettlementFixPrice);
    }
    let mut stranger = world.fix(BTC, NEAR, usd(96_000.0));
    stranger.admin = maker.owner();
    world.refuse(stranger.instruction(), &[&maker.key], E::NotAdmin);
    let mut unlisted = world.fix(BTC, NEAR, usd(96_000.0));
    unlisted.expiry += 1;
    world.refuse(unlisted.instruction(), &[&admin], E::ExpiryUnknown);

    let by_hand = fix(&world, 120_000.0);
    let events = world.accept(by_hand.clone(), &[&admin]).events();
    let [EngineEvent::SettlementFixed(event)] = events.as_slice() else { panic!("one price") };
    assert_eq!((event.average_before, event.price), (usd(96_000.0), usd(120_000.0)));
    assert_eq!((event.samples, event.open_lots), (4, 20));
    world.refuse(by_hand, &[&admin], E::SettlementFinal);
    let finalise = world.finalise(BTC, NEAR);
    world.refuse(finalise.instruction(), &[], E::SettlementFinal);
    let before = world.cash(&taker);
    let settle = world.settle(BTC, NEAR, &maker, &[&taker, &maker]);
    world.accept(settle.instruction(), &[]);
    assert_eq!(world.cash(&taker) - before, usdc(3_000.0) as i64);
}

#[test]
fn a_price_by_hand_is_near_the_bounds_or_near_the_forward() {
    for price in [48_000.0, 144_000.0] {
        let (mut world, ..) = open_series();
        let admin = world.admin.insecure_clone();
        world.sample_window(BTC, NEAR, [usd(96_000.0); 1]);
        world.set_time(NEAR + GRACE);
        let fix = world.fix(BTC, NEAR, usd(price));
        world.accept(fix.instruction(), &[&admin]);
    }
    // No sample at all: the forward of the last surface, 94 459.65 USD, is the measure.
    let (mut world, ..) = open_series();
    let admin = world.admin.insecure_clone();
    world.set_time(NEAR + GRACE);
    let forward = world.slot(BTC, NEAR).expect("listed").forward;
    let [low, high] = [(forward - 1) / 2, forward.div_ceil(2) * 3 + 1].map(|price| world.fix(BTC, NEAR, price));
    world.refuse(low.instruction(), &[&admin], E::SettlementFixPrice);
    world.refuse(high.instruction(), &[&admin], E::SettlementFixPrice);
    let fix = world.fix(BTC, NEAR, forward.div_ceil(2));
    world.accept(fix.instruction(), &[&admin]);
}

#[test]
fn neither_a_living_nor_a_covered_series_is_fixed() {
    let (mut world, ..) = open_series();
    let other = world.another_engine();
    let admin = world.admin.insecure_clone();
    let fix = world.fix(BTC, NEAR, usd(96_000.0));
    world.refuse(fix.instruction(), &[&admin], E::SeriesAlive);
    world.sample_window(BTC, NEAR, [usd(96_000.0); 20]);
    world.set_time(NEAR + GRACE);
    world.refuse(fix.instruction(), &[&admin], E::SettlementCovered);
    let mut foreign = fix;
    foreign.underlying = addresses::underlying(&other, BTC);
    world.refuse(foreign.instruction(), &[&admin], E::ForeignEngine);
}

#[test]
fn a_series_without_positions_needs_no_price() {
    let mut world = World::new();
    let admin = world.admin.insecure_clone();
    // Listed, never published, never traded.
    let expiry = NEAR + 3_600;
    let list = world.expiry_listing(BTC, expiry);
    world.accept(list.instruction(), &[&admin]);
    let finalise = world.finalise(BTC, expiry);
    world.refuse(finalise.instruction(), &[], E::SeriesAlive);
    world.set_time(expiry + GRACE);
    let fix = world.fix(BTC, expiry, usd(90_000.0));
    world.refuse(fix.instruction(), &[&admin], E::SurfaceMissing);
    let events = world.accept(finalise.instruction(), &[]).events();
    let [EngineEvent::SettlementFinalised(end), EngineEvent::SeriesFreed(freed)] = events.as_slice() else {
        panic!("final and free")
    };
    assert_eq!((end.price, end.samples, end.open_lots), (0, 0, 0));
    assert_eq!((freed.expiry, freed.price), (expiry, 0));
    assert_eq!(world.slot(BTC, expiry), None);
    world.refuse(finalise.instruction(), &[], E::ExpiryUnknown);
    // What has a price by hand and nothing open goes as well.
    let fix = world.fix(BTC, NEAR, usd(90_000.0));
    let events = world.accept(fix.instruction(), &[&admin]).events();
    assert!(matches!(events.as_slice(), [EngineEvent::SettlementFixed(_), EngineEvent::SeriesFreed(_)]));
    assert_eq!(world.slot(BTC, NEAR), None);
}

#[test]
fn a_slot_serves_one_series_after_the_other() {
    let mut world = World::new();
    let admin = world.admin.insecure_clone();
    let (maker, taker) = (world.funded(200_000.0), world.funded(50_000.0));
    for day in 1..=10 {
        let list = world.expiry_listing(BTC, NEAR + 86_400 * day);
        world.accept(list.instruction(), &[&admin]);
    }
    let late = world.expiry_listing(BTC, NEAR + 86_400 * 11).instruction();
    world.refuse(late.clone(), &[&admin], E::ExpiryTableFull);
    world.fill(&maker, &taker, &[buy(10, call(BTC, NEAR, 90_000), 5_000.0)]);
    world.finalise_at(BTC, NEAR, usd(95_000.0));
    world.refuse(late.clone(), &[&admin], E::ExpiryTableFull);
    let settle = world.settle(BTC, NEAR, &maker, &[&taker]);
    let events = world.accept(settle.instruction(), &[]).events();
    assert_eq!(events.len(), 1, "half of the lots are still open");
    assert_eq!(world.slot(BTC, NEAR).expect("listed").open_lots, 10);
    let settle = world.settle(BTC, NEAR, &taker, &[&maker]).instruction();
    let events = world.accept(settle.clone(), &[]).events();
    let [EngineEvent::PositionsSettled(_), EngineEvent::SeriesFreed(freed)] = events.as_slice() else {
        panic!("settled and free")
    };
    assert_eq!((freed.underlying, freed.price), (addresses::underlying(&world.engine, BTC), usd(95_000.0)));

    // Neither the old expiry nor anything of it comes back.
    let old = world.expiry_listing(BTC, NEAR);
    world.refuse(old.instruction(), &[&admin], E::ExpiryTime);
    world.refuse(settle, &[], E::ExpiryUnknown);
    world.accept(late, &[&admin]);
    let slot = world.slot(BTC, NEAR + 86_400 * 11).expect("listed");
    assert_eq!((slot.observed_average, slot.finalised, slot.sample_count, slot.updated_at), (0, 0, 0, 0));
}
