use anchor_lang::prelude::*;
use core::num::NonZero;
use margin_core::wide;

use crate::{error::EngineError, state::assert_layout};

/// Limit of a vault's net outflow: a bucket that withdrawals fill, deposits and time empty.
///
/// A burst takes out the limit at most; any window of time twice that, since the bucket empties while it is filled.
#[zero_copy]
#[derive(Debug, PartialEq, Eq)]
#[repr(C)]
pub struct FlowLimit {
    /// precision: token atoms. Most that may leave at once; `u64::MAX`: no limit.
    pub limit: u64,
    /// precision: token atoms. What has left and not yet been forgotten.
    pub level: u64,
    /// Unix seconds at which `level` holds.
    pub updated_at: i64,
    /// Seconds in which a full bucket empties.
    pub window: u32,
    pub _padding: u32,
}
assert_layout!(FlowLimit, 32);

impl FlowLimit {
    pub const NONE: u64 = u64::MAX;

    /// No limit.
    pub fn none() -> Self {
        Self { limit: Self::NONE, level: 0, updated_at: 0, window: 0, _padding: 0 }
    }

    /// Notes what came in.
    pub fn add_inflow(&mut self, amount: u64, now: i64) {
        self.leak(now);
        self.level = self.level.saturating_sub(amount);
    }

    /// Notes what leaves; refused where it passes the limit.
    pub fn add_outflow(&mut self, amount: u64, now: i64) -> Result<()> {
        if self.limit == Self::NONE {
            return Ok(());
        }
        self.leak(now);
        let level = self.level.checked_add(amount).ok_or(EngineError::OutflowLimit)?;
        require!(level <= self.limit, EngineError::OutflowLimit);
        self.level = level;
        Ok(())
    }

    /// What may still leave at `now`.
    pub fn room(&mut self, now: i64) -> u64 {
        if self.limit == Self::NONE {
            return u64::MAX;
        }
        self.leak(now);
        self.limit.saturating_sub(self.level)
    }

    /// Notes what leaves; there must be [`room`](Self::room) for it.
    pub fn fill(&mut self, amount: u64) {
        if self.limit != Self::NONE {
            self.level = self.level.saturating_add(amount);
        }
    }

    /// Empties by limit · elapsed / window, rounded down; time that empties nothing is not lost.
    pub fn leak(&mut self, now: i64) {
        let elapsed = now.saturating_sub(self.updated_at).max(0).unsigned_abs();
        // Once a window has passed nothing is left, also of a level above a limit that was lowered meanwhile.
        let leaked = match NonZero::new(u64::from(self.window)) {
            Some(window) if elapsed < window.get() => {
                wide::quotient(u128::from(self.limit) * u128::from(elapsed), window).unwrap_or(u64::MAX)
            }
            _ => u64::MAX,
        };
        if leaked > 0 {
            self.level = self.level.saturating_sub(leaked);
            self.updated_at = now;
        }
    }
}
