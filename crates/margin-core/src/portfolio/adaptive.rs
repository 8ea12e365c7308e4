//! Adaptive range: spot shocks that follow the market's own vol, without cliffs.
//!
//! The scale of a grid is its expected move over its design move, `max(floor, c·vol·√horizon) / reference`, between two
//! bounds, and it moves by at most so much a day. It is brought up to date where surfaces are published, and the grid
//! then stored with its scaled moves, so that a margin check pays nothing for it.

use super::Ratio;
use crate::{Seconds, Vol, elementary::sqrt, quantities::SECONDS_PER_YEAR};

/// Parameters of an adaptive range; `reference` zero: off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdaptiveRange {
    /// Spot move that the grid was designed for.
    pub reference: Ratio,
    /// Least expected move.
    pub floor: Ratio,
    /// Standard deviations to cover: c.
    pub deviations: Ratio,
    /// Time over which the market may move.
    pub horizon: Seconds,
    /// Least scale.
    pub least: Ratio,
    /// Largest scale.
    pub most: Ratio,
    /// Largest change of the scale in a day.
    pub daily_change: Ratio,
}

const DAY: u64 = 86_400;

impl AdaptiveRange {
    /// Scale that an at-the-money vol asks for, rounded up, within the bounds.
    #[must_use]
    pub fn target(&self, vol: Vol) -> Ratio {
        if self.reference == Ratio::ZERO {
            return Ratio::ONE;
        }
        // 1e-8 to 1e-9.
        let vol = Ratio(vol.0.saturating_mul(10));
        let expected = self.deviations.times(vol).times(root_of_year_share(self.horizon)).max(self.floor);
        let scaled = u128::from(expected.0).wrapping_mul(u128::from(Ratio::ONE.0)); // 64 + 30 bits
        let scale = u64::try_from(scaled.div_ceil(u128::from(self.reference.0))).unwrap_or(u64::MAX);
        Ratio(scale.min(self.most.0).max(self.least.0))
    }

    /// The scale after `elapsed` since it was `previous`: towards the target, no faster than the daily change allows.
    #[must_use]
    pub fn next(&self, previous: Ratio, elapsed: Seconds, vol: Vol) -> Ratio {
        let change = u128::from(self.daily_change.0).wrapping_mul(u128::from(elapsed.0)); // 128 bits
        let change = u64::try_from(change.checked_div(u128::from(DAY)).unwrap_or(0)).unwrap_or(u64::MAX);
        let (low, high) = (previous.0.saturating_sub(change), previous.0.saturating_add(change));
        Ratio(self.target(vol).0.clamp(low, high))
    }
}

/// √(time / year) in 1e-9, rounded up; for at most four years.
fn root_of_year_share(time: Seconds) -> Ratio {
    let share = u128::from(time.0.min(4 * SECONDS_PER_YEAR)).wrapping_mul(1 << 58); // 27 + 58 bits
    let share = share.checked_div(u128::from(SECONDS_PER_YEAR)).unwrap_or(0) as u64; // Q58, at most 2^60
    if share == 0 {
        return Ratio::ZERO;
    }
    // mantissa·2^-(30 + half_shift)·2^-29, mantissa in [2^60, 2^61].
    let root = sqrt(share);
    let places = 59i64.wrapping_add(root.half_shift.0).clamp(0, 127) as u32;
    let scaled = u128::from(root.mantissa).wrapping_mul(u128::from(Ratio::ONE.0));
    Ratio((scaled.checked_shr(places).unwrap_or(0) as u64).wrapping_add(1))
}
