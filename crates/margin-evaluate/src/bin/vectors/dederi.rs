//! Dederi's example of a dated future.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use margin_client::{
    decimal::{Decimal, Scaled},
    presets::{
        ModelFile,
        file::{Mode, PositionCharges, RiskParameters, ScanFactors, Scenario, VolShock},
    },
};
use margin_evaluate::{Account, Book, Expiry, Kind, Moment, Options, Portfolio, Position, Quote, Svm, evaluate};
use serde::Deserialize;

use crate::{
    NOW,
    numbers::{lot_size, scaled, underlying, units},
    score::{Score, Tolerance::Within, atoms, float, usd},
};

const SYMBOL: &str = "X";
const UNIT: u64 = 1_000_000_000;
const DAY: i64 = 86_400;

#[derive(Deserialize)]
pub struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    qty: Decimal,
    index: Decimal,
    days: i64,
    contingency_factor: Decimal,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    /// Printed to one decimal, and every other figure derived from that.
    #[serde(rename = "F0")]
    forward: Decimal,
    contingency: Decimal,
    pnl: BTreeMap<String, Decimal>,
}

pub fn run(file: &File, machine: &mut Svm, score: &mut Score) {
    for (number, vector) in file.vectors.iter().enumerate() {
        score.case(&format!("future {number}"), |score| case(vector, machine, score));
    }
}

fn case(vector: &Vector, machine: &mut Svm, score: &mut Score) -> Result<()> {
    let mut moves: Vec<(u64, f64, &str)> = Vec::new();
    for (by, profit) in &vector.expected.pnl {
        let percent: Decimal = by.trim_end_matches('%').parse()?;
        let Scaled(by_nano) = scaled::<i64, 9>(percent.shifted(-2))?;
        let spot = UNIT.checked_add_signed(by_nano).context("a move below −100 %")?;
        moves.push((spot, float(*profit), by));
    }
    moves.sort_by_key(|(spot, ..)| *spot);
    let one = Scaled(UNIT);
    let model = ModelFile {
        vector_only: true,
        parameters: RiskParameters {
            scan: ScanFactors { initial: one, maintenance: one, ..Default::default() },
            charges: PositionCharges {
                perpetual_maintenance: scaled(vector.contingency_factor)?,
                ..Default::default()
            },
            ..Default::default()
        },
        scenarios: moves
            .iter()
            .map(|(spot, ..)| Scenario {
                spot: Scaled(*spot),
                vol: VolShock::None,
                weight: Scaled(UNIT as u32),
                extended: false,
            })
            .collect(),
        ..ModelFile::default()
    };
    let quantity = units(vector.qty)?;
    let forward = scaled(vector.expected.forward)?;
    let expiry = Moment::FromNow(vector.days * DAY);
    let mut market = underlying(SYMBOL, scaled(vector.index)?, model);
    market.lot_size = Scaled(lot_size(&[quantity]));
    market.expiries = vec![Expiry {
        expiry,
        forward: Some(forward),
        rate: Scaled(0),
        svi: None,
        confidence: one,
        observed_average: None,
    }];
    let position = Position {
        underlying: SYMBOL.to_owned(),
        kind: Kind::Future,
        expiry: Some(expiry),
        strike: None,
        quantity: Decimal::new(quantity, -9),
        entry: Some(forward),
        settled_value: None,
    };
    let account =
        Account { mode: Mode::Portfolio, cash: Decimal::default(), balances: Vec::new(), positions: vec![position] };
    let book = Book::new(&Portfolio {
        time: NOW,
        quote: Quote::default(),
        underlyings: vec![market],
        collaterals: Vec::new(),
        correlation: None,
        account,
    })?;
    let evaluation = evaluate(machine, &book, &Options { detail: true, ..Options::default() })?;
    score.spent(evaluation.compute_units);
    let detail = evaluation.underlyings.first().context("an underlying")?;
    for ((_, published, by), profit) in moves.iter().zip(&detail.book.profits) {
        // Printed in whole dollars.
        score.figure(&format!("move of {by}"), usd(*profit), *published, Within(0.5));
    }
    let risk = evaluation.report.underlyings.first().and_then(|risk| risk.portfolio()).context("a portfolio report")?;
    // Printed to one decimal.
    let contingency = atoms(risk.charges.perpetual_maintenance, 6);
    score.figure("contingency", contingency, float(vector.expected.contingency), Within(0.05));
    Ok(())
}
