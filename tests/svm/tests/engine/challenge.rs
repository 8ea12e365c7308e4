//! Tokens that nobody has a price of: the claim, its bond, and what they count for.

use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    instructions::MarginCheck,
    margin::PriceUse,
    pyth::{PriceUpdate, feeds},
    state::{AccountMode, PriceChallenge},
};
use margin_core::Price;
use solana_account::Account;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{BTC, NEAR, SOL_TOKEN, Trader, USDC, World, buy, call};

const BOND: u64 = 100_000_000;
const DAY: i64 = 86_400;

fn payer(world: &mut World) -> Keypair {
    let key = Keypair::new();
    world.svm.airdrop(&key.pubkey(), 1_000_000_000).expect("an airdrop");
    key
}

fn lamports(world: &World, key: &Keypair) -> u64 {
    world.svm.get_account(&key.pubkey()).map_or(0, |account| account.lamports)
}

fn challenge(world: &mut World) {
    let challenger = payer(world);
    let challenge = world.challenge(&challenger, SOL_TOKEN);
    world.accept(challenge.instruction(), &[&challenger]);
}

/// Posts a price of SOL of this age.
fn post(world: &mut World, age: i64) {
    let spot = world.spot(&feeds::SOL_USD);
    let update = PriceUpdate::new(feeds::SOL_USD, Price(spot), Price(spot / 1_000), world.now() - age);
    world.post(&feeds::SOL_USD, &update);
}

/// Time goes by, and everything is published anew but SOL.
fn silent(world: &mut World, seconds: i64) {
    world.advance(seconds);
    world.refresh();
    post(world, seconds.max(301));
}

fn check(world: &World, trader: &Trader, usage: PriceUse) -> MarginCheck {
    let mut check = world.margin_check(trader);
    check.args.usage = usage;
    check
}

/// Cash, a call and SOL.
fn holder(world: &mut World) -> Trader {
    let (maker, trader) = (world.funded(1_000_000.0), world.funded(50_000.0));
    world.fund(&trader, SOL_TOKEN, 10_000_000_000);
    world.fill(&maker, &trader, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    trader
}

#[test]
fn a_bond_is_paid_and_goes_to_whoever_brings_a_price() {
    let mut world = World::new();
    let listing = world.collateral_address(SOL_TOKEN);
    let rent = world.svm.get_account(&listing).expect("a listing").lamports;
    let (challenger, answerer) = (payer(&mut world), payer(&mut world));
    let answer = world.answer(&answerer, SOL_TOKEN);
    world.refuse(answer.clone().instruction(), &[&answerer], E::NotChallenged);
    let quote = world.challenge(&challenger, USDC);
    world.refuse(quote.instruction(), &[&challenger], E::ChallengeQuote);

    let claim = world.challenge(&challenger, SOL_TOKEN);
    let events = world.accept(claim.clone().instruction(), &[&challenger]).events();
    let [EngineEvent::PriceChallenged(event)] = &events[..] else { panic!("one event") };
    assert_eq!((event.collateral, event.challenger, event.bond), (listing, challenger.pubkey(), BOND));
    assert_eq!(event.since, world.now());
    assert_eq!(world.collateral(SOL_TOKEN).challenge, PriceChallenge { since: world.now(), bond: BOND });
    assert_eq!(lamports(&world, &challenger), 1_000_000_000 - BOND);
    assert_eq!(world.svm.get_account(&listing).expect("a listing").lamports, rent + BOND);
    world.refuse(claim.instruction(), &[&challenger], E::AlreadyChallenged);

    // A price as liquidation wants it, of this token.
    post(&mut world, 301);
    world.refuse(answer.clone().instruction(), &[&answerer], E::OracleStale);
    let spot = world.spot(&feeds::SOL_USD);
    let wide = PriceUpdate::new(feeds::SOL_USD, Price(spot), Price(spot / 19), world.now());
    world.post(&feeds::SOL_USD, &wide);
    world.refuse(answer.clone().instruction(), &[&answerer], E::OracleConfidence);
    let mut foreign = answer.clone();
    foreign.price = world.price_account(&feeds::BTC_USD);
    world.refuse(foreign.instruction(), &[&answerer], E::OracleFeed);
    post(&mut world, 300);
    let events = world.accept(answer.clone().instruction(), &[&answerer]).events();
    let [EngineEvent::PriceAnswered(event)] = &events[..] else { panic!("one event") };
    assert_eq!((event.collateral, event.answerer, event.price), (listing, answerer.pubkey(), spot));
    assert_eq!((event.bond, event.challenged_at), (BOND, world.now()));
    assert_eq!(world.collateral(SOL_TOKEN).challenge, PriceChallenge::default());
    assert_eq!(lamports(&world, &answerer), 1_000_000_000 + BOND);
    assert_eq!(world.svm.get_account(&listing).expect("a listing").lamports, rent);
    world.refuse(answer.instruction(), &[&answerer], E::NotChallenged);
}

#[test]
fn a_claim_without_the_bond_is_refused() {
    let mut world = World::new();
    let pauper = Keypair::new();
    world.svm.airdrop(&pauper.pubkey(), BOND / 2).expect("an airdrop");
    let claim = world.challenge(&pauper, SOL_TOKEN).instruction();
    let refusal = world.send(&[claim], &[&pauper]).expect_err("no bond");
    assert!(refusal.cause.contains("Custom(1)"), "the system program's: {}", refusal.cause);
    assert_eq!(world.collateral(SOL_TOKEN).challenge, PriceChallenge::default());
}

#[test]
fn a_token_counts_for_nothing_in_liquidation_once_the_claim_has_stood_for_a_day() {
    let mut world = World::new();
    let trader = holder(&mut world);
    challenge(&mut world);
    silent(&mut world, DAY - 1);
    let judged = check(&world, &trader, PriceUse::Liquidation);
    world.refuse(judged.instruction(), &[], E::OracleStale);
    silent(&mut world, 1);
    let without = world.report(&trader);
    // Whoever has a price shows it, claim or no claim.
    post(&mut world, 0);
    let with = world.report(&trader);
    let spot = i128::from(world.spot(&feeds::SOL_USD));
    // Ten SOL in millionths of a dollar.
    assert_eq!(i128::from(with.equity - without.equity), spot * 10 / 1_000_000);
    assert_eq!((without.collateral_value, without.collateral_maintenance), (0, 0));
    assert!(with.collateral_maintenance > 0);

    // What raises risk does not go without a price. Whoever takes the token out has no part in it.
    post(&mut world, 301);
    let strict = check(&world, &trader, PriceUse::RaiseRisk);
    world.refuse(strict.instruction(), &[], E::OracleStale);
    let part = world.withdraw(&trader, SOL_TOKEN, 1);
    world.refuse(part.instruction(), &[&trader.key], E::OracleStale);
    let all = world.withdraw(&trader, SOL_TOKEN, 10_000_000_000);
    world.accept(all.instruction(), &[&trader.key]);
    assert_eq!(world.report(&trader).equity, without.equity);

    // An answer ends it.
    world.fund(&trader, SOL_TOKEN, 10_000_000_000);
    post(&mut world, 0);
    let answerer = payer(&mut world);
    let answer = world.answer(&answerer, SOL_TOKEN);
    world.accept(answer.instruction(), &[&answerer]);
    post(&mut world, 301);
    let judged = check(&world, &trader, PriceUse::Liquidation);
    world.refuse(judged.instruction(), &[], E::OracleStale);
}

/// A feed that has ended may leave no account at all.
#[test]
fn any_account_stands_for_a_price_that_is_not_there() {
    let mut world = World::new();
    let trader = holder(&mut world);
    challenge(&mut world);
    silent(&mut world, DAY);
    let without = world.report(&trader).equity;
    let address = world.price_account(&feeds::SOL_USD);
    world.svm.set_account(address, Account::default()).expect("an account");
    assert_eq!(world.report(&trader).equity, without);
    // Not so for an underlying.
    let mut judged = check(&world, &trader, PriceUse::Liquidation);
    judged.markets[3].pubkey = address;
    world.refuse(judged.instruction(), &[], E::OracleOwner);
}

/// A token that offsets positions offsets nothing, in every mode.
#[test]
fn a_hedge_without_a_price_is_none() {
    for mode in [AccountMode::Portfolio, AccountMode::Standard] {
        let mut world = World::rich();
        let trader = world.funded(1_000_000.0);
        world.set_mode(&trader, mode);
        let before = world.report(&trader);
        world.fund(&trader, SOL_TOKEN, 10_000_000_000);
        challenge(&mut world);
        silent(&mut world, DAY);
        let after = world.report(&trader);
        assert_eq!(
            (before.maintenance_margin, before.initial_margin),
            (after.maintenance_margin, after.initial_margin)
        );
    }
}
