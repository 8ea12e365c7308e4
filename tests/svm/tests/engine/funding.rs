//! Funding of perpetuals.

use margin_client::{errors::EngineError as E, events::EngineEvent, state::TradingParameters};
use tests_svm::{BTC, SOL, Trader, World, buy, free_trading, perpetual, sell, specs, usd, usdc};

use crate::{
    liquidation::{sink, start},
    trade::pair,
};

fn terms() -> TradingParameters {
    TradingParameters {
        funding_period: 28_800,
        funding_cap: 5_000_000,
        funding_gap: 3_600,
        premium_depth: 1_000_000_000,
        ..free_trading()
    }
}

#[track_caller]
fn update(world: &mut World, underlying: u16) {
    let update = world.funding_update(underlying);
    world.accept(update.instruction(), &[]);
}

/// Hours of funding, with prices kept fresh.
fn pass(world: &mut World, underlying: u16, hours: i64) {
    for _ in 0..hours {
        world.advance(3_600);
        world.refresh_prices();
        update(world, underlying);
    }
}

/// A taker long 1 000 SOL from 137.274, which is 0.2 % above the index.
fn premium() -> (World, Trader, Trader) {
    let (mut world, maker, taker) = pair();
    world.set_trading(SOL, terms());
    world.fill(&maker, &taker, &[buy(1_000, perpetual(SOL), 137.274)]);
    (world, maker, taker)
}

#[test]
fn longs_pay_shorts_the_premium_of_fills_once_in_a_period() {
    let (mut world, maker, taker) = premium();
    let funding = world.underlying(SOL).perpetual.funding;
    // 0.2 % weighed 137 000 USD against a depth of 1 000 USD.
    assert_eq!(funding.premium, 2_000_000 * 137_000 / 138_000);
    let (long, short) = (world.report(&taker).equity, world.report(&maker).equity);
    pass(&mut world, SOL, 8);
    let index = world.underlying(SOL).perpetual.funding.index;
    // Eight parts, each rounded down.
    let paid = i128::from(funding.premium) * i128::from(usd(137.0)) / 1_000_000_000;
    assert!((i128::from(index) - paid).abs() <= 8, "{index} against {paid}");
    // 0.1985 % of 137 000 USD: 271.97 from the long to the short, at once in their margin and not yet in their cash.
    let owed = (paid * 1_000 / 1_000_000) as i64;
    assert!((long - world.report(&taker).equity - owed).abs() <= 1);
    assert!((world.report(&maker).equity - short - owed).abs() <= 1);
    assert_eq!(world.cash(&taker), usdc(100_000.0 - 274.0) as i64);

    // The next trade settles it; afterwards the long owes nothing more, and the equity is what it was.
    world.refresh();
    let before = world.report(&taker).equity;
    let receipt = world.fill(&maker, &taker, &[sell(1, perpetual(SOL), 137.0)]);
    let Some(EngineEvent::TradeExecuted(trade)) = receipt.events().pop() else { panic!("a trade") };
    assert!((trade.taker.funding - owed).abs() <= 1 && (trade.maker.funding + owed).abs() <= 1);
    assert!(trade.taker.funding + trade.maker.funding >= 0, "nobody receives what nobody paid");
    assert_eq!(world.report(&taker).equity, before);
    assert_eq!(world.account(&taker).position(&perpetual(SOL)).expect("a position").funding_index, index);
}

#[test]
fn funding_reverses_below_the_index_and_is_clamped() {
    let (mut world, maker, taker) = pair();
    world.set_trading(SOL, terms());
    // A tenth below the index counts half a percent; the depth takes 1/138 of it.
    world.fill(&maker, &taker, &[buy(1_000, perpetual(SOL), 123.3)]);
    let funding = world.underlying(SOL).perpetual.funding;
    assert_eq!(funding.premium, -(5_000_000 * 137_000 / 138_000));
    let before = world.report(&taker).equity;
    pass(&mut world, SOL, 1);
    assert!(world.report(&taker).equity > before, "longs receive");
}

#[test]
fn funding_pauses_with_the_oracle() {
    let (mut world, _, _) = premium();
    update(&mut world, SOL);
    let index = |world: &World| world.underlying(SOL).perpetual.funding.index;
    let begun = index(&world);
    // Nobody can update it while the price is stale, and a day without a price costs an hour at most.
    world.advance(86_400);
    let stale = world.funding_update(SOL);
    world.refuse(stale.instruction(), &[], E::OracleStale);
    world.refresh_prices();
    update(&mut world, SOL);
    let hour = i128::from(world.underlying(SOL).perpetual.funding.premium) * i128::from(usd(137.0)) / 1_000_000_000 / 8;
    assert!((i128::from(index(&world) - begun) - hour).abs() <= 1);
    // Twice in a second nothing more is due.
    let before = index(&world);
    update(&mut world, SOL);
    assert_eq!(index(&world), before);
    // Another feed's price moves nothing.
    let mut foreign = world.funding_update(SOL);
    foreign.price = world.funding_update(BTC).price;
    world.refuse(foreign.instruction(), &[], E::OracleFeed);
}

#[test]
fn who_opens_later_pays_from_then_on() {
    let (mut world, maker, _) = premium();
    pass(&mut world, SOL, 4);
    world.refresh();
    let late = world.funded(100_000.0);
    world.fill(&maker, &late, &[buy(10, perpetual(SOL), 137.0)]);
    assert_eq!(world.report(&late).equity, usdc(100_000.0) as i64, "nothing is owed for the time before");
    pass(&mut world, SOL, 1);
    assert!(world.report(&late).equity < usdc(100_000.0) as i64);
}

#[test]
fn a_bid_settles_the_funding_of_both_sides_first() {
    let (mut world, maker, trader) = pair();
    world.set_trading(BTC, terms());
    let keeper = world.funded(2_000_000.0);
    // The trader is short at a discount, so he pays; the keeper is long and receives.
    world.fill(&maker, &trader, &[sell(300, perpetual(BTC), 94_000.0)]);
    world.fill(&maker, &keeper, &[buy(100, perpetual(BTC), 94_000.0)]);
    pass(&mut world, BTC, 8);
    world.refresh();
    sink(&mut world, &trader, 0);
    start(&mut world, &keeper, &trader);
    let equity = world.report(&trader).equity;
    let total = |world: &mut World| world.report(&trader).equity + world.report(&keeper).equity;
    let before = total(&mut world);
    let bid = world.bid(&keeper, &trader, 1_000_000_000);
    let events = world.accept(bid.instruction(), &[&keeper.key]).events();
    let Some(EngineEvent::LiquidationBid(event)) = events.last() else { panic!("a bid") };
    assert!(event.funding > 0 && event.bidder_funding < 0, "{} {}", event.funding, event.bidder_funding);
    assert_eq!(event.equity_before, equity, "settling funding changes no equity");
    let spot = world.spot(&specs()[usize::from(BTC)].feed);
    assert_eq!(event.prices.iter().map(|index| (index.underlying, index.price)).collect::<Vec<_>>(), [(BTC, spot)]);
    assert!((before - total(&mut world)).abs() <= 4, "what one loses the other gains");
    let index = world.underlying(BTC).perpetual.funding.index;
    for party in [&trader, &keeper] {
        if let Some(position) = world.account(party).position(&perpetual(BTC)) {
            assert_eq!(position.funding_index, index);
        }
    }
}
