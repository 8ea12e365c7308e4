//! One valid call of each instruction about interest, limits and pauses, and what each of its accounts is.

use margin_client::{
    errors::EngineError as E,
    instructions::{AccountSetDelegate, CollateralLimits},
    presets,
    state::PauseBits,
};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{NOW, SOL_TOKEN, Trader, USDC, World};

use crate::{
    liquidation::stretched,
    substitution::{Case, Role},
    substitution_cases::{by_trader, read, with_events, written},
    substitution_listing::admin_case,
};

pub fn cash_cases() -> Vec<Case> {
    vec![
        account_transfer(),
        account_set_delegate(),
        cash_sync(),
        interest_accrue(),
        interest_set(),
        collateral_limits_set(),
        pause_set(),
    ]
}

fn account_set_delegate() -> Case {
    let build = |world: &mut World, trader: &Trader| {
        let set = AccountSetDelegate {
            owner: trader.owner(),
            margin_account: trader.account,
            delegate: world.payer.pubkey(),
        };
        set.instruction()
    };
    let case = by_trader("account_set_delegate", build, vec![Role::Signer, written(E::NotOwner)]);
    // His own account elsewhere he may change.
    Case { twin_owner: Keypair::new(), ..case }
}

fn account_transfer() -> Case {
    let build = |world: &mut World, trader: &Trader| {
        let second = world.second_account(trader);
        world.transfer(trader, second, SOL_TOKEN, 1_000).instruction()
    };
    let roles = vec![Role::Signer, read(E::ForeignEngine), written(E::ForeignEngine), written(E::ForeignEngine)];
    by_trader("account_transfer", build, roles)
}

fn cash_sync() -> Case {
    let (world, trader, _) = stretched();
    let sync = world.sync(&trader);
    Case {
        name: "cash_sync",
        world,
        instruction: sync.instruction(),
        twin_owner: trader.key,
        signers: vec![],
        roles: with_events(vec![read(E::ForeignEngine), written(E::ForeignEngine), written(E::ForeignEngine)]),
        before: vec![],
        after: vec![],
    }
}

fn interest_set() -> Case {
    let world = World::new();
    let set = world.interest_setting(presets::interest()).instruction();
    admin_case("interest_set", world, set, vec![Role::Signer, read(E::NotAdmin), written(E::ForeignEngine)])
}

fn interest_accrue() -> Case {
    let mut world = World::new();
    world.advance(60);
    let accrue = world.accrual().instruction();
    let roles = with_events(vec![written(E::ForeignEngine), written(E::ForeignEngine)]);
    Case {
        name: "interest_accrue",
        world,
        instruction: accrue,
        signers: vec![],
        roles,
        twin_owner: Keypair::new(),
        before: vec![],
        after: vec![],
    }
}

fn collateral_limits_set() -> Case {
    let world = World::new();
    let limits = CollateralLimits { deposit_cap: 1, outflow_limit: 2, outflow_window: 3 };
    let set = world.limits_setting(USDC, limits).instruction();
    let roles = vec![Role::Signer, read(E::NotAdminOrGuardian), written(E::ForeignEngine)];
    admin_case("collateral_limits_set", world, set, roles)
}

fn pause_set() -> Case {
    let world = World::new();
    let pause = world.pausing(PauseBits::ALL, NOW + 60).instruction();
    admin_case("pause_set", world, pause, vec![Role::Signer, written(E::NotAdminOrGuardian)])
}
