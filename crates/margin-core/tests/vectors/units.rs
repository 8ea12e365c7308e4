//! Published decimals as the core's integers, each rounded to nearest.

use margin_core::portfolio::{Ratio, SignedRatio};
use margin_core::{Multiplier, Price, Rate, Seconds, Usd, Vol};

pub fn price(usd: f64) -> Price {
    Price((usd * 1e12).round() as u64)
}

pub fn usd(amount: f64) -> Usd {
    // f64 holds 53 bits: cents of a billion keep nine decimals.
    Usd((amount * 1e12).round() as i128)
}

pub fn dollars(amount: Usd) -> f64 {
    amount.0 as f64 / 1e12
}

pub fn ratio(value: f64) -> Ratio {
    assert!(value >= 0.0, "{value}");
    Ratio((value * 1e9).round() as u64)
}

pub fn signed(value: f64) -> SignedRatio {
    SignedRatio((value * 1e9).round() as i64)
}

pub fn multiplier(value: f64) -> Multiplier {
    Multiplier((value * 1e9).round() as u64)
}

pub fn vol(value: f64) -> Vol {
    Vol((value * 1e8).round() as u64)
}

pub fn rate(value: f64) -> Rate {
    Rate((value * 1e10).round() as i64)
}

pub fn seconds(years: f64) -> Seconds {
    Seconds((years * 31_536_000.0).round() as u64)
}
