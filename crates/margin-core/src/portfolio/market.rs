//! What a book is assessed against.

use super::{Ratio, RiskParameters};
use crate::{ExpiryInputs, KernelError, Lots, Multiplier, Price, Scenario, Svi, SviSlice, Usd, VolLevel};

/// Most scenarios of a risk grid.
pub const MAX_GRID: usize = 40;

/// One cell of the risk grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridScenario {
    /// Moves of spot and vol. A skew scenario moves no spot, whatever its multiplier says.
    pub shock: Scenario,
    /// Factor on its profit or loss.
    pub weight: Ratio,
    /// A tail, for which the model's extended range and dampener hold.
    pub extended: bool,
}

impl GridScenario {
    /// Nothing moves.
    pub const UNSHOCKED: Self = Self {
        shock: Scenario { spot: Multiplier::ONE, ln_spot: 0, vol: VolLevel::None },
        weight: Ratio::ONE,
        extended: false,
    };

    /// Whether the scenario moves the smile instead of spot.
    #[must_use]
    pub fn is_skew(&self) -> bool {
        matches!(self.shock.vol, VolLevel::SkewLinear | VolLevel::SkewAbs)
    }
}

impl Default for GridScenario {
    fn default() -> Self {
        Self::UNSHOCKED
    }
}

impl From<&Self> for GridScenario {
    fn from(scenario: &Self) -> Self {
        *scenario
    }
}

/// The market of one underlying at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Market<'a> {
    /// Index price.
    pub spot: Price,
    /// Mark price of the perpetual.
    pub perpetual: Price,
    /// Price of the quote token.
    pub stable: Price,
    /// Units of the underlying in one lot, in 1e-9.
    pub lot_size: u64,
    /// How sure the index is; one: certain.
    pub spot_confidence: Ratio,
    /// How sure the mark of the perpetual is.
    pub perpetual_confidence: Ratio,
    /// Value (over the price of the quote token) of the account's collateral that moves with this underlying and is
    /// allowed to offset its positions.
    pub hedge: Usd,
    /// The margin model.
    pub parameters: &'a RiskParameters,
    /// The risk grid, in its published order; at most [`MAX_GRID`].
    pub scenarios: &'a [GridScenario],
}

/// Vol surface of one expiry.
#[derive(Clone, Copy, Debug)]
pub enum Surface {
    /// As it is published.
    Svi(Svi),
    /// Prepared when it was: the same vols to the bit.
    Slice(SviSlice),
}

impl From<Svi> for Surface {
    fn from(svi: Svi) -> Self {
        Self::Svi(svi)
    }
}

impl Surface {
    /// The slice.
    ///
    /// # Errors
    /// As [`Svi::prepare`].
    #[inline(always)]
    pub fn prepared(&self) -> Result<SviSlice, KernelError> {
        match self {
            Self::Svi(svi) => svi.prepare(),
            Self::Slice(slice) => Ok(*slice),
        }
    }
}

/// The market of one expiry.
#[derive(Clone, Copy, Debug)]
pub struct ExpiryMarket {
    /// Forward, time and rate.
    pub inputs: ExpiryInputs,
    /// Vol surface slice; not looked at once the expiry has passed.
    pub surface: Surface,
    /// The lowest confidence of forward, rate and surface.
    pub confidence: Ratio,
}

/// What a position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum InstrumentKind {
    /// Linear, without expiry.
    Perpetual = 0,
    /// European call.
    Call = 1,
    /// European put.
    Put = 2,
    /// Linear in the forward of its expiry, settled daily.
    Future = 3,
    /// Pays one USD a unit if the settlement price is above the strike.
    DigitalCall = 4,
    /// Pays one USD a unit if the settlement price is the strike or below.
    DigitalPut = 5,
}

impl InstrumentKind {
    /// Perpetual or future.
    #[must_use]
    pub const fn is_linear(self) -> bool {
        matches!(self, Self::Perpetual | Self::Future)
    }
}

/// One position of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookPosition {
    /// What it is.
    pub kind: InstrumentKind,
    /// Names the expiry to the surface; 0 for a perpetual.
    pub expiry: i64,
    /// Strike; zero for a perpetual or future.
    pub strike: Price,
    /// Signed quantity.
    pub lots: Lots,
    /// Value at which a perpetual or future was last settled to cash, less funding earned since; zero for options.
    pub settled_value: Usd,
}

/// Confidence of a price known to ± `interval`: `1 − min(1, (interval / price) / full_scale)`, rounded down. Zero for a
/// price of zero.
#[must_use]
pub fn interval_confidence(price: Price, interval: Price, full_scale: Ratio) -> Ratio {
    // 64 + 60 bits.
    let spread = u128::from(interval.0).wrapping_mul(u128::from(Ratio::ONE.0).pow(2));
    let scale = u128::from(price.0).wrapping_mul(u128::from(full_scale.0));
    let one = u128::from(Ratio::ONE.0);
    let lost = match spread.checked_div(scale) {
        Some(quotient) if quotient.wrapping_mul(scale) == spread => quotient,
        Some(quotient) => quotient.saturating_add(1),
        None if spread == 0 && price.0 != 0 => 0,
        None => one,
    };
    Ratio(u64::try_from(one.saturating_sub(lost)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_of_an_interval() {
        let of = |price, interval, scale| interval_confidence(Price(price), Price(interval), Ratio(scale)).0;
        assert_eq!(of(100, 0, 10_000_000), 1_000_000_000);
        assert_eq!(of(1_000, 5, 10_000_000), 500_000_000); // 0.5 % of a full scale of 1 %
        assert_eq!(of(1_000, 10, 10_000_000), 0);
        assert_eq!(of(1_000, u64::MAX, 10_000_000), 0);
        assert_eq!(of(3, 1, 1_000_000_000), 666_666_666); // down
        assert_eq!((of(0, 0, 1), of(0, 1, 1), of(5, 1, 0), of(5, 0, 0)), (0, 0, 0, 1_000_000_000));
    }
}
