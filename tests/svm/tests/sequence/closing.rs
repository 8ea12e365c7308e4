//! The end: everything is closed, and every balance returns to its owner.

use std::{collections::BTreeMap, rc::Rc};

use margin_client::{
    instructions::{TradeExecute, TradeLeg},
    state::{Collateral, Instrument},
};
use tests_svm::{SOL_TOKEN, Trader, USDC, specs, token_balance, usdc};

use crate::{cash, desk::Desk};

/// Closes all positions, pays everybody out, closes every account, and looks at what is left: dust.
pub fn close_everything(desk: &mut Desk) {
    rescue(desk);
    let kept = flatten(desk);
    desk.check_equity();
    println!("  {} series run to their end with open positions", kept.len());
    expire(desk);
    pay_out(desk);
    let dust = look(desk);
    println!("  dust: {dust} atoms; at most one for each of {} payments", payments(desk));
}

fn payments(desk: &Desk) -> u64 {
    desk.funding_payments + desk.world.settled_positions()
}

/// Owners pay in what their accounts lack, and nobody is in liquidation any more.
fn rescue(desk: &mut Desk) {
    desk.republish();
    cash::lift_limits(desk);
    for trader in desk.traders.clone() {
        desk.fund(&trader, USDC, usdc(20_000_000.0));
        if desk.world.account(&trader).in_liquidation() {
            let stop = desk.world.stop(&trader);
            desk.must("liquidation_stop", stop.instruction(), &[]);
        }
    }
}

/// Trades positions flat at their marks: all perpetuals, and a half of the series. Returns the series that stay.
fn flatten(desk: &mut Desk) -> Vec<(u16, i64)> {
    let now = desk.world.now();
    let mut kept = desk.series();
    kept.retain(|(_, expiry)| *expiry <= now || desk.rng.one_in(2));
    let mut books = BTreeMap::<Instrument, Vec<(Rc<Trader>, i64)>>::new();
    for trader in &desk.traders {
        for position in desk.world.account(trader).positions().iter().filter(|position| position.lots != 0) {
            let instrument = position.instrument().expect("a known kind");
            if !kept.contains(&(instrument.underlying, instrument.expiry)) {
                books.entry(instrument).or_default().push((Rc::clone(trader), position.lots));
            }
        }
    }
    let snapshot = desk.world.snapshot();
    for (instrument, mut holders) in books {
        let price = desk.mark(&snapshot, instrument).unwrap_or_else(|| panic!("{instrument:?} has no mark at {now}"));
        loop {
            let long = holders.iter().position(|(_, lots)| *lots > 0);
            let short = holders.iter().position(|(_, lots)| *lots < 0);
            let (Some(long), Some(short)) = (long, short) else { break };
            let lots = holders[long].1.min(-holders[short].1);
            holders[long].1 -= lots;
            holders[short].1 += lots;
            let (maker, taker) = (Rc::clone(&holders[long].0), Rc::clone(&holders[short].0));
            let trade: TradeExecute = desk.world.trade(&maker, &taker, &[TradeLeg { instrument, lots, price }]);
            desk.must("trade_execute", trade.instruction(), &[&maker.key, &taker.key]);
        }
        assert!(holders.iter().all(|(_, lots)| *lots == 0), "{instrument:?} has two sides");
    }
    for trader in desk.traders.clone() {
        for spec in specs() {
            let sync = desk.world.open_interest_sync(spec.index, &trader);
            desk.must("open_interest_sync", sync.instruction(), &[]);
        }
    }
    kept.retain(|(underlying, expiry)| desk.world.slot(*underlying, *expiry).is_some_and(|slot| slot.open_lots > 0));
    kept
}

/// Time passes from expiry to expiry until no series is listed.
fn expire(desk: &mut Desk) {
    while let Some(expiry) = desk.series().into_iter().map(|(_, expiry)| expiry).min() {
        let now = desk.world.now();
        desk.world.set_time(now.max(expiry - 600));
        // Ten minutes hold more samples than needed; who comes late takes as long.
        for _ in 0..30 {
            desk.world.refresh_prices();
            for spec in specs() {
                desk.keep(spec.index);
            }
            if desk.series().iter().all(|(_, other)| *other != expiry) {
                break;
            }
            desk.world.advance(60);
        }
        assert!(desk.series().iter().all(|(_, other)| *other != expiry), "a series that never ends");
    }
    desk.republish();
}

/// Fees to the treasury, tokens and cash to their owners, accounts closed.
fn pay_out(desk: &mut Desk) {
    let traders = desk.traders.clone();
    let all: Vec<&Trader> = traders.iter().map(|trader| &**trader).collect();
    let collect = desk.world.fee_collection(&all);
    desk.must("fee_collect", collect.instruction(), &[]);
    let fees = desk.collected();
    assert!(fees == 0 || desk.withdrawal(fees));
    // Nobody owes the pool anything any more, so the vault has everybody's money.
    for trader in &traders {
        let sync = desk.world.sync(trader);
        desk.must("cash_sync", sync.instruction(), &[]);
    }
    for trader in &traders {
        let account = desk.world.account(trader);
        assert!(account.positions().is_empty(), "{:?}", account.positions());
        let amounts = [(SOL_TOKEN, account.balance_of(SOL_TOKEN)), (USDC, desk.world.cash(trader).unsigned_abs())];
        for (collateral, amount) in amounts.into_iter().filter(|(_, amount)| *amount > 0) {
            let withdraw = desk.world.withdraw(trader, collateral, amount);
            desk.must("withdraw", withdraw.instruction(), &[&trader.key]);
        }
        let close = desk.world.closing(trader);
        desk.must("account_close", close.instruction(), &[&trader.key]);
    }
}

/// Nothing is left but atoms that rounding took. Returns how many.
fn look(desk: &Desk) -> u64 {
    let world = &desk.world;
    assert!(world.margin_accounts().is_empty());
    for spec in specs() {
        let market = world.underlying(spec.index);
        let slots = market.expiries.iter();
        assert!(slots.clone().all(|slot| slot.expiry == 0 && slot.open_lots == 0), "every slot is free");
    }
    let listing =
        |token: u16| world.load::<Collateral>(world.tokens[usize::from(token)].collateral(&world.engine).collateral);
    let vault = |token: u16| token_balance(&world.svm, &listing(token).vault);
    let wallets = |token: u16| {
        desk.traders.iter().map(|trader| token_balance(&world.svm, &trader.wallets[usize::from(token)])).sum::<u64>()
    };
    assert_eq!((vault(SOL_TOKEN), listing(SOL_TOKEN).total_deposits), (0, 0));
    assert_eq!(wallets(SOL_TOKEN), desk.given[usize::from(SOL_TOKEN)], "every token is back");
    let left = vault(USDC);
    assert_eq!(listing(USDC).total_deposits, left);
    let pool = listing(USDC).pool;
    assert_eq!((pool.deposited, pool.borrowed), (0, 0), "nobody lends and nobody borrows");
    // Interest that is the pool's own, to the last whole atom.
    let reserve = (i128::from_le_bytes(pool.reserve) + i128::from_le_bytes(pool.pot)) >> 48;
    let reserve = u64::try_from(reserve).expect("a reserve");
    println!("  reserve: {reserve} atoms of interest");
    let dust = left.checked_sub(reserve).expect("the reserve is in the vault");
    assert_eq!(listing(USDC).fees, 0);
    let treasury = token_balance(&world.svm, &desk.treasury);
    assert_eq!(wallets(USDC) + treasury + left, desk.given[usize::from(USDC)], "every atom is back");
    assert!(dust <= payments(desk), "{dust} atoms are left of {} payments", payments(desk));
    dust
}
