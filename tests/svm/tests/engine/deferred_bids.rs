//! Buying without inventory: a bid, what closes it, and one check at the end of the transaction.

use margin_client::{
    PROGRAM_ID, addresses,
    errors::EngineError as E,
    instructions::{ChecksBegin, ChecksEnd, MarginCheckArgs, VenueAdd, VenueEnable},
    margin::PriceUse,
    state::MarginAccount,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{Trader, World, built_program, buy, sell};

use crate::liquidation::{WHOLE, distressed, start};

/// A keeper who cannot carry what he buys, and a trader who buys it of him.
fn scene() -> (World, Trader, Trader, Trader) {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let poor = world.funded(150.0);
    (world, trader, keeper, poor)
}

/// The slice's positions, taken off the keeper by another trader at their marks.
fn unwinding(world: &World, trader: &Trader, keeper: &Trader, other: &Trader, fraction: u64) -> Instruction {
    let account = world.account(trader);
    let alone = world.snapshot().stand_alone(&account, PriceUse::Liquidation, world.now()).expect("marks");
    let legs: Vec<_> = alone
        .iter()
        .map(|part| {
            let position = &part.position;
            let instrument = position.instrument().expect("a known kind");
            let market = world.underlying(position.underlying);
            // A slice rounds lots away from zero.
            let share = i128::from(position.lots.abs()) * i128::from(fraction);
            let lots = -(-share).div_euclid(i128::from(WHOLE)) as i64;
            let units = position.lots as f64 * market.lot_size as f64 * 1e-9;
            let value = if instrument.kind.has_expiry() { part.value } else { part.value + position.settled_value };
            let mark = value as f64 * 1e-6 / units;
            if position.lots > 0 { sell(lots, instrument, mark) } else { buy(lots, instrument, mark) }
        })
        .collect();
    let mut trade = world.trade(other, keeper, &legs);
    // By then the keeper has the slice's tokens as well.
    let held = [other, keeper, trader].map(|party| world.account(party));
    let held: Vec<&MarginAccount> = held.iter().map(|account| &**account).collect();
    trade.markets = world.directory.for_fills(&held, &legs).expect("listed markets");
    trade.instruction()
}

/// The end of the keeper's deferred checks, once he has what the trader has; or, `closed`, only the tokens of it.
fn end_with(world: &World, trader: &Trader, keeper: &Trader, closed: bool) -> Instruction {
    let mut taken = *world.account(trader);
    if closed {
        taken.position_count = 0;
    }
    let markets = world.directory.for_bid(&world.account(keeper), &taken).expect("listed markets");
    ChecksEnd { engine: world.engine, margin_account: keeper.account, markets }.instruction()
}

#[test]
fn a_slice_is_taken_and_closed_in_one_transaction() {
    let (mut world, trader, maker, poor) = scene();
    let fraction = WHOLE / 20;
    let bid = world.bid(&poor, &trader, fraction).instruction();
    world.refuse(bid.clone(), &[&poor.key], E::BelowInitialMargin);
    let cash = world.report(&poor).equity;
    let unwind = unwinding(&world, &trader, &poor, &maker, fraction);
    let all = [world.begin(&poor), bid, unwind, end_with(&world, &trader, &poor, true)];
    world.send(&all, &[&poor.key, &maker.key]).unwrap_or_else(|refusal| panic!("{}", refusal.cause));
    world.assert_conserved();
    let after = world.account(&poor);
    assert!(after.positions().iter().all(|position| position.lots == 0), "{:?}", after.positions());
    assert!(world.report(&poor).equity > cash, "the discount is left");
}

#[test]
fn what_is_not_closed_is_refused_at_the_end() {
    let (mut world, trader, _, poor) = scene();
    let bid = world.bid(&poor, &trader, WHOLE / 20).instruction();
    let end = end_with(&world, &trader, &poor, false);
    let refusal = world.send(&[world.begin(&poor), bid, end], &[&poor.key]).expect_err("a refusal");
    assert_eq!(refusal.code, Some(E::BelowInitialMargin.into()), "{}", refusal.cause);
}

#[test]
fn a_venue_of_the_engine_may_stand_between_and_no_other_program() {
    let (mut world, _, _, poor) = scene();
    let program = Pubkey::new_unique();
    world.svm.add_program(program, &built_program("svm-probe")).expect("a program");
    let authority = Pubkey::new_unique();
    let admin = world.admin.insecure_clone();
    let add = VenueAdd { admin: admin.pubkey(), engine: world.engine, authority, program };
    world.accept(add.instruction(), &[&admin]);
    let venue = addresses::venue(&world.engine, &authority);
    let begin =
        |venues: Vec<_>| ChecksBegin { authority: poor.owner(), margin_account: poor.account, venues }.instruction();
    // The venue's program asks for the keeper's margin.
    let inner = world.margin_check_with(&poor, MarginCheckArgs::default()).instruction();
    let metas = [vec![AccountMeta::new_readonly(inner.program_id, false)], inner.accounts].concat();
    let through =
        Instruction { program_id: program, accounts: metas, data: [vec![svm_probe::CALL], inner.data].concat() };
    let end = world.end(&poor, &[]);
    let unnamed = world.send(&[begin(vec![]), through.clone(), end.clone()], &[&poor.key]).expect_err("a refusal");
    assert_eq!(unnamed.code, Some(E::DeferredInstruction.into()), "{}", unnamed.cause);
    world
        .send(&[begin(vec![venue]), through.clone(), end.clone()], &[&poor.key])
        .unwrap_or_else(|refusal| panic!("{}", refusal.cause));

    let disable = VenueEnable { admin: admin.pubkey(), engine: world.engine, authority, enabled: false };
    world.accept(disable.instruction(), &[&admin]);
    let closed = world.send(&[begin(vec![venue]), through, end.clone()], &[&poor.key]).expect_err("a refusal");
    assert_eq!(closed.code, Some(E::VenueDisabled.into()), "{}", closed.cause);
    // A venue without a program has none whose instructions could stand there, and this program is nobody's venue.
    let other = Pubkey::new_unique();
    world.register_venue(other);
    let bare =
        world.send(&[begin(vec![addresses::venue(&world.engine, &other)]), end], &[&poor.key]).expect_err("a refusal");
    assert_eq!(bare.code, Some(E::VenueProgram.into()), "{}", bare.cause);
    let own =
        VenueAdd { admin: admin.pubkey(), engine: world.engine, authority: Pubkey::new_unique(), program: PROGRAM_ID };
    world.refuse(own.instruction(), &[&admin], E::VenueProgram);
}
