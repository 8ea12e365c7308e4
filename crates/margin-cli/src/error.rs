//! What can go wrong, each with what to do about it.

use std::path::PathBuf;

use margin_client::{AccountError, DirectoryError, ReportError, errors::ProgramError, margin::MarginFailure};
use margin_evaluate::{EvaluateError, PortfolioError};
use solana_pubkey::Pubkey;

#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error("no Solana node answers at {url}: {reason}\nStart one, or name another with --url or MARGIN_RPC_URL.")]
    NodeUnreachable { url: String, reason: String },
    #[error("the node at {url} refused {request}: {reason}")]
    NodeRefused { url: String, request: String, reason: String },
    #[error("the node at {url} answered {request} with something unreadable: {reason}")]
    NodeUnreadable { url: String, request: String, reason: String },
    #[error("account {address} does not exist on this network")]
    AccountNotFound { address: Pubkey },
    #[error("owner {owner} has no margin account {index} in engine {engine}")]
    OwnerHasNoAccount { owner: Pubkey, index: u16, engine: Pubkey },
    #[error("account {address} is {error}")]
    NotTheAccount { address: Pubkey, error: AccountError },
    #[error("no margin engine exists at {address} on this network")]
    EngineNotFound { address: Pubkey },
    #[error("this network has no margin engine (program {program})", program = margin_client::PROGRAM_ID)]
    NoEngine,
    #[error("this network has several margin engines; choose one with --engine:{}", listed_below(.0))]
    SeveralEngines(Vec<Pubkey>),
    #[error("the engine lists no underlying {symbol}; it has {}", .listed.join(", "))]
    UnknownSymbol { symbol: String, listed: Vec<String> },
    #[error("the engine lists no token of mint {mint}; `margin market show` names those it has")]
    UnknownMint { mint: Pubkey },
    #[error("no price account found for {market} (feed {feed}); name one with --price-account {feed}=ADDRESS")]
    NoPriceAccount { market: String, feed: String },
    #[error("the node does not know the time: its clock account is missing or unreadable")]
    NoClock,
    #[error("the program refuses to compute this margin: {0}")]
    Refused(ProgramError),
    #[error("fee payer {0} does not exist or holds no SOL, so the node cannot simulate; name another with --fee-payer")]
    FeePayer(Pubkey),
    #[error("the simulation failed: {reason}{}", indented(.logs))]
    Simulation { reason: String, logs: Vec<String> },
    #[error("margin check: {0}")]
    ReturnData(#[from] ReportError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error("off-chain margin: {0}")]
    Margin(#[from] MarginFailure),
    #[error("cannot read {}: {reason}", .path.display())]
    NoFile { path: PathBuf, reason: String },
    #[error("no key in {}: {reason}", .path.display())]
    NoKeypair { path: PathBuf, reason: String },
    #[error("{}: {error}", .file.display())]
    Portfolio { file: PathBuf, error: Box<PortfolioError> },
    #[error("no preset and no file is called {name}; presets are {}", preset_names())]
    NoModel { name: String },
    #[error("cannot read the program at {}: {reason}\n`cargo xtask build-sbf margin-engine` makes it; --program names another.", .path.display())]
    NoProgram { path: PathBuf, reason: String },
    #[error("margin of the portfolio: {0}")]
    Evaluate(#[from] EvaluateError),
    #[error("keeper: {0}")]
    Keeper(String),
}

impl CliError {
    /// Short name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NodeUnreachable { .. } => "node-unreachable",
            Self::NodeRefused { .. } => "node-refused",
            Self::NodeUnreadable { .. } => "node-unreadable",
            Self::AccountNotFound { .. } | Self::OwnerHasNoAccount { .. } => "account-not-found",
            Self::NotTheAccount { error: AccountError::ForeignOwner { .. }, .. } => "wrong-program",
            Self::NotTheAccount { error: AccountError::WrongKind { .. }, .. } => "wrong-account-kind",
            Self::NotTheAccount { .. } => "unknown-layout",
            Self::EngineNotFound { .. } | Self::NoEngine => "engine-not-found",
            Self::SeveralEngines(_) => "several-engines",
            Self::UnknownSymbol { .. } => "unknown-symbol",
            Self::UnknownMint { .. } => "unknown-mint",
            Self::NoPriceAccount { .. } => "no-price-account",
            Self::NoClock => "no-clock",
            Self::Refused(_) => "refused",
            Self::FeePayer(_) => "fee-payer",
            Self::Simulation { .. } => "simulation-failed",
            Self::ReturnData(_) => "return-data",
            Self::Directory(_) | Self::Margin(_) => "margin",
            Self::NoFile { .. } => "no-file",
            Self::NoKeypair { .. } => "no-keypair",
            Self::Portfolio { .. } => "portfolio",
            Self::NoModel { .. } => "no-model",
            Self::NoProgram { .. } => "no-program",
            Self::Evaluate(EvaluateError::Program(_)) => "refused",
            Self::Evaluate(_) => "evaluation",
            Self::Keeper(_) => "keeper",
        }
    }
}

fn preset_names() -> String {
    margin_client::presets::PRESETS.map(|(name, _)| name).join(", ")
}

fn listed_below(addresses: &[Pubkey]) -> String {
    addresses.iter().map(|address| format!("\n  {address}")).collect()
}

fn indented(logs: &[String]) -> String {
    logs.iter().map(|line| format!("\n  {line}")).collect()
}
