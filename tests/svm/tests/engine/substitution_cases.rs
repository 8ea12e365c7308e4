//! One valid call of each instruction about margin accounts, and what each of its accounts is.

use margin_client::{
    errors::EngineError as E,
    instructions::{
        AccountClose, AccountOpen, AccountOpenArgs, BreakdownPart, MarginQuoteArgs, QuoteTransfer, SequenceCheck,
    },
    state::AccountMode,
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{
    AnchorError as A, BTC, ETH, NEAR, SOL_TOKEN, Trader, USDC, World, buy, call, correlation, future, perpetual, sell,
    usdc,
};

use crate::{
    liquidation::stretched,
    substitution::{Case, Role},
    substitution_cash::cash_cases,
    substitution_liquidation::liquidation_cases,
    substitution_listing::listing_cases,
    substitution_settlement::settlement_cases,
    substitution_trading::trading_cases,
};

pub fn read(twin: impl Into<u32>) -> Role {
    Role::Read(twin.into())
}

pub fn written(twin: impl Into<u32>) -> Role {
    Role::Written(twin.into())
}

/// The system program or a token program.
pub fn callee() -> Role {
    Role::Program(A::InvalidProgramId.into())
}

/// The two accounts that every instruction with events ends with.
pub fn with_events(mut roles: Vec<Role>) -> Vec<Role> {
    roles.extend([Role::EventAuthority, Role::Itself]);
    roles
}

pub fn cases() -> Vec<Case> {
    let mut cases = listing_cases();
    cases.extend([account_open(), account_set_mode(), account_close(), deposit(), withdraw(), trade_execute()]);
    cases.extend(settlement_cases());
    cases.extend([margin_check(), margin_quote(), margin_breakdown(), sequence_check()]);
    cases.extend(liquidation_cases());
    cases.extend(cash_cases());
    cases.extend(trading_cases());
    cases
}

fn account_open() -> Case {
    let mut world = World::new();
    let (owner, payer) = (Keypair::new(), Keypair::new());
    world.svm.airdrop(&payer.pubkey(), 1_000_000_000_000).expect("an airdrop");
    let args = AccountOpenArgs { index: 7, delegate: Pubkey::default(), mode: AccountMode::Portfolio };
    let open = AccountOpen { owner: owner.pubkey(), payer: payer.pubkey(), engine: world.engine, args };
    Case {
        name: "account_open",
        world,
        instruction: open.instruction(),
        twin_owner: owner.insecure_clone(),
        signers: vec![owner, payer],
        roles: with_events(vec![Role::Signer, Role::Payer, read(A::ConstraintSeeds), Role::New, callee()]),
        before: vec![],
        after: vec![],
    }
}

fn account_set_mode() -> Case {
    let (mut world, trader, _) = stretched();
    world.fund(&trader, USDC, usdc(1_000_000.0));
    let set = world.mode_setting(&trader, AccountMode::Standard);
    Case {
        name: "account_set_mode",
        world,
        instruction: set.instruction(),
        twin_owner: trader.key.insecure_clone(),
        signers: vec![trader.key],
        roles: with_events(vec![Role::Signer, read(E::ForeignEngine), written(E::ForeignEngine)]),
        before: vec![],
        after: vec![],
    }
}

fn account_close() -> Case {
    let mut world = World::new();
    let trader = world.trader();
    let close = AccountClose { rent_recipient: Pubkey::new_unique(), ..world.closing(&trader) };
    Case {
        name: "account_close",
        world,
        instruction: close.instruction(),
        // His own account elsewhere he may close.
        twin_owner: Keypair::new(),
        signers: vec![trader.key],
        roles: with_events(vec![
            Role::Signer,
            read(E::ForeignEngine),
            written(E::NotOwner),
            written(E::ForeignEngine),
            Role::Other,
        ]),
        before: vec![],
        after: vec![],
    }
}

/// A valid call by one trader of [`stretched`].
pub fn by_trader(name: &'static str, build: impl FnOnce(&mut World, &Trader) -> Instruction, roles: Vec<Role>) -> Case {
    let (mut world, trader, _) = stretched();
    let instruction = build(&mut world, &trader);
    Case {
        name,
        world,
        instruction,
        twin_owner: trader.key.insecure_clone(),
        signers: vec![trader.key],
        roles: with_events(roles),
        before: vec![],
        after: vec![],
    }
}

fn deposit() -> Case {
    let build = |world: &mut World, trader: &Trader| {
        world.give(trader, SOL_TOKEN, 1_000);
        world.deposit(trader, SOL_TOKEN, 1_000).instruction()
    };
    let roles = vec![
        Role::Signer,
        read(E::ForeignEngine),
        written(E::ForeignEngine),
        written(E::ForeignEngine),
        Role::Other,
        Role::Other,
        Role::Other,
        callee(),
    ];
    by_trader("deposit", build, roles)
}

fn withdraw() -> Case {
    let build = |world: &mut World, trader: &Trader| world.withdraw(trader, SOL_TOKEN, 1_000).instruction();
    let roles = vec![
        Role::Signer,
        read(E::ForeignEngine),
        written(E::ForeignEngine),
        written(E::ForeignEngine),
        Role::Other,
        Role::Other,
        Role::Other,
        callee(),
    ];
    by_trader("withdraw", build, roles)
}

fn trade_execute() -> Case {
    let (world, trader, keeper) = stretched();
    let trade =
        world.trade(&keeper, &trader, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0), buy(1, perpetual(ETH), 3_240.0)]);
    // The twin belongs to neither side: that both sign for their own is checked first.
    Case {
        name: "trade_execute",
        world,
        instruction: trade.instruction(),
        twin_owner: Keypair::new(),
        signers: vec![keeper.key, trader.key],
        roles: with_events(vec![
            Role::Signer,
            Role::Signer,
            read(E::ForeignEngine),
            written(E::NotOwnerOrDelegate),
            written(E::NotOwnerOrDelegate),
        ]),
        before: vec![],
        after: vec![],
    }
}

/// A call that anyone may make about an account of an engine.
fn reader(name: &'static str, world: World, instruction: Instruction, trader: Trader) -> Case {
    let roles = vec![read(E::ForeignEngine), read(E::ForeignEngine)];
    Case { name, world, instruction, twin_owner: trader.key, signers: vec![], roles, before: vec![], after: vec![] }
}

fn margin_check() -> Case {
    let (world, trader, _) = stretched();
    let check = world.margin_check(&trader);
    reader("margin_check", world, check.instruction(), trader)
}

/// On a market with everything that a check can need: the cross-underlying model and the quote token's price, too.
fn margin_quote() -> Case {
    let mut world = World::rich();
    world.correlate(correlation());
    let trader = world.funded(50_000.0);
    world.fund(&trader, SOL_TOKEN, 5_000_000_000);
    let transfers = vec![QuoteTransfer { collateral: USDC, amount: -1 }];
    let legs = vec![buy(1, call(BTC, NEAR, 100_000), 2_500.0), sell(3, future(ETH, NEAR), 3_250.0)];
    let quote = world.margin_quote(&trader, MarginQuoteArgs { legs, transfers, check: Default::default() });
    assert_eq!(quote.markets.len(), 11, "the model, USDC, SOL as collateral, BTC, ETH, SOL");
    reader("margin_quote", world, quote.instruction(), trader)
}

fn margin_breakdown() -> Case {
    let (world, trader, _) = stretched();
    let breakdown = world.margin_breakdown(&trader, BTC, BreakdownPart::Position(0));
    reader("margin_breakdown", world, breakdown.instruction(), trader)
}

fn sequence_check() -> Case {
    let (world, trader, _) = stretched();
    let check = SequenceCheck { margin_account: trader.account, sequence: 1 };
    // It asks for a number, not for an engine.
    let roles = vec![read(E::SequenceMismatch)];
    Case { roles, ..reader("sequence_check", world, check.instruction(), trader) }
}
