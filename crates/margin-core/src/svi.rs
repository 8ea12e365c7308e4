//! Raw SVI: total variance w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)), k = ln(K / F_ref).
//!
//! J. Gatheral, "The Volatility Surface" (2006); k is clamped to +-4 sqrt(a + b sigma) so that a strike listed far
//! in the wings keeps a sane vol.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "operators are those of Fx or on exponents whose ranges are argued inline"
)]

use crate::deviation::MAX_VOL;
use crate::elementary::{Normal, Root, sqrt, sqrt_shifted};
use crate::error::KernelError;
use crate::expiry::MAX_SECONDS;
use crate::fx::{Fx, align, leading_zeros, mul_high, quotient, scale, shl};
use crate::quantities::{Price, Seconds, Vol};
use crate::strike::Strike;
use crate::tables;

/// Bound of |a|, b and |m|: 16, in 1e-15.
pub const MAX_SVI_PARAMETER: i64 = 16 * SVI_ONE;
/// Bound of sigma: 200, in 1e-15.
pub const MAX_SVI_CURVATURE: i64 = 200 * SVI_ONE;
/// One in the unit of the parameters.
pub const SVI_ONE: i64 = 1_000_000_000_000_000;

/// Raw SVI parameters of one expiry, 1e-15 each, with the forward and time they were fitted at.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Svi {
    /// Level of total variance.
    pub a: i64,
    /// Slope of the wings.
    pub b: i64,
    /// Correlation: tilt of the smile.
    pub rho: i64,
    /// Log-moneyness of the smile's centre.
    pub m: i64,
    /// Curvature at the centre.
    pub sigma: i64,
    /// Reference forward F_ref.
    pub forward: Price,
    /// Reference time tau_ref.
    pub time: Seconds,
}

/// A prepared slice. Parameters in Q56, unless stated otherwise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SviSlice {
    a: Fx,
    b: u64,
    rho: Fx,
    m: Fx,
    /// Q54.
    sigma: u64,
    /// Bound of |k|.
    wing: Fx,
    ln_forward: Fx,
    /// 1e8 / sqrt(tau_ref) = `vol_factor * 2^vol_shift`, vol_factor in [2^58, 2^61).
    vol_factor: u64,
    vol_shift: Fx,
}

impl Svi {
    /// Static sanity: b >= 0, |rho| < 1, sigma > 0 and a non-negative minimum variance, with bounded parameters.
    ///
    /// The last check is rounded against the slice by less than 1e-15.
    ///
    /// # Errors
    /// `SviParameterOutOfRange`, `SviSlopeOutOfRange`, `SviCorrelationOutOfRange`, `SviCurvatureOutOfRange`,
    /// `SviMinimumVarianceNegative`, `SviTimeOutOfRange`, `SviForwardOutOfRange`.
    pub fn validate(&self) -> Result<(), KernelError> {
        self.check_ranges()?;
        if self.a < 0 {
            // sqrt(1 - rho^2), Q60 root of a Q60 number: 1 - rho^2 = (1 - rho)(1 + rho) > 0 in 1e-30.
            let (below, above) = (to_q56((Fx(SVI_ONE) - Fx(self.rho)).0), to_q56((Fx(SVI_ONE) + Fx(self.rho)).0));
            let slack = mul_high(below.bits() << 5, above.bits() << 5).max(1); // Q61 each: Q58
            let cosine = root_q(slack, 58); // Q56
            let dip = mul_high(mul_high(to_q56(self.b).bits() << 2, curvature_q54(self.sigma)) << 2, cosine << 6);
            // Q58 * Q54 -> Q48 -> Q50, at most 3 200; * Q62 -> Q48
            if scale(dip, Fx(8)) < to_q56(self.a).abs() {
                return Err(KernelError::SviMinimumVarianceNegative);
            }
        }
        Ok(())
    }

    fn check_ranges(&self) -> Result<(), KernelError> {
        if self.a.unsigned_abs() > MAX_SVI_PARAMETER as u64 || self.m.unsigned_abs() > MAX_SVI_PARAMETER as u64 {
            return Err(KernelError::SviParameterOutOfRange);
        }
        if self.b < 0 || self.b > MAX_SVI_PARAMETER {
            return Err(KernelError::SviSlopeOutOfRange);
        }
        if self.rho <= -SVI_ONE || self.rho >= SVI_ONE {
            return Err(KernelError::SviCorrelationOutOfRange);
        }
        if self.sigma <= 0 || self.sigma > MAX_SVI_CURVATURE {
            return Err(KernelError::SviCurvatureOutOfRange);
        }
        if self.time == Seconds::ZERO || self.time > MAX_SECONDS {
            return Err(KernelError::SviTimeOutOfRange);
        }
        if self.forward == Price::ZERO {
            return Err(KernelError::SviForwardOutOfRange);
        }
        Ok(())
    }

    /// Prepares the slice for [`SviSlice::vol`].
    ///
    /// # Errors
    /// Those of [`Svi::validate`] on ranges, and `SviVarianceNegative` when a + b sigma is negative.
    #[inline]
    pub fn prepare(&self) -> Result<SviSlice, KernelError> {
        self.check_ranges()?;
        let a = to_q56(self.a);
        let (b, sigma) = (to_q56(self.b).bits(), curvature_q54(self.sigma));
        // Q58 * Q54 -> Q48; far beyond any vol it is cut at 1 024, so that the sum stays below 2^62.1 in Q52.
        let lift = mul_high(b << 2, sigma).min(1 << 58) << 4;
        let centre = (a >> 4) + Fx::from_bits(lift);
        if centre.is_negative() {
            return Err(KernelError::SviVarianceNegative);
        }
        // No two prices are further apart than 64 ln 2 < 16 * 4, so the root may stop at 16.
        let capped = centre.bits().min(1 << 60);
        let wing = if centre == Fx::ZERO { Fx::ZERO } else { Fx::from_bits(root_q(capped, 52) << 2) };
        let Root { mantissa, half_shift } = sqrt(self.time.0);
        // 1e8 sqrt(year) / sqrt(t) = C / (mantissa 2^-(30 + half_shift)), C in Q23 below 2^63. Long division by the
        // upper 31 bits and one correction step keeps 60 bits.
        let divisor = mantissa >> 30; // [2^30, 2^31]
        let rough = quotient(1 << 62, divisor) << 30; // 2^122 / mantissa, relative error 2^-30
        let excess = Fx(1 << 58) - Fx::from_bits(mul_high(rough, mantissa)); // 2^58 (1 - rough * mantissa / 2^122)
        let reciprocal = Fx::from_bits(rough) + (((Fx::from_bits(rough) >> 30) * (excess >> 2)) >> 26);
        let vol_factor = mul_high(reciprocal.bits(), tables::ROOT_YEAR_IN_VOL_UNITS);
        Ok(SviSlice {
            a,
            b,
            rho: to_q56(self.rho),
            m: to_q56(self.m),
            sigma,
            wing,
            ln_forward: Normal::new(self.forward.0).ln(),
            vol_factor, // 2^122 / mantissa * 2^23 C / 2^64 = (1e8 / sqrt(tau)) 2^(51 - half_shift)
            vol_shift: half_shift - Fx(51),
        })
    }
}

/// Words of a stored [`SviSlice`].
pub const SLICE_WORDS: usize = 9;

impl SviSlice {
    /// The slice in plain integers, to be stored when it is published.
    #[must_use]
    pub fn to_words(self) -> [i64; SLICE_WORDS] {
        let Self { a, b, rho, m, sigma, wing, ln_forward, vol_factor, vol_shift } = self;
        // The unsigned ones are below 2^63.
        [a.0, b as i64, rho.0, m.0, sigma as i64, wing.0, ln_forward.0, vol_factor as i64, vol_shift.0]
    }

    /// What [`SviSlice::to_words`] wrote; other words make other vols, in or out of range.
    #[must_use]
    #[inline(always)]
    pub fn from_words(words: &[i64; SLICE_WORDS]) -> Self {
        let [a, b, rho, m, sigma, wing, ln_forward, vol_factor, vol_shift] = *words;
        Self {
            a: Fx(a),
            b: b as u64,
            rho: Fx(rho),
            m: Fx(m),
            sigma: sigma as u64,
            wing: Fx(wing),
            ln_forward: Fx(ln_forward),
            vol_factor: vol_factor as u64,
            vol_shift: Fx(vol_shift),
        }
    }

    /// Vol at a strike, rounded to the nearest 1e-8.
    ///
    /// # Errors
    /// `StrikeOutOfRange` (zero), `SviVarianceNegative`, `VolOutOfRange` (above [`MAX_VOL`]).
    pub fn vol(&self, strike: Price) -> Result<Vol, KernelError> {
        self.vol_at(&Strike::prepare(strike)?)
    }

    /// [`SviSlice::vol`] for a strike whose logarithm is known.
    ///
    /// # Errors
    /// `SviVarianceNegative`, `VolOutOfRange`.
    #[inline(always)]
    pub fn vol_at(&self, strike: &Strike) -> Result<Vol, KernelError> {
        let k = (strike.ln - self.ln_forward).min(self.wing).max(-self.wing);
        let variance = self.variance(k)?;
        if variance == 0 {
            return Ok(Vol::ZERO);
        }
        // sqrt(w) = mantissa 2^-(30 + half_shift) 2^-26 for w in Q52.
        let Root { mantissa, half_shift } = sqrt(variance);
        // vol = mantissa * vol_factor * 2^(vol_shift - half_shift - 56), of which mul_high takes 2^64.
        let product = mul_high(mantissa, self.vol_factor);
        let shift = self.vol_shift - half_shift + Fx(9); // one bit kept for rounding
        let vol = Vol(scale(product, shift).wrapping_add(1) >> 1);
        if vol > MAX_VOL { Err(KernelError::VolOutOfRange) } else { Ok(vol) }
    }

    /// Total variance in Q52 at a clamped log-moneyness.
    #[inline(always)]
    fn variance(&self, k: Fx) -> Result<u64, KernelError> {
        let offset = k - self.m; // |ln K - ln F_ref| <= 64 ln 2, |m| <= 16: below 60.4, Q56
        let hypotenuse = Fx::from_bits(hypotenuse(offset.abs() >> 2, self.sigma)); // below 209, Q54
        let tilt = offset.sign_onto(mul_high(offset.abs(), self.rho.abs() << 6)); // Q56 * Q62 -> Q54
        let tilt = if self.rho.is_negative() { -tilt } else { tilt };
        // |tilt| < hypotenuse up to rounding, so the bracket is below 270.
        let bracket = (hypotenuse + tilt).max(Fx::ZERO);
        let slope = mul_high(self.b << 2, bracket.bits()); // Q58 * Q54 -> Q48, at most 2^61
        if slope >> 57 != 0 {
            return Err(KernelError::VolOutOfRange); // total variance of 512
        }
        let variance = Fx::from_bits(slope << 4) + (self.a >> 4); // Q52, below 2^61 + 2^56
        if variance.is_negative() { Err(KernelError::SviVarianceNegative) } else { Ok(variance.bits()) }
    }
}

/// A parameter of magnitude at most 16 (or |1 +- rho| < 2) from 1e-15 to Q56, nearest.
#[inline(always)]
fn to_q56(parameter: i64) -> Fx {
    // |parameter| <= 16e15 < 2^53.9: shifted by 9 it is below 2^63; Q9 * Q112 -> Q57.
    let scaled = mul_high(parameter.unsigned_abs() << 9, tables::SVI_RECIPROCAL);
    Fx(parameter).sign_onto(scaled.wrapping_add(1) >> 1)
}

/// Sigma, at most 200, from 1e-15 to Q54, nearest (Q53 and down above 16).
#[inline(always)]
fn curvature_q54(sigma: i64) -> u64 {
    if sigma <= MAX_SVI_PARAMETER {
        to_q56(sigma).bits().wrapping_add(2) >> 2
    } else {
        mul_high(sigma.unsigned_abs() << 5, tables::SVI_RECIPROCAL) << 1 // 200e15 < 2^57.5; Q5 * Q112 -> Q53
    }
}

/// Square root of a Q`bits` number below 2^62 with even `bits`, Q56.
#[inline(always)]
fn root_q(value: u64, bits: i64) -> u64 {
    let Root { mantissa, half_shift } = sqrt(value);
    align(mantissa, Fx(26) - half_shift - Fx(bits >> 1))
}

/// sqrt(x^2 + y^2) for Q56 numbers below 2^63, not both zero; relative error below 2^-56.
#[inline(always)]
fn hypotenuse(x: u64, y: u64) -> u64 {
    // Aligned so that the larger is in [2^62, 2^63): each square is below 2^62 and their sum below 2^63.
    let shift = leading_zeros(x.max(y)) - Fx(1);
    let (x, y) = (shl(x, shift), shl(y, shift));
    let sum = mul_high(x, x).wrapping_add(mul_high(y, y)) >> 2; // (x^2 + y^2) 2^-66, below 2^61
    // The sum is in [2^58, 2^61).
    let Root { mantissa, half_shift } = sqrt_shifted(sum, if sum >> 60 == 0 { Fx(2) } else { Fx::ZERO });
    // sqrt(sum) 2^33 = mantissa 2^(3 - half_shift)
    align(mantissa, Fx(3) - half_shift - shift)
}
