//! Digital options: traded at no more than they can pay, margined as the client does, worth their payoff at expiry.

use margin_client::{
    addresses,
    errors::EngineError as E,
    instructions::{MarginCheckArgs, MarginQuoteArgs},
    margin::PriceUse,
    state::{AccountMode, ExpirySlot, MarginAccount, Underlying},
};
use tests_svm::{
    BTC, ETH, NEAR, Rng, Trader, World, buy, call, digital_call, digital_put, future, lots_of, perpetual,
    random_digital_book, sell, specs, usd, usdc,
};

const MODES: [AccountMode; 3] = [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard];

#[test]
fn a_digital_is_traded_at_up_to_what_it_pays() {
    let mut world = World::new();
    let (maker, taker) = (world.funded(1_000.0), world.funded(1_000.0));
    // 5 000 lots of 0.01 BTC pay fifty dollars.
    world.fill(&maker, &taker, &[buy(5_000, digital_call(BTC, NEAR, 100_000), 0.25)]);
    assert_eq!((world.cash(&taker), world.cash(&maker)), (usdc(987.5) as i64, usdc(1_012.5) as i64));
    world.fill(&maker, &taker, &[buy(1, digital_put(BTC, NEAR, 100_000), 1.0)]);
    world.fill(&maker, &taker, &[buy(1, digital_put(BTC, NEAR, 100_000), 0.0)]);
    assert_eq!(lots_of(&world.account(&taker), digital_put(BTC, NEAR, 100_000)), 2);
    for instrument in [digital_call(BTC, NEAR, 100_000), digital_put(BTC, NEAR, 90_000)] {
        let mut leg = buy(1, instrument, 1.0);
        leg.price += 1;
        let trade = world.trade(&maker, &taker, &[leg]);
        world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::LegPrice);
    }
    // What other options cost is no matter here.
    world.fill(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 1.01)]);
}

#[test]
fn a_digital_needs_a_series_and_a_strike() {
    let mut world = World::new();
    let (maker, taker) = (world.funded(1_000.0), world.funded(1_000.0));
    for (instrument, error) in [
        (digital_call(BTC, NEAR, 0), E::LegInstrument),
        (digital_put(BTC, 0, 100_000), E::LegInstrument),
        (digital_put(BTC, NEAR + 1, 100_000), E::ExpiryUnknown),
    ] {
        let trade = world.trade(&maker, &taker, &[buy(1, instrument, 0.5)]);
        world.refuse(trade.instruction(), &[&maker.key, &taker.key], error);
    }
}

#[test]
fn positions_of_one_strike_lie_together() {
    let mut world = World::new();
    let (maker, taker) = (world.funded(100_000.0), world.funded(100_000.0));
    let instruments = [
        call(BTC, NEAR, 100_000),
        digital_call(BTC, NEAR, 100_000),
        digital_put(BTC, NEAR, 100_000),
        call(BTC, NEAR, 101_000),
        digital_put(BTC, NEAR, 101_000),
    ];
    for instrument in [4, 1, 3, 0, 2].map(|index| instruments[index]) {
        world.fill(&maker, &taker, &[buy(1, instrument, 0.5)]);
    }
    let account = world.account(&taker);
    let held: Vec<_> = account.positions().iter().map(|position| position.instrument().expect("known")).collect();
    assert_eq!(held, instruments);
}

#[test]
fn a_short_digital_needs_its_payout() {
    let mut world = World::new();
    let maker = world.funded(1_000_000.0);
    // A thousand dollars of payout for 400: most of the rest must be there, and no more than all of it.
    let legs = [sell(100_000, digital_call(BTC, NEAR, 96_000), 0.4)];
    let poor = world.funded(200.0);
    let trade = world.trade(&maker, &poor, &legs);
    world.refuse(trade.instruction(), &[&maker.key, &poor.key], E::BelowInitialMargin);
    let able = world.funded(610.0);
    world.fill(&maker, &able, &legs);
    let report = world.report(&able);
    let needed = report.initial_margin - report.positions_value;
    assert!((usdc(600.0) as i64..=usdc(1_010.0) as i64).contains(&needed), "{report:?}");
}

#[test]
fn a_quote_says_what_the_trade_makes_of_an_account() {
    for mut world in [World::new(), World::rich()] {
        let (maker, taker) = (world.funded(1_000_000.0), world.funded(100_000.0));
        for legs in [
            vec![
                sell(10_000, digital_call(BTC, NEAR, 97_000), 0.35),
                buy(10_000, digital_call(BTC, NEAR, 98_000), 0.3),
            ],
            vec![buy(50_000, digital_put(ETH, NEAR, 3_200), 0.45), sell(2, call(ETH, NEAR, 3_200), 150.0)],
            vec![buy(20_000, digital_call(BTC, NEAR, 97_000), 0.4), buy(1, perpetual(BTC), 94_128.89)],
        ] {
            let args = MarginQuoteArgs { legs: legs.clone(), transfers: Vec::new(), check: MarginCheckArgs::default() };
            let quote = world.margin_quote(&taker, args);
            let quoted = world.accept(quote.instruction(), &[]).report();
            world.fill(&maker, &taker, &legs);
            assert_eq!(world.report(&taker), quoted);
        }
    }
}

#[track_caller]
fn assert_equal(world: &mut World, trader: &Trader, mode: AccountMode, what: &str) {
    let args = MarginCheckArgs { mode: Some(mode), usage: PriceUse::Liquidation, ..MarginCheckArgs::default() };
    let off_chain = world.snapshot().check(&world.account(trader), &args, world.now());
    let on_chain = world.report_with(trader, args);
    assert_eq!(off_chain.as_ref(), Ok(&on_chain), "{what}");
}

#[test]
fn books_with_digitals_are_the_clients_bit_for_bit_in_every_mode() {
    let mut world = World::new();
    let trader = world.trader();
    for seed in 0xd161_0000..0xd161_0078u64 {
        let mut rng = Rng::new(seed);
        world.forge::<MarginAccount>(trader.account, |account| random_digital_book(account, &mut rng));
        for mode in MODES {
            assert_equal(&mut world, &trader, mode, &format!("seed {seed:#x}, {mode:?}"));
        }
    }
}

/// A market at `NEAR` and 60 seconds, with one underlying's average observed.
fn after_expiry(world: &mut World, average: u64) {
    world.set_time(NEAR + 60);
    world.refresh();
    let address = addresses::underlying(&world.engine, BTC);
    world.forge::<Underlying>(address, |state| {
        let slot: Option<&mut ExpirySlot> = state.expiries.iter_mut().find(|slot| slot.expiry == NEAR);
        let slot = slot.expect("listed");
        (slot.observed_average, slot.finalised) = (average, 1);
    });
}

#[test]
fn an_expired_digital_counts_its_payoff() {
    let strike = 100_000;
    // Exactly at the strike the put pays.
    for (average, call_pays) in [(usd(100_000.0), false), (usd(100_000.0) + 1, true), (usd(99_999.0), false)] {
        for (instrument, pays) in
            [(digital_call(BTC, NEAR, strike), call_pays), (digital_put(BTC, NEAR, strike), !call_pays)]
        {
            for lots in [700, -700] {
                let mut world = World::new();
                let trader = world.trader();
                world.forge::<MarginAccount>(trader.account, |account| {
                    account.add_position(instrument, lots, 0).expect("a row");
                });
                after_expiry(&mut world, average);
                let report = world.report(&trader);
                let payoff = if pays { lots * 10_000 } else { 0 };
                assert_eq!(report.positions_value, payoff, "{instrument:?} at {average}");
                // Nothing can happen to it any more: what is left is the charge on what may be paid out.
                let charged = if lots < 0 { usdc(7.0) as i64 / 100 } else { 0 };
                assert!(report.maintenance_margin <= charged, "{report:?}");
                for mode in MODES {
                    assert_equal(&mut world, &trader, mode, &format!("{instrument:?} at {average}"));
                }
            }
        }
    }
}

#[test]
fn standard_margin_holds_the_whole_payout_of_a_short_digital() {
    let mut world = World::new();
    let trader = world.trader();
    let mut margin = |positions: &[(i64, margin_client::state::Instrument)]| {
        world.forge::<MarginAccount>(trader.account, |account| {
            let held: Vec<_> = account.positions().iter().map(|p| (p.lots, p.instrument().expect("known"))).collect();
            for (lots, instrument) in held {
                account.add_position(instrument, -lots, 0).expect("its row");
            }
            for (lots, instrument) in positions {
                account.add_position(*instrument, *lots, 0).expect("a row");
            }
        });
        let args = MarginCheckArgs { mode: Some(AccountMode::Standard), ..MarginCheckArgs::default() };
        let report = world.report_with(&trader, args);
        // Value less requirements: what the account must have besides.
        (report.positions_value - report.initial_margin, report.positions_value - report.maintenance_margin)
    };
    let dollars = |amount: i64| amount * 1_000_000 - 1..=amount * 1_000_000 + 1;
    let mut assert_margin = |positions: &[(i64, margin_client::state::Instrument)], want: i64| {
        let (initial, maintenance) = margin(positions);
        assert!(dollars(want).contains(&initial) && dollars(want).contains(&maintenance), "{positions:?}: {initial}");
    };
    let (low, high) = (95_000, 97_000);
    // 0.01 BTC a lot: 5 000 lots pay fifty dollars.
    assert_margin(&[(-5_000, digital_call(BTC, NEAR, low))], -50);
    assert_margin(&[(5_000, digital_call(BTC, NEAR, low))], 0);
    assert_margin(&[(-5_000, digital_call(BTC, NEAR, low)), (5_000, digital_put(BTC, NEAR, low))], -50);
    // One of the two is paid.
    assert_margin(&[(-5_000, digital_call(BTC, NEAR, low)), (-5_000, digital_put(BTC, NEAR, low))], -50);
    // Bought below what is sold, it pays first; bought above, there is a hole between.
    assert_margin(&[(5_000, digital_call(BTC, NEAR, low)), (-5_000, digital_call(BTC, NEAR, high))], 0);
    assert_margin(&[(-5_000, digital_call(BTC, NEAR, low)), (5_000, digital_call(BTC, NEAR, high))], -50);
    // A digital beside the future of its series is no hedge here.
    let (initial, _) = margin(&[(-5_000, digital_call(BTC, NEAR, low)), (1, future(BTC, NEAR))]);
    assert!(initial < -50_000_000 + 1_100_000_000);
    assert_eq!(specs()[0].lot_size, 10_000_000);
}

#[test]
fn zz_probe() {
    for (name, instrument) in [
        ("call", tests_svm::call(BTC, NEAR, 100_000)),
        ("digital", digital_call(BTC, NEAR, 100_000)),
        ("digital90", digital_call(BTC, NEAR, 90_000)),
    ] {
        for average in [usd(100_000.0), usd(99_000.0), 0] {
            let mut world = World::new();
            let trader = world.trader();
            world.forge::<MarginAccount>(trader.account, |account| {
                account.add_position(instrument, 700, 0).expect("a row");
            });
            after_expiry(&mut world, average);
            let check = world.margin_check(&trader);
            eprintln!(
                "{name} {average} {:?}",
                world.send(&[check.instruction()], &[]).map(|r| r.compute_units).map_err(|e| e.logs.last().cloned())
            );
        }
    }
}
