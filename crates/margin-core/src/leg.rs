//! A leg: one strike of one expiry with its vols.

#![allow(clippy::arithmetic_side_effects, reason = "operators are those of Fx")]

use crate::black::log_moneyness;
use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::fx::{Fx, mul_high};
use crate::line::Level;
use crate::quantities::Price;
use crate::scenario::{LEVELS, VolLevels};
use crate::strike::Strike;

/// One strike of one expiry, ready for scenarios.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Leg {
    /// ln(F/K), Q32, rounded down; |x| <= 20 ln 2.
    pub(crate) x: Fx,
    /// D K as `strike * 2^strike_exponent` in 1e-12 USD; below 2^62.
    pub(crate) strike: u64,
    pub(crate) strike_exponent: Fx,
    /// By vol level.
    pub(crate) levels: [Level; LEVELS],
}

impl Leg {
    /// Prepares one strike with its vols.
    ///
    /// # Errors
    /// `StrikeOutOfRange`, `MoneynessOutOfRange`, `VolOutOfRange`.
    #[inline]
    pub fn prepare(expiry: &Expiry, strike: Price, vols: &VolLevels) -> Result<Self, KernelError> {
        Self::prepare_at(expiry, &Strike::prepare(strike)?, vols)
    }

    /// [`Leg::prepare`] for a strike whose logarithm is known.
    ///
    /// # Errors
    /// `MoneynessOutOfRange`, `VolOutOfRange`.
    #[inline(always)]
    pub fn prepare_at(expiry: &Expiry, strike: &Strike, vols: &VolLevels) -> Result<Self, KernelError> {
        let x = log_moneyness(expiry, strike)?;
        Ok(Self {
            x: x >> 24,
            // mantissa 2^-zeros times D in Q60, of which the product takes 2^64 and the shift one bit more.
            strike: mul_high(strike.normal.mantissa >> 1, expiry.discount),
            strike_exponent: Fx(5) - strike.normal.zeros,
            levels: Level::all(expiry, vols)?,
        })
    }
}
