//! One valid call of each instruction about settlement and fees, and what each of its accounts is.

use margin_client::{errors::EngineError as E, state::TradingParameters};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{BTC, NEAR, NOW, SurfaceSpec, Trader, World, buy, call, free_trading, specs, usd};

use crate::{
    substitution::{Case, Role},
    substitution_cases::{callee, read, with_events, written},
};

/// A series that ends before those of the default market; the engine that takes this one's place in a case does not list it.
const SOON: i64 = NOW + 1_800;

pub fn settlement_cases() -> Vec<Case> {
    vec![settlement_sample(), settlement_finalise(), settlement_fix(), position_settle(), fee_collect(), fee_withdraw()]
}

/// A world in which `SOON` is listed and published, and a call of it traded.
fn soon() -> (World, Trader) {
    let mut world = World::new();
    world.set_trading(BTC, TradingParameters { taker_fee: 500_000, ..free_trading() });
    let admin = world.admin.insecure_clone();
    let list = world.expiry_listing(BTC, SOON);
    world.accept(list.instruction(), &[&admin]);
    let [btc, ..] = specs();
    let publish = world.publication(&btc, &SurfaceSpec { expiry: SOON, ..btc.surfaces[0] });
    world.accept(publish.instruction(), &[&admin]);
    let (maker, taker) = (world.funded(100_000.0), world.funded(10_000.0));
    world.fill(&maker, &taker, &[buy(10, call(BTC, SOON, 94_000), 500.0)]);
    (world, taker)
}

fn case(name: &'static str, world: World, instruction: Instruction, roles: Vec<Role>) -> Case {
    let signers = match instruction.accounts.first() {
        Some(first) if first.is_signer => vec![world.admin.insecure_clone()],
        _ => Vec::new(),
    };
    Case {
        name,
        world,
        instruction,
        twin_owner: Keypair::new(),
        signers,
        roles: with_events(roles),
        before: vec![],
        after: vec![],
    }
}

fn settlement_sample() -> Case {
    let (mut world, _) = soon();
    let sample = world.sample(BTC, SOON).instruction();
    case("settlement_sample", world, sample, vec![written(E::ExpiryUnknown), Role::Other])
}

fn settlement_finalise() -> Case {
    let (mut world, _) = soon();
    world.sample_window(BTC, SOON, [usd(95_000.0); 20]);
    let finalise = world.finalise(BTC, SOON).instruction();
    case("settlement_finalise", world, finalise, vec![written(E::ExpiryUnknown)])
}

fn settlement_fix() -> Case {
    let (mut world, _) = soon();
    world.set_time(SOON + 259_200);
    assert!(world.now() < NEAR);
    world.refresh();
    let fix = world.fix(BTC, SOON, usd(95_000.0)).instruction();
    case("settlement_fix", world, fix, vec![Role::Signer, read(E::NotAdmin), written(E::ForeignEngine)])
}

fn position_settle() -> Case {
    let (mut world, taker) = soon();
    world.finalise_at(BTC, SOON, usd(95_000.0));
    let settle = world.settle(BTC, SOON, &taker, &[]).instruction();
    let roles = vec![read(E::ForeignEngine), written(E::ForeignEngine), written(E::ForeignEngine)];
    Case { twin_owner: taker.key.insecure_clone(), ..case("position_settle", world, settle, roles) }
}

/// Without margin accounts any quote token's listing will do; `fees.rs` passes some.
fn fee_collect() -> Case {
    let (world, _) = soon();
    let collect = world.fee_collection(&[]).instruction();
    case("fee_collect", world, collect, vec![Role::Other])
}

fn fee_withdraw() -> Case {
    let (mut world, taker) = soon();
    let collect = world.fee_collection(&[&taker]).instruction();
    world.accept(collect, &[]);
    let admin = world.admin.pubkey();
    let wallet = world.wallet(&admin, world.quote);
    let withdraw = world.fee_withdrawal(wallet, 1_000).instruction();
    let roles = vec![
        Role::Signer,
        read(E::NotAdmin),
        written(E::ForeignEngine),
        Role::Other,
        Role::Other,
        Role::Other,
        callee(),
    ];
    case("fee_withdraw", world, withdraw, roles)
}
