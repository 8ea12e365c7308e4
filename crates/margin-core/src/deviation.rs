//! Standard deviation v = vol sqrt(tau) of the log return, and division by it.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "shift counts are argued inline; the divisor is normalised and its truncation is part of the error"
)]

use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::fx::{Fx, align, leading_zeros, mul_high, quotient};
use crate::quantities::Vol;

/// Highest vol the kernel accepts: a factor of 10 000, which surfaces fitted to the last minutes of an expiry reach.
pub const MAX_VOL: Vol = Vol(1_000_000_000_000);
/// v from which every option is worth its forward (call) or strike (put): 64, Q56.
const V_LIMIT: u64 = 1 << 62;

/// Deviations below 2^-30 (vol 0.0006 % on one second) count as zero; at the money that drops a time value below
/// 4e-10 of the forward, and nothing in the stated range (5 minutes at 1 %) comes near it.
const MIN_DEVIATION_BITS: u32 = 26;

/// |d| is clamped here, far beyond the point where the normal CDF is 0 or 1.
pub(crate) const D_LIMIT: Fx = Fx::power(60);

/// v and its reciprocal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Deviation {
    /// v, Q56: in [2^26, 2^62.3).
    pub(crate) v: Fx,
    /// 2^89 / V with V = v * 2^shift in [2^57, 2^58): 32 bits, relative error 2^-31.
    pub(crate) reciprocal: u64,
    /// -5 ..= 31.
    pub(crate) shift: Fx,
}

impl Deviation {
    /// `None` when v counts as zero (vol or time is zero).
    #[inline(always)]
    pub(crate) fn new(expiry: &Expiry, vol: Vol) -> Result<Option<Self>, KernelError> {
        // vol < 2^32; vol_factor < 2^62.5: v = vol 2^31 vol_factor 2^-64 in Q55, at most 43 * 2.06.
        let v = if vol.0 >> 32 == 0 { mul_high(vol.0 << 31, expiry.vol_factor) << 1 } else { wide(expiry, vol)? };
        if v >> MIN_DEVIATION_BITS == 0 {
            return Ok(None);
        }
        let shift = leading_zeros(v) - Fx(6);
        let normalised = align(v, shift); // [2^57, 2^58)
        // (normalised >> 26) is in [2^31, 2^32): the quotient is in [2^31, 2^32).
        let reciprocal = quotient((1 << 63) - 1, normalised >> 26);
        Ok(Some(Self { v: Fx::from_bits(v), reciprocal, shift }))
    }

    /// 2^120 / V, so that `mul_high(X, wide)` is X / V in Q56; below 2^63, relative error 2^-53, rounded down.
    ///
    /// One Newton step from the 32-bit reciprocal, aimed 2^-54 low so that truncation cannot lift it to 2^63.
    #[inline(always)]
    pub(crate) fn wide_reciprocal(&self) -> u64 {
        let rough = self.reciprocal << 31; // below 2^63, relative error 2^-31
        // 2^56 (1 - rough V / 2^120): below 2^26 in magnitude.
        let excess = Fx::power(56) - Fx(4) - Fx::from_bits(mul_high(self.normalised(), rough));
        let correction = (Fx::from_bits(rough >> 31) * excess) >> 25; // 2^32 * 2^26
        (Fx::from_bits(rough) + correction).bits()
    }

    /// V = v 2^shift, in [2^57, 2^58).
    #[inline(always)]
    fn normalised(&self) -> u64 {
        align(self.v.bits(), self.shift)
    }

    /// (d1, d2) in Q56 for x = ln(F/K) in Q56, x/v clamped to [-16, 16].
    ///
    /// |d1| and |d2| stay below 16 + 82.4 / 2 < 2^6.
    #[inline(always)]
    pub(crate) fn d1_d2(&self, x: Fx, wide_reciprocal: u64) -> (Fx, Fx) {
        let magnitude = x.abs();
        let ratio = if magnitude >> 4 >= self.v.bits() {
            D_LIMIT
        } else {
            // |x| < 16 v, so |x| 2^shift < 2^62.
            Fx::from_bits(mul_high(align(magnitude, self.shift), wide_reciprocal))
        };
        let d1 = x.sign_onto(ratio.bits()) + (self.v >> 1);
        (d1, d1 - self.v)
    }
}

/// v, Q56, of a vol from 2^32: eight bits fewer of it.
#[cold]
#[inline(never)]
fn wide(expiry: &Expiry, vol: Vol) -> Result<u64, KernelError> {
    if vol > MAX_VOL {
        return Err(KernelError::VolOutOfRange);
    }
    Ok((mul_high(vol.0 >> 8 << 31, expiry.vol_factor) << 1).min(V_LIMIT >> 8) << 8)
}
