//! Attacks by a venue's program between `checks_begin` and `checks_end`.

use margin_client::{
    addresses,
    errors::EngineError as E,
    instructions::{BankruptcyResolve, ChecksBegin, VenueAdd},
    state::AccountMode,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{Trader, USDC, World, built_program};

use crate::scene::{accept_all, refuse_all};

/// A program between the caller and the engine.
fn through(caller: Pubkey, inner: Instruction) -> Instruction {
    let program = AccountMeta::new_readonly(inner.program_id, false);
    let accounts = [vec![program], inner.accounts].concat();
    Instruction { program_id: caller, accounts, data: [vec![svm_probe::CALL], inner.data].concat() }
}

/// A registered venue whose program does whatever it is told.
fn venue(world: &mut World) -> (Pubkey, Pubkey) {
    let (program, authority) = (Pubkey::new_unique(), Keypair::new().pubkey());
    world.svm.add_program(program, &built_program("svm-probe")).expect("a program that the virtual machine accepts");
    let admin = world.admin.insecure_clone();
    let add = VenueAdd { admin: admin.pubkey(), engine: world.engine, authority, program };
    world.accept(add.instruction(), &[&admin]);
    (program, addresses::venue(&world.engine, &authority))
}

fn begin(trader: &Trader, venues: Vec<Pubkey>) -> Instruction {
    ChecksBegin { authority: trader.owner(), margin_account: trader.account, venues }.instruction()
}

/// **A venue's program that takes value out, or has the account sold, while its checks are deferred**: every instruction that could
/// looks at the flag itself, however it is called.
#[test]
fn a_venues_program_finds_every_door_closed() {
    let mut world = World::new();
    let (program, venue) = venue(&mut world);
    let (trader, empty) = (world.funded(1_000.0), world.trader());
    let second = world.second_account(&trader);
    let stranger = world.trader();
    let resolve = BankruptcyResolve {
        engine: world.engine,
        margin_account: trader.account,
        quote: world.collateral_address(USDC),
        insured_underlying: None,
    };
    let doors: Vec<(Instruction, &Trader, E)> = vec![
        (world.withdraw(&trader, USDC, 1).instruction(), &trader, E::ChecksDeferred),
        (world.borrowing(&trader, 2_000_000_000).instruction(), &trader, E::ChecksDeferred),
        (world.transfer(&trader, second, USDC, 1).instruction(), &trader, E::ChecksDeferred),
        (world.mode_setting(&trader, AccountMode::Standard).instruction(), &trader, E::ChecksDeferred),
        (world.closing(&empty).instruction(), &empty, E::ChecksDeferred),
        (world.start(&stranger, &trader).instruction(), &trader, E::ChecksDeferred),
        (resolve.instruction(), &trader, E::ChecksDeferred),
        (begin(&stranger, Vec::new()), &trader, E::DeferredLevel),
    ];
    for (inner, deferred, error) in doors {
        let end = world.end(deferred, &[]);
        let framed = [begin(deferred, vec![venue]), through(program, inner.clone()), end];
        let signers = [&deferred.key, &stranger.key];
        let signers = if inner.accounts.iter().any(|meta| meta.pubkey == stranger.owner() && meta.is_signer) {
            &signers[..]
        } else {
            &signers[..1]
        };
        refuse_all(&mut world, &framed, signers, error);
    }
    // What moves nothing may pass; from a program that was not named not even that.
    let harmless = through(program, world.margin_check(&trader).instruction());
    let end = world.end(&trader, &[]);
    let unnamed = [begin(&trader, Vec::new()), harmless.clone(), end.clone()];
    refuse_all(&mut world, &unnamed, &[&trader.key], E::DeferredInstruction);
    accept_all(&mut world, &[begin(&trader, vec![venue]), harmless, end], &[&trader.key]);
    assert_eq!(world.cash(&trader), 1_000_000_000);
}
