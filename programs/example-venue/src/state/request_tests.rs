use anchor_lang::Space;

use super::*;
use crate::margin_engine::types::InstrumentKind;

const NOW: i64 = 1_000;

fn request(lots: i64) -> Request {
    Request {
        book: Pubkey::default(),
        taker_account: Pubkey::default(),
        payer: Pubkey::default(),
        id: 0,
        instrument: Instrument { underlying: 0, expiry: 0, strike: 0, kind: InstrumentKind::Perpetual },
        lots,
        limit_price: 100,
        auction_ends_at: NOW + 10,
        expires_at: NOW + 20,
        reduce_only: false,
        bump: 0,
        quotes: Vec::new(),
    }
}

fn quote(maker: u8, price: u64, lots: i64) -> Quote {
    let maker_account = Pubkey::new_from_array([maker; 32]);
    Quote { maker_account, price, lots, expires_at: NOW + 5, reduce_only: false }
}

fn order(request: &Request) -> Vec<u8> {
    request.quotes.iter().map(|quote| quote.maker_account.to_bytes()[0]).collect()
}

#[test]
fn quotes_stand_by_price_then_time() {
    for (lots, prices, expected) in [(5, [98, 97, 98, 99], [2, 1, 3, 4]), (-5, [101, 102, 101, 103], [4, 2, 1, 3])] {
        let mut request = request(lots);
        for (maker, price) in (1..).zip(prices) {
            request.post(quote(maker, price, lots), NOW).unwrap();
        }
        assert_eq!(order(&request), expected);
        // Posted again at the same price, a quote goes behind its equals.
        let first = prices[0];
        request.post(quote(1, first, lots), NOW).unwrap();
        let at = |maker| order(&request).iter().position(|other| *other == maker);
        assert!(at(1) > at(3));
    }
}

#[test]
fn a_full_request_keeps_the_best() {
    let mut request = request(100);
    for maker in 1..=8 {
        request.post(quote(maker, 90, 1), NOW).unwrap();
    }
    assert!(request.post(quote(9, 90, 1), NOW).is_err(), "not better than the last");
    assert_eq!(request.post(quote(9, 89, 1), NOW).unwrap(), 0);
    assert_eq!(order(&request), [9, 1, 2, 3, 4, 5, 6, 7]);
    // Its own place is free for who replaces his quote, and so are those of quotes that have expired.
    assert_eq!(request.post(quote(7, 95, 1), NOW).unwrap(), 7);
    assert_eq!(request.post(Quote { expires_at: NOW + 9, ..quote(10, 99, 1) }, NOW + 5).unwrap(), 0);
    assert_eq!(order(&request), [10]);
}

#[test]
fn the_limit_is_the_takers() {
    for (lots, good, bad) in [(5, 100, 101), (-5, 100, 99)] {
        assert!(request(lots).accepts_price(good));
        assert!(!request(lots).accepts_price(bad));
    }
}

#[test]
fn fills_stop_where_the_request_is_full() {
    for sign in [1, -1] {
        let mut request = request(10 * sign);
        request.quotes =
            vec![quote(1, 90, 4 * sign), quote(2, 90, 4 * sign), quote(3, 90, 4 * sign), quote(4, 90, sign)];
        let fills = request.best_quotes(NOW, |_| true);
        assert_eq!(fills.iter().map(|fill| fill.lots * sign).collect::<Vec<_>>(), [4, 4, 2]);
        request.record(&fills);
        assert_eq!((request.lots, order(&request)), (0, vec![3, 4]));
        assert_eq!(request.quotes[0].lots, 2 * sign);
    }
}

#[test]
fn only_quotes_that_stand_are_filled_and_seven_at_once() {
    let mut request = request(100);
    request.quotes = (1..=8).map(|maker| quote(maker, 90, 1)).collect();
    assert_eq!(request.best_quotes(NOW, |_| true).len(), MAX_FILLS);
    request.quotes[0].expires_at = NOW;
    let fills = request.best_quotes(NOW, |quote| quote.maker_account.to_bytes()[0] != 5);
    assert_eq!(fills.len(), 6);
    assert!(request.best_quotes(NOW + 5, |_| true).is_empty());
}

#[test]
fn a_full_request_fits_its_account() {
    let mut request = request(1);
    request.quotes = vec![quote(1, 1, 1); MAX_QUOTES];
    assert_eq!(borsh_length(&request), Request::INIT_SPACE);
}

fn borsh_length(value: &impl AnchorSerialize) -> usize {
    let mut bytes = Vec::new();
    value.serialize(&mut bytes).unwrap();
    bytes.len()
}
