//! Attacks on insurance.

use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    instructions::{BankruptcyResolve, Fund, InsuranceLimit, InsuranceLimitArgs, insured_underlying},
};
use solana_signer::Signer;
use tests_svm::{BTC, SOL_TOKEN, Trader, USDC, specs, usdc};

use crate::scene::{Scene, WHOLE, copy, refuse_all};

/// **Waiting for a larger payout of an account that has recovered**: while it is worth something nobody is paid for it; anyone stops the
/// clock, and the next insolvency begins it anew.
#[test]
fn a_recovered_account_pays_nobody() {
    let mut scene = Scene::ruined();
    scene.insure(Fund::Underlying(BTC), usdc(1_000_000.0));
    scene.start();
    assert_eq!(scene.state().insolvent_at, scene.world.now());
    scene.wait(1_800);
    let ruinous = scene.world.spot(&specs()[0].feed);
    while scene.world.report(&scene.trader).equity <= 0 {
        scene.world.shock(BTC, 0.99);
    }
    let bid = scene.insolvent_bid(&scene.keeper, WHOLE);
    refuse_all(&mut scene.world, &[bid], &[&scene.keeper.key], E::AuctionSolvent);
    let convert = scene.convert();
    scene.world.accept(convert.clone(), &[]);
    assert_eq!(scene.state().insolvent_at, 0);
    refuse_all(&mut scene.world, &[convert], &[], E::AuctionUnchanged);

    scene.world.set_price(&specs()[0].feed, ruinous);
    let bid = scene.insolvent_bid(&scene.keeper, WHOLE);
    refuse_all(&mut scene.world, &[bid], &[&scene.keeper.key], E::AuctionSolvent);
    let convert = scene.convert();
    scene.world.accept(convert, &[]);
    let event = scene.take_insolvent(WHOLE);
    // The second clock has just begun: what is lacking at the marks, and nothing for waiting.
    assert!((event.payout + event.equity_before).abs() <= 1, "{event:?}");
    assert!(event.payout > 0 && event.released);
}

/// **The same where nobody stops the clock**: it goes on through the recovery, and still no payout exceeds what maintenance margin lacks.
#[test]
fn a_forgotten_clock_pays_no_more_than_the_margin() {
    let mut scene = Scene::ruined();
    scene.insure(Fund::Underlying(BTC), usdc(1_000_000.0));
    scene.start();
    let ruinous = scene.world.spot(&specs()[0].feed);
    while scene.world.report(&scene.trader).equity <= 0 {
        scene.world.shock(BTC, 0.99);
    }
    // Much longer than the auction.
    scene.wait(9_000);
    scene.world.set_price(&specs()[0].feed, ruinous);
    let keeper = copy(&scene.keeper);
    let before = scene.wealth(&[&keeper]);
    let event = scene.take_insolvent(WHOLE);
    let lacking = event.maintenance_margin_before - event.equity_before;
    assert!((event.payout - lacking).abs() <= 2, "{event:?}");
    let gain = scene.wealth(&[&keeper]) - before;
    assert!(gain <= event.maintenance_margin_before + 4, "{gain}: {event:?}");
}

/// **Tiny slices of an insolvent account**, each rounding in the bidder's favour or in the owner's: lots round up, and what they are worth beyond
/// their share is settled with the account. So forty slices earn what their fractions are due, insurance pays no more than their shares, and the
/// account is not made whole while it keeps its book.
#[test]
fn rounding_pays_nobody() {
    let mut scene = Scene::ruined();
    scene.insure(Fund::Underlying(BTC), usdc(1_000_000.0));
    scene.start();
    scene.wait(1_800);
    let keeper = copy(&scene.keeper);
    let before = scene.wealth(&[&keeper]);
    let deficit = -scene.world.report(&scene.trader).equity;
    let (mut due, mut insured, mut bids) = (0.0, 0.0, 0);
    for fraction in [1, 2, 3, 999].into_iter().cycle().take(40) {
        let bid = scene.insolvent_bid(&keeper, fraction);
        match scene.world.attempt(&[bid], &[&keeper.key]) {
            Ok(receipt) => {
                let events = receipt.events();
                let Some(EngineEvent::InsolventBid(event)) = events.first() else { panic!("one event of a bid") };
                // Half of the hour has passed: half of the requirement, on top of the deficit.
                let (share, half) = (fraction as f64 * 1e-9, event.maintenance_margin_before as f64 / 2.0);
                due += share * half;
                insured += share * (half - event.equity_before as f64);
                bids += 1;
            }
            Err(error) => assert_eq!(error.name(), E::BidWorsens.name()),
        }
    }
    assert!(bids >= 4, "{bids}");
    // Two reports, each off by less than two atoms.
    let gain = (scene.wealth(&[&keeper]) - before) as f64;
    assert!(gain <= due + 4.0, "{bids} slices earned {gain}, their due is {due}");
    let drawn = (usdc(1_000_000.0) - scene.fund(BTC)) as f64;
    assert!(drawn <= insured + 1.0, "insurance paid {drawn}, its share is {insured}");
    let left = -scene.world.report(&scene.trader).equity;
    assert!((deficit - left) as f64 <= deficit as f64 * 41e-6 + 41.0, "{left} of {deficit} is lacking");
}

/// **Draining insurance through two own accounts** that bet against each other, with a third one of a friend that takes the loser: within the
/// margin nothing is drawn; beyond it the funds pay what the market moved beyond the margin, and a cap bounds it.
#[test]
fn two_own_accounts_draw_no_more_than_the_gap() {
    for gap in [false, true] {
        let mut scene = Scene::stretched();
        scene.insure(Fund::Underlying(BTC), usdc(1_000_000.0));
        let admin = scene.world.admin.insecure_clone();
        let args = InsuranceLimitArgs { limit: usdc(500.0), window: 86_400 };
        let limit = InsuranceLimit { admin: admin.pubkey(), engine: scene.world.engine, underlying: BTC, args };
        scene.world.accept(limit.instruction(), &[&admin]);
        scene.insure(Fund::Common, usdc(1_000_000.0));
        let own = [copy(&scene.maker), copy(&scene.trader), copy(&scene.keeper)];
        let [maker, trader, keeper] = &own;
        scene.sink(if gap { -1_000_000_000 } else { i64::MAX });
        // Nobody buys of himself.
        scene.start();
        let second = scene.world.second_account(trader);
        let alias = Trader { account: second, ..copy(trader) };
        let own_bid = scene.insolvent_bid(&alias, WHOLE);
        refuse_all(&mut scene.world, &[own_bid], &[&trader.key], E::SelfLiquidation);

        let before = scene.wealth(&[maker, trader, keeper]);
        if gap {
            let deficit = -scene.world.report(trader).equity;
            let event = scene.take_insolvent(WHOLE);
            let paid = (event.loss.from_underlying + event.loss.from_common) as i64;
            assert_eq!((event.loss.from_underlying, event.loss.socialised), (usdc(500.0), 0));
            assert!((paid - deficit).abs() <= 1, "{paid} for a deficit of {deficit}");
            let gain = scene.wealth(&[maker, trader, keeper]) - before;
            assert!(gain <= paid + 3 && gain >= paid - 3, "{gain} of {paid}");
        } else {
            let bid = scene.insolvent_bid(keeper, WHOLE);
            refuse_all(&mut scene.world, &[bid], &[&keeper.key], E::AuctionSolvent);
            scene.take(WHOLE);
            let gain = scene.wealth(&[maker, trader, keeper]) - before;
            assert!(gain.abs() <= 3, "{gain} out of nothing");
            assert_eq!(scene.fund(BTC), usdc(1_000_000.0));
        }
    }
}

/// **Dust that keeps a bankrupt account from being resolved**: an atom of a token makes it no bare debt, and a bid for everything takes
/// the atom along.
#[test]
fn dust_does_not_keep_a_bankrupt_account() {
    let mut scene = Scene::ruined();
    scene.insure(Fund::Underlying(BTC), usdc(1_000_000.0));
    scene.start();
    scene.world.give(&scene.trader, SOL_TOKEN, 1);
    // Whatever is left: slices, until positions are dust themselves.
    scene.take_insolvent(WHOLE * 9 / 10);
    scene.take_insolvent(WHOLE * 9 / 10);
    let trader = copy(&scene.trader);
    let dust = scene.world.deposit(&trader, SOL_TOKEN, 1);
    scene.world.accept(dust.instruction(), &[&trader.key]);
    let resolve = BankruptcyResolve {
        engine: scene.world.engine,
        margin_account: trader.account,
        quote: scene.world.collateral_address(USDC),
        insured_underlying: insured_underlying(&scene.world.engine, &scene.world.account(&trader)),
    };
    refuse_all(&mut scene.world, &[resolve.instruction()], &[], E::NotBankrupt);
    let event = scene.take_insolvent(WHOLE);
    assert!(event.released);
    let account = scene.world.account(&trader);
    assert!(account.is_flat() && account.balances().is_empty());
}
