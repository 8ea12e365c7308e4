//! Margin quotes: what an account would need after trades and transfers, against what it needs once they are done.

use margin_client::{
    MarginReport,
    errors::EngineError as E,
    instructions::{MarginCheckArgs, MarginQuoteArgs, QuoteTransfer, TradeLeg},
    margin::PriceUse,
    state::{AccountMode, Instrument, MarginAccount},
};
use tests_svm::{
    BTC, ETH, FAR, NEAR, NOW, Rng, SOL, SOL_TOKEN, Trader, USDC, World, buy, call, correlation, future, perpetual, put,
    sell, specs, usdc,
};

fn of_legs(legs: &[TradeLeg]) -> MarginQuoteArgs {
    MarginQuoteArgs { legs: legs.to_vec(), transfers: Vec::new(), check: MarginCheckArgs::default() }
}

fn of_transfers(transfers: &[(u16, i64)]) -> MarginQuoteArgs {
    let transfers =
        transfers.iter().map(|(collateral, amount)| QuoteTransfer { collateral: *collateral, amount: *amount });
    MarginQuoteArgs { legs: Vec::new(), transfers: transfers.collect(), check: MarginCheckArgs::default() }
}

/// A quote, which must change no account.
#[track_caller]
fn quote(world: &mut World, trader: &Trader, args: MarginQuoteArgs) -> MarginReport {
    let before = world.svm.get_account(&trader.account);
    let quote = world.margin_quote(trader, args);
    let receipt = world.accept(quote.instruction(), &[]);
    assert!(receipt.events().is_empty());
    assert_eq!(world.svm.get_account(&trader.account), before);
    receipt.report()
}

/// Quotes legs for both sides, trades them, and compares.
#[track_caller]
fn quote_and_fill(world: &mut World, maker: &Trader, taker: &Trader, legs: &[TradeLeg]) {
    let mirrored: Vec<_> = legs.iter().map(|leg| TradeLeg { lots: -leg.lots, ..leg.clone() }).collect();
    let (ours, theirs) = (quote(world, taker, of_legs(legs)), quote(world, maker, of_legs(&mirrored)));
    world.fill(maker, taker, legs);
    assert_eq!(world.report(taker), ours, "{legs:?}");
    assert_eq!(world.report(maker), theirs, "{legs:?}");
}

fn traders(world: &mut World) -> (Trader, Trader) {
    let (maker, taker) = (world.funded(5_000_000.0), world.funded(2_000_000.0));
    world.fund(&taker, SOL_TOKEN, 20_000_000_000);
    (maker, taker)
}

#[test]
fn a_quote_is_what_the_check_says_after_the_trade() {
    for mut world in [World::new(), World::rich()] {
        let (maker, taker) = traders(&mut world);
        // Opening, adding, closing in part, crossing zero, closing; options, futures and perpetuals of three underlyings.
        for legs in [
            vec![sell(10, call(BTC, NEAR, 100_000), 2_500.123_457)],
            vec![
                buy(3, perpetual(ETH), 3_300.0),
                buy(7, future(BTC, FAR), 95_000.0),
                sell(5, future(SOL, NEAR), 140.0),
            ],
            vec![buy(4, call(BTC, NEAR, 100_000), 2_400.0), sell(8, perpetual(ETH), 3_200.000_001)],
            vec![buy(20, call(BTC, NEAR, 100_000), 2_600.0), sell(14, future(BTC, FAR), 96_500.0)],
            vec![
                buy(1, put(SOL, FAR, 120), 9.0),
                sell(2, put(SOL, FAR, 110), 5.0),
                sell(1, call(ETH, NEAR, 3_500), 99.0),
            ],
            vec![sell(14, call(BTC, NEAR, 100_000), 2_500.0), buy(5, perpetual(ETH), 3_240.0)],
            // The same instrument twice in one trade.
            vec![buy(2, perpetual(SOL), 137.0), buy(2, perpetual(SOL), 139.0), sell(3, perpetual(SOL), 138.0)],
        ] {
            quote_and_fill(&mut world, &maker, &taker, &legs);
        }
        assert!(world.account(&taker).positions().len() >= 5);
    }
}

#[test]
fn random_trades_are_quoted_to_the_atom_under_the_cross_underlying_model() {
    let mut world = World::rich();
    world.correlate(correlation());
    let (maker, taker) = traders(&mut world);
    let mut rng = Rng::new(0x9007_0001);
    for _ in 0..10 {
        let legs: Vec<_> = (0..rng.within(1, 3))
            .map(|_| {
                let underlying = rng.pick(&[BTC, ETH, SOL]);
                let spot = specs()[usize::from(underlying)].spot / 1_000_000_000_000;
                let (expiry, strike) = (rng.pick(&[NEAR, FAR]), spot * rng.within(8, 12).unsigned_abs() / 10);
                let (instrument, price): (Instrument, f64) = match rng.within(0, 3) {
                    0 => (perpetual(underlying), spot as f64 * 1.01),
                    1 => (future(underlying, expiry), spot as f64 * 0.99),
                    2 => (call(underlying, expiry, strike), spot as f64 * 0.05),
                    _ => (put(underlying, expiry, strike), spot as f64 * 0.05),
                };
                buy(rng.within(1, 9) * rng.pick(&[-1, 1]), instrument, price + rng.within(0, 999_999) as f64 * 1e-6)
            })
            .collect();
        quote_and_fill(&mut world, &maker, &taker, &legs);
    }
}

#[test]
fn transfers_are_quoted_as_deposits_and_withdrawals_do_them() {
    for mut world in [World::new(), World::rich()] {
        let (maker, taker) = traders(&mut world);
        world.fill(&maker, &taker, &[sell(10, call(BTC, NEAR, 100_000), 2_500.0), sell(20, perpetual(SOL), 137.0)]);
        for (collateral, amount) in [
            (USDC, 1),
            (USDC, -123_456_789),
            (SOL_TOKEN, 7_000_000_001),
            (SOL_TOKEN, -3),
            // All of it: the token leaves the book.
            (SOL_TOKEN, -26_999_999_998),
            (SOL_TOKEN, 5),
        ] {
            let expected = quote(&mut world, &taker, of_transfers(&[(collateral, amount)]));
            if amount > 0 {
                world.fund(&taker, collateral, amount.unsigned_abs());
            } else {
                let withdraw = world.withdraw(&taker, collateral, amount.unsigned_abs());
                world.accept(withdraw.instruction(), &[&taker.key]);
            }
            assert_eq!(world.report(&taker), expected, "{amount} of {collateral}");
        }
    }
}

#[test]
fn transfers_come_before_legs_and_everything_in_one_quote() {
    let mut world = World::rich();
    let (maker, taker) = traders(&mut world);
    let legs = vec![sell(3, call(ETH, FAR, 4_000), 150.0), buy(1, future(BTC, NEAR), 94_500.0)];
    let transfers = vec![
        QuoteTransfer { collateral: USDC, amount: -500_000_000 },
        QuoteTransfer { collateral: SOL_TOKEN, amount: 1_000_000_000 },
        QuoteTransfer { collateral: SOL_TOKEN, amount: -21_000_000_000 },
    ];
    let args = MarginQuoteArgs { legs: legs.clone(), transfers, check: MarginCheckArgs::default() };
    let expected = quote(&mut world, &taker, args);
    world.fund(&taker, SOL_TOKEN, 1_000_000_000);
    for (collateral, amount) in [(USDC, 500_000_000), (SOL_TOKEN, 21_000_000_000)] {
        let withdraw = world.withdraw(&taker, collateral, amount);
        world.accept(withdraw.instruction(), &[&taker.key]);
    }
    world.fill(&maker, &taker, &legs);
    assert_eq!(world.report(&taker), expected);
}

#[test]
fn an_empty_quote_is_a_check_in_every_mode() {
    let mut world = World::rich();
    world.correlate(correlation());
    let (maker, taker) = traders(&mut world);
    world.fill(&maker, &taker, &[sell(10, call(BTC, NEAR, 100_000), 2_500.0), sell(20, perpetual(SOL), 137.0)]);
    for mode in [None, Some(AccountMode::Portfolio), Some(AccountMode::Isolated), Some(AccountMode::Standard)] {
        let check = MarginCheckArgs { mode, ..MarginCheckArgs::default() };
        let expected = world.report_with(&taker, check.clone());
        let args = MarginQuoteArgs { legs: Vec::new(), transfers: Vec::new(), check };
        assert_eq!(quote(&mut world, &taker, args), expected);
    }
}

#[test]
fn a_quote_may_describe_what_no_trade_would_be_allowed_to_do() {
    let mut world = World::new();
    let trader = world.funded(100.0);
    // Far below initial margin, and cash below zero.
    let args = MarginQuoteArgs {
        transfers: vec![QuoteTransfer { collateral: USDC, amount: -(usdc(300.0) as i64) }],
        ..of_legs(&[sell(100, call(BTC, NEAR, 100_000), 2_500.0)])
    };
    let report = quote(&mut world, &trader, args.clone());
    assert_eq!(report.cash, usdc(100.0) as i64 - usdc(300.0) as i64 + usdc(2_500.0) as i64);
    assert!(report.equity < report.maintenance_margin);
    // With a minimum it is an assertion.
    let mut demanding = args;
    demanding.check.minimum.maintenance = Some(0);
    let quote = world.margin_quote(&trader, demanding);
    world.refuse(quote.instruction(), &[], E::HealthBelowMinimum);
}

#[test]
fn what_cannot_be_quoted_is_refused_by_name() {
    let mut world = World::new();
    let trader = world.trader();
    world.fund(&trader, SOL_TOKEN, 1_000);
    let good = sell(1, call(BTC, NEAR, 100_000), 2_500.0);
    let with = |change: fn(&mut TradeLeg)| {
        let mut leg = good.clone();
        change(&mut leg);
        of_legs(&[leg])
    };
    let cases = [
        (of_legs(&vec![good.clone(); 9]), E::QuoteSize),
        (of_transfers(&[(USDC, 1); 9]), E::QuoteSize),
        (of_transfers(&[(USDC, 1), (USDC, 0)]), E::QuoteTransfer),
        (of_transfers(&[(SOL_TOKEN, -1_001)]), E::InsufficientBalance),
        (of_transfers(&[(SOL_TOKEN, i64::MIN)]), E::InsufficientBalance),
        (of_transfers(&[(SOL_TOKEN, i64::MAX), (SOL_TOKEN, i64::MAX), (SOL_TOKEN, i64::MAX)]), E::Overflow),
        (with(|leg| leg.lots = 0), E::LegQuantity),
        (with(|leg| leg.price = u64::MAX), E::LegPrice),
        (with(|leg| leg.instrument.strike = 1), E::LegStrike),
        (with(|leg| leg.instrument.strike = 0), E::LegInstrument),
        (with(|leg| leg.instrument.expiry = 0), E::LegInstrument),
        (with(|leg| leg.instrument = Instrument { strike: 1, ..future(BTC, NEAR) }), E::LegInstrument),
        (with(|leg| leg.instrument = future(BTC, 0)), E::LegInstrument),
        (with(|leg| (leg.instrument, leg.price) = (future(BTC, NEAR), 0)), E::LegPrice),
        (with(|leg| leg.instrument.expiry += 1), E::ExpiryUnknown),
        (with(|leg| leg.lots = i64::MIN), E::Overflow),
    ];
    for (args, error) in cases {
        let quote = world.margin_quote(&trader, args);
        world.refuse(quote.instruction(), &[], error);
    }
    // The largest quote there can be.
    let full = MarginQuoteArgs {
        transfers: vec![QuoteTransfer { collateral: USDC, amount: 1_000_000_000 }; 8],
        ..of_legs(&vec![good.clone(); 8])
    };
    quote(&mut world, &trader, full);

    world.set_time(NEAR);
    world.refresh();
    for instrument in [call(BTC, NEAR, 100_000), future(BTC, NEAR)] {
        let expired = world.margin_quote(&trader, of_legs(&[buy(1, instrument, 2_500.0)]));
        world.refuse(expired.instruction(), &[], E::SeriesExpired);
    }
    quote(&mut world, &trader, of_legs(&[buy(1, call(BTC, FAR, 100_000), 2_500.0)]));
}

#[test]
fn a_quote_reads_prices_for_the_use_it_is_asked_for() {
    let mut world = World::new();
    let trader = world.funded(10_000.0);
    let args = |usage| MarginQuoteArgs {
        check: MarginCheckArgs { usage, ..MarginCheckArgs::default() },
        ..of_legs(&[buy(1, call(BTC, NEAR, 100_000), 2_500.0)])
    };
    world.set_time(NOW + 61);
    let trading = world.margin_quote(&trader, args(PriceUse::RaiseRisk));
    world.refuse(trading.instruction(), &[], E::OracleStale);
    quote(&mut world, &trader, args(PriceUse::Liquidation));
    world.set_time(NOW + 601);
    world.refresh_prices();
    let trading = world.margin_quote(&trader, args(PriceUse::RaiseRisk));
    world.refuse(trading.instruction(), &[], E::SurfaceStale);
    quote(&mut world, &trader, args(PriceUse::Liquidation));
}

#[test]
fn a_quote_in_an_isolated_account_obeys_its_rule() {
    let mut world = World::new();
    let trader = world.trader();
    world.forge::<MarginAccount>(trader.account, |account| {
        account.mode = AccountMode::Isolated as u8;
        account.add_position(perpetual(BTC), 1, 0).expect("a row");
    });
    let second = world.margin_quote(&trader, of_legs(&[buy(1, perpetual(ETH), 3_240.0)]));
    world.refuse(second.instruction(), &[], E::IsolatedUnderlying);
    let swap = of_legs(&[sell(1, perpetual(BTC), 94_000.0), buy(1, perpetual(ETH), 3_240.0)]);
    assert_eq!(quote(&mut world, &trader, swap).underlyings[0].index, ETH);
}
