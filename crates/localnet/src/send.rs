//! Transactions over RPC: signed, sent, followed to the block, and their failures read.

use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use solana_account::Account;
use solana_instruction::Instruction;
use solana_keypair::{Keypair, Signature};
use solana_pubkey::Pubkey;
use solana_rpc_client::rpc_client::RpcClient;
use solana_rpc_client_api::client_error::Error as ClientError;
use solana_rpc_client_api::client_error::ErrorKind;
use solana_rpc_client_api::request::{RpcError, RpcResponseErrorData};
use solana_signer::Signer as _;
use solana_transaction::Transaction;

use crate::error::program_error;
use crate::{LocalnetError, Network, Result};

const CONFIRM_TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(2);

/// A connection that sends transactions and waits for each.
pub struct Sender {
    client: RpcClient,
}

/// What a transaction that was only simulated would have done.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The bytes the last program set as its return data, and that program.
    pub return_data: Option<(Pubkey, Vec<u8>)>,
    pub compute_units: u64,
    pub logs: Vec<String>,
}

impl Sender {
    pub fn new(network: &Network) -> Self {
        Self { client: network.client() }
    }

    pub fn client(&self) -> &RpcClient {
        &self.client
    }

    /// Sends one transaction that `payer` pays for and signs, with the other `signers`, and waits until it is in a block.
    pub fn send(&self, instructions: &[Instruction], payer: &Keypair, signers: &[&Keypair]) -> Result<Signature> {
        let transaction = self.sign(instructions, payer, signers)?;
        let signature = self.client.send_transaction(&transaction).map_err(failure)?;
        self.wait(&signature)?;
        Ok(signature)
    }

    /// Runs the transaction against the latest state without committing it. `payer` is charged nothing.
    pub fn simulate(&self, instructions: &[Instruction], payer: &Keypair) -> Result<Simulation> {
        let transaction = self.sign(instructions, payer, &[])?;
        let result = self.client.simulate_transaction(&transaction).map_err(failure)?.value;
        let logs = result.logs.unwrap_or_default();
        if let Some(error) = result.err {
            let error = error.into();
            return Err(LocalnetError::Transaction { program: program_error(&error), error, logs });
        }
        let return_data = match result.return_data {
            Some(data) => {
                let bytes = BASE64.decode(&data.data.0).map_err(LocalnetError::ReturnData)?;
                let program = data.program_id.parse().map_err(|_| LocalnetError::ReturnProgram(data.program_id))?;
                Some((program, bytes))
            }
            None => None,
        };
        Ok(Simulation { return_data, compute_units: result.units_consumed.unwrap_or_default(), logs })
    }

    /// An account; `what` names it in the error when it does not exist.
    pub fn account(&self, what: &'static str, address: &Pubkey) -> Result<Account> {
        let answer = self
            .client
            .get_account_with_commitment(address, self.client.commitment())
            .map_err(LocalnetError::rpc("getAccountInfo"))?;
        answer.value.ok_or(LocalnetError::AccountMissing { what, address: *address })
    }

    /// The time programs see, Unix seconds.
    pub fn time(&self) -> Result<i64> {
        Ok(crate::cheats::read_clock(&self.client)?.unix_timestamp)
    }

    fn sign(&self, instructions: &[Instruction], payer: &Keypair, signers: &[&Keypair]) -> Result<Transaction> {
        let blockhash = self.client.get_latest_blockhash().map_err(LocalnetError::rpc("getLatestBlockhash"))?;
        let mut transaction = Transaction::new_with_payer(instructions, Some(&payer.pubkey()));
        let keys: Vec<&Keypair> = std::iter::once(payer).chain(signers.iter().copied()).collect();
        transaction.try_sign(&keys, blockhash)?;
        Ok(transaction)
    }

    /// Polls faster than the stock client, whose half second a transaction would make the replay take minutes.
    fn wait(&self, signature: &Signature) -> Result<()> {
        let deadline = Instant::now() + CONFIRM_TIMEOUT;
        while Instant::now() < deadline {
            let status =
                self.client.get_signature_status(signature).map_err(LocalnetError::rpc("getSignatureStatuses"))?;
            match status {
                Some(Ok(())) => return Ok(()),
                Some(Err(error)) => {
                    return Err(LocalnetError::Transaction { program: program_error(&error), error, logs: Vec::new() });
                }
                None => sleep(POLL),
            }
        }
        Err(LocalnetError::Unconfirmed(signature.to_string()))
    }
}

/// A refused preflight carries the program's log; any other failure is the request's.
fn failure(error: ClientError) -> LocalnetError {
    if let ErrorKind::RpcError(RpcError::RpcResponseError {
        data: RpcResponseErrorData::SendTransactionPreflightFailure(result),
        ..
    }) = error.kind()
        && let Some(cause) = &result.err
    {
        let error = cause.clone().into();
        let logs = result.logs.clone().unwrap_or_default();
        return LocalnetError::Transaction { program: program_error(&error), error, logs };
    }
    LocalnetError::rpc("sendTransaction")(error)
}
