//! Exact decimal strings to fixed point.

use anyhow::{Context, Result, bail};

/// `text * 10^places`, rounded half away from zero.
pub fn fixed(text: &str, places: i32) -> Result<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().context("exponent")?),
        None => (text, 0),
    };
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
    let digits: i128 = mantissa.replace('.', "").parse().with_context(|| format!("not a number: {text}"))?;
    let shift = places + exponent - fraction;
    let power = 10i128.checked_pow(shift.unsigned_abs());
    match (shift >= 0, power) {
        (true, Some(power)) => digits.checked_mul(power).with_context(|| format!("too large: {text}")),
        (true, None) if digits == 0 => Ok(0),
        (true, None) => bail!("too large: {text}"),
        (false, Some(power)) => Ok((digits + digits.signum() * (power / 2)) / power),
        (false, None) => Ok(0),
    }
}

/// The nearest f64, for errors relative to a scale.
pub fn number(text: &str) -> Result<f64> {
    text.parse().with_context(|| format!("not a number: {text}"))
}

#[cfg(test)]
mod tests {
    use super::fixed;

    #[test]
    fn decimals_are_exact_and_round_half_away_from_zero() {
        assert_eq!(fixed("1.5", 3).unwrap(), 1_500);
        assert_eq!(fixed("-2.5e-3", 3).unwrap(), -3);
        assert_eq!(fixed("2.4e-3", 3).unwrap(), 2);
        assert_eq!(fixed("1e2", 0).unwrap(), 100);
        assert_eq!(fixed("1e-60", 12).unwrap(), 0);
        assert!(fixed("x", 0).is_err() && fixed("1e60", 0).is_err());
    }
}
