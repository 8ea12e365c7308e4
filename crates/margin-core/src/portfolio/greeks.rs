use super::{MarginError, ratio::lot_price_to_usd};
use crate::{Lots, Usd, net_greeks::ExpiryGreeks};

/// Net cash Greeks in lots × 1e-12 USD: of one expiry, or of an underlying with its linear instruments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetGreeks {
    /// Cash delta: profit for +100 % of spot, to first order.
    pub delta: i128,
    /// Cash gamma: change of cash delta for +100 % of spot, less cash delta itself.
    pub gamma: i128,
    /// For +1.00 of vol.
    pub vega: i128,
    /// For one year.
    pub theta: i128,
    /// For +1.00 of rate.
    pub rho: i128,
    /// Change of cash delta for +1.00 of vol.
    pub vanna: i128,
    /// Change of vega for +1.00 of vol.
    pub volga: i128,
}

impl NetGreeks {
    /// Adds an expiry's options.
    #[inline(always)]
    pub(super) fn add_options(&mut self, options: &ExpiryGreeks) -> Result<(), MarginError> {
        for (net, greek) in [
            (&mut self.delta, options.delta),
            (&mut self.gamma, options.gamma),
            (&mut self.vega, options.vega),
            (&mut self.theta, options.theta),
            (&mut self.rho, options.rho),
            (&mut self.vanna, options.vanna),
            (&mut self.volga, options.volga),
        ] {
            // The first expiry's are the sums: a checked addition of 128 bits takes the VM longer.
            *net = if *net == 0 { greek } else { net.checked_add(greek).ok_or(MarginError::Overflow)? };
        }
        Ok(())
    }

    /// Sum of two books' Greeks.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        Some(Self {
            delta: self.delta.checked_add(other.delta)?,
            gamma: self.gamma.checked_add(other.gamma)?,
            vega: self.vega.checked_add(other.vega)?,
            theta: self.theta.checked_add(other.theta)?,
            rho: self.rho.checked_add(other.rho)?,
            vanna: self.vanna.checked_add(other.vanna)?,
            volga: self.volga.checked_add(other.volga)?,
        })
    }

    /// Adds a linear instrument's notional: delta only.
    pub(super) fn add_linear(&mut self, notional: i128) -> Result<(), MarginError> {
        self.delta = self.delta.checked_add(notional).ok_or(MarginError::Overflow)?;
        Ok(())
    }

    /// One of the net Greeks in USD.
    pub fn in_usd(greek: i128, lot_size: u64) -> Result<Usd, MarginError> {
        lot_price_to_usd(greek, lot_size)
    }
}

/// lots × greek, in one word where it fits: nearly always.
#[inline(always)]
pub(super) fn product(lots: Lots, greek: i64) -> i128 {
    if lots.0.unsigned_abs() >> 19 == 0 && greek.unsigned_abs() >> 44 == 0 {
        i128::from(lots.0.wrapping_mul(greek))
    } else {
        i128::from(lots.0).wrapping_mul(i128::from(greek)) // 63 bits each
    }
}
