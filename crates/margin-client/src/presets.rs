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

use margin_engine::{
    instructions::ModelSetArgs,
    state::{
        AdaptiveRange, FactorExposure, LiquidationParameters, PositionCharges, RiskParameters, ScanFactors,
        ScenarioArgs, StandardParameters, VolShock, VolShocks,
    },
};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::Instruction;

const ONE: u64 = 1_000_000_000;
const PERCENT: u64 = 10_000_000;

/// A margin model: parameters and risk grid of an underlying.
#[derive(Clone, Debug)]
pub struct MarginModel {
    pub parameters: ModelSetArgs,
    pub scenarios: Vec<ScenarioArgs>,
}

/// For BTC and ETH: grid of ±18 % in steps of 4.5 %.
#[must_use]
pub fn major() -> MarginModel {
    MarginModel { parameters: parameters(risk_parameters()), scenarios: risk_grid(45_000_000) }
}

/// For assets that move more, such as SOL: grid of ±24 % in steps of 6 %, and dearer perpetuals and naked shorts.
#[must_use]
pub fn high_beta() -> MarginModel {
    let common = risk_parameters();
    let risk = RiskParameters {
        vol: VolShocks { min_vol_up: 60_000_000, ..common.vol },
        charges: PositionCharges {
            perpetual_maintenance: 2 * PERCENT,
            perpetual_initial: PERCENT,
            short_option_maintenance: PERCENT / 2,
            short_option_initial: PERCENT / 2,
        },
        ..common
    };
    MarginModel { parameters: parameters(risk), scenarios: risk_grid(60_000_000) }
}

fn parameters(risk: RiskParameters) -> ModelSetArgs {
    ModelSetArgs {
        risk,
        standard: standard_parameters(),
        exposure: FactorExposure { beta: ONE as i64, residual: 50 * PERCENT },
        adaptive: AdaptiveRange::default(),
    }
}

/// Parameters of [`major`].
///
/// Vol rises by 50 % or falls by 27.5 % at thirty days, by more for shorter times and less for longer ones, and is never
/// below 45 % in an Up scenario. Maintenance margin takes 80 % of the scan risk. A perpetual costs 1.5 % of its notional
/// and 0.5 % more in initial margin, a naked short option 0.3 % and 0.2 %.
fn risk_parameters() -> RiskParameters {
    RiskParameters {
        vol: VolShocks {
            range_up: 50 * PERCENT,
            range_down: 27 * PERCENT + PERCENT / 2,
            short_term_power: 30 * PERCENT,
            long_term_power: 13 * PERCENT,
            tenor_floor: 86_400,
            min_vol_up: 45_000_000,
        },
        scan: ScanFactors { initial: 100 * PERCENT, maintenance: 80 * PERCENT, ..Default::default() },
        charges: PositionCharges {
            perpetual_maintenance: PERCENT + PERCENT / 2,
            perpetual_initial: PERCENT / 2,
            short_option_maintenance: 3 * PERCENT / 10,
            short_option_initial: PERCENT / 5,
        },
        unrealised_profit_cap: RiskParameters::NO_CAP,
        ..Default::default()
    }
}

/// Standard margin of both: what exchanges without portfolio margin ask for a position.
fn standard_parameters() -> StandardParameters {
    StandardParameters {
        perpetual_initial: 10 * PERCENT,
        perpetual_maintenance: 5 * PERCENT,
        most_spot: 15 * PERCENT,
        least_spot: 10 * PERCENT,
        call_maintenance: 7 * PERCENT + PERCENT / 2,
        put_maintenance: 7 * PERCENT + PERCENT / 2,
        put_mark_maintenance: 7 * PERCENT + PERCENT / 2,
        put_initial_over_maintenance: 105 * PERCENT,
        unpaired_initial: 120 * PERCENT,
        unpaired_maintenance: 110 * PERCENT,
        collateral: 80 * PERCENT,
        collateral_initial: 80 * PERCENT,
        ..Default::default()
    }
}

/// The grid of this module's table for a step in 1e-9.
#[must_use]
pub fn risk_grid(step: u64) -> Vec<ScenarioArgs> {
    use VolShock::{Down, None, Up};
    let full = |spot, vol| ScenarioArgs { spot, weight: ONE as u32, vol, extended: false };
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
        grid.push(ScenarioArgs { spot, weight: weight as u32, vol: Up, extended: false });
    }
    // The order that the program demands: the kernel's own.
    grid.sort_by_key(|scenario| (scenario.vol, scenario.spot));
    grid
}

/// Liquidation in its first form: bidders pay 95 % of the value, an account leaves liquidation 10 % of its requirement
/// above maintenance, and accounts of up to 100 quote tokens (of six decimals) go whole.
#[must_use]
pub fn liquidation() -> LiquidationParameters {
    LiquidationParameters { discount: 5 * PERCENT as u32, buffer: 10 * PERCENT as u32, small_account: 100_000_000 }
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
