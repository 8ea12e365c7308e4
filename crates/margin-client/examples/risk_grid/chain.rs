//! Real quotes: a Deribit option chain and the perpetual of the same minute, read in place.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

/// One row of the chain; prices in USD for one unit of the underlying.
#[derive(Clone, Debug)]
pub struct OptionQuote {
    pub name: String,
    /// Forward of the expiry at the row's own time.
    pub forward: f64,
    pub strike: f64,
    /// Fraction.
    pub mark_vol: f64,
    pub bid: Option<f64>,
    pub ask: Option<f64>,
    pub expiry: i64,
}

/// The perpetual.
#[derive(Clone, Copy, Debug)]
pub struct PerpetualQuote {
    pub mark: f64,
    pub bid: f64,
    pub ask: f64,
    pub index: f64,
}

/// A chain at one moment.
pub struct Chain {
    /// ISO 8601, to the minute.
    pub taken: String,
    /// Unix seconds.
    pub time: i64,
    pub options: Vec<OptionQuote>,
    pub perpetual: PerpetualQuote,
}

impl Chain {
    /// Reads `<currency>_<stamp>.csv` and `<currency>_futures_<stamp>.csv` of the option chains under `MARGIN_DATA`
    /// (default: `../shared` beside the workspace).
    pub fn read(currency: &str, stamp: &str) -> Result<Self> {
        let options = Table::read(&format!("{currency}_{stamp}.csv"))?;
        let futures = Table::read(&format!("{currency}_futures_{stamp}.csv"))?;
        let taken = options.text(0, "snapshot_ts")?.to_owned();
        let time = unix(&taken)?;
        let options = (0..options.rows.len()).map(|row| option(&options, row)).collect::<Result<Vec<_>>>()?;
        let is_perpetual = |row: &usize| futures.text(*row, "instrument_name").is_ok_and(|n| n.ends_with("-PERPETUAL"));
        let row = (0..futures.rows.len()).find(is_perpetual).context("the futures file has no perpetual")?;
        let number = |column| futures.number(row, column)?.with_context(|| format!("the perpetual has no {column}"));
        let perpetual = PerpetualQuote {
            mark: number("mark_price")?,
            bid: number("best_bid_price")?,
            ask: number("best_ask_price")?,
            index: number("index_price")?,
        };
        let taken = taken.get(..16).context("a time to the minute")?.replace('T', " ");
        Ok(Self { taken, time, options, perpetual })
    }

    pub fn option(&self, name: &str) -> Result<&OptionQuote> {
        self.options.iter().find(|quote| quote.name == name).with_context(|| format!("{name} is not in the chain"))
    }
}

/// Prices of the chain are in coins.
fn option(table: &Table, row: usize) -> Result<OptionQuote> {
    let name = table.text(row, "instrument_name")?.to_owned();
    let number = |column| table.number(row, column)?.with_context(|| format!("{name} has no {column}"));
    let forward = number("underlying_price")?;
    let in_usd = |column| Ok::<_, anyhow::Error>(table.number(row, column)?.map(|coins| coins * forward));
    Ok(OptionQuote {
        forward,
        strike: number("strike")?,
        mark_vol: number("mark_iv")? / 100.0,
        bid: in_usd("bid_price")?,
        ask: in_usd("ask_price")?,
        expiry: unix(table.text(row, "expiry_ts")?)?,
        name,
    })
}

/// A comma-separated file without quoted fields.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(name: &str) -> Result<Self> {
        let root = std::env::var_os("MARGIN_DATA")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
        let path = root.join("data/option_chains").join(name);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("read {}; set MARGIN_DATA to the directory of the market data", path.display()))?;
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        let header = lines.next().context("an empty file")?;
        let rows: Vec<_> = lines.collect();
        ensure!(rows.iter().all(|row| row.len() == header.len()), "{name}: a row of another length");
        Ok(Self { header, rows })
    }

    fn text(&self, row: usize, column: &str) -> Result<&str> {
        let index = self.header.iter().position(|name| name == column);
        let index = index.with_context(|| format!("no column {column}"))?;
        Ok(&self.rows[row][index])
    }

    /// `None` where the field is empty.
    fn number(&self, row: usize, column: &str) -> Result<Option<f64>> {
        let text = self.text(row, column)?;
        if text.is_empty() {
            return Ok(None);
        }
        Ok(Some(text.parse().with_context(|| format!("{column}: {text}"))?))
    }
}

/// Unix seconds of `2026-01-20T12:31:27…Z`, of a year since 1970.
fn unix(text: &str) -> Result<i64> {
    let part = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<i64>().ok());
    let fields = [part(0, 4), part(5, 7), part(8, 10), part(11, 13), part(14, 16), part(17, 19)];
    let [Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] = fields else {
        bail!("{text} is no time");
    };
    // Days of the civil calendar, years counted from March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Ok(days * 86_400 + hour * 3_600 + minute * 60 + second)
}
