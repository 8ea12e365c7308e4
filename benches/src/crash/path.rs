//! What prices did in the hardest hours of the record.

use std::fs;

use anyhow::{Context, Result, ensure};
use tests_svm::market_data;

const EVENT: &str = "2020-03-12_covid";
/// Thirty hours from here: BTC and ETH lose more than half.
const FIRST: &str = "2020-03-12T00:00:00Z";
const HOURS: usize = 30;
/// Prices of an hour on record: its open, its low and its close.
const RECORDED: usize = 3;
/// Steps from one recorded price to the next, in equal ratios.
const STEPS: usize = 4;
/// Prices of an hour.
pub const TICKS_OF_AN_HOUR: usize = RECORDED * STEPS;
/// Seconds between two prices.
pub const TICK: i64 = 300;

/// Prices of BTC and ETH over those of the start, one pair a tick. Moves are `hardness` times (in logarithms) those of the record.
pub fn read(hardness: f64) -> Result<Vec<[f64; 2]>> {
    let path = market_data("data/prices/stress_windows_1h.csv");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let [btc, eth] = [factors(&text, "BTC")?, factors(&text, "ETH")?];
    Ok(btc.into_iter().zip(eth).map(|(btc, eth)| [btc.powf(hardness), eth.powf(hardness)]).collect())
}

fn factors(text: &str, symbol: &str) -> Result<Vec<f64>> {
    let rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let hours = rows.filter(|row| row[..2] == [EVENT, symbol] && row[3] >= FIRST).take(HOURS);
    let mut prices = Vec::new();
    for row in hours {
        // Columns: event, symbol, source, timestamp, open, high, low, close.
        for column in [4, 6, 7] {
            prices.push(row[column].parse::<f64>().with_context(|| format!("a price: {}", row[column]))?);
        }
    }
    ensure!(prices.len() == HOURS * RECORDED, "{symbol}: {} prices of {EVENT}", prices.len());
    let mut factors = vec![1.0];
    for pair in prices.windows(2) {
        let step = (pair[1] / pair[0]).powf(1.0 / STEPS as f64);
        for _ in 0..STEPS {
            factors.extend(factors.last().map(|last| last * step));
        }
    }
    Ok(factors)
}
