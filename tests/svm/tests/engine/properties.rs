//! Laws of the margin, on random books: order does not matter, a long option cannot raise the scan loss by more than its
//! premium, worse oracles never lower a requirement, opposite trades vanish.

use margin_client::{
    MarginReport,
    instructions::TradeLeg,
    pyth::{FeedId, PriceUpdate, feeds},
    state::{AccountMode, Instrument, MarginAccount, Underlying},
};
use margin_core::Price;
use tests_svm::{
    BTC, ETH, FAR, NEAR, Rng, SOL, SOL_TOKEN, Trader, USDC, World, buy, call, future, perpetual, put, random_book,
    random_rich_book, specs, usd, usdc,
};

const MODES: [AccountMode; 3] = [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard];

fn random_leg(rng: &mut Rng) -> TradeLeg {
    let underlying = rng.pick(&[BTC, ETH, SOL]);
    let spot = specs()[usize::from(underlying)].spot / 1_000_000_000_000;
    let (expiry, strike) = (rng.pick(&[NEAR, FAR]), spot * rng.within(8, 12).unsigned_abs() / 10);
    let (instrument, price): (Instrument, f64) = match rng.within(0, 3) {
        0 => (perpetual(underlying), spot as f64),
        1 => (future(underlying, expiry), spot as f64),
        2 => (call(underlying, expiry, strike), spot as f64 * 0.05),
        _ => (put(underlying, expiry, strike), spot as f64 * 0.05),
    };
    buy(rng.within(1, 9) * rng.pick(&[-1, 1]), instrument, price + rng.within(0, 999_999) as f64 * 1e-6)
}

fn set_mode(world: &mut World, trader: &Trader, mode: AccountMode) {
    world.forge::<MarginAccount>(trader.account, |account| account.mode = mode as u8);
}

#[test]
fn the_order_of_trades_and_deposits_never_matters() {
    for (mut world, seed) in [(World::new(), 1), (World::rich(), 2), (World::rich(), 3)] {
        let mut rng = Rng::new(0x0e0e_0000 + seed);
        let maker = world.funded(50_000_000.0);
        let traders = [world.trader(), world.trader(), world.trader()];
        let legs: Vec<_> = (0..10).map(|_| random_leg(&mut rng)).collect();
        for (at, trader) in traders.iter().enumerate() {
            let mut deposits = [(USDC, usdc(3_000_000.0)), (SOL_TOKEN, 12_345_678_901)];
            let mut order = legs.clone();
            match at {
                0 => {}
                1 => {
                    order.reverse();
                    deposits.reverse();
                }
                _ => order.rotate_left(4),
            }
            for (token, amount) in deposits {
                world.fund(trader, token, amount);
            }
            for leg in order {
                world.fill(&maker, trader, &[leg]);
            }
        }
        let books = traders.each_ref().map(|trader| world.account(trader));
        assert!(books[0].positions().len() >= 7, "some legs may share an instrument");
        for mode in MODES {
            let reports = traders.each_ref().map(|trader| {
                set_mode(&mut world, trader, mode);
                world.report(trader)
            });
            assert_eq!(reports[0], reports[1], "{mode:?}");
            assert_eq!(reports[0], reports[2], "{mode:?}");
        }
        assert_eq!(books[0].positions(), books[1].positions());
        assert_eq!((books[0].cash(), books[0].balances()), (books[2].cash(), books[2].balances()));
    }
}

/// Loss in the worst case of an underlying, atoms rounded up; zero where the account is not exposed to it.
fn scan_loss(report: &MarginReport, underlying: u16) -> i64 {
    let part = report.underlyings.iter().find(|part| part.index == underlying);
    part.map_or(0, |part| -part.portfolio().expect("the portfolio model").worst_profit)
}

fn mark(report: &MarginReport, underlying: u16) -> i64 {
    report.underlyings.iter().find(|part| part.index == underlying).map_or(0, |part| part.positions_value)
}

fn buy_options(mut world: World, books: u64, fill: fn(&mut MarginAccount, &mut Rng)) {
    let trader = world.trader();
    let mut raised = 0;
    for seed in 0..books {
        let mut rng = Rng::new(0x1076_0000 + seed);
        world.forge::<MarginAccount>(trader.account, |account| fill(account, &mut rng));
        let underlying = rng.pick(&[BTC, ETH, SOL]);
        let spot = specs()[usize::from(underlying)].spot / 1_000_000_000_000;
        let (expiry, strike) = (rng.pick(&[NEAR, FAR]), spot * rng.within(60, 140).unsigned_abs() / 100);
        let option = if rng.one_in(2) { call(underlying, expiry, strike) } else { put(underlying, expiry, strike) };
        let before = world.report(&trader);
        world.forge::<MarginAccount>(trader.account, |account| {
            account.add_position(option, rng.pick(&[1, 100, 10_000]), 0).expect("a free row");
        });
        let after = world.report(&trader);
        let premium = mark(&after, underlying) - mark(&before, underlying);
        assert!(premium >= -1, "seed {seed}: an option is worth something");
        let rise = scan_loss(&after, underlying) - scan_loss(&before, underlying);
        // Two figures of each report are rounded by less than an atom each.
        assert!(rise <= premium + 4, "seed {seed}: the loss rose by {rise}, the premium is {premium}");
        raised += u32::from(rise > 0);
    }
    assert!(raised > 5, "only {raised} of the options bought cost anything");
}

#[test]
fn a_long_option_never_raises_the_scan_loss_by_more_than_its_premium() {
    buy_options(World::new(), 120, random_book);
}

#[test]
fn nor_with_every_part_of_the_model_on() {
    buy_options(World::rich(), 120, random_rich_book);
}

#[test]
fn a_trade_and_its_opposite_vanish() {
    for mut world in [World::new(), World::rich()] {
        let mut rng = Rng::new(0x0ff5_e700);
        let maker = world.funded(50_000_000.0);
        let trader = world.funded(3_000_000.0);
        world.fund(&trader, SOL_TOKEN, 1_000_000_000);
        for _ in 0..4 {
            world.fill(&maker, &trader, &[random_leg(&mut rng)]);
        }
        for _ in 0..12 {
            let (before, report) = (world.account(&trader), world.report(&trader));
            let leg = random_leg(&mut rng);
            world.fill(&maker, &trader, std::slice::from_ref(&leg));
            world.fill(&maker, &trader, &[TradeLeg { lots: -leg.lots, ..leg }]);
            let after = world.account(&trader);
            assert_eq!(after.positions(), before.positions());
            assert_eq!((after.cash(), after.sequence), (before.cash(), before.sequence + 2));
            assert_eq!(world.report(&trader), report);
        }
    }
}

/// Posts a price with an interval of so many thousandths.
fn with_interval(world: &mut World, feed: &FeedId, thousandths: u64) {
    let (price, now) = (world.spot(feed), world.now());
    world.post(feed, &PriceUpdate::new(*feed, Price(price), Price(price / 1_000 * thousandths), now));
}

/// Makes the market worse step by step; no requirement may fall, and most rise.
fn worsen(steps: &[fn(&mut World)], keeps_tokens: bool) {
    let mut world = World::rich();
    let traders = MODES.map(|mode| {
        let trader = world.trader();
        set_mode(&mut world, &trader, mode);
        trader
    });
    let mut rises = 0;
    for seed in 0..25u64 {
        world.refresh_prices();
        for spec in specs() {
            with_interval(&mut world, &spec.feed, 1);
            world.forge::<Underlying>(margin_client::addresses::underlying(&world.engine, spec.index), |state| {
                state.expiries.iter_mut().for_each(|slot| slot.confidence = 1_000_000_000);
                state.perpetual.confidence = 1_000_000_000;
            });
        }
        for trader in &traders {
            world.forge::<MarginAccount>(trader.account, |account| {
                // One book in every mode, whatever an isolated account may trade.
                let mode = std::mem::replace(&mut account.mode, AccountMode::Portfolio as u8);
                random_rich_book(account, &mut Rng::new(0x0bad_0000 + seed));
                account.mode = mode;
                if !keeps_tokens {
                    account.set_balance(SOL_TOKEN, 0).expect("nothing to add");
                }
            });
        }
        let mut before = traders.each_ref().map(|trader| world.report(trader));
        for step in steps {
            step(&mut world);
            let after = traders.each_ref().map(|trader| world.report(trader));
            for (before, after) in before.iter().zip(&after) {
                let mode = before.mode;
                assert!(after.initial_margin >= before.initial_margin, "seed {seed}, {mode:?}: {before:?}, {after:?}");
                assert!(after.maintenance_margin >= before.maintenance_margin, "seed {seed}, {mode:?}");
                rises += u32::from(after.initial_margin > before.initial_margin);
            }
            before = after;
        }
    }
    assert!(rises > 50, "the requirement rose {rises} times only");
}

#[test]
fn a_wider_interval_of_a_price_never_lowers_a_requirement() {
    fn widen(world: &mut World, thousandths: u64) {
        for spec in specs() {
            with_interval(world, &spec.feed, thousandths);
        }
    }
    worsen(&[|world| widen(world, 5), |world| widen(world, 20), |world| widen(world, 50)], true);
}

#[test]
fn a_lower_published_confidence_never_lowers_a_requirement() {
    fn doubt(world: &mut World, confidence: u64) {
        for index in [BTC, ETH, SOL] {
            let address = margin_client::addresses::underlying(&world.engine, index);
            world.forge::<Underlying>(address, |state| {
                state.perpetual.confidence = confidence;
                state
                    .expiries
                    .iter_mut()
                    .for_each(|slot| slot.confidence = confidence.saturating_sub(slot.expiry as u64 % 7));
            });
        }
    }
    worsen(&[|world| doubt(world, 900_000_000), |world| doubt(world, 500_000_000), |world| doubt(world, 0)], true);
}

#[test]
fn a_quote_token_further_below_its_peg_never_lowers_a_requirement() {
    fn peg(world: &mut World, price: f64) {
        world.set_price(&feeds::USDC_USD, usd(price));
    }
    // A linked token is worth more quote tokens then, and offsets more.
    worsen(&[|world| peg(world, 0.96), |world| peg(world, 0.9), |world| peg(world, 0.5)], false);
}
