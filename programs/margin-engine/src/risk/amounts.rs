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
    // A power is a loop, and a report asks twenty times.
    const POWERS: [u64; USD_DECIMALS as usize + 1] = {
        let mut powers = [1; USD_DECIMALS as usize + 1];
        let mut decimals = USD_DECIMALS as usize;
        while decimals > 0 {
            decimals -= 1;
            powers[decimals] = powers[decimals + 1] * 10;
        }
        powers
    };
    POWERS.get(usize::from(decimals)).copied().unwrap_or(1)
}

/// Quote atoms in USD, exact.
pub fn atoms_to_usd(atoms: u64, decimals: u8) -> Result<Usd> {
    let usd = i128::from(atoms).checked_mul(i128::from(usd_in_atom(decimals)));
    Ok(Usd(usd.ok_or(EngineError::Overflow)?))
}

/// USD in whole quote atoms, rounded down: credits.
pub fn usd_to_atoms_floor(amount: Usd, decimals: u8) -> Result<i64> {
    let mut atoms = Atoms::new(decimals);
    let credit = atoms.floor(amount);
    atoms.check(credit)
}

/// USD in whole quote atoms, rounded up: requirements and payments.
pub fn usd_to_atoms_ceil(amount: Usd, decimals: u8) -> Result<i64> {
    let mut atoms = Atoms::new(decimals);
    let requirement = atoms.ceil(amount);
    atoms.check(requirement)
}

/// Turns the figures of a report into quote atoms. What does not fit is noted and refused by one check at the end: a result
/// for each figure costs more than its division.
pub(super) struct Atoms {
    /// 1e-12 USD in one atom.
    scale: u64,
    overflows: bool,
}

impl Atoms {
    pub(super) fn new(decimals: u8) -> Self {
        Self { scale: usd_in_atom(decimals), overflows: false }
    }

    /// Rounded down.
    #[inline]
    pub(super) fn floor(&mut self, amount: Usd) -> i64 {
        if amount == Usd::ZERO {
            return 0; // many are
        }
        match one_word(amount) {
            Some((magnitude, false)) => (magnitude / self.scale) as i64,
            Some((magnitude, true)) => (magnitude.div_ceil(self.scale) as i64).wrapping_neg(),
            None => self.wide(wide::floor_division(amount.0, i128::from(self.scale))),
        }
    }

    /// Rounded up.
    #[inline]
    pub(super) fn ceil(&mut self, amount: Usd) -> i64 {
        if amount == Usd::ZERO {
            return 0;
        }
        match one_word(amount) {
            Some((magnitude, false)) => magnitude.div_ceil(self.scale) as i64,
            Some((magnitude, true)) => ((magnitude / self.scale) as i64).wrapping_neg(),
            None => self.wide(wide::ceiling_division(amount.0, i128::from(self.scale))),
        }
    }

    #[cold]
    #[inline(never)]
    fn wide(&mut self, atoms: Option<i128>) -> i64 {
        let atoms = atoms.and_then(|atoms| i64::try_from(atoms).ok());
        self.overflows |= atoms.is_none();
        atoms.unwrap_or(0)
    }

    /// What was made of the figures, if all of them fitted.
    pub(super) fn check<T>(&self, made: T) -> Result<T> {
        require!(!self.overflows, EngineError::Overflow);
        Ok(made)
    }
}

/// Magnitude, and whether it is negative, of an amount below 9.2 million USD: most are, and the VM divides one word in one
/// step.
#[inline(always)]
fn one_word(amount: Usd) -> Option<(u64, bool)> {
    // Word by word: compared as one number they would be added to first.
    let (high, low) = ((amount.0 >> 64) as i64, amount.0 as i64);
    match high {
        0 if low >= 0 => Some((low.unsigned_abs(), false)),
        -1 if low < 0 => Some((low.unsigned_abs(), true)),
        _ => None,
    }
}

/// Cash in whole quote atoms, rounded down.
pub fn cash_atoms_floor(cash: I80F48) -> Result<i64> {
    // All bits above the point but the sign's copies, from the upper word (64 − 48 = 16) and the lower one.
    let bits = cash.to_bits();
    let high = (bits >> 64) as i64;
    require!((high << 16) >> 16 == high, EngineError::Overflow);
    Ok((high << 16) | (bits as u64 >> I80F48::FRAC_NBITS) as i64)
}

/// Cash in USD; fractions of an atom below 1e-12 USD round down.
pub fn cash_to_usd(cash: I80F48, decimals: u8) -> Result<Usd> {
    // 80 bits before the point and 48 after it: the product with 40 bits may not fit, so the parts go separately.
    let bits = cash.to_bits();
    let scale = usd_in_atom(decimals);
    let whole = bits >> I80F48::FRAC_NBITS;
    let mut usd = wide::multiply(whole, scale).ok_or(EngineError::Overflow)?;
    let fraction = bits & ((1 << I80F48::FRAC_NBITS) - 1);
    if fraction != 0 {
        usd = usd.checked_add((fraction * i128::from(scale)) >> I80F48::FRAC_NBITS).ok_or(EngineError::Overflow)?;
    }
    Ok(Usd(usd))
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
