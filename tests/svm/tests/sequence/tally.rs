//! What was accepted and what was refused, for what reasons.

use std::collections::BTreeMap;

use margin_client::errors::EngineError;

/// Instructions that every full sequence sends with success at least once.
pub const INSTRUCTIONS: &[&str] = &[
    "account_close",
    "account_open",
    "account_set_mode",
    "account_transfer",
    "cash_sync",
    "checks_begin … checks_end",
    "collateral_limits_set",
    "deposit",
    "expiry_list",
    "fee_collect",
    "fee_withdraw",
    "fill_settle",
    "funding_update",
    "interest_accrue",
    "interest_set",
    "liquidation_bid",
    "liquidation_start",
    "liquidation_stop",
    "margin_check",
    "open_interest_sync",
    "pause_set",
    "position_settle",
    "price_answer",
    "price_challenge",
    "quote_execute",
    "quotes_cancel",
    "settlement_finalise",
    "settlement_sample",
    "surface_publish",
    "trade_execute",
    "trading_set",
    "venue_approve",
    "venue_enable",
    "withdraw",
];

#[derive(Default)]
struct Row {
    accepted: u64,
    refused: BTreeMap<String, u64>,
}

#[derive(Default)]
pub struct Tally {
    rows: BTreeMap<&'static str, Row>,
    instructions: u64,
}

impl Tally {
    pub fn count(&mut self, name: &'static str, instructions: usize, refusal: Option<EngineError>) {
        self.instructions += instructions as u64;
        let row = self.rows.entry(name).or_default();
        match refusal {
            None => row.accepted += 1,
            Some(error) => *row.refused.entry(error.name()).or_default() += 1,
        }
    }

    pub fn print(&self, seed: u64) {
        println!("seed {seed}: {} instructions", self.instructions);
        for (name, row) in &self.rows {
            let refused: u64 = row.refused.values().sum();
            let reasons: Vec<String> = row.refused.iter().map(|(error, times)| format!("{error} {times}")).collect();
            println!("  {name:<26} {:>5} accepted {refused:>4} refused  {}", row.accepted, reasons.join(", "));
        }
    }

    /// A sequence in which half of the instructions only fail proves little.
    pub fn assert_everything_happened(&self) {
        assert!(self.instructions >= 1_000, "{} instructions", self.instructions);
        for name in INSTRUCTIONS {
            assert!(self.rows.get(name).is_some_and(|row| row.accepted > 0), "{name} was never accepted");
        }
        let refused: BTreeMap<&String, u64> =
            self.rows.values().flat_map(|row| &row.refused).map(|(e, n)| (e, *n)).collect();
        for error in ["BelowInitialMargin", "PriceBand", "AccountInLiquidation", "TradeSequence", "QuoteSpent"] {
            assert!(refused.contains_key(&error.to_owned()), "nothing was refused for {error}");
        }
    }
}
