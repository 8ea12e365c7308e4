use anchor_lang::prelude::*;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    constants::{MAX_EXPIRIES, MAX_SCENARIOS},
    state::{OracleConfig, assert_layout},
};

/// An asset on which options and perpetuals trade: its oracle, margin model and vol surface.
///
/// PDA of `["underlying", engine, index]`. One account for all instruments of the asset.
#[account(zero_copy)]
#[derive(Debug)]
#[repr(C)]
pub struct Underlying {
    pub version: u8,
    pub bump: u8,
    pub scenario_count: u8,
    pub _padding: [u8; 3],
    pub index: u16,
    /// ASCII, zero-padded.
    pub symbol: [u8; 16],
    pub engine: Pubkey,
    /// Publishes surfaces, forwards and rates.
    pub publisher: Pubkey,
    pub oracle: OracleConfig,
    /// precision: 1e-9 units of the underlying in one lot.
    pub lot_size: u64,
    /// precision: seconds. Oldest surface that may raise risk.
    pub max_surface_age: u32,
    /// precision: seconds. Oldest surface that liquidation accepts.
    pub liquidation_max_surface_age: u32,
    pub risk: RiskParameters,
    pub scenarios: [Scenario; MAX_SCENARIOS],
    pub expiries: [ExpirySlot; MAX_EXPIRIES],
    pub _reserved: [u8; 512],
}
assert_layout!(Underlying, 3_432);

/// The margin model of one underlying. Ratios in 1e-9. `docs/risk-model.md` gives the formulas.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct RiskParameters {
    /// precision: 1e-9. Vol in an Up scenario is raised by this share, times the tenor multiplier.
    pub vol_range_up: u32,
    /// precision: 1e-9. Vol in a Down scenario is lowered by this share, times the tenor multiplier.
    pub vol_range_down: u32,
    /// precision: 1e-9. Power of the tenor multiplier up to 30 days.
    pub short_term_power: u32,
    /// precision: 1e-9. Power of the tenor multiplier beyond 30 days.
    pub long_term_power: u32,
    /// precision: seconds. The tenor multiplier treats shorter times as this one.
    pub tenor_floor: u32,
    /// precision: 1e-9. Share of the scan risk in initial margin.
    pub initial_factor: u32,
    /// precision: 1e-9. Share of the scan risk in maintenance margin; at most `initial_factor`.
    pub maintenance_factor: u32,
    /// precision: 1e-9 of spot notional. Perpetual charge in both margins.
    pub perpetual_maintenance: u32,
    /// precision: 1e-9 of spot notional. Perpetual charge on top in initial margin.
    pub perpetual_initial: u32,
    /// precision: 1e-9 of spot notional. Charge on naked short options in both margins.
    pub short_option_maintenance: u32,
    /// precision: 1e-9 of spot notional. Charge on naked short options on top in initial margin.
    pub short_option_initial: u32,
    /// precision: 1e-8. Vol in an Up scenario is at least this.
    pub min_vol_up: u32,
}
assert_layout!(RiskParameters, 48);

/// How a scenario moves vol. Stored as one byte.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum VolShock {
    None,
    Up,
    Down,
}

impl VolShock {
    /// Bytes are only written from this type; an unknown one shocks vol upwards.
    pub fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::None,
            2 => Self::Down,
            _ => Self::Up,
        }
    }
}

/// One cell of the risk grid.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Scenario {
    /// precision: 1e-9. Spot is multiplied by this.
    pub spot: u64,
    /// ln of `spot` in the kernel's format, computed once when the scenario is set.
    pub ln_spot: i64,
    /// precision: 1e-9. The scenario's profit or loss is multiplied by this.
    pub weight: u32,
    /// A [`VolShock`].
    pub vol: u8,
    /// 0: a normal scenario (skew scenarios will have their own numbers).
    pub kind: u8,
    pub _padding: [u8; 2],
}
assert_layout!(Scenario, 24);

/// Instruction argument that becomes a [`Scenario`].
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct ScenarioArgs {
    pub spot: u64,
    pub weight: u32,
    pub vol: VolShock,
}

/// Raw SVI of one expiry, `w(k) = a + b·(ρ·(k − m) + √((k − m)² + σ²))`, every parameter in 1e-15.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct SviParameters {
    pub a: i64,
    pub b: i64,
    pub rho: i64,
    pub m: i64,
    pub sigma: i64,
    /// precision: 1e-12 USD. Forward that `k = ln(strike / forward)` refers to.
    pub forward: u64,
    /// precision: seconds. Time to expiry that total variance refers to.
    pub time: u64,
}
assert_layout!(SviParameters, 56);

/// One listed expiry.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ExpirySlot {
    /// Unix seconds; 0: the slot is free.
    pub expiry: i64,
    /// Unix seconds of the last publication; 0: never.
    pub updated_at: i64,
    /// precision: 1e-12 USD. Forward at `spot_reference`; the live one moves with spot in proportion.
    pub forward: u64,
    /// precision: 1e-12 USD. Spot when `forward` was taken.
    pub spot_reference: u64,
    /// precision: 1e-10 a year, continuous.
    pub rate: i64,
    pub svi: SviParameters,
    pub _reserved: [u64; 6],
}
assert_layout!(ExpirySlot, 144);

impl Underlying {
    pub fn scenarios(&self) -> &[Scenario] {
        let count = usize::from(self.scenario_count).min(MAX_SCENARIOS);
        &self.scenarios[..count]
    }

    /// The slot of a listed expiry (0 never matches: it marks a free slot).
    pub fn expiry(&self, expiry: i64) -> Option<&ExpirySlot> {
        self.expiries.iter().find(|slot| slot.expiry == expiry && expiry != 0)
    }
}
