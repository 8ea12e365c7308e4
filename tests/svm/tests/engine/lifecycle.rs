//! From an empty engine to a closed account, and back to the last atom.

use margin_client::{
    errors::EngineError,
    events::EngineEvent,
    instructions::{AccountClose, AccountOpen, AccountOpenArgs},
    presets,
    state::{AccountMode, Engine},
};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{
    BTC, FAR, MintOptions, NEAR, SOL, SOL_TOKEN, USDC, World, buy, call, lots_of, perpetual, put, sell, token_balance,
    usd, usdc,
};

#[test]
fn an_engine_remembers_how_it_was_initialized() {
    let world = World::bare();
    let engine = world.engine_state();
    assert_eq!(engine.admin, world.admin.pubkey());
    assert_eq!(engine.creator, world.admin.pubkey());
    assert_eq!(engine.quote_mint, world.quote.mint);
    assert_eq!(engine.quote_decimals, 6);
    assert_eq!(engine.liquidation, presets::liquidation());
    assert_eq!((engine.collateral_count, engine.underlying_count), (0, 0));
}

#[test]
fn an_engine_is_initialized_once() {
    let mut world = World::bare();
    let again = world.initialization();
    let admin = world.admin.insecure_clone();
    // The system program's "account already in use".
    world.refuse_code(again.instruction(), &[&admin], 0, "AccountAlreadyInUse");
}

#[test]
fn the_whole_path_ends_with_every_token_back_in_its_wallet() {
    let mut world = World::new();
    let maker = world.trader();
    let taker = world.trader();
    world.fund(&maker, USDC, usdc(200_000.0));
    world.fund(&taker, USDC, usdc(50_000.0));
    world.fund(&taker, SOL_TOKEN, 100_000_000_000);

    // A short strangle, a long-dated call and a perpetual on two underlyings.
    let strangle = [sell(10, call(BTC, NEAR, 110_000), 900.0), sell(10, put(BTC, NEAR, 80_000), 1_000.0)];
    world.fill(&maker, &taker, &strangle);
    let others = [buy(5, call(BTC, FAR, 120_000), 1_700.0), buy(200, perpetual(SOL), 137.0)];
    world.fill(&maker, &taker, &others);
    let premiums = usdc(90.0 + 100.0 - 85.0) as i64;
    assert_eq!(world.cash(&taker), usdc(50_000.0) as i64 + premiums);
    assert_eq!(world.cash(&maker), usdc(200_000.0) as i64 - premiums);

    let report = world.report(&taker);
    assert!(report.equity > report.initial_margin && report.initial_margin > report.maintenance_margin);
    assert!(report.maintenance_margin > 0);
    assert_eq!(report.underlyings.len(), 2);

    // The market moves; everything is closed again at other prices.
    world.shock(SOL, 1.1);
    world.shock(BTC, 1.02);
    let reverse = [
        buy(10, call(BTC, NEAR, 110_000), 1_200.0),
        buy(10, put(BTC, NEAR, 80_000), 800.0),
        sell(5, call(BTC, FAR, 120_000), 1_900.0),
        sell(200, perpetual(SOL), 150.7),
    ];
    world.fill(&maker, &taker, &reverse);
    // Premiums of 105 in, 200 out and 95 in; 200 SOL gained 13.7 each.
    let gain = usdc(105.0 - 120.0 - 80.0 + 95.0 + 200.0 * 13.7) as i64;
    assert_eq!(world.cash(&taker), usdc(50_000.0) as i64 + gain);
    assert_eq!(world.cash(&maker), usdc(200_000.0) as i64 - gain);

    for trader in [&maker, &taker] {
        let account = world.account(trader);
        assert!(account.positions().is_empty());
        let cash = world.cash(trader) as u64;
        let withdraw = world.withdraw(trader, USDC, cash);
        world.accept(withdraw.instruction(), &[&trader.key]);
        assert_eq!(token_balance(&world.svm, &trader.wallets[0]), cash);
    }
    let withdraw = world.withdraw(&taker, SOL_TOKEN, 100_000_000_000);
    world.accept(withdraw.instruction(), &[&taker.key]);
    assert_eq!(token_balance(&world.svm, &taker.wallets[1]), 100_000_000_000);

    for trader in [&maker, &taker] {
        let close = world.closing(trader);
        world.accept(close.instruction(), &[&trader.key]);
        assert!(world.svm.get_account(&trader.account).is_none_or(|account| account.lamports == 0));
    }
    assert!(world.margin_accounts().is_empty());
}

#[test]
fn every_step_tells_what_it_did() {
    let mut world = World::new();
    let maker = world.funded(100_000.0);
    let taker = world.trader();
    world.give(&taker, USDC, usdc(10_000.0));
    let deposit = world.deposit(&taker, USDC, usdc(10_000.0)).instruction();
    let events = world.accept(deposit, &[&taker.key]).events();
    let [EngineEvent::Deposited(deposited)] = &events[..] else { panic!("one deposit") };
    assert_eq!((deposited.balance_before, deposited.balance_after), (0, usdc(10_000.0) as i64));

    let events = world.fill(&maker, &taker, &[buy(3, call(BTC, NEAR, 100_000), 2_500.123_456)]).events();
    let [EngineEvent::TradeExecuted(trade)] = &events[..] else { panic!("one trade") };
    assert_eq!((trade.maker.account, trade.taker.account), (maker.account, taker.account));
    // 0.03 BTC at 2 500.123456 is 75.00370368: the payer's last atom is rounded up.
    assert_eq!(trade.legs[0].cost, 75_003_704);
    assert_eq!(trade.legs[0].price, usd(2_500.123_456));
    assert_eq!(trade.taker.cash_before - trade.taker.cash_after, 75_003_704);
    assert_eq!(trade.maker.cash_after - trade.maker.cash_before, 75_003_704);

    let withdraw = world.withdraw(&taker, USDC, usdc(1_000.0)).instruction();
    let events = world.accept(withdraw, &[&taker.key]).events();
    let [EngineEvent::Withdrawn(withdrawn)] = &events[..] else { panic!("one withdrawal") };
    assert_eq!(withdrawn.balance_before - withdrawn.balance_after, usdc(1_000.0) as i64);
}

#[test]
fn an_account_opens_only_with_its_owners_signature() {
    let mut world = World::new();
    let (victim, stranger) = (Keypair::new(), Keypair::new());
    let args = AccountOpenArgs { index: 0, delegate: stranger.pubkey(), mode: AccountMode::Portfolio };
    let open = AccountOpen { owner: victim.pubkey(), payer: world.payer.pubkey(), engine: world.engine, args };
    let mut instruction = open.instruction();
    instruction.accounts[0].is_signer = false;
    world.refuse_anchor(instruction, &[], tests_svm::AnchorError::AccountNotSigner);
}

#[test]
fn an_owner_may_have_several_accounts() {
    let mut world = World::new();
    let trader = world.funded(10.0);
    let args = AccountOpenArgs { index: 1, delegate: Default::default(), mode: AccountMode::Portfolio };
    let open = AccountOpen { owner: trader.owner(), payer: world.payer.pubkey(), engine: world.engine, args };
    world.accept(open.instruction(), &[&trader.key]);
    assert_eq!(world.margin_accounts().len(), 2);
}

#[test]
fn an_account_closes_only_when_it_is_empty() {
    let mut world = World::new();
    let maker = world.funded(100_000.0);
    let trader = world.funded(20_000.0);
    let stranger = world.trader();

    world.refuse(world.closing(&trader).instruction(), &[&trader.key], EngineError::AccountHasCash);

    world.fund(&trader, SOL_TOKEN, 1);
    world.refuse(world.closing(&trader).instruction(), &[&trader.key], EngineError::AccountHasBalances);

    world.fill(&maker, &trader, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    assert_eq!(lots_of(&world.account(&trader), call(BTC, NEAR, 100_000)), 1);
    world.refuse(world.closing(&trader).instruction(), &[&trader.key], EngineError::AccountHasPositions);

    let theft = AccountClose { owner: stranger.owner(), ..world.closing(&trader) };
    world.refuse(theft.instruction(), &[&stranger.key], EngineError::NotOwner);
    let empty = AccountClose { owner: trader.owner(), ..world.closing(&stranger) };
    world.refuse(empty.instruction(), &[&trader.key], EngineError::NotOwner);
}

#[test]
fn a_quote_token_with_ten_decimals_is_refused() {
    let mut world = World::uninitialized(&MintOptions::spl(10));
    let initialize = world.initialization();
    let admin = world.admin.insecure_clone();
    world.refuse(initialize.instruction(), &[&admin], EngineError::QuoteDecimals);
}

#[test]
fn liquidation_parameters_have_their_ranges() {
    let mut world = World::uninitialized(&MintOptions::spl(6));
    let admin = world.admin.insecure_clone();
    let mut free = world.initialization();
    free.args.liquidation.start_discount = 1_000_000_000;
    world.refuse(free.instruction(), &[&admin], EngineError::LiquidationDiscountParameter);
    let mut endless = world.initialization();
    endless.args.liquidation.buffer = 1_000_000_001;
    world.refuse(endless.instruction(), &[&admin], EngineError::LiquidationBufferParameter);
    // The discount grows, and never beyond everything.
    for (start, fast) in [(300_000_001, 300_000_000), (0, 1_000_000_001)] {
        let mut shrinking = world.initialization();
        (shrinking.args.liquidation.start_discount, shrinking.args.liquidation.fast_discount) = (start, fast);
        world.refuse(shrinking.instruction(), &[&admin], EngineError::LiquidationDiscountParameter);
    }
    let month = 30 * 86_400;
    for (fast, slow, insolvent) in [(0, 0, 0), (month + 1, 1, 1), (1, month + 1, 1), (1, 1, month + 1)] {
        let mut timeless = world.initialization();
        let parameters = &mut timeless.args.liquidation;
        (parameters.fast_seconds, parameters.slow_seconds, parameters.insolvent_seconds) = (fast, slow, insolvent);
        world.refuse(timeless.instruction(), &[&admin], EngineError::LiquidationDurationParameter);
    }
    for delay in [86_399, 90 * 86_400 + 1] {
        let mut hasty = world.initialization();
        hasty.args.liquidation.insurance_delay = delay;
        world.refuse(hasty.instruction(), &[&admin], EngineError::InsuranceDelayParameter);
    }
    let mut edge = world.initialization();
    edge.args.liquidation.start_discount = 999_999_999;
    edge.args.liquidation.fast_discount = 1_000_000_000;
    edge.args.liquidation.buffer = 1_000_000_000;
    world.accept(edge.instruction(), &[&admin]);
    assert_eq!(world.load::<Engine>(world.engine).liquidation.start_discount, 999_999_999);
}
