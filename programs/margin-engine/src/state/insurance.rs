//! Insurance: cash that pays for insolvent accounts. An underlying has a fund of its own, which pays first for accounts whose
//! greatest requirement is its; the quote token's account has the common one.

use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    state::{FlowLimit, assert_layout},
};

/// One fund. Its cash lies in the quote token's vault.
#[zero_copy]
#[derive(Debug, PartialEq, Eq)]
#[repr(C)]
pub struct InsuranceFund {
    /// precision: quote atoms.
    pub amount: u64,
    /// precision: quote atoms. What the admin has asked to withdraw; it covers losses until then.
    pub requested: u64,
    /// Unix seconds from which `requested` may be withdrawn.
    pub available_at: i64,
    /// What may be drawn for insolvent accounts in a while: a market gone wrong does not empty its fund at once.
    pub draws: FlowLimit,
}
assert_layout!(InsuranceFund, 56);

impl InsuranceFund {
    /// Without cash or limit.
    pub fn empty() -> Self {
        Self { amount: 0, requested: 0, available_at: 0, draws: FlowLimit::none() }
    }

    /// Draws up to `wanted` for an insolvent account; returns what there was.
    pub fn draw(&mut self, wanted: u64, now: i64) -> u64 {
        let drawn = wanted.min(self.amount).min(self.draws.room(now));
        self.amount = self.amount.saturating_sub(drawn);
        self.draws.fill(drawn);
        drawn
    }

    /// Notes a request to withdraw; it replaces an earlier one. Zero takes it back.
    pub fn request(&mut self, amount: u64, available_at: i64) -> Result<()> {
        require!(amount <= self.amount, EngineError::InsufficientInsurance);
        (self.requested, self.available_at) = if amount == 0 { (0, 0) } else { (amount, available_at) };
        Ok(())
    }

    /// Takes out what was requested, or what is left of it after losses; returns how much.
    pub fn withdraw_requested(&mut self, now: i64) -> Result<u64> {
        require!(self.requested > 0, EngineError::InsuranceNotRequested);
        require!(now >= self.available_at, EngineError::InsuranceDelay);
        let amount = self.requested.min(self.amount);
        require!(amount > 0, EngineError::InsufficientInsurance);
        self.amount -= amount;
        (self.requested, self.available_at) = (0, 0);
        Ok(amount)
    }
}
