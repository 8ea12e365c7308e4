//! Decimal text as the program's integers.
//!
//! Files of parameters and portfolios write decimals, as JSON numbers or strings; the program stores integers of fixed
//! scales. The text is read digit by digit, so no binary fraction stands between the two.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::value::RawValue;

/// A decimal number: `mantissa · 10^exponent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal {
    mantissa: i128,
    exponent: i32,
}

/// Why text is not a number, or a number not one that the program can store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    #[error("'{0}' is not a decimal number: write digits with at most one point, such as 0.045 or 1.5e-3")]
    NotDecimal(String),
    #[error("{0} has more digits than can be read exactly: write at most 38")]
    TooManyDigits(String),
    #[error("{value} is out of range: between {least} and {most}")]
    Range { value: Decimal, least: String, most: String },
    #[error("{value} has more than {places} decimal places")]
    Inexact { value: Decimal, places: u32 },
}

impl Decimal {
    /// `mantissa · 10^exponent`.
    #[must_use]
    pub const fn new(mantissa: i128, exponent: i32) -> Self {
        Self { mantissa, exponent }
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The number times 10^`places`.
    #[must_use]
    pub const fn shifted(self, places: i32) -> Self {
        Self { mantissa: self.mantissa, exponent: self.exponent.saturating_add(places) }
    }

    /// The number times an integer; `None` beyond 128 bits.
    #[must_use]
    pub fn times(self, factor: i128) -> Option<Self> {
        Some(Self { mantissa: self.mantissa.checked_mul(factor)?, exponent: self.exponent })
    }

    /// The number in units of 10^−`places`, to nearest, halves away from zero; `None` beyond 128 bits.
    #[must_use]
    pub fn scaled(self, places: u32) -> Option<i128> {
        if self.mantissa == 0 {
            return Some(0);
        }
        let shift = self.exponent.checked_add(i32::try_from(places).ok()?)?;
        let factor = 10i128.checked_pow(shift.unsigned_abs());
        if shift >= 0 {
            return self.mantissa.checked_mul(factor?);
        }
        // A factor beyond 128 bits leaves nothing of a mantissa of 128 bits.
        let Some(factor) = factor else { return Some(0) };
        let (whole, rest) = (self.mantissa / factor, self.mantissa % factor);
        let away = rest.unsigned_abs() >= factor.unsigned_abs().div_ceil(2);
        Some(if away { whole + self.mantissa.signum() } else { whole })
    }

    /// The number in units of 10^−`places`, which must hold all of it.
    pub fn exactly(self, places: u32) -> Result<i128, DecimalError> {
        let scaled = self.scaled(places).ok_or_else(|| self.range(&i128::MIN, &i128::MAX))?;
        let places_i32 = i32::try_from(places).unwrap_or(i32::MAX);
        if Self::new(scaled, -places_i32).normal() == self.normal() {
            return Ok(scaled);
        }
        Err(DecimalError::Inexact { value: self, places })
    }

    /// The same number without zeros at the end of the mantissa.
    fn normal(mut self) -> Self {
        if self.mantissa == 0 {
            return Self::default();
        }
        while self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.exponent = self.exponent.saturating_add(1);
        }
        self
    }

    fn range(self, least: &impl fmt::Display, most: &impl fmt::Display) -> DecimalError {
        DecimalError::Range { value: self, least: least.to_string(), most: most.to_string() }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let not_decimal = || DecimalError::NotDecimal(text.to_owned());
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().map_err(|_| not_decimal())?),
            None => (text, 0),
        };
        let unsigned = number.strip_prefix('-').or_else(|| number.strip_prefix('+')).unwrap_or(number);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if digits().next().is_none() || !digits().all(|digit| digit.is_ascii_digit()) {
            return Err(not_decimal());
        }
        let mut mantissa = 0i128;
        for digit in digits() {
            mantissa = mantissa
                .checked_mul(10)
                .and_then(|value| value.checked_add(i128::from(digit - b'0')))
                .ok_or_else(|| DecimalError::TooManyDigits(text.to_owned()))?;
        }
        if number.starts_with('-') {
            mantissa = -mantissa;
        }
        let places = i32::try_from(fraction.len()).map_err(|_| not_decimal())?;
        let exponent = exponent.checked_sub(places).ok_or_else(not_decimal)?;
        Ok(Self { mantissa, exponent })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self { mantissa, exponent } = self.normal();
        if mantissa < 0 {
            formatter.write_str("-")?;
        }
        let digits = mantissa.unsigned_abs().to_string();
        match usize::try_from(exponent) {
            Ok(zeros) if zeros <= 38 => write!(formatter, "{digits}{}", "0".repeat(zeros)),
            Err(_) if exponent >= -38 => {
                let places = exponent.unsigned_abs() as usize;
                let padded = format!("{digits:0>width$}", width = places + 1);
                let (whole, fraction) = padded.split_at(padded.len() - places);
                write!(formatter, "{whole}.{fraction}")
            }
            _ => write!(formatter, "{digits}e{exponent}"),
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    /// From a JSON number or a string, by its text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        unquoted.parse().map_err(D::Error::custom)
    }
}

/// A decimal as an integer of `PLACES` decimal places, rounded to nearest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scaled<T, const PLACES: u32>(pub T);

/// Integers that decimals become.
pub trait Stored: Copy + TryFrom<i128> + Into<i128> + fmt::Display {
    const LEAST: Self;
    const MOST: Self;
}

macro_rules! stored {
    ($($integer:ty),*) => {$(
        impl Stored for $integer {
            const LEAST: Self = Self::MIN;
            const MOST: Self = Self::MAX;
        }
    )*};
}
stored!(u8, u32, u64, i64, i128);

impl<T: Stored, const PLACES: u32> TryFrom<Decimal> for Scaled<T, PLACES> {
    type Error = DecimalError;

    fn try_from(value: Decimal) -> Result<Self, DecimalError> {
        let places = PLACES as i32;
        let bounds = || {
            let bound = |bound: T| Decimal::new(bound.into(), -places);
            value.range(&bound(T::LEAST), &bound(T::MOST))
        };
        let scaled = value.scaled(PLACES).ok_or_else(bounds)?;
        T::try_from(scaled).map(Self).map_err(|_| bounds())
    }
}

impl<T: Stored, const PLACES: u32> From<Scaled<T, PLACES>> for Decimal {
    fn from(value: Scaled<T, PLACES>) -> Self {
        Self::new(value.0.into(), -(PLACES as i32))
    }
}

impl<'de, T: Stored, const PLACES: u32> Deserialize<'de> for Scaled<T, PLACES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(Decimal::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<T: Stored, const PLACES: u32> Serialize for Scaled<T, PLACES> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Decimal::from(*self).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn text_is_read_digit_by_digit() {
        assert_eq!(decimal("0.045").scaled(9), Some(45_000_000));
        assert_eq!(decimal("-1.5e-3").scaled(9), Some(-1_500_000));
        assert_eq!(decimal("1e3").scaled(0), Some(1_000));
        assert_eq!(decimal(".5").scaled(1), Some(5));
        // No f64 holds these digits.
        assert_eq!(decimal("123456789012345678.123456789").scaled(9), Some(123_456_789_012_345_678_123_456_789));
        for text in ["", "-", ".", "1.2.3", "1,5", "0x10", "1e", "1e99999999999", "nan", "1 000", "１"] {
            assert!(matches!(text.parse::<Decimal>(), Err(DecimalError::NotDecimal(_))), "{text}");
        }
        assert!(matches!("1".repeat(40).parse::<Decimal>(), Err(DecimalError::TooManyDigits(_))));
    }

    #[test]
    fn excess_digits_round_to_nearest_and_halves_away_from_zero() {
        assert_eq!(decimal("0.00449").scaled(3), Some(4));
        assert_eq!(decimal("0.0045").scaled(3), Some(5));
        assert_eq!(decimal("-0.0045").scaled(3), Some(-5));
        assert_eq!(decimal("1e-200").scaled(12), Some(0));
        assert_eq!(decimal("1e200").scaled(12), None);
        assert_eq!(decimal("0e200").scaled(12), Some(0));
    }

    #[test]
    fn exact_numbers_are_told_from_others() {
        assert_eq!(decimal("1.50").exactly(1), Ok(15));
        assert_eq!(decimal("1.55").exactly(1), Err(DecimalError::Inexact { value: decimal("1.55"), places: 1 }));
        assert_eq!(decimal("0").exactly(0), Ok(0));
    }

    #[test]
    fn a_number_prints_as_it_was_meant() {
        for text in ["0", "-0.045", "1200", "1.5", "0.000000000001", "1e-50", "-3e90"] {
            assert_eq!(decimal(text).to_string(), text);
        }
        assert_eq!(decimal("1.50e2").to_string(), "150");
    }

    #[test]
    fn json_numbers_and_strings_are_alike() {
        let read = |json: &str| serde_json::from_str::<Scaled<u64, 9>>(json);
        assert_eq!(read("0.045").unwrap(), Scaled(45_000_000));
        assert_eq!(read("\"0.045\"").unwrap(), Scaled(45_000_000));
        assert_eq!(read("18446744073.709551615").unwrap(), Scaled(u64::MAX));
        assert!(read("18446744073.709551616").unwrap_err().to_string().contains("between 0 and 18446744073.709551615"));
        assert!(read("-1").unwrap_err().to_string().contains("out of range"));
        for json in ["true", "null", "[1]", "\"\\u0031\""] {
            assert!(read(json).unwrap_err().to_string().contains("not a decimal number"), "{json}");
        }
    }
}
