use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    state::{Engine, assert_layout},
};

/// What is paused, and until when. A pause ends by itself.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PauseState {
    /// Unix seconds. From then on nothing is paused.
    pub until: i64,
    /// Unix seconds of the guardian's first pause since the admin last decided; 0: none.
    pub guardian_since: i64,
    /// Bits of [`PauseBits`].
    pub bits: u8,
    pub _padding: [u8; 7],
}
assert_layout!(PauseState, 24);

/// What can be paused. Never deposits, repayment, margin checks, liquidation or transfers between an owner's accounts.
pub struct PauseBits;

impl PauseBits {
    /// Trades, whatever their way in.
    pub const TRADING: u8 = 1;
    /// Tokens out of the vaults.
    pub const WITHDRAWING: u8 = 2;
    /// Withdrawals of more cash than the account has.
    pub const BORROWING: u8 = 4;
    pub const ALL: u8 = Self::TRADING | Self::WITHDRAWING | Self::BORROWING;
}

impl Engine {
    /// Fails while any of `bits` is paused.
    #[inline]
    pub fn require_running(&self, bits: u8, now: i64) -> Result<()> {
        require!(self.pause.bits & bits == 0 || now >= self.pause.until, EngineError::Paused);
        Ok(())
    }

    /// What is paused at `now`.
    pub fn paused(&self, now: i64) -> u8 {
        if now < self.pause.until { self.pause.bits } else { 0 }
    }
}
