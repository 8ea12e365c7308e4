use anchor_lang::prelude::*;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    constants::RATIO_ONE,
    error::EngineError,
    state::{ConfidenceCharge, OracleConfig, assert_layout},
};

/// A token that accounts may hold: the quote token (cash, index 0) or a token with a haircut.
///
/// PDA of `["collateral", engine, mint]`; its vault is the PDA `["vault", collateral]`, owned by the engine's PDA.
#[account(zero_copy)]
#[derive(Debug)]
#[repr(C)]
pub struct Collateral {
    pub version: u8,
    pub bump: u8,
    pub vault_bump: u8,
    pub decimals: u8,
    pub index: u16,
    pub _padding: [u8; 2],
    pub engine: Pubkey,
    pub mint: Pubkey,
    pub vault: Pubkey,
    pub token_program: Pubkey,
    /// All zero for a quote token that counts at face value.
    pub oracle: OracleConfig,
    pub haircuts: CollateralHaircuts,
    /// Initial margin only: charge where its oracle or its underlying's index is unsure.
    pub confidence: ConfidenceCharge,
    /// 1: the token moves with an underlying and offsets the account's positions in it.
    pub cancels_risk: u8,
    pub _padding2: [u8; 1],
    /// The underlying it moves with, where `cancels_risk` is set.
    pub underlying: u16,
    pub _padding3: [u8; 4],
    /// precision: token atoms. Deposits that would pass it are refused.
    pub deposit_cap: u64,
    /// precision: token atoms. Sum of what depositors put in less what they took out; the vault's balance minus donations.
    pub total_deposits: u64,
    pub _reserved: [u8; 256],
}
assert_layout!(Collateral, 520);

/// Share of a token's value that does not count, in 1e-9.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct CollateralHaircuts {
    /// precision: 1e-9. Charged in maintenance and initial margin.
    pub maintenance: u32,
    /// precision: 1e-9. Charged on top of `maintenance` in initial margin.
    pub initial: u32,
}
assert_layout!(CollateralHaircuts, 8);

impl CollateralHaircuts {
    /// Together at most 100 %: a token may count for nothing, never for less than nothing.
    pub fn validate(&self) -> Result<()> {
        let total = u64::from(self.maintenance) + u64::from(self.initial);
        require!(total <= RATIO_ONE, EngineError::HaircutParameter);
        Ok(())
    }
}

impl Collateral {
    /// Index of the quote token, whose balance is an account's cash.
    pub const QUOTE_INDEX: u16 = 0;

    pub fn is_quote(&self) -> bool {
        self.index == Self::QUOTE_INDEX
    }

    /// The underlying whose scenarios its value enters.
    pub fn hedges(&self) -> Option<u16> {
        (self.cancels_risk != 0).then_some(self.underlying)
    }
}
