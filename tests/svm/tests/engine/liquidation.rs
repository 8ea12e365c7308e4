//! When an account may be liquidated, by whom, what it may not do meanwhile, and how it gets out.

use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    instructions::{AccountOpen, AccountOpenArgs},
    state::{AccountMode, MarginAccount},
};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{
    AnchorError, BTC, ETH, FAR, NEAR, SOL_TOKEN, Trader, USDC, World, buy, call, perpetual, put, sell, specs, usdc,
};

pub const WHOLE: u64 = 1_000_000_000;

/// A keeper with plenty of cash, and a trader with cash, SOL and a book of four legs that he can just carry.
pub fn stretched() -> (World, Trader, Trader) {
    let mut world = World::new();
    let maker = world.funded(1_000_000.0);
    let keeper = world.funded(1_000_000.0);
    let trader = world.funded(30_000.0);
    world.fund(&trader, SOL_TOKEN, 5_123_456_789);
    let legs = [
        sell(201, call(BTC, FAR, 100_000), 4_500.0),
        buy(77, call(BTC, FAR, 110_000), 2_200.0),
        buy(13, put(BTC, NEAR, 85_000), 900.0),
        sell(19, perpetual(ETH), 3_240.67),
    ];
    world.fill(&maker, &trader, &legs);
    (world, trader, keeper)
}

/// The same after BTC has risen, a percent at a time, until maintenance margin is no longer covered.
pub fn distressed() -> (World, Trader, Trader) {
    let (mut world, trader, keeper) = stretched();
    sink(&mut world, &trader, 0);
    (world, trader, keeper)
}

/// Raises BTC until the account's equity is below maintenance margin and not above `equity` atoms (0: any).
pub fn sink(world: &mut World, trader: &Trader, equity: i64) {
    for _ in 0..100 {
        let report = world.report(trader);
        if report.equity < report.maintenance_margin && (equity == 0 || report.equity <= equity) {
            return;
        }
        world.shock(BTC, 1.01);
    }
    panic!("BTC has tripled and the account still stands");
}

/// The buffer of the default engine is a tenth of the requirement, rounded up.
pub fn tenth(requirement: i64) -> i64 {
    requirement / 10 + i64::from(requirement % 10 > 0)
}

#[track_caller]
pub fn start(world: &mut World, keeper: &Trader, trader: &Trader) {
    let start = world.start(keeper, trader);
    world.accept(start.instruction(), &[&keeper.key]);
}

#[test]
fn only_an_account_below_maintenance_margin_goes_into_liquidation() {
    let (mut world, trader, keeper) = stretched();
    let healthy = world.start(&keeper, &trader);
    world.refuse(healthy.instruction(), &[&keeper.key], E::AccountHealthy);
    sink(&mut world, &trader, 0);
    let report = world.report(&trader);
    let start = world.start(&keeper, &trader);
    let events = world.accept(start.instruction(), &[&keeper.key]).events();
    let [EngineEvent::LiquidationStarted(event)] = events.as_slice() else { panic!("one event") };
    assert_eq!((event.account, event.liquidator), (trader.account, keeper.owner()));
    assert_eq!((event.equity, event.maintenance_margin), (report.equity, report.maintenance_margin));
    let state = world.account(&trader).liquidation;
    assert_eq!((state.active, state.started_at, state.cash_from_bids), (1, world.now(), [0; 16]));
    assert!(world.report(&trader).in_liquidation);
    let again = world.start(&keeper, &trader);
    world.refuse(again.instruction(), &[&keeper.key], E::AlreadyInLiquidation);
}

#[test]
fn the_boundary_is_maintenance_margin_itself() {
    let (mut world, trader, keeper) = stretched();
    let report = world.report(&trader);
    let short_by = |world: &mut World, atoms: i64| {
        world.forge::<MarginAccount>(trader.account, |account| {
            let cash = report.cash - (report.equity - report.maintenance_margin) - atoms;
            account.cash = (i128::from(cash) << 48).to_le_bytes();
        });
    };
    // Reports round against the account, by less than two atoms together.
    short_by(&mut world, 0);
    let at = world.start(&keeper, &trader);
    world.refuse(at.instruction(), &[&keeper.key], E::AccountHealthy);
    short_by(&mut world, 2);
    start(&mut world, &keeper, &trader);
}

#[test]
fn anyone_may_start_but_somebody_signs() {
    let (mut world, trader, keeper) = distressed();
    let mut unsigned = world.start(&keeper, &trader).instruction();
    unsigned.accounts[0].is_signer = false;
    world.refuse_anchor(unsigned, &[], AnchorError::AccountNotSigner);
    let stranger = Keypair::new();
    let mut start = world.start(&keeper, &trader);
    start.liquidator = stranger.pubkey();
    world.accept(start.instruction(), &[&stranger]);
}

#[test]
fn an_account_in_liquidation_neither_trades_nor_withdraws_nor_bids() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    // Not even a trade that would help.
    let cover = [buy(201, call(BTC, FAR, 100_000), 100.0)];
    let trade = world.trade(&keeper, &trader, &cover);
    world.refuse(trade.instruction(), &[&keeper.key, &trader.key], E::AccountInLiquidation);
    let trade = world.trade(&trader, &keeper, &cover);
    world.refuse(trade.instruction(), &[&keeper.key, &trader.key], E::AccountInLiquidation);
    let withdraw = world.withdraw(&trader, SOL_TOKEN, 1);
    world.refuse(withdraw.instruction(), &[&trader.key], E::AccountInLiquidation);
    let withdraw = world.withdraw(&trader, USDC, 1);
    world.refuse(withdraw.instruction(), &[&trader.key], E::AccountInLiquidation);

    // Two accounts in liquidation cannot take over each other.
    world.forge::<MarginAccount>(keeper.account, |account| account.liquidation.active = 1);
    let bid = world.bid(&keeper, &trader, WHOLE);
    world.refuse(bid.instruction(), &[&keeper.key], E::AccountInLiquidation);
}

#[test]
fn an_empty_account_that_is_still_marked_cannot_close() {
    let mut world = World::new();
    let trader = world.trader();
    world.forge::<MarginAccount>(trader.account, |account| account.liquidation.active = 1);
    let close = world.closing(&trader);
    world.refuse(close.instruction(), &[&trader.key], E::AccountInLiquidation);
}

#[test]
fn a_bid_needs_a_started_liquidation() {
    let (mut world, trader, keeper) = distressed();
    let bid = world.bid(&keeper, &trader, WHOLE);
    world.refuse(bid.instruction(), &[&keeper.key], E::NotInLiquidation);
    let stop = world.stop(&trader);
    world.refuse(stop.instruction(), &[], E::NotInLiquidation);
}

#[test]
fn nobody_bids_for_his_own_account() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let own = world.bid(&trader, &trader, WHOLE);
    world.refuse(own.instruction(), &[&trader.key], E::AccountInLiquidation);
    // Nor through a second account of his.
    let args = AccountOpenArgs { index: 1, delegate: Pubkey::default(), mode: AccountMode::Portfolio };
    let open = AccountOpen { owner: trader.owner(), payer: world.payer.pubkey(), engine: world.engine, args };
    world.accept(open.instruction(), &[&trader.key]);
    let second = margin_client::addresses::margin_account(&world.engine, &trader.owner(), 1);
    let alias = Trader { key: trader.key.insecure_clone(), account: second, wallets: trader.wallets.clone() };
    let bid = world.bid(&alias, &trader, WHOLE);
    world.refuse(bid.instruction(), &[&trader.key], E::SelfLiquidation);
}

#[test]
fn a_bidder_acts_for_his_own_account_or_as_its_delegate() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let stranger = Keypair::new();
    let mut bid = world.bid(&keeper, &trader, WHOLE);
    bid.bidder = stranger.pubkey();
    world.refuse(bid.clone().instruction(), &[&stranger], E::NotOwnerOrDelegate);
    let mut unsigned = world.bid(&keeper, &trader, WHOLE).instruction();
    unsigned.accounts[0].is_signer = false;
    world.refuse_anchor(unsigned, &[], AnchorError::AccountNotSigner);
    // The account's own owner cannot make others pay for it.
    let mut forced = world.bid(&keeper, &trader, WHOLE);
    forced.bidder = trader.owner();
    world.refuse(forced.instruction(), &[&trader.key], E::NotOwnerOrDelegate);

    let fund = world.trader_with_delegate(stranger.pubkey());
    world.fund(&fund, USDC, usdc(100_000.0));
    let mut bid = world.bid(&fund, &trader, WHOLE);
    bid.bidder = stranger.pubkey();
    world.accept(bid.instruction(), &[&stranger]);
}

#[test]
fn accounts_of_two_engines_do_not_liquidate_each_other() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let other = world.another_engine();
    let mut bid = world.bid(&keeper, &trader, WHOLE);
    bid.engine = other;
    world.refuse(bid.instruction(), &[&keeper.key], E::ForeignEngine);
    let mut stop = world.stop(&trader);
    stop.engine = other;
    world.refuse(stop.instruction(), &[], E::ForeignEngine);
    for account in [keeper.account, trader.account] {
        let bid = world.bid(&keeper, &trader, WHOLE);
        world.forge::<MarginAccount>(account, |state| state.engine = other);
        world.refuse(bid.instruction(), &[&keeper.key], E::ForeignEngine);
        let home = world.engine;
        world.forge::<MarginAccount>(account, |state| state.engine = home);
    }
}

#[test]
fn a_deposit_that_restores_maintenance_margin_and_buffer_ends_it() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let early = world.stop(&trader);
    world.refuse(early.instruction(), &[], E::NotRecovered);
    let report = world.report(&trader);
    let buffer = tenth(report.maintenance_margin);
    let missing = (report.maintenance_margin + buffer - report.equity).unsigned_abs();
    world.fund(&trader, USDC, missing - 3);
    let nearly = world.stop(&trader);
    world.refuse(nearly.instruction(), &[], E::NotRecovered);
    world.fund(&trader, USDC, 3);
    // Who could be released can no longer be bought.
    let bid = world.bid(&keeper, &trader, WHOLE);
    world.refuse(bid.instruction(), &[&keeper.key], E::AccountHealthy);
    let stop = world.stop(&trader);
    let events = world.accept(stop.instruction(), &[]).events();
    let [EngineEvent::LiquidationStopped(event)] = events.as_slice() else { panic!("one event") };
    assert_eq!(event.maintenance_margin, report.maintenance_margin);
    assert_eq!(event.equity, report.equity + missing as i64);
    assert_eq!(world.account(&trader).liquidation.active, 0);
    // Below initial margin he may still not withdraw what he just brought.
    let withdraw = world.withdraw(&trader, USDC, missing);
    world.refuse(withdraw.instruction(), &[&trader.key], E::BelowInitialMargin);
}

#[test]
fn a_better_market_ends_it_too() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let [btc, ..] = specs();
    world.set_price(&btc.feed, btc.spot);
    let stop = world.stop(&trader);
    world.accept(stop.instruction(), &[]);
    let again = world.start(&keeper, &trader);
    world.refuse(again.instruction(), &[&keeper.key], E::AccountHealthy);
}

#[test]
fn liquidation_goes_on_when_prices_are_too_old_to_trade() {
    let (mut world, trader, keeper) = distressed();
    // Prices age beyond a minute, surfaces beyond ten: trading stops.
    world.advance(250);
    let trade = world.trade(&trader, &keeper, &[buy(1, perpetual(ETH), 3_240.67)]);
    world.refuse(trade.instruction(), &[&keeper.key, &trader.key], E::OracleStale);
    start(&mut world, &keeper, &trader);
    let bid = world.bid(&keeper, &trader, WHOLE / 10);
    world.accept(bid.instruction(), &[&keeper.key]);
    // Five minutes are too much for anybody.
    world.advance(51);
    let bid = world.bid(&keeper, &trader, WHOLE / 10);
    world.refuse(bid.instruction(), &[&keeper.key], E::OracleStale);
    let stop = world.stop(&trader);
    world.refuse(stop.instruction(), &[], E::OracleStale);
    for spec in specs() {
        let spot = world.spot(&spec.feed);
        world.set_price(&spec.feed, spot);
    }
    world.advance(299);
    let bid = world.bid(&keeper, &trader, WHOLE / 10);
    world.accept(bid.instruction(), &[&keeper.key]);
}
