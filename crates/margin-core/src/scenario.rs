//! Scenarios, sets of them, and the grid a set forms for one expiry.
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
use crate::fx::{Fx, leading_zeros, mul_high, quotient};
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

/// A scenario set in the kernel's order: grouped by vol level, with binary multipliers.
///
/// One set serves all expiries of an underlying; it is about 700 bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScenarioSet {
    shocks: [Shock; MAX_SCENARIOS],
    /// The caller's index of each slot, and the slot of each index.
    order: [u8; MAX_SCENARIOS],
    positions: [u8; MAX_SCENARIOS],
    /// End of each level's slots; inside a level they ascend by multiplier.
    ends: [usize; 3],
    len: usize,
    /// Largest multiplier, Q40.
    largest: u64,
}

/// One scenario's spot move.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Shock {
    /// Multiplier, Q40, nearest: at most 2^43.
    ratio: u64,
    /// Its logarithm, Q32; |.| <= 21.
    ln: Fx,
}

impl ScenarioSet {
    /// A set without scenarios, to be filled in place.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            shocks: [Shock { ratio: 0, ln: Fx::ZERO }; MAX_SCENARIOS],
            order: [0; MAX_SCENARIOS],
            positions: [0; MAX_SCENARIOS],
            ends: [0; 3],
            len: 0,
            largest: 0,
        }
    }

    /// Prepares scenarios; their order is the order of all totals.
    ///
    /// # Errors
    /// `TooManyScenarios`, `MultiplierOutOfRange`.
    pub fn prepare(scenarios: &[Scenario]) -> Result<Self, KernelError> {
        let mut set = Self::empty();
        set.fill(scenarios)?;
        Ok(set)
    }

    /// [`ScenarioSet::prepare`] in place, for callers short of stack. After an error the set is empty.
    ///
    /// # Errors
    /// As [`ScenarioSet::prepare`].
    #[inline(never)]
    pub fn fill(&mut self, scenarios: &[Scenario]) -> Result<(), KernelError> {
        self.len = 0;
        self.largest = 0;
        self.ends = [0; 3];
        if scenarios.len() > MAX_SCENARIOS {
            return Err(KernelError::TooManyScenarios);
        }
        let mut next = [0usize; 3];
        for scenario in scenarios {
            if scenario.spot == Multiplier::ZERO || scenario.spot > MAX_MULTIPLIER {
                return Err(KernelError::MultiplierOutOfRange);
            }
            next[scenario.vol as usize] = next[scenario.vol as usize].wrapping_add(1);
        }
        let [up, none, _] = next;
        let starts = [0, up, up.wrapping_add(none)]; // at most MAX_SCENARIOS
        next = starts;
        for (index, scenario) in scenarios.iter().enumerate() {
            let (start, end) = (starts[scenario.vol as usize], &mut next[scenario.vol as usize]);
            let shock = Shock { ratio: ratio_q40(scenario.spot), ln: Fx(scenario.ln_spot) >> 24 };
            // Insertion by ln: usual sets come sorted, so this rarely moves anything.
            let mut slot = *end;
            while slot > start && self.shocks[slot.wrapping_sub(1)].ln > shock.ln {
                self.shocks[slot] = self.shocks[slot.wrapping_sub(1)];
                self.order[slot] = self.order[slot.wrapping_sub(1)];
                slot = slot.wrapping_sub(1);
            }
            self.shocks[slot] = shock;
            self.order[slot] = index as u8;
            *end = end.wrapping_add(1);
            self.largest = self.largest.max(shock.ratio);
        }
        for (slot, index) in self.order.iter().enumerate().take(scenarios.len()) {
            self.positions[usize::from(*index).min(MAX_SCENARIOS - 1)] = slot as u8;
        }
        self.ends = next;
        self.len = scenarios.len();
        Ok(())
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

/// The multiplier in Q40, nearest. 1e9 = 2^9 * 1 953 125.
#[inline(always)]
fn ratio_q40(spot: Multiplier) -> u64 {
    const ODD: u64 = 1_953_125;
    quotient((spot.0 << 31).wrapping_add(ODD >> 1), ODD) // 8e9 < 2^33, and far enough below
}

/// One scenario of one expiry.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Node {
    /// Shocked D F in ticks, below 2^38.
    pub(crate) forward: Fx,
    /// ln(shocked F / F), Q32; |.| <= 21 (44.4 inside a settlement window).
    pub(crate) ln_shift: Fx,
}

/// A scenario set applied to one expiry: shocked forwards in ticks.
///
/// A tick is the power of two of 1e-12 USD that puts the largest shocked forward just below 2^38 ticks, so every
/// price level keeps the same relative resolution, and strikes up to four times that forward stay below 2^40. About 800 bytes: mind the 4 KiB stack frames of the SVM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScenarioGrid {
    pub(crate) nodes: [Node; MAX_SCENARIOS],
    positions: [u8; MAX_SCENARIOS],
    /// End of each level's nodes; inside a level they ascend by `ln_shift`.
    pub(crate) ends: [usize; 3],
    len: usize,
    /// One tick is 2^tick_exponent of 1e-12 USD.
    pub(crate) tick_exponent: Fx,
    pub(crate) discount: u64,
}

impl ScenarioGrid {
    /// A grid without scenarios, to be filled in place.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            nodes: [Node { forward: Fx::ZERO, ln_shift: Fx::ZERO }; MAX_SCENARIOS],
            positions: [0; MAX_SCENARIOS],
            ends: [0; 3],
            len: 0,
            tick_exponent: Fx::ZERO,
            discount: 0,
        }
    }

    /// Applies scenarios to an expiry. On-chain, prepare one [`ScenarioSet`] and [`ScenarioGrid::fill`] instead.
    ///
    /// # Errors
    /// `TooManyScenarios`, `MultiplierOutOfRange`.
    pub fn prepare(expiry: &Expiry, scenarios: &[Scenario]) -> Result<Self, KernelError> {
        let set = ScenarioSet::prepare(scenarios)?;
        let mut grid = Self::empty();
        grid.fill(expiry, &set);
        Ok(grid)
    }

    /// Applies a set to an expiry, in place; whatever the grid held is replaced.
    #[inline(never)]
    pub fn fill(&mut self, expiry: &Expiry, set: &ScenarioSet) {
        self.positions = set.positions;
        self.ends = set.ends;
        self.len = set.len;
        self.discount = expiry.discount;
        if expiry.variable != expiry.forward {
            self.fill_window(expiry, set);
            return;
        }
        let spot = expiry.spot >> 22; // [2^39, 2^40), in 2^(spot_exponent + 22)
        let (high, low) = (spot >> 20, spot & 0xf_ffff);
        // 20 bits * 43 bits each, and the sum is spot * ratio / 2^20 < 2^63.
        let scaled = |ratio: u64| Fx::from_bits(high.wrapping_mul(ratio)) + Fx::from_bits(low.wrapping_mul(ratio) >> 20);
        let right = (Fx(26) - leading_zeros(scaled(set.largest).bits() | 1)).max(Fx::ZERO); // leaves 38 bits
        self.tick_exponent = expiry.spot_exponent + right + Fx(2);
        let half = Fx(1) << right >> 1;
        for (node, shock) in self.nodes.iter_mut().zip(&set.shocks[..set.len]) {
            *node = Node { forward: top((scaled(shock.ratio) + half) >> right), ln_shift: shock.ln };
        }
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

    /// Where the caller's scenarios lie in the kernel's order; all below [`MAX_SCENARIOS`].
    #[inline(always)]
    pub(crate) fn positions(&self) -> &[u8] {
        &self.positions[..self.len]
    }

    /// Where the caller's `index`-th scenario lies in the kernel's order.
    #[inline(always)]
    pub(crate) fn position(&self, index: usize) -> Option<usize> {
        if index < self.len { self.positions.get(index).map(|&position| usize::from(position)) } else { None }
    }

    /// Inside a settlement window the ratio of the forwards is no constant of the scenario.
    #[inline(never)]
    fn fill_window(&mut self, expiry: &Expiry, set: &ScenarioSet) {
        // The whole forward is not zero, and a shocked one is at most 8 times it.
        let scaled = |forward: Price| {
            let ratio = (u128::from(forward.0) << 60) / u128::from(expiry.forward.0.max(1));
            Fx::from_bits(mul_high(expiry.spot, ratio as u64)) // in 2^(spot_exponent + 4), below 2^61
        };
        let largest = scaled(window_forward(expiry, set.largest)).bits() | 1;
        let right = (Fx(26) - leading_zeros(largest)).max(Fx::ZERO);
        self.tick_exponent = expiry.spot_exponent + right + Fx(4);
        let half = Fx(1) << right >> 1;
        for (node, shock) in self.nodes.iter_mut().zip(&set.shocks[..set.len]) {
            let forward = window_forward(expiry, shock.ratio);
            let ln_shift = (Normal::new(forward.0).ln() - expiry.ln_forward) >> 24;
            *node = Node { forward: top((scaled(forward) + half) >> right), ln_shift };
        }
    }
}

/// Rounding may lift the largest forward to 2^38 itself: stay one below.
#[inline(always)]
fn top(forward: Fx) -> Fx {
    forward.min(Fx::power(38) - Fx(1))
}

/// fixed + variable * ratio, rounded down, at least 1e-12 USD.
fn window_forward(expiry: &Expiry, ratio: u64) -> Price {
    let variable = (u128::from(expiry.variable.0) * u128::from(ratio)) >> 40;
    let fixed = u128::from(expiry.forward.0.wrapping_sub(expiry.variable.0)); // the variable part is a part
    Price((variable + fixed).clamp(1, u128::from(u64::MAX)) as u64)
}
