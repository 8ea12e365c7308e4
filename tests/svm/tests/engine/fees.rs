//! Fees: they wait in the accounts that paid them, anyone collects them, the admin withdraws them.

use margin_client::{
    addresses,
    errors::EngineError as E,
    events::EngineEvent,
    instructions::{AccountOpen, AccountOpenArgs},
    state::{AccountMode, Collateral, TradingParameters},
};
use solana_instruction::AccountMeta;
use solana_signer::Signer;
use tests_svm::{
    AnchorError as A, BTC, NEAR, SOL_TOKEN, Trader, USDC, World, buy, call, free_trading, token_balance, usdc,
};

/// Maker and taker after a trade that cost them 2.353223 and 4.706445 USDC.
fn charged() -> (World, Trader, Trader) {
    let mut world = World::new();
    world.set_trading(BTC, TradingParameters { taker_fee: 500_000, maker_fee: 250_000, ..free_trading() });
    let (maker, taker) = (world.funded(100_000.0), world.funded(10_000.0));
    world.fill(&maker, &taker, &[buy(10, call(BTC, NEAR, 90_000), 5_000.0)]);
    assert_eq!([&maker, &taker].map(|trader| world.account(trader).fees), [2_353_223, 4_706_445]);
    (world, maker, taker)
}

fn collected(world: &World) -> u64 {
    world.load::<Collateral>(world.quote.collateral(&world.engine).collateral).fees
}

#[test]
fn collected_fees_can_be_withdrawn_and_nothing_else() {
    let (mut world, maker, taker) = charged();
    // Twice the same account: its counter is empty then.
    let collect = world.fee_collection(&[&maker, &taker, &maker]).instruction();
    let cash = [&maker, &taker].map(|trader| world.cash(trader));
    let events = world.accept(collect.clone(), &[]).events();
    let [EngineEvent::FeesCollected(event)] = events.as_slice() else { panic!("one collection") };
    assert_eq!((event.fees_before, event.fees_after, collected(&world)), (0, 7_059_668, 7_059_668));
    assert_eq!([&maker, &taker].map(|trader| (world.cash(trader), world.account(trader).fees)), cash.map(|c| (c, 0)));
    world.accept(collect, &[]);
    assert_eq!(collected(&world), 7_059_668);

    let admin = world.admin.insecure_clone();
    let wallet = world.wallet(&admin.pubkey(), world.quote);
    let withdraw = |world: &World, amount| world.fee_withdrawal(wallet, amount).instruction();
    for (amount, error) in [(7_059_669, E::InsufficientFees), (0, E::AmountZero)] {
        let refused = withdraw(&world, amount);
        world.refuse(refused, &[&admin], error);
    }
    let part = withdraw(&world, 7_000_000);
    let events = world.accept(part, &[&admin]).events();
    let [EngineEvent::FeesWithdrawn(event)] = events.as_slice() else { panic!("one withdrawal") };
    assert_eq!((event.amount, event.fees_before, event.fees_after), (7_000_000, 7_059_668, 59_668));
    assert_eq!((event.destination, token_balance(&world.svm, &wallet)), (wallet, 7_000_000));
    let rest = withdraw(&world, 59_668);
    world.accept(rest.clone(), &[&admin]);
    world.refuse(rest, &[&admin], E::InsufficientFees);
}

#[test]
fn only_the_admin_withdraws_fees_and_only_from_their_vault() {
    let (mut world, maker, taker) = charged();
    let collect = world.fee_collection(&[&maker, &taker]);
    world.accept(collect.instruction(), &[]);
    let admin = world.admin.insecure_clone();
    let valid = world.fee_withdrawal(maker.wallets[0], 1_000);
    let mut stranger = valid;
    stranger.admin = maker.owner();
    world.refuse(stranger.instruction(), &[&maker.key], E::NotAdmin);

    let sol = world.tokens[usize::from(SOL_TOKEN)].collateral(&world.engine);
    let mut other = valid;
    other.collateral.mint = sol.mint;
    world.refuse(other.instruction(), &[&admin], E::WrongMint);
    let mut other = valid;
    other.collateral.vault = taker.wallets[0];
    world.refuse(other.instruction(), &[&admin], E::WrongVault);
    let mut other = valid;
    other.destination = valid.collateral.vault;
    world.refuse_anchor(other.instruction(), &[&admin], A::ConstraintDuplicateMutableAccount);
    let mut other = valid;
    other.collateral.token_program = tests_svm::TOKEN_2022_PROGRAM;
    world.refuse(other.instruction(), &[&admin], E::WrongTokenProgram);
    // No other token has fees.
    let mut other = valid;
    (other.collateral, other.destination) = (sol, maker.wallets[1]);
    world.refuse(other.instruction(), &[&admin], E::InsufficientFees);
    let foreign = world.another_engine();
    let mut other = valid;
    other.collateral = world.quote.collateral(&foreign);
    world.refuse(other.instruction(), &[&admin], E::ForeignEngine);

    // More fees than the vault has at the moment.
    let vault = token_balance(&world.svm, &valid.collateral.vault);
    world.forge::<Collateral>(valid.collateral.collateral, |state| state.fees = vault + 1);
    let mut short = valid;
    short.amount = vault + 1;
    world.refuse(short.instruction(), &[&admin], E::VaultLiquidity);
}

#[test]
fn fees_are_collected_from_accounts_of_the_engine_into_its_quote_token() {
    let (mut world, maker, taker) = charged();
    let mut collect = world.fee_collection(&[&maker]);
    collect.collateral = world.tokens[usize::from(SOL_TOKEN)].collateral(&world.engine).collateral;
    world.refuse(collect.instruction(), &[], E::NotQuoteCollateral);

    for (collateral, error) in
        [(world.engine, A::AccountDiscriminatorMismatch), (world.payer.pubkey(), A::AccountOwnedByWrongProgram)]
    {
        let mut collect = world.fee_collection(&[&maker]);
        collect.collateral = collateral;
        world.refuse_anchor(collect.instruction(), &[], error);
    }
    let mut collect = world.fee_collection(&[&maker]).instruction();
    collect.accounts[0].is_writable = false;
    world.refuse_anchor(collect, &[], A::ConstraintMut);

    let foreign = world.another_engine();
    let mut collect = world.fee_collection(&[&maker]);
    collect.collateral = world.quote.collateral(&foreign).collateral;
    world.refuse(collect.instruction(), &[], E::ForeignEngine);
    let open = AccountOpen {
        owner: taker.owner(),
        payer: world.payer.pubkey(),
        engine: foreign,
        args: AccountOpenArgs { index: 0, delegate: taker.owner(), mode: AccountMode::Portfolio },
    };
    world.accept(open.instruction(), &[&taker.key]);
    let mut collect = world.fee_collection(&[&maker]);
    collect.margin_accounts.push(addresses::margin_account(&foreign, &taker.owner(), 0));
    world.refuse(collect.instruction(), &[], E::ForeignEngine);

    let mut collect = world.fee_collection(&[&maker]);
    collect.margin_accounts.push(world.engine);
    world.refuse_anchor(collect.instruction(), &[], A::AccountDiscriminatorMismatch);
    let mut collect = world.fee_collection(&[&maker]).instruction();
    *collect.accounts.last_mut().expect("the maker's") = AccountMeta::new_readonly(maker.account, false);
    world.refuse_anchor(collect, &[], A::AccountNotMutable);
}

#[test]
fn an_account_closes_once_its_fees_are_collected() {
    let (mut world, maker, taker) = charged();
    world.fill(&maker, &taker, &[buy(-10, call(BTC, NEAR, 90_000), 5_000.0)]);
    let cash = world.cash(&taker) as u64;
    let withdraw = world.withdraw(&taker, USDC, cash);
    world.accept(withdraw.instruction(), &[&taker.key]);
    let close = world.closing(&taker);
    world.refuse(close.clone().instruction(), &[&taker.key], E::AccountHasFees);
    let collect = world.fee_collection(&[&taker]);
    world.accept(collect.instruction(), &[]);
    world.accept(close.instruction(), &[&taker.key]);
    assert_eq!(collected(&world), 2 * 4_706_445);
    assert_eq!(cash, usdc(10_000.0) - 2 * 4_706_445);
}
