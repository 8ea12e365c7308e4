//! Everything that can go wrong between this process and its embedded network, by cause.

use std::path::PathBuf;

use margin_client::errors::{self, ProgramError};
use margin_client::margin::MarginFailure;
use margin_client::{AccountError, DirectoryError, ReportError};
use solana_instruction::error::InstructionError;
use solana_pubkey::Pubkey;
use solana_transaction_error::TransactionError;

use crate::network::Port;

/// A failure of the local network, of a request to it, or of a program that ran on it.
#[derive(Debug, thiserror::Error)]
pub enum LocalnetError {
    /// Another process listens where the network should.
    #[error("port {number} for {port} is taken on 127.0.0.1: stop the process that uses it, or choose another with {flag}", flag = port.flag())]
    PortTaken { port: Port, number: u16 },
    /// The endpoint cannot be bound for another reason, such as a privileged port.
    #[error("cannot listen on 127.0.0.1:{number} for {port}: {source}")]
    PortUnusable { port: Port, number: u16, source: std::io::Error },
    /// Both endpoints were given one port.
    #[error("JSON-RPC and WebSocket need different ports, both are {0}")]
    PortsEqual(u16),
    /// The network did not come up.
    #[error("the local network did not start: {0}")]
    Startup(String),
    /// The network's own thread has ended.
    #[error("the local network has stopped: {0}")]
    Stopped(String),
    /// The program's ELF is missing or unreadable.
    #[error("cannot read the program {path}: {source} (build it with `cargo xtask build-sbf`)")]
    ProgramFile { path: PathBuf, source: std::io::Error },
    /// A request over JSON-RPC failed before any program ran.
    #[error("{request}: {source}")]
    Rpc { request: &'static str, source: Box<solana_rpc_client_api::client_error::Error> },
    /// A transaction reached the bank and failed; `program` explains the margin engine's own code.
    #[error("transaction failed: {}", describe(error, program.as_ref()))]
    Transaction { error: TransactionError, program: Option<ProgramError>, logs: Vec<String> },
    /// A transaction was accepted and never became visible.
    #[error("transaction {0} was not confirmed in time")]
    Unconfirmed(String),
    /// A transaction could not be signed with the given keys.
    #[error("signing failed: {0}")]
    Signing(#[from] solana_signer::SignerError),
    /// An account that must exist does not.
    #[error("{what} {address} does not exist")]
    AccountMissing { what: &'static str, address: Pubkey },
    /// An account's bytes are not what the client expects.
    #[error("{what} {address}: {reason}")]
    AccountInvalid { what: &'static str, address: Pubkey, reason: String },
    /// An account of the margin engine could not be decoded.
    #[error("{what} {address}: {source}")]
    Account { what: &'static str, address: Pubkey, source: AccountError },
    /// An account holds something of a market that this network does not list.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// `margin_check` returned something else than a margin report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The margin computed off-chain failed.
    #[error("keeper: {0}")]
    Keeper(String),
    #[error("off-chain margin: {0}")]
    Margin(#[from] MarginFailure),
    /// A price or a size is outside what the pricing kernel or the program takes.
    #[error("cannot price {instrument}: {reason}")]
    Pricing { instrument: String, reason: String },
    /// An account could not be read within one second of the network's clock.
    #[error("the network's clock went on during each of {attempts} readings of an account")]
    ClockTicks { attempts: u32 },
    /// The network's answer to a simulation is not base64.
    #[error("unreadable return data: {0}")]
    ReturnData(base64::DecodeError),
    /// The program that returned data is not named by an address.
    #[error("return data of {0:?}, which is not an address")]
    ReturnProgram(String),
    /// A transaction's record in the ledger cannot be read back.
    #[error("transaction {signature}: {reason}")]
    Ledger { signature: String, reason: String },
    /// Standard output cannot be written to.
    #[error("cannot write the output: {0}")]
    Output(std::io::Error),
    /// The committed market or crash table does not hold together.
    #[error("{table}: {reason}")]
    Table { table: &'static str, reason: String },
}

impl LocalnetError {
    /// The program's own error code, where one was raised.
    pub fn program_error(&self) -> Option<&ProgramError> {
        match self {
            LocalnetError::Transaction { program, .. } => program.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn rpc(request: &'static str) -> impl FnOnce(solana_rpc_client_api::client_error::Error) -> Self {
        move |source| LocalnetError::Rpc { request, source: Box::new(source) }
    }
}

/// The program's own error, where the failure carries one of its codes.
pub(crate) fn program_error(error: &TransactionError) -> Option<ProgramError> {
    match error {
        TransactionError::InstructionError(_, InstructionError::Custom(code)) => errors::explain(*code),
        _ => None,
    }
}

fn describe(error: &TransactionError, program: Option<&ProgramError>) -> String {
    program.map_or_else(|| error.to_string(), ProgramError::to_string)
}
