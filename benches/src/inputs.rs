//! What the measurements run on.

use margin_core::{ExpiryInputs, Lots, Multiplier, Price, Rate, Seconds, Svi, Vol};
use svm_probe::{BookLeg, LegInput, MarketInput, ReferenceCase};

const DAY: u64 = 86_400;
/// 65 000 USD in 1e-12.
const FORWARD: u64 = 65_000_000_000_000_000;
/// Expiries of the book: one day, one week, thirty days, a quarter.
pub const EXPIRY_DAYS: [u64; 4] = [1, 7, 30, 90];

/// A crypto-like smile: 55 % at the money, skewed, steeper for short times.
pub fn market(days: u64) -> MarketInput {
    let years_e15 = days as i64 * 1_000_000_000_000_000 / 365;
    // w = 0.3 tau at the money, wings growing with sqrt(tau).
    let wings = (years_e15 as f64 / 1e15).sqrt() * 1e15;
    let svi = Svi {
        a: years_e15 / 5,
        b: (0.18 * wings) as i64,
        rho: -280_000_000_000_000,
        m: (0.02 * wings) as i64,
        sigma: (0.55 * wings) as i64,
        forward: Price(FORWARD - 12_345_678_901_234),
        time: Seconds(days * DAY + 600),
    };
    MarketInput {
        inputs: ExpiryInputs {
            forward: Price(FORWARD + 98_765_432_109_876),
            fixed: Price::ZERO,
            time: Seconds(days * DAY + 571),
            rate: Rate(437_000_000),
        },
        svi,
        up: Multiplier(1_413_000_000),
        down: Multiplier(742_000_000),
    }
}

/// A strike at a percentage of the forward.
pub fn strike(percent: u64) -> Price {
    strike_at(percent * 100)
}

/// A strike at so many basis points of the forward.
fn strike_at(points: u64) -> Price {
    Price(FORWARD / 10_000 * points + 1_234_567_890_123)
}

/// Net calls and puts in both signs and different sizes.
pub const fn leg(strike: Price, calls: i64, puts: i64) -> LegInput {
    LegInput { strike, calls: Lots(calls), puts: Lots(puts) }
}

/// Sixteen strikes, 70 % to 145 % of the forward, on each expiry; every third strike holds calls and puts.
pub fn book() -> Vec<BookLeg> {
    let mut legs = Vec::new();
    for expiry in 0..EXPIRY_DAYS.len() as u8 {
        for step in 0..16u64 {
            let size = 1_000 + 137 * step as i64;
            let (calls, puts) = match step % 3 {
                0 => (size, -2 * size),
                1 => (-size, 0),
                _ => (0, -size),
            };
            legs.push((expiry, leg(strike(70 + 5 * step), calls, puts)));
        }
    }
    legs
}

/// Expiries of books of which whole assessments are measured: the first four of them or all.
pub const ASSESSED_DAYS: [u64; 8] = [2, 7, 30, 90, 120, 180, 270, 365];

/// As many single calls and puts, long and short, on each of the first `expiries`, 70 % to 145 % of the forward.
pub fn options(expiries: u8, strikes: u64) -> Vec<BookLeg> {
    let mut legs = Vec::new();
    for expiry in 0..expiries {
        for step in 0..strikes {
            let size = 1_000 + 137 * step as i64;
            let points = 7_000 + (7_500 * step + 3_700) / strikes;
            let (calls, puts) = match step % 4 {
                0 => (0, -size),
                1 => (size, 0),
                2 => (0, size),
                _ => (-2 * size, 0),
            };
            legs.push((expiry, leg(strike_at(points), calls, puts)));
        }
    }
    legs
}

/// Cases of cold pricing: every magnitude, both wings, short and long.
pub fn cold_cases() -> Vec<ReferenceCase> {
    let mut cases = Vec::new();
    for spot in [10_000, 123_456_789, 1_000_000_000_000, 65_000_000_000_000_000, 4_876_543_210_000_000_000] {
        for percent in [40, 97, 100, 125, 180] {
            for (time, vol) in [(300, 5_000_000), (DAY, 61_234_567), (30 * DAY, 80_000_000), (730 * DAY, 400_000_000)] {
                for rate in [-500_000_000, 0, 437_000_000] {
                    cases.push(ReferenceCase {
                        spot: Price(spot),
                        strike: Price(spot / 100 * percent + 7),
                        time: Seconds(time),
                        vol: Vol(vol),
                        rate: Rate(rate),
                    });
                }
            }
        }
    }
    cases
}

/// The case that rivals are measured on as well: near the money, within the range all of them accept.
pub fn rival_cases() -> Vec<ReferenceCase> {
    let mut cases = Vec::new();
    for percent in [90, 100, 110] {
        for days in [7, 30, 180] {
            cases.push(ReferenceCase {
                spot: Price(100_000_000_000_000),
                strike: Price(percent * 1_000_000_000_000),
                time: Seconds(days * DAY),
                vol: Vol(61_234_567),
                rate: Rate(437_000_000),
            });
        }
    }
    cases
}
