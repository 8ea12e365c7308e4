use margin_engine::{accounts, instruction, state::Collateral};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

use super::{AccountOpenArgs, SYSTEM_PROGRAM, WithdrawArgs, instruction as build};
use crate::{
    accounts::Loaded,
    addresses::{self, PROGRAM_ID, event_authority},
};

/// Opens an empty margin account. `owner` and `payer` sign; `payer` pays the rent.
#[derive(Clone, Debug)]
pub struct AccountOpen {
    pub owner: Pubkey,
    pub payer: Pubkey,
    pub engine: Pubkey,
    pub args: AccountOpenArgs,
}

impl AccountOpen {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::AccountOpen {
            owner: self.owner,
            payer: self.payer,
            engine: self.engine,
            margin_account: addresses::margin_account(&self.engine, &self.owner, self.args.index),
            system_program: SYSTEM_PROGRAM,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::AccountOpen { args: self.args }, &[])
    }
}

/// Closes an empty margin account; less than an atom of cash may be left. `owner` signs.
#[derive(Clone, Debug)]
pub struct AccountClose {
    pub owner: Pubkey,
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// The quote token's listing.
    pub collateral: Pubkey,
    /// Receives the rent.
    pub rent_recipient: Pubkey,
}

impl AccountClose {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::AccountClose {
            owner: self.owner,
            engine: self.engine,
            margin_account: self.margin_account,
            collateral: self.collateral,
            rent_recipient: self.rent_recipient,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::AccountClose {}, &[])
    }
}

/// A listed token as transfers need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollateralAddresses {
    pub collateral: Pubkey,
    pub mint: Pubkey,
    pub vault: Pubkey,
    pub token_program: Pubkey,
}

impl CollateralAddresses {
    /// Addresses of a token by its mint; `token_program` is the mint's owner.
    #[must_use]
    pub fn derive(engine: &Pubkey, mint: &Pubkey, token_program: &Pubkey) -> Self {
        let collateral = addresses::collateral(engine, mint);
        Self { collateral, mint: *mint, vault: addresses::vault(&collateral), token_program: *token_program }
    }
}

impl From<&Loaded<Collateral>> for CollateralAddresses {
    fn from(listing: &Loaded<Collateral>) -> Self {
        Self {
            collateral: listing.address,
            mint: listing.mint,
            vault: listing.vault,
            token_program: listing.token_program,
        }
    }
}

/// Moves tokens into a margin account. Its owner or delegate signs as `authority` of `source`.
#[derive(Clone, Debug)]
pub struct Deposit {
    pub authority: Pubkey,
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    pub collateral: CollateralAddresses,
    /// Token account to debit.
    pub source: Pubkey,
    /// Token atoms.
    pub amount: u64,
}

impl Deposit {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::Deposit {
            authority: self.authority,
            engine: self.engine,
            margin_account: self.margin_account,
            collateral: self.collateral.collateral,
            mint: self.collateral.mint,
            vault: self.collateral.vault,
            source: self.source,
            token_program: self.collateral.token_program,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::Deposit { amount: self.amount }, &[])
    }
}

/// Moves tokens out of a margin account. `owner` signs.
#[derive(Clone, Debug)]
pub struct Withdraw {
    pub owner: Pubkey,
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    pub collateral: CollateralAddresses,
    /// Token account to credit.
    pub destination: Pubkey,
    pub args: WithdrawArgs,
    /// From [`MarketDirectory::for_withdrawal`](crate::MarketDirectory::for_withdrawal).
    pub markets: Vec<AccountMeta>,
}

impl Withdraw {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::Withdraw {
            owner: self.owner,
            engine: self.engine,
            margin_account: self.margin_account,
            collateral: self.collateral.collateral,
            mint: self.collateral.mint,
            vault: self.collateral.vault,
            destination: self.destination,
            token_program: self.collateral.token_program,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::Withdraw { args: self.args }, &self.markets)
    }
}

/// Names who else may trade and deposit. `owner` signs.
#[derive(Clone, Copy, Debug)]
pub struct AccountSetDelegate {
    pub owner: Pubkey,
    pub margin_account: Pubkey,
    /// The default address: nobody.
    pub delegate: Pubkey,
}

impl AccountSetDelegate {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::AccountSetDelegate {
            owner: self.owner,
            margin_account: self.margin_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::AccountSetDelegate { delegate: self.delegate }, &[])
    }
}

/// Moves cash or tokens between two margin accounts of `owner`, who signs.
#[derive(Clone, Debug)]
pub struct AccountTransfer {
    pub owner: Pubkey,
    pub engine: Pubkey,
    pub source: Pubkey,
    pub destination: Pubkey,
    /// Index of the collateral; 0: cash.
    pub collateral: u16,
    /// Token atoms.
    pub amount: u64,
    /// From [`MarketDirectory::for_withdrawal`](crate::MarketDirectory::for_withdrawal) of the source.
    pub markets: Vec<AccountMeta>,
}

impl AccountTransfer {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::AccountTransfer {
            owner: self.owner,
            engine: self.engine,
            source: self.source,
            destination: self.destination,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        let data = instruction::AccountTransfer { collateral: self.collateral, amount: self.amount };
        build(&accounts, &data, &self.markets)
    }
}
