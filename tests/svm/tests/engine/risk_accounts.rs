//! The markets that follow an instruction's accounts: exactly those that are needed, in one order, each genuine.

use std::collections::BTreeSet;

use margin_client::{
    MarginReport, addresses,
    errors::EngineError as E,
    instructions::MarginCheck,
    margin::PriceUse,
    state::{ExpirySlot, MarginAccount, Underlying},
};
use solana_instruction::AccountMeta;
use solana_pubkey::Pubkey;
use tests_svm::{BTC, ETH, NEAR, SOL, SOL_TOKEN, Trader, World, buy, call, perpetual};

/// An account with SOL as collateral and positions in BTC and ETH: it needs three markets.
fn holder() -> (World, Trader) {
    let mut world = World::new();
    let maker = world.funded(1_000_000.0);
    let trader = world.funded(50_000.0);
    world.fund(&trader, SOL_TOKEN, 10_000_000_000);
    world.fill(&maker, &trader, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0), buy(10, perpetual(ETH), 3_240.0)]);
    (world, trader)
}

type Pair = [AccountMeta; 2];

fn refuse(change: impl FnOnce(&World, &mut Vec<Pair>), error: E) {
    let (mut world, trader) = holder();
    let mut check = world.margin_check(&trader);
    let mut pairs: Vec<Pair> = check.markets.as_chunks::<2>().0.to_vec();
    assert_eq!(pairs.len(), 3, "SOL as collateral, BTC, ETH");
    change(&world, &mut pairs);
    check.markets = pairs.concat();
    world.refuse(check.instruction(), &[], error);
}

fn pair(market: Pubkey, price: Pubkey) -> Pair {
    [market, price].map(|address| AccountMeta::new_readonly(address, false))
}

#[test]
fn exactly_the_needed_markets_are_accepted() {
    let (mut world, trader) = holder();
    let MarginReport { underlyings, collateral_value, .. } = world.report(&trader);
    assert_eq!(underlyings.iter().map(|underlying| underlying.index).collect::<Vec<_>>(), [BTC, ETH]);
    assert_eq!(collateral_value, 1_370_000_000);
}

#[test]
fn a_missing_market_is_refused() {
    for missing in 0..3 {
        let remove = |_: &World, pairs: &mut Vec<Pair>| {
            pairs.remove(missing);
        };
        refuse(remove, E::RiskAccountMissing);
    }
    refuse(|_, pairs| pairs.clear(), E::RiskAccountMissing);
}

#[test]
fn a_market_without_its_price_is_refused() {
    let (mut world, trader) = holder();
    let mut check = world.margin_check(&trader);
    check.markets.pop();
    world.refuse(check.instruction(), &[], E::RiskAccountMissing);
}

#[test]
fn a_doubled_market_is_refused() {
    refuse(|_, pairs| pairs.insert(1, pairs[0].clone()), E::RiskAccountDuplicate);
    refuse(|_, pairs| pairs.insert(1, pairs[1].clone()), E::RiskAccountDuplicate);
    // Even where the doubled one would make up the number.
    refuse(|_, pairs| pairs[2] = pairs[1].clone(), E::RiskAccountDuplicate);
}

#[test]
fn shuffled_markets_are_refused() {
    refuse(|_, pairs| pairs.swap(1, 2), E::RiskAccountOrder);
    refuse(|_, pairs| pairs.swap(0, 1), E::RiskAccountOrder);
    refuse(|_, pairs| pairs.rotate_left(1), E::RiskAccountOrder);
}

#[test]
fn a_market_in_excess_is_refused() {
    let sol = |world: &World| pair_of(world, SOL);
    refuse(|world, pairs| pairs.push(sol(world)), E::RiskAccountUnexpected);
    // In place of a needed one, too.
    refuse(|world, pairs| pairs[2] = sol(world), E::RiskAccountUnexpected);
    // Cash needs no market.
    let quote = |world: &World| world.tokens[0].collateral(&world.engine).collateral;
    refuse(|world, pairs| pairs.insert(0, pair(quote(world), pairs[0][1].pubkey)), E::RiskAccountUnexpected);
}

#[test]
fn a_market_of_another_engine_is_refused() {
    let (mut world, trader) = holder();
    let other = world.another_engine();
    let mut check = world.margin_check(&trader);
    check.markets[2].pubkey = addresses::underlying(&other, BTC);
    world.refuse(check.instruction(), &[], E::ForeignEngine);
    let mut check = world.margin_check(&trader);
    check.markets[0].pubkey = world.tokens[0].collateral(&other).collateral;
    world.refuse(check.instruction(), &[], E::ForeignEngine);
}

#[test]
fn an_account_of_another_program_is_no_market() {
    refuse(|_, pairs| pairs[1].swap(0, 1), E::RiskAccountOwner);
    refuse(|_, pairs| pairs[0][0].pubkey = Pubkey::new_unique(), E::RiskAccountOwner);
    // The genuine bytes, owned by somebody else.
    let (mut world, trader) = holder();
    let mut check = world.margin_check(&trader);
    let mut copy = world.svm.get_account(&check.markets[2].pubkey).expect("a market");
    copy.owner = Pubkey::new_unique();
    let forged = Pubkey::new_unique();
    world.svm.set_account(forged, copy).expect("an account");
    check.markets[2].pubkey = forged;
    world.refuse(check.instruction(), &[], E::RiskAccountOwner);
}

#[test]
fn an_account_of_another_kind_is_no_market() {
    refuse(|world, pairs| pairs[0][0].pubkey = world.engine, E::RiskAccountKind);
    let account = |world: &World| world.margin_accounts()[0].address;
    refuse(|world, pairs| pairs[1][0].pubkey = account(world), E::RiskAccountKind);
}

#[test]
fn a_market_is_read_with_its_own_price_only() {
    refuse(|_, pairs| pairs[1][1] = pairs[2][1].clone(), E::OracleFeed);
    refuse(|_, pairs| pairs[0][1] = pairs[1][1].clone(), E::OracleFeed);
    refuse(|world, pairs| pairs[0][1].pubkey = world.engine, E::OracleOwner);
}

#[test]
fn the_check_needs_an_account_of_the_engine_it_names() {
    let (mut world, trader) = holder();
    let other = world.another_engine();
    let mut check = world.margin_check(&trader);
    check.engine = other;
    world.refuse(check.instruction(), &[], E::ForeignEngine);
}

#[test]
fn trades_and_withdrawals_are_as_strict() {
    let (mut world, trader) = holder();
    let maker = world.funded(10_000.0);
    let trade = world.trade(&maker, &trader, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    for markets in [&trade.markets[..4], &trade.markets[2..], &[]] {
        let short = margin_client::instructions::TradeExecute { markets: markets.to_vec(), ..trade.clone() };
        world.refuse(short.instruction(), &[&maker.key, &trader.key], E::RiskAccountMissing);
    }
    let mut withdraw = world.withdraw(&trader, 0, 1);
    let sol = world.directory.underlying(SOL).expect("listed");
    withdraw.markets.extend(pair(sol.market, sol.price));
    world.refuse(withdraw.clone().instruction(), &[&trader.key], E::RiskAccountUnexpected);
    withdraw.markets.truncate(2);
    world.refuse(withdraw.instruction(), &[&trader.key], E::RiskAccountMissing);
}

/// What a check can be given wrong, each with an error that nothing else has.
#[test]
fn every_bad_input_has_an_error_of_its_own() {
    type Change = fn(&mut World, &Trader, &mut MarginCheck);
    let faults: &[(Change, E)] = &[
        (|_, _, check| check.markets.truncate(4), E::RiskAccountMissing),
        (|_, _, check| check.markets.extend(check.markets[4..].to_vec()), E::RiskAccountDuplicate),
        (|_, _, check| check.markets[2..].rotate_left(2), E::RiskAccountOrder),
        (
            |world, _, check| check.markets[2].pubkey = addresses::underlying(&world.another_engine(), BTC),
            E::ForeignEngine,
        ),
        (|_, _, check| check.markets[2].pubkey = Pubkey::new_unique(), E::RiskAccountOwner),
        (|world, _, check| check.markets[2].pubkey = world.engine, E::RiskAccountKind),
        (|world, _, check| check.markets.extend(pair_of(world, SOL)), E::RiskAccountUnexpected),
        (|_, _, check| check.markets.swap(3, 5), E::OracleFeed),
        (|world, _, _| world.advance(301), E::OracleStale),
        (
            |world, _, check| {
                check.args.usage = PriceUse::RaiseRisk;
                world.advance(601);
                world.refresh_prices();
            },
            E::SurfaceStale,
        ),
        (
            |world, _, _| {
                let unpublished = |slot: &mut ExpirySlot| slot.updated_at = 0;
                let address = addresses::underlying(&world.engine, BTC);
                world.forge::<Underlying>(address, |state| state.expiries.iter_mut().for_each(unpublished));
            },
            E::SurfaceMissing,
        ),
        (
            |world, trader, _| {
                world.forge::<MarginAccount>(trader.account, |account| {
                    account.add_position(call(BTC, NEAR + 1, 90_000), 1, 0).expect("a row");
                });
            },
            E::ExpiryUnknown,
        ),
        (|_, _, check| check.args.witness = Some(vec![0, 31]), E::UnknownScenario),
        (|_, _, check| check.args.witness = Some(vec![0]), E::WitnessCount),
        (|_, _, check| check.args.minimum.initial = Some(i64::MAX), E::HealthBelowMinimum),
    ];
    let mut errors = BTreeSet::new();
    for (change, error) in faults {
        let (mut world, trader) = holder();
        let mut check = world.margin_check(&trader);
        change(&mut world, &trader, &mut check);
        world.refuse(check.instruction(), &[], *error);
        assert!(errors.insert(u32::from(*error)), "{error:?} twice");
    }
}

fn pair_of(world: &World, underlying: u16) -> Pair {
    let addresses = world.directory.underlying(underlying).expect("listed");
    pair(addresses.market, addresses.price)
}
