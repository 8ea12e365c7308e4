//! A risk grid as the scan wants it, in plain integers: made when parameters are set and stored, it spares every margin check
//! two thousand compute units.

use super::{GridScenario, MAX_GRID, MarginError, Ratio, RiskParameters, Scratch};
use crate::{MAX_SCENARIOS, scenario};

/// Numbers of a [`StoredGrid`]'s table.
pub const GRID_TABLE: usize = scenario::STORED;

/// Where the table holds what, after the scenario set's numbers: single bytes, and from `WHOLE` on eight for a bit of each
/// scenario whose profit counts as it is, neither weighted nor a tail.
pub(super) const MARK: usize = 48;
pub(super) const UP: usize = 49;
pub(super) const DOWN: usize = 50;
pub(super) const FLAGS: usize = 51;
pub(super) const GRID_LEN: usize = 52;
pub(super) const WHOLE: usize = 56;
/// Scenarios lie as they came; the forward contingency has its two forwards.
pub(super) const IS_SORTED: u8 = 1;
pub(super) const HAS_BASIS: u8 = 2;
pub(super) const NO_WEIGHT_ABOVE_ONE: u8 = 4;

/// A prepared grid in plain integers, 752 bytes without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct StoredGrid {
    /// By slot: the multiplier in Q40 and its logarithm in Q32.
    pub shocks: [[i64; 2]; MAX_SCENARIOS],
    /// Slots and counts; opaque.
    pub table: [u8; GRID_TABLE],
}

/// Scenarios of a grid where they lie, in whatever form.
pub trait Scenarios: core::fmt::Debug {
    /// How many they are.
    fn count(&self) -> usize;
    /// One of them.
    fn get(&self, index: usize) -> Option<GridScenario>;
    /// Its weight alone; zero beyond the grid.
    fn weight(&self, index: usize) -> Ratio;
}

impl<T: core::fmt::Debug> Scenarios for &[T]
where
    for<'a> GridScenario: From<&'a T>,
{
    fn count(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> Option<GridScenario> {
        <[T]>::get(self, index).map(GridScenario::from)
    }

    fn weight(&self, index: usize) -> Ratio {
        <[T]>::get(self, index).map_or(Ratio::ZERO, |scenario| GridScenario::from(scenario).weight)
    }
}

/// A stored grid where it lies.
#[derive(Clone, Copy, Debug)]
pub struct PreparedGrid<'a> {
    /// [`StoredGrid::shocks`].
    pub shocks: &'a [[i64; 2]; MAX_SCENARIOS],
    /// [`StoredGrid::table`].
    pub table: &'a [u8; GRID_TABLE],
    /// The grid that it was prepared from: most assessments look at few of its scenarios.
    pub scenarios: &'a dyn Scenarios,
}

impl StoredGrid {
    /// Prepares a grid for a model. Do it again whenever one of them changes: the forward contingency's forwards are part
    /// of it.
    ///
    /// # Errors
    /// `ScenarioCount`; [`MarginError::Kernel`] for a multiplier out of range.
    pub fn prepare(
        parameters: &RiskParameters,
        grid: &[GridScenario],
        scratch: &mut Scratch,
    ) -> Result<Self, MarginError> {
        if grid.is_empty() || grid.len() > MAX_GRID {
            return Err(MarginError::ScenarioCount);
        }
        scratch.start(grid, parameters, parameters.basis.is_active())?;
        let mut stored = Self { shocks: [[0; 2]; MAX_SCENARIOS], table: [0; GRID_TABLE] };
        scratch.store(grid, &mut stored)?;
        Ok(stored)
    }

    /// The grid where it lies, beside the scenarios that it was prepared from.
    #[must_use]
    pub const fn view<'a>(&'a self, scenarios: &'a dyn Scenarios) -> PreparedGrid<'a> {
        PreparedGrid { shocks: &self.shocks, table: &self.table, scenarios }
    }
}
