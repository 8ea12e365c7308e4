//! Scenarios and sets of them.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "operators are those of Fx or argued inline; indices are below MAX_SCENARIOS, which is checked first; \
              quotients of constants truncate below 2^-60"
)]

use crate::elementary::Normal;
use crate::error::KernelError;
use crate::fx::{Fx, quotient};
use crate::quantities::{Multiplier, Vol};

/// Most scenarios of one set: 40 of a risk grid, the marks and two forward shocks.
pub const MAX_SCENARIOS: usize = 43;
/// Number of [`VolLevel`]s, and of those that move spot: the others come last.
pub(crate) const LEVELS: usize = 5;
pub(crate) const SPOT_LEVELS: usize = 3;
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
    /// The smile tilted: higher above the forward, lower below it.
    SkewLinear = 3,
    /// The smile steepened on both sides of the forward.
    SkewAbs = 4,
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
    /// Vol of `SkewLinear` scenarios; anything in a set without them.
    pub skew_linear: Vol,
    /// Vol of `SkewAbs` scenarios; anything in a set without them.
    pub skew_abs: Vol,
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
    /// The slot of each of the caller's scenarios.
    pub(crate) positions: [u8; MAX_SCENARIOS],
    /// Number of each level's slots; inside a level they ascend by multiplier.
    pub(crate) counts: [usize; LEVELS],
    len: usize,
    /// Largest multiplier, Q40.
    pub(crate) largest: u64,
}

/// A set while scenarios are added.
pub(crate) struct Filling {
    counts: [usize; LEVELS],
    len: usize,
    largest: u64,
    /// Level and logarithm of the scenario before.
    last: (usize, Fx),
    is_unsorted: bool,
}

/// One scenario's spot move.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Shock {
    /// Multiplier, Q40, nearest: at most 2^43.
    pub(crate) ratio: u64,
    /// Its logarithm, Q32; |.| <= 21.
    pub(crate) ln: Fx,
}

impl Shock {
    #[inline(always)]
    fn new(scenario: &Scenario) -> Result<Self, KernelError> {
        // Wrapping: zero becomes the largest number.
        if scenario.spot.0.wrapping_sub(1) >= MAX_MULTIPLIER.0 {
            return Err(KernelError::MultiplierOutOfRange);
        }
        Ok(Self { ratio: ratio_q40(scenario.spot), ln: Fx(scenario.ln_spot) >> 24 })
    }
}

impl ScenarioSet {
    /// A set without scenarios, to be filled in place.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            shocks: [Shock { ratio: 0, ln: Fx::ZERO }; MAX_SCENARIOS],
            positions: [0; MAX_SCENARIOS],
            counts: [0; LEVELS],
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
        self.fill_from(scenarios.iter().copied())
    }

    /// [`ScenarioSet::fill`] from scenarios that do not lie side by side.
    ///
    /// # Errors
    /// As [`ScenarioSet::prepare`].
    #[inline]
    pub fn fill_from(&mut self, scenarios: impl Iterator<Item = Scenario> + Clone) -> Result<(), KernelError> {
        let mut filling = self.begin();
        for scenario in scenarios.clone() {
            self.push(&mut filling, &scenario)?;
        }
        self.end(&filling, scenarios)
    }

    /// Starts to fill the set.
    #[inline(always)]
    pub(crate) fn begin(&mut self) -> Filling {
        (self.counts, self.len, self.largest) = ([0; LEVELS], 0, 0);
        Filling { counts: [0; LEVELS], len: 0, largest: 0, last: (0, Fx(i64::MIN)), is_unsorted: false }
    }

    /// The next scenario.
    #[inline(always)]
    pub(crate) fn push(&mut self, filling: &mut Filling, scenario: &Scenario) -> Result<(), KernelError> {
        let len = filling.len;
        if len >= MAX_SCENARIOS {
            return Err(KernelError::TooManyScenarios);
        }
        let shock = Shock::new(scenario)?;
        let level = scenario.vol as usize;
        filling.is_unsorted |= level < filling.last.0 || (level == filling.last.0 && shock.ln < filling.last.1);
        filling.last = (level, shock.ln);
        self.shocks[len] = shock;
        self.positions[len] = len as u8;
        filling.counts[level] = filling.counts[level].wrapping_add(1); // at most MAX_SCENARIOS
        filling.largest = filling.largest.max(shock.ratio);
        filling.len = len.wrapping_add(1);
        Ok(())
    }

    /// Ends the filling with the same scenarios: sets that came in the kernel's order, by level and multiplier, are done.
    #[inline(always)]
    pub(crate) fn end(
        &mut self,
        filling: &Filling,
        scenarios: impl Iterator<Item = Scenario>,
    ) -> Result<(), KernelError> {
        if filling.is_unsorted {
            self.sort(scenarios, &filling.counts)?;
        }
        (self.counts, self.len, self.largest) = (filling.counts, filling.len, filling.largest);
        Ok(())
    }

    /// Puts scenarios into the kernel's order.
    #[inline(never)]
    fn sort(&mut self, scenarios: impl Iterator<Item = Scenario>, counts: &[usize; LEVELS]) -> Result<(), KernelError> {
        let mut order = [0u8; MAX_SCENARIOS];
        let mut starts = [0usize; LEVELS];
        for level in 1..LEVELS {
            starts[level] = starts[level - 1].wrapping_add(counts[level - 1]);
        }
        let mut next = starts;
        let mut len = 0usize;
        for (index, scenario) in scenarios.take(MAX_SCENARIOS).enumerate() {
            let (start, end) = (starts[scenario.vol as usize], &mut next[scenario.vol as usize]);
            let shock = Shock::new(&scenario)?;
            // Insertion by ln: usual sets come in runs, so this moves little.
            let mut slot = *end;
            while slot > start && self.shocks[slot.wrapping_sub(1)].ln > shock.ln {
                self.shocks[slot] = self.shocks[slot.wrapping_sub(1)];
                order[slot] = order[slot.wrapping_sub(1)];
                slot = slot.wrapping_sub(1);
            }
            self.shocks[slot] = shock;
            order[slot] = index as u8;
            *end = end.wrapping_add(1);
            len = len.wrapping_add(1);
        }
        for (slot, index) in order.iter().enumerate().take(len) {
            self.positions[usize::from(*index).min(MAX_SCENARIOS - 1)] = slot as u8;
        }
        Ok(())
    }

    /// Makes room for a multiplier that the set does not have: values then come out, to the bit, as in a set that has it.
    pub fn reach(&mut self, spot: Multiplier) {
        self.largest = self.largest.max(ratio_q40(spot.min(MAX_MULTIPLIER)));
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

    /// Where the caller's `index`-th scenario lies among the slots.
    #[inline(always)]
    pub(crate) fn position(&self, index: usize) -> Option<usize> {
        if index < self.len { self.positions.get(index).map(|&position| usize::from(position)) } else { None }
    }

    /// The scenarios in the kernel's order.
    #[inline(always)]
    pub(crate) fn shocks(&self) -> &[Shock] {
        self.shocks.get(..self.len).unwrap_or(&[])
    }
}

/// The multiplier in Q40, nearest. 1e9 = 2^9 * 1 953 125.
#[inline(always)]
fn ratio_q40(spot: Multiplier) -> u64 {
    const ODD: u64 = 1_953_125;
    quotient((spot.0 << 31).wrapping_add(ODD >> 1), ODD) // 8e9 < 2^33, and far enough below
}
