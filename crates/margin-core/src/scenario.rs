//! Scenarios, and the grid they form for one expiry.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::integer_division,
    reason = "operators are those of Fx or argued inline; indices are below MAX_SCENARIOS, which is checked first; \
              quotients of constants truncate below 2^-60"
)]

use crate::elementary::Normal;
use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::fx::{Fx, leading_zeros, mul_high};
use crate::quantities::{Multiplier, Price, Vol};

/// Most scenarios of one grid.
pub const MAX_SCENARIOS: usize = 40;
/// Largest spot multiplier: 8.
pub const MAX_MULTIPLIER: Multiplier = Multiplier(8_000_000_000);

/// Which of a leg's vols a scenario uses.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum VolLevel {
    /// Raised vol.
    Up = 0,
    /// The marked vol.
    #[default]
    None = 1,
    /// Lowered vol.
    Down = 2,
}

/// The vols of one leg, one per [`VolLevel`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct VolLevels {
    /// Vol of `Up` scenarios.
    pub up: Vol,
    /// Vol of `None` scenarios.
    pub none: Vol,
    /// Vol of `Down` scenarios.
    pub down: Vol,
}

/// A spot move with a vol level.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Scenario {
    /// Factor on the variable part of the forward.
    pub spot: Multiplier,
    /// ln(spot) in Q56; only [`Scenario::new`]'s value is meaningful, and callers may store it.
    pub ln_spot: i64,
    /// Which vol applies.
    pub vol: VolLevel,
}

impl Scenario {
    /// Prepares a scenario; do it when parameters are set and store the result.
    ///
    /// # Errors
    /// `MultiplierOutOfRange`: zero, or above [`MAX_MULTIPLIER`].
    pub fn new(spot: Multiplier, vol: VolLevel) -> Result<Self, KernelError> {
        if spot == Multiplier::ZERO || spot > MAX_MULTIPLIER {
            return Err(KernelError::MultiplierOutOfRange);
        }
        let ln_spot = Normal::new(spot.0).ln() - Normal::new(Multiplier::ONE.0).ln();
        Ok(Self { spot, ln_spot: ln_spot.0, vol })
    }
}

/// One scenario of the grid.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Node {
    /// Shocked D F in ticks, below 2^40.
    pub(crate) forward: Fx,
    /// ln(shocked F / F), Q56; |.| <= 21 (44.4 inside a settlement window).
    pub(crate) ln_shift: Fx,
}

/// The scenarios of one vol level, contiguous in the grid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Group {
    pub(crate) end: usize,
    pub(crate) low: Fx,
    pub(crate) high: Fx,
}

/// A scenario set applied to one expiry: shocked forwards in ticks, grouped by vol level.
///
/// A tick is the power of two of 1e-12 USD that puts the largest shocked forward just below 2^40 ticks, so every
/// price level keeps the same relative resolution.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScenarioGrid {
    pub(crate) nodes: [Node; MAX_SCENARIOS],
    /// Position of the caller's i-th scenario among the nodes.
    pub(crate) positions: [u8; MAX_SCENARIOS],
    pub(crate) groups: [Group; 3],
    pub(crate) len: usize,
    /// One tick is 2^tick_exponent of 1e-12 USD.
    pub(crate) tick_exponent: i32,
    pub(crate) discount: u64,
}

impl ScenarioGrid {
    /// Applies scenarios to an expiry.
    ///
    /// # Errors
    /// `TooManyScenarios`, `MultiplierOutOfRange`.
    pub fn prepare(expiry: &Expiry, scenarios: &[Scenario]) -> Result<Self, KernelError> {
        let mut grid = Self {
            nodes: [Node { forward: Fx::ZERO, ln_shift: Fx::ZERO }; MAX_SCENARIOS],
            positions: [0; MAX_SCENARIOS],
            groups: [Group { end: 0, low: Fx(i64::MAX), high: Fx(i64::MIN) }; 3],
            len: scenarios.len(),
            tick_exponent: 0,
            discount: expiry.discount,
        };
        if grid.len > MAX_SCENARIOS {
            return Err(KernelError::TooManyScenarios);
        }
        let mut largest = Multiplier::ZERO;
        for scenario in scenarios {
            if scenario.spot == Multiplier::ZERO || scenario.spot > MAX_MULTIPLIER {
                return Err(KernelError::MultiplierOutOfRange);
            }
            largest = largest.max(scenario.spot);
        }
        // Shocked spots are `mul_high(spot, ratio)`: below 2^62 * 2^63 / 2^64, in units of 2^(spot_exponent + 4).
        let in_window = expiry.variable != expiry.forward;
        let ceiling = shocked(expiry, in_window, largest).max(1);
        let right = 24u32.saturating_sub(leading_zeros(ceiling)); // leaves 40 bits
        grid.tick_exponent = expiry.spot_exponent + 4 + right as i32;
        let half = (1u64 << right) >> 1;
        let mut position = 0usize;
        for (level, group) in [VolLevel::Up, VolLevel::None, VolLevel::Down].into_iter().zip(&mut grid.groups) {
            for (index, scenario) in scenarios.iter().enumerate() {
                if scenario.vol != level {
                    continue;
                }
                let ln_shift = if in_window { window_ln(expiry, scenario.spot) } else { Fx(scenario.ln_spot) };
                let raw = shocked(expiry, in_window, scenario.spot);
                // The ceiling may round up to 2^40 itself: stay one below.
                let forward = ((raw + half) >> right).min((1 << 40) - 1);
                grid.nodes[position] = Node { forward: Fx::from_bits(forward), ln_shift };
                grid.positions[index] = position as u8;
                group.low = group.low.min(ln_shift);
                group.high = group.high.max(ln_shift);
                position += 1;
            }
            group.end = position;
        }
        Ok(grid)
    }

    /// Number of scenarios.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no scenario.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Shocked D F in 2^(spot_exponent + 4) of 1e-12 USD.
#[inline(always)]
fn shocked(expiry: &Expiry, in_window: bool, spot: Multiplier) -> u64 {
    let ratio = if in_window {
        // fixed > 0 here; the ratio is at most 8 because only a part is multiplied.
        ((u128::from(window_forward(expiry, spot).0) << 60) / u128::from(expiry.forward.0.max(1))) as u64
    } else {
        ratio_q60(spot)
    };
    mul_high(expiry.spot, ratio)
}

/// The multiplier in Q60: at most 2^63. 1e9 = 2^9 * 1 953 125.
#[inline(always)]
fn ratio_q60(spot: Multiplier) -> u64 {
    const ODD: u64 = 1_953_125;
    let scaled = spot.0 << 31; // at most 2^64 - 1: 8e9 < 2^33
    let quotient = scaled / ODD; // Q40
    ((quotient) << 20) + (((scaled - quotient * ODD) << 20) / ODD)
}

/// fixed + variable * multiplier, rounded down, at least 1e-12 USD.
fn window_forward(expiry: &Expiry, spot: Multiplier) -> Price {
    let variable = u128::from(expiry.variable.0) * u128::from(spot.0) / u128::from(Multiplier::ONE.0);
    let fixed = u128::from(expiry.forward.0 - expiry.variable.0);
    Price((variable + fixed).clamp(1, u128::from(u64::MAX)) as u64)
}

/// ln of the shocked over the unshocked forward inside a settlement window, where it is no constant.
fn window_ln(expiry: &Expiry, spot: Multiplier) -> Fx {
    Normal::new(window_forward(expiry, spot).0).ln() - expiry.ln_forward
}
