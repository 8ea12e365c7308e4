//! Account modes: what each lets an account hold, how it is changed, and sequence numbers that protect a built trade.

use margin_client::{
    addresses,
    errors::EngineError as E,
    events::EngineEvent,
    instructions::{AccountOpen, AccountOpenArgs, MarginCheckArgs, SequenceCheck},
    state::{AccountMode, MarginAccount, StandardParameters, Underlying},
};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{
    BTC, ETH, FAR, NEAR, SOL, SOL_TOKEN, Trader, USDC, World, buy, call, correlation, future, perpetual, put, sell,
    specs, usdc,
};

use crate::liquidation::{distressed, start};

const MODES: [AccountMode; 3] = [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard];

/// An account with hedged BTC options that standard margin does not net, and just enough cash for the portfolio model.
fn hedged() -> (World, Trader, Trader) {
    let mut world = World::new();
    let maker = world.funded(5_000_000.0);
    let trader = world.funded(12_000.0);
    let legs = [
        sell(100, call(BTC, NEAR, 100_000), 2_500.0),
        buy(100, call(BTC, FAR, 100_000), 4_500.0),
        buy(5, perpetual(BTC), 94_128.89),
    ];
    world.fill(&maker, &trader, &legs);
    (world, maker, trader)
}

#[test]
fn an_account_opens_in_any_mode_and_says_so() {
    let mut world = World::new();
    for (index, mode) in MODES.into_iter().enumerate() {
        let (owner, payer) = (Keypair::new(), world.payer.pubkey());
        let args = AccountOpenArgs { index: index as u16, delegate: Default::default(), mode };
        let open = AccountOpen { owner: owner.pubkey(), payer, engine: world.engine, args };
        let events = world.accept(open.instruction(), &[&owner]).events();
        let [EngineEvent::AccountOpened(event)] = &events[..] else { panic!("one event") };
        assert_eq!(event.mode, mode);
        let address = addresses::margin_account(&world.engine, &owner.pubkey(), index as u16);
        assert_eq!(world.load::<MarginAccount>(address).mode(), Ok(mode));
    }
}

#[test]
fn a_change_of_mode_needs_initial_margin_in_the_new_one() {
    let (mut world, _, trader) = hedged();
    let needed = |world: &mut World, mode| {
        let args = MarginCheckArgs { mode: Some(mode), ..MarginCheckArgs::default() };
        world.report_with(&trader, args)
    };
    let standard = needed(&mut world, AccountMode::Standard);
    let missing = standard.initial_margin - standard.equity;
    assert!(missing > 0, "{standard:?}");
    let setting = world.mode_setting(&trader, AccountMode::Standard);
    world.refuse(setting.instruction(), &[&trader.key], E::BelowInitialMargin);
    world.fund(&trader, USDC, missing.unsigned_abs() - 1);
    let setting = world.mode_setting(&trader, AccountMode::Standard);
    world.refuse(setting.instruction(), &[&trader.key], E::BelowInitialMargin);
    // Requirement and equity both round against the account, by less than an atom each.
    world.fund(&trader, USDC, 1);
    let events = world.set_mode(&trader, AccountMode::Standard).events();
    let [EngineEvent::AccountModeSet(event)] = &events[..] else { panic!("one event") };
    assert_eq!((event.before, event.after), (AccountMode::Portfolio, AccountMode::Standard));
    assert_eq!(world.report(&trader), needed(&mut world, AccountMode::Standard));
    // Nothing can be taken out now; back in portfolio mode it can.
    let withdraw = world.withdraw(&trader, USDC, 2);
    world.refuse(withdraw.clone().instruction(), &[&trader.key], E::BelowInitialMargin);
    world.set_mode(&trader, AccountMode::Isolated);
    world.accept(withdraw.instruction(), &[&trader.key]);
    world.set_mode(&trader, AccountMode::Portfolio);
}

#[test]
fn only_the_owner_changes_the_mode() {
    let mut world = World::new();
    let delegate = Keypair::new();
    let trader = world.trader_with_delegate(delegate.pubkey());
    let mut setting = world.mode_setting(&trader, AccountMode::Isolated);
    setting.owner = delegate.pubkey();
    world.refuse(setting.instruction(), &[&delegate], E::NotOwner);
    let mut setting = world.mode_setting(&trader, AccountMode::Isolated);
    setting.engine = world.another_engine();
    world.refuse(setting.instruction(), &[&trader.key], E::ForeignEngine);
    world.set_mode(&trader, AccountMode::Isolated);
}

#[test]
fn an_account_in_liquidation_keeps_its_mode() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    for mode in MODES {
        let setting = world.mode_setting(&trader, mode);
        world.refuse(setting.instruction(), &[&trader.key], E::AccountInLiquidation);
    }
}

#[test]
fn an_isolated_account_trades_one_underlying() {
    let (mut world, maker, trader) = hedged();
    world.set_mode(&trader, AccountMode::Isolated);
    let other = world.trade(&maker, &trader, &[buy(1, perpetual(ETH), 3_240.67)]);
    world.refuse(other.instruction(), &[&maker.key, &trader.key], E::IsolatedUnderlying);
    // As a maker, too.
    let other = world.trade(&trader, &maker, &[buy(1, call(SOL, NEAR, 150), 5.0)]);
    world.refuse(other.instruction(), &[&maker.key, &trader.key], E::IsolatedUnderlying);
    world.fill(&maker, &trader, &[buy(1, put(BTC, FAR, 80_000), 2_000.0)]);
    // An isolated account still may hold any collateral.
    world.fund(&trader, SOL_TOKEN, 1_000_000_000);
    // Out of BTC and into ETH in one trade.
    let out = [
        buy(100, call(BTC, NEAR, 100_000), 2_500.0),
        sell(100, call(BTC, FAR, 100_000), 4_500.0),
        sell(5, perpetual(BTC), 94_128.89),
        sell(1, put(BTC, FAR, 80_000), 2_000.0),
        buy(1, perpetual(ETH), 3_240.67),
    ];
    world.fill(&maker, &trader, &out);
    assert_eq!(world.account(&trader).positions().len(), 1);
}

#[test]
fn a_book_of_two_underlyings_cannot_be_isolated() {
    let (mut world, maker, trader) = hedged();
    world.fill(&maker, &trader, &[buy(1, perpetual(ETH), 3_240.67)]);
    let setting = world.mode_setting(&trader, AccountMode::Isolated);
    world.refuse(setting.instruction(), &[&trader.key], E::IsolatedUnderlying);
    world.fill(&maker, &trader, &[sell(1, perpetual(ETH), 3_240.67)]);
    world.set_mode(&trader, AccountMode::Isolated);
}

#[test]
fn standard_margin_is_offered_by_underlying() {
    let (mut world, _, trader) = hedged();
    world.fund(&trader, USDC, usdc(1_000_000.0));
    let btc = addresses::underlying(&world.engine, BTC);
    let offered = world.underlying(BTC).standard;
    world.forge::<Underlying>(btc, |state| state.standard = StandardParameters::default());
    let setting = world.mode_setting(&trader, AccountMode::Standard);
    world.refuse(setting.clone().instruction(), &[&trader.key], E::StandardNotOffered);
    let args = MarginCheckArgs { mode: Some(AccountMode::Standard), ..MarginCheckArgs::default() };
    let check = world.margin_check_with(&trader, args);
    world.refuse(check.instruction(), &[], E::StandardNotOffered);
    world.report(&trader);
    world.forge::<Underlying>(btc, |state| state.standard = offered);
    world.accept(setting.instruction(), &[&trader.key]);
}

#[test]
fn a_standard_account_trades_position_by_position() {
    let mut world = World::new();
    let maker = world.funded(5_000_000.0);
    let trader = world.funded(2_000.0);
    world.set_mode(&trader, AccountMode::Standard);
    // 0.1 BTC of a future: 10 % of its mark.
    let [btc, ..] = specs();
    let mark = btc.surfaces[0].forward(btc.spot);
    world.fill(&maker, &trader, &[buy(10, future(BTC, NEAR), mark as f64 / 1e12)]);
    let report = world.report(&trader);
    let notional = i64::try_from(mark / 10_000_000).expect("fits");
    assert!((report.initial_margin - notional / 10).abs() <= 1, "{} of {notional}", report.initial_margin);
    assert!((report.maintenance_margin - notional / 20).abs() <= 1);
    // A hedge in another instrument costs as much again.
    let more = world.trade(&maker, &trader, &[sell(12, perpetual(BTC), 94_128.89)]);
    world.refuse(more.instruction(), &[&maker.key, &trader.key], E::BelowInitialMargin);
    world.fill(&maker, &trader, &[sell(10, perpetual(BTC), 94_128.89)]);
    let both = world.report(&trader);
    assert!((both.initial_margin - notional / 10 - 941_288_900).abs() <= 1, "{}", both.initial_margin);
}

#[test]
fn each_mode_needs_its_own_risk_accounts() {
    let (mut world, _, trader) = hedged();
    world.fund(&trader, USDC, usdc(1_000_000.0));
    world.correlate(correlation());
    let markets = MODES.map(|mode| world.mode_setting(&trader, mode).markets);
    assert_eq!(markets.each_ref().map(Vec::len), [3, 2, 2]);
    let mut setting = world.mode_setting(&trader, AccountMode::Isolated);
    setting.markets = markets[0].clone();
    world.refuse(setting.instruction(), &[&trader.key], E::RiskAccountMissing);
    let mut setting = world.mode_setting(&trader, AccountMode::Portfolio);
    setting.markets = markets[1].clone();
    world.refuse(setting.instruction(), &[&trader.key], E::RiskAccountCorrelation);
    world.set_mode(&trader, AccountMode::Isolated);
    // From now on it does not need the cross-underlying model.
    assert_eq!(world.margin_check(&trader).markets.len(), 2);
    world.report(&trader);
}

#[test]
fn a_sequence_check_holds_until_the_next_trade() {
    let (mut world, maker, trader) = hedged();
    let check = |sequence| SequenceCheck { margin_account: trader.account, sequence }.instruction();
    world.accept(check(1), &[]);
    for wrong in [0, 2, u64::MAX] {
        world.refuse(check(wrong), &[], E::SequenceMismatch);
    }
    // Deposits and withdrawals do not count, trades do, on either side.
    world.fund(&trader, USDC, 1);
    world.accept(check(1), &[]);
    world.fill(&trader, &maker, &[buy(1, perpetual(BTC), 94_128.89)]);
    world.refuse(check(1), &[], E::SequenceMismatch);
    world.accept(check(2), &[]);
    // Together with a trade that was built on another book nothing happens.
    let trade = world.trade(&maker, &trader, &[buy(1, perpetual(BTC), 94_128.89)]).instruction();
    let refusal = world.send(&[check(1), trade.clone()], &[&maker.key, &trader.key]).expect_err("an old book");
    assert_eq!(refusal.code, Some(u32::from(E::SequenceMismatch)));
    world.send(&[check(2), trade], &[&maker.key, &trader.key]).expect("the book it was built on");
}
