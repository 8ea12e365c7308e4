//! Checks, liquidations, and what they leave behind.

use std::rc::Rc;

use margin_client::{constants::CHALLENGE_BOND as BOND, instructions::MarginCheckArgs, margin::PriceUse};
use tests_svm::{SOL_TOKEN, Trader, USDC, usdc};

use crate::desk::Desk;

impl Desk {
    /// Equity over maintenance margin. `None`: there is no price good enough.
    pub fn surplus_of(&self, trader: &Trader) -> Option<i64> {
        let snapshot = self.world.snapshot();
        let report = snapshot.report(&self.world.account(trader), PriceUse::Liquidation, self.world.now()).ok()?;
        Some(report.equity - report.maintenance_margin)
    }

    /// The trader with the least equity over maintenance margin that is not in liquidation yet.
    fn weakest(&mut self) -> Rc<Trader> {
        let surplus = |trader: &&Rc<Trader>| {
            let free = !self.world.account(trader).in_liquidation();
            self.surplus_of(trader).filter(|_| free).unwrap_or(i64::MAX)
        };
        self.traders.iter().min_by_key(surplus).cloned().expect("seven traders")
    }

    /// A trader in liquidation. Where there is none: seldom anybody.
    fn distressed(&mut self) -> Option<Rc<Trader>> {
        let active = |trader: &&Rc<Trader>| self.world.account(trader).in_liquidation();
        let all: Vec<Rc<Trader>> = self.traders.iter().filter(active).cloned().collect();
        if self.rng.one_in(12) {
            return Some(self.trader());
        }
        let last = all.len().checked_sub(1)?;
        Some(Rc::clone(&all[self.rng.within(0, last as i64) as usize]))
    }
}

/// The program's report is the client's, to the bit.
pub fn check(desk: &mut Desk) {
    let trader = desk.trader();
    let args = MarginCheckArgs::default();
    let check = desk.world.margin_check_with(&trader, args.clone());
    let expected = desk.world.snapshot().check(&desk.world.account(&trader), &args, desk.world.now());
    match desk.attempt("margin_check", &[check.instruction()], &[]) {
        Ok(receipt) => assert_eq!(expected, Ok(receipt.report())),
        Err(error) => assert!(expected.is_err(), "{error} against {expected:?}"),
    }
}

pub fn start(desk: &mut Desk) {
    let trader = if desk.rng.one_in(4) { desk.trader() } else { desk.weakest() };
    let keeper = desk.keeper();
    let start = desk.world.start(&keeper, &trader);
    let _ = desk.attempt("liquidation_start", &[start.instruction()], &[&keeper.key]);
}

pub fn bid(desk: &mut Desk) {
    let Some(trader) = desk.distressed() else { return };
    let bidder = if desk.rng.one_in(3) { desk.trader() } else { desk.keeper() };
    let fraction = desk.rng.pick(&[1_000_000_000, 500_000_000, 200_000_000, 30_000_000, 1, 0]);
    let mut bid = desk.world.bid(&bidder, &trader, fraction);
    if desk.rng.one_in(12) {
        bid.args.price_limit = 0;
    }
    let held = desk.world.account(&trader).positions().len();
    if held > 0 && desk.rng.one_in(3) {
        let chosen: Vec<usize> = (0..held).filter(|_| desk.rng.one_in(2)).collect();
        bid.args.legs = Some(desk.world.legs(&trader, &chosen));
    }
    let _ = desk.attempt("liquidation_bid", &[bid.instruction()], &[&bidder.key]);
}

/// Some of a token, by anybody.
pub fn collateral_bid(desk: &mut Desk) {
    let Some(trader) = desk.distressed() else { return };
    let bidder = desk.keeper();
    let amount = desk.rng.pick(&[1, 1_000_000_000, u64::MAX]);
    let bid = desk.world.collateral_bid(&bidder, &trader, SOL_TOKEN, amount);
    let _ = desk.attempt("collateral_bid", &[bid.instruction()], &[&bidder.key]);
}

/// Another witness, or the worst one.
pub fn replace_witness(desk: &mut Desk) {
    let Some(trader) = desk.distressed() else { return };
    let mut witness = desk.world.witness(&trader, &[]);
    let worst = desk.rng.one_in(2);
    let scenarios = (0..desk.rng.within(0, 3)).map(|_| desk.rng.within(0, 31) as u8).collect();
    witness.args.witness = (!worst).then_some(scenarios);
    let _ = desk.attempt("liquidation_replace_witness", &[witness.instruction()], &[]);
}

/// The other auction, where it is time.
pub fn convert(desk: &mut Desk) {
    let Some(trader) = desk.distressed() else { return };
    let convert = desk.world.conversion(&trader);
    let _ = desk.attempt("liquidation_convert", &[convert.instruction()], &[]);
}

/// Releases an account, sometimes after its owner has paid in.
pub fn stop(desk: &mut Desk) {
    let Some(trader) = desk.distressed() else { return };
    if desk.rng.one_in(2) {
        desk.give(&trader, USDC, usdc(50_000.0));
        let deposit = desk.world.deposit(&trader, USDC, usdc(50_000.0));
        // The cap may be anything.
        let _ = desk.attempt("deposit", &[deposit.instruction()], &[&trader.key]);
    }
    let stop = desk.world.stop(&trader);
    let _ = desk.attempt("liquidation_stop", &[stop.instruction()], &[]);
}

pub fn sync(desk: &mut Desk) {
    let trader = desk.trader();
    let underlying = desk.rng.pick(&[0, 1, 2]);
    let sync = desk.world.open_interest_sync(underlying, &trader);
    let _ = desk.attempt("open_interest_sync", &[sync.instruction()], &[]);
}

/// Somebody says that SOL has no price; where nobody answers, it counts for nothing whenever that is so.
pub fn challenge(desk: &mut Desk) {
    let trader = desk.trader();
    desk.world.svm.airdrop(&trader.owner(), BOND).expect("an airdrop");
    let challenge = desk.world.challenge(&trader.key, SOL_TOKEN);
    let _ = desk.attempt("price_challenge", &[challenge.instruction()], &[&trader.key]);
}

pub fn answer(desk: &mut Desk) {
    let keeper = desk.keeper();
    let answer = desk.world.answer(&keeper.key, SOL_TOKEN);
    let _ = desk.attempt("price_answer", &[answer.instruction()], &[&keeper.key]);
}
