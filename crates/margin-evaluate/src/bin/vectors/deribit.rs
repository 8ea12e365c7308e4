//! Deribit's simulated portfolio margin of inverse futures. Amounts are in coin, of which one unit is worth one.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use margin_client::{
    decimal::{Decimal, Scaled},
    presets::{
        ModelFile,
        file::{Mode, Scenario, VolShock},
        preset,
    },
};
use margin_evaluate::{Account, Book, Expiry, Kind, Moment, Options, Portfolio, Position, Price, Quote, Svm, evaluate};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    numbers::{complement, scaled, underlying, units},
    score::{Score, Tolerance, atoms, float, usd},
};

const SYMBOL: &str = "COIN";
/// Of one coin as counted here: as many as the published figures have.
const DECIMALS: u8 = 9;
const ONE: Price = Scaled(1_000_000_000_000);
const UNIT: i128 = 1_000_000_000;
/// Moves of the extended table, in percent.
const TAILS: [i128; 8] = [-66, -33, 50, 100, 200, 300, 400, 500];
/// 17 June 2024, 08:00 UTC: when the documented response was taken. No response tells its time.
const TAKEN: i64 = 1_718_611_200;
const DAY: i64 = 86_400;

#[derive(Deserialize)]
pub struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    positions_base: BTreeMap<String, Decimal>,
    index: Decimal,
    params: BTreeMap<String, Decimal>,
    expected: BTreeMap<String, Box<RawValue>>,
}

pub fn run(file: &File, machine: &mut Svm, score: &mut Score) {
    for vector in &file.vectors {
        score.case(&vector.name, |score| case(vector, machine, score));
    }
}

fn case(vector: &Vector, machine: &mut Svm, score: &mut Score) -> Result<()> {
    let book = Book::new(&portfolio(vector)?)?;
    let evaluation = evaluate(machine, &book, &Options { detail: true, ..Options::default() })?;
    score.spent(evaluation.compute_units);
    let (report, index) = (&evaluation.report, float(vector.index));
    let risk = report.underlyings.first().context("an underlying")?;
    let risk = risk.portfolio().context("a portfolio report")?;
    let published = |name: &str| -> Result<f64> {
        vector.expected.get(name).map_or(Ok(0.0), |text| Ok(float(serde_json::from_str(text.get())?)))
    };
    // Everything is compared in USD, to the cent.
    let mut figure = |what: &str, ours: f64, published: f64| {
        score.figure(what, ours * index, published * index, Tolerance::Within(0.01));
    };
    figure("worst case", -atoms(risk.worst_profit, DECIMALS), published("worst_case")?);
    figure("roll shock", atoms(risk.charges.roll, DECIMALS), published("roll_shock")?);
    // Margins of open orders and market-maker protection are inputs.
    let besides = published("open_orders_margin")? + published("mmp_margin")?;
    figure("initial margin", atoms(report.initial_margin, DECIMALS) + besides, published("initial_margin")?);
    figure("maintenance margin", atoms(report.maintenance_margin, DECIMALS), published("maintenance_margin")?);

    let offset = float(param(vector, "pnl_offset")?);
    let profits = &evaluation.underlyings.first().context("an underlying")?.book.profits;
    for (name, gain) in buckets(vector)? {
        let Ok(by) = name.parse::<Decimal>() else { continue };
        let spot = UNIT + units(by)?;
        let scenarios = book.underlyings[0].scenarios();
        let place = scenarios.iter().position(|s| s.extended == 0 && i128::from(s.spot) == spot);
        let place = place.with_context(|| format!("no scenario moves by {name}"))?;
        figure(&format!("move of {name}"), usd(profits[place]), if gain > 0.0 { gain * offset } else { gain });
    }
    Ok(())
}

/// Published profits by move, gains in full.
fn buckets(vector: &Vector) -> Result<Vec<(String, f64)>> {
    let of = |name: &str| vector.expected.get(name);
    let Some(text) = of("bucket_pnl_by_move").or_else(|| of("pre_offset_pnl")) else { return Ok(Vec::new()) };
    let map: BTreeMap<String, Value> = serde_json::from_str(text.get())?;
    Ok(map.into_iter().filter_map(|(name, profit)| Some((name, profit.as_f64()?))).collect())
}

fn param(vector: &Vector, name: &str) -> Result<Decimal> {
    vector.params.get(name).copied().with_context(|| format!("no parameter {name}"))
}

fn portfolio(vector: &Vector) -> Result<Portfolio> {
    let mut market = underlying(SYMBOL, ONE, model(vector)?);
    market.lot_size = Scaled(1);
    let mut positions = Vec::new();
    for (name, amount) in &vector.positions_base {
        let expiry = if name.ends_with("-PERPETUAL") { None } else { Some(Moment::Unix(settlement(name)?)) };
        if let Some(expiry) = expiry.filter(|expiry| !market.expiries.iter().any(|listed| listed.expiry == *expiry)) {
            market.expiries.push(Expiry {
                expiry,
                forward: None,
                rate: Scaled(0),
                svi: None,
                confidence: Scaled(UNIT as u64),
                observed_average: None,
            });
        }
        positions.push(Position {
            underlying: SYMBOL.to_owned(),
            kind: if expiry.is_some() { Kind::Future } else { Kind::Perpetual },
            expiry,
            strike: None,
            quantity: Decimal::new(units(*amount)?, -9),
            entry: Some(ONE),
            settled_value: None,
        });
    }
    Ok(Portfolio {
        time: TAKEN,
        quote: Quote { decimals: DECIMALS, ..Quote::default() },
        underlyings: vec![market],
        collaterals: Vec::new(),
        correlation: None,
        account: Account { mode: Mode::Portfolio, cash: Decimal::default(), balances: Vec::new(), positions },
    })
}

/// The preset with the response's parameters.
fn model(vector: &Vector) -> Result<ModelFile> {
    let mut model = preset("deribit-pm").context("the preset deribit-pm")?;
    let range = units(param(vector, "price_range")?)?;
    let steps =
        vector.params.get("buckets_each_side").map_or(Ok(4), |steps| units(*steps).map(|steps| steps / UNIT))?;
    if range <= 0 || steps <= 0 {
        bail!("a range of moves needs a size and steps");
    }
    let offset = complement(param(vector, "pnl_offset")?)?.0;
    let scan = &mut model.parameters.scan;
    scan.maintenance = scaled(param(vector, "mm_factor")?)?;
    scan.gain_haircut = Scaled(u64::try_from(offset).context("an offset above one")?);
    scan.extended_range = Scaled(u64::try_from(range)?);
    let dampener = param(vector, "extended_dampener_usd")?.scaled(12).context("a dampener beyond all bounds")?;
    let index = vector.index.scaled(6).filter(|index| *index > 0).context("an index")?;
    scan.extended_dampener = Scaled(u64::try_from(dampener / index)?);
    model.parameters.roll.min_move = scaled(param(vector, "min_annualised_move")?)?;
    model.parameters.roll.annual_move = scaled(param(vector, "annualised_move_risk")?)?;
    let one = UNIT as u32;
    let mut grid = Vec::new();
    for step in -steps..=steps {
        grid.push((UNIT + range * step / steps, one, false));
    }
    for percent in TAILS {
        // The range over the move: a loss at a tail counts as much as one at the edge.
        let weight = (range * 100 + percent.abs() / 2) / percent.abs();
        grid.push((UNIT + UNIT / 100 * percent, u32::try_from(weight)?.min(one), true));
    }
    grid.sort_unstable();
    let scenario = |(spot, weight, extended): (i128, u32, bool)| -> Result<Scenario> {
        Ok(Scenario { spot: Scaled(u64::try_from(spot)?), vol: VolShock::None, weight: Scaled(weight), extended })
    };
    model.scenarios = grid.into_iter().map(scenario).collect::<Result<_>>()?;
    Ok(model)
}

/// Unix seconds of 08:00 UTC on the day in a future's name, such as `BTC-28JUN24`.
fn settlement(name: &str) -> Result<i64> {
    const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let parse = || {
        let date = name.rsplit('-').next()?;
        let letters = date.find(|c: char| c.is_ascii_alphabetic())?;
        let (day, rest) = date.split_at(letters);
        let (month, year) = rest.split_at_checked(3)?;
        let month = MONTHS.iter().position(|known| *known == month)? as i64 + 1;
        let (day, year) = (day.parse::<i64>().ok()?, 2_000 + year.parse::<i64>().ok()?);
        // Days since 1970 of the proleptic Gregorian calendar, years beginning in March.
        let years = year - i64::from(month < 3);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Some((years * 365 + years / 4 - years / 100 + years / 400 + day_of_year - 719_468) * DAY + DAY / 3)
    };
    parse().with_context(|| format!("{name} is neither a perpetual nor a dated future"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn futures_settle_at_eight_on_their_day() {
        assert_eq!(super::settlement("BTC-28JUN24").unwrap(), 1_719_561_600);
        assert_eq!(super::settlement("ETH-1MAR24").unwrap(), 1_709_280_000);
        assert!(super::settlement("BTC-JUN").is_err());
    }
}
