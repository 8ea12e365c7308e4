use anchor_lang::prelude::*;
use margin_core::{
    MAX_SCENARIOS as PREPARED_SCENARIOS, Multiplier, Scenario as CoreScenario, VolLevel,
    portfolio::{self as model, GRID_TABLE, GridScenario, Scenarios, Scratch, StoredGrid},
};

use crate::{
    constants::{MAX_SCENARIOS, RATIO_ONE},
    error::EngineError,
    risk::margin_error,
    state::{Underlying, assert_layout},
};

/// How a scenario moves vol. Stored as one byte; the order is the kernel's.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum VolShock {
    Up,
    None,
    Down,
    /// The smile tilted: higher above the forward, lower below it. Spot does not move.
    SkewLinear,
    /// The smile steepened on both sides of the forward. Spot does not move.
    SkewAbs,
}

impl VolShock {
    /// Bytes are only written from this type; an unknown one shocks vol upwards.
    pub fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::None,
            2 => Self::Down,
            3 => Self::SkewLinear,
            4 => Self::SkewAbs,
            _ => Self::Up,
        }
    }
}

impl From<VolShock> for VolLevel {
    fn from(shock: VolShock) -> Self {
        match shock {
            VolShock::Up => Self::Up,
            VolShock::None => Self::None,
            VolShock::Down => Self::Down,
            VolShock::SkewLinear => Self::SkewLinear,
            VolShock::SkewAbs => Self::SkewAbs,
        }
    }
}

/// One cell of the risk grid.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Scenario {
    /// precision: 1e-9. Spot multiplier that the grid was designed with.
    pub design_spot: u64,
    /// precision: 1e-9. Spot is multiplied by this: the design's, scaled by an adaptive range.
    pub spot: u64,
    /// ln of `spot` in the kernel's format, computed when `spot` is set.
    pub ln_spot: i64,
    /// precision: 1e-9. The scenario's profit or loss is multiplied by this.
    pub weight: u32,
    /// A [`VolShock`].
    pub vol: u8,
    /// 1: a tail, for which the model's extended range and dampener hold.
    pub extended: u8,
    pub _padding: [u8; 2],
}
assert_layout!(Scenario, 32);

/// Instruction argument that becomes a [`Scenario`].
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScenarioArgs {
    /// precision: 1e-9; one in a skew scenario.
    pub spot: u64,
    /// precision: 1e-9.
    pub weight: u32,
    pub vol: VolShock,
    pub extended: bool,
}

/// A risk grid as the kernel wants it: derived from the scenarios and the forward contingency, so that a margin check need
/// not.
#[zero_copy]
#[derive(Debug)]
#[repr(C)]
pub struct PreparedGrid {
    pub shocks: [[i64; 2]; PREPARED_SCENARIOS],
    pub table: [u8; GRID_TABLE],
}
assert_layout!(PreparedGrid, 752);

impl ScenarioArgs {
    fn prepare(&self) -> Result<Scenario> {
        // Only the logarithm is taken from the kernel's scenario; it does not depend on the vol level.
        let kernel = CoreScenario::new(Multiplier(self.spot), VolLevel::None).map_err(|_| EngineError::ScenarioSpot)?;
        Ok(Scenario {
            design_spot: self.spot,
            spot: self.spot,
            ln_spot: kernel.ln_spot,
            weight: self.weight,
            vol: self.vol as u8,
            extended: u8::from(self.extended),
            _padding: [0; 2],
        })
    }
}

impl Underlying {
    /// Takes in a risk grid, unscaled, for the parameters it has.
    pub fn set_scenarios(&mut self, scenarios: &[ScenarioArgs]) -> Result<()> {
        require!((1..=MAX_SCENARIOS).contains(&scenarios.len()), EngineError::ScenarioCount);
        for (slot, args) in self.scenarios.iter_mut().zip(scenarios) {
            *slot = args.prepare()?;
        }
        self.scenario_count = scenarios.len() as u8;
        self.adaptive.scale = RATIO_ONE;
        self.prepare_grid()
    }

    /// Derives the prepared grid anew, after any change of scenarios or parameters.
    #[inline(never)]
    pub fn prepare_grid(&mut self) -> Result<()> {
        let grid: Vec<GridScenario> = self.scenarios().iter().map(GridScenario::from).collect();
        let parameters = model::RiskParameters::from(&self.risk);
        let mut scratch = Box::new(Scratch::new());
        let StoredGrid { shocks, table } =
            StoredGrid::prepare(&parameters, &grid, &mut scratch).map_err(margin_error)?;
        self.prepared_grid = PreparedGrid { shocks, table };
        Ok(())
    }

    /// The prepared grid for the kernel, beside its scenarios.
    pub fn kernel_grid<'a>(&'a self, scenarios: &'a dyn Scenarios) -> model::PreparedGrid<'a> {
        model::PreparedGrid { shocks: &self.prepared_grid.shocks, table: &self.prepared_grid.table, scenarios }
    }
}
