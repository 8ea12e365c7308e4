//! A leg at one vol level, and its scan coordinates as linear functions of ln(shocked F / F).
//!
//! The value of an option is stationary in d1 as long as d2 = d1 - v: an error e of d1 moves it by F phi(d1) v e^2 / 2.
//! So v carries forty binary places, but 1/v and the logarithms need few: with 1/v to 2^-24 and logarithms to 2^-32 the
//! value moves by less than 1e-13 of the forward for v up to 4, by 2e-12 at v = 16, where every option is worth its
//! forward.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "operators are those of Fx; the divisor is not zero and truncation is part of the stated error"
)]

use crate::deviation::MAX_VOL;
use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::fx::{Fx, quotient};
use crate::normal::{SCAN_BIAS, SCAN_BITS};
use crate::quantities::Vol;
use crate::scenario::{LEVELS, VolLevels};

/// Deviations below 2^-30 (vol 0.0006 % on one second) count as zero; at the money that drops a time value below
/// 4e-10 of the forward, and nothing in the stated range (5 minutes at 1 %) comes near it.
const MIN_DEVIATION: u64 = 1 << (SCAN_BITS - 30);
/// v from which d1 > 8 and d2 < -8 wherever |x| < 60: 24.
const V_LIMIT: Fx = Fx(24 << SCAN_BITS);
/// Fraction bits of ln F/K + ln(shock) times 1/v beyond those of the scan coordinate.
const EXTRA_BITS: u32 = 17;
/// Coordinates beyond both ends of the table.
const FAR: Fx = Fx::power(50);
/// |x / v| from which d1 and d2 lie beyond the same end of the table: 8 + 24 / 2.
const FAR_RATIO: Fx = Fx(20);

/// v = vol sqrt(tau) and its reciprocal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Level {
    /// Q39, nearest, at most 24; zero when there is no time value.
    pub(crate) v: Fx,
    /// 1/v, Q24, rounded down: at most 2^54.
    pub(crate) reciprocal: Fx,
}

impl Level {
    /// No time value.
    const NONE: Self = Self { v: Fx::ZERO, reciprocal: Fx::ZERO };

    /// The levels of one strike: Up, None, Down, and those of skew scenarios (zero where the set has none).
    #[inline(always)]
    pub(crate) fn all(expiry: &Expiry, vols: &VolLevels) -> Result<[Self; LEVELS], KernelError> {
        let moved = vols.up.0 | vols.down.0;
        let [up, none, down] = if moved == 0 && vols.none.0 >> 32 == 0 {
            [Self::NONE, Self::narrow(expiry, vols.none), Self::NONE]
        } else if (moved | vols.none.0) >> 32 == 0 {
            [vols.up, vols.none, vols.down].map(|vol| Self::narrow(expiry, vol))
        } else {
            Self::wide(expiry, vols)?
        };
        let [linear, abs] =
            if (vols.skew_linear.0 | vols.skew_abs.0) == 0 { [Self::NONE; 2] } else { Self::skew(expiry, vols)? };
        Ok([up, none, down, linear, abs])
    }

    #[cold]
    #[inline(never)]
    fn wide(expiry: &Expiry, vols: &VolLevels) -> Result<[Self; 3], KernelError> {
        Ok([Self::new(expiry, vols.up)?, Self::new(expiry, vols.none)?, Self::new(expiry, vols.down)?])
    }

    #[inline(always)]
    fn skew(expiry: &Expiry, vols: &VolLevels) -> Result<[Self; 2], KernelError> {
        if (vols.skew_linear.0 | vols.skew_abs.0) >> 32 == 0 {
            return Ok([vols.skew_linear, vols.skew_abs].map(|vol| Self::narrow(expiry, vol)));
        }
        Self::wide_skew(expiry, vols)
    }

    #[cold]
    #[inline(never)]
    fn wide_skew(expiry: &Expiry, vols: &VolLevels) -> Result<[Self; 2], KernelError> {
        Ok([Self::new(expiry, vols.skew_linear)?, Self::new(expiry, vols.skew_abs)?])
    }

    /// Any vol.
    #[inline(never)]
    pub(crate) fn new(expiry: &Expiry, vol: Vol) -> Result<Self, KernelError> {
        if vol.0 >> 32 == 0 {
            return Ok(Self::narrow(expiry, vol));
        }
        if vol > MAX_VOL {
            return Err(KernelError::VolOutOfRange);
        }
        // Eight bits fewer of a vol below 2^40.
        Ok(Self::from_v((Self::scaled(expiry, vol.0 >> 8) >> 18).min(V_LIMIT.bits() >> 8) << 8))
    }

    /// A vol below 2^32.
    #[inline(always)]
    fn narrow(expiry: &Expiry, vol: Vol) -> Self {
        Self::from_v(Self::scaled(expiry, vol.0).wrapping_add(1 << 17) >> 18)
    }

    /// `vol sqrt(tau)` in Q57 for a vol below 2^32.
    #[inline(always)]
    fn scaled(expiry: &Expiry, vol: u64) -> u64 {
        // vol_factor is in Q88: its parts are below 2^31.5 and 2^31, so the sum is below 2^63.5 and rounding it to Q39
        // does not carry out of 64 bits.
        let (high, low) = (expiry.vol_factor >> 31, expiry.vol_factor & 0x7fff_ffff);
        vol.wrapping_mul(high).wrapping_add(vol.wrapping_mul(low) >> 31)
    }

    #[inline(always)]
    fn from_v(v: u64) -> Self {
        if v < MIN_DEVIATION {
            return Self::NONE;
        }
        let v = Fx::from_bits(v).min(V_LIMIT);
        Self { v, reciprocal: Fx::from_bits(quotient(1 << 63, v.bits())) }
    }
}

/// Coordinates of d1 and d2 for every ln(shocked F / F) of a level with time value.
pub(crate) struct Line {
    /// ln(F/K), Q32; |x| < 14, and below 60 with any shock.
    x: Fx,
    level: Level,
    /// Coordinate of d1 at a shift of zero, Q56; wraps when that lies far outside the table.
    constant: Fx,
}

impl Line {
    #[inline(always)]
    pub(crate) fn new(x: Fx, level: Level) -> Self {
        let bias = SCAN_BIAS + (level.v >> 1); // below 2^44
        let constant = Fx(x.0.wrapping_mul(level.reciprocal.0).wrapping_add((bias << EXTRA_BITS).0));
        Self { x, level, constant }
    }

    /// Coordinates of d1 and d2 where |x / v| <= 20.
    ///
    /// Then |d1 + 8| is at most 40, below 2^61 in Q56, so the wrapped sum of two products that may wrap is exact.
    #[inline(always)]
    pub(crate) fn at_inside(&self, ln_shift: Fx) -> (Fx, Fx) {
        let d1 = ln_shift.0.wrapping_mul(self.level.reciprocal.0).wrapping_add(self.constant.0);
        let i1 = Fx(d1) >> EXTRA_BITS;
        (i1, i1 - self.level.v)
    }

    /// Coordinates at any shift; where |x / v| > 20 they lie far beyond the table.
    #[inline(always)]
    pub(crate) fn at(&self, ln_shift: Fx) -> (Fx, Fx) {
        let x = self.x + ln_shift;
        let limit = (self.level.v >> 7) * FAR_RATIO;
        if x > limit {
            (FAR, FAR)
        } else if x < -limit {
            (-FAR, -FAR)
        } else {
            self.at_inside(ln_shift)
        }
    }

    /// Coordinate of d2 at any shift, for values that are not stationary in d: 1/v with another 20 bits.
    pub(crate) fn d2_fine(&self, ln_shift: Fx) -> Fx {
        let Level { v, reciprocal } = self.level;
        let (i1, i2) = self.at(ln_shift);
        if i1 == FAR || i1 == -FAR {
            return i2;
        }
        // 2^63 - R v is below v, so shifted by 20 it is below 2^63.6 and the quotient below 2^20; |x| <= 20 v < 2^41.
        let remainder = (1u64 << 63).wrapping_sub(reciprocal.bits().wrapping_mul(v.bits()));
        // A level without time value never gets here, but the SBF backend takes divisions for harmless and moves this one ahead
        // of the check, where the VM stops at a divisor of zero. An odd one cannot be; it changes less than 2^-12 of a coordinate.
        let rest = Fx::from_bits(quotient(remainder << 20, v.bits() | 1));
        let x = self.x + ln_shift;
        ((x * reciprocal + ((x * rest) >> 20)) >> EXTRA_BITS) + SCAN_BIAS - (v - (v >> 1))
    }

    /// `[low, high]`: shifts from `low` to below `high` have both coordinates inside the table, by a margin of 1/64 of d, which covers
    /// the error of 1/v (at most 2^-19 of it, as v <= 24). Empty when `low >= high`.
    ///
    /// -8 <= d2 and d1 < 8 say |x + shift| <= v (8 - v/2).
    #[inline(always)]
    pub(crate) fn inside(&self) -> [Fx; 2] {
        let margin = Fx(8 << 15) - Fx(1 << 9) - (self.level.v >> 25); // 8 - 1/64 - v/2, Q15
        // 2^43.6 * 2^18: Q54 to Q32; 4 covers the rounding of the logarithms.
        let reach = ((self.level.v * margin) >> 22) - Fx(4);
        [-reach - self.x, reach - self.x]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal::SCAN_END_BITS;
    use crate::quantities::{Price, Rate, Seconds};

    #[test]
    fn inside_never_leaves_the_table() {
        for seconds in [1, 300, 86_400, 31_536_000, 4 * 31_536_000] {
            let expiry = Expiry::from_forward(Price(1 << 40), Seconds(seconds), Rate(0)).unwrap();
            for vol in [100, 1_000, 1_000_000, 33_333_333, 100_000_000, 1_000_000_000, 2_000_000_000, 4_000_000_000] {
                let level = Level::new(&expiry, Vol(vol)).unwrap();
                if level.v == Fx::ZERO {
                    continue;
                }
                for x in [-59_000_000_000i64, -1, 0, 1, 12_345, 59_000_000_000] {
                    let line = Line::new(Fx(x), level);
                    let [low, high] = line.inside();
                    if low >= high {
                        continue;
                    }
                    for shift in [low, Fx(low.0 + 1), Fx(low.0 / 2 + high.0 / 2), Fx(high.0 - 2), Fx(high.0 - 1)] {
                        let (i1, i2) = line.at_inside(shift);
                        assert_eq!((i1, i2), line.at(shift), "{seconds} s, vol {vol}, x {x}");
                        for i in [i1, i2] {
                            assert!(i.0 >= 0 && i.0 >> SCAN_END_BITS == 0, "{seconds} s, vol {vol}, x {x}: {i:?}");
                        }
                    }
                }
            }
        }
    }
}
