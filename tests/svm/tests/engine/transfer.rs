//! Between an owner's accounts, and who else may act for him.

use margin_client::{
    errors::EngineError as E, events::EngineEvent, instructions::AccountSetDelegate, state::MarginAccount,
};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{BTC, SOL_TOKEN, Trader, USDC, World, buy, perpetual, usdc};

use crate::liquidation::{distressed, start};

/// An owner with 1 000 USDC and 10 SOL in account 0, and nothing in account 1.
fn owner() -> (World, Trader, Pubkey) {
    let mut world = World::new();
    let trader = world.funded(1_000.0);
    world.fund(&trader, SOL_TOKEN, 10_000_000_000);
    let second = world.second_account(&trader);
    (world, trader, second)
}

#[test]
fn cash_and_tokens_move_and_nothing_else_does() {
    let (mut world, trader, second) = owner();
    let transfer = world.transfer(&trader, second, USDC, usdc(400.0));
    let receipt = world.accept(transfer.instruction(), &[&trader.key]);
    let [EngineEvent::AccountTransferred(event)] = &receipt.events()[..] else { panic!("one event") };
    let atoms = |tokens: f64| usdc(tokens) as i64;
    assert_eq!((event.source, event.destination, event.collateral), (trader.account, second, USDC));
    assert_eq!((event.source_before, event.source_after), (atoms(1_000.0), atoms(600.0)));
    assert_eq!((event.destination_before, event.destination_after), (0, atoms(400.0)));
    // All tokens: the row goes, and with it the need for a price.
    let transfer = world.transfer(&trader, second, SOL_TOKEN, 10_000_000_000);
    assert!(transfer.markets.is_empty());
    world.accept(transfer.instruction(), &[&trader.key]);
    assert!(world.account(&trader).balances().is_empty());
    let stored = world.load::<MarginAccount>(second);
    assert_eq!((stored.balance_of(SOL_TOKEN), stored.cash_atoms_floor()), (10_000_000_000, 400_000_000));
}

#[test]
fn only_what_is_there_and_only_to_oneself() {
    let (mut world, trader, second) = owner();
    let refuse = |world: &mut World, token, amount, error| {
        let transfer = world.transfer(&trader, second, token, amount);
        world.refuse(transfer.instruction(), &[&trader.key], error);
    };
    refuse(&mut world, USDC, 0, E::AmountZero);
    refuse(&mut world, USDC, usdc(1_000.0) + 1, E::InsufficientBalance);
    refuse(&mut world, SOL_TOKEN, 10_000_000_001, E::InsufficientBalance);
    refuse(&mut world, 63, 1, E::InsufficientBalance);
    let transfer = world.transfer(&trader, trader.account, USDC, 1);
    world.refuse(transfer.instruction(), &[&trader.key], E::TransferToSelf);
    let friend = world.trader();
    let gift = world.transfer(&trader, friend.account, USDC, 1);
    world.refuse(gift.instruction(), &[&trader.key], E::TransferOwner);
    let mut theft = world.transfer(&trader, friend.account, USDC, 1);
    theft.owner = friend.owner();
    world.refuse(theft.instruction(), &[&friend.key], E::NotOwner);
}

#[test]
fn the_source_keeps_its_initial_margin() {
    let (mut world, trader, second) = owner();
    let maker = world.funded(1_000_000.0);
    world.fill(&maker, &trader, &[buy(5, perpetual(BTC), 97_000.0)]);
    let transfer = world.transfer(&trader, second, SOL_TOKEN, 10_000_000_000);
    world.refuse(transfer.instruction(), &[&trader.key], E::BelowInitialMargin);
    let transfer = world.transfer(&trader, second, USDC, 1);
    world.accept(transfer.instruction(), &[&trader.key]);
}

#[test]
fn a_liquidated_account_gives_nothing_and_takes_help() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let second = world.second_account(&trader);
    let transfer = world.transfer(&trader, second, USDC, 1);
    world.refuse(transfer.instruction(), &[&trader.key], E::AccountInLiquidation);
    world.give(&trader, USDC, usdc(10.0));
    let mut deposit = world.deposit(&trader, USDC, usdc(10.0));
    deposit.margin_account = second;
    world.accept(deposit.instruction(), &[&trader.key]);
    let before = world.cash(&trader);
    let mut help = world.transfer(&trader, trader.account, USDC, usdc(10.0));
    (help.source, help.markets) = (second, Vec::new());
    world.accept(help.instruction(), &[&trader.key]);
    assert_eq!(world.cash(&trader) - before, usdc(10.0) as i64);
}

#[test]
fn a_delegate_comes_and_goes() {
    let (mut world, trader, second) = owner();
    let delegate = Keypair::new();
    let set = |delegate| AccountSetDelegate { owner: trader.owner(), margin_account: trader.account, delegate };
    let receipt = world.accept(set(delegate.pubkey()).instruction(), &[&trader.key]);
    let [EngineEvent::DelegateSet(event)] = &receipt.events()[..] else { panic!("one event") };
    assert_eq!((event.before, event.after), (Pubkey::default(), delegate.pubkey()));
    let maker = world.funded(1_000_000.0);
    let legs = [buy(1, perpetual(BTC), 97_000.0)];
    let mut trade = world.trade(&maker, &trader, &legs);
    trade.taker = delegate.pubkey();
    world.accept(trade.clone().instruction(), &[&maker.key, &delegate]);
    // He may neither move money to another account nor name his like.
    let mut transfer = world.transfer(&trader, second, USDC, 1);
    transfer.owner = delegate.pubkey();
    world.refuse(transfer.instruction(), &[&delegate], E::NotOwner);
    let mut other = set(Pubkey::new_unique());
    other.owner = delegate.pubkey();
    world.refuse(other.instruction(), &[&delegate], E::NotOwner);
    world.accept(set(Pubkey::default()).instruction(), &[&trader.key]);
    world.refuse(trade.instruction(), &[&maker.key, &delegate], E::NotOwnerOrDelegate);
}
