//! Our default margin model, and what a transaction of the engine asks of the runtime.
//!
//! The risk grid has 31 scenarios. With the step `s` of the asset:
//!
//! | spot | vol | weight |
//! |---|---|---|
//! | 0, ±1s, ±2s, ±3s | Down, None, Up | 1 |
//! | ±4s | None, Up | 1 |
//! | −66 %, −33 %, +50 %, +100 %, +200 %, +300 % | Up | s·4/5 / move |
//!
//! The grid is the daily range of an ordinary crisis; vol falls or rises with it, but hardly falls at its edge. The tails
//! guard against short options far out of the money, which cost next to nothing inside the grid. Their weights make a
//! linear book lose a fifth of what it loses at the edge, so that they bind for convex books alone.

use margin_engine::state::{LiquidationParameters, RiskParameters, ScenarioArgs, VolShock};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::Instruction;

const ONE: u64 = 1_000_000_000;
const PERCENT: u32 = 10_000_000;

/// A margin model: what `UnderlyingAddArgs` takes besides oracle and lot size.
#[derive(Clone, Debug)]
pub struct MarginModel {
    pub risk: RiskParameters,
    pub scenarios: Vec<ScenarioArgs>,
}

/// For BTC and ETH: grid of ±18 % in steps of 4.5 %.
#[must_use]
pub fn major() -> MarginModel {
    MarginModel { risk: risk_parameters(), scenarios: risk_grid(45_000_000) }
}

/// For assets that move more, such as SOL: grid of ±24 % in steps of 6 %, and dearer perpetuals and naked shorts.
#[must_use]
pub fn high_beta() -> MarginModel {
    let risk = RiskParameters {
        perpetual_maintenance: 2 * PERCENT,
        perpetual_initial: PERCENT,
        short_option_maintenance: PERCENT / 2,
        short_option_initial: PERCENT / 2,
        min_vol_up: 60_000_000,
        ..risk_parameters()
    };
    MarginModel { risk, scenarios: risk_grid(60_000_000) }
}

/// Parameters of [`major`].
///
/// Vol rises by 50 % or falls by 27.5 % at thirty days, by more for shorter times and less for longer ones, and is never
/// below 45 % in an Up scenario. Maintenance margin takes 80 % of the scan risk. A perpetual costs 1.5 % of its notional
/// and 0.5 % more in initial margin, a naked short option 0.3 % and 0.2 %.
fn risk_parameters() -> RiskParameters {
    RiskParameters {
        vol_range_up: 50 * PERCENT,
        vol_range_down: 27 * PERCENT + PERCENT / 2,
        short_term_power: 30 * PERCENT,
        long_term_power: 13 * PERCENT,
        tenor_floor: 86_400,
        initial_factor: 100 * PERCENT,
        maintenance_factor: 80 * PERCENT,
        perpetual_maintenance: PERCENT + PERCENT / 2,
        perpetual_initial: PERCENT / 2,
        short_option_maintenance: 3 * PERCENT / 10,
        short_option_initial: PERCENT / 5,
        min_vol_up: 45_000_000,
    }
}

/// The grid of this module's table for a step in 1e-9.
#[must_use]
pub fn risk_grid(step: u64) -> Vec<ScenarioArgs> {
    use VolShock::{Down, None, Up};
    let full = |spot, vol| ScenarioArgs { spot, weight: ONE as u32, vol };
    let mut grid = Vec::with_capacity(31);
    for steps in (0..=4u64).rev() {
        let vols: &[VolShock] = if steps == 4 { &[None, Up] } else { &[Down, None, Up] };
        grid.extend(vols.iter().map(|vol| full(ONE + steps * step, *vol)));
    }
    for steps in 1..=4u64 {
        let vols: &[VolShock] = if steps == 4 { &[None, Up] } else { &[Down, None, Up] };
        grid.extend(vols.iter().map(|vol| full(ONE - steps * step, *vol)));
    }
    for spot in [340_000_000, 670_000_000, 1_500_000_000, 2_000_000_000, 3_000_000_000, 4_000_000_000u64] {
        // A fifth of the edge's move over this move, rounded up; below one because every tail lies beyond the edge.
        let weight = (4 * step * ONE / 5).div_ceil(spot.abs_diff(ONE)).min(ONE);
        grid.push(ScenarioArgs { spot, weight: weight as u32, vol: Up });
    }
    // The kernel's own order saves a sort in every margin check, some 3 500 compute units an underlying.
    let level = |vol| match vol {
        Up => 0,
        None => 1,
        Down => 2,
    };
    grid.sort_by_key(|scenario| (level(scenario.vol), scenario.spot));
    grid
}

/// Liquidation in its first form: bidders pay 95 % of the value, an account leaves liquidation 10 % of its requirement
/// above maintenance, and accounts of up to 100 quote tokens (of six decimals) go whole.
#[must_use]
pub fn liquidation() -> LiquidationParameters {
    LiquidationParameters { discount: 5 * PERCENT, buffer: 10 * PERCENT, small_account: 100_000_000 }
}

/// Most compute units that a transaction may ask for.
pub const MAX_COMPUTE_UNITS: u32 = 1_400_000;

/// Sets a transaction's compute-unit limit.
#[must_use]
pub fn compute_unit_limit(units: u32) -> Instruction {
    ComputeBudgetInstruction::set_compute_unit_limit(units.min(MAX_COMPUTE_UNITS))
}

/// Sets a transaction's priority fee in micro-lamports per compute unit.
#[must_use]
pub fn compute_unit_price(micro_lamports: u64) -> Instruction {
    ComputeBudgetInstruction::set_compute_unit_price(micro_lamports)
}
