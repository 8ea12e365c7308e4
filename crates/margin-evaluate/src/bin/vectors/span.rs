//! SPAN's worked example: risk arrays of instruments are given, and add up.
//!
//! Each array becomes a strip of calls that have just expired. They are worth their intrinsic value, which is linear
//! between strikes, so a strip with a strike at each scenario's spot takes any value there; and it is worth nothing at
//! the mark. Spot is one USD and the scenarios lie at sixteenths of it, all of which the kernel holds exactly.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use margin_client::{
    decimal::{Decimal, Scaled},
    presets::{
        ModelFile,
        file::{Mode, Scenario, VolShock},
        preset,
    },
};
use margin_evaluate::{Account, Book, Expiry, Kind, Moment, Options, Portfolio, Position, Price, Quote, Svm, evaluate};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    NOW,
    numbers::underlying,
    score::{Score, Tolerance::Exact, usd},
};

const SYMBOL: &str = "X";
/// Quarter in 1e-12 USD and in 1e-9: between two neighbouring nodes.
const STEP_PRICE: u64 = 1_000_000_000_000 / STEPS;
const STEP_SPOT: u64 = 1_000_000_000 / STEPS;
/// Nodes to one USD, and units in a lot: a lot gains one USD from node to node.
const STEPS: u64 = 16;
/// Node of the mark.
const MARK: u64 = STEPS;

#[derive(Deserialize)]
pub struct File {
    scenarios: Vec<String>,
    expected: Expected,
    #[serde(rename = "provenance")]
    _provenance: IgnoredAny,
    /// One array for each instrument.
    #[serde(flatten)]
    arrays: BTreeMap<String, Vec<i64>>,
}

#[derive(Deserialize)]
struct Expected {
    portfolio: Vec<i64>,
    scan_risk: i64,
}

pub fn run(file: &File, machine: &mut Svm, score: &mut Score) {
    score.case("risk arrays", |score| case(file, machine, score));
}

/// Node of each scenario: below the mark and above it by turns.
fn node(scenario: usize) -> u64 {
    let distance = scenario as u64 / 2 + 1;
    if scenario % 2 == 0 { MARK - distance } else { MARK + distance }
}

fn case(file: &File, machine: &mut Svm, score: &mut Score) -> Result<()> {
    let count = file.scenarios.len();
    let most = 2 * (MARK as usize - 2);
    ensure!((1..=most).contains(&count), "{count} scenarios; this runner takes up to {most}");
    ensure!(file.arrays.values().all(|array| array.len() == count), "arrays and scenarios differ in length");
    // Scenarios in the order of their nodes, which is the program's.
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|scenario| node(*scenario));

    let mut model = preset("span-16").context("the preset span-16")?;
    let weight = Scaled(1_000_000_000);
    model.scenarios = order
        .iter()
        .map(|scenario| Scenario {
            spot: Scaled(node(*scenario) * STEP_SPOT),
            vol: VolShock::None,
            weight,
            extended: false,
        })
        .collect();
    let book = Book::new(&portfolio(file, &order, model))?;
    let evaluation = evaluate(machine, &book, &Options { detail: true, ..Options::default() })?;
    score.spent(evaluation.compute_units);

    let detail = evaluation.underlyings.first().context("an underlying")?;
    let positions = book.account.positions();
    score.figure("mark", usd(detail.book.mark_to_market), 0.0, Exact);
    for (place, scenario) in order.iter().enumerate() {
        for (number, (name, array)) in (0i64..).zip(&file.arrays) {
            let legs = positions.iter().zip(&detail.positions).filter(|(leg, _)| leg.expiry == expiry(number));
            let profit: i128 = legs.map(|(_, row)| row.profits[place]).sum();
            score.figure(&format!("{name} {scenario}"), usd(profit), array[*scenario] as f64, Exact);
        }
        let published = file.expected.portfolio.get(*scenario).context("the expected array is too short")?;
        score.figure(&format!("portfolio {scenario}"), usd(detail.book.profits[place]), *published as f64, Exact);
    }
    let risk = evaluation.report.underlyings.first().and_then(|risk| risk.portfolio()).context("a portfolio report")?;
    // The report counts in whole quote tokens.
    score.figure("scan risk", risk.scan_risk as f64, file.expected.scan_risk as f64, Exact);
    let worst = order.get(usize::from(risk.worst_case)).context("a worst scenario")?;
    let published = file.expected.portfolio.iter().enumerate().min_by_key(|(_, profit)| **profit);
    let (published, _) = published.context("an expected array")?;
    score.figure("worst scenario", *worst as f64, published as f64, Exact);
    Ok(())
}

/// When the strip of an array expired.
fn expiry(number: i64) -> i64 {
    NOW - 1 - number
}

fn portfolio(file: &File, order: &[usize], model: ModelFile) -> Portfolio {
    let mut market = underlying(SYMBOL, Scaled(MARK * STEP_PRICE), model);
    market.lot_size = Scaled(STEPS * 1_000_000_000);
    let mut positions = Vec::new();
    for (number, array) in (0i64..).zip(file.arrays.values()) {
        let expiry = Moment::Unix(expiry(number));
        market.expiries.push(Expiry {
            expiry,
            forward: None,
            rate: Scaled(0),
            svi: None,
            confidence: Scaled(1_000_000_000),
            observed_average: None,
        });
        positions.extend(strip(array, order).into_iter().map(|(node, lots)| Position {
            underlying: SYMBOL.to_owned(),
            kind: Kind::Call,
            expiry: Some(expiry),
            strike: Some(price(node)),
            quantity: Decimal::new(i128::from(lots) * i128::from(STEPS), 0),
            entry: None,
            settled_value: None,
        }));
    }
    Portfolio {
        time: NOW,
        quote: Quote { decimals: 0, ..Quote::default() },
        underlyings: vec![market],
        collaterals: Vec::new(),
        correlation: None,
        account: Account { mode: Mode::Portfolio, cash: Decimal::default(), balances: Vec::new(), positions },
    }
}

fn price(node: u64) -> Price {
    Scaled(node * STEP_PRICE)
}

/// Calls, by strike, that are worth the array's figure at each scenario's node and nothing at the mark and below the
/// lowest node: at each node the lots that bend the line to the next one.
fn strip(array: &[i64], order: &[usize]) -> Vec<(u64, i64)> {
    let mut values: BTreeMap<u64, i64> = order.iter().map(|scenario| (node(*scenario), array[*scenario])).collect();
    values.insert(MARK, 0);
    let (lowest, highest) = (*values.keys().next().unwrap_or(&MARK), *values.keys().last().unwrap_or(&MARK));
    let at = |node: u64| values.get(&node).copied().unwrap_or(0);
    let mut slope = 0;
    let bends = (lowest - 1..highest).map(|node| {
        let next = at(node + 1) - at(node);
        let lots = next - slope;
        slope = next;
        (node, lots)
    });
    bends.filter(|(_, lots)| *lots != 0).collect()
}
