//! Fixed-point steps that happen once for each expiry.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "ranges are argued inline; divisors are constants or checked, and truncation is part of the stated error"
)]

use super::{Ratio, SignedRatio};
use crate::{elementary::exp_neg, fx::Fx};

/// One in Q56.
pub(super) const ONE_Q56: i64 = 1 << 56;
/// Largest Q56 number: saturation of what follows.
const TOP: u64 = i64::MAX as u64;

/// `value / one` in Q56, rounded down; saturates at 128. `one` is below 2^35.
pub(super) fn q56(value: u64, one: u64) -> i64 {
    let (whole, rest) = (value / one, value % one);
    if whole >> 7 != 0 {
        return i64::MAX;
    }
    // Two digits of 28 bits: each dividend is below 2^63.
    let (high, rest) = ((rest << 28) / one, (rest << 28) % one);
    let low = (rest << 28) / one;
    ((whole << 56) + (high << 28) + low) as i64
}

pub(super) fn ratio_q56(ratio: Ratio) -> i64 {
    q56(ratio.0, Ratio::ONE.0)
}

pub(super) fn signed_q56(ratio: SignedRatio) -> i64 {
    let magnitude = q56(ratio.0.unsigned_abs(), Ratio::ONE.0);
    if ratio.0 < 0 { -magnitude } else { magnitude }
}

/// Product of Q56 numbers, rounded down; saturates.
pub(super) fn times_q56(a: i64, b: i64) -> i64 {
    let product = (i128::from(a) * i128::from(b)) >> 56; // 63 + 63 bits
    product.clamp(-i128::from(i64::MAX), i128::from(i64::MAX)) as i64
}

/// Product of two non-negative numbers in Q60 and Qn, in Qn, rounded down; saturates.
pub(super) fn times_q60(a: u64, b: u64) -> u64 {
    let product = (u128::from(a) * u128::from(b)) >> 60;
    if product > u128::from(TOP) { TOP } else { product as u64 }
}

/// e^-y in Q60 for y ≥ 0 in Q56; zero from y = 64 on (below 2^-60 long before).
pub(super) fn decay_q60(y: i64) -> u64 {
    debug_assert!(y >= 0);
    if y <= 8 * ONE_Q56 {
        return exp_neg(Fx(y));
    }
    if y > 64 * ONE_Q56 {
        return 0;
    }
    // The eighth power of e^(-y/8).
    let root = exp_neg(Fx(y >> 3));
    let square = times_q60(root, root);
    let fourth = times_q60(square, square);
    times_q60(fourth, fourth)
}

/// e^y in Q60 for y ≥ 0 in Q56, at most 8 (2^63 − 1).
pub(super) fn growth_q60(y: i64) -> u64 {
    debug_assert!(y >= 0);
    if y > 3 * ONE_Q56 {
        return TOP;
    }
    let root = exp_neg(Fx(-(y >> 1))); // at most e^1.5
    times_q60(root, root)
}

/// e^y in Q28 for y ≥ 0 in Q56, rounded up, at most e^8.
pub(super) fn wide_growth_q28(y: i64) -> u64 {
    let root = u128::from(exp_neg(Fx(-(y.clamp(0, 8 * ONE_Q56) >> 2)))); // at most e^2
    let square = (root * root) >> 64; // Q56, at most e^4
    ((square * square) >> 84) as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_meet_their_error() {
        let one = ONE_Q56 as f64;
        for step in 0..640 {
            let y = f64::from(step) / 10.0;
            let fixed = (y * one) as i64;
            let decay = decay_q60(fixed) as f64 / (1u64 << 60) as f64;
            assert!((decay - (-y).exp()).abs() < 1e-13 * (-y).exp() + 2e-17, "{y}");
            let growth = growth_q60(fixed) as f64 / (1u64 << 60) as f64;
            assert!((growth / y.exp().min(8.0) - 1.0).abs() < 1e-13, "{y}: {growth}");
            let wide = wide_growth_q28(fixed) as f64 / (1u64 << 28) as f64;
            let want = y.min(8.0).exp();
            assert!((wide / want - 1.0).abs() < 1e-8 && wide >= want * (1.0 - 1e-13), "{y}");
        }
        assert_eq!(decay_q60(65 * ONE_Q56), 0);
    }

    #[test]
    fn ratios_convert() {
        assert_eq!(ratio_q56(Ratio::ONE), ONE_Q56);
        assert_eq!(signed_q56(SignedRatio(-500_000_000)), -ONE_Q56 / 2);
        assert_eq!(q56(1 << 40, 1), i64::MAX);
        assert_eq!(times_q56(i64::MAX, i64::MAX), i64::MAX);
    }
}
