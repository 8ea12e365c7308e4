use margin_client::{
    margin::PriceUse,
    state::{Instrument, MarginAccount},
};

use super::*;
use crate::{
    health::{Scope, View, sweep},
    testing::{self, BTC, ETH, NOW, SPOTS, USD, call, engine_address, key, margin_account, stored},
};

fn at(slot: u64, write: u64) -> Version {
    Version { slot, write }
}

fn empty_store() -> Store {
    let mut store = Store::new(engine_address());
    for index in [BTC, ETH] {
        store.markets.choose_price(testing::feed(index), testing::price_address(index));
    }
    store
}

/// A market with prices, all of slot 1.
fn store() -> Store {
    let mut store = empty_store();
    for (address, account) in testing::markets() {
        assert_eq!(store.apply(address, Some(&account), at(1, 1)), Outcome::Changed, "{address}");
    }
    store
}

fn with_cash(cash: i64) -> Account {
    stored(&*margin_account(key(9), cash, &[(Instrument::perpetual(BTC), 1)]))
}

fn cash(store: &Store, address: &Pubkey) -> Option<i128> {
    store.account(address).map(|account| account.cash_atoms_floor() / 1_000_000)
}

#[test]
fn older_and_equal_states_never_replace_newer_ones() {
    let (mut store, address) = (store(), key(50));
    assert_eq!(store.apply(address, Some(&with_cash(1)), at(10, 5)), Outcome::Changed);
    for late in [at(9, 99), at(10, 4), at(10, 5)] {
        assert_eq!(store.apply(address, Some(&with_cash(2)), late), Outcome::Stale, "{late:?}");
    }
    assert_eq!(cash(&store, &address), Some(1));
    assert_eq!(store.apply(address, Some(&with_cash(3)), at(10, 6)), Outcome::Changed, "a later write of the slot");
    assert_eq!(store.apply(address, Some(&with_cash(3)), at(12, 7)), Outcome::Unchanged, "a duplicate in a later slot");
    assert_eq!(store.apply(address, Some(&with_cash(4)), at(11, 8)), Outcome::Stale, "it was newer all the same");
    assert_eq!((cash(&store, &address), store.slot()), (Some(3), 12));
}

#[test]
fn what_is_held_is_compared_whatever_its_version() {
    let (mut store, address) = (store(), key(50));
    store.apply(address, Some(&with_cash(1)), at(10, 5));
    assert!(store.holds(&address, &with_cash(1)) && !store.holds(&address, &with_cash(2)));
    let btc = testing::underlying(BTC);
    assert!(store.holds(&btc.address, &stored(&*btc)) && !store.holds(&btc.address, &with_cash(1)));
    assert!(!store.holds(&key(51), &with_cash(1)), "nothing is held");
}

#[test]
fn a_closed_account_does_not_come_back_by_a_late_state() {
    let (mut store, address, other) = (store(), key(50), key(51));
    store.apply(address, Some(&with_cash(1)), at(10, 1));
    store.apply(other, Some(&with_cash(7)), at(10, 2));
    let emptied = Account { lamports: 0, ..with_cash(1) };
    assert_eq!(store.apply(address, Some(&emptied), at(12, 3)), Outcome::Changed);
    assert_eq!(store.apply(address, Some(&with_cash(1)), at(11, 4)), Outcome::Stale);
    assert_eq!((cash(&store, &address), cash(&store, &other)), (None, Some(7)));
    assert_eq!(store.apply(address, Some(&with_cash(5)), at(13, 5)), Outcome::Changed, "opened again");
    assert_eq!(cash(&store, &address), Some(5));
}

#[test]
fn a_snapshot_fills_a_gap_and_leaves_what_is_newer() {
    let (mut store, mut clock) = (store(), Clock::default());
    let [changed, closed, newer, opened, untouched] = [60, 61, 62, 63, 64].map(key);
    for address in [changed, closed, newer, untouched] {
        store.apply(address, Some(&with_cash(1)), clock.arrived(10));
    }
    // The stream breaks; the snapshot is asked for, and while it is on its way the new stream brings something.
    let asked = clock.mark();
    store.apply(newer, Some(&with_cash(8)), clock.arrived(21));
    store.apply(opened, Some(&with_cash(9)), clock.arrived(20));
    let mut snapshot = store.begin_snapshot(20, asked);
    for (address, cash) in [(changed, 2), (newer, 2), (untouched, 1)] {
        store.apply_snapshot(&mut snapshot, address, &with_cash(cash));
    }
    assert_eq!(store.end_snapshot(&snapshot), 1);
    let found = [changed, closed, newer, opened, untouched].map(|address| cash(&store, &address));
    assert_eq!(
        found,
        [Some(2), None, Some(8), Some(9), Some(1)],
        "opened in the snapshot's slot, after it was asked for"
    );
    assert_eq!(store.apply(closed, Some(&with_cash(1)), clock.arrived(15)), Outcome::Stale, "older than the snapshot");
}

#[test]
fn a_fork_is_overruled_by_a_snapshot_above_it_and_by_nothing_below() {
    let (mut store, mut clock, address) = (store(), Clock::default(), key(50));
    store.apply(address, Some(&with_cash(1)), clock.arrived(10));
    // A slot that was abandoned later.
    store.apply(address, Some(&with_cash(666)), clock.arrived(30));
    let asked = clock.mark();
    let mut behind = store.begin_snapshot(25, asked);
    store.apply_snapshot(&mut behind, address, &with_cash(1));
    store.end_snapshot(&behind);
    assert_eq!(cash(&store, &address), Some(666), "a node that is behind knows nothing of slot 30");
    let asked = clock.mark();
    let mut above = store.begin_snapshot(31, asked);
    store.apply_snapshot(&mut above, address, &with_cash(1));
    store.end_snapshot(&above);
    assert_eq!(cash(&store, &address), Some(1));
}

#[test]
fn foreign_and_unreadable_accounts_stay_out() {
    let (mut store, address) = (store(), key(50));
    let mut foreign = margin_account(key(9), 1, &[]);
    foreign.engine = key(200);
    assert_eq!(store.apply(address, Some(&stored(&*foreign)), at(5, 1)), Outcome::Foreign);
    let mut newer = margin_account(key(9), 1, &[]);
    newer.version = 99;
    assert_eq!(store.apply(address, Some(&stored(&*newer)), at(5, 2)), Outcome::Unreadable);
    let token = Account { owner: key(3), ..with_cash(1) };
    assert_eq!(store.apply(address, Some(&token), at(5, 3)), Outcome::Foreign);
    assert!(store.entries().is_empty());
}

#[test]
fn only_accounts_that_a_change_touches_are_computed_anew() {
    let mut store = store();
    let books = [
        vec![(call(BTC, 90_000 * USD), 10)],
        vec![(Instrument::perpetual(ETH), -5)],
        vec![(call(BTC, 90_000 * USD), 10), (Instrument::perpetual(ETH), 5)],
        vec![],
    ];
    for (number, book) in books.iter().enumerate() {
        let address = key(60 + number as u8);
        store.apply(address, Some(&stored(&*margin_account(key(9), 100_000, book))), at(2, 1));
    }
    let swept = |store: &mut Store| {
        let view = View::new(store, PriceUse::Liquidation, NOW).expect("a complete market");
        let scope = Scope::Touched(store.take_changed());
        sweep(store, &view, scope, 2).assessed
    };
    assert_eq!(swept(&mut store), 4, "all are new");
    assert_eq!(swept(&mut store), 0, "nothing happened");
    let btc = testing::price(BTC, SPOTS[0] / 100 * 99, NOW);
    store.apply(testing::price_address(BTC), Some(&btc), at(3, 1));
    assert_eq!(swept(&mut store), 2);
    assert_eq!(store.apply(testing::price_address(BTC), Some(&btc), at(4, 1)), Outcome::Unchanged);
    assert_eq!(swept(&mut store), 0);
    let mut eth = testing::underlying(ETH);
    eth.state_mut().perpetual.funding.index = 1;
    store.apply(eth.address, Some(&stored(&*eth)), at(5, 1));
    assert_eq!(swept(&mut store), 2);
    store.apply(key(63), Some(&stored(&*margin_account(key(9), 5, &[]))), at(6, 1));
    assert_eq!(swept(&mut store), 1);
}

#[test]
fn healths_are_what_the_client_computes_for_each_account_alone() {
    let mut store = store();
    let mut addresses = Vec::new();
    for number in 0..40u64 {
        let strike = |step: u64| (70_000 + 1_000 * (number + step)) * USD;
        let book = [
            (call(BTC, strike(0)), 3 - number as i64),
            (call(BTC, strike(9)), 7),
            (Instrument::perpetual(ETH), 11 - 2 * number as i64),
        ];
        let address = key(60 + number as u8);
        addresses.push(address);
        store.apply(address, Some(&stored(&*margin_account(key(9), 2_000, &book))), at(2, 1));
    }
    let view = View::new(&store, PriceUse::Liquidation, NOW).expect("a complete market");
    sweep(&mut store, &view, Scope::All, 2);
    let engine = store.engine().expect("the engine").clone();
    let snapshot = margin_client::margin::Snapshot::new(engine, store.markets.directory().clone(), testing::markets());
    let mut unsafe_ones = 0;
    for address in addresses {
        let entry = store.entry(&address).expect("stored");
        let report = snapshot.report(&entry.account(), PriceUse::Liquidation, NOW).expect("a report");
        let Health::Known(risk) = entry.health else { panic!("{:?}", entry.health) };
        let atoms = |usd: i128| usd.div_euclid(1_000_000);
        assert_eq!(atoms(risk.equity.0), i128::from(report.equity));
        assert_eq!(-atoms(-risk.maintenance_margin.0), i128::from(report.maintenance_margin));
        assert_eq!(entry.health.liquidatable(), report.equity < report.maintenance_margin);
        unsafe_ones += usize::from(entry.health.liquidatable());
    }
    assert!(unsafe_ones > 0 && unsafe_ones < 40, "{unsafe_ones}");
}

#[test]
fn a_market_without_a_price_takes_only_its_own_accounts_out() {
    let mut store = empty_store();
    for (address, account) in testing::markets() {
        if address != testing::price_address(ETH) {
            store.apply(address, Some(&account), at(1, 1));
        }
    }
    let [btc, eth] = [key(60), key(61)];
    for (address, index) in [(btc, BTC), (eth, ETH)] {
        let book = [(Instrument::perpetual(index), 1)];
        store.apply(address, Some(&stored(&*margin_account(key(9), 1_000, &book))), at(2, 1));
    }
    let view = View::new(&store, PriceUse::Liquidation, NOW).expect("a view");
    assert_eq!(view.unusable().len(), 1);
    let swept = sweep(&mut store, &view, Scope::All, 1);
    assert_eq!((swept.assessed, swept.unpriceable), (2, 1));
    assert!(matches!(store.entry(&btc).map(|entry| entry.health), Some(Health::Known(_))));
    assert!(matches!(store.entry(&eth).map(|entry| entry.health), Some(Health::Unpriceable(_))));
}

#[test]
fn an_account_is_kept_bit_for_bit() {
    let (mut store, address) = (store(), key(50));
    let account = margin_account(key(9), -3, &[(call(ETH, 3_000 * USD), -4), (Instrument::perpetual(BTC), 2)]);
    store.apply(address, Some(&stored(&*account)), at(2, 1));
    let kept: Box<MarginAccount> = store.entry(&address).expect("stored").account();
    assert_eq!(bytemuck::bytes_of(&*kept), bytemuck::bytes_of(&*account));
}
