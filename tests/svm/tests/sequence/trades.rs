//! Trades, signed quotes and deferred checks.

use margin_client::instructions::{QuotesCancel, TradeExecute, TradeLeg};
use tests_svm::{Trader, lots_of};

use crate::desk::Desk;

/// What a party may get wrong or demand besides the legs.
fn garnish(desk: &mut Desk, trade: &mut TradeExecute, reduces: [bool; 2]) {
    let args = &mut trade.args;
    match desk.rng.within(0, 39) {
        0 => args.deadline -= 1,
        1 => args.maker_sequence = Some(u64::MAX),
        2 => args.taker_sequence = Some(u64::MAX),
        3 => args.taker_reduce_only = true,
        4 => args.maker_reduce_only = true,
        5..=24 => [args.maker_reduce_only, args.taker_reduce_only] = reduces,
        _ => {}
    }
}

/// Whether every leg brings a position of the account closer to zero; `side` is -1 for the maker.
fn reduces(desk: &Desk, trader: &Trader, legs: &[TradeLeg], side: i64) -> bool {
    let account = desk.world.account(trader);
    legs.iter().all(|leg| {
        let held = lots_of(&account, leg.instrument);
        held.signum() == -side * leg.lots.signum() && leg.lots.abs() <= held.abs()
    })
}

pub fn trade(desk: &mut Desk) {
    let (maker, taker) = desk.pair();
    let legs = desk.legs(&maker, &taker);
    let mut trade = desk.world.trade(&maker, &taker, &legs);
    let reduces = [reduces(desk, &maker, &legs, -1), reduces(desk, &taker, &legs, 1)];
    garnish(desk, &mut trade, reduces);
    let _ = desk.attempt("trade_execute", &[trade.instruction()], &[&maker.key, &taker.key]);
}

/// A quote for anybody or somebody, signed by the maker or a stranger, fresh or used.
pub fn take_quote(desk: &mut Desk) {
    let (maker, taker) = desk.pair();
    let legs = desk.legs(&maker, &taker);
    desk.nonce += desk.rng.within(0, 3).unsigned_abs();
    let mut quote = desk.world.quote_of(&maker, desk.nonce, &legs);
    let mut signer = maker.clone();
    match desk.rng.within(0, 29) {
        0 => quote.taker_account = Some(maker.account),
        1 => quote.taker_account = Some(taker.account),
        2 => quote.deadline -= 61,
        3 => quote.maker_sequence = Some(u64::MAX),
        4 => quote.maker_sequence = Some(desk.world.account(&maker).sequence),
        5 => quote.reduce_only = true,
        6 => signer = taker.clone(),
        _ => {}
    }
    let taking = desk.world.taking(&maker, &taker, &quote, &signer.key);
    let taken = desk.attempt("quote_execute", &taking, &[&taker.key]);
    // Once more what was just accepted.
    if taken.is_ok() && desk.rng.one_in(4) {
        let again = desk.world.taking(&maker, &taker, &quote, &signer.key);
        assert!(desk.attempt("quote_execute", &again, &[&taker.key]).is_err(), "a quote was taken twice");
    }
}

pub fn cancel_quotes(desk: &mut Desk) {
    let (owner, other) = desk.pair();
    let authority = if desk.rng.one_in(6) { &other } else { &owner };
    let floor = desk.nonce + desk.rng.within(0, 2).unsigned_abs();
    let cancel = QuotesCancel { authority: authority.owner(), margin_account: owner.account, floor };
    let _ = desk.attempt("quotes_cancel", &[cancel.instruction()], &[&authority.key]);
}

/// Two trades of the same legs, there and back in part, of which a taker is judged at the end.
pub fn deferred(desk: &mut Desk) {
    let (maker, taker) = desk.pair();
    let legs = desk.legs(&maker, &taker);
    let mut back = legs.clone();
    for leg in &mut back {
        leg.lots = -leg.lots / desk.rng.pick(&[1, 2]);
    }
    back.retain(|leg| leg.lots != 0);
    let first = desk.world.trade(&maker, &taker, &legs);
    // The same markets: the legs lie in the same underlyings.
    let mut second = desk.world.trade(&maker, &taker, &legs);
    second.args.legs = back;
    let mut all = vec![desk.world.begin(&taker), first.instruction(), second.instruction()];
    if !desk.rng.one_in(12) {
        all.push(desk.world.end(&taker, &legs));
    }
    let _ = desk.attempt("checks_begin … checks_end", &all, &[&maker.key, &taker.key]);
}
