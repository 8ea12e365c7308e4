//! Why an action failed, by the program's own errors.

use margin_client::errors::{EngineError as E, ProgramError, engine_error, explain};
use solana_keypair::Signature;
use solana_transaction_error::TransactionError;

use super::NodeError;
use crate::transaction::Unfit;

/// Why an action failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Another keeper was faster, or the account recovered: nothing is wrong.
    #[error("somebody was faster: {0}")]
    LostRace(ProgramError),
    /// The price moved beyond the limit.
    #[error("the market moved: {0}")]
    Moved(ProgramError),
    /// A price or a surface is too old or too uncertain.
    #[error("no usable price: {0}")]
    StalePrice(ProgramError),
    /// The bid would have broken the keeper's own margin, or its account has no room.
    #[error("the own account cannot carry it: {0}")]
    OwnAccount(ProgramError),
    /// The program refused for another reason.
    #[error("refused: {0}")]
    Program(ProgramError),
    /// The runtime refused: no lamports for the fee, out of compute units, unknown accounts.
    #[error("the runtime refused: {0}")]
    Runtime(String),
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The blockhash ran out before the transaction landed.
    #[error("the blockhash ran out before the transaction landed")]
    Expired,
    /// The node stopped answering: the transaction may have landed. The next snapshot shows it.
    #[error("the node does not say what became of {0}")]
    Unknown(Signature),
}

impl Failure {
    /// Short name, for metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LostRace(_) => "lost_race",
            Self::Moved(_) => "moved",
            Self::StalePrice(_) => "stale_price",
            Self::OwnAccount(_) => "own_account",
            Self::Program(_) => "program",
            Self::Runtime(_) => "runtime",
            Self::Unfit(_) => "unfit",
            Self::Node(_) => "node",
            Self::Expired => "expired",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Reads a transaction's error.
#[must_use]
pub fn classify(error: &TransactionError) -> Failure {
    use solana_instruction::error::InstructionError;
    let TransactionError::InstructionError(_, InstructionError::Custom(code)) = error else {
        return Failure::Runtime(error.to_string());
    };
    let Some(raised) = explain(*code) else { return Failure::Runtime(error.to_string()) };
    match engine_error(*code) {
        Some(
            E::AccountHealthy
            | E::NotInLiquidation
            | E::AlreadyInLiquidation
            | E::NotRecovered
            | E::BidWorsens
            | E::BidSequence
            | E::AuctionSolvent
            | E::AuctionInsolvent
            | E::AuctionUnchanged
            | E::WitnessNotWorse
            | E::NotBankrupt
            | E::NotChallenged
            | E::SampleSpacing
            | E::SettlementCovered
            | E::SettlementFinal
            | E::ExpiryUnknown
            // The other account's markets changed under way.
            | E::RiskAccountMissing
            | E::RiskAccountUnexpected,
        ) => Failure::LostRace(raised),
        Some(E::BidPriceLimit) => Failure::Moved(raised),
        Some(
            E::SurfaceStale
            | E::SurfaceMissing
            | E::PerpetualStale
            | E::OracleStale
            | E::OracleFuture
            | E::OraclePrice
            | E::OracleConfidence
            | E::OracleHalted,
        ) => Failure::StalePrice(raised),
        Some(
            E::BelowInitialMargin
            | E::PositionTableFull
            | E::BalanceTableFull
            | E::AccountInLiquidation
            | E::IsolatedUnderlying,
        ) => Failure::OwnAccount(raised),
        _ => Failure::Program(raised),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_instruction::error::InstructionError;

    fn failure(code: u32) -> Failure {
        classify(&TransactionError::InstructionError(2, InstructionError::Custom(code)))
    }

    #[test]
    fn errors_of_the_program_say_what_to_do() {
        for (error, name) in [
            (E::NotInLiquidation, "lost_race"),
            (E::AccountHealthy, "lost_race"),
            (E::BidPriceLimit, "moved"),
            (E::OracleStale, "stale_price"),
            (E::BelowInitialMargin, "own_account"),
            (E::SelfLiquidation, "program"),
        ] {
            assert_eq!(failure(u32::from(error)).name(), name, "{error:?}");
        }
        assert_eq!(failure(1).name(), "runtime", "a token program's code");
        assert_eq!(classify(&TransactionError::InsufficientFundsForFee).name(), "runtime");
    }
}
