//! The market the network is seeded with, and the crash that is replayed on it.
//!
//! Both are committed tables with their provenance inside: a snapshot of spot, forwards and raw SVI surfaces, and
//! hourly closes with a volatility index. [`Snapshot::replayed`] puts one on the other:
//!
//! - **spot** moves by the hour's close over the base close;
//! - **volatility** of every underlying and expiry moves by the index over its base, in equal standard deviations:
//!   `w'(k) = s² w(k / s)`, which keeps an arbitrage-free smile arbitrage-free;
//! - **time** passes, so total variance shrinks in the same way, and a forward's carry with its time to expiry.

use serde::Deserialize;

use crate::{LocalnetError, Result};

const SECONDS_PER_HOUR: i64 = 3_600;
const MARKET: &str = include_str!("../data/market_20260105.json");
const CRASH: &str = include_str!("../data/crash_20240805.json");

/// Raw SVI parameters, 1e-15 each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Svi {
    pub a: i64,
    pub b: i64,
    pub rho: i64,
    pub m: i64,
    pub sigma: i64,
}

impl Svi {
    /// The same smile at the same number of standard deviations, every volatility times `scale`.
    fn scaled(self, scale: f64) -> Self {
        let times = |value: i64, factor: f64| (value as f64 * factor).round() as i64;
        Self {
            a: times(self.a, scale * scale),
            b: times(self.b, scale),
            rho: self.rho,
            m: times(self.m, scale),
            sigma: times(self.sigma, scale),
        }
    }

    /// Volatility at the forward, as a fraction, given the years to expiry.
    pub fn at_the_money(&self, years: f64) -> f64 {
        let unit = |value: i64| value as f64 / 1e15;
        let (a, b, rho, m, sigma) = (unit(self.a), unit(self.b), unit(self.rho), unit(self.m), unit(self.sigma));
        ((a + b * (-rho * m + m.hypot(sigma))) / years).sqrt()
    }
}

/// One expiry's forward and surface, as they are published.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Expiry {
    /// Calendar day, for people.
    pub day: String,
    /// Unix seconds.
    pub expiry: i64,
    /// 1e-12 USD.
    pub forward: u64,
    pub svi: Svi,
}

/// One underlying's prices.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Quotes {
    pub symbol: String,
    /// 1e-12 USD.
    pub spot: u64,
    pub expiries: Vec<Expiry>,
}

/// A whole market at one time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// Unix seconds.
    pub time: i64,
    /// Continuous rate, 1e-10 per year.
    pub rate: i64,
    pub underlyings: Vec<Quotes>,
}

impl Snapshot {
    /// The committed snapshot of 2026-01-05.
    pub fn committed() -> Result<Self> {
        let snapshot: Self = parse("market table", MARKET)?;
        let dated = snapshot.underlyings.iter().all(|u| u.expiries.iter().all(|e| e.expiry > snapshot.time));
        if snapshot.underlyings.is_empty() || !dated {
            return Err(table("market table", "no underlying, or an expiry before the snapshot"));
        }
        Ok(snapshot)
    }

    /// The quotes of one underlying.
    pub fn quotes(&self, symbol: &str) -> Result<&Quotes> {
        self.underlyings
            .iter()
            .find(|u| u.symbol == symbol)
            .ok_or_else(|| table("market table", &format!("no {symbol}")))
    }

    /// This market after `hour` of `crash`. Expired expiries are dropped.
    pub fn replayed(&self, crash: &Crash, hour: usize) -> Result<Self> {
        let (base, row) = (crash.row(0)?, crash.row(hour)?);
        let time = self.time + SECONDS_PER_HOUR * hour as i64;
        let vol_ratio = row.dvol as f64 / base.dvol as f64;
        let underlyings = self
            .underlyings
            .iter()
            .map(|u| {
                let spot_ratio = row.close(&u.symbol)? as f64 / base.close(&u.symbol)? as f64;
                let spot = u.spot as f64 * spot_ratio;
                let expiries = u.expiries.iter().filter(|e| e.expiry > time).map(|e| {
                    let time_ratio = (e.expiry - time) as f64 / (e.expiry - self.time) as f64;
                    let carry = (e.forward as f64 / u.spot as f64).powf(time_ratio);
                    Expiry {
                        day: e.day.clone(),
                        expiry: e.expiry,
                        forward: to_price(spot * carry),
                        svi: e.svi.scaled(vol_ratio * time_ratio.sqrt()),
                    }
                });
                Ok(Quotes { symbol: u.symbol.clone(), spot: to_price(spot), expiries: expiries.collect() })
            })
            .collect::<Result<_>>()?;
        Ok(Self { time, rate: self.rate, underlyings })
    }
}

/// An hourly table of a real crash. Row 0 is the base.
#[derive(Clone, Debug, Deserialize)]
pub struct Crash {
    rows: Vec<CrashRow>,
}

/// `[time, BTC, ETH, SOL, DVOL]`, closes in 1e-4 USDT, the index in 1e-2 percent.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "(String, u64, u64, u64, u64)")]
pub struct CrashRow {
    pub time: String,
    closes: [(&'static str, u64); 3],
    pub dvol: u64,
}

impl From<(String, u64, u64, u64, u64)> for CrashRow {
    fn from((time, btc, eth, sol, dvol): (String, u64, u64, u64, u64)) -> Self {
        Self { time, closes: [("BTC", btc), ("ETH", eth), ("SOL", sol)], dvol }
    }
}

impl CrashRow {
    /// Close of the hour, 1e-4 USDT.
    pub fn close(&self, symbol: &str) -> Result<u64> {
        let found = self.closes.iter().find(|(name, _)| *name == symbol);
        found.map(|(_, close)| *close).ok_or_else(|| table("crash table", &format!("no {symbol}")))
    }
}

impl Crash {
    /// The committed crash of 2024-08-05.
    pub fn committed() -> Result<Self> {
        let crash: Self = parse("crash table", CRASH)?;
        let positive = crash.rows.iter().all(|r| r.dvol > 0 && r.closes.iter().all(|(_, close)| *close > 0));
        if crash.rows.len() < 2 || !positive {
            return Err(table("crash table", "fewer than two rows, or a price that is not positive"));
        }
        Ok(crash)
    }

    /// Hours after the base.
    pub fn hours(&self) -> usize {
        self.rows.len() - 1
    }

    pub fn row(&self, hour: usize) -> Result<&CrashRow> {
        self.rows.get(hour).ok_or_else(|| table("crash table", &format!("no hour {hour}")))
    }
}

fn parse<T: serde::de::DeserializeOwned>(name: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| table(name, &e.to_string()))
}

fn table(name: &'static str, reason: &str) -> LocalnetError {
    LocalnetError::Table { table: name, reason: reason.to_owned() }
}

/// Nearest 1e-8 USD, the finest step of a Pyth price: spot and oracle then agree exactly.
fn to_price(units: f64) -> u64 {
    const STEP: f64 = 1e4;
    ((units / STEP).round() * STEP) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> (Snapshot, Crash) {
        (Snapshot::committed().expect("the market"), Crash::committed().expect("the crash"))
    }

    #[test]
    fn hour_zero_is_the_snapshot() {
        let (market, crash) = tables();
        assert_eq!(market.replayed(&crash, 0).expect("hour 0"), market);
    }

    #[test]
    fn spot_and_vol_move_by_the_tables_ratios() {
        let (market, crash) = tables();
        let hour = 30; // 2024-08-05T06:00Z: the index peaks
        let moved = market.replayed(&crash, hour).expect("the hour");
        let row = crash.row(hour).expect("the row");
        assert_eq!(row.time, "2024-08-05T06:00:00Z");
        for (before, after) in market.underlyings.iter().zip(&moved.underlyings) {
            let base = crash.row(0).expect("base").close(&before.symbol).expect("close");
            let expected = row.close(&before.symbol).expect("close") as f64 / base as f64;
            assert!((after.spot as f64 / before.spot as f64 - expected).abs() < 1e-9, "{}", before.symbol);
            for (e0, e1) in before.expiries.iter().zip(&after.expiries) {
                let years = |now: i64| (e0.expiry - now) as f64 / 31_536_000.0;
                let vol0 = e0.svi.at_the_money(years(market.time));
                let vol1 = e1.svi.at_the_money(years(moved.time));
                assert!((vol1 / vol0 - row.dvol as f64 / 5_160.0).abs() < 1e-6, "{} {}", before.symbol, e0.day);
            }
        }
    }

    #[test]
    fn published_vols_are_those_the_fit_reports() {
        let (market, _) = tables();
        let raw: serde_json::Value = serde_json::from_str(MARKET).expect("JSON");
        for (i, quotes) in market.underlyings.iter().enumerate() {
            for (j, e) in quotes.expiries.iter().enumerate() {
                let percent = 100.0 * e.svi.at_the_money((e.expiry - market.time) as f64 / 31_536_000.0);
                let stated = raw["underlyings"][i]["expiries"][j]["atm_vol_percent"].as_f64().expect("a number");
                assert!((percent - stated).abs() < 0.006, "{} {}: {percent} against {stated}", quotes.symbol, e.day);
            }
        }
    }

    #[test]
    fn expired_expiries_are_dropped() {
        let (mut market, crash) = tables();
        market.underlyings[0].expiries[0].expiry = market.time + 3 * SECONDS_PER_HOUR;
        let count = market.underlyings[0].expiries.len();
        assert_eq!(market.replayed(&crash, 2).expect("hour 2").underlyings[0].expiries.len(), count);
        assert_eq!(market.replayed(&crash, 3).expect("hour 3").underlyings[0].expiries.len(), count - 1);
    }

    #[test]
    fn an_hour_past_the_table_is_an_error() {
        let (market, crash) = tables();
        assert!(matches!(market.replayed(&crash, crash.hours() + 1), Err(LocalnetError::Table { .. })));
    }
}
