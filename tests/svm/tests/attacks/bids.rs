//! Attacks by bids in the solvent auction.

use margin_client::{
    errors::EngineError as E,
    instructions::{BidLegs, ChecksEnd, Withdraw},
};
use solana_instruction::{AccountMeta, Instruction};
use tests_svm::{Trader, USDC, World, usdc};

use crate::scene::{Scene, WHOLE, accept_all, bid_of, copy, refuse_all};

/// A bid for everything of some positions.
fn leg_bid(scene: &Scene, keeper: &Trader, positions: u64) -> Instruction {
    let mut bid = scene.world.bid(keeper, &scene.trader, WHOLE);
    let sequence = scene.world.account(&scene.trader).sequence;
    bid.args.legs = Some(BidLegs { sequence, positions: [positions, 0], balances: 0 });
    bid.instruction()
}

fn bid_markets(scene: &Scene, keeper: &Trader) -> Vec<AccountMeta> {
    let (bidder, account) = (scene.world.account(keeper), scene.world.account(&scene.trader));
    scene.world.directory.for_bid(&bidder, &account).expect("listed markets")
}

/// `checks_end` of a bidder who holds what the account holds.
fn end_after_bid(scene: &Scene, keeper: &Trader) -> Instruction {
    let (engine, margin_account) = (scene.world.engine, keeper.account);
    ChecksEnd { engine, margin_account, markets: bid_markets(scene, keeper) }.instruction()
}

/// **Replaying a bid**: the runtime runs no transaction twice; chosen legs are bound to the account's sequence number; and a slice bid
/// signed anew is a new purchase, within the limit that its bidder set.
#[test]
fn a_bid_runs_once() {
    let mut scene = Scene::distressed();
    scene.start();
    let slice = scene.world.bid(&scene.keeper, &scene.trader, WHOLE / 50).instruction();
    let transaction = scene.world.transaction(&[slice], &[&scene.keeper.key]);
    scene.world.svm.send_transaction(transaction.clone()).expect("a bid");
    let after = scene.world.cash(&scene.keeper);
    let replayed = scene.world.svm.send_transaction(transaction).expect_err("the same transaction");
    assert_eq!(format!("{:?}", replayed.err), "AlreadyProcessed");
    assert_eq!(scene.world.cash(&scene.keeper), after);

    let legs = leg_bid(&scene, &scene.keeper, 0b10);
    let mut thin = scene.world.bid(&scene.keeper, &scene.trader, WHOLE / 50);
    thin.args.legs =
        Some(BidLegs { sequence: scene.world.account(&scene.trader).sequence, positions: [0b10, 0], balances: 0 });
    scene.world.accept(thin.clone().instruction(), &[&scene.keeper.key]);
    scene.world.refuse(thin.instruction(), &[&scene.keeper.key], E::BidSequence);
    scene.world.refuse(legs, &[&scene.keeper.key], E::BidSequence);
}

/// **Griefing with dust**: the thinnest bids cost who makes them, and a slice bid signed before them still passes at its price.
/// Strangers cannot put dust into the account either.
#[test]
fn dust_bids_cost_their_bidder_and_stop_nobody() {
    let mut scene = Scene::distressed();
    scene.start();
    let griefer = scene.world.funded(1_000_000.0);
    let mut signed = scene.world.bid(&scene.keeper, &scene.trader, WHOLE / 50);
    // Dust takes shorts without cash, so what is left is worth more.
    signed.args.price_limit = scene.world.report(&scene.trader).equity / 20;
    let before = scene.wealth(&[&griefer]);
    let mut dust = 0;
    for _ in 0..12 {
        let bid = scene.world.bid(&griefer, &scene.trader, 1).instruction();
        match scene.world.attempt(&[bid], &[&griefer.key]) {
            Ok(_) => dust += 1,
            Err(error) => assert!([E::BidWorsens.name(), E::AccountHealthy.name()].contains(&error.name())),
        }
    }
    let after = scene.wealth(&[&griefer]);
    assert!(dust > 5 && after < before, "{dust} bids brought {}", after - before);
    let event = bid_of(scene.world.accept(signed.clone().instruction(), &[&scene.keeper.key]).events());
    assert_eq!(event.fraction, WHOLE / 50);
    // The last lot of an underlying can be bought away from under a signed bid, once for each underlying: its markets change.
    while scene.world.report(&scene.trader).underlying_count == 2 {
        let bid = scene.world.bid(&griefer, &scene.trader, 1).instruction();
        scene.world.accept(bid, &[&griefer.key]);
        dust += 1;
    }
    assert!(dust < 20, "{dust}");
    // The bidder himself holds some of it, so his bid needs the market still; who holds nothing signs anew.
    scene.world.accept(signed.instruction(), &[&scene.keeper.key]);

    scene.world.give(&griefer, USDC, 1);
    let mut gift = scene.world.deposit(&griefer, USDC, 1);
    gift.margin_account = scene.trader.account;
    scene.world.refuse(gift.instruction(), &[&griefer.key], E::NotOwnerOrDelegate);
}

/// **Legs chosen to strip the hedges**: what leaves the account further from its buffer is refused; what frees margin earns at most what
/// the largest slice would have.
#[test]
fn no_choice_of_legs_earns_more_than_the_largest_slice() {
    let mut whole = Scene::distressed();
    whole.start();
    let slice = whole.take(WHOLE);
    let most = slice.slice_value - slice.price;
    assert!(most > 0);
    let mut refused = 0;
    for positions in 1u64..16 {
        let mut scene = Scene::distressed();
        scene.start();
        let before = scene.wealth(&[&copy(&scene.keeper)]);
        let bid = leg_bid(&scene, &scene.keeper, positions);
        let (world, key) = (&mut scene.world, scene.keeper.key.insecure_clone());
        match world.attempt(&[bid], &[&key]) {
            Ok(_) => {
                assert_ne!(positions, 0b100, "the long calls alone are a hedge");
                let gain = scene.wealth(&[&copy(&scene.keeper)]) - before;
                // Lots of the largest slice round: up to one of each position.
                assert!(gain <= most + most / 20 + 4, "{positions:#b} earned {gain} of {most}");
            }
            Err(error) => {
                assert_eq!(error.name(), E::BidWorsens.name(), "{positions:#b}");
                refused += 1;
            }
        }
    }
    assert!(refused >= 2, "{refused}");
}

/// **A bid between `checks_begin` and `checks_end` that ends unhealthy**: the end refuses, and nothing of it has happened.
#[test]
fn a_deferred_bid_is_checked_at_the_end() {
    let mut scene = Scene::distressed();
    scene.start();
    let poor = scene.world.funded(10.0);
    for (bidder, passes) in [(&poor, false), (&copy(&scene.keeper), true)] {
        let bid = scene.world.bid(bidder, &scene.trader, WHOLE / 2).instruction();
        let framed = [scene.world.begin(bidder), bid, end_after_bid(&scene, bidder)];
        if passes {
            accept_all(&mut scene.world, &framed, &[&bidder.key]);
        } else {
            refuse_all(&mut scene.world, &framed, &[&bidder.key], E::BelowInitialMargin);
            // Nor may the end be left out.
            refuse_all(&mut scene.world, &framed[..2], &[&bidder.key], E::DeferredEnd);
        }
    }
}

/// **Liquidating into an account that then withdraws**, leaving the slice without margin: a withdrawal requires initial margin, and may not
/// stand where checks are deferred.
#[test]
fn a_bidder_cannot_withdraw_the_margin_of_what_he_took() {
    let mut scene = Scene::distressed();
    scene.start();
    let bidder = scene.world.funded(40_000.0);
    let bid = scene.world.bid(&bidder, &scene.trader, WHOLE).instruction();
    // All his cash, with the markets of what he will hold.
    let leaving =
        |world: &World, amount, markets| Withdraw { markets, ..world.withdraw(&bidder, USDC, amount) }.instruction();
    let all = leaving(&scene.world, usdc(39_000.0), bid_markets(&scene, &bidder));
    refuse_all(&mut scene.world, &[bid.clone(), all.clone()], &[&bidder.key], E::BelowInitialMargin);
    let framed = [scene.world.begin(&bidder), bid.clone(), all, end_after_bid(&scene, &bidder)];
    refuse_all(&mut scene.world, &framed, &[&bidder.key], E::DeferredInstruction);

    scene.world.accept(bid, &[&bidder.key]);
    let report = scene.world.report(&bidder);
    let spare = (report.equity - report.initial_margin).unsigned_abs();
    let too_much = scene.world.withdraw(&bidder, USDC, spare + 2).instruction();
    scene.world.refuse(too_much, &[&bidder.key], E::BelowInitialMargin);
    let rest = scene.world.withdraw(&bidder, USDC, spare - 2).instruction();
    scene.world.accept(rest, &[&bidder.key]);
}
