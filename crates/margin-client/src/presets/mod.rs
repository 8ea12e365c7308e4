//! Margin models as committed files, and what a transaction of the engine asks of the runtime.
//!
//! The risk grid of our own models, `major` and `high-beta`, has 31 scenarios. With the step `s` of the asset:
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
    state::{LiquidationParameters, RateParameters, ScenarioArgs, TradingParameters},
};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::Instruction;

pub mod file;

pub use file::ModelFile;

const PERCENT: u64 = 10_000_000;

/// A margin model: parameters and risk grid of an underlying.
#[derive(Clone, Debug)]
pub struct MarginModel {
    pub parameters: ModelSetArgs,
    pub scenarios: Vec<ScenarioArgs>,
}

/// Names and texts of the committed model files, `presets/*.json` in the workspace's folder.
pub const PRESETS: [(&str, &str); 7] = [
    ("major", include_str!("../../../../presets/major.json")),
    ("high-beta", include_str!("../../../../presets/high-beta.json")),
    ("derive-pmrm2", include_str!("../../../../presets/derive-pmrm2.json")),
    ("derive-srm", include_str!("../../../../presets/derive-srm.json")),
    ("deribit-pm", include_str!("../../../../presets/deribit-pm.json")),
    ("paradex-pm", include_str!("../../../../presets/paradex-pm.json")),
    ("span-16", include_str!("../../../../presets/span-16.json")),
];

/// The preset of a name.
#[must_use]
pub fn preset(name: &str) -> Option<ModelFile> {
    let (_, text) = PRESETS.iter().find(|(known, _)| *known == name)?;
    // The files are part of the build, and a test reads every one.
    serde_json::from_str(text).ok()
}

/// For BTC and ETH: grid of ±18 % in steps of 4.5 %.
#[must_use]
pub fn major() -> MarginModel {
    embedded("major")
}

/// For assets that move more, such as SOL: grid of ±24 % in steps of 6 %, and dearer perpetuals and naked shorts.
#[must_use]
pub fn high_beta() -> MarginModel {
    embedded("high-beta")
}

fn embedded(name: &str) -> MarginModel {
    preset(name).expect("a test reads every committed model file").model()
}

/// Liquidation: bidders pay 95 % of the value at first, 70 % after 15 minutes and nothing after 12 hours more; insolvent
/// accounts pay ever more for an hour. An account leaves liquidation 10 % of its requirement above maintenance, accounts of
/// up to 100 quote tokens (of six decimals) go whole, and insurance leaves its funds three days after it was announced.
#[must_use]
pub fn liquidation() -> LiquidationParameters {
    LiquidationParameters {
        start_discount: 5 * PERCENT as u32,
        fast_discount: 30 * PERCENT as u32,
        buffer: 10 * PERCENT as u32,
        fast_seconds: 15 * 60,
        slow_seconds: 12 * 3_600,
        insolvent_seconds: 3_600,
        insurance_delay: 3 * 86_400,
        small_account: 100_000_000,
    }
}

/// Interest on cash: borrowers pay nothing at no utilisation, 8 % a year at 80 %, 60 % when everything is lent out; the pool
/// keeps a tenth, and withdrawals borrow up to 90 %.
#[must_use]
pub fn interest() -> RateParameters {
    RateParameters {
        base: 0,
        at_kink: 8 * PERCENT,
        maximum: 60 * PERCENT,
        kink: 80 * PERCENT,
        reserve_share: 10 * PERCENT,
        maximum_utilisation: 90 * PERCENT,
    }
}

/// Trading of a major asset: fees in the order of the large options exchanges', prices within a fifth of the mark or a
/// fiftieth of the index, eight-hour funding, settlement on twenty of the last thirty minutes.
#[must_use]
pub fn trading() -> TradingParameters {
    const BASIS_POINT: u32 = 100_000;
    TradingParameters {
        taker_fee: 3 * BASIS_POINT,
        maker_fee: BASIS_POINT,
        settlement_fee: 3 * BASIS_POINT / 2,
        option_fee_cap: 1_250 * BASIS_POINT,
        band_mark: 2_000 * BASIS_POINT,
        band_index: 200 * BASIS_POINT,
        funding_period: 28_800,
        funding_cap: 50 * BASIS_POINT,
        funding_gap: 3_600,
        premium_fade: 14_400,
        sample_spacing: 60,
        sample_count: 20,
        premium_depth: 1_000_000_000_000,
        settler_reward: 50_000,
    }
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
