//! 64-bit fixed-point integers whose arithmetic is proven not to overflow.
//!
//! The kernel runs thousands of multiplications per margin check, and on the SVM a checked 64-bit multiplication
//! costs as much as a whole normal CDF. Inside the kernel every operation therefore has its range argued in a
//! comment; [`Fx`] asserts that argument in debug builds (tests, fuzzing) and compiles to the bare instruction in
//! release builds. Nothing outside the crate can construct one.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "this is the one place that implements the proven operators; a byte indexes 256 entries"
)]

use core::ops::{Add, AddAssign, BitAnd, Mul, Neg, Shl, Shr, Sub};

/// A fixed-point number in an `i64`; the format (Qn) is stated where the value is made.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub(crate) struct Fx(pub(crate) i64);

impl Fx {
    pub(crate) const ZERO: Self = Self(0);

    /// 2^bits.
    pub(crate) const fn power(bits: u32) -> Self {
        Self(1i64.wrapping_shl(bits))
    }

    /// Bits of a non-negative number.
    #[inline(always)]
    pub(crate) const fn bits(self) -> u64 {
        debug_assert!(self.0 >= 0);
        self.0 as u64
    }

    /// A number below 2^63.
    #[inline(always)]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        debug_assert!(bits <= i64::MAX as u64);
        Self(bits as i64)
    }

    #[inline(always)]
    pub(crate) const fn abs(self) -> u64 {
        self.0.unsigned_abs()
    }

    #[inline(always)]
    pub(crate) const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// `magnitude` with the sign of `self`.
    #[inline(always)]
    pub(crate) const fn sign_onto(self, magnitude: u64) -> Self {
        let value = Self::from_bits(magnitude).0;
        Self(if self.0 < 0 { value.wrapping_neg() } else { value })
    }
}

impl Add for Fx {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        debug_assert!(self.0.checked_add(other.0).is_some(), "{self:?} + {other:?}");
        Self(self.0.wrapping_add(other.0))
    }
}

impl AddAssign for Fx {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Fx {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        debug_assert!(self.0.checked_sub(other.0).is_some(), "{self:?} - {other:?}");
        Self(self.0.wrapping_sub(other.0))
    }
}

impl Mul for Fx {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        debug_assert!(self.0.checked_mul(other.0).is_some(), "{self:?} * {other:?}");
        Self(self.0.wrapping_mul(other.0))
    }
}

impl Neg for Fx {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        debug_assert!(self.0 != i64::MIN);
        Self(self.0.wrapping_neg())
    }
}

/// Arithmetic shift: rounds toward minus infinity.
impl Shr<u32> for Fx {
    type Output = Self;
    #[inline(always)]
    fn shr(self, bits: u32) -> Self {
        debug_assert!(bits < 64);
        Self(self.0.wrapping_shr(bits))
    }
}

/// Arithmetic shift by a computed number of bits.
impl Shr for Fx {
    type Output = Self;
    #[inline(always)]
    fn shr(self, bits: Self) -> Self {
        debug_assert!(bits.0 >= 0 && bits.0 < 64);
        Self(self.0 >> (bits.0 & 63))
    }
}

impl Shl<u32> for Fx {
    type Output = Self;
    #[inline(always)]
    fn shl(self, bits: u32) -> Self {
        let shifted = self.0.wrapping_shl(bits);
        debug_assert!(bits < 64 && shifted.wrapping_shr(bits) == self.0, "{self:?} << {bits}");
        Self(shifted)
    }
}

impl Shl for Fx {
    type Output = Self;
    #[inline(always)]
    fn shl(self, bits: Self) -> Self {
        let shifted = self.0 << (bits.0 & 63);
        debug_assert!(bits.0 >= 0 && bits.0 < 64 && shifted >> (bits.0 & 63) == self.0, "{self:?} << {bits:?}");
        Self(shifted)
    }
}

impl BitAnd for Fx {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, mask: Self) -> Self {
        Self(self.0 & mask.0)
    }
}

/// High half of `a * b` for a, b < 2^63 with a b < 2^126, from three partial products: 0 to 2 below the exact floor.
///
/// Splitting at 31 bits needs one instruction a mask on the SVM, where 32 bits need three. The high parts are below
/// 2^32, so the cross products are below 2^63 and their sum below 2^64; the total is at most a b / 2^62.
#[inline(always)]
pub(crate) const fn mul_high(a: u64, b: u64) -> u64 {
    const LOW: u64 = 0x7fff_ffff;
    debug_assert!(a >> 63 == 0 && b >> 63 == 0);
    let (ah, al, bh, bl) = (a >> 31, a & LOW, b >> 31, b & LOW);
    let cross = ah.wrapping_mul(bl).wrapping_add(al.wrapping_mul(bh));
    ah.wrapping_mul(bh).wrapping_add(cross >> 31) >> 2
}

/// `value << bits`, no bit lost, for 0 <= bits < 64.
#[inline(always)]
pub(crate) const fn shl(value: u64, bits: Fx) -> u64 {
    let shifted = value << (bits.0 & 63);
    debug_assert!(bits.0 >= 0 && bits.0 < 64 && shifted >> (bits.0 & 63) == value);
    shifted
}

/// `value >> bits`, rounding down, for 0 <= bits < 64.
#[inline(always)]
pub(crate) const fn shr(value: u64, bits: Fx) -> u64 {
    debug_assert!(bits.0 >= 0 && bits.0 < 64);
    value >> (bits.0 & 63)
}

/// `value * 2^bits`, rounded down, for -64 < bits < 64; the caller knows that it fits.
#[inline(always)]
pub(crate) const fn align(value: u64, bits: Fx) -> u64 {
    if bits.0 >= 0 { shl(value, bits) } else { shr(value, Fx(bits.0.wrapping_neg())) }
}

/// `value * 2^bits` rounded down for any |bits|; saturates at 2^63 - 1.
#[inline(always)]
pub(crate) const fn scale(value: u64, bits: Fx) -> u64 {
    if bits.0 <= 0 {
        if bits.0 < -63 { 0 } else { value >> (bits.0.wrapping_neg() & 63) }
    } else if bits.0 < 63 && value >> (63i64.wrapping_sub(bits.0) & 63) == 0 {
        value << (bits.0 & 63)
    } else if value == 0 {
        0
    } else {
        i64::MAX as u64
    }
}

/// Quotient of a divisor known not to be zero (for which it would be 0), rounding down. One CU on the SVM.
#[inline(always)]
pub(crate) const fn quotient(dividend: u64, divisor: u64) -> u64 {
    debug_assert!(divisor != 0);
    match dividend.checked_div(divisor) {
        Some(quotient) => quotient,
        None => 0,
    }
}

/// Leading zeros of every byte.
const BYTE_ZEROS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] = byte.leading_zeros() as u8;
        if byte == u8::MAX {
            break table;
        }
        byte = byte.wrapping_add(1);
    }
};

/// Leading zeros of a non-zero number: the highest byte by three comparisons, the rest from a table. About 18 CU,
/// where LLVM's expansion for BPF takes 45.
#[inline(always)]
pub(crate) const fn leading_zeros(value: u64) -> Fx {
    let byte = if value >> 32 == 0 {
        if value >> 16 == 0 {
            if value >> 8 == 0 { 0 } else { 8 }
        } else if value >> 24 == 0 {
            16
        } else {
            24
        }
    } else if value >> 48 == 0 {
        if value >> 40 == 0 { 32 } else { 40 }
    } else if value >> 56 == 0 {
        48
    } else {
        56
    };
    Fx(56i64.wrapping_sub(byte).wrapping_add(BYTE_ZEROS[(value >> (byte & 63)) as u8 as usize] as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mul_high_is_at_most_two_below_the_exact_floor() {
        let samples = [0, 1, 3, 0xffff_ffff, 1 << 32, 0x1234_5678_9abc_def0, 1 << 62, (1 << 63) - 2, (1 << 63) - 1];
        for a in samples {
            for b in samples {
                let exact = ((u128::from(a) * u128::from(b)) >> 64) as u64;
                let got = mul_high(a, b);
                assert!(got <= exact && exact - got <= 2, "{a} {b}: {got} {exact}");
            }
        }
    }

    #[test]
    fn leading_zeros_agrees_with_core() {
        for bit in 0..64 {
            for value in [1u64 << bit, (1u64 << bit) | 1, u64::MAX >> (63 - bit)] {
                assert_eq!(leading_zeros(value).0, i64::from(value.leading_zeros()));
            }
        }
    }

    #[test]
    fn scale_saturates_and_truncates() {
        assert_eq!(scale(5, Fx(-1)), 2);
        assert_eq!(scale(5, Fx(-64)), 0);
        assert_eq!(scale(0, Fx(63)), 0);
        assert_eq!(scale(1, Fx(62)), 1 << 62);
        assert_eq!(scale(2, Fx(62)), i64::MAX as u64);
        assert_eq!(scale(1, Fx(63)), i64::MAX as u64);
    }

    #[test]
    #[should_panic(expected = "*")]
    fn debug_builds_check_the_range_arguments() {
        let _ = Fx(i64::MAX) * Fx(2);
    }
}
