//! Fees and terms.

use margin_client::state::{Collateral, TradingParameters};
use tests_svm::Trader;

use crate::desk::{Desk, terms};

impl Desk {
    /// Fees that were collected and not withdrawn.
    pub fn collected(&self) -> u64 {
        self.world.load::<Collateral>(self.world.quote.collateral(&self.world.engine).collateral).fees
    }

    /// The admin withdraws fees.
    pub fn withdrawal(&mut self, amount: u64) -> bool {
        let withdraw = self.world.fee_withdrawal(self.treasury, amount);
        self.attempt("fee_withdraw", &[withdraw.instruction()], &[]).is_ok()
    }
}

pub fn collect_fees(desk: &mut Desk) {
    let traders: Vec<_> = (0..desk.rng.within(1, 5)).map(|_| desk.trader()).collect();
    let traders: Vec<&Trader> = traders.iter().map(|trader| &**trader).collect();
    let collect = desk.world.fee_collection(&traders);
    desk.must("fee_collect", collect.instruction(), &[]);
}

/// A part of what was collected, all of it, too much, or nothing.
pub fn withdraw_fees(desk: &mut Desk) {
    let fees = desk.collected();
    let amount = desk.rng.pick(&[fees / 3, fees / 2, fees, fees + 1]);
    assert_eq!(desk.withdrawal(amount), amount > 0 && amount <= fees);
}

/// Other fees and rewards from now on; never without a rule.
pub fn set_trading(desk: &mut Desk) {
    let rate = |desk: &mut Desk, most: i64| desk.rng.within(0, most) as u32;
    let parameters = TradingParameters {
        taker_fee: rate(desk, 1_000_000),
        maker_fee: rate(desk, 500_000),
        settlement_fee: rate(desk, 400_000),
        option_fee_cap: rate(desk, 200_000_000),
        settler_reward: desk.rng.within(0, 500_000).unsigned_abs(),
        ..terms()
    };
    let mut set = desk.world.trading_setting(desk.rng.pick(&[0, 1, 2]), parameters);
    if desk.rng.one_in(5) {
        set.parameters.sample_count = 0;
    }
    let _ = desk.attempt("trading_set", &[set.instruction()], &[]);
}
