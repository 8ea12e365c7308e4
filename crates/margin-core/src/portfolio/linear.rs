//! Perpetuals, futures and offsetting collateral in scenarios.

use super::{GridScenario, MarginError, Ratio, ScanFactors, ratio::floor_division};
use crate::MAX_MULTIPLIER;

const UNIT: u64 = Ratio::ONE.0;
const ONE: i128 = 1_000_000_000;

/// The part of a book that moves in proportion to spot.
pub(super) struct Linear {
    /// Value over 1e9, rounded down, and the rest.
    quotient: i128,
    remainder: u64,
    inverse: bool,
    /// Largest move in an extended scenario; zero: none.
    range: i64,
}

impl Linear {
    /// `None` when there is nothing.
    pub(super) fn new(value: i128, scan: &ScanFactors) -> Result<Option<Self>, MarginError> {
        const LIMIT: u128 = 1 << 90;
        if value == 0 {
            return Ok(None);
        }
        let quotient = floor_division(value, ONE)?;
        if quotient.unsigned_abs() > LIMIT {
            return Err(MarginError::Overflow);
        }
        // The remainder of a floor division by 1e9.
        let remainder = value.wrapping_sub(quotient.wrapping_mul(ONE)) as u64;
        let range = i64::try_from(scan.extended_range.0).unwrap_or(i64::MAX);
        Ok(Some(Self { quotient, remainder, inverse: scan.inverse, range }))
    }

    /// Profit in a scenario, rounded down; below 2^124.
    #[inline]
    pub(super) fn profit(&self, scenario: &GridScenario) -> Result<i128, MarginError> {
        let spot = scenario.shock.spot.0.min(MAX_MULTIPLIER.0) as i64; // 8e9
        let mut shift = spot.wrapping_sub(UNIT as i64);
        if scenario.extended && self.range != 0 {
            shift = shift.clamp(self.range.wrapping_neg(), self.range);
        }
        if self.inverse {
            return self.inverse_profit(shift);
        }
        // Below 2^90 · 2^33, and 1e9 · 8e9 < 2^63. The VM divides unsigned numbers only.
        let magnitude = self.remainder.wrapping_mul(shift.unsigned_abs());
        let rest = if shift < 0 {
            i128::from(magnitude.div_ceil(UNIT)).wrapping_neg()
        } else {
            i128::from(magnitude.checked_div(UNIT).unwrap_or(0))
        };
        Ok(self.quotient.wrapping_mul(i128::from(shift)).wrapping_add(rest))
    }

    /// 1 − 1/(1 + move) units for each.
    #[inline(never)]
    fn inverse_profit(&self, shift: i64) -> Result<i128, MarginError> {
        let value = self.quotient.wrapping_mul(ONE).wrapping_add(i128::from(self.remainder)); // as it was
        let scaled = value.checked_mul(i128::from(shift)).ok_or(MarginError::Overflow)?;
        // At most 2^90 · 1e9 at a move of −99.9999999 %, which a multiplier of 1e-9 is.
        floor_division(scaled, i128::from(shift.wrapping_add(UNIT as i64).max(1)))
    }
}
