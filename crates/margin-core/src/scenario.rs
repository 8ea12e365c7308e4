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
/// Bytes of a stored set's table; it uses the first 48.
pub(crate) const STORED: usize = 64;
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
    /// The slot of each of the caller's scenarios, unless they came in the kernel's order.
    pub(crate) positions: [u8; MAX_SCENARIOS],
    pub(crate) is_sorted: bool,
    /// Number of each level's slots; inside a level they ascend by multiplier.
    pub(crate) counts: [usize; LEVELS],
    len: usize,
    /// Largest multiplier, Q40.
    pub(crate) largest: u64,
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
    /// Nothing moves.
    pub(crate) const NONE: Self = Self { ratio: 1 << 40, ln: Fx::ZERO };

    /// As [`ScenarioSet::store`] wrote it.
    #[inline(always)]
    pub(crate) fn stored([ratio, ln]: &[i64; 2]) -> Self {
        Self { ratio: *ratio as u64, ln: Fx(*ln) }
    }

    #[inline(always)]
    pub(crate) fn new(scenario: &Scenario) -> Result<Self, KernelError> {
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
            is_sorted: true,
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
        self.clear();
        let shocks = scenarios.clone().map(|scenario| Shock::new(&scenario));
        let len = self.append(0, shocks)?;
        self.arrange(len, scenarios.map(|scenario| scenario.vol))
    }

    /// No scenario, for [`ScenarioSet::append`] and [`ScenarioSet::arrange`].
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        (self.counts, self.len, self.largest, self.is_sorted) = ([0; LEVELS], 0, 0, true);
    }

    /// Adds scenarios to the `len` so far; how many it are then.
    // Here and in `arrange` the loops are so small that they need no memory of their own.
    #[inline(always)]
    pub(crate) fn append(
        &mut self,
        len: usize,
        shocks: impl Iterator<Item = Result<Shock, KernelError>>,
    ) -> Result<usize, KernelError> {
        let mut len = len;
        for shock in shocks {
            *self.shocks.get_mut(len).ok_or(KernelError::TooManyScenarios)? = shock?;
            len = len.wrapping_add(1); // at most MAX_SCENARIOS
        }
        Ok(len)
    }

    /// Brings the `len` scenarios into the kernel's order, given the level of each; sets that come in it, by level and
    /// multiplier, are only looked through.
    #[inline(always)]
    pub(crate) fn arrange(
        &mut self,
        len: usize,
        levels: impl Iterator<Item = VolLevel> + Clone,
    ) -> Result<(), KernelError> {
        let mut last = (0usize, Fx(i64::MIN));
        let mut is_sorted = true;
        for (shock, level) in self.shocks.iter().zip(levels.clone()) {
            let level = level as usize;
            if level != last.0 {
                is_sorted &= level > last.0;
            } else {
                is_sorted &= shock.ln >= last.1;
            }
            last = (level, shock.ln);
            self.counts[level] = self.counts[level].wrapping_add(1); // at most MAX_SCENARIOS
        }
        self.len = len;
        self.is_sorted = is_sorted;
        if !is_sorted {
            self.sort(levels);
        }
        // The last of each level is its largest.
        let mut end = 0usize;
        for count in self.counts {
            end = end.wrapping_add(count);
            if count != 0 {
                self.largest = self.largest.max(self.shocks[end.wrapping_sub(1)].ratio);
            }
        }
        Ok(())
    }

    /// Puts scenarios into the kernel's order.
    #[inline(never)]
    fn sort(&mut self, levels: impl Iterator<Item = VolLevel>) {
        let mut order = [0u8; MAX_SCENARIOS];
        let mut starts = [0usize; LEVELS];
        for level in 1..LEVELS {
            starts[level] = starts[level - 1].wrapping_add(self.counts[level - 1]);
        }
        let mut next = starts;
        let unsorted = self.shocks;
        for (index, (shock, level)) in unsorted.iter().zip(levels).take(self.len).enumerate() {
            let (start, end) = (starts[level as usize], &mut next[level as usize]);
            // Insertion by ln: usual sets come in runs, so this moves little.
            let mut slot = *end;
            while slot > start && self.shocks[slot.wrapping_sub(1)].ln > shock.ln {
                self.shocks[slot] = self.shocks[slot.wrapping_sub(1)];
                order[slot] = order[slot.wrapping_sub(1)];
                slot = slot.wrapping_sub(1);
            }
            self.shocks[slot] = *shock;
            order[slot] = index as u8;
            *end = end.wrapping_add(1);
        }
        for (slot, index) in order.iter().enumerate().take(self.len) {
            self.positions[usize::from(*index).min(MAX_SCENARIOS - 1)] = slot as u8;
        }
    }

    /// Takes in what [`ScenarioSet::store`] wrote, but for the shocks, which stay where they are.
    ///
    /// # Errors
    /// `TooManyScenarios` for other data.
    #[inline(always)]
    pub(crate) fn load(
        &mut self,
        shocks: &[[i64; 2]; MAX_SCENARIOS],
        table: &[u8; STORED],
        is_sorted: bool,
    ) -> Result<(), KernelError> {
        self.clear();
        let (positions, counts) = table.split_at(MAX_SCENARIOS);
        let mut len = 0usize;
        for (count, stored) in self.counts.iter_mut().zip(counts) {
            *count = usize::from(*stored);
            len = len.wrapping_add(*count);
            if *count != 0 {
                // The last of each level is its largest.
                let last = shocks.get(len.wrapping_sub(1)).ok_or(KernelError::TooManyScenarios)?;
                self.largest = self.largest.max(last[0] as u64);
            }
        }
        if !is_sorted {
            self.positions.copy_from_slice(positions);
        }
        (self.len, self.is_sorted) = (len, is_sorted);
        Ok(())
    }

    /// Writes the set down: the shocks by slot, then in the table the slots of the scenarios and the levels' counts.
    pub(crate) fn store(&self, shocks: &mut [[i64; 2]; MAX_SCENARIOS], table: &mut [u8; STORED]) {
        for (stored, shock) in shocks.iter_mut().zip(self.shocks()) {
            *stored = [shock.ratio as i64, shock.ln.0]; // at most 2^43
        }
        for (index, slot) in table.iter_mut().take(self.len).enumerate() {
            *slot = self.position(index).unwrap_or(0) as u8;
        }
        for (slot, count) in table.iter_mut().skip(MAX_SCENARIOS).zip(self.counts) {
            *slot = count as u8; // at most MAX_SCENARIOS
        }
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

    /// Number of scenarios that move spot; the others' slots follow theirs.
    #[inline(always)]
    pub(crate) fn spot_moves(&self) -> usize {
        self.counts.iter().take(SPOT_LEVELS).fold(0usize, |sum, count| sum.wrapping_add(*count))
    }

    /// Where the caller's `index`-th scenario lies among the slots.
    #[inline(always)]
    pub(crate) fn position(&self, index: usize) -> Option<usize> {
        position(index, self.len, if self.is_sorted { None } else { Some(&self.positions) })
    }

    /// The scenarios in the kernel's order.
    #[inline(always)]
    pub(crate) fn shocks(&self) -> &[Shock] {
        self.shocks.get(..self.len).unwrap_or(&[])
    }
}

/// The slot of the `index`-th of `len` scenarios, which lie as they came or at `positions`.
#[inline(always)]
pub(crate) fn position(index: usize, len: usize, positions: Option<&[u8; MAX_SCENARIOS]>) -> Option<usize> {
    match positions {
        _ if index >= len => None,
        Some(positions) => positions.get(index).map(|&position| usize::from(position)),
        None => Some(index),
    }
}

/// The multiplier in Q40, nearest. 1e9 = 2^9 * 1 953 125.
#[inline(always)]
fn ratio_q40(spot: Multiplier) -> u64 {
    const ODD: u64 = 1_953_125;
    quotient((spot.0 << 31).wrapping_add(ODD >> 1), ODD) // 8e9 < 2^33, and far enough below
}
