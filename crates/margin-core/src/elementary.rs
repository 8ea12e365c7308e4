//! Natural logarithm, exponential and square root in fixed point.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::integer_division,
    reason = "operators are those of Fx or argued inline; indices are masked to the table's size; divisors are \
              normalised and their truncation is part of the stated error"
)]

use crate::fx::{Fx, align, leading_zeros, mul_high, quotient, shl};
use crate::tables;

/// A positive integer as `mantissa * 2^-zeros` with the top bit of the mantissa set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Normal {
    pub(crate) mantissa: u64,
    pub(crate) zeros: Fx,
}

impl Normal {
    /// `value` must not be zero.
    #[inline(always)]
    pub(crate) fn new(value: u64) -> Self {
        debug_assert!(value != 0);
        let zeros = leading_zeros(value);
        Self { mantissa: shl(value, zeros), zeros }
    }

    /// Natural logarithm of the integer, Q56 (at most 64 ln 2, so below 2^62); error 4e-15.
    ///
    /// m = mantissa / 2^63 lies in [1, 2). With r the tabulated reciprocal of the centre of m's 256th,
    /// m r = 1 + e, |e| < 2^-8.4, and ln m = -ln r + e - e^2 (1/2 - e (1/3 - e (1/4 - e/5))).
    #[inline(always)]
    pub(crate) fn ln(self) -> Fx {
        let row = ((self.mantissa >> 55) & 255) as usize;
        let reciprocal = u64::from(tables::LN_RECIPROCAL[row]);
        // (mantissa >> 11) < 2^53 and r <= 2^11: the product is 2^63 (1 + e), and subtracting 2^63 leaves e in Q63.
        let residual = ((self.mantissa >> 11).wrapping_mul(reciprocal)).wrapping_sub(1 << 63) as i64;
        let e = Fx(residual) >> 24; // Q39, below 2^31
        let quarter = Fx::power(29) - ((e * Fx(429_496_730)) >> 39); // 1/4 - e/5, Q31
        let third = Fx(715_827_883) - ((e * quarter) >> 39);
        let half = Fx::power(30) - ((e * third) >> 39);
        let square = (e * e) >> 30; // Q48, below 2^32
        let correction = (square * half) >> 23; // Q79 -> Q56
        let exponent = Fx(63) - self.zeros;
        Fx(tables::LN_OF_RECIPROCAL[row]) + (Fx(residual) >> 7) - correction + exponent * Fx(tables::LN_2)
    }
}

/// e^-y in Q60 for y in Q56, -2 <= y <= 8; relative error below 2e-14.
///
/// -y = (64 n + i) ln 2 / 64 + h with |h| <= ln 2 / 128 + rounding < 2^-7.
#[inline(always)]
pub(crate) fn exp_neg(y: Fx) -> u64 {
    let z = -y;
    // |z| < 2^59, so z >> 28 < 2^31 and times 2^28.6 stays below 2^60.
    let steps = ((z >> 28) * Fx(tables::SIXTY_FOUR_OVER_LN_2) + Fx::power(49)) >> 50;
    let h = z - steps * Fx(tables::LN_2_OVER_64); // Q56
    let s = h >> 18; // Q38, below 2^31
    let t = Fx::power(30) + ((s * Fx(214_748_365)) >> 38); // 1 + h/5, Q30
    let t = Fx::power(30) + ((s * (t >> 2)) >> 38); // 1 + h/4 (...)
    let u = (s * ((t * Fx(357_913_941)) >> 30)) >> 30; // h/3 (...), Q38, below 2^30
    let r = (h + Fx::power(16)) >> 17; // Q39, below 2^31.5
    let square = (r * r) >> 30; // Q48, below 2^33
    let growth = h + (square << 7) + ((square * u) >> 31); // h + h^2/2 (1 + u), Q56
    let factor = (Fx::power(62) + (growth << 6)).bits(); // 1 + growth, Q62
    let root = tables::EXP_ROOTS[(steps.0 & 63) as usize]; // Q61
    let product = mul_high(root, factor); // Q59
    align(product, (steps >> 6) + Fx(1)) // -12 ..= 2 octaves
}

/// A square root: `mantissa * 2^-(30 + half_shift)` with the mantissa in [2^60, 2^61].
#[derive(Clone, Copy)]
pub(crate) struct Root {
    pub(crate) mantissa: u64,
    pub(crate) half_shift: Fx,
}

/// Square root of an integer in 1..2^62, relative error below 2^-60.
#[inline(always)]
pub(crate) fn sqrt(value: u64) -> Root {
    debug_assert!(value != 0 && value >> 62 == 0);
    sqrt_shifted(value, (leading_zeros(value) - Fx(2)) & Fx(-2))
}

/// [`sqrt`] for a known even shift that brings the value into [2^60, 2^62).
#[inline(always)]
pub(crate) fn sqrt_shifted(value: u64, shift: Fx) -> Root {
    let n = shl(value, shift); // [2^60, 2^62)
    // Chord of the square root over [2^60, 2^62): at most 6 % off, so three Newton steps reach 2^-40.
    let newton = |s: Fx| (s + Fx::from_bits(quotient(n, s.bits()))) >> 1;
    let chord = Fx::from_bits(quotient((n >> 30).wrapping_add(1 << 31), 3)); // below 2^31
    let mut s = newton(newton(newton(chord)));
    let mut remainder = Fx::from_bits(n) - s * s;
    // Newton's steps stay at or above the floor of the root, by at most one here.
    if remainder.is_negative() {
        remainder += s + s - Fx(1);
        s = s - Fx(1);
    }
    // The remainder is at most 2 s < 2^32.
    let fraction = quotient((remainder << 30).bits(), (s << 1).bits());
    Root { mantissa: ((s << 30) + Fx::from_bits(fraction)).bits(), half_shift: shift >> 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_meets_its_error() {
        let mut worst = 0f64;
        for bit in 0..64u32 {
            for step in 0..97u64 {
                let x = (1u64 << bit) + (step * ((1u64 << bit) / 97));
                let got = Normal::new(x).ln().0 as f64 / 2f64.powi(56);
                worst = worst.max((got - (x as f64).ln()).abs());
            }
        }
        // The comparison itself is in f64: ln(2^64) carries 7e-15.
        assert!(worst < 1.2e-14, "{worst:e}");
    }

    #[test]
    fn exp_meets_its_error() {
        for step in -2000..=8000i64 {
            let y = step as f64 / 1000.0;
            let got = exp_neg(Fx((y * 2f64.powi(56)) as i64)) as f64 / 2f64.powi(60);
            assert!((got / (-y).exp() - 1.0).abs() < 2e-14, "{y}: {got}");
        }
    }

    #[test]
    fn sqrt_meets_its_error() {
        for bit in 0..62u32 {
            for step in 0..97u64 {
                let x = (1u64 << bit) + step * ((1u64 << bit) / 97);
                let root = sqrt(x);
                assert!((1 << 60..=1 << 61).contains(&root.mantissa));
                let got = root.mantissa as f64 * 2f64.powi(-30 - root.half_shift.0 as i32);
                assert!((got / (x as f64).sqrt() - 1.0).abs() < 4e-16, "{x}");
            }
        }
        assert!(sqrt((1 << 62) - 1).mantissa <= 1 << 61);
    }
}
