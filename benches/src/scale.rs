//! The table of `docs/scale.md`: how many transactions a second the network's limits let through, from measured compute units.

use std::fs;

use anyhow::{Context, Result};

use crate::cu::Row;
use crate::svm::root;

const DOCUMENT: &str = "docs/scale.md";
const BEGIN: &str = "<!-- throughput -->\n";
const END: &str = "<!-- /throughput -->";

/// Compute units of a block: today's limit and the planned one.
const BLOCKS: [u64; 2] = [60_000_000, 100_000_000];
/// Compute units of transactions that write one account, in a block: the older limit and 40 % of [`BLOCKS`]' first.
const ACCOUNTS: [u64; 2] = [12_000_000, 24_000_000];
/// Blocks in ten seconds: a slot takes 400 ms.
const SLOTS_IN_TEN_SECONDS: u64 = 25;

/// What the runtime counts for a transaction besides its execution.
const SIGNATURE: u64 = 720;
const SIGNED_MESSAGE: u64 = 2_400;
const WRITTEN: u64 = 300;
/// Limit and price of compute units, instruction data, and the loading of this program and its accounts.
const REST: u64 = 300 + 100 + 900;

/// A kind of transaction.
struct Kind {
    row: &'static str,
    signatures: u64,
    /// Written accounts, the payer among them.
    written: u64,
    /// Messages signed off-line.
    messages: u64,
    /// What one transaction does so many times.
    unit: (&'static str, u64),
    /// The account that others write too.
    shared: Option<&'static str>,
}

const fn kind(
    row: &'static str,
    signatures: u64,
    written: u64,
    unit: (&'static str, u64),
    shared: Option<&'static str>,
) -> Kind {
    Kind { row, signatures, written, messages: 0, unit, shared }
}

const MARKET: Option<&str> = Some("the underlying");
const VAULT: Option<&str> = Some("the token's vault");

const KINDS: [Kind; 11] = [
    kind("trade_1", 2, 4, ("trades", 1), MARKET),
    kind("trade_1_major", 2, 4, ("trades", 1), MARKET),
    kind("trade_8", 2, 4, ("trades of 8 legs", 1), MARKET),
    Kind { messages: 1, ..kind("quote_1", 1, 4, ("signed quotes", 1), MARKET) },
    kind("fill_batch_4", 1, 7, ("venue fills", 4), MARKET),
    kind("deposit", 1, 5, ("deposits", 1), VAULT),
    kind("withdraw", 1, 5, ("withdrawals", 1), VAULT),
    kind("margin_check_16", 1, 1, ("margin checks of 16 legs", 1), None),
    kind("liquidation_start_16", 1, 2, ("liquidation starts, 16 legs", 1), None),
    kind("bid_16", 1, 3, ("liquidation bids, 16 legs", 1), None),
    kind("settle_20", 1, 23, ("accounts settled", 20), MARKET),
];

impl Kind {
    fn cost(&self, execution: u64) -> u64 {
        let counted = self.signatures * SIGNATURE + self.messages * SIGNED_MESSAGE + self.written * WRITTEN;
        execution + counted + REST
    }
}

/// In a second, rounded down.
fn rate(limit: u64, cost: u64, times: u64) -> u64 {
    limit / cost * times * SLOTS_IN_TEN_SECONDS / 10
}

fn table(rows: &[Row]) -> Result<String> {
    let mut text = "| a second | measured | CU of a transaction | block 60 M | block 100 M | one account 12 M | one account 24 M | bound by |\n\
                    |---|---|---:|---:|---:|---:|---:|---|\n"
        .to_owned();
    for kind in &KINDS {
        let row = rows.iter().find(|row| row.name == kind.row).with_context(|| format!("no row {}", kind.row))?;
        let cost = kind.cost(row.cu);
        let (unit, times) = kind.unit;
        let [today, planned] = BLOCKS.map(|limit| rate(limit, cost, times));
        let [older, newer] = ACCOUNTS.map(|limit| match kind.shared {
            Some(_) => rate(limit, cost, times).to_string(),
            None => "–".to_owned(),
        });
        let bound = kind.shared.unwrap_or("the block");
        text += &format!("| {unit} | `{}` | {cost} | {today} | {planned} | {older} | {newer} | {bound} |\n", kind.row);
    }
    Ok(text)
}

/// Writes the table into the document.
pub fn update(rows: &[Row]) -> Result<()> {
    let path = root().join(DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| format!("read {DOCUMENT}"))?;
    let (before, rest) = text.split_once(BEGIN).with_context(|| format!("{DOCUMENT} has no {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{DOCUMENT} has no {END}"))?;
    let text = format!("{before}{BEGIN}{}{END}{after}", table(rows)?);
    fs::write(&path, text).with_context(|| format!("write {DOCUMENT}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_count_whole_transactions_of_a_slot() {
        assert_eq!(rate(60_000_000, 40_000, 1), 3_750);
        // 299 in a block, 747.5 in a second.
        assert_eq!(rate(12_000_000, 40_001, 1), 747);
        assert_eq!(rate(12_000_000, 100_000, 4), 1_200);
        let quote = &KINDS[3];
        assert_eq!(quote.cost(36_000), 36_000 + 720 + 2_400 + 1_200 + 1_300);
    }
}
