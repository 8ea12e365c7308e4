//! Series that are listed, sampled, made final and paid.

use margin_client::{
    margin::{PriceUse, read_price},
    settlement::{SettlementStep, settlement_steps},
};
use tests_svm::{Trader, specs};

use crate::desk::Desk;

impl Desk {
    /// Any listed series, or one that is not there.
    fn any_series(&mut self) -> (u16, i64) {
        let all = self.series();
        if all.is_empty() || self.rng.one_in(20) { (self.rng.pick(&[0, 1, 2]), 1) } else { self.rng.pick(&all) }
    }

    /// Does everything that the client proposes for an underlying; each step must pass. Returns how many there were.
    #[track_caller]
    pub fn keep(&mut self, underlying: u16) -> usize {
        let market = self.world.underlying(underlying);
        let address = self.world.price_account(&specs()[usize::from(underlying)].feed);
        let account = self.world.svm.get_account(&address).expect("a price account");
        let now = self.world.now();
        let price = read_price(&market.oracle, address, &account, PriceUse::RaiseRisk, now).ok();
        let price = price.map(|view| (address, view));
        let settler = self.keeper().account;
        let steps = settlement_steps(&market, price, &self.world.margin_accounts(), &settler, now);
        let count = steps.len();
        for step in steps {
            let name = match &step {
                SettlementStep::Sample(_) => "settlement_sample",
                SettlementStep::Finalise(_) => "settlement_finalise",
                SettlementStep::Settle(_) => "position_settle",
            };
            self.must(name, step.instruction(), &[]);
        }
        count
    }
}

/// Another series, if a slot is free; once in a while one that cannot be.
pub fn list(desk: &mut Desk) {
    let underlying = desk.rng.pick(&[0, 1, 2]);
    let hours = desk.rng.pick(&[1, 2, 6, 24, 72, 24 * 12, -1]);
    let expiry = (desk.world.now() / 3_600 + hours) * 3_600;
    let list = desk.world.expiry_listing(underlying, expiry);
    if desk.attempt("expiry_list", &[list.instruction()], &[]).is_ok() && !desk.rng.one_in(5) {
        desk.republish();
    }
}

/// A keeper's minute or two: where a series is ending, time passes from sample to sample.
pub fn crank(desk: &mut Desk) {
    let now = desk.world.now();
    let ending = desk.series().into_iter().any(|(_, expiry)| expiry - 1_800 <= now);
    let minutes = if ending { desk.rng.within(1, 5) } else { 1 };
    for _ in 0..minutes {
        let passed = desk.rng.within(30, 90);
        desk.world.advance(passed);
        desk.world.refresh_prices();
        for spec in specs() {
            desk.keep(spec.index);
        }
    }
}

/// A sample that may come too soon, too late, or twice.
pub fn sample(desk: &mut Desk) {
    let (underlying, expiry) = desk.any_series();
    let sample = desk.world.sample(underlying, expiry);
    let _ = desk.attempt("settlement_sample", &[sample.instruction()], &[]);
}

pub fn finalise(desk: &mut Desk) {
    let (underlying, expiry) = desk.any_series();
    let finalise = desk.world.finalise(underlying, expiry);
    let _ = desk.attempt("settlement_finalise", &[finalise.instruction()], &[]);
}

/// A few accounts, some of them twice or the settler's own.
pub fn settle(desk: &mut Desk) {
    let (underlying, expiry) = desk.any_series();
    let settler = desk.trader();
    let traders: Vec<_> = (0..desk.rng.within(1, 4)).map(|_| desk.trader()).collect();
    let traders: Vec<&Trader> = traders.iter().map(|trader| &**trader).collect();
    let settle = desk.world.settle(underlying, expiry, &settler, &traders);
    let _ = desk.attempt("position_settle", &[settle.instruction()], &[]);
}

/// The admin sets a price: too early, or after three days in which nobody sampled.
pub fn fix(desk: &mut Desk) {
    let now = desk.world.now();
    let waiting = desk.series().into_iter().find(|(_, expiry)| *expiry <= now);
    let (underlying, expiry) = waiting.unwrap_or_else(|| desk.any_series());
    if expiry < now + 4 * 86_400 && desk.rng.one_in(2) {
        desk.world.set_time((expiry + 259_260).max(now));
        desk.republish();
    }
    let spot = desk.world.spot(&specs()[usize::from(underlying)].feed);
    let fix = desk.world.fix(underlying, expiry, spot / 100 * desk.rng.pick(&[40, 99, 100, 101]));
    let _ = desk.attempt("settlement_fix", &[fix.instruction()], &[]);
}
