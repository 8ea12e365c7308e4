use margin_engine::{accounts, instruction, state::RateParameters};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{CollateralLimits, instruction as build};
use crate::addresses::{PROGRAM_ID, event_authority};

/// Settles an account's interest with the pool and records what it has or owes. Nobody signs.
#[derive(Clone, Copy, Debug)]
pub struct CashSync {
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// The quote token's listing.
    pub collateral: Pubkey,
}

impl CashSync {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::CashSync {
            engine: self.engine,
            margin_account: self.margin_account,
            collateral: self.collateral,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::CashSync {}, &[])
    }
}

/// Publishes the borrow index and the rate from now on. Nobody signs.
#[derive(Clone, Copy, Debug)]
pub struct InterestAccrue {
    pub engine: Pubkey,
    /// The quote token's listing.
    pub collateral: Pubkey,
}

impl InterestAccrue {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::InterestAccrue {
            engine: self.engine,
            collateral: self.collateral,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::InterestAccrue {}, &[])
    }
}

/// Sets how the borrow rate follows utilisation. `admin` signs.
#[derive(Clone, Copy, Debug)]
pub struct InterestSet {
    pub admin: Pubkey,
    pub engine: Pubkey,
    /// The quote token's listing.
    pub collateral: Pubkey,
    pub rates: RateParameters,
}

impl InterestSet {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::InterestSet {
            admin: self.admin,
            engine: self.engine,
            collateral: self.collateral,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::InterestSet { rates: self.rates }, &[])
    }
}

/// Sets deposit cap and outflow limit of a token. `authority`, admin or guardian, signs.
#[derive(Clone, Copy, Debug)]
pub struct CollateralLimitsSet {
    pub authority: Pubkey,
    pub engine: Pubkey,
    pub collateral: Pubkey,
    pub limits: CollateralLimits,
}

impl CollateralLimitsSet {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::CollateralLimitsSet {
            authority: self.authority,
            engine: self.engine,
            collateral: self.collateral,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::CollateralLimitsSet { limits: self.limits }, &[])
    }
}

/// Pauses what `bits` name ([`PauseBits`](crate::state::PauseBits)) until a time. `authority`, admin or guardian, signs.
#[derive(Clone, Copy, Debug)]
pub struct PauseSet {
    pub authority: Pubkey,
    pub engine: Pubkey,
    /// Without any, the admin ends a pause.
    pub bits: u8,
    /// Unix seconds.
    pub until: i64,
}

impl PauseSet {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::PauseSet {
            authority: self.authority,
            engine: self.engine,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::PauseSet { bits: self.bits, until: self.until }, &[])
    }
}
