//! Published decimals as members of a portfolio.

use anyhow::{Context, Result};
use margin_client::decimal::{Decimal, Scaled, Stored};
use margin_evaluate::Underlying;

/// A decimal at the scale of its member.
pub fn scaled<T: Stored, const PLACES: u32>(value: Decimal) -> Result<Scaled<T, PLACES>> {
    Ok(Scaled::try_from(value)?)
}

/// `1 − value`.
pub fn complement(value: Decimal) -> Result<Scaled<i64, 9>> {
    let Scaled(value) = scaled::<i64, 9>(value)?;
    Ok(Scaled(1_000_000_000 - value))
}

/// Whole seconds of a time in other units.
pub fn seconds(value: Decimal, unit: i128) -> Result<u64> {
    let seconds = value.times(unit).and_then(|seconds| seconds.scaled(0)).context("a time beyond all bounds")?;
    Ok(u64::try_from(seconds)?)
}

/// Quantity in 1e-9 units, to nearest.
pub fn units(value: Decimal) -> Result<i128> {
    value.scaled(9).context("a quantity beyond all bounds")
}

/// The largest power of ten, in 1e-9 units, of which every quantity is a multiple.
pub fn lot_size(quantities: &[i128]) -> u64 {
    let is_whole = |size: &u64| quantities.iter().all(|quantity| quantity % i128::from(*size) == 0);
    (0..10).rev().map(|power| 10u64.pow(power)).find(is_whole).unwrap_or(1)
}

/// A token amount with as many decimals as 64 bits hold, and how many those are.
pub fn token_amount(amount: Decimal) -> Result<(Decimal, u8)> {
    let fits = |places: &u32| amount.scaled(*places).is_some_and(|atoms| u64::try_from(atoms).is_ok());
    let places = (0..=18).rev().find(fits).context("a token balance beyond 64 bits")?;
    let atoms = amount.scaled(places).context("a token balance beyond 64 bits")?;
    Ok((Decimal::new(atoms, -(places as i32)), places as u8))
}

/// An underlying without anything but spot and model.
pub fn underlying(symbol: &str, spot: Scaled<u64, 12>, model: margin_client::presets::ModelFile) -> Underlying {
    Underlying {
        symbol: symbol.to_owned(),
        spot,
        confidence: Scaled(1_000_000_000),
        perpetual: None,
        lot_size: Scaled(1_000_000_000),
        settlement_window: 0,
        model: margin_evaluate::ModelSource::Inline(Box::new(model)),
        expiries: Vec::new(),
    }
}
