//! Risk accounts where checks need more than markets held: the cross-underlying model first, the quote token's price, and
//! the underlyings that tokens are linked to.

use margin_client::{addresses, errors::EngineError as E, pyth::feeds};
use solana_instruction::AccountMeta;
use solana_pubkey::Pubkey;
use tests_svm::{BTC, ETH, NEAR, SOL, SOL_TOKEN, Trader, USDC, World, buy, call, correlation};

/// An account with SOL as collateral and a position in BTC, on a market with everything: it needs the cross-underlying
/// model, the quote token, SOL as a token, BTC, and SOL as an underlying.
fn holder() -> (World, Trader) {
    let mut world = World::rich();
    world.correlate(correlation());
    let maker = world.funded(1_000_000.0);
    let trader = world.funded(50_000.0);
    world.fund(&trader, SOL_TOKEN, 10_000_000_000);
    world.fill(&maker, &trader, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    (world, trader)
}

fn meta(address: Pubkey) -> AccountMeta {
    AccountMeta::new_readonly(address, false)
}

fn pair(world: &World, underlying: u16) -> [AccountMeta; 2] {
    let addresses = world.directory.underlying(underlying).expect("listed");
    [addresses.market, addresses.price].map(meta)
}

fn refuse(change: impl FnOnce(&mut World, &mut Vec<AccountMeta>), error: E) {
    let (mut world, trader) = holder();
    let mut check = world.margin_check(&trader);
    assert_eq!(check.markets.len(), 9);
    change(&mut world, &mut check.markets);
    world.refuse(check.instruction(), &[], error);
}

#[test]
fn exactly_the_needed_accounts_are_accepted() {
    let (mut world, trader) = holder();
    let check = world.margin_check(&trader);
    let token = |index: usize| world.tokens[index].collateral(&world.engine).collateral;
    let underlying = |index| addresses::underlying(&world.engine, index);
    let markets: Vec<_> = check.markets.iter().skip(1).step_by(2).map(|meta| meta.pubkey).collect();
    assert_eq!(check.markets[0].pubkey, addresses::correlation(&world.engine));
    assert_eq!(markets, [token(0), token(1), underlying(BTC), underlying(SOL)]);
    let report = world.report(&trader);
    assert_eq!(report.underlyings.iter().map(|part| part.index).collect::<Vec<_>>(), [BTC, SOL]);
}

#[test]
fn the_cross_underlying_model_comes_first_and_is_the_engines_own() {
    let remove = |_: &mut World, markets: &mut Vec<AccountMeta>| {
        markets.remove(0);
    };
    refuse(remove, E::RiskAccountCorrelation);
    refuse(|_, markets| markets.clear(), E::RiskAccountMissing);
    refuse(|_, markets| markets.rotate_left(1), E::RiskAccountCorrelation);
    refuse(|world, markets| markets[0] = meta(world.engine), E::RiskAccountCorrelation);
    refuse(|_, markets| markets[0] = meta(Pubkey::new_unique()), E::RiskAccountOwner);
    refuse(|_, markets| markets.insert(1, markets[0].clone()), E::RiskAccountMissing);
    let twice = |_: &mut World, markets: &mut Vec<AccountMeta>| {
        let model = markets[0].clone();
        markets.splice(1..1, [model.clone(), model]);
    };
    refuse(twice, E::RiskAccountKind);
    let foreign = |world: &mut World, markets: &mut Vec<AccountMeta>| {
        markets[0] = meta(addresses::correlation(&world.another_engine()));
    };
    refuse(foreign, E::ForeignEngine);
}

#[test]
fn the_price_of_the_quote_token_is_needed_by_everybody() {
    let remove = |_: &mut World, markets: &mut Vec<AccountMeta>| {
        markets.drain(1..3);
    };
    refuse(remove, E::RiskAccountMissing);
    refuse(|_, markets| markets[2] = markets[4].clone(), E::OracleFeed);
    refuse(|_, markets| (1..3).for_each(|at| markets.swap(at, at + 2)), E::RiskAccountOrder);
    let doubled = |_: &mut World, markets: &mut Vec<AccountMeta>| {
        let quote = markets[1..3].to_vec();
        markets.splice(1..1, quote);
    };
    refuse(doubled, E::RiskAccountDuplicate);

    // Even by an account with nothing in it, and by one that withdraws cash.
    let mut world = World::rich();
    let trader = world.funded(100.0);
    let mut check = world.margin_check(&trader);
    assert_eq!(check.markets.len(), 2);
    check.markets.clear();
    world.refuse(check.instruction(), &[], E::RiskAccountMissing);
    let mut withdraw = world.withdraw(&trader, USDC, 1);
    withdraw.markets.clear();
    world.refuse(withdraw.instruction(), &[&trader.key], E::RiskAccountMissing);
    world.advance(61);
    let withdraw = world.withdraw(&trader, USDC, 1);
    world.refuse(withdraw.instruction(), &[&trader.key], E::OracleStale);
    world.set_price(&feeds::USDC_USD, world.spot(&feeds::USDC_USD));
    let withdraw = world.withdraw(&trader, USDC, 1);
    world.accept(withdraw.instruction(), &[&trader.key]);
}

#[test]
fn a_linked_token_brings_its_underlying() {
    refuse(|_, markets| markets.truncate(7), E::RiskAccountMissing);
    refuse(|world, markets| markets.splice(7.., pair(world, ETH)).for_each(drop), E::RiskAccountUnexpected);
    let insert =
        |world: &mut World, markets: &mut Vec<AccountMeta>| markets.splice(7..7, pair(world, ETH)).for_each(drop);
    refuse(insert, E::RiskAccountUnexpected);

    // With the token in full goes the need for it.
    let (mut world, trader) = holder();
    let withdraw = world.withdraw(&trader, SOL_TOKEN, 10_000_000_000);
    assert_eq!(withdraw.markets.len(), 5);
    let mut excess = withdraw.clone();
    excess.markets.extend(pair(&world, SOL));
    world.refuse(excess.instruction(), &[&trader.key], E::RiskAccountUnexpected);
    world.accept(withdraw.instruction(), &[&trader.key]);
    assert_eq!(world.margin_check(&trader).markets.len(), 5);
}

#[test]
fn an_engine_without_these_takes_none_of_them() {
    let mut world = World::new();
    let trader = world.funded(100.0);
    let other = world.another_engine();
    let mut check = world.margin_check(&trader);
    check.markets.push(meta(addresses::correlation(&other)));
    world.refuse(check.instruction(), &[], E::RiskAccountMissing);
    let mut check = world.margin_check(&trader);
    let price = world.price_account(&feeds::SOL_USD);
    check.markets = vec![meta(world.tokens[0].collateral(&world.engine).collateral), meta(price)];
    world.refuse(check.instruction(), &[], E::RiskAccountUnexpected);
}
