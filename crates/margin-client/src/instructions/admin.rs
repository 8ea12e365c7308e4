use margin_engine::{accounts, instruction};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{
    CollateralAddArgs, EngineInitializeArgs, SYSTEM_PROGRAM, SurfacePublishArgs, UnderlyingAddArgs,
    instruction as build,
};
use crate::addresses::{self, PROGRAM_ID, event_authority};

/// Creates the engine of `creator`, who signs and pays the rent.
#[derive(Clone, Debug)]
pub struct EngineInitialize {
    pub creator: Pubkey,
    pub quote_mint: Pubkey,
    pub args: EngineInitializeArgs,
}

impl EngineInitialize {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::EngineInitialize {
            creator: self.creator,
            engine: addresses::engine(&self.creator),
            quote_mint: self.quote_mint,
            system_program: SYSTEM_PROGRAM,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::EngineInitialize { args: self.args }, &[])
    }
}

/// Lists a token and creates its vault. `admin` signs and pays the rent. The quote token comes first.
#[derive(Clone, Debug)]
pub struct CollateralAdd {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub mint: Pubkey,
    /// SPL Token or Token-2022, whichever owns the mint.
    pub token_program: Pubkey,
    pub args: CollateralAddArgs,
}

impl CollateralAdd {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let collateral = addresses::collateral(&self.engine, &self.mint);
        let accounts = accounts::CollateralAdd {
            admin: self.admin,
            engine: self.engine,
            mint: self.mint,
            collateral,
            vault: addresses::vault(&collateral),
            token_program: self.token_program,
            system_program: SYSTEM_PROGRAM,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::CollateralAdd { args: self.args }, &[])
    }
}

/// Lists an underlying. `admin` signs and pays the rent.
#[derive(Clone, Debug)]
pub struct UnderlyingAdd {
    pub admin: Pubkey,
    pub engine: Pubkey,
    /// The number it will get: how many the engine has so far.
    pub index: u16,
    pub args: UnderlyingAddArgs,
}

impl UnderlyingAdd {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::UnderlyingAdd {
            admin: self.admin,
            engine: self.engine,
            underlying: addresses::underlying(&self.engine, self.index),
            system_program: SYSTEM_PROGRAM,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::UnderlyingAdd { args: self.args }, &[])
    }
}

/// Lists an expiry on an underlying. `admin` signs.
#[derive(Clone, Debug)]
pub struct ExpiryList {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub underlying: Pubkey,
    /// Unix seconds.
    pub expiry: i64,
}

impl ExpiryList {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::ExpiryList {
            admin: self.admin,
            engine: self.engine,
            underlying: self.underlying,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::ExpiryList { expiry: self.expiry }, &[])
    }
}

/// Publishes forward, rate and surface of an expiry. The underlying's `publisher` signs.
#[derive(Clone, Debug)]
pub struct SurfacePublish {
    pub publisher: Pubkey,
    pub underlying: Pubkey,
    pub args: SurfacePublishArgs,
}

impl SurfacePublish {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::SurfacePublish {
            publisher: self.publisher,
            underlying: self.underlying,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::SurfacePublish { args: self.args }, &[])
    }
}
