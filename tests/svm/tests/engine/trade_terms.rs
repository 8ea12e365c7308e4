//! What a trade costs and where it may happen: fees, price band, reduce-only sides, open interest.

use margin_client::{
    errors::EngineError as E,
    events::{EngineEvent, SettledLeg, TradeExecuted},
    instructions::{TradeExecute, TradeLeg},
    state::{MarginAccount, TradingParameters},
};
use tests_svm::{
    BTC, ETH, FAR, NEAR, Receipt, Trader, World, buy, call, free_trading, future, lots_of, perpetual, put, sell, usdc,
};

use crate::{
    liquidation::{sink, start},
    trade::pair,
};

fn executed(receipt: &Receipt) -> TradeExecuted {
    let mut trades = receipt.events().into_iter().filter_map(|event| match event {
        EngineEvent::TradeExecuted(trade) => Some(trade),
        _ => None,
    });
    trades.next().expect("a trade")
}

fn leg(world: &mut World, maker: &Trader, taker: &Trader, leg: TradeLeg) -> SettledLeg {
    executed(&world.fill(maker, taker, &[leg])).legs[0].clone()
}

#[test]
fn fees_are_shares_of_the_notional_and_wait_in_the_account() {
    let (mut world, maker, taker) = pair();
    let terms =
        TradingParameters { taker_fee: 300_000, maker_fee: 100_000, option_fee_cap: 125_000_000, ..free_trading() };
    world.set_trading(BTC, terms);
    // 0.1 BTC at an index of 94 128.89: 9 412.889 USD; 3 and 1 basis points, rounded up to an atom.
    let perp = leg(&mut world, &maker, &taker, buy(10, perpetual(BTC), 94_128.89));
    assert_eq!((perp.taker_fee, perp.maker_fee), (2_823_867, 941_289));
    assert_eq!(world.account(&taker).fees, 2_823_867);
    assert_eq!(world.cash(&taker), usdc(100_000.0) as i64 - 2_823_867);
    assert_eq!(world.cash(&maker), usdc(1_000_000.0) as i64 - 941_289);
    // An eighth of the premium where that is less: 0.1 BTC at 10 USD is one dollar.
    let option = leg(&mut world, &maker, &taker, sell(10, call(BTC, NEAR, 150_000), 10.0));
    assert_eq!((option.cost, option.taker_fee, option.maker_fee), (-1_000_000, 125_000, 125_000));
    assert_eq!(world.account(&maker).fees, 941_289 + 125_000);
    // A future pays on its notional whatever it costs.
    let future = leg(&mut world, &maker, &taker, buy(10, future(BTC, NEAR), 94_400.0));
    assert_eq!((future.taker_fee, future.maker_fee), (2_823_867, 941_289));
}

#[test]
fn fees_count_in_the_check_and_in_the_quote() {
    let (mut world, maker, taker) = pair();
    world.set_trading(BTC, TradingParameters { taker_fee: 10_000_000, ..free_trading() });
    let legs = [buy(100, call(BTC, NEAR, 100_000), 2_500.0)];
    let quote = world.margin_quote(
        &taker,
        margin_client::instructions::MarginQuoteArgs {
            legs: legs.to_vec(),
            transfers: Vec::new(),
            check: Default::default(),
        },
    );
    let quoted = world.accept(quote.instruction(), &[]).report();
    world.fill(&maker, &taker, &legs);
    assert_eq!(quoted, world.report(&taker));
    // 1 BTC: 2 500 USD of premium and 941.2889 USD of fee.
    assert_eq!(world.cash(&taker), usdc(100_000.0 - 2_500.0 - 941.288_9) as i64);
}

#[test]
fn prices_stay_within_the_band_around_the_mark() {
    let (mut world, maker, taker) = pair();
    for instrument in
        [perpetual(BTC), future(BTC, FAR), call(BTC, NEAR, 100_000), put(BTC, FAR, 80_000), call(BTC, NEAR, 140_000)]
    {
        world.set_trading(BTC, free_trading());
        let settled = leg(&mut world, &maker, &taker, buy(1, instrument, 90_000.0 * f64::from(instrument.strike == 0)));
        world.set_trading(BTC, TradingParameters { band_mark: 100_000_000, band_index: 1_000_000, ..free_trading() });
        let band = settled.mark / 10 + settled.index_price / 1_000;
        for (distance, within) in [(0, true), (band, true), (band + 1, false)] {
            for (price, exists) in
                [(settled.mark + distance, true), (settled.mark.saturating_sub(distance), settled.mark >= distance)]
            {
                // Below a price of zero there is nothing to refuse.
                let within = within || !exists;
                let trade = world.trade(&maker, &taker, &[TradeLeg { instrument, lots: 1, price }]);
                let signers = [&maker.key, &taker.key];
                if within {
                    world.accept(trade.instruction(), &signers);
                } else {
                    world.refuse(trade.instruction(), &signers, E::PriceBand);
                }
            }
        }
    }
}

#[test]
fn every_rule_about_trading_parameters_has_its_error() {
    let mut world = World::new();
    let admin = world.admin.insecure_clone();
    let good = free_trading();
    let cases = [
        (TradingParameters { taker_fee: 10_000_001, ..good }, E::FeeParameter),
        (TradingParameters { maker_fee: 10_000_001, ..good }, E::FeeParameter),
        (TradingParameters { settlement_fee: 10_000_001, ..good }, E::FeeParameter),
        (TradingParameters { option_fee_cap: 1_000_000_001, ..good }, E::FeeCapParameter),
        (TradingParameters { band_mark: 1_000_000_001, ..good }, E::BandParameter),
        (TradingParameters { band_index: 1_000_000_001, ..good }, E::BandParameter),
        (TradingParameters { band_mark: 0, band_index: 0, ..good }, E::BandParameter),
        (TradingParameters { funding_period: 604_801, funding_gap: 1, ..good }, E::FundingPeriodParameter),
        (TradingParameters { funding_cap: 100_000_001, ..good }, E::FundingCapParameter),
        (TradingParameters { funding_gap: 604_801, funding_period: 1, ..good }, E::FundingGapParameter),
        (TradingParameters { funding_period: 1, ..good }, E::FundingGapParameter),
        (TradingParameters { funding_gap: 1, ..good }, E::FundingGapParameter),
        (TradingParameters { premium_fade: 604_801, ..good }, E::PremiumFadeParameter),
        (TradingParameters { sample_count: 0, ..good }, E::SampleParameter),
        (TradingParameters { sample_count: 31, ..good }, E::SampleParameter),
        (TradingParameters { settler_reward: 10_000_001, ..good }, E::SettlerRewardParameter),
    ];
    for (parameters, error) in cases {
        let set = world.trading_setting(BTC, parameters);
        world.refuse(set.instruction(), &[&admin], error);
    }
    let stranger = world.trader();
    let mut set = world.trading_setting(BTC, good);
    set.admin = stranger.owner();
    world.refuse(set.instruction(), &[&stranger.key], E::NotAdmin);

    let changed = TradingParameters { sample_count: 30, settler_reward: 10_000_000, ..good };
    let set = world.trading_setting(BTC, changed);
    let events = world.accept(set.instruction(), &[&admin]).events();
    let [EngineEvent::TradingSet(event)] = events.as_slice() else { panic!("one event") };
    assert_eq!((event.before, event.after), (good, changed));
    assert_eq!(world.underlying(BTC).trading, changed);
}

#[test]
fn an_underlying_that_is_traded_is_passed_writable() {
    let (mut world, maker, taker) = pair();
    let mut trade = world.trade(&maker, &taker, &[buy(1, perpetual(BTC), 94_128.89)]);
    trade.markets[0].is_writable = false;
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::UnderlyingReadOnly);
}

/// A taker below initial margin but not below maintenance margin: short calls, long a put.
fn squeezed() -> (World, Trader, Trader) {
    let (mut world, maker, taker) = pair();
    world.fill(
        &maker,
        &taker,
        &[sell(400, call(BTC, FAR, 100_000), 4_500.0), buy(50, put(BTC, NEAR, 90_000), 2_000.0)],
    );
    for _ in 0..1_000 {
        let report = world.report(&taker);
        if report.equity < (report.initial_margin + report.maintenance_margin) / 2 {
            assert!(report.equity >= report.maintenance_margin, "still safe");
            return (world, maker, taker);
        }
        world.shock(BTC, 1.002);
    }
    panic!("the account still has its initial margin");
}

/// The mark of a leg's instrument, as a tiny trade of two others shows it.
fn mark(world: &mut World, instrument: margin_client::state::Instrument) -> u64 {
    let (a, b) = (world.funded(1_000_000.0), world.funded(1_000_000.0));
    leg(world, &a, &b, TradeLeg { instrument, lots: 1, price: 1_000_000_000 }).mark
}

fn reducing(world: &World, maker: &Trader, taker: &Trader, legs: &[TradeLeg]) -> TradeExecute {
    let mut trade = world.trade(maker, taker, legs);
    trade.args.taker_reduce_only = true;
    trade
}

#[test]
fn a_side_that_only_reduces_passes_below_initial_margin_if_its_health_does_not_fall() {
    let (mut world, maker, taker) = squeezed();
    let short = call(BTC, FAR, 100_000);
    let price = mark(&mut world, short);
    let back = TradeLeg { instrument: short, lots: 10, price };
    let signers = [&maker.key, &taker.key];
    let plain = world.trade(&maker, &taker, std::slice::from_ref(&back));
    world.refuse(plain.instruction(), &signers, E::BelowInitialMargin);

    for (lots, error) in [(-1, E::ReduceOnly), (401, E::ReduceOnly)] {
        let trade = reducing(&world, &maker, &taker, &[TradeLeg { lots, ..back }]);
        world.refuse(trade.instruction(), &signers, error);
    }
    let opening = reducing(&world, &maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    world.refuse(opening.instruction(), &signers, E::ReduceOnly);
    // Paying away more than the position frees.
    let dear = reducing(&world, &maker, &taker, &[TradeLeg { price: price * 4, ..back }]);
    world.refuse(dear.instruction(), &signers, E::ReduceOnlyHealth);
    // Selling the hedge reduces a position, not the risk.
    let hedge = put(BTC, NEAR, 90_000);
    let price_of_hedge = mark(&mut world, hedge);
    let sold = [TradeLeg { instrument: hedge, lots: -50, price: price_of_hedge / 2 }];
    let trade = reducing(&world, &maker, &taker, &sold);
    world.refuse(trade.instruction(), &signers, E::ReduceOnlyHealth);

    let before = world.report(&taker);
    let trade = reducing(&world, &maker, &taker, &[back]);
    world.accept(trade.instruction(), &signers);
    let after = world.report(&taker);
    assert!(after.equity < after.initial_margin, "still below");
    assert!(after.equity - after.initial_margin > before.equity - before.initial_margin, "but closer");
    assert_eq!(lots_of(&world.account(&taker), short), -390);

    // The maker may be the one who reduces.
    let mut making = world.trade(&taker, &maker, &[TradeLeg { instrument: short, lots: -10, price }]);
    world.refuse(making.clone().instruction(), &signers, E::BelowInitialMargin);
    making.args.maker_reduce_only = true;
    world.accept(making.instruction(), &signers);
    assert_eq!(lots_of(&world.account(&taker), short), -380);
}

#[test]
fn an_account_in_liquidation_reduces_without_giving_anything_away() {
    let (mut world, maker, taker) = squeezed();
    let keeper = world.funded(1_000_000.0);
    sink(&mut world, &taker, 0);
    start(&mut world, &keeper, &taker);
    let short = call(BTC, FAR, 100_000);
    let price = mark(&mut world, short);
    let signers = [&maker.key, &taker.key];
    let at = |price| [TradeLeg { instrument: short, lots: 10, price }];
    let plain = world.trade(&maker, &taker, &at(price));
    world.refuse(plain.instruction(), &signers, E::AccountInLiquidation);
    let above = reducing(&world, &maker, &taker, &at(price + 1_000_000_000));
    world.refuse(above.instruction(), &signers, E::ReduceOnlyHealth);
    let below = reducing(&world, &maker, &taker, &at(price - 1_000_000_000));
    world.accept(below.instruction(), &signers);
    assert_eq!(lots_of(&world.account(&taker), short), -390);
}

#[test]
fn a_series_counts_what_is_open_whatever_happens_to_it() {
    let (mut world, maker, taker) = pair();
    let third = world.funded(1_000_000.0);
    let open = |world: &World| {
        let underlying = world.underlying(BTC);
        [NEAR, FAR].map(|expiry| underlying.expiry(expiry).expect("a listed expiry").open_lots)
    };
    world.fill(&maker, &taker, &[buy(7, call(BTC, NEAR, 100_000), 2_500.0), sell(3, future(BTC, FAR), 95_000.0)]);
    assert_eq!(open(&world), [14, 6]);
    // The taker hands four on: as much is open as before. Then all of the maker's side is closed but three.
    world.fill(&third, &taker, &[sell(4, call(BTC, NEAR, 100_000), 2_500.0)]);
    assert_eq!(open(&world), [14, 6]);
    world.fill(&third, &maker, &[buy(4, call(BTC, NEAR, 100_000), 2_500.0)]);
    assert_eq!(open(&world), [6, 6]);
    world.fill(&maker, &taker, &[sell(3, call(BTC, NEAR, 100_000), 2_500.0), buy(3, future(BTC, FAR), 95_000.0)]);
    assert_eq!(open(&world), [0, 0]);
    assert!(world.account(&taker).positions().is_empty());
}

#[test]
fn what_a_liquidation_nets_is_counted_until_somebody_brings_it_up_to_date() {
    let mut world = World::new();
    let (maker, keeper, trader) = (world.funded(1_000_000.0), world.funded(2_000_000.0), world.funded(60_000.0));
    let short = call(BTC, FAR, 100_000);
    world.fill(&maker, &trader, &[sell(200, short, 4_500.0)]);
    world.fill(&maker, &keeper, &[buy(120, short, 4_500.0), buy(1, perpetual(ETH), 3_240.67)]);
    sink(&mut world, &trader, 0);
    start(&mut world, &keeper, &trader);
    let bid = world.bid(&keeper, &trader, 1_000_000_000);
    world.accept(bid.instruction(), &[&keeper.key]);
    let held = |world: &World, trader: &Trader| {
        let account = world.account(trader);
        account.position(&short).map(|position| (position.lots, position.counted_lots))
    };
    let open = |world: &World| world.underlying(BTC).expiry(FAR).expect("a listed expiry").open_lots;
    let moved = 200 + held(&world, &trader).map_or(0, |(lots, _)| lots);
    assert!(moved > 0);
    assert_eq!(held(&world, &keeper), Some((120 - moved, 120 + moved as u64)));
    assert_eq!(open(&world), 400);

    let sync = world.open_interest_sync(BTC, &keeper);
    let events = world.accept(sync.instruction(), &[]).events();
    let [EngineEvent::OpenInterestSynced(event)] = events.as_slice() else { panic!("one event") };
    let own = (120 - moved).unsigned_abs();
    assert_eq!(event.change, own as i64 - (120 + moved));
    assert_eq!(held(&world, &keeper), (own != 0).then_some((120 - moved, own)));
    assert_eq!(open(&world), 400 - (120 + moved as u64 - own));
    // Nothing is left to do.
    let sync = world.open_interest_sync(BTC, &keeper);
    world.accept(sync.instruction(), &[]);
}

#[test]
fn a_position_that_a_liquidation_nets_away_goes_with_the_next_trade_or_update() {
    let mut world = World::new();
    let (maker, keeper, trader) = (world.funded(1_000_000.0), world.funded(2_000_000.0), world.funded(60_000.0));
    let short = call(BTC, FAR, 100_000);
    world.fill(&maker, &trader, &[sell(200, short, 4_500.0)]);
    sink(&mut world, &trader, 0);
    start(&mut world, &keeper, &trader);
    // A tenth, which the bidder has bought before.
    let bid = world.bid(&keeper, &trader, 100_000_000);
    world.fill(&maker, &keeper, &[buy(20, short, 4_500.0)]);
    world.accept(bid.instruction(), &[&keeper.key]);
    let position = |world: &World| world.account(&keeper).position(&short).copied();
    let left = position(&world).expect("a position without lots");
    assert_eq!((left.lots, left.counted_lots), (0, 40));
    let report = world.report(&keeper);
    assert_eq!((report.positions_value, report.maintenance_margin), (0, 0), "it is worth and costs nothing");
    world.fill(&maker, &keeper, &[buy(1, short, 4_500.0)]);
    let held = position(&world).expect("a position");
    assert_eq!((held.lots, held.counted_lots), (1, 1));
    let account: &MarginAccount = &world.account(&keeper);
    assert_eq!(account.positions().len(), 1);
}
