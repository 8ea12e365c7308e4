//! 128-bit amounts times and over 64- and 32-bit numbers, without the compiler's 128-bit multiply and divide: whole-book
//! figures need 128 bits, but on the SVM a general 128-bit division costs 500 to 1 300 compute units and these a few dozen.
//! (A checked 64-bit product is a 128-bit one: where the operands are halves, products wrap by name.)
#![allow(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "every product of halves fits 64 bits, every divisor is a NonZero; argued inline"
)]

use core::num::NonZero;

use crate::fx::leading_zeros;

const HALF: u32 = 32;
const LOW: u64 = 0xffff_ffff;

/// `value · factor`, or `None` beyond ±(2^127 − 1).
#[must_use]
pub fn multiply(value: i128, factor: u64) -> Option<i128> {
    let magnitude = multiply_magnitude(value.unsigned_abs(), factor)? as i128;
    Some(if value < 0 { magnitude.wrapping_neg() } else { magnitude })
}

/// `magnitude · factor`, or `None` from 2^127 on.
#[must_use]
#[inline(always)]
pub fn multiply_magnitude(magnitude: u128, factor: u64) -> Option<u128> {
    let (high, low) = split(magnitude);
    let (high, low) = if (high | factor) >> HALF == 0 {
        // Of 96 and 32 bits.
        let (third, second, first) = digit_product(high, low, factor);
        (third, (second << HALF) | (first & LOW))
    } else {
        let (carry, low) = multiply_words(low, factor);
        let high = if high == 0 {
            carry
        } else {
            let (overflow, high) = multiply_words(high, factor);
            if overflow != 0 {
                return None;
            }
            high.checked_add(carry)?
        };
        (high, low)
    };
    if high >> 63 == 0 { Some(join(high, low)) } else { None }
}

/// `value · factor / divisor` rounded towards −∞, or `None` as soon as the product passes ±(2^127 − 1).
#[must_use]
#[inline]
pub fn share_floor(value: i128, factor: u64, divisor: NonZero<u32>) -> Option<i128> {
    let (quotient, remainder) = share_magnitude(value, factor, divisor)?;
    Some(signed(value < 0, quotient, value < 0 && remainder != 0))
}

/// [`share_floor`] rounded towards +∞.
#[must_use]
#[inline]
pub fn share_ceiling(value: i128, factor: u64, divisor: NonZero<u32>) -> Option<i128> {
    let (quotient, remainder) = share_magnitude(value, factor, divisor)?;
    Some(signed(value < 0, quotient, value > 0 && remainder != 0))
}

/// Quotient and remainder of |value| · factor.
#[inline(always)]
fn share_magnitude(value: i128, factor: u64, divisor: NonZero<u32>) -> Option<(u128, u64)> {
    let (high, low) = split(value.unsigned_abs());
    // Amounts are mostly one word, factors at most one, and divisors 1e9. The whole divisors in the amount then give at most
    // (2^34 − 1) · (2^30 − 1), the rest less than 2^30 more.
    if high == 0 && low >> 63 == 0 && factor >> 30 == 0 && divisor.get() >> 29 != 0 {
        let divisor = NonZero::<u64>::from(divisor);
        let rest = (low % divisor).wrapping_mul(factor);
        let quotient = (low / divisor).wrapping_mul(factor).wrapping_add(rest / divisor);
        return Some((u128::from(quotient), rest % divisor));
    }
    if (high | factor) >> HALF != 0 {
        return wide_share_magnitude(value, factor, divisor);
    }
    let (third, second, first) = digit_product(high, low, factor);
    // Long division as in `divide_magnitude`.
    let divisor = NonZero::<u64>::from(divisor);
    let third_rest = (((third >> HALF) % divisor) << HALF) | (third & LOW);
    let second_rest = ((third_rest % divisor) << HALF) | (second & LOW);
    let first_rest = ((second_rest % divisor) << HALF) | (first & LOW);
    let upper = (((third >> HALF) / divisor) << HALF) | (third_rest / divisor);
    let lower = ((second_rest / divisor) << HALF) | (first_rest / divisor);
    Some((join(upper, lower), first_rest % divisor))
}

#[cold]
#[inline(never)]
fn wide_share_magnitude(value: i128, factor: u64, divisor: NonZero<u32>) -> Option<(u128, u64)> {
    Some(divide_magnitude(multiply(value, factor)?.unsigned_abs(), divisor))
}

/// `value · factor / 2^bits` rounded towards −∞, for |value| below 2^63, a factor below 2^62 and up to 127 bits.
#[must_use]
#[inline]
pub fn multiply_shift(value: i64, factor: u64, bits: u64) -> i128 {
    debug_assert!(value != i64::MIN && factor >> 62 == 0 && bits < 128);
    // Split at 31 bits, where LLVM does not see the 128-bit product that it would call a function for. Lower parts are not
    // negative, so every shift rounds down.
    const LOW: i64 = 0x7fff_ffff;
    let (a1, a0, b1, b0) = (value >> 31, value & LOW, (factor >> 31) as i64, factor as i64 & LOW);
    let low = a0.wrapping_mul(b0); // 62 bits
    // 32 + 31 bits, and 31 + 31 bits.
    let (left, right) = (a1.wrapping_mul(b0).wrapping_add(low >> 31), a0.wrapping_mul(b1));
    let middle = (left & LOW).wrapping_add(right & LOW);
    // high · 2^62 + rest; 32 + 31 bits.
    let high = a1.wrapping_mul(b1).wrapping_add(left >> 31).wrapping_add(right >> 31).wrapping_add(middle >> 31);
    let rest = (((middle & LOW) << 31) | (low & LOW)) as u64;
    if bits < 62 {
        let low = ((high as u64) << (62u64.wrapping_sub(bits) & 63)) | (rest >> bits);
        (i128::from(high >> (bits.wrapping_add(2) & 63)) << 64) | i128::from(low)
    } else {
        i128::from(high >> bits.wrapping_sub(62).min(63))
    }
}

/// `a · b`, if it fits; as a checked product the VM would make it of 128 bits.
#[must_use]
#[inline]
pub const fn product(a: u64, b: u32) -> Option<u64> {
    let b = b as u64;
    let low = (a & LOW).wrapping_mul(b);
    let high = (a >> HALF).wrapping_mul(b).wrapping_add(low >> HALF);
    if high >> HALF == 0 { Some((high << HALF) | (low & LOW)) } else { None }
}

/// `value / divisor` rounded towards −∞.
#[must_use]
pub fn divide_floor(value: i128, divisor: NonZero<u32>) -> i128 {
    let (quotient, remainder) = divide_magnitude(value.unsigned_abs(), divisor);
    signed(value < 0, quotient, value < 0 && remainder != 0)
}

/// `value / divisor` rounded towards +∞.
#[must_use]
pub fn divide_ceiling(value: i128, divisor: NonZero<u32>) -> i128 {
    let (quotient, remainder) = divide_magnitude(value.unsigned_abs(), divisor);
    signed(value < 0, quotient, value > 0 && remainder != 0)
}

/// The quotient with its sign, one further from zero when `away`.
///
/// A quotient of 2^127 occurs for the smallest value over one only, where nothing remains: wrapping gives that value.
#[inline(always)]
fn signed(negative: bool, quotient: u128, away: bool) -> i128 {
    let quotient = quotient.wrapping_add(u128::from(away)) as i128;
    if negative { quotient.wrapping_neg() } else { quotient }
}

/// `a / b` rounded towards −∞, quick where the divisor has 32 bits; `None` unless it is positive.
#[must_use]
#[inline]
pub fn floor_division(a: i128, b: i128) -> Option<i128> {
    match u32::try_from(b) {
        Ok(small) => Some(divide_floor(a, NonZero::new(small)?)),
        Err(_) if b > 0 => a.checked_div_euclid(b),
        Err(_) => None,
    }
}

/// `a / b` rounded towards +∞, quick where the divisor has 32 bits; `None` unless it is positive.
#[must_use]
#[inline]
pub fn ceiling_division(a: i128, b: i128) -> Option<i128> {
    match u32::try_from(b) {
        Ok(small) => Some(divide_ceiling(a, NonZero::new(small)?)),
        Err(_) if b > 0 => a.checked_div_euclid(b)?.checked_add(i128::from(a.checked_rem_euclid(b)? != 0)),
        Err(_) => None,
    }
}

/// `value / divisor` rounded down; `None` where the quotient passes 64 bits.
#[must_use]
pub fn quotient(value: u128, divisor: NonZero<u64>) -> Option<u64> {
    let (high, low) = split(value);
    if high == 0 {
        return Some(low / divisor);
    }
    if high >= divisor.get() {
        return None;
    }
    // Both scaled so that the divisor has its top bit: then a digit estimated from its upper half is at most two too large.
    let shift = leading_zeros(divisor.get()).0 & 63;
    let divisor = divisor.get() << shift;
    // high < divisor before, so nothing is lost.
    let (high, low) = ((high << shift) | ((low >> 1) >> (63 ^ shift)), low << shift);
    let divisor_high = NonZero::new(divisor >> HALF)?;
    let digit = |rest: u64, next: u64| {
        let mut digit = rest / divisor_high;
        // With rest < divisor the products stay below 2^32 · 2^33; a digit of 2^32 or more is too large by itself.
        let mut remainder = rest % divisor_high;
        while digit > LOW || digit.wrapping_mul(divisor & LOW) > ((remainder << HALF) | next) {
            digit = digit.wrapping_sub(1);
            remainder = remainder.wrapping_add(divisor_high.get());
            if remainder > LOW {
                break;
            }
        }
        // Exact modulo 2^64, and the true remainder is below the divisor.
        (digit, ((rest << HALF) | next).wrapping_sub(digit.wrapping_mul(divisor)))
    };
    let (upper, rest) = digit(high, low >> HALF);
    let (lower, _) = digit(rest, low & LOW);
    Some((upper << HALF) | lower)
}

/// Long division by 32-bit digits: a remainder is below 2^32, so remainder and next digit fit 64 bits.
#[inline(always)]
fn divide_magnitude(value: u128, divisor: NonZero<u32>) -> (u128, u64) {
    let divisor = NonZero::<u64>::from(divisor);
    let (high, low) = split(value);
    let rest = high % divisor;
    let upper = (rest << HALF) | (low >> HALF);
    let rest = upper % divisor;
    let lower = (rest << HALF) | (low & LOW);
    (join(high / divisor, ((upper / divisor) << HALF) | (lower / divisor)), lower % divisor)
}

/// The exact 128-bit product as two words, by four products of halves.
#[inline(always)]
const fn multiply_words(a: u64, b: u64) -> (u64, u64) {
    let (a1, a0, b1, b0) = (a >> HALF, a & LOW, b >> HALF, b & LOW);
    // (2^32 − 1)^2 + 2·(2^32 − 1) = 2^64 − 1: neither sum wraps.
    let middle = a1.wrapping_mul(b0).wrapping_add(a0.wrapping_mul(b0) >> HALF);
    let lower = a0.wrapping_mul(b1).wrapping_add(middle & LOW);
    (a1.wrapping_mul(b1).wrapping_add(middle >> HALF).wrapping_add(lower >> HALF), a.wrapping_mul(b))
}

/// The product of 96 and 32 bits by digits of 32: each carry fits beside the next product, and the digits are the lower
/// halves, but for the third, which has all the rest.
#[inline(always)]
const fn digit_product(high: u64, low: u64, factor: u64) -> (u64, u64, u64) {
    let first = (low & LOW).wrapping_mul(factor);
    let second = (low >> HALF).wrapping_mul(factor).wrapping_add(first >> HALF);
    let third = high.wrapping_mul(factor).wrapping_add(second >> HALF);
    (third, second, first)
}

#[inline(always)]
const fn split(value: u128) -> (u64, u64) {
    ((value >> 64) as u64, value as u64)
}

#[inline(always)]
const fn join(high: u64, low: u64) -> u128 {
    ((high as u128) << 64) | low as u128
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Small, large and extreme alike.
    fn amount() -> impl Strategy<Value = i128> {
        prop_oneof![
            (any::<i128>(), 0u32..128).prop_map(|(value, shift)| value >> shift),
            Just(i128::MAX),
            Just(i128::MIN),
            Just(-1),
            Just(0),
        ]
    }

    fn factor() -> impl Strategy<Value = u64> {
        prop_oneof![(any::<u64>(), 0u32..64).prop_map(|(value, shift)| value >> shift), Just(u64::MAX)]
    }

    proptest! {
        #[test]
        fn products_are_exact_or_none(value in amount(), factor in factor()) {
            // The smallest value itself is out of the symmetric range.
            let exact = value.checked_mul(i128::from(factor)).filter(|product| *product != i128::MIN);
            prop_assert_eq!(multiply(value, factor), exact);
        }

        #[test]
        fn quotients_round_as_named(value in amount(), divisor in any::<NonZero<u32>>()) {
            let exact = i128::from(divisor.get());
            let floor = value.div_euclid(exact);
            prop_assert_eq!(divide_floor(value, divisor), floor);
            prop_assert_eq!(divide_ceiling(value, divisor), floor + i128::from(value.rem_euclid(exact) != 0));
        }
    }

    proptest! {
        #[test]
        fn shares_round_as_named(value in amount(), factor in factor(), divisor in any::<NonZero<u32>>()) {
            let product = value.checked_mul(i128::from(factor)).filter(|product| *product != i128::MIN);
            let exact = product.map(|product| product.div_euclid(i128::from(divisor.get())));
            prop_assert_eq!(share_floor(value, factor, divisor), exact);
            let up = product.map(|product| -(-product).div_euclid(i128::from(divisor.get())));
            prop_assert_eq!(share_ceiling(value, factor, divisor), up);
            // The short way.
            let (value, factor, divisor) = (value >> 64, factor >> 34, divisor | (1 << 29));
            let product = value * i128::from(factor);
            prop_assert_eq!(share_floor(value, factor, divisor), Some(product.div_euclid(i128::from(divisor.get()))));
            prop_assert_eq!(share_ceiling(value, factor, divisor), Some(-(-product).div_euclid(i128::from(divisor.get()))));
        }

        #[test]
        fn shifted_products_round_down(value in -i64::MAX..=i64::MAX, shift in 0u32..64, factor in factor(), bits in 0u64..128) {
            let (value, factor) = (value >> shift, factor >> 2);
            let exact = (i128::from(value) * i128::from(factor)) >> bits;
            prop_assert_eq!(multiply_shift(value, factor, bits), exact);
        }
    }

    proptest! {
        #[test]
        fn general_divisions_round_as_named(a in amount(), b in amount()) {
            let floor = (b > 0).then(|| a.div_euclid(b));
            prop_assert_eq!(floor_division(a, b), floor);
            let ceiling = floor.map(|floor| floor + i128::from(a.rem_euclid(b) != 0));
            prop_assert_eq!(ceiling_division(a, b), ceiling);
        }

        #[test]
        fn quotients_of_words_are_exact_or_none(value in amount(), divisor in factor()) {
            let Some(divisor) = NonZero::new(divisor) else { return Ok(()) };
            for value in [value.unsigned_abs(), value.unsigned_abs() >> 63, u128::from(divisor.get()) << 64] {
                for value in [value, value.saturating_sub(1)] {
                    prop_assert_eq!(quotient(value, divisor), u64::try_from(value / u128::from(divisor.get())).ok());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn products_of_words_are_exact_or_none(a in factor(), b in any::<u32>()) {
            prop_assert_eq!(product(a, b), a.checked_mul(u64::from(b)));
        }
    }

    #[test]
    fn the_extremes() {
        let one = NonZero::<u32>::MIN;
        assert_eq!(divide_floor(i128::MIN, one), i128::MIN);
        assert_eq!(divide_ceiling(i128::MIN, one), i128::MIN);
        assert_eq!(multiply(i128::MAX, 1), Some(i128::MAX));
        assert_eq!(multiply(1 << 126, 2), None);
        assert_eq!(multiply(-(1 << 63), u64::MAX), Some(-(1i128 << 63) * i128::from(u64::MAX)));
    }
}
