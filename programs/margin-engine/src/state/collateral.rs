use anchor_lang::prelude::*;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    constants::{CHALLENGE_SECONDS, RATIO_ONE},
    error::EngineError,
    state::{CashPool, ConfidenceCharge, FlowLimit, InsuranceFund, OracleConfig, assert_layout},
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
    /// A [`CollateralLink`].
    pub link: u8,
    pub _padding2: [u8; 1],
    /// The underlying that `link` is about.
    pub underlying: u16,
    pub _padding3: [u8; 4],
    /// precision: token atoms. Deposits that would pass it are refused.
    pub deposit_cap: u64,
    /// precision: token atoms. Sum of what depositors put in less what they took out; the vault's balance minus donations.
    pub total_deposits: u64,
    /// precision: quote atoms. Fees collected from accounts and not withdrawn yet; the quote token's only.
    pub fees: u64,
    /// Net outflow of the vault and its limit.
    pub flow: FlowLimit,
    /// Interest on cash; the quote token only.
    pub pool: CashPool,
    /// The common insurance; the quote token only.
    pub insurance: InsuranceFund,
    /// precision: quote atoms. Sum of all insurance, common and underlyings'; the quote token's only.
    pub insured: u64,
    pub challenge: PriceChallenge,
    pub _reserved: [u8; 8],
}
assert_layout!(Collateral, 520);

/// What a token has to do with an underlying. Stored as one byte.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CollateralLink {
    /// Nothing.
    None,
    /// Its value depends on the underlying's index, so it is no surer than that.
    Index,
    /// It moves with the underlying as well, enters its scenarios and so offsets positions.
    CancelsRisk,
}

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

/// A claim that nobody can bring a usable price of a token.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PriceChallenge {
    /// Unix seconds; 0: nobody claims it.
    pub since: i64,
    /// precision: lamports. What whoever brings a price is paid; it lies in the token's account.
    pub bond: u64,
}
assert_layout!(PriceChallenge, 16);

impl PriceChallenge {
    /// Whether it has stood long enough.
    pub fn holds(&self, now: i64) -> bool {
        self.since != 0 && now.saturating_sub(self.since) >= CHALLENGE_SECONDS
    }
}

impl Collateral {
    /// Index of the quote token, whose balance is an account's cash.
    pub const QUOTE_INDEX: u16 = 0;

    pub fn is_quote(&self) -> bool {
        self.index == Self::QUOTE_INDEX
    }

    /// The underlying whose market a check of the token reads.
    pub fn linked_underlying(&self) -> Option<u16> {
        (self.link != CollateralLink::None as u8).then_some(self.underlying)
    }

    /// Whether its value enters the underlying's scenarios.
    pub fn cancels_risk(&self) -> bool {
        self.link == CollateralLink::CancelsRisk as u8
    }
}
