//! Fixed-point steps that happen once for each expiry.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "ranges are argued inline; divisors are constants and truncation is part of the stated error"
)]

use super::{Ratio, SignedRatio};
use crate::{
    elementary::exp_neg,
    fx::{Fx, mul_high},
};

/// One in Q56.
pub(super) const ONE_Q56: i64 = 1 << 56;
/// Largest Q56 number: saturation of what follows.
const TOP: u64 = i64::MAX as u64;

/// A ratio in Q56, rounded down (by up to 2^-50 more from 68 on); saturates at 128.
#[inline]
pub(super) fn ratio_q56(ratio: Ratio) -> i64 {
    // 2^56 / 1e9 = 72 057 594 and a fraction, which is in Q31, rounded up by less than 2^-31.
    const WHOLE: u64 = (1 << 56) / Ratio::ONE.0;
    const FRACTION: u64 = (((1 << 56) % Ratio::ONE.0) << 31).div_ceil(Ratio::ONE.0);
    if ratio.0 >= 128 * Ratio::ONE.0 {
        return i64::MAX;
    }
    // 37 + 27 bits, below 2^63 as the ratio is below 128; 37 + 27 bits.
    ratio.0.wrapping_mul(WHOLE).wrapping_add(ratio.0.wrapping_mul(FRACTION) >> 31) as i64
}

pub(super) fn signed_q56(ratio: SignedRatio) -> i64 {
    let magnitude = ratio_q56(Ratio(ratio.0.unsigned_abs()));
    if ratio.0 < 0 { magnitude.wrapping_neg() } else { magnitude }
}

/// Product of Q56 numbers, within 2^-54; saturates.
#[inline]
pub(super) fn times_q56(a: i64, b: i64) -> i64 {
    let (x, y) = (a.unsigned_abs(), b.unsigned_abs());
    // Q60 each where both are below 8.
    let magnitude = if (x | y) >> 59 == 0 { mul_high(x << 4, y << 4) } else { large_product(x, y, 56) } as i64;
    if (a ^ b) < 0 { magnitude.wrapping_neg() } else { magnitude }
}

/// Product of two numbers in Q60 and Qn, in Qn, rounded down by up to three units of 2^-58 times the larger; saturates.
#[inline]
pub(super) fn times_q60(a: u64, b: u64) -> u64 {
    if (a | b) >> 62 == 0 {
        let product = mul_high(a << 1, b << 1);
        if product >> 61 == 0 {
            return product << 2;
        }
    }
    large_product(a, b, 60)
}

#[cold]
#[inline(never)]
fn large_product(a: u64, b: u64, bits: u32) -> u64 {
    let product = (u128::from(a) * u128::from(b)) >> bits;
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
    let root = exp_neg(Fx(-(y.clamp(0, 8 * ONE_Q56) >> 2))); // at most e^2, below 2^63
    let square = mul_high(root, root); // Q56, at most e^4, below 2^62
    (mul_high(square, square) >> 20).wrapping_add(1)
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
        assert_eq!(ratio_q56(Ratio(1 << 40)), i64::MAX);
        for ratio in [0u64, 1, 80_000_000, 999_999_999, 4_000_000_000, 67_999_999_999, 127_999_999_999] {
            let exact = (u128::from(ratio) << 56) / 1_000_000_000;
            assert!(exact.abs_diff(ratio_q56(Ratio(ratio)) as u128) <= 1 + u128::from(ratio >> 31), "{ratio}");
        }
        assert_eq!(times_q56(i64::MAX, i64::MAX), i64::MAX);
    }
}
