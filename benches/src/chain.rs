//! Real quotes of the option chains of `MARGIN_DATA`, read in place.

use std::fs;

use anyhow::{Context, Result, ensure};
use tests_svm::{FAR, NEAR, market_data};

/// Taken at the time of the fixture's market.
const STAMP: &str = "20260105T2121Z";

/// One option; prices in USD for one unit of the underlying.
#[derive(Clone, Debug)]
pub struct OptionQuote {
    pub expiry: i64,
    pub strike: f64,
    pub is_call: bool,
    /// Forward of the expiry.
    pub forward: f64,
    /// Fraction.
    pub mark_vol: f64,
    pub mark: f64,
    pub bid: Option<f64>,
    pub ask: Option<f64>,
    /// Units of the underlying.
    pub open_interest: f64,
}

/// Quotes of the expiries [`NEAR`] and [`FAR`], and the index price.
pub fn read(currency: &str) -> Result<(f64, Vec<OptionQuote>)> {
    let path = market_data(&format!("data/option_chains/{currency}_{STAMP}.csv"));
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().context("an empty file")?;
    let column = |name: &str| header.iter().position(|column| *column == name).with_context(|| format!("no {name}"));
    let names = ["expiry_ts", "strike", "option_type", "underlying_price", "mark_price", "mark_iv"];
    let [expiry, strike, kind, forward, mark, vol] = names.map(column);
    let (expiry, strike, kind, forward, mark, vol) = (expiry?, strike?, kind?, forward?, mark?, vol?);
    let [bid, ask, open, index] = ["bid_price", "ask_price", "open_interest", "index_price"].map(column);
    let (bid, ask, open, index) = (bid?, ask?, open?, index?);
    let (mut spot, mut quotes) = (0.0, Vec::new());
    for row in lines {
        ensure!(row.len() == header.len(), "{}: a row of another length", path.display());
        let number = |at: usize| row[at].parse::<f64>().with_context(|| format!("a number: {}", row[at]));
        spot = number(index)?;
        let expiry = match row[expiry] {
            "2026-01-30T08:00:00Z" => NEAR,
            "2026-03-27T08:00:00Z" => FAR,
            _ => continue,
        };
        let forward = number(forward)?;
        // Prices of the chain are in coins; an empty field is no quote.
        let in_usd = |at: usize| number(at).ok().map(|coins| coins * forward);
        quotes.push(OptionQuote {
            expiry,
            strike: number(strike)?,
            is_call: row[kind] == "C",
            forward,
            mark_vol: number(vol)? / 100.0,
            mark: number(mark)? * forward,
            bid: in_usd(bid),
            ask: in_usd(ask),
            open_interest: number(open)?,
        });
    }
    ensure!(!quotes.is_empty(), "{} has no quotes of the two expiries", path.display());
    Ok((spot, quotes))
}
