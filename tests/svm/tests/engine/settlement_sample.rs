//! Which prices make a settlement average, and what happens when the oracle stays away.

use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    instructions::UnderlyingAdd,
    pyth::{FeedId, PriceUpdate, feeds},
    state::TradingParameters,
};
use margin_core::Price;
use solana_signer::Signer;
use tests_svm::{BTC, NEAR, Trader, World, buy, call, free_trading, future, oracle, put, specs, usd, usdc};

const WINDOW: i64 = 1_800;
const BTC_USD: FeedId = feeds::BTC_USD;

/// Posts a price that was published at `time`, whatever the clock says.
fn post(world: &mut World, time: i64, price: f64) {
    let price = usd(price);
    world.post(&BTC_USD, &PriceUpdate::new(BTC_USD, Price(price), Price(price / 1_000), time));
}

#[track_caller]
fn accept(world: &mut World) -> EngineEvent {
    let sample = world.sample(BTC, NEAR);
    world.accept(sample.instruction(), &[]).events().remove(0)
}

#[track_caller]
fn refuse(world: &mut World, error: E) {
    let sample = world.sample(BTC, NEAR);
    world.refuse(sample.instruction(), &[], error);
}

/// A pair with one bought call, so that something is open.
fn open_series() -> (World, Trader, Trader) {
    let mut world = World::new();
    let (maker, taker) = (world.funded(200_000.0), world.funded(50_000.0));
    world.fill(&maker, &taker, &[buy(10, call(BTC, NEAR, 90_000), 5_000.0)]);
    (world, maker, taker)
}

#[test]
fn samples_add_up_to_their_mean() {
    let mut world = World::new();
    for (minute, (price, average)) in
        [(95_000.0, 95_000.0), (95_001.0, 95_000.5), (95_000.000_001, 95_000.333_333)].into_iter().enumerate()
    {
        let before = world.slot(BTC, NEAR).expect("listed").observed_average;
        let time = NEAR - WINDOW + 60 * minute as i64;
        let events = world.sample_at(BTC, NEAR, time, usd(price)).events();
        let [EngineEvent::SettlementSampled(event)] = events.as_slice() else { panic!("one sample") };
        assert_eq!((event.expiry, event.price, event.published_at), (NEAR, usd(price), time));
        assert_eq!((event.samples, event.missing), (minute as u32 + 1, 19 - minute as u32));
        assert_eq!((event.average_before, event.average_after / 1_000_000), (before, usd(average) / 1_000_000));
        let slot = world.slot(BTC, NEAR).expect("listed");
        assert_eq!((slot.observed_average, slot.sampled_at), (event.average_after, time));
    }
    // A third of 285 001.000001 USD, to nearest.
    assert_eq!(world.slot(BTC, NEAR).expect("listed").observed_average, 95_000_333_333_666_667);
}

#[test]
fn nothing_counts_before_the_window() {
    let mut world = World::new();
    world.set_time(NEAR - WINDOW - 1);
    world.refresh_prices();
    refuse(&mut world, E::SampleTooEarly);
    // The window has begun, the price has not.
    world.set_time(NEAR - WINDOW + 30);
    post(&mut world, NEAR - WINDOW - 1, 95_000.0);
    refuse(&mut world, E::SamplePriceTime);
    post(&mut world, NEAR - WINDOW, 95_000.0);
    accept(&mut world);
}

#[test]
fn a_price_counts_once() {
    let mut world = World::new();
    let start = NEAR - WINDOW;
    world.sample_at(BTC, NEAR, start, usd(95_000.0));
    // The same price, at once and as late as the oracle policy lets it pass.
    refuse(&mut world, E::SampleSpacing);
    world.set_time(start + 60);
    refuse(&mut world, E::SampleSpacing);
    // A newer price that is not far enough from the last, an older one, and the first that is far enough.
    post(&mut world, start + 59, 95_000.0);
    refuse(&mut world, E::SampleSpacing);
    world.set_time(start + 59);
    post(&mut world, start - 1, 99_000.0);
    refuse(&mut world, E::SamplePriceTime);
    world.set_time(start + 61);
    post(&mut world, start + 60, 95_000.0);
    accept(&mut world);
    // An older update again, posted after the newer one.
    world.set_time(start + 119);
    post(&mut world, start + 59, 99_000.0);
    refuse(&mut world, E::SampleSpacing);
}

#[test]
fn the_oracle_policy_holds() {
    let mut world = World::new();
    world.set_time(NEAR - 600);
    post(&mut world, NEAR - 600 - 61, 95_000.0);
    refuse(&mut world, E::OracleStale);
    let wide = PriceUpdate::new(BTC_USD, Price(usd(95_000.0)), Price(usd(951.0)), NEAR - 600);
    world.post(&BTC_USD, &wide);
    refuse(&mut world, E::OracleConfidence);
    let foreign = world.price_account(&feeds::ETH_USD);
    let mut sample = world.sample(BTC, NEAR);
    sample.price = foreign;
    world.refuse(sample.instruction(), &[], E::OracleFeed);
    let mut unlisted = world.sample(BTC, NEAR);
    unlisted.expiry = NEAR + 1;
    world.refuse(unlisted.instruction(), &[], E::ExpiryUnknown);
    unlisted.expiry = 0;
    world.refuse(unlisted.instruction(), &[], E::ExpiryUnknown);
}

#[test]
fn beyond_the_expiry_only_missing_samples_are_taken() {
    let (mut world, ..) = open_series();
    world.sample_window(BTC, NEAR, [usd(95_000.0); 20]);
    refuse(&mut world, E::SettlementCovered);
    world.advance(3_600);
    world.refresh_prices();
    refuse(&mut world, E::SettlementCovered);
    let finalise = world.finalise(BTC, NEAR);
    world.accept(finalise.instruction(), &[]);
    refuse(&mut world, E::SettlementFinal);
}

#[test]
fn an_outage_inside_the_window_ends_with_the_first_prices_after_it() {
    let (mut world, maker, taker) = open_series();
    // Ten samples, then nothing for two hours.
    world.sample_window(BTC, NEAR, [usd(95_000.0); 10]);
    world.set_time(NEAR + 7_200);
    refuse(&mut world, E::OracleStale);
    let finalise = world.finalise(BTC, NEAR);
    world.refuse(finalise.instruction(), &[], E::SettlementUncovered);
    let settle = world.settle(BTC, NEAR, &maker, &[&taker]).instruction();
    world.refuse(settle.clone(), &[], E::SettlementNotFinal);

    for minute in 0..10 {
        let events = world.sample_at(BTC, NEAR, NEAR + 7_200 + 60 * minute, usd(97_000.0)).events();
        let [EngineEvent::SettlementSampled(event)] = events.as_slice() else { panic!("one sample") };
        assert_eq!(event.missing, 9 - minute as u32);
        // Spacing holds after the expiry too.
        refuse(&mut world, if minute < 9 { E::SampleSpacing } else { E::SettlementCovered });
    }
    world.accept(finalise.instruction(), &[]);
    assert_eq!(world.slot(BTC, NEAR).expect("listed").observed_average, usd(96_000.0));
    // 0.1 BTC of a call at 90 000.
    let before = world.cash(&taker);
    world.accept(settle, &[]);
    assert_eq!(world.cash(&taker) - before, usdc(600.0) as i64);
}

/// While samples are missing after the expiry, the margin counts their share at spot: it still moves.
#[test]
fn what_an_outage_left_open_moves_with_spot() {
    let mut world = World::new();
    let (maker, taker) = (world.funded(200_000.0), world.funded(50_000.0));
    world.fill(&maker, &taker, &[buy(100, future(BTC, NEAR), 94_500.0)]);
    world.sample_window(BTC, NEAR, [usd(95_000.0); 5]);
    world.set_price(&BTC_USD, usd(99_000.0));
    let settled = world.account(&taker).positions()[0].settled_value;
    let value = |world: &mut World| world.report(&taker).positions_value + settled;
    // A quarter of the twenty samples is there: 95 000 / 4 + 99 000 · 3 / 4.
    assert_eq!(value(&mut world), usdc(98_000.0) as i64);
    world.set_price(&BTC_USD, usd(95_000.0));
    assert_eq!(value(&mut world), usdc(95_000.0) as i64);
    let scan = |world: &mut World| world.report(&taker).underlyings[0].portfolio().expect("portfolio").scan_risk;
    // The grid's edge of 18 % on three quarters of it.
    assert!((scan(&mut world) - usdc(95_000.0 * 0.75 * 0.18) as i64).abs() <= 2);
    for minute in 0..15 {
        world.sample_at(BTC, NEAR, NEAR + 60 + 60 * minute, usd(97_000.0));
    }
    world.set_price(&BTC_USD, usd(80_000.0));
    assert_eq!(value(&mut world), usdc(96_500.0) as i64);
    assert_eq!(scan(&mut world), 0, "nothing moves any more");
}

/// A BTC underlying without settlement window next to the default one's.
fn without_window(world: &mut World) -> u16 {
    let [mut btc, ..] = specs();
    btc.index = 3;
    let admin = world.admin.insecure_clone();
    let mut add: UnderlyingAdd = world.underlying_listing(&btc);
    add.args.settlement_window = 0;
    add.args.oracle = oracle(btc.feed);
    world.accept(add.instruction(), &[&admin]);
    let terms = TradingParameters { sample_spacing: 0, sample_count: 5, ..free_trading() };
    world.set_trading(3, terms);
    let list = world.expiry_listing(3, NEAR);
    world.accept(list.instruction(), &[&admin]);
    3
}

#[test]
fn without_a_window_the_first_price_after_the_expiry_counts() {
    let mut world = World::new();
    let underlying = without_window(&mut world);
    let price = world.price_account(&BTC_USD);
    let mut sample = world.sample(BTC, NEAR);
    sample.price = price;
    sample.underlying = margin_client::addresses::underlying(&world.engine, underlying);
    world.set_time(NEAR - 1);
    post(&mut world, NEAR - 1, 95_000.0);
    world.refuse(sample.instruction(), &[], E::SampleTooEarly);
    world.set_time(NEAR);
    world.refuse(sample.instruction(), &[], E::SamplePriceTime);
    post(&mut world, NEAR, 96_000.0);
    world.accept(sample.instruction(), &[]);
    assert_eq!(world.slot(underlying, NEAR).expect("listed").observed_average, usd(96_000.0));
    // One is enough, whatever the parameters say.
    world.set_time(NEAR + 10);
    post(&mut world, NEAR + 10, 97_000.0);
    world.refuse(sample.instruction(), &[], E::SettlementCovered);
}

#[test]
fn an_expired_series_does_not_trade() {
    let (mut world, maker, taker) = open_series();
    world.set_time(NEAR);
    world.refresh();
    for leg in [buy(1, call(BTC, NEAR, 90_000), 5_000.0), buy(-1, put(BTC, NEAR, 90_000), 10.0)] {
        let trade = world.trade(&maker, &taker, std::slice::from_ref(&leg));
        world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::SeriesExpired);
        let args = margin_client::instructions::MarginQuoteArgs {
            legs: vec![leg.clone()],
            transfers: Vec::new(),
            check: Default::default(),
        };
        let quote = world.margin_quote(&taker, args);
        world.refuse(quote.instruction(), &[], E::SeriesExpired);
        let (venue, limits) = (world.venue(), world.wide_limits());
        let authority = venue.pubkey();
        for trader in [&maker, &taker] {
            world.approve(trader, authority, limits);
        }
        let fills = world.settlement(authority, &[&maker, &taker], &[(1, 0, leg)]);
        world.refuse(fills.instruction(), &[&venue], E::SeriesExpired);
    }
}
