//! What a risk grid does not see of digital options.
//!
//! Shortly before expiry a digital jumps at its strike. Of one strike the grid sees the jump: some spot lies beyond it. Where
//! several lie between two neighbouring spots, the payoff may dip below what it is at both of them, as that of a call sold at
//! 102 and bought at 103. The deepest dip of each expiry is charged, whatever time is left, but never more than the expiry's
//! digitals can lose.

use super::{MarginError, Ratio, Scenarios};
use crate::{Expiry, ExpiryInputs, Lots, MAX_MULTIPLIER, Multiplier, Price, digital_array::certain_payout};

/// Payoff of an expiry's digital options at rising settlement prices, in lots × 1 USD, less that at a price of zero.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gap {
    /// Above the last strike.
    payoff: i128,
    /// At any price so far.
    least: i128,
    /// At any price above the last spot of the grid.
    unseen: i128,
    seen: Option<Seen>,
    /// Deepest dip between two spots of the grid, in lots × 1e-9 USD.
    dip: i128,
    /// Puts of all strikes: the payoff at a price of zero.
    puts: i128,
}

/// The last spot of the grid below the settlement prices to come, and the payoff there.
#[derive(Clone, Copy, Debug)]
struct Seen {
    spot: GridSpot,
    payoff: i128,
}

/// A spot of the grid and the largest weight of its scenarios.
#[derive(Clone, Copy, Debug)]
struct GridSpot {
    multiplier: Multiplier,
    weight: Ratio,
}

impl Gap {
    /// Adds a strike above those before; of at most 2^40 lots with them.
    pub(super) fn add(
        &mut self,
        inputs: &ExpiryInputs,
        grid: &dyn Scenarios,
        strike: Price,
        (calls, puts): (Lots, Lots),
    ) -> Result<(), MarginError> {
        // A settlement at the strike pays the put: that spot is below it.
        while let Some(spot) = self.next_spot(grid) {
            if spot.forward(inputs) > u128::from(strike.0) {
                break;
            }
            self.see(spot)?;
        }
        let step = i128::from(calls.0).wrapping_sub(i128::from(puts.0));
        self.payoff = self.payoff.wrapping_add(step); // sums of 2^40 lots, here and below
        self.puts = self.puts.wrapping_add(i128::from(puts.0));
        self.least = self.least.min(self.payoff);
        self.unseen = self.unseen.min(self.payoff);
        Ok(())
    }

    /// The gap in lots × 1e-12 USD, not negative, given the digital options' value at their marks.
    pub(super) fn close(&mut self, expiry: &Expiry, grid: &dyn Scenarios, mark: i128) -> Result<i128, MarginError> {
        // Beyond the last strike one spot sees what all see.
        if let Some(spot) = self.next_spot(grid) {
            self.see(spot)?;
        }
        let overflow = MarginError::Overflow;
        let dip = self.dip.checked_mul(1_000).ok_or(overflow)?; // 1e-9 to 1e-12 USD
        // A certain gain is worth no more than its discounted value; a debt counts in full.
        let least = self.least.wrapping_add(self.puts);
        let unit = if least > 0 { certain_payout(expiry) } else { Price::ONE_USD };
        let least = least.checked_mul(i128::from(unit.0)).ok_or(overflow)?;
        Ok(dip.min(mark.checked_sub(least).ok_or(overflow)?).max(0))
    }

    /// A spot at which the payoff is the one so far.
    fn see(&mut self, spot: GridSpot) -> Result<(), MarginError> {
        if let Some(last) = self.seen {
            let dip = last.payoff.min(self.payoff).wrapping_sub(self.unseen);
            let weight = i128::from(last.spot.weight.min(spot.weight).0);
            self.dip = self.dip.max(dip.checked_mul(weight).ok_or(MarginError::Overflow)?);
        }
        self.seen = Some(Seen { spot, payoff: self.payoff });
        self.unseen = self.payoff;
        Ok(())
    }

    /// The lowest spot above the last one seen.
    fn next_spot(&self, grid: &dyn Scenarios) -> Option<GridSpot> {
        let above = self.seen.map_or(Multiplier::ZERO, |seen| seen.spot.multiplier);
        let mut next: Option<GridSpot> = None;
        for scenario in (0..grid.count()).filter_map(|index| grid.get(index)).filter(|scenario| !scenario.is_skew()) {
            let spot = GridSpot { multiplier: scenario.shock.spot.min(MAX_MULTIPLIER), weight: scenario.weight };
            if spot.multiplier <= above {
                continue;
            }
            next = match next {
                Some(lowest) if lowest.multiplier < spot.multiplier => next,
                Some(same) if same.multiplier == spot.multiplier => {
                    Some(GridSpot { weight: same.weight.max(spot.weight), ..spot })
                }
                _ => Some(spot),
            };
        }
        next
    }
}

impl GridSpot {
    /// The expiry's forward at this spot, rounded down, in 1e-12 USD.
    fn forward(&self, inputs: &ExpiryInputs) -> u128 {
        // 64 + 33 bits.
        let product = u128::from(inputs.forward.0).wrapping_mul(u128::from(self.multiplier.0));
        product.checked_div(u128::from(Multiplier::ONE.0)).unwrap_or(0).wrapping_add(u128::from(inputs.fixed.0))
    }
}
