//! JSON-RPC: what this tool asks a node.

use std::{mem::offset_of, path::Path, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use solana_account::Account;
use solana_account_decoder_client_types::UiAccountEncoding;
use solana_clock::Clock;
use solana_commitment_config::CommitmentConfig;
use solana_instruction::Instruction;
use solana_keypair::{Keypair, read_keypair_file};
use solana_message::Message;
use solana_pubkey::Pubkey;
use solana_rpc_client::{
    api::{
        client_error::{Error as RpcClientError, ErrorKind},
        config::{RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSimulateTransactionConfig},
        filter::{Memcmp, RpcFilterType},
        request::RpcError,
    },
    rpc_client::RpcClient,
};
use solana_signer::Signer as _;
use solana_transaction::Transaction;
use solana_transaction_error::TransactionError;

use crate::error::CliError;

const TIMEOUT: Duration = Duration::from_secs(30);
/// Most accounts that one request may ask for.
const ACCOUNTS_IN_REQUEST: usize = 100;

/// A node and its address.
pub struct Node {
    rpc: RpcClient,
    url: String,
}

/// What a simulated transaction did.
pub struct Simulation {
    pub error: Option<TransactionError>,
    pub logs: Vec<String>,
    /// Program and bytes.
    pub return_data: Option<(Pubkey, Vec<u8>)>,
    pub units: Option<u64>,
}

impl Node {
    pub fn new(url: &str) -> Self {
        let rpc = RpcClient::new_with_timeout_and_commitment(url, TIMEOUT, CommitmentConfig::confirmed());
        Self { rpc, url: url.to_owned() }
    }

    pub fn account(&self, address: &Pubkey) -> Result<Option<Account>, CliError> {
        Ok(self.accounts(&[*address])?.pop().flatten())
    }

    /// Accounts in the order asked for; `None` where there is none.
    pub fn accounts(&self, addresses: &[Pubkey]) -> Result<Vec<Option<Account>>, CliError> {
        let mut accounts = Vec::with_capacity(addresses.len());
        for part in addresses.chunks(ACCOUNTS_IN_REQUEST) {
            accounts.extend(self.rpc.get_multiple_accounts(part).map_err(|error| self.failure(error))?);
        }
        Ok(accounts)
    }

    /// All accounts of a program with this content at these offsets.
    pub fn search(&self, program: &Pubkey, content: &[(usize, Vec<u8>)]) -> Result<Vec<(Pubkey, Account)>, CliError> {
        let filters = content
            .iter()
            .map(|(offset, bytes)| RpcFilterType::Memcmp(Memcmp::new_base58_encoded(*offset, bytes)))
            .collect();
        let config = RpcProgramAccountsConfig {
            filters: Some(filters),
            account_config: RpcAccountInfoConfig {
                encoding: Some(UiAccountEncoding::Base64),
                commitment: Some(CommitmentConfig::confirmed()),
                ..RpcAccountInfoConfig::default()
            },
            ..RpcProgramAccountsConfig::default()
        };
        let found =
            self.rpc.get_program_ui_accounts_with_config(program, config).map_err(|error| self.failure(error))?;
        found
            .into_iter()
            .map(|(address, account)| {
                let account = account.to_account().ok_or_else(|| CliError::NodeUnreadable {
                    url: self.url.clone(),
                    request: "getProgramAccounts".to_owned(),
                    reason: format!("account {address} is not in base64"),
                })?;
                Ok((address, account))
            })
            .collect()
    }

    /// Time on the chain, Unix seconds.
    pub fn time(&self) -> Result<i64, CliError> {
        let account = self.account(&solana_sdk_ids::sysvar::clock::ID)?.ok_or(CliError::NoClock)?;
        let at = offset_of!(Clock, unix_timestamp);
        let bytes = account.data.get(at..).and_then(|rest| rest.first_chunk()).ok_or(CliError::NoClock)?;
        Ok(i64::from_le_bytes(*bytes))
    }

    /// Runs instructions without sending them: no signatures, and the node's newest blockhash.
    pub fn simulate(&self, fee_payer: &Pubkey, instructions: &[Instruction]) -> Result<Simulation, CliError> {
        let transaction = Transaction::new_unsigned(Message::new(instructions, Some(fee_payer)));
        let config = RpcSimulateTransactionConfig {
            sig_verify: false,
            replace_recent_blockhash: true,
            commitment: Some(CommitmentConfig::confirmed()),
            ..RpcSimulateTransactionConfig::default()
        };
        let result =
            self.rpc.simulate_transaction_with_config(&transaction, config).map_err(|error| self.failure(error))?.value;
        let unreadable = |reason: String| CliError::NodeUnreadable {
            url: self.url.clone(),
            request: "simulateTransaction".to_owned(),
            reason,
        };
        let return_data = match result.return_data {
            None => None,
            Some(returned) => {
                let program = returned.program_id.parse().map_err(|_| unreadable(returned.program_id.clone()))?;
                let data = BASE64_STANDARD.decode(&returned.data.0).map_err(|error| unreadable(error.to_string()))?;
                Some((program, data))
            }
        };
        Ok(Simulation {
            error: result.err.map(TransactionError::from),
            logs: result.logs.unwrap_or_default(),
            return_data,
            units: result.units_consumed,
        })
    }

    /// Sends instructions in one transaction that `payer` signs, and waits until it is confirmed; returns its signature.
    pub fn send(&self, payer: &Keypair, instructions: &[Instruction]) -> Result<String, CliError> {
        let blockhash = self.rpc.get_latest_blockhash().map_err(|error| self.failure(error))?;
        let transaction = Transaction::new_signed_with_payer(instructions, Some(&payer.pubkey()), &[payer], blockhash);
        let sent = self.rpc.send_and_confirm_transaction(&transaction);
        Ok(sent.map_err(|error| self.failure(error))?.to_string())
    }

    fn failure(&self, error: RpcClientError) -> CliError {
        let url = self.url.clone();
        let request = error.request.map_or_else(|| "the request".to_owned(), |request| request.to_string());
        match *error.kind {
            ErrorKind::Io(_) | ErrorKind::Reqwest(_) | ErrorKind::Middleware(_) => {
                CliError::NodeUnreachable { url, reason: root_cause(&*error.kind) }
            }
            ErrorKind::RpcError(RpcError::RpcResponseError { message, .. } | RpcError::ForUser(message)) => {
                CliError::NodeRefused { url, request, reason: message }
            }
            other => CliError::NodeUnreadable { url, request, reason: other.to_string() },
        }
    }
}

/// The innermost error: `connection refused` rather than `error sending request`.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// A key in a file as the Solana tools write it.
pub fn keypair(path: &Path) -> Result<Keypair, CliError> {
    read_keypair_file(path).map_err(|error| CliError::NoKeypair { path: path.to_owned(), reason: error.to_string() })
}
