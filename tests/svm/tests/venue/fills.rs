//! Requests that are filled.

use example_venue::{
    error::VenueError as V,
    events::{QuotePosted, RequestFilled, RequestOpened},
    state::Quote,
};
use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    state::{InstrumentKind, TradingParameters},
};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{AnchorError, BTC, Trader, buy, free_trading, lots_of, put, sell, usdc};

use crate::desk::{Desk, book_open, declared, events, option};

/// A taker and two makers who have quoted 4 lots at 2 400 and 8 at 2 450 on his request for 10.
fn quoted() -> (Desk, Trader, [Trader; 2], Pubkey) {
    let mut desk = Desk::new();
    let taker = desk.trader(100_000.0);
    let makers = [desk.trader(100_000.0), desk.trader(100_000.0)];
    let terms = desk.terms(7, 10, 2_500.0);
    let request = desk.request(&taker, terms);
    desk.quote(&makers[1], request, 8, 2_450.0);
    desk.quote(&makers[0], request, 4, 2_400.0);
    (desk, taker, makers, request)
}

#[test]
fn the_whole_path() {
    let mut desk = Desk::new();
    // 3 bp for takers, 1 bp for makers.
    desk.world.set_trading(BTC, TradingParameters { taker_fee: 300_000, maker_fee: 100_000, ..free_trading() });
    let taker = desk.trader(100_000.0);
    let makers = [desk.trader(100_000.0), desk.trader(100_000.0)];

    let open = desk.request_open(&taker, desk.terms(7, 10, 2_500.0));
    let receipt = desk.accept(open, &[&taker.key]);
    let request = desk.request_address(&taker, 7);
    let [opened] = events::<RequestOpened>(&receipt).try_into().expect("one event");
    assert_eq!((opened.request, opened.taker_account, opened.lots), (request, taker.account, 10));

    desk.quote(&makers[1], request, 8, 2_450.0);
    let receipt = desk.quote(&makers[0], request, 4, 2_400.0);
    let [posted] = events::<QuotePosted>(&receipt).try_into().expect("one event");
    let better = Quote {
        maker_account: makers[0].account,
        price: 2_400_000_000_000_000,
        lots: 4,
        expires_at: desk.world.now() + 30,
        reduce_only: false,
    };
    assert_eq!((posted.quote, posted.place), (better, 0));

    let payer = desk.world.payer.pubkey();
    let rent = |desk: &Desk| desk.world.svm.get_balance(&payer).expect("the payer");
    let before = rent(&desk);
    let fill = desk.fill(taker.owner(), request, &taker, &[&makers[0], &makers[1]]).instruction();
    let receipt = desk.accept(fill, &[&taker.key]);

    // 0.04 BTC at 2 400 and 0.06 at 2 450. Fees on 3 765.1556 and 5 647.7334 USD at the index, each rounded up.
    let cash = |trader: &Trader| desk.world.cash(trader) - usdc(100_000.0) as i64;
    assert_eq!(cash(&taker), -96_000_000 - 147_000_000 - 1_129_547 - 1_694_321);
    assert_eq!(cash(&makers[0]), 96_000_000 - 376_516);
    assert_eq!(cash(&makers[1]), 147_000_000 - 564_774);
    for (trader, lots) in [(&taker, 10), (&makers[0], -4), (&makers[1], -6)] {
        let account = desk.world.account(trader);
        assert_eq!((lots_of(&account, option()), account.sequence), (lots, 1), "checked once");
    }

    let engine_events = receipt.events();
    let [EngineEvent::FillsSettled(settled)] = engine_events.as_slice() else { panic!("one event of the engine") };
    let parties: Vec<Pubkey> = settled.accounts.iter().map(|change| change.account).collect();
    assert_eq!(parties, [taker.account, makers[0].account, makers[1].account]);
    assert_eq!(settled.legs.iter().map(|leg| leg.lots).collect::<Vec<_>>(), [4, 6]);
    let [filled] = events::<RequestFilled>(&receipt).try_into().expect("one event of the venue");
    let fills: Vec<_> = filled.fills.iter().map(|fill| (fill.maker_account, fill.lots, fill.price)).collect();
    assert_eq!(fills, [(makers[0].account, 4, 2_400_000_000_000_000), (makers[1].account, 6, 2_450_000_000_000_000)]);
    assert_eq!((filled.request, filled.lots_before, filled.lots_after), (request, 10, 0));

    // Filled means closed: the rent is back, and nothing can run twice.
    assert!(!desk.is_open(request) && rent(&desk) > before);
}

#[test]
fn a_fill_runs_once() {
    let (mut desk, taker, makers, request) = quoted();
    let fill = desk.fill(taker.owner(), request, &taker, &[&makers[0], &makers[1]]).instruction();
    let quote = desk.quote_post(&makers[0], request, desk.quote_args(request, 4, 2_400.0));
    desk.accept(fill.clone(), &[&taker.key]);
    for (instruction, key) in [(&fill, &taker.key), (&quote, &makers[0].key)] {
        desk.world.refuse_anchor(instruction.clone(), &[key], AnchorError::AccountNotInitialized);
    }
    // Nor does an old quote fit another request that the taker opens at the address.
    let terms = desk.terms(7, -10, 2_300.0);
    desk.request(&taker, terms);
    desk.refuse(quote.clone(), &[&makers[0].key], V::QuoteTerms);
    let cancel = desk.request_cancel(taker.owner(), Some(taker.account), request);
    desk.accept(cancel, &[&taker.key]);
    let mut terms = desk.terms(7, 10, 2_500.0);
    terms.instrument = declared(put(BTC, option().expiry, 100_000));
    desk.request(&taker, terms);
    desk.refuse(quote, &[&makers[0].key], V::QuoteTerms);
}

#[test]
fn a_request_is_filled_in_parts() {
    let mut desk = Desk::new();
    let taker = desk.trader(100_000.0);
    let makers = [desk.trader(100_000.0), desk.trader(100_000.0)];
    // He sells: the highest bid is the best.
    let terms = desk.terms(1, -10, 2_300.0);
    let request = desk.request(&taker, terms);
    desk.quote(&makers[0], request, -3, 2_350.0);
    desk.quote(&makers[1], request, -4, 2_360.0);
    let fill = desk.fill(taker.owner(), request, &taker, &[&makers[1], &makers[0]]).instruction();
    let receipt = desk.accept(fill, &[&taker.key]);
    let [filled] = events::<RequestFilled>(&receipt).try_into().expect("one event");
    assert_eq!((filled.lots_before, filled.lots_after), (-10, -3));
    assert_eq!((desk.load(request).lots, desk.load(request).quotes.len()), (-3, 0));

    // The rest, of a quote that is larger than it.
    desk.quote(&makers[0], request, -30, 2_340.0);
    let fill = desk.fill(taker.owner(), request, &taker, &[&makers[0]]).instruction();
    desk.accept(fill, &[&taker.key]);
    assert!(!desk.is_open(request));
    for (trader, lots) in [(&taker, -10), (&makers[0], 6), (&makers[1], 4)] {
        assert_eq!(lots_of(&desk.world.account(trader), option()), lots);
    }
}

#[test]
fn after_the_auction_anyone_fills_at_the_best_prices() {
    let (mut desk, taker, makers, request) = quoted();
    let passer = desk.world.funded(1.0);
    let fill = |desk: &Desk, makers: &[&Trader]| desk.fill(passer.owner(), request, &taker, makers).instruction();
    let best = fill(&desk, &[&makers[0], &makers[1]]);
    desk.refuse(best, &[&passer.key], V::AuctionRunning);

    for maker in &makers {
        // Those of the auction live for half a minute.
        desk.world.advance(28);
        let (lots, price) = if maker.account == makers[0].account { (4, 2_400.0) } else { (8, 2_450.0) };
        desk.quote(maker, request, lots, price);
    }
    desk.world.advance(3);
    let best = fill(&desk, &[&makers[0], &makers[1]]);
    desk.refuse(best, &[&passer.key], V::AuctionRunning);
    desk.world.advance(1);
    // The first quote has expired; the second fills what it can, and nobody leaves out a better one.
    let wrong = fill(&desk, &[&makers[0]]);
    desk.refuse(wrong, &[&passer.key], V::MakerAccounts);
    desk.quote(&makers[0], request, 4, 2_400.0);
    for wrong in [&[&makers[1]][..], &[&makers[0]], &[&makers[1], &makers[0]], &[]] {
        let wrong = fill(&desk, wrong);
        desk.refuse(wrong, &[&passer.key], V::MakerAccounts);
    }
    desk.world.refresh_prices();
    let best = fill(&desk, &[&makers[0], &makers[1]]);
    desk.accept(best, &[&passer.key]);
    assert_eq!(lots_of(&desk.world.account(&taker), option()), 10);
}

#[test]
fn the_taker_may_pass_over_a_quote() {
    let (mut desk, taker, makers, request) = quoted();
    let fill = desk.fill(taker.owner(), request, &taker, &[&makers[1]]).instruction();
    desk.accept(fill, &[&taker.key]);
    assert_eq!((desk.load(request).lots, desk.load(request).quotes.len()), (2, 1));
    let order = desk.fill(taker.owner(), request, &taker, &[&makers[1], &makers[0]]).instruction();
    desk.refuse(order, &[&taker.key], V::MakerAccounts);
    let nobody = desk.fill(taker.owner(), request, &taker, &[]).instruction();
    desk.refuse(nobody, &[&taker.key], V::NothingToFill);
}

#[test]
fn quotes_that_have_expired_are_skipped() {
    let (mut desk, taker, makers, request) = quoted();
    desk.world.advance(20);
    desk.quote(&makers[1], request, 8, 2_460.0);
    desk.world.advance(10);
    let both = desk.fill(taker.owner(), request, &taker, &[&makers[0], &makers[1]]).instruction();
    desk.refuse(both, &[&taker.key], V::MakerAccounts);
    let fill = desk.fill(taker.owner(), request, &taker, &[&makers[1]]).instruction();
    desk.accept(fill, &[&taker.key]);
    assert_eq!(desk.load(request).lots, 2);
    let expired = desk.fill(taker.owner(), request, &taker, &[&makers[0]]).instruction();
    desk.refuse(expired, &[&taker.key], V::NothingToFill);
    // Until its last second the request itself stands.
    desk.world.set_time(desk.load(request).expires_at - 1);
    desk.world.refresh_prices();
    desk.quote(&makers[0], request, 1, 2_400.0);
    desk.world.advance(1);
    let late = desk.fill(taker.owner(), request, &taker, &[&makers[0]]).instruction();
    desk.refuse(late, &[&taker.key], V::RequestExpired);
}

#[test]
fn one_maker_without_margin_refuses_the_whole_fill() {
    let (mut desk, taker, makers, request) = quoted();
    // What he had when he quoted he sells away.
    let other = desk.world.funded(10_000_000.0);
    let mut lots = 1 << 12;
    while lots > 0 {
        let trade = desk.world.trade(&other, &makers[0], &[sell(lots, option(), 2_400.0)]);
        if desk.world.send(&[trade.instruction()], &[&other.key, &makers[0].key]).is_err() {
            lots /= 2;
        }
    }
    let both = desk.fill(taker.owner(), request, &taker, &[&makers[0], &makers[1]]).instruction();
    desk.refuse_code(both, &[&taker.key], u32::from(E::BelowInitialMargin), "BelowInitialMargin");
    // Without him the other quote is as good as before.
    let fill = desk.fill(taker.owner(), request, &taker, &[&makers[1]]).instruction();
    desk.accept(fill, &[&taker.key]);
    assert_eq!(lots_of(&desk.world.account(&taker), option()), 8);
}

#[test]
fn the_takers_margin_counts_too() {
    let mut desk = Desk::new();
    let taker = desk.trader(10.0);
    let maker = desk.trader(100_000.0);
    let terms = desk.terms(1, -100, 2_000.0);
    let request = desk.request(&taker, terms);
    desk.quote(&maker, request, -100, 2_000.0);
    let fill = desk.fill(taker.owner(), request, &taker, &[&maker]).instruction();
    desk.refuse_code(fill, &[&taker.key], u32::from(E::BelowInitialMargin), "BelowInitialMargin");
}

#[test]
fn a_price_off_the_market_refuses_the_whole_fill() {
    let (mut desk, taker, makers, request) = quoted();
    let band = TradingParameters { band_mark: 1, band_index: 0, ..free_trading() };
    desk.world.set_trading(BTC, band);
    let fill = desk.fill(taker.owner(), request, &taker, &[&makers[0], &makers[1]]).instruction();
    desk.refuse_code(fill, &[&taker.key], u32::from(E::PriceBand), "PriceBand");
    // Nor is such a price quoted.
    let args = desk.quote_args(request, 4, 2_400.0);
    let post = desk.quote_post(&makers[0], request, args);
    desk.refuse_code(post, &[&makers[0].key], u32::from(E::PriceBand), "PriceBand");
}

#[test]
fn reduce_only_sides_reduce() {
    let mut desk = Desk::new();
    let (taker, maker) = (desk.trader(100_000.0), desk.trader(100_000.0));
    let mut terms = desk.terms(1, 10, 2_500.0);
    terms.reduce_only = true;
    let request = desk.request(&taker, terms);
    desk.quote(&maker, request, 10, 2_400.0);
    let fill = |desk: &Desk| desk.fill(taker.owner(), request, &taker, &[&maker]).instruction();
    let opens = fill(&desk);
    desk.refuse_code(opens, &[&taker.key], u32::from(E::ReduceOnly), "ReduceOnly");
    // Short, he may buy back; the maker who is long may sell.
    desk.world.fill(&maker, &taker, &[sell(10, option(), 2_400.0)]);
    let mut args = desk.quote_args(request, 10, 2_400.0);
    args.reduce_only = true;
    let post = desk.quote_post(&maker, request, args);
    desk.accept(post, &[&maker.key]);
    let closes = fill(&desk);
    desk.accept(closes, &[&taker.key]);
    assert!(desk.world.account(&taker).positions().is_empty());
    // Another sells what he does not have.
    desk.world.fill(&taker, &maker, &[buy(1, option(), 2_400.0)]);
    let terms = desk.terms(2, -10, 2_300.0);
    let request = desk.request(&taker, terms);
    let mut args = desk.quote_args(request, -10, 2_400.0);
    args.reduce_only = true;
    let post = desk.quote_post(&maker, request, args);
    desk.accept(post, &[&maker.key]);
    let fill = desk.fill(taker.owner(), request, &taker, &[&maker]).instruction();
    desk.refuse_code(fill, &[&taker.key], u32::from(E::ReduceOnly), "ReduceOnly");
}

#[test]
fn perpetuals_trade_as_well() {
    let mut desk = Desk::new();
    let (taker, maker) = (desk.trader(100_000.0), desk.trader(100_000.0));
    let perpetual = tests_svm::perpetual(BTC);
    let mut terms = desk.terms(1, 5, 94_200.0);
    terms.instrument = declared(perpetual);
    let request = desk.request(&taker, terms);
    desk.quote(&maker, request, 5, 94_128.89);
    let fill = desk.fill(taker.owner(), request, &taker, &[&maker]).instruction();
    desk.accept(fill, &[&taker.key]);
    assert_eq!(perpetual.kind, InstrumentKind::Perpetual);
    assert_eq!(lots_of(&desk.world.account(&maker), perpetual), -5);
}

#[test]
fn every_account_of_a_fill_is_the_requests() {
    let (mut desk, taker, makers, request) = quoted();
    let stranger = desk.trader(100_000.0);
    let other_operator = solana_keypair::Keypair::new();
    desk.world.svm.airdrop(&other_operator.pubkey(), 1_000_000_000).expect("an airdrop");
    let engine = desk.world.engine;
    desk.accept(book_open(&engine, &other_operator.pubkey()), &[&other_operator]);
    let (other_book, other_authority) = crate::desk::addresses_of_book(&engine, &other_operator.pubkey());
    let other_engine = desk.world.another_engine();

    let good = desk.fill(taker.owner(), request, &taker, &[&makers[0], &makers[1]]);
    let mut refuse = |spoil: &dyn Fn(&mut crate::desk::Fill), error| {
        let mut bad = good.clone();
        spoil(&mut bad);
        desk.refuse(bad.instruction(), &[&taker.key], error);
    };
    refuse(&|fill| fill.accounts.book = other_book, V::ForeignBook);
    refuse(&|fill| fill.accounts.rent_recipient = taker.owner(), V::RentRecipient);
    refuse(&|fill| fill.accounts.taker_account = stranger.account, V::NotTakerAccount);
    refuse(&|fill| fill.accounts.authority = other_authority, V::NotAuthority);
    refuse(&|fill| fill.accounts.engine = other_engine, V::ForeignEngine);
    refuse(&|fill| fill.makers[0] = stranger.account, V::MakerAccounts);
    refuse(&|fill| fill.makers.push(stranger.account), V::MakerAccounts);
    let mut venue = good.clone();
    venue.accounts.venue = margin_client::addresses::venue(&other_engine, &tests_svm::twin_venue());
    desk.refuse_code(venue.instruction(), &[&taker.key], u32::from(E::NotVenueAuthority), "NotVenueAuthority");
    let mut program = good.clone();
    program.accounts.engine_program = example_venue::ID;
    desk.world.refuse_anchor(program.instruction(), &[&taker.key], AnchorError::InvalidProgramId);
    // More makers than accounts.
    let mut short = good.instruction();
    short.accounts.truncate(12);
    desk.refuse(short, &[&taker.key], V::MakerAccounts);
}
