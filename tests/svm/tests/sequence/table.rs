//! What can happen, and how often.

use tests_svm::Rng;

use crate::{admin, cash, desk::Desk, funds, liquidation, markets, settlement, trades, venue};

/// One thing that somebody does. To add one: a function that sends instructions with [`Desk::attempt`], a row below, and the
/// instruction's name in `tally::INSTRUCTIONS`.
#[derive(Clone, Copy)]
pub struct Action {
    pub name: &'static str,
    /// How often, in proportion to the others.
    pub weight: i64,
    pub run: fn(&mut Desk),
}

const fn action(name: &'static str, weight: i64, run: fn(&mut Desk)) -> Action {
    Action { name, weight, run }
}

pub const ACTIONS: &[Action] = &[
    // Money.
    action("deposit", 6, funds::deposit),
    action("withdraw", 7, funds::withdraw),
    action("borrowing", 3, cash::borrow),
    action("account_transfer", 2, cash::transfer),
    action("cash_sync", 3, cash::sync),
    action("interest_accrue", 4, cash::accrue),
    action("interest_set", 1, cash::set_interest),
    action("collateral_limits_set", 2, cash::set_limits),
    action("pause_set", 1, cash::pause),
    action("account_set_mode", 3, funds::set_mode),
    action("account_close", 1, funds::close_and_reopen),
    // Trades.
    action("trade_execute", 26, trades::trade),
    action("quote_execute", 8, trades::take_quote),
    action("quotes_cancel", 2, trades::cancel_quotes),
    action("deferred checks", 4, trades::deferred),
    action("fill_settle", 8, venue::settle_fills),
    action("venue_approve", 3, venue::approve),
    action("venue_enable", 1, venue::enable),
    // Checks.
    action("margin_check", 3, liquidation::check),
    // The market.
    action("time passes", 8, markets::pass_time),
    action("prices move", 7, markets::shock),
    action("squeeze", 6, markets::squeeze),
    action("publication", 5, markets::publish),
    action("funding_update", 4, markets::update_funding),
    // Liquidation.
    action("liquidation_start", 3, liquidation::start),
    action("liquidation_bid", 10, liquidation::bid),
    action("collateral_bid", 2, liquidation::collateral_bid),
    action("liquidation_replace_witness", 2, liquidation::replace_witness),
    action("liquidation_convert", 2, liquidation::convert),
    action("liquidation_stop", 5, liquidation::stop),
    action("open_interest_sync", 2, liquidation::sync),
    action("price_challenge", 2, liquidation::challenge),
    action("price_answer", 2, liquidation::answer),
    // Settlement.
    action("expiry_list", 3, settlement::list),
    action("settlement keeper", 10, settlement::crank),
    action("settlement_sample", 2, settlement::sample),
    action("settlement_finalise", 1, settlement::finalise),
    action("position_settle", 2, settlement::settle),
    action("settlement_fix", 2, settlement::fix),
    // Fees.
    action("fee_collect", 2, admin::collect_fees),
    action("fee_withdraw", 2, admin::withdraw_fees),
    action("trading_set", 1, admin::set_trading),
];

/// Draws an action.
pub fn pick(rng: &mut Rng) -> Action {
    let total = ACTIONS.iter().map(|action| action.weight).sum();
    let mut at = rng.within(1, total);
    for action in ACTIONS {
        at -= action.weight;
        if at <= 0 {
            return *action;
        }
    }
    unreachable!("the weights sum to the total")
}
