//! Requests: who opens and closes them.

use example_venue::{error::VenueError as V, events::RequestCancelled};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{AnchorError, Trader};

use crate::desk::{Desk, events};

#[test]
fn terms_of_a_request_make_sense() {
    let mut desk = Desk::new();
    let taker = desk.trader(1_000.0);
    let now = desk.world.now();
    let good = desk.terms(1, 10, 2_500.0);
    for lots in [0, i64::MIN] {
        let mut args = good.clone();
        args.lots = lots;
        let open = desk.request_open(&taker, args);
        desk.refuse(open, &[&taker.key], V::RequestLots);
    }
    for (auction_ends_at, expires_at) in [(now, now + 60), (now - 1, now + 60), (now + 61, now + 60)] {
        let mut args = good.clone();
        (args.auction_ends_at, args.expires_at) = (auction_ends_at, expires_at);
        let open = desk.request_open(&taker, args);
        desk.refuse(open, &[&taker.key], V::RequestTimes);
    }
    let open = desk.request_open(&taker, good);
    desk.accept(open.clone(), &[&taker.key]);
    let again = desk.world.send(&[open], &[&taker.key]).expect_err("one request at an address");
    assert_eq!(again.code, Some(0), "the system program's: already in use");
}

#[test]
fn a_request_is_its_accounts_own() {
    let mut desk = Desk::new();
    let (taker, other) = (desk.trader(1_000.0), desk.trader(1_000.0));
    let stranger = Trader { key: other.key.insecure_clone(), account: taker.account, wallets: Vec::new() };
    let open = desk.request_open(&stranger, desk.terms(1, 10, 2_500.0));
    desk.refuse(open, &[&other.key], V::NotOwnerOrDelegate);

    let delegate = Keypair::new();
    let owner = desk.world.trader_with_delegate(delegate.pubkey());
    let delegated = Trader { key: delegate.insecure_clone(), account: owner.account, wallets: Vec::new() };
    let terms = desk.terms(1, 10, 2_500.0);
    let request = desk.request(&delegated, terms);
    assert_eq!(desk.load(request).taker_account, owner.account);
    // Nobody's delegate is the default address, which signs nothing; the owner himself may take the request back.
    let cancel = desk.request_cancel(owner.owner(), Some(owner.account), request);
    desk.accept(cancel, &[&owner.key]);

    // An account of another engine has no place in the book.
    let foreign_engine = desk.world.another_engine();
    let foreign = margin_client::addresses::margin_account(&foreign_engine, &taker.owner(), 0);
    let open = margin_client::instructions::AccountOpen {
        owner: taker.owner(),
        payer: desk.world.payer.pubkey(),
        engine: foreign_engine,
        args: margin_client::instructions::AccountOpenArgs {
            index: 0,
            delegate: solana_pubkey::Pubkey::default(),
            mode: margin_client::state::AccountMode::Portfolio,
        },
    };
    desk.accept(open.instruction(), &[&taker.key]);
    let foreigner = Trader { key: taker.key.insecure_clone(), account: foreign, wallets: Vec::new() };
    let open = desk.request_open(&foreigner, desk.terms(1, 10, 2_500.0));
    desk.refuse(open, &[&taker.key], V::ForeignEngine);
}

#[test]
fn a_request_is_cancelled_by_its_taker() {
    let mut desk = Desk::new();
    let (taker, maker) = (desk.trader(1_000.0), desk.trader(100_000.0));
    let terms = desk.terms(1, 10, 2_500.0);
    let request = desk.request(&taker, terms);
    desk.quote(&maker, request, 4, 2_400.0);
    let operator = desk.operator.insecure_clone();
    for other in [&maker.key, &operator] {
        let cancel = desk.request_cancel(other.pubkey(), Some(taker.account), request);
        desk.refuse(cancel, &[other], V::NotOwnerOrDelegate);
    }
    for account in [None, Some(maker.account)] {
        let cancel = desk.request_cancel(taker.owner(), account, request);
        desk.refuse(cancel, &[&taker.key], V::NotTakerAccount);
    }
    let good = desk.request_cancel(taker.owner(), Some(taker.account), request);
    let mut thief = good.clone();
    thief.accounts[3].pubkey = taker.owner();
    desk.refuse(thief, &[&taker.key], V::RentRecipient);

    let fill = desk.fill(taker.owner(), request, &taker, &[&maker]).instruction();
    let receipt = desk.accept(good, &[&taker.key]);
    let [cancelled] = events::<RequestCancelled>(&receipt).try_into().expect("one event");
    assert_eq!((cancelled.request, cancelled.taker_account, cancelled.lots), (request, taker.account, 10));
    assert!(!desk.is_open(request));
    desk.world.refuse_anchor(fill, &[&taker.key], AnchorError::AccountNotInitialized);
}

#[test]
fn an_expired_request_is_swept_up_by_anyone() {
    let mut desk = Desk::new();
    let (taker, maker) = (desk.world.trader(), desk.trader(100_000.0));
    let terms = desk.terms(1, 10, 2_500.0);
    let request = desk.request(&taker, terms);
    let quote = desk.quote_post(&maker, request, desk.quote_args(request, 4, 2_400.0));
    // Even where the taker's account is gone.
    let close = desk.world.closing(&taker);
    desk.accept(close.instruction(), &[&taker.key]);
    desk.world.set_time(desk.load(request).expires_at - 1);
    let cancel = desk.request_cancel(maker.owner(), None, request);
    desk.refuse(cancel.clone(), &[&maker.key], V::NotTakerAccount);
    desk.world.advance(1);
    desk.refuse(quote, &[&maker.key], V::RequestExpired);
    desk.accept(cancel, &[&maker.key]);
    assert!(!desk.is_open(request));
}
