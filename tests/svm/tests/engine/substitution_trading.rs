//! One valid call of each instruction about trading terms, quotes, venues and deferred checks, and what its accounts are.

use margin_client::{
    errors::EngineError as E,
    instructions::{QuotesCancel, VenueAdd, VenueEnable},
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{AnchorError as A, BTC, ETH, NEAR, SOL, Trader, World, buy, call, free_trading, perpetual};

use crate::{
    substitution::{Case, Role},
    substitution_cases::{callee, read, with_events, written},
    substitution_listing::admin_case,
    trade::pair,
};

pub fn trading_cases() -> Vec<Case> {
    vec![
        quote_execute(),
        quotes_cancel(),
        fill_settle(),
        checks_begin(),
        checks_end(),
        venue_add(),
        venue_enable(),
        venue_approve(),
        trading_set(),
        funding_update(),
        open_interest_sync(),
    ]
}

/// A case of one signer, or none.
fn case(name: &'static str, world: World, instruction: Instruction, by: &[&Keypair], roles: Vec<Role>) -> Case {
    let signers = by.iter().map(|key| key.insecure_clone()).collect();
    Case { name, world, instruction, signers, roles, twin_owner: Keypair::new(), before: vec![], after: vec![] }
}

/// The sysvar of instructions is known by its address.
fn sysvar() -> Role {
    Role::EventAuthority
}

fn quote_execute() -> Case {
    let (world, maker, taker) = pair();
    let quote =
        world.quote_of(&maker, 0, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0), buy(1, perpetual(ETH), 3_240.0)]);
    let [signature, execute] = world.taking(&maker, &taker, &quote, &maker.key);
    let roles =
        vec![Role::Signer, read(E::ForeignEngine), written(E::ForeignEngine), written(E::ForeignEngine), sysvar()];
    let case = case("quote_execute", world, execute, &[&taker.key], with_events(roles));
    Case { before: vec![signature], ..case }
}

fn quotes_cancel() -> Case {
    let (world, maker, _) = pair();
    let cancel = QuotesCancel { authority: maker.owner(), margin_account: maker.account, floor: 5 };
    let roles = with_events(vec![Role::Signer, written(E::NotOwnerOrDelegate)]);
    case("quotes_cancel", world, cancel.instruction(), &[&maker.key], roles)
}

fn venue() -> (World, Keypair, Trader, Trader) {
    let (mut world, maker, taker) = pair();
    let authority = world.venue();
    (world, authority, maker, taker)
}

fn fill_settle() -> Case {
    let (mut world, authority, maker, taker) = venue();
    let limits = world.wide_limits();
    world.approve(&maker, authority.pubkey(), limits);
    world.approve(&taker, authority.pubkey(), limits);
    let fills = [(1, 0, buy(1, call(BTC, NEAR, 100_000), 2_500.0)), (1, 0, buy(1, perpetual(ETH), 3_240.0))];
    let settle = world.settlement(authority.pubkey(), &[&maker, &taker], &fills).instruction();
    let mut roles = with_events(vec![Role::Signer, read(E::NotVenueAuthority), read(E::ForeignEngine)]);
    // Passed after the named ones; `venues.rs` sees that they must be writable.
    roles.extend([read(E::ForeignEngine), read(E::ForeignEngine)]);
    case("fill_settle", world, settle, &[&authority], roles)
}

fn checks_begin() -> Case {
    let (world, _, taker) = pair();
    let (begin, end) = (world.begin(&taker), world.end(&taker, &[]));
    // The end has the account writable, and so has the transaction.
    let roles = vec![Role::Signer, read(E::NotOwnerOrDelegate), sysvar()];
    Case { after: vec![end], ..case("checks_begin", world, begin, &[&taker.key], roles) }
}

/// With another account at its end `checks_begin` fails already.
fn checks_end() -> Case {
    let (mut world, maker, taker) = pair();
    world.fill(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    let (begin, end) = (world.begin(&taker), world.end(&taker, &[]));
    let roles = vec![read(E::ForeignEngine), Role::Other];
    Case { before: vec![begin], ..case("checks_end", world, end, &[&taker.key], roles) }
}

fn venue_add() -> Case {
    let world = World::new();
    let add = VenueAdd {
        admin: world.admin.pubkey(),
        engine: world.engine,
        authority: Pubkey::new_unique(),
        program: Pubkey::new_unique(),
    };
    let roles = vec![Role::Payer, read(A::ConstraintSeeds), Role::New, callee()];
    admin_case("venue_add", world, add.instruction(), roles)
}

fn venue_enable() -> Case {
    let (world, authority, ..) = venue();
    let (admin, engine) = (world.admin.pubkey(), world.engine);
    let enable = VenueEnable { admin, engine, authority: authority.pubkey(), enabled: false };
    let roles = vec![Role::Signer, read(E::NotAdmin), written(E::ForeignEngine)];
    admin_case("venue_enable", world, enable.instruction(), roles)
}

fn venue_approve() -> Case {
    let (world, authority, maker, _) = venue();
    let approve = world.approval(&maker, authority.pubkey(), world.wide_limits());
    let roles = with_events(vec![Role::Signer, written(E::NotOwner), read(E::ForeignEngine)]);
    case("venue_approve", world, approve.instruction(), &[&maker.key], roles)
}

fn trading_set() -> Case {
    let world = World::new();
    let set = world.trading_setting(BTC, free_trading());
    let roles = vec![Role::Signer, read(E::NotAdmin), written(E::ForeignEngine)];
    admin_case("trading_set", world, set.instruction(), roles)
}

/// Anyone may update any engine's; the twin lists another feed.
fn funding_update() -> Case {
    let world = World::new();
    let update = world.funding_update(SOL);
    let roles = with_events(vec![written(E::OracleFeed), Role::Other]);
    case("funding_update", world, update.instruction(), &[], roles)
}

fn open_interest_sync() -> Case {
    let (mut world, maker, taker) = pair();
    world.fill(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    let sync = world.open_interest_sync(BTC, &taker);
    let roles = with_events(vec![written(E::ForeignEngine), written(E::ForeignEngine)]);
    case("open_interest_sync", world, sync.instruction(), &[], roles)
}
