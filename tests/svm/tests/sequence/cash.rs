//! Interest, limits, pauses, and transfers between accounts of one owner.

use margin_client::{
    addresses,
    instructions::{AccountClose, AccountOpen, AccountOpenArgs, AccountTransfer, CollateralLimits, PauseSet},
    presets,
    state::{PauseBits, RateParameters},
};
use solana_signer::Signer;
use tests_svm::{SOL_TOKEN, USDC, usdc};

use crate::desk::{Desk, MODES};

/// To a second account of the owner and back, which must leave it empty; or to somebody else's, which must fail.
pub fn transfer(desk: &mut Desk) {
    let (trader, other) = desk.pair();
    let collateral = desk.rng.pick(&[USDC, USDC, SOL_TOKEN]);
    let amount = desk.rng.within(0, usdc(2_000.0) as i64).unsigned_abs();
    if desk.rng.one_in(5) {
        let theft = desk.world.transfer(&trader, other.account, collateral, amount);
        assert!(desk.attempt("account_transfer", &[theft.instruction()], &[&trader.key]).is_err());
        return;
    }
    let (owner, payer, engine) = (trader.owner(), desk.world.payer.pubkey(), desk.world.engine);
    let args = AccountOpenArgs { index: 1, delegate: Default::default(), mode: desk.rng.pick(&MODES) };
    let open = AccountOpen { owner, payer, engine, args };
    desk.must("account_open", open.instruction(), &[&trader.key]);
    let second = addresses::margin_account(&engine, &owner, 1);
    let there = desk.world.transfer(&trader, second, collateral, amount);
    if desk.attempt("account_transfer", &[there.instruction()], &[&trader.key]).is_ok() {
        let back = AccountTransfer {
            owner,
            engine,
            source: second,
            destination: trader.account,
            collateral,
            amount,
            markets: Vec::new(),
        };
        desk.must("account_transfer", back.instruction(), &[&trader.key]);
    }
    let close = AccountClose { margin_account: second, ..desk.world.closing(&trader) };
    desk.must("account_close", close.instruction(), &[&trader.key]);
}

/// Cash against tokens: up to all that they are worth to the margin.
pub fn borrow(desk: &mut Desk) {
    let trader = desk.trader();
    if desk.world.account(&trader).balances().is_empty() {
        desk.give(&trader, SOL_TOKEN, 200_000_000_000);
        let deposit = desk.world.deposit(&trader, SOL_TOKEN, 200_000_000_000);
        let _ = desk.attempt("deposit", &[deposit.instruction()], &[&trader.key]);
    }
    let amount = desk.free(&trader) / desk.rng.pick(&[1, 2, 3]);
    let borrow = desk.world.borrowing(&trader, amount);
    let _ = desk.attempt("withdraw", &[borrow.instruction()], &[&trader.key]);
}

pub fn sync(desk: &mut Desk) {
    let trader = desk.trader();
    let sync = desk.world.sync(&trader);
    desk.must("cash_sync", sync.instruction(), &[]);
}

/// Publishes interest; refused within a minute of the last time.
pub fn accrue(desk: &mut Desk) {
    let accrue = desk.world.accrual();
    let _ = desk.attempt("interest_accrue", &[accrue.instruction()], &[]);
}

/// Other rates, or none.
pub fn set_interest(desk: &mut Desk) {
    let usual = presets::interest();
    let rates = match desk.rng.within(0, 4) {
        0 => RateParameters { reserve_share: 0, ..usual },
        1 => RateParameters { base: 10_000_000, maximum: 2_000_000_000, ..usual },
        2 => RateParameters { maximum_utilisation: 10_000_000, ..usual },
        3 => RateParameters { kink: u64::MAX, ..usual },
        _ => usual,
    };
    let set = desk.world.interest_setting(rates);
    let _ = desk.attempt("interest_set", &[set.instruction()], &[]);
}

const OPEN: CollateralLimits =
    CollateralLimits { deposit_cap: 1_000_000_000_000_000, outflow_limit: u64::MAX, outflow_window: 0 };

/// By the admin any limits, by the guardian tighter ones.
pub fn set_limits(desk: &mut Desk) {
    let index = desk.rng.pick(&[USDC, SOL_TOKEN]);
    let limits = match desk.rng.within(0, 3) {
        0 => CollateralLimits { outflow_limit: usdc(30_000.0), outflow_window: 7_200, ..OPEN },
        1 => CollateralLimits { deposit_cap: usdc(1.0), ..OPEN },
        _ => OPEN,
    };
    let mut set = desk.world.limits_setting(index, limits);
    let guardian = desk.world.guardian.insecure_clone();
    if desk.rng.one_in(4) {
        set.authority = guardian.pubkey();
    }
    let _ = desk.attempt("collateral_limits_set", &[set.instruction()], &[&guardian]);
}

/// Minutes without trades, withdrawals or loans; by the guardian as well.
pub fn pause(desk: &mut Desk) {
    let bits =
        desk.rng.pick(&[PauseBits::TRADING, PauseBits::WITHDRAWING, PauseBits::BORROWING, PauseBits::ALL, 0, 128]);
    let until = desk.world.now() + desk.rng.within(0, 300);
    let mut pause: PauseSet = desk.world.pausing(bits, until);
    let guardian = desk.world.guardian.insecure_clone();
    if desk.rng.one_in(3) {
        pause.authority = guardian.pubkey();
    }
    let _ = desk.attempt("pause_set", &[pause.instruction()], &[&guardian]);
}

/// The admin ends every pause and opens every limit.
pub fn lift_limits(desk: &mut Desk) {
    for index in [USDC, SOL_TOKEN] {
        let set = desk.world.limits_setting(index, OPEN);
        desk.must("collateral_limits_set", set.instruction(), &[]);
    }
    let pause = desk.world.pausing(0, 0);
    desk.must("pause_set", pause.instruction(), &[]);
}
