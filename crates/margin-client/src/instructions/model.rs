use margin_engine::{
    accounts, instruction,
    state::{ScenarioArgs, TradingParameters},
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{CorrelationSetArgs, ModelSetArgs, PerpetualPublishArgs, SYSTEM_PROGRAM, instruction as build};
use crate::{
    addresses::{self, PROGRAM_ID, event_authority},
    presets::MarginModel,
};

/// Sets the parameters of an underlying's margin model. `admin` signs.
#[derive(Clone, Debug)]
pub struct ModelSet {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub underlying: Pubkey,
    pub args: ModelSetArgs,
}

impl ModelSet {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::ModelSet {
            admin: self.admin,
            engine: self.engine,
            underlying: self.underlying,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::ModelSet { args: self.args }, &[])
    }
}

/// Sets the risk grid of an underlying, after its parameters. `admin` signs.
#[derive(Clone, Debug)]
pub struct ScenariosSet {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub underlying: Pubkey,
    /// Sorted by vol shock, then by spot multiplier.
    pub scenarios: Vec<ScenarioArgs>,
}

impl ScenariosSet {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::ScenariosSet {
            admin: self.admin,
            engine: self.engine,
            underlying: self.underlying,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::ScenariosSet { scenarios: self.scenarios }, &[])
    }
}

impl MarginModel {
    /// The two instructions that set this model on a listed underlying; together they are too long for one transaction.
    #[must_use]
    pub fn instructions(self, admin: Pubkey, engine: Pubkey, underlying: Pubkey) -> [Instruction; 2] {
        let Self { parameters: args, scenarios } = self;
        [
            ModelSet { admin, engine, underlying, args }.instruction(),
            ScenariosSet { admin, engine, underlying, scenarios }.instruction(),
        ]
    }
}

/// Sets the cross-underlying model of an engine and switches it on. `admin` signs and pays the rent.
#[derive(Clone, Debug)]
pub struct CorrelationSet {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub args: CorrelationSetArgs,
}

impl CorrelationSet {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::CorrelationSet {
            admin: self.admin,
            engine: self.engine,
            correlation: addresses::correlation(&self.engine),
            system_program: SYSTEM_PROGRAM,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::CorrelationSet { args: self.args }, &[])
    }
}

/// Publishes the mark of an underlying's perpetual. The underlying's `publisher` signs.
#[derive(Clone, Debug)]
pub struct PerpetualPublish {
    pub publisher: Pubkey,
    pub underlying: Pubkey,
    pub args: PerpetualPublishArgs,
}

impl PerpetualPublish {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::PerpetualPublish {
            publisher: self.publisher,
            underlying: self.underlying,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::PerpetualPublish { args: self.args }, &[])
    }
}

/// Sets fees, price band, funding and settlement of an underlying. `admin` signs.
#[derive(Clone, Copy, Debug)]
pub struct TradingSet {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub underlying: Pubkey,
    pub parameters: TradingParameters,
}

impl TradingSet {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::TradingSet {
            admin: self.admin,
            engine: self.engine,
            underlying: self.underlying,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::TradingSet { parameters: self.parameters }, &[])
    }
}
