use margin_engine::{accounts, instruction};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

use super::{CollateralAddresses, instruction as build};
use crate::addresses::{PROGRAM_ID, event_authority};

/// Takes the oracle's price into the settlement average of a series. Nobody signs.
#[derive(Clone, Copy, Debug)]
pub struct SettlementSample {
    pub underlying: Pubkey,
    /// An account with the underlying's price.
    pub price: Pubkey,
    pub expiry: i64,
}

impl SettlementSample {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::SettlementSample {
            underlying: self.underlying,
            price: self.price,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::SettlementSample { expiry: self.expiry }, &[])
    }
}

/// Makes the average of an expired series its settlement price. Nobody signs.
#[derive(Clone, Copy, Debug)]
pub struct SettlementFinalise {
    pub underlying: Pubkey,
    pub expiry: i64,
}

impl SettlementFinalise {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::SettlementFinalise {
            underlying: self.underlying,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::SettlementFinalise { expiry: self.expiry }, &[])
    }
}

/// Sets the settlement price of a series whose oracle stays away. The engine's admin signs.
#[derive(Clone, Copy, Debug)]
pub struct SettlementFix {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub underlying: Pubkey,
    pub expiry: i64,
    /// precision: 1e-12 USD.
    pub price: u64,
}

impl SettlementFix {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::SettlementFix {
            admin: self.admin,
            engine: self.engine,
            underlying: self.underlying,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::SettlementFix { expiry: self.expiry, price: self.price }, &[])
    }
}

/// Pays the positions of accounts in a final series. Nobody signs.
#[derive(Clone, Debug)]
pub struct PositionSettle {
    pub engine: Pubkey,
    pub underlying: Pubkey,
    /// Any margin account of the engine; it receives the rewards.
    pub settler_account: Pubkey,
    pub expiry: i64,
    /// Margin accounts to settle; about 20 fit a transaction without a look-up table.
    pub margin_accounts: Vec<Pubkey>,
}

impl PositionSettle {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::PositionSettle {
            engine: self.engine,
            underlying: self.underlying,
            settler_account: self.settler_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::PositionSettle { expiry: self.expiry }, &writable(&self.margin_accounts))
    }
}

/// Moves the fees that wait in margin accounts to the quote token's listing. Nobody signs.
#[derive(Clone, Debug)]
pub struct FeeCollect {
    /// The quote token's.
    pub collateral: Pubkey,
    pub margin_accounts: Vec<Pubkey>,
}

impl FeeCollect {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::FeeCollect {
            collateral: self.collateral,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::FeeCollect {}, &writable(&self.margin_accounts))
    }
}

/// Pays collected fees to `destination`. The engine's admin signs.
#[derive(Clone, Copy, Debug)]
pub struct FeeWithdraw {
    pub admin: Pubkey,
    pub engine: Pubkey,
    /// The quote token's.
    pub collateral: CollateralAddresses,
    pub destination: Pubkey,
    /// precision: quote atoms.
    pub amount: u64,
}

impl FeeWithdraw {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::FeeWithdraw {
            admin: self.admin,
            engine: self.engine,
            collateral: self.collateral.collateral,
            mint: self.collateral.mint,
            vault: self.collateral.vault,
            destination: self.destination,
            token_program: self.collateral.token_program,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::FeeWithdraw { amount: self.amount }, &[])
    }
}

fn writable(accounts: &[Pubkey]) -> Vec<AccountMeta> {
    accounts.iter().map(|account| AccountMeta::new(*account, false)).collect()
}
