use margin_engine::{accounts, instruction};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{CollateralAddresses, InsuranceLimitArgs, instruction as build};
use crate::addresses::{self, PROGRAM_ID, event_authority};

/// An insurance fund: an underlying's by its index, or the common one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fund {
    Common,
    Underlying(u16),
}

impl Fund {
    fn underlying(self, engine: &Pubkey) -> Option<Pubkey> {
        match self {
            Self::Common => None,
            Self::Underlying(index) => Some(addresses::underlying(engine, index)),
        }
    }
}

/// Gives cash to a fund. `donor` signs for `source`.
#[derive(Clone, Debug)]
pub struct InsuranceDeposit {
    pub donor: Pubkey,
    pub engine: Pubkey,
    pub fund: Fund,
    /// The quote token's.
    pub quote: CollateralAddresses,
    pub source: Pubkey,
    /// precision: quote atoms.
    pub amount: u64,
}

impl InsuranceDeposit {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::InsuranceDeposit {
            donor: self.donor,
            engine: self.engine,
            quote: self.quote.collateral,
            underlying: self.fund.underlying(&self.engine),
            mint: self.quote.mint,
            vault: self.quote.vault,
            source: self.source,
            token_program: self.quote.token_program,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::InsuranceDeposit { amount: self.amount }, &[])
    }
}

/// Caps what losses draw from an underlying's fund. `admin` signs.
#[derive(Clone, Debug)]
pub struct InsuranceLimit {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub underlying: u16,
    pub args: InsuranceLimitArgs,
}

impl InsuranceLimit {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::InsuranceLimit {
            admin: self.admin,
            engine: self.engine,
            underlying: addresses::underlying(&self.engine, self.underlying),
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::InsuranceLimit { args: self.args }, &[])
    }
}

/// Announces a withdrawal from a fund. `admin` signs.
#[derive(Clone, Debug)]
pub struct InsuranceRequest {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub fund: Fund,
    /// The quote token's.
    pub quote: CollateralAddresses,
    /// precision: quote atoms; 0 takes an earlier request back.
    pub amount: u64,
}

impl InsuranceRequest {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::InsuranceRequest {
            admin: self.admin,
            engine: self.engine,
            quote: self.quote.collateral,
            underlying: self.fund.underlying(&self.engine),
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::InsuranceRequest { amount: self.amount }, &[])
    }
}

/// Withdraws what was announced. `admin` signs.
#[derive(Clone, Debug)]
pub struct InsuranceWithdraw {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub fund: Fund,
    /// The quote token's.
    pub quote: CollateralAddresses,
    pub destination: Pubkey,
}

impl InsuranceWithdraw {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::InsuranceWithdraw {
            admin: self.admin,
            engine: self.engine,
            quote: self.quote.collateral,
            underlying: self.fund.underlying(&self.engine),
            mint: self.quote.mint,
            vault: self.quote.vault,
            destination: self.destination,
            token_program: self.quote.token_program,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::InsuranceWithdraw {}, &[])
    }
}
