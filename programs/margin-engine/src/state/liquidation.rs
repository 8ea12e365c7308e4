//! Liquidation: the engine's parameters, and what an account in liquidation remembers.

use anchor_lang::prelude::*;
use borsh::{BorshDeserialize, BorshSerialize};
use margin_core::{
    Seconds,
    portfolio::{Ratio, SolventAuction},
};

use crate::{
    constants::{MAX_AUCTION_SECONDS, MAX_INSURANCE_DELAY, MAX_UNDERLYINGS, MIN_INSURANCE_DELAY, RATIO_ONE},
    error::EngineError,
    risk::NO_LOSS,
    state::{StoredCash, assert_layout},
};

/// Parameters of a liquidation. All ratios in 1e-9.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct LiquidationParameters {
    /// precision: 1e-9. When the solvent auction starts, a bidder pays (1 − discount) of the mark-to-market of a slice.
    pub start_discount: u32,
    /// precision: 1e-9. The discount after `fast_seconds`.
    pub fast_discount: u32,
    /// precision: 1e-9. `b` of the buffer margin `B = MM + b·(MM − MtM)`: a liquidation goes on until B ≥ 0.
    pub buffer: u32,
    /// Seconds in which the discount grows to `fast_discount`.
    pub fast_seconds: u32,
    /// Seconds in which it then grows to everything; after them the account counts as insolvent.
    pub slow_seconds: u32,
    /// Seconds in which the insolvent auction's payout grows from what an account lacks at its marks to what it lacks of
    /// its maintenance margin.
    pub insolvent_seconds: u32,
    /// Seconds between the request to withdraw insurance and the withdrawal.
    pub insurance_delay: u64,
    /// precision: quote atoms. An account whose mark-to-market is at most this may be taken whole.
    pub small_account: u64,
}
assert_layout!(LiquidationParameters, 40);

impl LiquidationParameters {
    pub fn validate(&self) -> Result<()> {
        let (start, fast) = (u64::from(self.start_discount), u64::from(self.fast_discount));
        require!(start < RATIO_ONE && start <= fast && fast <= RATIO_ONE, EngineError::LiquidationDiscountParameter);
        require!(u64::from(self.buffer) <= RATIO_ONE, EngineError::LiquidationBufferParameter);
        // Without a slow part an account would be insolvent with the discount still small.
        let durations = [self.fast_seconds, self.slow_seconds, self.insolvent_seconds];
        let in_range = durations.into_iter().all(|seconds| seconds <= MAX_AUCTION_SECONDS);
        require!(in_range && self.slow_seconds > 0, EngineError::LiquidationDurationParameter);
        let delay = MIN_INSURANCE_DELAY..=MAX_INSURANCE_DELAY;
        require!(delay.contains(&self.insurance_delay), EngineError::InsuranceDelayParameter);
        Ok(())
    }

    pub fn buffer(&self) -> Ratio {
        Ratio(u64::from(self.buffer))
    }

    pub fn solvent_auction(&self) -> SolventAuction {
        let paid = |discount: u32| Ratio(u64::from(discount)).complement();
        SolventAuction {
            start: paid(self.start_discount),
            fast_end: paid(self.fast_discount),
            fast: Seconds(u64::from(self.fast_seconds)),
            slow: Seconds(u64::from(self.slow_seconds)),
        }
    }

    pub fn insolvent_duration(&self) -> Seconds {
        Seconds(u64::from(self.insolvent_seconds))
    }
}

/// Whether and since when an account is in liquidation, and how it is judged there.
#[zero_copy]
#[derive(Debug, PartialEq, Eq)]
#[repr(C)]
pub struct LiquidationState {
    /// 1 while in liquidation.
    pub active: u8,
    pub _padding: [u8; 5],
    /// Index of the underlying whose insurance pays first; [`NO_UNDERLYING`](Self::NO_UNDERLYING): the common one does.
    pub insured_underlying: u16,
    /// Unix seconds of the start.
    pub started_at: i64,
    /// Unix seconds since when the insolvent auction runs; 0: the solvent one does.
    pub insolvent_at: i64,
    /// precision: I80F48 quote atoms. `R`: cash that earlier bids paid in; the next bidder takes no share of it.
    pub cash_from_bids: StoredCash,
    /// The witness: by underlying, the number of the scenario under which it is judged.
    pub witness: [u8; MAX_UNDERLYINGS as usize],
    pub _reserved: [u8; 24],
}
assert_layout!(LiquidationState, 128);

impl Default for LiquidationState {
    fn default() -> Self {
        Self {
            active: 0,
            _padding: [0; 5],
            insured_underlying: 0,
            started_at: 0,
            insolvent_at: 0,
            cash_from_bids: [0; 16],
            witness: [0; MAX_UNDERLYINGS as usize],
            _reserved: [0; 24],
        }
    }
}

impl LiquidationState {
    /// No underlying's insurance is concerned.
    pub const NO_UNDERLYING: u16 = u16::MAX;

    /// The state of an account whose liquidation starts.
    pub fn started(now: i64, witness: [u8; MAX_UNDERLYINGS as usize], insured_underlying: u16) -> Self {
        Self { active: 1, insured_underlying, started_at: now, witness, ..Self::default() }
    }

    /// A witness that no scenario costs anything.
    pub const fn no_witness() -> [u8; MAX_UNDERLYINGS as usize] {
        [NO_LOSS; MAX_UNDERLYINGS as usize]
    }

    /// Whether the account is in liquidation.
    pub fn in_use(&self) -> bool {
        self.active != 0
    }

    /// Time in the solvent auction.
    pub fn elapsed(&self, now: i64) -> Seconds {
        Seconds(now.saturating_sub(self.started_at).max(0).unsigned_abs())
    }

    /// Time in the insolvent auction.
    pub fn insolvent_elapsed(&self, now: i64) -> Seconds {
        Seconds(now.saturating_sub(self.insolvent_at).max(0).unsigned_abs())
    }
}
