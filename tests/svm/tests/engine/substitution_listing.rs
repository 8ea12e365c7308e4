//! One valid call of each instruction of an admin or publisher, and what each of its accounts is.

use margin_client::{
    addresses, errors::EngineError as E, instructions::CorrelationSet, presets, pyth::feeds, state::CollateralHaircuts,
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{AnchorError as A, BTC, MintOptions, NOW, World, correlation, specs};

use crate::{
    liquidation::WHOLE,
    substitution::{Case, Role},
    substitution_cases::{callee, read, with_events, written},
};

pub fn listing_cases() -> Vec<Case> {
    vec![
        engine_initialize(),
        collateral_add(),
        underlying_add(),
        model_set(),
        scenarios_set(),
        correlation_set(),
        expiry_list(),
        surface_publish(),
        perpetual_publish(),
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
        before: vec![],
        after: vec![],
    }
}

pub fn admin_case(name: &'static str, world: World, instruction: Instruction, roles: Vec<Role>) -> Case {
    let admin = world.admin.insecure_clone();
    Case {
        name,
        world,
        instruction,
        signers: vec![admin],
        roles: with_events(roles),
        twin_owner: Keypair::new(),
        before: vec![],
        after: vec![],
    }
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

/// Listed, without a margin model.
fn unmodelled() -> (World, Pubkey) {
    let mut world = World::new();
    let mut add = world.underlying_listing(&specs()[0]);
    add.index = 3;
    let admin = world.admin.insecure_clone();
    world.accept(add.instruction(), &[&admin]);
    let underlying = addresses::underlying(&world.engine, 3);
    (world, underlying)
}

fn model_set() -> Case {
    let (world, underlying) = unmodelled();
    let [set, _] = presets::major().instructions(world.admin.pubkey(), world.engine, underlying);
    admin_case("model_set", world, set, vec![Role::Signer, read(E::NotAdmin), written(E::ForeignEngine)])
}

fn scenarios_set() -> Case {
    let (mut world, underlying) = unmodelled();
    let admin = world.admin.insecure_clone();
    let [model, set] = presets::major().instructions(admin.pubkey(), world.engine, underlying);
    world.accept(model, &[&admin]);
    admin_case("scenarios_set", world, set, vec![Role::Signer, read(E::NotAdmin), written(E::ForeignEngine)])
}

fn correlation_set() -> Case {
    let world = World::new();
    let set = CorrelationSet { admin: world.admin.pubkey(), engine: world.engine, args: correlation() };
    let roles = vec![Role::Payer, written(A::ConstraintSeeds), Role::New, callee()];
    admin_case("correlation_set", world, set.instruction(), roles)
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

fn perpetual_publish() -> Case {
    let world = World::new();
    let publish = world.perpetual_publication(&specs()[0], WHOLE);
    admin_case("perpetual_publish", world, publish.instruction(), vec![Role::Signer, written(E::NotPublisher)])
}
