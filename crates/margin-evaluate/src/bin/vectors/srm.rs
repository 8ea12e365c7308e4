//! Derive's standard margin: portfolios on two underlyings.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use margin_client::{
    decimal::{Decimal, Scaled, Stored},
    presets::{
        ModelFile,
        file::{self, Mode},
        preset,
    },
};
use margin_evaluate::{
    Account, Balance, Book, Collateral, Expiry, Haircuts, Kind, Link, Moment, Options, Perpetual, Portfolio, Position,
    Quote, Svi, Svm, Underlying, evaluate,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    NOW,
    numbers::{lot_size, scaled, token_amount, underlying, units},
    score::{Score, Tolerance::Cent, atoms, float},
};

/// Decimals of the published integers.
const PLACES: i32 = -18;
/// Total variance is that of a year.
const YEAR: u64 = 31_536_000;
/// The expiry that lies inside its settlement window, whose length follows from the share that has been fixed.
const SETTLING: i64 = 900;

#[derive(Deserialize)]
pub struct File {
    params: BTreeMap<String, Decimal>,
    vectors: BTreeMap<String, Vector>,
}

#[derive(Deserialize)]
struct Vector {
    inputs: BTreeMap<String, Box<RawValue>>,
    #[serde(rename = "IM")]
    initial: Decimal,
    #[serde(rename = "MM")]
    maintenance: Decimal,
}

pub fn run(file: &File, machine: &mut Svm, score: &mut Score) {
    for (name, vector) in &file.vectors {
        score.case(name, |score| {
            let book = Book::new(&portfolio(&vector.inputs, &file.params)?)?;
            let evaluation = evaluate(machine, &book, &Options::default())?;
            score.spent(evaluation.compute_units);
            let report = &evaluation.report;
            let published = |figure: Decimal| float(figure.shifted(PLACES));
            score.figure("IM", atoms(report.equity - report.initial_margin, 6), published(vector.initial), Cent);
            let maintenance = report.equity - report.maintenance_margin;
            score.figure("MM", atoms(maintenance, 6), published(vector.maintenance), Cent);
            Ok(())
        });
    }
}

/// The inputs of one case.
type Inputs = BTreeMap<String, Box<RawValue>>;

fn read<T: DeserializeOwned>(inputs: &Inputs, name: &str) -> Result<T> {
    let text = inputs.get(name).with_context(|| format!("no {name}"))?.get();
    serde_json::from_str(text).with_context(|| name.to_owned())
}

/// A published integer; null is zero.
fn number(inputs: &Inputs, name: &str) -> Result<Decimal> {
    Ok(read::<Option<Decimal>>(inputs, name)?.unwrap_or_default().shifted(PLACES))
}

/// The columns that describe one option or its expiry.
struct Columns {
    underlyings: Vec<String>,
    expiries: Vec<i64>,
    strikes: Vec<Decimal>,
    is_call: Vec<u8>,
    amounts: Vec<Decimal>,
    forwards: Vec<Decimal>,
    confidences: [Vec<Decimal>; 3],
    svi: [Decimal; 5],
}

impl Columns {
    fn new(inputs: &Inputs) -> Result<Self> {
        let confidences = ["OptionVolConfidences", "ForwardConfidences", "DiscountConfidences"];
        let [vol, forward, discount] = confidences.map(|name| read(inputs, name));
        Ok(Self {
            underlyings: read(inputs, "OptionUnderlying")?,
            expiries: read(inputs, "OptionExpiries")?,
            strikes: read(inputs, "OptionStrikes")?,
            is_call: read(inputs, "OptionIsCall")?,
            amounts: read(inputs, "OptionAmounts")?,
            forwards: read(inputs, "Forwards")?,
            confidences: [vol?, forward?, discount?],
            svi: read::<Option<[Decimal; 5]>>(inputs, "SVIParams")?.unwrap_or_default(),
        })
    }

    /// Number of an entry as the member of a portfolio.
    fn entry<T: Stored, const SCALE: u32>(column: &[Decimal], index: usize) -> Result<Scaled<T, SCALE>> {
        scaled(column.get(index).context("a column is too short")?.shifted(PLACES))
    }

    fn expiry(&self, index: usize) -> Result<Expiry> {
        let [a, b, rho, m, sigma] = self.svi;
        let confidences = self.confidences.each_ref().map(|column| Self::entry::<u64, 9>(column, index));
        let [vol, forward, discount] = confidences;
        let price = Self::entry(&self.forwards, index)?;
        Ok(Expiry {
            expiry: Moment::FromNow(self.expiries[index]),
            forward: Some(price),
            // Marks are not discounted.
            rate: Scaled(0),
            svi: Some(Svi {
                a: scaled(a)?,
                b: scaled(b)?,
                rho: scaled(rho)?,
                m: scaled(m)?,
                sigma: scaled(sigma)?,
                forward: Some(price),
                time: Some(YEAR),
            }),
            confidence: vol?.min(forward?).min(discount?),
            observed_average: None,
        })
    }
}

fn portfolio(inputs: &Inputs, params: &BTreeMap<String, Decimal>) -> Result<Portfolio> {
    let columns = Columns::new(inputs)?;
    let model = model(params)?;
    let mut account =
        Account { mode: Mode::Standard, cash: number(inputs, "Cash")?, balances: Vec::new(), positions: Vec::new() };
    let (mut underlyings, mut collaterals) = (Vec::new(), Vec::new());
    for (index, symbol) in ["ETH", "BTC"].into_iter().enumerate() {
        let market = side(inputs, &columns, index, symbol, &model, &mut account)?;
        let held = number(inputs, &format!("w{symbol}"))?;
        if !held.is_zero() {
            let (amount, decimals) = token_amount(held)?;
            collaterals.push(Collateral {
                symbol: format!("W{symbol}"),
                decimals,
                price: market.spot,
                confidence: Scaled(1_000_000_000),
                haircuts: Haircuts::default(),
                confidence_charge: file::ConfidenceCharge::default(),
                link: Link::CancelsRisk,
                underlying: Some(symbol.to_owned()),
            });
            account.balances.push(Balance { symbol: format!("W{symbol}"), amount });
        }
        underlyings.push(market);
    }
    let price = Some(scaled(number(inputs, "USDCValue")?)?);
    let quote = Quote { price, ..Quote::default() };
    Ok(Portfolio { time: NOW, quote, underlyings, collaterals, correlation: None, account })
}

/// One underlying's market; its positions go to the account.
fn side(
    inputs: &Inputs,
    columns: &Columns,
    index: usize,
    symbol: &str,
    model: &ModelFile,
    account: &mut Account,
) -> Result<Underlying> {
    let mut market = underlying(symbol, scaled(number(inputs, &format!("{symbol}SpotPrice"))?)?, model.clone());
    let confidences: [[Decimal; 2]; 2] = read(inputs, "SpotPerpConfidences")?;
    let [spot, perpetual] = confidences[index].map(|confidence| scaled(confidence.shifted(PLACES)));
    market.confidence = spot?;
    let marks: [Decimal; 2] = read(inputs, "PerpPrice")?;
    let mark = scaled(marks[index].shifted(PLACES))?;
    market.perpetual = Some(Perpetual { mark, confidence: perpetual? });

    let options = || columns.underlyings.iter().enumerate().filter(|(_, name)| *name == symbol).map(|(at, _)| at);
    let perpetuals = units(number(inputs, &format!("Perps_{symbol}"))?)?;
    // One position for each instrument: cases may list one twice.
    let mut instruments: BTreeMap<(i64, u64, bool), i128> = BTreeMap::new();
    for at in options() {
        let Scaled(strike) = Columns::entry::<u64, 12>(&columns.strikes, at)?;
        let instrument = (columns.expiries[at], strike, columns.is_call[at] == 1);
        *instruments.entry(instrument).or_default() += units(columns.amounts[at].shifted(PLACES))?;
        let expiry = Moment::FromNow(columns.expiries[at]);
        if !market.expiries.iter().any(|listed| listed.expiry == expiry) {
            market.expiries.push(columns.expiry(at)?);
        }
    }
    instruments.retain(|_, quantity| *quantity != 0);
    account.positions.extend(instruments.iter().map(|((expiry, strike, is_call), quantity)| Position {
        underlying: symbol.to_owned(),
        kind: if *is_call { Kind::Call } else { Kind::Put },
        expiry: Some(Moment::FromNow(*expiry)),
        strike: Some(Scaled(*strike)),
        quantity: Decimal::new(*quantity, -9),
        entry: None,
        settled_value: None,
    }));
    let quantities: Vec<i128> = instruments.into_values().chain([perpetuals]).collect();
    market.lot_size = Scaled(lot_size(&quantities));
    if perpetuals != 0 {
        let scale = |name: String| number(inputs, &name)?.scaled(12).context("a price beyond all bounds");
        let entry = scale(format!("LastEntry{symbol}"))?;
        let funding = scale(format!("Account{symbol}FundingIndex"))? - scale(format!("{symbol}GlobalFundingIndex"))?;
        account.positions.push(Position {
            underlying: symbol.to_owned(),
            kind: Kind::Perpetual,
            expiry: None,
            strike: None,
            quantity: Decimal::new(perpetuals, -9),
            entry: None,
            // Funding per unit counts as profit.
            settled_value: Some(Decimal::new(perpetuals * (entry - funding), -21)),
        });
    }
    // The only plain number among them.
    let fixed = number(inputs, &format!("PercentFixed{symbol}"))?.shifted(-PLACES);
    if !fixed.is_zero() {
        let Scaled(fixed) = scaled::<u64, 9>(fixed)?;
        let left = 1_000_000_000u64.checked_sub(fixed).filter(|left| *left > 0).context("nothing is left to settle")?;
        let window = (SETTLING.unsigned_abs() * 1_000_000_000 + left / 2) / left;
        market.settlement_window = u32::try_from(window)?;
        let average = scaled(number(inputs, &format!("TWAP_{symbol}"))?)?;
        for expiry in market.expiries.iter_mut().filter(|expiry| expiry.expiry == Moment::FromNow(SETTLING)) {
            expiry.observed_average = Some(average);
        }
    }
    Ok(market)
}

/// The published parameters; the scenarios are looked at in the other modes only.
fn model(params: &BTreeMap<String, Decimal>) -> Result<ModelFile> {
    let base = preset("derive-srm").context("the preset derive-srm")?;
    let of = |name: &str| params.get(name).copied().with_context(|| format!("no {name}"));
    let share = |name: &str| scaled::<u64, 9>(of(name)?);
    Ok(ModelFile {
        vector_only: true,
        standard: file::StandardParameters {
            perpetual_initial: share("perp_im")?,
            perpetual_maintenance: share("perp_mm")?,
            most_spot: share("maxSpotReq")?,
            least_spot: share("minSpotReq")?,
            call_maintenance: share("mmCallSpotReq")?,
            put_maintenance: share("mmPutSpotReq")?,
            put_mark_maintenance: share("MMPutMtMReq")?,
            put_initial_over_maintenance: share("mmOffsetScale")?,
            unpaired_initial: share("unpairedIMScale")?,
            unpaired_maintenance: share("unpairedMMScale")?,
            collateral: share("baseMarginFactor")?,
            collateral_initial: share("baseIMScale")?,
            confidence: file::ConfidenceCharge { threshold: share("confThreshold")?, factor: share("OCFactor")? },
            depeg: file::Depeg { threshold: scaled(of("depegThreshold")?)?, factor: share("depegFactor")? },
        },
        ..base
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published;

    #[test]
    fn the_preset_is_the_published_model() {
        let file: File = published("derive_srm.json");
        assert_eq!(model(&file.params).unwrap().standard, preset("derive-srm").unwrap().standard);
    }
}
