use margin_engine::{accounts, instruction, risk::BreakdownPart, state::AccountMode};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

use super::{MarginCheckArgs, MarginQuoteArgs, instruction as build};
use crate::addresses::{PROGRAM_ID, event_authority};

/// Computes an account's margin; the return data is a [`MarginReport`](crate::MarginReport). Nobody signs.
#[derive(Clone, Debug)]
pub struct MarginCheck {
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// From [`MarketDirectory::for_account`](crate::MarketDirectory::for_account), or
    /// [`for_mode`](crate::MarketDirectory::for_mode) where `args` name one.
    pub markets: Vec<AccountMeta>,
    pub args: MarginCheckArgs,
}

impl MarginCheck {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::MarginCheck { engine: self.engine, margin_account: self.margin_account };
        build(&accounts, &instruction::MarginCheck { args: self.args }, &self.markets)
    }
}

/// Computes the margin an account would have after legs and transfers; the return data is a
/// [`MarginReport`](crate::MarginReport). Nobody signs, nothing changes.
#[derive(Clone, Debug)]
pub struct MarginQuote {
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// From [`MarketDirectory::for_quote`](crate::MarketDirectory::for_quote).
    pub markets: Vec<AccountMeta>,
    pub args: MarginQuoteArgs,
}

impl MarginQuote {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::MarginQuote { engine: self.engine, margin_account: self.margin_account };
        build(&accounts, &instruction::MarginQuote { args: self.args }, &self.markets)
    }
}

/// What a part of an underlying's book makes in every scenario; the return data is a [`Breakdown`](crate::Breakdown). For
/// simulation. Nobody signs.
#[derive(Clone, Debug)]
pub struct MarginBreakdown {
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// From [`MarketDirectory::for_account`](crate::MarketDirectory::for_account).
    pub markets: Vec<AccountMeta>,
    /// Index of the underlying.
    pub underlying: u16,
    pub part: BreakdownPart,
}

impl MarginBreakdown {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::MarginBreakdown { engine: self.engine, margin_account: self.margin_account };
        let data = instruction::MarginBreakdown { underlying: self.underlying, part: self.part };
        build(&accounts, &data, &self.markets)
    }
}

/// Fails unless an account has the expected sequence number. Nobody signs.
#[derive(Clone, Copy, Debug)]
pub struct SequenceCheck {
    pub margin_account: Pubkey,
    pub sequence: u64,
}

impl SequenceCheck {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::SequenceCheck { margin_account: self.margin_account };
        build(&accounts, &instruction::SequenceCheck { sequence: self.sequence }, &[])
    }
}

/// Changes how an account is margined. `owner` signs.
#[derive(Clone, Debug)]
pub struct AccountSetMode {
    pub owner: Pubkey,
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    pub mode: AccountMode,
    /// From [`MarketDirectory::for_mode`](crate::MarketDirectory::for_mode).
    pub markets: Vec<AccountMeta>,
}

impl AccountSetMode {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::AccountSetMode {
            owner: self.owner,
            engine: self.engine,
            margin_account: self.margin_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::AccountSetMode { mode: self.mode }, &self.markets)
    }
}
