//! Shares of amounts, every rounding named.

use core::num::NonZero;

use super::MarginError;
use crate::{Lots, Price, Seconds, Usd, quantities::SECONDS_PER_YEAR, wide};

/// One, in the unit of ratios.
const DENOMINATOR: NonZero<u32> = match NonZero::new(1_000_000_000) {
    Some(one) => one,
    None => NonZero::<u32>::MIN,
};

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
        if amount == Usd::ZERO || self == Self::ZERO {
            return Ok(Usd::ZERO);
        }
        if self == Self::ONE {
            return Ok(amount);
        }
        wide::share_ceiling(amount.0, self.0, DENOMINATOR).map(Usd).ok_or(MarginError::Overflow)
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

    /// A ratio for each year times a duration, rounded up; `None` beyond the range.
    pub(super) fn for_time(self, time: Seconds) -> Option<Self> {
        if self.0 >> 36 == 0 && time.0 >> 27 == 0 {
            return Some(Self(self.0.wrapping_mul(time.0).div_ceil(SECONDS_PER_YEAR)));
        }
        let product = u128::from(self.0).wrapping_mul(u128::from(time.0)); // 128 bits
        u64::try_from(product.div_ceil(u128::from(SECONDS_PER_YEAR))).ok().map(Self)
    }

    /// Sum; saturates.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Product, rounded up; saturates.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        if (self.0 | other.0) >> 32 == 0 {
            return Self(self.0.wrapping_mul(other.0).div_ceil(Self::ONE.0));
        }
        let product = i128::from(self.0).checked_mul(i128::from(other.0)); // beyond 2^127 for absurd factors only
        let rounded = product.map(|product| wide::divide_ceiling(product, DENOMINATOR));
        Self(rounded.and_then(|ratio| u64::try_from(ratio).ok()).unwrap_or(u64::MAX))
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
    if factor == Ratio::ONE.0 {
        return Ok(amount);
    }
    wide::share_floor(amount, factor, DENOMINATOR).ok_or(MarginError::Overflow)
}

/// `a / b` rounded towards −∞; `b` > 0.
pub(super) fn floor_division(a: i128, b: i128) -> Result<i128, MarginError> {
    wide::floor_division(a, b).ok_or(MarginError::Overflow)
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
        fn shares_round_as_named(amount in -(1i128 << 90)..1i128 << 90, factor in 0u64..1 << 36) {
            let exact = amount * i128::from(factor);
            prop_assert_eq!(scale_down(amount, factor).unwrap(), exact.div_euclid(1_000_000_000));
            let up = Ratio(factor).of_rounded_up(Usd(amount)).unwrap().0;
            prop_assert_eq!(up, -(-exact).div_euclid(1_000_000_000));
        }
    }

    #[test]
    fn extremes_are_exact_or_refused() {
        let one = Ratio::ONE;
        assert_eq!(one.of_rounded_down(Usd(1 << 90)).unwrap(), Usd(1 << 90));
        assert_eq!(Ratio(u64::MAX).of_rounded_down(Usd(i128::MAX)), Err(MarginError::Overflow));
        assert_eq!(Ratio(1).of_rounded_down(Usd(-1)).unwrap(), Usd(-1));
        assert_eq!(Ratio(1).of_rounded_up(Usd(1)).unwrap(), Usd(1));
        assert_eq!(Ratio(1).of_rounded_up(Usd(-1)).unwrap(), Usd(0));
        assert_eq!(one.times(Ratio(7)), Ratio(7));
        assert_eq!(Ratio(1).times(Ratio(1)), Ratio(1));
        assert_eq!(Ratio(u64::MAX).times(Ratio(u64::MAX)), Ratio(u64::MAX));
    }
}
