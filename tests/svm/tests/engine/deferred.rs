//! Checks deferred to the end of a transaction.

use margin_client::{errors::EngineError as E, instructions::TradeLeg, state::AccountMode};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{BTC, NEAR, Refusal, Trader, USDC, World, built_program, buy, call, lots_of, sell, usdc};

use crate::{substitution::Case, substitution_cases::cases};

/// A taker who cannot carry the first leg without the second.
fn poor() -> (World, Trader, Trader) {
    let mut world = World::new();
    let maker = world.funded(1_000_000.0);
    let taker = world.funded(500.0);
    (world, maker, taker)
}

fn naked() -> TradeLeg {
    sell(10, call(BTC, NEAR, 100_000), 2_500.0)
}

fn cover() -> TradeLeg {
    buy(10, call(BTC, NEAR, 101_000), 2_200.0)
}

#[track_caller]
fn refuse(world: &mut World, instructions: &[Instruction], signers: &[&Keypair], error: E) -> Refusal {
    let refusal = world.send(instructions, signers).expect_err("a refusal");
    assert_eq!(refusal.code, Some(error.into()), "expected {error:?}: {}", refusal.cause);
    world.assert_conserved();
    refusal
}

#[test]
fn a_trade_of_several_instructions_is_checked_at_its_end() {
    let (mut world, maker, taker) = poor();
    let signers = [&maker.key, &taker.key];
    let trade = |world: &World, leg| world.trade(&maker, &taker, &[leg]).instruction();
    let first = trade(&world, naked());
    let second = trade(&world, cover());
    refuse(&mut world, &[first.clone(), second.clone()], &signers, E::BelowInitialMargin);
    let (begin, end) = (world.begin(&taker), world.end(&taker, &[naked()]));
    // Both legs lie in one underlying, so the second finds what the first left.
    world
        .send(&[begin.clone(), first.clone(), second.clone(), end.clone()], &signers)
        .unwrap_or_else(|refusal| panic!("{}", refusal.cause));
    world.assert_conserved();
    let account = world.account(&taker);
    assert_eq!(lots_of(&account, call(BTC, NEAR, 100_000)), -10);
    assert_eq!((account.checks_deferred, account.sequence), (0, 2));

    // What is not made up for is refused at the end, and everything with it.
    let cash = world.cash(&taker);
    let again = trade(&world, sell(10, call(BTC, NEAR, 100_000), 2_500.0));
    refuse(&mut world, &[begin, again, end], &signers, E::BelowInitialMargin);
    assert_eq!(world.cash(&taker), cash);
}

#[test]
fn the_other_side_is_checked_at_once_unless_it_defers_as_well() {
    let mut world = World::new();
    let (a, b) = (world.funded(500.0), world.funded(500.0));
    let signers = [&a.key, &b.key];
    // Each side is naked after one of the two.
    let first = world.trade(&a, &b, &[naked()]).instruction();
    let second = world.trade(&a, &b, &[buy(10, call(BTC, NEAR, 100_000), 2_500.0)]).instruction();
    let third = world.trade(&b, &a, &[naked()]).instruction();
    let fourth = world.trade(&b, &a, &[buy(10, call(BTC, NEAR, 100_000), 2_500.0)]).instruction();
    let (begin_a, begin_b) = (world.begin(&a), world.begin(&b));
    let (end_a, end_b) = (world.end(&a, &[naked()]), world.end(&b, &[naked()]));
    let one = [begin_b.clone(), first.clone(), second.clone(), third.clone(), fourth.clone(), end_b.clone()];
    refuse(&mut world, &one, &signers, E::BelowInitialMargin);
    // Ends need the markets of what is held then: nothing.
    let (end_a_empty, end_b_empty) = (world.end(&a, &[]), world.end(&b, &[]));
    let both = [begin_a, begin_b, first, second, third, fourth, end_b_empty, end_a_empty];
    world.send(&both, &signers).unwrap_or_else(|refusal| panic!("{}", refusal.cause));
    let _ = (end_a, end_b);
}

#[test]
fn deposits_and_quotes_may_stand_between() {
    let (mut world, maker, taker) = poor();
    world.give(&taker, USDC, usdc(30_000.0));
    let quote = world.quote_of(&maker, 3, &[naked()]);
    let [signature, mut execute] = world.taking(&maker, &taker, &quote, &maker.key);
    // A signature is no instruction of this program, so it stands before: its number stays the same.
    let deposit = world.deposit(&taker, USDC, usdc(30_000.0)).instruction();
    let (begin, end) = (world.begin(&taker), world.end(&taker, &[naked()]));
    let instructions = [signature.clone(), begin.clone(), execute.clone(), deposit.clone(), end.clone()];
    world.send(&instructions, &[&taker.key]).unwrap_or_else(|refusal| panic!("{}", refusal.cause));
    world.assert_conserved();

    let number = u16::from_le_bytes([execute.data[8], execute.data[9]]) + 1;
    execute.data[8..10].copy_from_slice(&number.to_le_bytes());
    refuse(&mut world, &[begin, signature, execute, end], &[&taker.key], E::DeferredInstruction);
}

#[test]
fn an_end_of_the_same_account_must_follow() {
    let (mut world, maker, taker) = poor();
    let (begin, end) = (world.begin(&taker), world.end(&taker, &[]));
    refuse(&mut world, std::slice::from_ref(&begin), &[&taker.key], E::DeferredEnd);
    refuse(&mut world, &[end.clone(), begin.clone()], &[&taker.key], E::ChecksNotDeferred);
    let others = world.end(&maker, &[]);
    refuse(&mut world, &[begin.clone(), others], &[&taker.key], E::DeferredEnd);
    refuse(&mut world, &[begin.clone(), begin.clone(), end.clone()], &[&taker.key], E::ChecksDeferred);
    refuse(&mut world, &[begin.clone(), end.clone(), end.clone()], &[&taker.key], E::ChecksNotDeferred);
    let mut foreign = begin.clone();
    foreign.accounts[0].pubkey = maker.owner();
    refuse(&mut world, &[foreign, end.clone()], &[&maker.key], E::NotOwnerOrDelegate);
    world.send(&[begin, end], &[&taker.key]).unwrap_or_else(|refusal| panic!("{}", refusal.cause));
}

#[test]
fn nobody_begins_from_within_another_program() {
    let (mut world, _, taker) = poor();
    let caller = Pubkey::new_unique();
    world.svm.add_program(caller, &built_program("svm-probe")).expect("a program that the virtual machine accepts");
    let (inner, end) = (world.begin(&taker), world.end(&taker, &[]));
    let program = AccountMeta::new_readonly(inner.program_id, false);
    let accounts = [vec![program], inner.accounts].concat();
    let through = Instruction { program_id: caller, accounts, data: [vec![svm_probe::CALL], inner.data].concat() };
    refuse(&mut world, &[through, end], &[&taker.key], E::DeferredLevel);
}

/// Every instruction of the program, valid on its own, between a begin and an end of the same account.
#[test]
fn no_other_instruction_may_stand_between() {
    const ALLOWED: [&str; 8] = [
        "trade_execute",
        "quote_execute",
        "deposit",
        "liquidation_bid",
        "collateral_bid",
        "insolvent_bid",
        "checks_begin",
        "checks_end",
    ];
    for Case { name, mut world, instruction, signers, before, after, .. } in cases() {
        let trader = world.funded(1_000.0);
        let (begin, end) = (world.begin(&trader), world.end(&trader, &[]));
        let mut keys: Vec<&Keypair> = signers.iter().collect();
        keys.push(&trader.key);
        // A deferral in a deferral, and what it frames, is one of another account.
        let instructions = [before, vec![begin, instruction], after, vec![end]].concat();
        if ALLOWED.contains(&name) {
            world.send(&instructions, &keys).unwrap_or_else(|refusal| panic!("{name}: {}", refusal.cause));
        } else {
            refuse(&mut world, &instructions, &keys, E::DeferredInstruction);
        }
    }
    // Neither may another program's.
    let (mut world, _, trader) = poor();
    let (begin, end) = (world.begin(&trader), world.end(&trader, &[]));
    let memo = margin_client::presets::compute_unit_price(1);
    refuse(&mut world, &[begin.clone(), memo, end.clone()], &[&trader.key], E::DeferredInstruction);
    // And what the owner would do with the flag up he cannot do either.
    let withdraw = world.withdraw(&trader, USDC, 1).instruction();
    let mode = world.mode_setting(&trader, AccountMode::Standard).instruction();
    let close = world.closing(&trader);
    for instruction in [withdraw, mode, close.instruction()] {
        refuse(&mut world, &[begin.clone(), instruction, end.clone()], &[&trader.key], E::DeferredInstruction);
    }
}

#[test]
fn an_account_in_liquidation_defers_nothing() {
    let (mut world, trader, keeper) = crate::liquidation::distressed();
    crate::liquidation::start(&mut world, &keeper, &trader);
    let (begin, end) = (world.begin(&trader), world.end(&trader, &[]));
    refuse(&mut world, &[begin, end], &[&trader.key], E::AccountInLiquidation);
    let _ = keeper.key.pubkey();
}
