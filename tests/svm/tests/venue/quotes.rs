//! Quotes: who posts them, on what terms.

use example_venue::{
    error::VenueError as V,
    events::{QuotePosted, QuoteWithdrawn},
    instructions::QuotePostArgs,
};
use margin_client::errors::EngineError as E;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{BTC, FAR, Trader, call, sell, usd};

use crate::desk::{Desk, addresses_of_book, book_open, declared, events, option};

#[test]
fn terms_of_a_quote_fit_the_request() {
    let mut desk = Desk::new();
    let (taker, maker) = (desk.trader(100_000.0), desk.trader(100_000.0));
    let terms = desk.terms(1, 10, 2_500.0);
    let request = desk.request(&taker, terms);
    let now = desk.world.now();
    let good = desk.quote_args(request, 4, 2_500.0);
    let other = declared(call(BTC, FAR, 100_000));
    let cases = [
        (QuotePostArgs { lots: 0, ..good.clone() }, V::QuoteLots),
        (QuotePostArgs { lots: i64::MIN + 1, ..good.clone() }, V::QuoteTerms),
        (QuotePostArgs { lots: -4, ..good.clone() }, V::QuoteTerms),
        (QuotePostArgs { instrument: other, ..good.clone() }, V::QuoteTerms),
        (QuotePostArgs { expires_at: now, ..good.clone() }, V::QuoteExpired),
        (QuotePostArgs { price: usd(2_500.0) + 1, ..good.clone() }, V::QuoteBeyondLimit),
    ];
    for (args, error) in cases {
        let post = desk.quote_post(&maker, request, args);
        desk.refuse(post, &[&maker.key], error);
    }
    let own = desk.quote_post(&taker, request, good.clone());
    desk.refuse(own, &[&taker.key], V::QuoteOwnRequest);
    let post = desk.quote_post(&maker, request, good);
    desk.accept(post, &[&maker.key]);
}

#[test]
fn a_quote_is_its_accounts_own() {
    let mut desk = Desk::new();
    let (taker, maker, other) = (desk.trader(100_000.0), desk.trader(100_000.0), desk.trader(100_000.0));
    let terms = desk.terms(1, 10, 2_500.0);
    let request = desk.request(&taker, terms);
    // In the name of an account that is not his, neither the taker, the operator nor anyone quotes or withdraws.
    let operator = desk.operator.insecure_clone();
    let args = desk.quote_args(request, 4, 2_400.0);
    desk.quote(&maker, request, 4, 2_400.0);
    for signer in [&other.key, &taker.key, &operator] {
        let thief = Trader { key: signer.insecure_clone(), account: maker.account, wallets: Vec::new() };
        let post = desk.quote_post(&thief, request, args.clone());
        desk.refuse(post, &[signer], V::NotOwnerOrDelegate);
        let withdraw = desk.quote_withdraw(&thief, request);
        desk.refuse(withdraw, &[signer], V::NotOwnerOrDelegate);
    }
    let none = desk.quote_withdraw(&other, request);
    desk.refuse(none, &[&other.key], V::QuoteUnknown);
    let withdraw = desk.quote_withdraw(&maker, request);
    let receipt = desk.accept(withdraw, &[&maker.key]);
    let [withdrawn] = events::<QuoteWithdrawn>(&receipt).try_into().expect("one event");
    assert_eq!((withdrawn.quote.maker_account, withdrawn.quote.lots), (maker.account, 4));
    assert!(desk.load(request).quotes.is_empty());

    let delegate = Keypair::new();
    let owner = desk.world.trader_with_delegate(delegate.pubkey());
    desk.world.fund(&owner, tests_svm::USDC, tests_svm::usdc(100_000.0));
    let delegated = Trader { key: delegate, account: owner.account, wallets: Vec::new() };
    desk.quote(&delegated, request, 4, 2_400.0);
}

#[test]
fn a_quote_stands_by_price_then_time_and_replaces_its_makers_last() {
    let mut desk = Desk::new();
    let taker = desk.trader(100_000.0);
    let makers: Vec<Trader> = (0..9).map(|_| desk.trader(10_000.0)).collect();
    let terms = desk.terms(1, 100, 2_500.0);
    let request = desk.request(&taker, terms);
    let place = |desk: &mut Desk, maker: &Trader, price| {
        let receipt = desk.quote(maker, request, 1, price);
        let [posted] = events::<QuotePosted>(&receipt).try_into().expect("one event");
        posted.place
    };
    for (number, maker) in (0..).zip(&makers[..8]) {
        assert_eq!(place(&mut desk, maker, 2_400.0), number);
    }
    let args = desk.quote_args(request, 1, 2_400.0);
    let ninth = desk.quote_post(&makers[8], request, args);
    desk.refuse(ninth, &[&makers[8].key], V::QuotesFull);
    assert_eq!(place(&mut desk, &makers[8], 2_399.0), 0);
    let last = desk.quote_withdraw(&makers[7], request);
    desk.refuse(last, &[&makers[7].key], V::QuoteUnknown);
    assert_eq!(place(&mut desk, &makers[8], 2_401.0), 7);
    assert_eq!(desk.load(request).quotes.len(), 8);
}

#[test]
fn a_quote_has_its_margin_when_it_is_posted() {
    let mut desk = Desk::new();
    let (taker, maker) = (desk.trader(100_000.0), desk.trader(1_000.0));
    let terms = desk.terms(1, 1_000, 2_500.0);
    let request = desk.request(&taker, terms);
    let args = desk.quote_args(request, 1_000, 2_400.0);
    let post = desk.quote_post(&maker, request, args.clone());
    desk.refuse_code(post, &[&maker.key], u32::from(E::HealthBelowMinimum), "HealthBelowMinimum");
    // Who only reduces need not have it.
    let reduces = QuotePostArgs { reduce_only: true, ..args };
    let post = desk.quote_post(&maker, request, reduces);
    desk.accept(post, &[&maker.key]);
    // What the engine says is about its own markets: the account may not leave any out.
    desk.world.fill(&taker, &maker, &[sell(1, tests_svm::perpetual(tests_svm::ETH), 3_240.67)]);
    let args = desk.quote_args(request, 1, 2_400.0);
    let mut post = desk.quote_post(&maker, request, args);
    post.accounts.pop();
    let missing = desk.world.send(&[post], &[&maker.key]).expect_err("a market is missing");
    assert!(missing.code.is_some_and(|code| (6_000..7_000).contains(&code)), "the engine's: {}", missing.cause);
}

#[test]
fn a_quote_names_the_requests_book_and_engine() {
    let mut desk = Desk::new();
    let (taker, maker) = (desk.trader(100_000.0), desk.trader(100_000.0));
    let terms = desk.terms(1, 10, 2_500.0);
    let request = desk.request(&taker, terms);
    let operator = Keypair::new();
    desk.world.svm.airdrop(&operator.pubkey(), 1_000_000_000).expect("an airdrop");
    let engine = desk.world.engine;
    desk.accept(book_open(&engine, &operator.pubkey()), &[&operator]);
    let good = desk.quote_post(&maker, request, desk.quote_args(request, 4, 2_400.0));
    let mut book = good.clone();
    book.accounts[2].pubkey = addresses_of_book(&engine, &operator.pubkey()).0;
    desk.refuse(book, &[&maker.key], V::ForeignBook);
    let mut foreign = good;
    foreign.accounts[4].pubkey = desk.world.another_engine();
    desk.refuse(foreign, &[&maker.key], V::ForeignEngine);
    assert_eq!(crate::desk::engines(desk.load(request).instrument), option());
}
