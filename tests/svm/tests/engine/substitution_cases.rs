//! One valid call of each instruction, and what each of its accounts is.

use margin_client::{
    errors::EngineError as E,
    instructions::{AccountClose, AccountOpen, AccountOpenArgs},
    pyth::feeds,
    state::CollateralHaircuts,
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{
    AnchorError as A, BTC, ETH, MintOptions, NEAR, NOW, SOL_TOKEN, Trader, USDC, World, buy, call, perpetual, specs,
};

use crate::{
    liquidation::{WHOLE, distressed, start, stretched, tenth},
    substitution::{Case, Role},
};

fn read(twin: impl Into<u32>) -> Role {
    Role::Read(twin.into())
}

fn written(twin: impl Into<u32>) -> Role {
    Role::Written(twin.into())
}

/// The system program or a token program.
fn callee() -> Role {
    Role::Program(A::InvalidProgramId.into())
}

/// The two accounts that every instruction with events ends with.
fn with_events(mut roles: Vec<Role>) -> Vec<Role> {
    roles.extend([Role::EventAuthority, Role::Itself]);
    roles
}

pub fn cases() -> Vec<Case> {
    vec![
        engine_initialize(),
        collateral_add(),
        underlying_add(),
        expiry_list(),
        surface_publish(),
        account_open(),
        account_close(),
        deposit(),
        withdraw(),
        trade_execute(),
        margin_check(),
        liquidation_start(),
        liquidation_bid(),
        liquidation_stop(),
    ]
}

fn engine_initialize() -> Case {
    let mut world = World::new();
    let creator = Keypair::new();
    world.svm.airdrop(&creator.pubkey(), 1_000_000_000_000).expect("an airdrop");
    let mut initialize = world.initialization();
    initialize.creator = creator.pubkey();
    let instruction = initialize.instruction();
    Case {
        name: "engine_initialize",
        world,
        instruction,
        twin_owner: creator.insecure_clone(),
        signers: vec![creator],
        roles: with_events(vec![Role::Payer, Role::New, Role::Other, callee()]),
    }
}

fn admin_case(name: &'static str, world: World, instruction: Instruction, roles: Vec<Role>) -> Case {
    let admin = world.admin.insecure_clone();
    Case { name, world, instruction, signers: vec![admin], roles: with_events(roles), twin_owner: Keypair::new() }
}

fn collateral_add() -> Case {
    let mut world = World::new();
    let token = world.mint(&MintOptions::spl(9));
    let add = world.token_listing(token, feeds::SOL_USD, CollateralHaircuts::default());
    let roles = vec![
        Role::Payer,
        // The new addresses derive from the engine.
        written(A::ConstraintSeeds),
        Role::Other,
        Role::New,
        Role::New,
        callee(),
        callee(),
    ];
    admin_case("collateral_add", world, add.instruction(), roles)
}

fn underlying_add() -> Case {
    let world = World::new();
    let mut add = world.underlying_listing(&specs()[0]);
    add.index = 3;
    let roles = vec![Role::Payer, written(A::ConstraintSeeds), Role::New, callee()];
    admin_case("underlying_add", world, add.instruction(), roles)
}

fn expiry_list() -> Case {
    let world = World::new();
    let list = world.expiry_listing(BTC, NOW + 86_400);
    let roles = vec![Role::Signer, read(E::NotAdmin), written(E::ForeignEngine)];
    admin_case("expiry_list", world, list.instruction(), roles)
}

fn surface_publish() -> Case {
    let world = World::new();
    let [btc, ..] = specs();
    let publish = world.publication(&btc, &btc.surfaces[0]);
    admin_case("surface_publish", world, publish.instruction(), vec![Role::Signer, written(E::NotPublisher)])
}

fn account_open() -> Case {
    let mut world = World::new();
    let (owner, payer) = (Keypair::new(), Keypair::new());
    world.svm.airdrop(&payer.pubkey(), 1_000_000_000_000).expect("an airdrop");
    let args = AccountOpenArgs { index: 7, delegate: Pubkey::default() };
    let open = AccountOpen { owner: owner.pubkey(), payer: payer.pubkey(), engine: world.engine, args };
    Case {
        name: "account_open",
        world,
        instruction: open.instruction(),
        twin_owner: owner.insecure_clone(),
        signers: vec![owner, payer],
        roles: with_events(vec![Role::Signer, Role::Payer, read(A::ConstraintSeeds), Role::New, callee()]),
    }
}

fn account_close() -> Case {
    let mut world = World::new();
    let trader = world.trader();
    let close =
        AccountClose { owner: trader.owner(), margin_account: trader.account, rent_recipient: Pubkey::new_unique() };
    Case {
        name: "account_close",
        world,
        instruction: close.instruction(),
        // His own account elsewhere he may close.
        twin_owner: Keypair::new(),
        signers: vec![trader.key],
        roles: with_events(vec![Role::Signer, written(E::NotOwner), Role::Other]),
    }
}

/// A valid call by one trader of [`stretched`].
fn by_trader(name: &'static str, build: impl FnOnce(&mut World, &Trader) -> Instruction, roles: Vec<Role>) -> Case {
    let (mut world, trader, _) = stretched();
    let instruction = build(&mut world, &trader);
    Case {
        name,
        world,
        instruction,
        twin_owner: trader.key.insecure_clone(),
        signers: vec![trader.key],
        roles: with_events(roles),
    }
}

fn deposit() -> Case {
    let build = |world: &mut World, trader: &Trader| {
        world.give(trader, SOL_TOKEN, 1_000);
        world.deposit(trader, SOL_TOKEN, 1_000).instruction()
    };
    let roles = vec![
        Role::Signer,
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
    }
}

fn margin_check() -> Case {
    let (world, trader, _) = stretched();
    let check = world.margin_check(&trader);
    Case {
        name: "margin_check",
        world,
        instruction: check.instruction(),
        twin_owner: trader.key,
        signers: vec![],
        roles: vec![read(E::ForeignEngine), read(E::ForeignEngine)],
    }
}

fn liquidation_start() -> Case {
    let (world, trader, keeper) = distressed();
    let start = world.start(&keeper, &trader);
    Case {
        name: "liquidation_start",
        world,
        instruction: start.instruction(),
        twin_owner: trader.key,
        signers: vec![keeper.key],
        roles: with_events(vec![Role::Signer, read(E::ForeignEngine), written(E::ForeignEngine)]),
    }
}

fn liquidation_bid() -> Case {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let bid = world.bid(&keeper, &trader, WHOLE);
    Case {
        name: "liquidation_bid",
        world,
        instruction: bid.instruction(),
        twin_owner: keeper.key.insecure_clone(),
        signers: vec![keeper.key],
        roles: with_events(vec![
            Role::Signer,
            read(E::ForeignEngine),
            written(E::ForeignEngine),
            written(E::ForeignEngine),
        ]),
    }
}

fn liquidation_stop() -> Case {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let report = world.report(&trader);
    let missing = report.maintenance_margin + tenth(report.maintenance_margin) - report.equity;
    world.fund(&trader, USDC, missing.unsigned_abs());
    let stop = world.stop(&trader);
    Case {
        name: "liquidation_stop",
        world,
        instruction: stop.instruction(),
        twin_owner: trader.key,
        signers: vec![],
        roles: with_events(vec![read(E::ForeignEngine), written(E::ForeignEngine)]),
    }
}
