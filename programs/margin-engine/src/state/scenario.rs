use anchor_lang::prelude::*;
use margin_core::VolLevel;

use crate::state::assert_layout;

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
