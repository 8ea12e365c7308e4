//! Multiples of a power of two in one word, and as the numbers that they stand for.
#![allow(clippy::arithmetic_side_effects, reason = "operators are those of Fx, and shifts by what is argued inline")]

use crate::fx::Fx;

/// Largest unit, as a power of two.
pub(crate) const MAX_UNIT: Fx = Fx(32);

/// `word * 2^unit`, 0 <= unit <= 32.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    pub(crate) word: Fx,
    pub(crate) unit: Fx,
}

impl Word {
    /// As a number.
    #[inline(always)]
    pub(crate) fn wide(self) -> i128 {
        let high = (self.word >> 31) >> (Fx(33) - self.unit);
        (i128::from(high.0) << 64) | i128::from((self.word.0 as u64) << (self.unit.0 & 63))
    }

    /// The least word of the unit that is not below `value`, which is not positive: words below it are below the value.
    #[inline(always)]
    pub(crate) fn at_least(self, value: i128) -> Fx {
        -Fx::from_bits(narrowed(value.unsigned_abs(), self.unit))
    }
}

/// `value / 2^unit`, 0 <= unit <= 32, rounded down; the caller knows that it is one word.
#[inline(always)]
fn narrowed(value: u128, unit: Fx) -> u64 {
    let (high, low) = ((value >> 64) as u64, value as u64);
    ((high << 31) << ((Fx(33) - unit).0 & 63)) | (low >> (unit.0 & 63))
}

/// The word of which `value` is 2^unit times, 0 <= unit <= 32, if there is one of at most `bound`.
#[inline(always)]
pub(crate) fn exact_word(value: i128, unit: Fx, bound: u64) -> Option<Fx> {
    let word = Fx(narrowed(value as u128, unit) as i64);
    if (Word { word, unit }).wide() == value && word.abs() <= bound { Some(word) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_are_exact(word in -(1i64 << 62)..=1 << 62, shift in 0u32..62, unit in 0i64..=32, odd in 1i128..1 << 32) {
            let (word, unit) = (Fx(word >> shift), Fx(unit));
            let value = i128::from(word.0) << unit.0;
            prop_assert_eq!(Word { word, unit }.wide(), value);
            prop_assert_eq!(exact_word(value, unit, word.abs()), Some(word));
            if word.abs() > 0 {
                prop_assert_eq!(exact_word(value, unit, word.abs() - 1), None);
            }
            let between = odd & ((1 << unit.0) - 1);
            if between != 0 {
                prop_assert_eq!(exact_word(value + between, unit, u64::MAX), None);
            }
            let below = -value.abs() - between;
            let least = Word { word, unit }.at_least(below).0;
            prop_assert!(i128::from(least) << unit.0 >= below && (i128::from(least) - 1) << unit.0 < below);
        }
    }
}
