//! Quote atoms, cash and USD (1e-12) into each other, every rounding named.

use anchor_lang::prelude::*;
use fixed::types::I80F48;
use margin_core::{Lots, Price, Usd, portfolio::lots_value, wide};

use super::margin_error;
use crate::{
    constants::{RATIO_ONE, USD_DECIMALS},
    error::EngineError,
};

/// 1e-12 USD in one quote atom: 10^(12 − decimals), decimals at most 9.
pub(super) fn usd_in_atom(decimals: u8) -> u64 {
    10u64.pow(USD_DECIMALS.saturating_sub(u32::from(decimals)))
}

/// Quote atoms in USD, exact.
pub fn atoms_to_usd(atoms: u64, decimals: u8) -> Result<Usd> {
    let usd = i128::from(atoms).checked_mul(i128::from(usd_in_atom(decimals)));
    Ok(Usd(usd.ok_or(EngineError::Overflow)?))
}

/// USD in whole quote atoms, rounded down: credits.
pub fn usd_to_atoms_floor(amount: Usd, decimals: u8) -> Result<i64> {
    let atoms = wide::floor_division(amount.0, i128::from(usd_in_atom(decimals))).ok_or(EngineError::Overflow)?;
    Ok(i64::try_from(atoms).map_err(|_| EngineError::Overflow)?)
}

/// USD in whole quote atoms, rounded up: requirements and payments.
pub fn usd_to_atoms_ceil(amount: Usd, decimals: u8) -> Result<i64> {
    let negated = amount.checked_neg().ok_or(EngineError::Overflow)?;
    Ok(usd_to_atoms_floor(negated, decimals)?.checked_neg().ok_or(EngineError::Overflow)?)
}

/// Cash in whole quote atoms, rounded down.
pub fn cash_atoms_floor(cash: I80F48) -> Result<i64> {
    Ok(cash.checked_floor().and_then(I80F48::checked_to_num).ok_or(EngineError::Overflow)?)
}

/// Cash in USD; fractions of an atom below 1e-12 USD round down.
pub fn cash_to_usd(cash: I80F48, decimals: u8) -> Result<Usd> {
    // Bits carry 48 fractional places; the product of 128 bits and 40 bits may not fit, so the parts go separately.
    let whole: i128 = cash.checked_floor().ok_or(EngineError::Overflow)?.to_num();
    let scale = i128::from(usd_in_atom(decimals));
    let fraction = ((cash.frac().to_bits() * scale) >> 48).max(0);
    let usd = whole.checked_mul(scale).and_then(|usd| usd.checked_add(fraction));
    Ok(Usd(usd.ok_or(EngineError::Overflow)?))
}

/// What `lots` at `price` cost in quote atoms, rounded away from zero: the payer pays the odd part of an atom.
pub fn cost_atoms(lots: i64, price: u64, lot_size: u64, decimals: u8) -> Result<i64> {
    let magnitude = u128::from(lots.unsigned_abs())
        .checked_mul(u128::from(price))
        .and_then(|product| product.checked_mul(u128::from(lot_size)))
        .ok_or(EngineError::Overflow)?
        .div_ceil(u128::from(RATIO_ONE) * u128::from(usd_in_atom(decimals)));
    let magnitude = i64::try_from(magnitude).map_err(|_| EngineError::Overflow)?;
    Ok(if lots < 0 { -magnitude } else { magnitude })
}

/// Value of a linear position at its mark, in quote atoms, rounded down.
pub fn linear_value_floor(lots: i64, mark: Price, lot_size: u64, decimals: u8) -> Result<i64> {
    let value = lots_value(Lots(lots), mark, lot_size).map_err(margin_error)?;
    usd_to_atoms_floor(value, decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_round_away_from_zero() {
        // 1 lot of 0.001 unit at 1e-9 USD (1000 in 1e-12): 1e-12 USD is a millionth of an atom.
        assert_eq!(cost_atoms(1, 1_000, 1_000_000, 6).unwrap(), 1);
        assert_eq!(cost_atoms(-1, 1_000, 1_000_000, 6).unwrap(), -1);
        // 3 lots of 0.01 unit at 100 000 USD: 3 000 USD.
        assert_eq!(cost_atoms(3, 100_000_000_000_000_000, 10_000_000, 6).unwrap(), 3_000_000_000);
        assert!(cost_atoms(i64::MAX, u64::MAX, 1_000_000_000, 6).is_err());
    }

    #[test]
    fn usd_and_atoms_round_against_the_account() {
        assert_eq!(usd_to_atoms_floor(Usd(1_999_999), 6).unwrap(), 1);
        assert_eq!(usd_to_atoms_floor(Usd(-1), 6).unwrap(), -1);
        assert_eq!(usd_to_atoms_ceil(Usd(1), 6).unwrap(), 1);
        assert_eq!(usd_to_atoms_ceil(Usd(-1_999_999), 6).unwrap(), -1);
        assert_eq!(cash_to_usd(I80F48::from_num(-1.5), 6).unwrap(), Usd(-1_500_000));
        assert_eq!(cash_to_usd(I80F48::from_num(2.25), 6).unwrap(), Usd(2_250_000));
    }
}
