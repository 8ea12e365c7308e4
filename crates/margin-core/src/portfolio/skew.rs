//! How skew scenarios move the vols of an expiry.
#![allow(clippy::arithmetic_side_effects, reason = "operators are those of Fx")]

use super::{
    MarginError, SignedRatio, SkewCap, SkewShock, fixed,
    open_expiry::LevelsUsed,
    tenor::{FACTOR_ONE, scale_vol},
};
use crate::{
    Expiry, Vol,
    fx::{Fx, leading_zeros, mul_high, quotient, scale},
};

/// Skew of one expiry: `y = min(|k|·cap/k*, cap)` for each of the two scenarios.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skew {
    linear: Curve,
    abs: Curve,
}

#[derive(Clone, Copy, Debug)]
struct Curve {
    /// Q56.
    cap: i64,
    /// cap / k*, Q40, within ±2^20.
    slope: i64,
}

/// 1/k* as `mantissa · 2^-exponent`.
struct Reciprocal {
    /// Above 2^31 and at most 2^32: relative error 2^-31.
    mantissa: u64,
    exponent: Fx,
}

impl Skew {
    #[inline(always)]
    pub(super) fn new(shock: &SkewShock, expiry: &Expiry, levels: LevelsUsed) -> Result<Self, MarginError> {
        // Q(60 + root_shift), root_shift in 0..=14.
        let root_years = (expiry.root_years >> (4 + expiry.root_shift.0.clamp(0, 14))) as i64;
        let by_root = |constant: i64, slope: SignedRatio| {
            constant.saturating_add(fixed::times_q56(root_years, fixed::signed_q56(slope)))
        };
        let vol = by_root(fixed::ratio_q56(shock.vol_static), shock.vol_scale);
        let width = fixed::times_q56(fixed::times_q56(root_years, fixed::ratio_q56(shock.width_scale)), vol);
        let width = width.max(fixed::ratio_q56(shock.min_width));
        let reciprocal = Reciprocal::new(width).ok_or(MarginError::SkewWidth)?;
        let curve = |cap: &SkewCap| {
            let cap = by_root(fixed::ratio_q56(cap.base), cap.slope);
            Curve { cap, slope: reciprocal.times(cap) }
        };
        let linear = if levels.skew_linear { curve(&shock.linear) } else { Curve::UNUSED };
        let abs = if !levels.skew_abs {
            Curve::UNUSED
        } else if levels.skew_linear && shock.abs == shock.linear {
            linear
        } else {
            curve(&shock.abs)
        };
        Ok(Self { linear, abs })
    }

    /// Vols of the linear and the absolute scenario, rounded down, for k = ln(strike / forward) in Q56.
    #[inline(always)]
    pub(super) fn vols(&self, k: Fx, vol: Vol) -> (Vol, Vol) {
        (self.vol_linear(k, vol), self.vol_abs(k, vol))
    }

    /// The linear scenario's alone.
    #[inline(always)]
    pub(super) fn vol_linear(&self, k: Fx, vol: Vol) -> Vol {
        let linear = self.linear.at(k);
        shift_vol(vol, if k.is_negative() { linear.wrapping_neg() } else { linear })
    }

    /// The absolute scenario's alone.
    #[inline(always)]
    pub(super) fn vol_abs(&self, k: Fx, vol: Vol) -> Vol {
        shift_vol(vol, self.abs.at(k))
    }
}

impl Curve {
    const UNUSED: Self = Self { cap: 0, slope: 0 };

    /// y, Q28, within ±64.
    #[inline(always)]
    fn at(&self, k: Fx) -> i64 {
        const BOUND: i64 = 64 << 28;
        let ramp = Fx(self.slope).sign_onto(mul_high(Fx(self.slope).abs(), k.abs()) >> 4); // Q40 times Q56 less 2^68
        ramp.0.min(self.cap >> 28).clamp(-BOUND, BOUND)
    }
}

impl Reciprocal {
    /// `None` unless `width` (Q56) is positive.
    fn new(width: i64) -> Option<Self> {
        if width <= 0 {
            return None;
        }
        let zeros = leading_zeros(width.unsigned_abs());
        let normal = (width.unsigned_abs() << (zeros.0 & 63)) >> 32; // [2^31, 2^32)
        // width = normal·2^(32 − zeros − 56), so 1/width = (2^63 / normal)·2^(zeros − 39).
        Some(Self { mantissa: quotient(1 << 63, normal), exponent: zeros })
    }

    /// `factor / width` in Q40 for a factor in Q56; saturates at 2^20.
    #[inline(always)]
    fn times(&self, factor: i64) -> i64 {
        // The mantissa is below 2^63 when shifted by 30: less 2^34. Then 2^(zeros − 39), and Q56 to Q40.
        let product = mul_high(factor.unsigned_abs(), self.mantissa << 30);
        Fx(factor).sign_onto(scale(product, self.exponent - Fx(21)).min(1 << 60)).0
    }
}

/// `vol · max(0, 1 + x)`, x in Q28.
fn shift_vol(vol: Vol, x: i64) -> Vol {
    scale_vol(vol, (FACTOR_ONE as i64).saturating_add(x).max(0) as u64)
}
