//! What the simulation reports.

use serde::Serialize;

/// Counts of events. Quote atoms.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
    pub starts: u32,
    pub solvent_bids: u32,
    pub insolvent_bids: u32,
    pub resolved: u32,
    pub released: u32,
    /// Value that bidders got beyond what they paid.
    pub discount: i64,
    /// Paid to bidders of insolvent accounts and for debts: the sum of the next three.
    pub shortfall: i64,
    pub from_underlying: u64,
    pub from_common: u64,
    pub socialised: u64,
}

/// One crash.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    pub name: &'static str,
    pub seed: u64,
    pub hours: usize,
    /// Lowest prices over those of the start, in percent.
    pub lowest: [f64; 2],
    pub accounts: usize,
    pub deposits_usd: f64,
    /// Accounts that were ever in liquidation, and that were ever worth less than nothing there.
    pub liquidated: usize,
    pub insolvent: usize,
    /// Accounts still in liquidation at the end, and what those below zero lack.
    pub unfinished: usize,
    pub uncovered_usd: f64,
    pub tally: Tally,
    pub keepers: Vec<KeeperOutcome>,
    pub kinds: Vec<BookOutcome>,
    /// Times that the vault was proved to hold what everybody claims, to the atom.
    pub proofs: u32,
    /// At the end, quote atoms: what the vault holds, and what cash, unsettled values, fees, funds and the pool claim of it.
    pub vault: u64,
    pub claims: i128,
}

/// Accounts whose first book is of a kind, and how many of them were liquidated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BookOutcome {
    pub book: &'static str,
    pub accounts: usize,
    pub liquidated: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeeperOutcome {
    pub capital_usd: f64,
    pub profit_usd: f64,
    pub bids: u32,
    /// Positions he could not sell.
    pub positions: usize,
}

/// A table for people, with a column a crash.
pub fn render(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let mut row = |name: &str, cell: &dyn Fn(&Outcome) -> String| {
        let cells: Vec<String> = outcomes.iter().map(cell).collect();
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    };
    let usd = |atoms: f64| format!("{:.0}", atoms * 1e-6);
    row("", &|outcome| outcome.name.to_owned());
    row("---", &|_| "---:".to_owned());
    row("lowest BTC, ETH", &|outcome| {
        format!("{:.0} %, {:.0} %", outcome.lowest[0] - 100.0, outcome.lowest[1] - 100.0)
    });
    row("accounts", &|outcome| outcome.accounts.to_string());
    row("their deposits, USD", &|outcome| format!("{:.0}", outcome.deposits_usd));
    row("accounts liquidated", &|outcome| outcome.liquidated.to_string());
    row("of them below zero", &|outcome| outcome.insolvent.to_string());
    row("liquidations started", &|outcome| outcome.tally.starts.to_string());
    row("bids, solvent", &|outcome| outcome.tally.solvent_bids.to_string());
    row("bids, insolvent", &|outcome| outcome.tally.insolvent_bids.to_string());
    row("discount of solvent bids, USD", &|outcome| usd(outcome.tally.discount as f64));
    row("shortfall, USD", &|outcome| usd(outcome.tally.shortfall as f64));
    row("paid by underlyings' insurance, USD", &|outcome| usd(outcome.tally.from_underlying as f64));
    row("paid by common insurance, USD", &|outcome| usd(outcome.tally.from_common as f64));
    row("socialised, USD", &|outcome| usd(outcome.tally.socialised as f64));
    row("debts resolved", &|outcome| outcome.tally.resolved.to_string());
    row("accounts left in liquidation", &|outcome| outcome.unfinished.to_string());
    row("what they lack below zero, USD", &|outcome| format!("{:.0}", outcome.uncovered_usd));
    for (at, name) in ["eager", "greedy"].into_iter().enumerate() {
        row(&format!("profit of the {name} keeper, USD (capital)"), &|outcome| {
            let keeper = &outcome.keepers[at];
            format!("{:.0} ({:.0})", keeper.profit_usd, keeper.capital_usd)
        });
    }
    row("vault at the end, atoms", &|outcome| outcome.vault.to_string());
    row("claims at the end, atoms", &|outcome| outcome.claims.to_string());
    row("proofs that vault = claims, to the atom", &|outcome| outcome.proofs.to_string());
    text
}

/// Which books were liquidated.
pub fn render_kinds(outcomes: &[Outcome]) -> String {
    let names: Vec<&str> = outcomes.iter().map(|outcome| outcome.name).collect();
    let mut text = format!("| book | accounts | {} |\n|---|---:|{}\n", names.join(" | "), "---:|".repeat(names.len()));
    for (at, BookOutcome { book, accounts, .. }) in outcomes.iter().take(1).flat_map(|one| &one.kinds).enumerate() {
        let cells: Vec<String> = outcomes.iter().map(|outcome| outcome.kinds[at].liquidated.to_string()).collect();
        text += &format!("| {book} | {accounts} | {} |\n", cells.join(" | "));
    }
    text
}
