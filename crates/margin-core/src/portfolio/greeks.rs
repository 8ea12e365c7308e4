use super::{MarginError, ratio::lot_price_to_usd};
use crate::{Expiry, GREEK_BITS, Greeks, Lots, Price, Usd, wide};

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
    /// Adds an expiry's options; their Greeks are relative to the expiry's discounted forward.
    #[inline(never)]
    pub(super) fn add_options(&mut self, sums: &GreekSums, discounted_forward: Price) -> Result<(), MarginError> {
        for (net, sum) in [
            (&mut self.delta, sums.delta),
            (&mut self.gamma, sums.gamma),
            (&mut self.vega, sums.vega),
            (&mut self.theta, sums.theta),
            (&mut self.rho, sums.rho),
            (&mut self.vanna, sums.vanna),
            (&mut self.volga, sums.volga),
        ] {
            *net = net.checked_add(in_prices(sum, discounted_forward)?).ok_or(MarginError::Overflow)?;
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

/// Σ lots × Greek over the options of an expiry, with the kernel's fraction bits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GreekSums {
    pub(super) delta: i128,
    gamma: i128,
    pub(super) vega: i128,
    theta: i128,
    rho: i128,
    vanna: i128,
    volga: i128,
}

impl GreekSums {
    #[inline(never)]
    pub(super) fn add(&mut self, lots: Lots, leg: &Greeks) -> Result<(), MarginError> {
        for (sum, greek) in [
            (&mut self.delta, leg.delta),
            (&mut self.gamma, leg.gamma),
            (&mut self.vega, leg.vega),
            (&mut self.theta, leg.theta),
            (&mut self.rho, leg.rho),
            (&mut self.vanna, leg.vanna),
            (&mut self.volga, leg.volga),
        ] {
            *sum = sum.checked_add(product(lots, greek)).ok_or(MarginError::Overflow)?;
        }
        Ok(())
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

/// A sum of lots × Greek in lots × 1e-12 USD, rounded down.
pub(super) fn in_prices(sum: i128, spot: Price) -> Result<i128, MarginError> {
    Ok(wide::multiply(sum, spot.0).ok_or(MarginError::Overflow)? >> GREEK_BITS)
}

/// D·F rounded down to a price.
pub(super) fn discounted_forward(expiry: &Expiry) -> Price {
    let product = u128::from(expiry.forward().0).wrapping_mul(u128::from(expiry.discount_q60())) >> 60;
    // D ≤ 1 in the risk model, so the product is at most the forward.
    Price(u64::try_from(product).unwrap_or(u64::MAX))
}
