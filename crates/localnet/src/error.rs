//! Everything that can go wrong between this process and its embedded network, by cause.

use std::path::PathBuf;

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
    /// A transaction reached the bank and failed; `program` names the program's own error where its log tells.
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
    /// The network's answer to a simulation is not base64.
    #[error("unreadable return data: {0}")]
    ReturnData(base64::DecodeError),
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

/// An error raised by a program, as its log line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramError {
    /// The variant's name, e.g. `InitialMarginNotMet`.
    pub name: String,
    /// The number a client sees as `Custom(number)`.
    pub number: u32,
    /// The text a trader reads.
    pub message: String,
}

impl ProgramError {
    /// Reads the line Anchor logs before it returns an error: `… Error Code: NAME. Error Number: N. Error Message: TEXT.`
    pub fn from_logs(logs: &[String]) -> Option<Self> {
        logs.iter().rev().find_map(|line| {
            let rest = line.split_once("Error Code: ")?.1;
            let (name, rest) = rest.split_once(". Error Number: ")?;
            let (number, message) = rest.split_once(". Error Message: ")?;
            Some(Self {
                name: name.to_owned(),
                number: number.parse().ok()?,
                message: message.trim_end_matches('.').to_owned(),
            })
        })
    }
}

fn describe(error: &TransactionError, program: Option<&ProgramError>) -> String {
    match program {
        Some(p) => format!("{} ({}): {}", p.name, p.number, p.message),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_program_error_from_its_log_line() {
        let logs = [
            "Program log: Instruction: TradeExecute".to_owned(),
            "Program log: AnchorError thrown in programs/x.rs:3. Error Code: MarginTooLow. Error Number: 6012. \
             Error Message: initial margin is negative."
                .to_owned(),
            "Program X failed: custom program error: 0x177c".to_owned(),
        ];
        let error = ProgramError::from_logs(&logs).expect("an Anchor error line");
        assert_eq!((error.name.as_str(), error.number), ("MarginTooLow", 6012));
        assert_eq!(error.message, "initial margin is negative");
    }

    #[test]
    fn a_log_without_a_program_error_gives_none() {
        assert_eq!(ProgramError::from_logs(&["Program log: Instruction: Deposit".to_owned()]), None);
    }
}
