use super::{MarginError, ratio::lot_price_to_usd};
use crate::{Expiry, Greeks, Lots, Price, Usd};

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
    /// Adds a leg; its Greeks are relative to the discounted forward of its expiry.
    #[inline(never)]
    pub(super) fn add_option(&mut self, lots: Lots, greeks: &Greeks, expiry: &Expiry) -> Result<(), MarginError> {
        let spot = discounted_forward(expiry);
        for (net, greek) in [
            (&mut self.delta, greeks.delta),
            (&mut self.gamma, greeks.gamma),
            (&mut self.vega, greeks.vega),
            (&mut self.theta, greeks.theta),
            (&mut self.rho, greeks.rho),
            (&mut self.vanna, greeks.vanna),
            (&mut self.volga, greeks.volga),
        ] {
            let leg = Greeks::in_usd(greek, spot).checked_mul(i128::from(lots.0)).ok_or(MarginError::Overflow)?;
            *net = net.checked_add(leg).ok_or(MarginError::Overflow)?;
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

/// D·F rounded down to a price.
pub(super) fn discounted_forward(expiry: &Expiry) -> Price {
    let product = u128::from(expiry.forward().0).wrapping_mul(u128::from(expiry.discount_q60())) >> 60;
    // D ≤ 1 in the risk model, so the product is at most the forward.
    Price(u64::try_from(product).unwrap_or(u64::MAX))
}
