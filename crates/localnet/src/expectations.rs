//! What the demo must show. One sentence each, true or false, with the figures that decide it.

use margin_client::MarginReport;
use margin_client::events::LiquidationBid;
use margin_client::text::fixed;

use crate::demo::{HEDGED, Interest, NAKED, Outcome};
use crate::keeper::{Action, liquidatable};
use crate::report::dollars;

/// One thing that should have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    pub what: &'static str,
    pub met: bool,
    pub figures: String,
}

impl Expectation {
    fn new(what: &'static str, met: bool, figures: String) -> Self {
        Self { what, met, figures }
    }
}

impl Outcome {
    /// Every expectation, met or not.
    pub fn expectations(&self) -> Vec<Expectation> {
        let mut list = Vec::new();
        list.extend(self.opening());
        list.extend(self.survival());
        list.extend(self.liquidation());
        list.extend(self.books());
        list
    }

    fn opening(&self) -> [Expectation; 4] {
        let [hedged, naked] = &self.opened;
        let spare = |margin: &MarginReport| dollars(margin.equity.saturating_sub(margin.initial_margin));
        let (netted, separate) = (hedged.margin.initial_margin, hedged.separate.initial_margin);
        [
            Expectation::new(
                "the client reproduces the program's reports bit for bit",
                self.opened.iter().all(|report| report.reproduced),
                match self.opened.iter().find(|report| !report.reproduced) {
                    Some(report) => format!("{} differs: is the program older than the client?", report.name),
                    None => format!("{} reports", self.opened.len()),
                },
            ),
            Expectation::new(
                "both accounts are initially healthy after their trades",
                self.opened.iter().all(|report| report.margin.equity >= report.margin.initial_margin),
                format!(
                    "equity above initial margin: hedged {}, naked {}",
                    spare(&hedged.margin),
                    spare(&naked.margin)
                ),
            ),
            Expectation::new(
                "netting makes the hedged book cheaper than its positions one by one",
                netted < separate,
                format!("{} against {}", dollars(netted), dollars(separate)),
            ),
            Expectation::new(
                "position by position the hedged book could not have been opened",
                separate > hedged.margin.equity,
                format!("{} needed, {} there", dollars(separate), dollars(hedged.margin.equity)),
            ),
        ]
    }

    fn survival(&self) -> [Expectation; 1] {
        let cushions = || self.hours.iter().map(|h| cushion(&h.before[HEDGED]));
        [Expectation::new(
            "the hedged account is never liquidatable",
            cushions().all(|cushion| cushion >= 0) && !self.closed.hedged.in_liquidation && !self.hours.is_empty(),
            format!("least equity above maintenance margin: {}", dollars(cushions().min().unwrap_or_default())),
        )]
    }

    fn liquidation(&self) -> [Expectation; 5] {
        let naked = &self.closed.naked;
        let fallen = self.hours.iter().find(|h| liquidatable(&h.before[NAKED]));
        let actions = || self.hours.iter().flat_map(|h| &h.actions);
        let started = actions().filter(|action| matches!(action, Action::Started { .. })).count();
        let refusals: Vec<&str> = actions().filter_map(refusal).collect();
        let bids: Vec<&LiquidationBid> = actions().filter_map(bid).collect();
        let (paid, worth) = bids.iter().fold((0_i128, 0_i128), |(paid, worth), bid| {
            (paid + i128::from(bid.price), worth + i128::from(bid.slice_value))
        });
        let everyone = [&self.closed.hedged, naked, &self.closed.maker, &self.closed.keeper];
        [
            Expectation::new(
                "the naked account falls below maintenance margin and is liquidated in the same hour",
                fallen.is_some_and(|h| h.actions.iter().any(|action| bid(action).is_some())),
                fallen.map_or_else(|| "it never fell".to_owned(), |h| format!("first at {}", h.time)),
            ),
            Expectation::new(
                "the keeper's purchases release the naked account",
                started > 0 && !naked.in_liquidation && bids.last().is_some_and(|last| last.released),
                format!("{started} liquidations, {} slices bought", bids.len()),
            ),
            Expectation::new(
                "the keeper pays for every slice, and less than it is worth",
                !bids.is_empty() && bids.iter().all(|b| b.price > 0 && i128::from(b.price) < i128::from(b.slice_value)),
                format!("paid {} for {}", atoms(paid), atoms(worth)),
            ),
            Expectation::new(
                "no bid of the keeper is refused",
                refusals.is_empty(),
                refusals.first().map_or_else(|| "none refused".to_owned(), |reason| (*reason).to_owned()),
            ),
            Expectation::new(
                "nobody ends below maintenance margin",
                everyone.iter().all(|margin| !liquidatable(margin)),
                format!(
                    "least equity above it: {}",
                    dollars(everyone.map(cushion).into_iter().min().unwrap_or_default())
                ),
            ),
        ]
    }

    fn books(&self) -> [Expectation; 3] {
        let [before, after] = &self.audits;
        let Interest { paid, earned } = self.interest;
        [
            Expectation::new(
                "vaults equal the accounts' claims and every contract has two sides, before and after",
                before.balanced() && after.balanced(),
                format!(
                    "{} accounts, vault {} for claims of {}",
                    after.accounts,
                    atoms(i128::from(after.quote_vault)),
                    atoms(after.quote_claims_atoms())
                ),
            ),
            Expectation::new(
                "the crash moves nothing into or out of the vaults",
                before.quote_vault == after.quote_vault
                    && before.sol_vault == after.sol_vault
                    && before.accounts == after.accounts,
                format!(
                    "{} before, {} after",
                    atoms(i128::from(before.quote_vault)),
                    atoms(i128::from(after.quote_vault))
                ),
            ),
            Expectation::new(
                "the borrower's interest goes to depositors and the reserve, and nobody gets more than was paid",
                earned > 0 && after.reserve > 0 && earned + after.reserve <= paid,
                format!("{} paid, {} earned, {} kept", cents(paid), cents(earned), cents(after.reserve)),
            ),
        ]
    }
}

/// Equity above maintenance margin, quote atoms.
fn cushion(margin: &MarginReport) -> i64 {
    margin.equity.saturating_sub(margin.maintenance_margin)
}

fn bid(action: &Action) -> Option<&LiquidationBid> {
    match action {
        Action::Bought(bid) => Some(bid),
        _ => None,
    }
}

fn refusal(action: &Action) -> Option<&str> {
    match action {
        Action::Refused { reason, .. } => Some(reason),
        _ => None,
    }
}

fn atoms(amount: i128) -> String {
    fixed(amount, 6, 0)
}

fn cents(amount: i128) -> String {
    fixed(amount, 6, 2)
}
