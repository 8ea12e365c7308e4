//! Paradex' examples: the floor on net and hedged delta, and the share of an account that a liquidation takes.

use anyhow::{Context, Result, bail};
use margin_client::{
    decimal::{Decimal, Scaled},
    instructions::{MarginCheckArgs, MarginQuoteArgs, QuoteTransfer, TradeLeg},
    presets::{file::Mode, preset},
    state::{Instrument, InstrumentKind},
};
use margin_evaluate::{
    Account, Book, Evaluator, Expiry, Kind, Moment, Options, Portfolio, Position, Price, Quote, Svi, Svm, Underlying,
    evaluate,
};
use serde::Deserialize;

use crate::{
    NOW,
    numbers::{lot_size, scaled, underlying, units},
    score::{Score, Tolerance::Within, atoms, float},
};

const SYMBOL: &str = "X";
const UNIT: u64 = 1_000_000_000;
const YEAR: i64 = 31_536_000;
/// Total variance of the options' year in 1e-15: 50 % of vol.
const VARIANCE: i64 = 250_000_000_000_000;
const DECIMALS: u8 = 6;

#[derive(Deserialize)]
pub struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    // The floor.
    spot: Option<Decimal>,
    #[serde(default)]
    positions: Vec<Delta>,
    unhedged: Option<Decimal>,
    hedged: Option<Decimal>,
    expected: Option<Floor>,
    // The liquidation.
    account_value: Option<Decimal>,
    mmr: Option<Decimal>,
    target_margin_ratio: Option<Decimal>,
    #[serde(default)]
    table: Vec<Row>,
}

#[derive(Deserialize)]
struct Delta {
    qty: Decimal,
    delta: Decimal,
}

#[derive(Deserialize)]
struct Floor {
    net_delta: Decimal,
    min_delta_risk: Decimal,
}

#[derive(Deserialize)]
struct Row {
    share: Decimal,
    new_mmr: Decimal,
    new_av: Decimal,
    ratio: Decimal,
    /// Share times fee times MMR.
    doc_penalty: Decimal,
}

pub fn run(file: &File, machine: &mut Svm, score: &mut Score) {
    for vector in &file.vectors {
        score.case(&vector.name, |score| match (&vector.unhedged, &vector.mmr) {
            (Some(unhedged), _) => floor(vector, *unhedged, machine, score),
            (None, Some(requirement)) => liquidation(vector, *requirement, machine, score),
            (None, None) => bail!("neither a floor nor a liquidation"),
        });
    }
}

fn portfolio(market: Underlying, cash: Decimal, positions: Vec<Position>) -> Portfolio {
    Portfolio {
        time: NOW,
        quote: Quote { decimals: DECIMALS, ..Quote::default() },
        underlyings: vec![market],
        collaterals: Vec::new(),
        correlation: None,
        account: Account { mode: Mode::Portfolio, cash, balances: Vec::new(), positions },
    }
}

fn position(kind: Kind, strike: Option<Price>, quantity: i128, entry: Option<Price>) -> Position {
    Position {
        underlying: SYMBOL.to_owned(),
        kind,
        expiry: strike.map(|_| Moment::FromNow(YEAR)),
        strike,
        quantity: Decimal::new(quantity, -9),
        entry,
        settled_value: None,
    }
}

/// Deltas become perpetuals (a delta of one) and calls whose strike gives them.
fn floor(vector: &Vector, unhedged: Decimal, machine: &mut Svm, score: &mut Score) -> Result<()> {
    let expected = vector.expected.as_ref().context("no expected figures")?;
    let mut model = preset("paradex-pm").context("the preset paradex-pm")?;
    model.parameters.minimum_delta.unhedged = scaled(unhedged)?;
    model.parameters.minimum_delta.hedged = scaled(vector.hedged.context("no hedged share")?)?;
    let spot = scaled(vector.spot.context("no spot")?)?;
    let mut market = underlying(SYMBOL, spot, model);
    let mut quantities = Vec::new();
    for position in &vector.positions {
        quantities.push(units(position.qty)?);
    }
    market.lot_size = Scaled(lot_size(&quantities));
    let one = Decimal::new(1, 0);
    market.expiries = vec![Expiry {
        expiry: Moment::FromNow(YEAR),
        forward: Some(spot),
        rate: Scaled(0),
        svi: Some(Svi {
            a: Scaled(VARIANCE),
            b: Scaled(0),
            rho: Scaled(0),
            m: Scaled(0),
            sigma: Scaled(1_000_000_000),
            forward: None,
            time: None,
        }),
        confidence: Scaled(UNIT),
        observed_average: None,
    }];
    let mut positions = Vec::new();
    for (source, quantity) in vector.positions.iter().zip(&quantities) {
        positions.push(if source.delta.scaled(9) == one.scaled(9) {
            position(Kind::Perpetual, None, *quantity, Some(spot))
        } else {
            let strike = strike_of(&market, source.delta, machine)?;
            position(Kind::Call, Some(strike), *quantity, None)
        });
    }
    let book = Book::new(&portfolio(market, Decimal::default(), positions))?;
    let evaluation = evaluate(machine, &book, &Options::default())?;
    score.spent(evaluation.compute_units);
    let part = evaluation.report.underlyings.first().context("an underlying")?;
    let risk = part.portfolio().context("a portfolio report")?;
    let cent = Within(0.01);
    score.figure("minimum", atoms(risk.minimum_delta, DECIMALS), float(expected.min_delta_risk), cent);
    // Worth a cent at the spot.
    let delta = Within(0.01 / float(spot.into()));
    score.figure("net delta", atoms(part.greeks.delta, 9), float(expected.net_delta), delta);
    Ok(())
}

/// The strike of a call with this delta, by bisection on the program's own deltas.
fn strike_of(market: &Underlying, delta: Decimal, machine: &mut Svm) -> Result<Price> {
    let wanted = delta.scaled(9).context("a delta")?;
    let (mut low, mut high) = (market.spot.0 / 16, market.spot.0.saturating_mul(16));
    // The delta of a thousand units has three digits more.
    let quantity = 1_000;
    while high - low > 1_000 {
        let middle = low + (high - low) / 2;
        let call = position(Kind::Call, Some(Scaled(middle)), quantity * i128::from(UNIT), None);
        let book = Book::new(&portfolio(market.clone(), Decimal::default(), vec![call]))?;
        let report = machine.check(&book, &MarginCheckArgs::default())?.value;
        let ours = report.underlyings.first().context("an underlying")?.greeks.delta;
        if i128::from(ours) > wanted * quantity {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(Scaled(low))
}

/// A perpetual whose maintenance margin is the given one loses shares of itself, and of its cash the fee.
fn liquidation(vector: &Vector, requirement: Decimal, machine: &mut Svm, score: &mut Score) -> Result<()> {
    let target = float(vector.target_margin_ratio.context("no target")?);
    let value = vector.account_value.context("no account value")?;
    let book = account_with(requirement, value, machine)?;
    let before = machine.check(&book, &MarginCheckArgs::default())?;
    let cent = Within(0.01);
    let before = score.spend(before);
    score.figure("MMR", atoms(before.maintenance_margin, DECIMALS), float(requirement), cent);
    score.figure("value", atoms(before.equity, DECIMALS), float(value), cent);
    let held = book.account.positions().first().context("a position")?;
    let mut sufficient = None;
    for row in &vector.table {
        let share = row.share.scaled(9).context("a share")?;
        let lots = i128::from(held.lots) * share / i128::from(UNIT);
        let fee = row.doc_penalty.scaled(u32::from(DECIMALS)).context("a fee")?;
        let leg = TradeLeg {
            instrument: Instrument { underlying: 0, expiry: 0, strike: 0, kind: InstrumentKind::Perpetual },
            lots: i64::try_from(-lots)?,
            price: book.underlyings[0].perpetual.mark,
        };
        let quote = MarginQuoteArgs {
            legs: vec![leg],
            transfers: vec![QuoteTransfer { collateral: 0, amount: i64::try_from(-fee)? }],
            check: MarginCheckArgs::default(),
        };
        let after = machine.quote(&book, &quote)?;
        let after = score.spend(after);
        let (requirement, value) = (atoms(after.maintenance_margin, DECIMALS), atoms(after.equity, DECIMALS));
        let share = row.share;
        score.figure(&format!("MMR after {share}"), requirement, float(row.new_mmr), cent);
        score.figure(&format!("value after {share}"), value, float(row.new_av), cent);
        // Printed to three decimals, some of them truncated.
        score.figure(&format!("ratio after {share}"), requirement / value, float(row.ratio), Within(1e-3));
        if sufficient.is_none() && requirement <= target * value {
            sufficient = Some(share);
        }
    }
    let published = vector.table.iter().find(|row| float(row.ratio) <= target).context("no row reaches the target")?;
    let first = sufficient.map_or(f64::NAN, float);
    score.figure("first sufficient share", first, float(published.share), Within(1e-9));
    Ok(())
}

/// An account with a maintenance margin and a value: a perpetual, of a price such that a probe's margin becomes this one.
fn account_with(requirement: Decimal, value: Decimal, machine: &mut Svm) -> Result<Book> {
    const QUANTITY: i128 = 1_000;
    let model = preset("paradex-pm").context("the preset paradex-pm")?;
    let build = |spot: Price| -> Result<Book> {
        let mut market = underlying(SYMBOL, spot, model.clone());
        market.lot_size = Scaled(UNIT);
        market.perpetual = Some(margin_evaluate::Perpetual { mark: spot, confidence: Scaled(UNIT) });
        let held = position(Kind::Perpetual, None, QUANTITY * i128::from(UNIT), Some(spot));
        Ok(Book::new(&portfolio(market, value, vec![held]))?)
    };
    let probe = Scaled(1_000_000_000_000);
    let margin = machine.check(&build(probe)?, &MarginCheckArgs::default())?.value.maintenance_margin;
    let wanted = requirement.scaled(18).context("a requirement")?;
    build(Scaled(u64::try_from(wanted / i128::from(margin))?))
}
