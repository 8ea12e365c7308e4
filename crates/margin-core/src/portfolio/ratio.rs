//! Shares of amounts, and the exact 128-bit divisions behind them.
//!
//! A checked 128-bit multiplication and division cost some 1 500 compute units through the compiler's builtins. All
//! divisors here have 32 bits, so both run on 32-bit limbs with the machine's own instructions, at a tenth of that.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::integer_division,
    reason = "ranges are argued inline; indices are those of fixed arrays; divisors are constants and the remainder is kept"
)]

use super::MarginError;
use crate::{Lots, Price, Usd};

/// A factor in 1e-9: haircut, charge, weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(pub u64);

impl Ratio {
    /// 100 %.
    pub const ONE: Self = Self(1_000_000_000);
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This share of an amount, rounded up: for charges and requirements.
    pub fn of_rounded_up(self, amount: Usd) -> Result<Usd, MarginError> {
        negate(self.of_rounded_down(Usd(negate(amount.0)?))?.0).map(Usd)
    }

    /// This share of an amount, rounded down: for credits.
    pub fn of_rounded_down(self, amount: Usd) -> Result<Usd, MarginError> {
        scale_down(amount.0, self.0).map(Usd)
    }

    /// 1 − self, at least zero.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(Self::ONE.0.saturating_sub(self.0))
    }

    /// Sum; saturates.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Product, rounded up; saturates.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let product = u128::from(self.0).wrapping_mul(u128::from(other.0)); // 64 bits each
        let Some((quotient, inexact)) = divide_by_one(split(product, 1)) else { return Self(u64::MAX) };
        let rounded = u64::try_from(quotient).unwrap_or(u64::MAX);
        Self(if inexact { rounded.saturating_add(1) } else { rounded })
    }
}

/// A signed factor in 1e-9.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignedRatio(pub i64);

/// Value of a number of lots at a price, rounded down (a short position: to the larger debt).
pub fn lots_value(lots: Lots, price: Price, lot_size: u64) -> Result<Usd, MarginError> {
    lot_price_to_usd(lots.checked_mul_price(price).ok_or(MarginError::Overflow)?, lot_size)
}

/// Lots × 1e-12 USD in USD, rounded down.
pub(super) fn lot_price_to_usd(amount: i128, lot_size: u64) -> Result<Usd, MarginError> {
    scale_down(amount, lot_size).map(Usd)
}

/// `amount · factor / 1e9`, rounded towards −∞.
pub(super) fn scale_down(amount: i128, factor: u64) -> Result<i128, MarginError> {
    if amount == 0 || factor == 0 {
        return Ok(0);
    }
    let (quotient, inexact) = divide_by_one(split(amount.unsigned_abs(), factor)).ok_or(MarginError::Overflow)?;
    let magnitude = i128::try_from(quotient).map_err(|_| MarginError::Overflow)?;
    // `magnitude` is at most 2^127 − 1, so its negative less one fits.
    Ok(if amount < 0 { -magnitude - i128::from(inexact) } else { magnitude })
}

/// `amount · factor` in six limbs of 32 bits, lowest first.
fn split(amount: u128, factor: u64) -> [u64; 6] {
    const LOW: u64 = 0xffff_ffff;
    let (high, low) = ((amount >> 64) as u64, amount as u64);
    let limbs = [low & LOW, low >> 32, high & LOW, high >> 32];
    let (f0, f1) = (factor & LOW, factor >> 32);
    let mut product = [0u64; 6];
    let mut carry = 0u64;
    for (limb, slot) in limbs.iter().zip(&mut product) {
        let sum = limb * f0 + carry; // (2^32 − 1)^2 + 2^32 − 1 < 2^64
        *slot = sum & LOW;
        carry = sum >> 32;
    }
    product[4] = carry;
    if f1 != 0 {
        carry = 0;
        for (limb, slot) in limbs.iter().zip(&mut product[1..5]) {
            let sum = limb * f1 + *slot + carry; // (2^32 − 1)^2 + 2 (2^32 − 1) = 2^64 − 1
            *slot = sum & LOW;
            carry = sum >> 32;
        }
        product[5] = carry;
    }
    product
}

/// Limbs over 1e9, and whether a remainder was dropped. `None` when the quotient has more than 128 bits.
fn divide_by_one(limbs: [u64; 6]) -> Option<(u128, bool)> {
    const DIVISOR: u64 = Ratio::ONE.0;
    let mut remainder = 0u64; // below 2^30 at every step
    let mut quotient = [0u64; 6];
    for (limb, slot) in limbs.iter().zip(&mut quotient).rev() {
        let dividend = (remainder << 32) | limb;
        *slot = dividend / DIVISOR; // below 2^32
        remainder = dividend - *slot * DIVISOR;
    }
    if quotient[4] | quotient[5] != 0 {
        return None;
    }
    let high = (quotient[3] << 32) | quotient[2];
    let low = (quotient[1] << 32) | quotient[0];
    Some(((u128::from(high) << 64) | u128::from(low), remainder != 0))
}

/// `a / b` rounded towards −∞; `b` > 0.
pub(super) fn floor_division(a: i128, b: i128) -> Result<i128, MarginError> {
    a.checked_div_euclid(b).ok_or(MarginError::Overflow)
}

/// The opposite amount.
pub(super) fn negate(amount: i128) -> Result<i128, MarginError> {
    amount.checked_neg().ok_or(MarginError::Overflow)
}

/// Sum of two amounts.
pub(super) fn add(a: Usd, b: Usd) -> Result<Usd, MarginError> {
    a.0.checked_add(b.0).map(Usd).ok_or(MarginError::Overflow)
}

/// Difference of two amounts.
pub(super) fn subtract(a: Usd, b: Usd) -> Result<Usd, MarginError> {
    a.0.checked_sub(b.0).map(Usd).ok_or(MarginError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn limbs_agree_with_128_bit_arithmetic(amount in -(1i128 << 90)..1i128 << 90, factor in 0u64..1 << 36) {
            let exact = amount * i128::from(factor);
            prop_assert_eq!(scale_down(amount, factor).unwrap(), exact.div_euclid(1_000_000_000));
            let up = Ratio(factor).of_rounded_up(Usd(amount)).unwrap().0;
            prop_assert_eq!(up, -(-exact).div_euclid(1_000_000_000));
        }
    }

    #[test]
    fn extremes_are_exact_or_refused() {
        let one = Ratio::ONE;
        assert_eq!(one.of_rounded_down(Usd(i128::MAX)).unwrap(), Usd(i128::MAX));
        assert_eq!(Ratio(u64::MAX).of_rounded_down(Usd(i128::MAX)), Err(MarginError::Overflow));
        assert_eq!(Ratio(1).of_rounded_down(Usd(-1)).unwrap(), Usd(-1));
        assert_eq!(Ratio(1).of_rounded_up(Usd(1)).unwrap(), Usd(1));
        assert_eq!(Ratio(1).of_rounded_up(Usd(-1)).unwrap(), Usd(0));
        assert_eq!(one.times(Ratio(7)), Ratio(7));
        assert_eq!(Ratio(1).times(Ratio(1)), Ratio(1));
        assert_eq!(Ratio(u64::MAX).times(Ratio(u64::MAX)), Ratio(u64::MAX));
    }
}
