//! What admin and guardian may stop, for how long, and limits of what flows through a vault.

use margin_client::{
    errors::EngineError as E, events::EngineEvent, instructions::CollateralLimits, presets, state::PauseBits,
};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{BTC, NOW, SOL_TOKEN, USDC, World, buy, perpetual, usdc};

const DAY: i64 = 86_400;
const HOUR: u32 = 3_600;
/// No limit at all.
const OPEN: CollateralLimits = CollateralLimits { deposit_cap: u64::MAX, outflow_limit: u64::MAX, outflow_window: 0 };

fn set_limits(world: &mut World, token: u16, limits: CollateralLimits) {
    let admin = world.admin.insecure_clone();
    let set = world.limits_setting(token, limits);
    world.accept(set.instruction(), &[&admin]);
}

#[test]
fn a_pause_stops_what_it_names_and_ends_by_itself() {
    let mut world = World::new();
    world.set_interest(presets::interest());
    let (maker, taker) = (world.funded(100_000.0), world.funded(100_000.0));
    world.fund(&taker, SOL_TOKEN, 10_000_000_000_000);
    let guardian = world.guardian.insecure_clone();
    let legs = [buy(1, perpetual(BTC), 97_000.0)];
    let until = NOW + 600;
    let pause = |world: &mut World, bits| {
        let mut pause = world.pausing(bits, until);
        pause.authority = guardian.pubkey();
        world.accept(pause.instruction(), &[&guardian])
    };

    let receipt = pause(&mut world, PauseBits::TRADING);
    let [EngineEvent::PauseSet(event)] = &receipt.events()[..] else { panic!("one event") };
    assert_eq!((event.bits_before, event.until_before), (0, 0));
    assert_eq!((event.bits_after, event.until_after), (PauseBits::TRADING, until));
    let trade = world.trade(&maker, &taker, &legs);
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::Paused);
    let withdraw = world.withdraw(&taker, USDC, 1);
    world.accept(withdraw.clone().instruction(), &[&taker.key]);

    pause(&mut world, PauseBits::TRADING | PauseBits::BORROWING);
    let borrow = world.borrowing(&taker, usdc(150_000.0));
    world.refuse(borrow.clone().instruction(), &[&taker.key], E::Paused);
    world.accept(withdraw.clone().instruction(), &[&taker.key]);

    pause(&mut world, PauseBits::ALL);
    for token in [USDC, SOL_TOKEN] {
        let withdraw = world.withdraw(&taker, token, 1);
        world.refuse(withdraw.instruction(), &[&taker.key], E::Paused);
    }
    // Deposits, checks, syncs and publications go on; so do transfers between an owner's accounts.
    world.fund(&taker, USDC, 1);
    world.report(&taker);
    world.meet_pool(&taker);
    world.advance(60);
    world.accrue();
    let second = world.second_account(&taker);
    world.refresh();
    let transfer = world.transfer(&taker, second, USDC, 1);
    world.accept(transfer.instruction(), &[&taker.key]);

    world.advance(539);
    world.refresh();
    world.refuse(withdraw.clone().instruction(), &[&taker.key], E::Paused);
    world.advance(1);
    world.refresh();
    world.accept(withdraw.instruction(), &[&taker.key]);
    world.accept(borrow.instruction(), &[&taker.key]);
    world.fill(&maker, &taker, &legs);
}

#[test]
fn a_pause_does_not_stop_liquidation() {
    let (mut world, trader, keeper) = crate::liquidation::distressed();
    let admin = world.admin.insecure_clone();
    let pause = world.pausing(PauseBits::ALL, world.now() + DAY);
    world.accept(pause.instruction(), &[&admin]);
    crate::liquidation::start(&mut world, &keeper, &trader);
    let bid = world.bid(&keeper, &trader, crate::liquidation::WHOLE);
    world.accept(bid.instruction(), &[&keeper.key]);
}

#[test]
fn pauses_name_something_known_and_last_a_week_at_most() {
    let mut world = World::new();
    let (admin, guardian) = (world.admin.insecure_clone(), world.guardian.insecure_clone());
    for (bits, until, error) in [
        (8, NOW + 60, E::PauseBits),
        (255, NOW + 60, E::PauseBits),
        (1, NOW, E::PauseDuration),
        (1, i64::MIN, E::PauseDuration),
        (1, NOW + 7 * DAY + 1, E::PauseDuration),
        (1, i64::MAX, E::PauseDuration),
    ] {
        for key in [&admin, &guardian] {
            let mut pause = world.pausing(bits, until);
            pause.authority = key.pubkey();
            world.refuse(pause.instruction(), &[key], error);
        }
    }
    let mut nothing = world.pausing(0, NOW + 60);
    nothing.authority = guardian.pubkey();
    world.refuse(nothing.instruction(), &[&guardian], E::PauseBits);
    let stranger = Keypair::new();
    let mut pause = world.pausing(1, NOW + 60);
    pause.authority = stranger.pubkey();
    world.refuse(pause.instruction(), &[&stranger], E::NotAdminOrGuardian);
}

#[test]
fn a_guardian_adds_and_extends_within_a_week_and_only_the_admin_ends() {
    let mut world = World::new();
    let (admin, guardian) = (world.admin.insecure_clone(), world.guardian.insecure_clone());
    let by = |world: &World, key: &Keypair, bits, until| {
        let mut pause = world.pausing(bits, until);
        pause.authority = key.pubkey();
        pause.instruction()
    };
    let first = by(&world, &guardian, PauseBits::TRADING, NOW + DAY);
    world.accept(first, &[&guardian]);
    // Neither other bits instead nor an earlier end.
    for (bits, until) in [(PauseBits::WITHDRAWING, NOW + 2 * DAY), (PauseBits::ALL, NOW + DAY - 1)] {
        let less = by(&world, &guardian, bits, until);
        world.refuse(less, &[&guardian], E::GuardianUnpauses);
    }
    world.advance(2 * DAY);
    // The first has ended; a second still belongs to the same week.
    let longer = by(&world, &guardian, PauseBits::BORROWING, NOW + 7 * DAY + 1);
    world.refuse(longer, &[&guardian], E::GuardianPauseSpent);
    let second = by(&world, &guardian, PauseBits::BORROWING, NOW + 7 * DAY);
    world.accept(second, &[&guardian]);
    world.advance(5 * DAY);
    let third = by(&world, &guardian, PauseBits::ALL, NOW + 7 * DAY + 60);
    world.refuse(third.clone(), &[&guardian], E::GuardianPauseSpent);
    // The admin decides, and the guardian has a new week.
    let end = by(&world, &admin, 0, 0);
    world.accept(end, &[&admin]);
    assert_eq!(world.engine_state().pause.until, 0);
    world.accept(third, &[&guardian]);
    let end = by(&world, &admin, 0, 0);
    world.accept(end, &[&admin]);
    let trader = world.funded(1.0);
    let withdraw = world.withdraw(&trader, USDC, 1);
    world.accept(withdraw.instruction(), &[&trader.key]);
}

#[test]
fn an_engine_without_a_guardian_has_none() {
    let mut world = World::bare();
    let mut initialize = world.initialization();
    let creator = Keypair::new();
    world.svm.airdrop(&creator.pubkey(), 1_000_000_000_000).expect("an airdrop");
    (initialize.creator, initialize.args.guardian) = (creator.pubkey(), Pubkey::default());
    world.accept(initialize.instruction(), &[&creator]);
    let engine = world.load::<margin_client::state::Engine>(margin_client::addresses::engine(&creator.pubkey()));
    assert!(!engine.is_guardian(&Pubkey::default()));
}

#[test]
fn net_outflow_is_limited_and_leaks_away() {
    let mut world = World::new();
    let trader = world.funded(10_000.0);
    // There is enough to lend.
    world.funded(10_000.0);
    set_limits(&mut world, USDC, CollateralLimits { outflow_limit: usdc(1_000.0), outflow_window: 24 * HOUR, ..OPEN });
    let withdraw = |world: &World, amount| world.withdraw(&trader, USDC, amount).instruction();
    let too_much = withdraw(&world, usdc(1_000.0) + 1);
    world.refuse(too_much, &[&trader.key], E::OutflowLimit);
    let most = withdraw(&world, usdc(1_000.0));
    world.accept(most, &[&trader.key]);
    let one = withdraw(&world, 1);
    world.refuse(one.clone(), &[&trader.key], E::OutflowLimit);
    // What comes in goes out again; a deposit of more than that opens nothing further.
    world.fund(&trader, USDC, usdc(300.0));
    let back = withdraw(&world, usdc(300.0));
    world.accept(back, &[&trader.key]);
    world.refuse(one.clone(), &[&trader.key], E::OutflowLimit);
    // A quarter of the window: a quarter of the limit, to the atom.
    world.advance(6 * 3_600);
    let too_much = withdraw(&world, usdc(250.0) + 1);
    world.refuse(too_much, &[&trader.key], E::OutflowLimit);
    let quarter = withdraw(&world, usdc(250.0));
    world.accept(quarter, &[&trader.key]);
    // Every second counts, also when asked each second: 1e9 atoms in 86 400 seconds are 11 574 a second.
    for _ in 0..5 {
        world.advance(1);
        let step = withdraw(&world, 11_574);
        world.accept(step, &[&trader.key]);
        world.refuse(one.clone(), &[&trader.key], E::OutflowLimit);
    }
    world.advance(2 * DAY);
    let most = withdraw(&world, usdc(1_000.0));
    world.accept(most, &[&trader.key]);
    // Borrowing is an outflow as any.
    world.set_interest(presets::interest());
    world.fund(&trader, SOL_TOKEN, 1_000_000_000_000);
    world.refresh_prices();
    let borrow = world.borrowing(&trader, usdc(9_000.0));
    world.refuse(borrow.instruction(), &[&trader.key], E::OutflowLimit);
    // Without a limit everything goes.
    set_limits(&mut world, USDC, OPEN);
    let rest = withdraw(&world, world.cash(&trader) as u64);
    world.accept(rest, &[&trader.key]);
}

#[test]
fn a_small_limit_leaks_although_asked_every_second() {
    let mut world = World::new();
    let trader = world.trader();
    world.fund(&trader, SOL_TOKEN, 1_000_000);
    set_limits(&mut world, SOL_TOKEN, CollateralLimits { outflow_limit: 10, outflow_window: HOUR, ..OPEN });
    let ten = world.withdraw(&trader, SOL_TOKEN, 10);
    world.accept(ten.instruction(), &[&trader.key]);
    let one = world.withdraw(&trader, SOL_TOKEN, 1).instruction();
    // An atom leaks every six minutes; deposits of nothing net do not put it off.
    for minute in 1..=12 {
        world.advance(60);
        world.refresh_prices();
        if minute % 6 == 0 {
            world.accept(one.clone(), &[&trader.key]);
        }
        world.refuse(one.clone(), &[&trader.key], E::OutflowLimit);
    }
}

#[test]
fn a_guardian_tightens_limits_and_never_loosens_them() {
    let mut world = World::new();
    let guardian = world.guardian.insecure_clone();
    let set = CollateralLimits { deposit_cap: 1_000, outflow_limit: 100, outflow_window: HOUR };
    set_limits(&mut world, USDC, set);
    let by_guardian = |world: &World, limits| {
        let mut set = world.limits_setting(USDC, limits);
        set.authority = guardian.pubkey();
        set.instruction()
    };
    for looser in [
        CollateralLimits { deposit_cap: 1_001, ..set },
        CollateralLimits { outflow_limit: 101, ..set },
        CollateralLimits { outflow_limit: u64::MAX, outflow_window: 0, ..set },
        CollateralLimits { outflow_window: HOUR - 1, ..set },
        // Not even in exchange for something.
        CollateralLimits { deposit_cap: 0, outflow_limit: 101, outflow_window: 24 * HOUR },
    ] {
        let loosen = by_guardian(&world, looser);
        world.refuse(loosen, &[&guardian], E::GuardianLoosens);
    }
    let tighter = CollateralLimits { deposit_cap: 999, outflow_limit: 0, outflow_window: HOUR + 1 };
    let tighten = by_guardian(&world, tighter);
    let receipt = world.accept(tighten, &[&guardian]);
    let [EngineEvent::CollateralLimitsSet(event)] = &receipt.events()[..] else { panic!("one event") };
    assert_eq!((event.before, event.after, event.authority), (set, tighter, guardian.pubkey()));
    let trader = world.trader();
    world.give(&trader, USDC, 1_000);
    let deposit = world.deposit(&trader, USDC, 1_000);
    world.refuse(deposit.instruction(), &[&trader.key], E::DepositCap);
    let deposit = world.deposit(&trader, USDC, 999);
    world.accept(deposit.instruction(), &[&trader.key]);
    let withdraw = world.withdraw(&trader, USDC, 1);
    world.refuse(withdraw.instruction(), &[&trader.key], E::OutflowLimit);
    let stranger = Keypair::new();
    let mut set = world.limits_setting(USDC, tighter);
    set.authority = stranger.pubkey();
    world.refuse(set.instruction(), &[&stranger], E::NotAdminOrGuardian);
    set_limits(&mut world, USDC, OPEN);
}

#[test]
fn windows_belong_to_limits() {
    let mut world = World::new();
    let admin = world.admin.insecure_clone();
    for (outflow_limit, outflow_window) in [(100, 0), (100, 30 * 24 * HOUR + 1), (u64::MAX, 1)] {
        let limits = CollateralLimits { deposit_cap: 0, outflow_limit, outflow_window };
        let set = world.limits_setting(USDC, limits);
        world.refuse(set.instruction(), &[&admin], E::OutflowWindow);
    }
}
