use margin_client::state::{Balance, Instrument, MarginAccount, Position};

use crate::{BTC, ETH, FAR, NEAR, Rng, SOL, SOL_TOKEN, call, digital_call, digital_put, future, perpetual, put, specs};

/// Fills an account with a random book: cash of either sign, perhaps SOL, up to 24 positions over up to three
/// underlyings, strikes from deep in the money to far out of it.
pub fn random_book(account: &mut MarginAccount, rng: &mut Rng) {
    account.cash = (i128::from(rng.within(-50_000_000_000, 500_000_000_000)) << 48).to_le_bytes();
    account.positions.fill(Position::default());
    account.position_count = 0;
    account.balances.fill(Balance::default());
    account.balance_count = 0;
    if rng.one_in(2) {
        account.set_balance(SOL_TOKEN, rng.within(1, 2_000_000_000_000) as u64).expect("a free row");
    }
    let underlyings = rng.pick(&[&[BTC][..], &[ETH], &[SOL], &[BTC, ETH], &[BTC, SOL], &[BTC, ETH, SOL]]);
    for _ in 0..rng.within(1, 24) {
        let underlying = rng.pick(underlyings);
        let magnitude = rng.pick(&[1, 10, 1_000, 100_000]);
        let lots = match rng.within(-magnitude, magnitude) {
            0 => 1,
            lots => lots,
        };
        let spot = specs()[usize::from(underlying)].spot / 1_000_000_000_000;
        let strike = spot * rng.within(40, 220).unsigned_abs() / 100;
        let expiry = rng.pick(&[NEAR, FAR]);
        let (instrument, settled_value) = match rng.within(0, 4) {
            0 => (perpetual(underlying), rng.within(-1_000_000_000, 1_000_000_000)),
            1 | 2 => (call(underlying, expiry, strike), 0),
            _ => (put(underlying, expiry, strike), 0),
        };
        account.add_position(instrument, lots, settled_value).expect("a free row");
    }
}

/// [`random_book`] with digital options.
pub fn random_digital_book(account: &mut MarginAccount, rng: &mut Rng) {
    random_book(account, rng);
    add_digitals(account, rng);
}

/// Up to eight digital options whose payouts weigh something beside the other positions; some share a strike with them.
fn add_digitals(account: &mut MarginAccount, rng: &mut Rng) {
    for _ in 0..rng.within(0, 8) {
        let underlying = rng.pick(&[BTC, ETH, SOL]);
        let spot = specs()[usize::from(underlying)].spot / 1_000_000_000_000;
        let strike = spot * rng.within(85, 118).unsigned_abs() / 100;
        let kind = if rng.one_in(2) { digital_call } else { digital_put };
        let magnitude = rng.pick(&[10, 1_000, 1_000_000]);
        let lots = rng.within(1, magnitude) * rng.pick(&[-1, 1]);
        account.add_position(kind(underlying, rng.pick(&[NEAR, FAR]), strike), lots, 0).expect("a free row");
        if rng.one_in(3) {
            account.add_position(call(underlying, NEAR, strike), lots % 100 + 101, 0).expect("a free row");
        }
    }
}

/// Drops all but some of an account's digital options.
pub fn keep_digitals(account: &mut MarginAccount, most: usize) {
    let is_digital = |instrument: &Instrument| instrument.kind.is_digital();
    let digitals: Vec<_> = account.positions().iter().filter_map(|position| position.instrument()).collect();
    for instrument in digitals.into_iter().filter(is_digital).skip(most) {
        let lots = account.position(&instrument).map_or(0, |position| position.lots);
        account.add_position(instrument, -lots, 0).expect("a position that closes");
    }
}

/// [`random_digital_book`] with dated futures.
pub fn random_rich_book(account: &mut MarginAccount, rng: &mut Rng) {
    random_digital_book(account, rng);
    for _ in 0..rng.within(0, 3) {
        let lots = rng.within(1, 500) * rng.pick(&[-1, 1]);
        let instrument = future(rng.pick(&[BTC, ETH, SOL]), rng.pick(&[NEAR, FAR]));
        account.add_position(instrument, lots, rng.within(-1_000_000_000, 1_000_000_000)).expect("a free row");
    }
}
