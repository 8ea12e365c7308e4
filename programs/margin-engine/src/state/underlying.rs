use anchor_lang::prelude::*;
use borsh::{BorshDeserialize, BorshSerialize};
use margin_core::{SLICE_WORDS, Svi};

use crate::{
    constants::{MAX_EXPIRIES, MAX_SCENARIOS},
    error::EngineError,
    state::{
        AdaptiveRange, FactorExposure, FundingState, InsuranceFund, OracleConfig, PreparedGrid, RiskParameters,
        Scenario, StandardParameters, TradingParameters, assert_layout,
    },
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
    /// 0 until the risk grid is set: nothing trades before.
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
    /// precision: seconds. Oldest surface, and mark of the perpetual, that may raise risk. Liquidation takes a surface of any age.
    pub max_surface_age: u32,
    /// precision: seconds. Oldest mark of the perpetual that liquidation takes; beyond it the index is the mark.
    pub liquidation_max_mark_age: u32,
    /// precision: seconds. Before an expiry, options settle on the average over this window; 0: on one price.
    pub settlement_window: u32,
    pub _padding2: [u8; 4],
    pub trading: TradingParameters,
    pub risk: RiskParameters,
    pub standard: StandardParameters,
    pub exposure: FactorExposure,
    pub adaptive: AdaptiveRange,
    /// The risk grid in the kernel's order, with the moves that hold now.
    pub scenarios: [Scenario; MAX_SCENARIOS],
    /// The same as the kernel wants it.
    pub prepared_grid: PreparedGrid,
    pub perpetual: PerpetualSlot,
    pub expiries: [ExpirySlot; MAX_EXPIRIES],
    /// Pays for insolvent accounts whose greatest requirement is this underlying's.
    pub insurance: InsuranceFund,
    pub _reserved: [u8; 448],
}
assert_layout!(Underlying, 6_168);

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
    /// The same surface as the kernel wants it, prepared when it is published.
    pub slice: [i64; SLICE_WORDS],
    /// precision: 1e-9. The publisher's least confidence in forward, rate and surface.
    pub confidence: u64,
    /// precision: 1e-12 USD. Average over the part of the settlement window that has passed; 0: none was taken, and the
    /// forward stands in for it. Once the series is finalised: its settlement price.
    pub observed_average: u64,
    /// precision: 1e-12 USD. Sum of the settlement samples, a little-endian u128.
    pub sample_sum: [u8; 16],
    /// Unix seconds at which the price of the last settlement sample was published; 0: none.
    pub sampled_at: i64,
    /// Settlement samples so far.
    pub sample_count: u32,
    /// 1 once the settlement price is final.
    pub finalised: u8,
    pub _padding: [u8; 3],
    /// Lots of positions in the series, long and short, that are not settled: nothing is open at 0.
    pub open_lots: u64,
}
assert_layout!(ExpirySlot, 224);

/// Mark of the perpetual.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PerpetualSlot {
    /// Unix seconds of the last publication; 0: never, and the perpetual is marked at the index.
    pub updated_at: i64,
    /// precision: 1e-12 USD. Mark at `spot_reference`; the live one moves with spot in proportion.
    pub mark: u64,
    /// precision: 1e-12 USD. Spot when `mark` was taken.
    pub spot_reference: u64,
    /// precision: 1e-9. The publisher's confidence in the mark.
    pub confidence: u64,
    pub funding: FundingState,
}
assert_layout!(PerpetualSlot, 64);

impl ExpirySlot {
    /// Takes in a vol surface.
    pub fn set_surface(&mut self, svi: SviParameters) -> Result<()> {
        let slice = Svi::from(&svi).prepare().map_err(|_| EngineError::SviParameters)?;
        (self.svi, self.slice) = (svi, slice.to_words());
        Ok(())
    }
}

impl Underlying {
    pub fn scenarios(&self) -> &[Scenario] {
        let count = usize::from(self.scenario_count).min(MAX_SCENARIOS);
        &self.scenarios[..count]
    }

    /// Adds to the lots that are open in a series.
    pub fn count_open(&mut self, expiry: i64, lots: i64) -> Result<()> {
        let slot = self.expiry_mut(expiry).ok_or(EngineError::ExpiryUnknown)?;
        slot.open_lots = slot.open_lots.checked_add_signed(lots).ok_or(EngineError::Overflow)?;
        Ok(())
    }

    /// The same to change.
    pub fn expiry_mut(&mut self, expiry: i64) -> Option<&mut ExpirySlot> {
        self.expiries.iter_mut().find(|slot| slot.expiry == expiry && expiry != 0)
    }

    /// The slot of a listed expiry (0 never matches: it marks a free slot).
    pub fn expiry(&self, expiry: i64) -> Option<&ExpirySlot> {
        self.expiries.iter().find(|slot| slot.expiry == expiry && expiry != 0)
    }
}
