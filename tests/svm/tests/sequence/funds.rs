//! Deposits, withdrawals, modes, and accounts that are closed and opened again.

use margin_client::{
    instructions::{AccountClose, AccountOpen, AccountOpenArgs},
    margin::PriceUse,
};
use solana_signer::Signer;
use tests_svm::{SOL_TOKEN, Trader, USDC, usdc};

use crate::desk::{Desk, MODES};

/// Cash to a trader in need, or anything to anybody.
pub fn deposit(desk: &mut Desk) {
    let trader = desk.trader();
    let collateral = desk.rng.pick(&[USDC, USDC, SOL_TOKEN]);
    let most = if collateral == USDC { usdc(40_000.0) } else { 50_000_000_000 };
    let mut amount = desk.rng.within(1, most as i64).unsigned_abs();
    desk.give(&trader, collateral, amount);
    if desk.rng.one_in(12) {
        // Nothing at all, or more than the cap.
        amount = desk.rng.pick(&[0, u64::MAX]);
    }
    let deposit = desk.world.deposit(&trader, collateral, amount);
    let _ = desk.attempt("deposit", &[deposit.instruction()], &[&trader.key]);
}

impl Desk {
    /// Equity over initial margin, quote atoms.
    pub fn free(&self, trader: &Trader) -> u64 {
        let report = self.world.snapshot().report(&self.world.account(trader), PriceUse::RaiseRisk, self.world.now());
        report.map_or(0, |report| (report.equity - report.initial_margin).max(0).unsigned_abs())
    }
}

/// A part of what there is, all of it, or too much; sometimes somebody else asks.
pub fn withdraw(desk: &mut Desk) {
    let trader = desk.trader();
    let collateral = desk.rng.pick(&[USDC, USDC, USDC, SOL_TOKEN]);
    let held = if collateral == USDC {
        desk.world.cash(&trader).max(0).unsigned_abs()
    } else {
        desk.world.account(&trader).balance_of(collateral)
    };
    let amount = match desk.rng.within(0, 13) {
        0 => held,
        1 => held + 1,
        2 => 0,
        // Nearly all that margin leaves free.
        3..=8 => desk.free(&trader).min(held) / 100 * 98,
        share => (u128::from(held) * u128::from(share.unsigned_abs()) / 16) as u64,
    };
    let mut withdraw = desk.world.withdraw(&trader, collateral, amount);
    if collateral == USDC && desk.rng.one_in(3) {
        // More than there is: a loan against tokens and positions.
        withdraw.args.amount += desk.free(&trader).saturating_sub(amount) / desk.rng.pick(&[1, 2, 4]);
        withdraw.args.allow_borrow = true;
    }
    let other = desk.trader();
    let thief = desk.rng.one_in(15);
    if thief {
        withdraw.owner = other.owner();
    }
    let key = if thief { &other.key } else { &trader.key };
    let _ = desk.attempt("withdraw", &[withdraw.instruction()], &[key]);
}

pub fn set_mode(desk: &mut Desk) {
    let trader = desk.trader();
    let mode = desk.rng.pick(&MODES);
    let setting = desk.world.mode_setting(&trader, mode);
    let _ = desk.attempt("account_set_mode", &[setting.instruction()], &[&trader.key]);
}

/// Most accounts cannot be closed. A second one of the same owner is empty, and can.
pub fn close_and_reopen(desk: &mut Desk) {
    let trader = desk.trader();
    let close = desk.world.closing(&trader);
    let closed = desk.attempt("account_close", &[close.instruction()], &[&trader.key]).is_ok();
    let (owner, payer, engine) = (trader.owner(), desk.world.payer.pubkey(), desk.world.engine);
    let index = if closed { 0 } else { 1 };
    let args = AccountOpenArgs { index, delegate: Default::default(), mode: desk.rng.pick(&MODES) };
    let open = AccountOpen { owner, payer, engine, args };
    desk.must("account_open", open.instruction(), &[&trader.key]);
    if !closed {
        let address = margin_client::addresses::margin_account(&engine, &owner, 1);
        let close = AccountClose { margin_account: address, ..desk.world.closing(&trader) };
        desk.must("account_close", close.instruction(), &[&trader.key]);
    }
}
