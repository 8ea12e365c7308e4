use anchor_lang::prelude::*;

use crate::{
    constants::MAX_SCENARIOS,
    state::{VolShock, assert_layout},
};

/// The cross-underlying model of an engine: scenarios of one market factor, and the floor for the day correlations break.
///
/// PDA of `["correlation", engine]`. Read by checks of portfolio accounts while `Engine::correlates` is set.
#[account(zero_copy)]
#[derive(Debug)]
#[repr(C)]
pub struct CorrelationModel {
    pub version: u8,
    pub bump: u8,
    pub scenario_count: u8,
    pub _padding: [u8; 5],
    pub engine: Pubkey,
    /// precision: 1e-9. Least share of the stand-alone scan risks.
    pub floor: u64,
    pub scenarios: [FactorScenario; MAX_SCENARIOS],
    pub _reserved: [u8; 128],
}
assert_layout!(CorrelationModel, 1_136);

/// A scenario of the market factor.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FactorScenario {
    /// precision: 1e-9. Move of the factor; an underlying with a beta of one moves by as much.
    pub market_move: i64,
    /// precision: 1e-9. The sum of profits is multiplied by this.
    pub weight: u64,
    /// A [`VolShock`]; never a skew.
    pub vol: u8,
    pub _padding: [u8; 7],
}
assert_layout!(FactorScenario, 24);

/// Instruction argument that becomes a [`FactorScenario`].
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorScenarioArgs {
    /// precision: 1e-9.
    pub market_move: i64,
    /// precision: 1e-9.
    pub weight: u64,
    pub vol: VolShock,
}

impl CorrelationModel {
    pub fn scenarios(&self) -> &[FactorScenario] {
        let count = usize::from(self.scenario_count).min(MAX_SCENARIOS);
        &self.scenarios[..count]
    }
}
