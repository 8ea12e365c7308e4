//! Strikes, whose logarithm serves the smile and the option alike.

use crate::elementary::Normal;
use crate::error::KernelError;
use crate::fx::Fx;
use crate::quantities::Price;

/// A strike with its logarithm: prepare it once for [`crate::SviSlice::vol_at`] and [`crate::Leg::prepare_at`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Strike {
    pub(crate) normal: Normal,
    /// ln(K) of the price in 1e-12 USD, Q56.
    pub(crate) ln: Fx,
}

impl Strike {
    /// Prepares a strike.
    ///
    /// # Errors
    /// `StrikeOutOfRange` (zero).
    #[inline(always)]
    pub fn prepare(strike: Price) -> Result<Self, KernelError> {
        if strike.0 == 0 {
            return Err(KernelError::StrikeOutOfRange);
        }
        let normal = Normal::new(strike.0);
        Ok(Self { normal, ln: normal.ln() })
    }
}
