//! Margin checks and quotes called by another program.

use margin_client::{
    PROGRAM_ID, decode_margin_report,
    errors::EngineError as E,
    instructions::{MarginCheckArgs, MarginQuoteArgs, MinimumHealth},
};

use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use tests_svm::{BTC, NEAR, World, built_program, buy, call, perpetual, sell};

/// A program between the caller and the engine.
fn through(caller: Pubkey, inner: Instruction) -> Instruction {
    let program = AccountMeta::new_readonly(inner.program_id, false);
    let accounts = [vec![program], inner.accounts].concat();
    Instruction { program_id: caller, accounts, data: [vec![svm_probe::CALL], inner.data].concat() }
}

fn world() -> (World, Pubkey) {
    let mut world = World::new();
    let caller = Pubkey::new_unique();
    world.svm.add_program(caller, &built_program("svm-probe")).expect("a program that the virtual machine accepts");
    (world, caller)
}

#[test]
fn a_program_reads_the_report_and_may_insist_on_a_minimum() {
    let (mut world, caller) = world();
    let (maker, trader) = (world.funded(1_000_000.0), world.funded(100_000.0));
    world.fill(&maker, &trader, &[sell(100, call(BTC, NEAR, 110_000), 300.0), buy(20, perpetual(BTC), 94_128.89)]);
    let direct = world.report(&trader);
    let with = |minimum| MarginCheckArgs { minimum, ..MarginCheckArgs::default() };
    let left = MinimumHealth {
        initial: Some(direct.equity - direct.initial_margin),
        maintenance: Some(direct.equity - direct.maintenance_margin),
    };
    let mut check = world.margin_check(&trader);
    check.args = with(left);
    let receipt = world.accept(through(caller, check.clone().instruction()), &[]);
    // The caller puts the address that answered before the answer.
    let (engine, data) = receipt.return_data.split_at(32);
    assert_eq!(engine, PROGRAM_ID.to_bytes());
    assert_eq!(decode_margin_report(&PROGRAM_ID, data), Ok(direct));
    // One atom more than there is fails the caller's transaction with the engine's error.
    for minimum in [
        MinimumHealth { initial: left.initial.map(|atoms| atoms + 1), ..left },
        MinimumHealth { maintenance: left.maintenance.map(|atoms| atoms + 1), ..left },
    ] {
        check.args = with(minimum);
        world.refuse(through(caller, check.clone().instruction()), &[], E::HealthBelowMinimum);
    }
}

#[test]
fn a_program_asks_what_a_trade_would_do() {
    let (mut world, caller) = world();
    let trader = world.funded(10_000.0);
    let quote = |lots| MarginQuoteArgs {
        legs: vec![sell(lots, call(BTC, NEAR, 100_000), 2_500.0)],
        transfers: Vec::new(),
        check: MarginCheckArgs {
            minimum: MinimumHealth { initial: Some(0), maintenance: None },
            ..MarginCheckArgs::default()
        },
    };
    let direct = world.margin_quote(&trader, quote(10)).instruction();
    let report = world.accept(direct.clone(), &[]).report();
    let receipt = world.accept(through(caller, direct), &[]);
    assert_eq!(decode_margin_report(&PROGRAM_ID, &receipt.return_data[32..]), Ok(report));
    let too_much = world.margin_quote(&trader, quote(1_000)).instruction();
    world.refuse(through(caller, too_much), &[], E::HealthBelowMinimum);
    assert!(world.account(&trader).positions().is_empty(), "a quote changes nothing");
}
