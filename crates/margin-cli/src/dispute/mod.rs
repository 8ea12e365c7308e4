//! `margin dispute`: the program's figures against our own, line by line.

mod figures;

use margin_client::{
    Loaded, MarginReport,
    errors::ProgramError,
    instructions::{MarginCheck, MarginCheckArgs},
    margin::{MarginFailure, Snapshot},
    state::MarginAccount,
    text::{Align, Cell, Style, Table, Tone, utc},
};
use serde_json::{Value, json};
use solana_pubkey::Pubkey;

use figures::Figures;

use crate::{
    chain::{Markets, margin_account},
    cli::{AccountSelector, Global},
    error::CliError,
    node::Node,
    output::{Output, Page},
    report::simulate,
};

/// Markets move while they are read: how often the comparison is made before a difference counts.
const ATTEMPTS: usize = 3;
/// Most seconds between two readings that are tried one by one.
const SECONDS: i64 = 30;

/// What a check says: a report, or the program's refusal.
type Verdict = Result<Box<MarginReport>, ProgramError>;

/// The account and its markets at one reading.
struct Reading {
    account: Loaded<MarginAccount>,
    markets: Markets,
    snapshot: Snapshot,
}

/// The two verdicts on one page of the report.
struct Comparison {
    node: Verdict,
    own: Verdict,
    reading: Reading,
    /// When our own was computed for.
    now: i64,
}

/// One figure of both.
struct Line {
    name: String,
    node: String,
    own: String,
}

/// Compares; the second is whether everything matches.
pub fn show(
    node: &Node,
    global: &Global,
    selector: &AccountSelector,
    fee_payer: Option<Pubkey>,
    style: Style,
) -> Result<(Output, bool), CliError> {
    let dispute = Dispute { node, global, selector, fee_payer };
    let first = dispute.compare(0)?;
    let mut lines = first.lines(true);
    let total = first.node.as_ref().map_or(0, |report| usize::from(report.underlying_count));
    let mut seen = first.node.as_ref().map_or(0, |report| report.underlyings.len());
    while seen < total {
        let page = dispute.compare(seen)?;
        let more = page.node.as_ref().map_or(0, |report| report.underlyings.len());
        lines.extend(page.lines(false));
        if more == 0 {
            break;
        }
        seen += more;
    }
    let differences = lines.iter().filter(|line| line.node != line.own).count();
    let output = Output { json: json(&first, &lines, differences), text: text(&first, &lines, differences, style) };
    Ok((output, differences == 0))
}

struct Dispute<'a> {
    node: &'a Node,
    global: &'a Global,
    selector: &'a AccountSelector,
    fee_payer: Option<Pubkey>,
}

impl Dispute<'_> {
    fn read(&self) -> Result<Reading, CliError> {
        let account = margin_account(self.node, self.global, self.selector)?;
        let markets = Markets::load(self.node, self.global, account.engine)?;
        let snapshot = markets.snapshot(&account)?;
        Ok(Reading { account, markets, snapshot })
    }

    /// The page of the report that begins with this underlying.
    ///
    /// The node answers at a moment between a reading before and one after, whose second it does not tell: ours is looked
    /// for at each of them.
    fn compare(&self, first_underlying: usize) -> Result<Comparison, CliError> {
        let args = MarginCheckArgs { first_underlying: first_underlying as u8, ..Default::default() };
        let mut before = self.read()?;
        let mut attempt = 1;
        loop {
            let node = self.ask(&before, &args)?;
            let now = before.markets.now;
            let own = before.verdict(&args, now)?;
            if same(&node, &own) {
                return Ok(Comparison { node, own, reading: before, now });
            }
            let after = self.read()?;
            let last = after.markets.now.min(now.saturating_add(SECONDS));
            for then in now..=last {
                for own in [before.verdict(&args, then)?, after.verdict(&args, then)?] {
                    if same(&node, &own) {
                        return Ok(Comparison { node, own, reading: after, now: then });
                    }
                }
            }
            if attempt == ATTEMPTS {
                return Ok(Comparison { node, own, reading: before, now });
            }
            attempt += 1;
            before = after;
        }
    }

    fn ask(&self, reading: &Reading, args: &MarginCheckArgs) -> Result<Verdict, CliError> {
        let account = &reading.account;
        let check = MarginCheck {
            engine: account.engine,
            margin_account: account.address,
            markets: reading.snapshot.directory.for_account(account)?,
            args: args.clone(),
        };
        match simulate(self.node, self.fee_payer.unwrap_or(account.owner), check.instruction()) {
            Ok((report, _)) => Ok(Ok(Box::new(report))),
            Err(CliError::Refused(error)) => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }
}

impl Reading {
    fn verdict(&self, args: &MarginCheckArgs, now: i64) -> Result<Verdict, CliError> {
        match self.snapshot.check(&self.account, args, now) {
            Ok(report) => Ok(Ok(Box::new(report))),
            Err(MarginFailure::Program(error)) => Ok(Err(error)),
            Err(error) => Err(error.into()),
        }
    }
}

fn same(node: &Verdict, own: &Verdict) -> bool {
    match (node, own) {
        (Ok(node), Ok(own)) => node == own,
        (Err(node), Err(own)) => node.code == own.code,
        _ => false,
    }
}

impl Comparison {
    /// Every figure of the page; those of the whole account with the first one.
    fn lines(&self, account: bool) -> Vec<Line> {
        let [node, own] = [&self.node, &self.own].map(|verdict| self.figures(verdict, account));
        // A figure that only one of them has stands against nothing.
        let find = |figures: &[(String, String)], name: &str| {
            figures.iter().find(|(other, _)| other == name).map_or_else(|| "-".to_owned(), |(_, value)| value.clone())
        };
        let mut names: Vec<&String> = node.iter().map(|(name, _)| name).collect();
        names.extend(own.iter().map(|(name, _)| name).filter(|name| !node.iter().any(|(other, _)| other == *name)));
        names
            .into_iter()
            .map(|name| Line { name: name.clone(), node: find(&node, name), own: find(&own, name) })
            .collect()
    }

    fn figures(&self, verdict: &Verdict, account: bool) -> Vec<(String, String)> {
        let report = match verdict {
            Ok(report) => report,
            Err(error) => return vec![("refusal".to_owned(), error.to_string())],
        };
        let mut figures = Figures { all: Vec::new(), decimals: u32::from(self.reading.markets.engine.quote_decimals) };
        if account {
            figures.account(report);
        }
        for underlying in &report.underlyings {
            figures.underlying(self.reading.markets.symbol(underlying.index), underlying);
        }
        figures.all
    }
}

fn text(comparison: &Comparison, lines: &[Line], differences: usize, style: Style) -> String {
    let mut page = Page::new(&format!("Margin of {}, recomputed", comparison.reading.account.address), style);
    let verdict = match differences {
        0 => Cell::toned(format!("all {} figures match", lines.len()), Tone::Good),
        1 => Cell::toned(format!("1 of {} figures differs", lines.len()), Tone::Bad),
        count => Cell::toned(format!("{count} of {} figures differ", lines.len()), Tone::Bad),
    };
    page.facts([
        ("owner", comparison.reading.account.owner.to_string().into()),
        ("time", format!("{} UTC", utc(comparison.now)).into()),
        ("verdict", verdict),
    ]);
    let mut table = Table::new([
        ("figure", Align::Left),
        ("the program on the node", Align::Right),
        ("recomputed here", Align::Right),
        ("", Align::Left),
    ]);
    for Line { name, node, own } in lines {
        let mark = if node == own { Cell::toned("same", Tone::Faint) } else { Cell::toned("DIFFERS", Tone::Bad) };
        table.row([name.as_str().into(), node.as_str().into(), own.as_str().into(), mark]);
    }
    page.table("Line by line", &table);
    page.finish()
}

fn json(comparison: &Comparison, lines: &[Line], differences: usize) -> Value {
    let lines: Vec<Value> = lines
        .iter()
        .map(|Line { name, node, own }| json!({ "figure": name, "node": node, "own": own, "same": node == own }))
        .collect();
    json!({
        "address": comparison.reading.account.address.to_string(),
        "owner": comparison.reading.account.owner.to_string(),
        "time": comparison.now,
        "matches": differences == 0,
        "differences": differences,
        "figures": lines,
    })
}
