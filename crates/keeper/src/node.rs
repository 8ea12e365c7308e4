//! JSON-RPC, asynchronous: what a keeper asks a node.

use std::time::Duration;

use margin_client::{
    PROGRAM_ID,
    accounts::{OfEngine, search_filters},
    pyth::{FEED_ID_OFFSET_WHEN_FULL, RECEIVER_PROGRAM},
};
use solana_account::Account;
use solana_account_decoder_client_types::UiAccountEncoding;
use solana_address_lookup_table_interface::state::AddressLookupTable;
use solana_commitment_config::CommitmentConfig;
use solana_keypair::Signature;
use solana_message::AddressLookupTableAccount;
use solana_pubkey::Pubkey;
use solana_rpc_client::{
    api::{
        client_error::{Error as RpcClientError, ErrorKind},
        config::{
            RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSendTransactionConfig, RpcSimulateTransactionConfig,
        },
        filter::{Memcmp, RpcFilterType},
        request::{RpcError, RpcRequest},
        response::{OptionalContext, RpcKeyedAccount},
    },
    nonblocking::rpc_client::RpcClient,
};
use solana_transaction::versioned::VersionedTransaction;

use crate::send::{Blockhash, Cluster, Landed, NodeError, Simulated};

/// Most accounts that one request may ask for.
const ACCOUNTS_IN_REQUEST: usize = 100;

/// A node.
pub struct Node {
    rpc: RpcClient,
    commitment: CommitmentConfig,
}

/// Accounts of a search, still encoded: a hundred thousand decoded ones would not fit the keeper's memory.
pub struct Found {
    pub slot: u64,
    accounts: Vec<RpcKeyedAccount>,
}

impl Found {
    /// Decodes them one by one.
    pub fn into_accounts(self) -> impl Iterator<Item = Result<(Pubkey, Account), NodeError>> {
        self.accounts.into_iter().map(|keyed| {
            let unreadable = || NodeError::Refused(format!("account {} cannot be decoded", keyed.pubkey));
            let address = keyed.pubkey.parse().map_err(|_| unreadable())?;
            Ok((address, keyed.account.to_account().ok_or_else(unreadable)?))
        })
    }
}

impl Node {
    #[must_use]
    pub fn new(url: &str, timeout: Duration, commitment: CommitmentConfig) -> Self {
        let rpc = RpcClient::new_with_timeout_and_commitment(url.to_owned(), timeout, commitment);
        Self { rpc, commitment }
    }

    /// Accounts in the order asked for, and the slot they are of; `None` where there is none.
    pub async fn accounts(&self, addresses: &[Pubkey]) -> Result<(u64, Vec<Option<Account>>), NodeError> {
        let (mut slot, mut found) = (u64::MAX, Vec::with_capacity(addresses.len()));
        for part in addresses.chunks(ACCOUNTS_IN_REQUEST) {
            let answer =
                self.rpc.get_multiple_accounts_with_commitment(part, self.commitment).await.map_err(node_error)?;
            slot = slot.min(answer.context.slot);
            found.extend(answer.value);
        }
        Ok((slot, found))
    }

    /// All accounts of a type in an engine.
    pub async fn accounts_of<T: OfEngine>(&self, engine: &Pubkey) -> Result<Found, NodeError> {
        self.search(&PROGRAM_ID, &search_filters::<T>(engine)).await
    }

    /// Fully verified Pyth updates of a feed.
    pub async fn updates_of(&self, feed: &[u8; 32]) -> Result<Found, NodeError> {
        // The level Full is the byte 1 just before the feed id.
        let content = [&[1], &feed[..]].concat();
        self.search(&RECEIVER_PROGRAM, &[(FEED_ID_OFFSET_WHEN_FULL - 1, content)]).await
    }

    /// All accounts of a program with this content at these offsets.
    pub async fn search(&self, program: &Pubkey, content: &[(usize, Vec<u8>)]) -> Result<Found, NodeError> {
        let filters =
            content.iter().map(|(at, bytes)| RpcFilterType::Memcmp(Memcmp::new_base58_encoded(*at, bytes))).collect();
        let config = RpcProgramAccountsConfig {
            filters: Some(filters),
            // Accounts are mostly zeros: compressed, a snapshot is a tenth.
            account_config: self.encoding(UiAccountEncoding::Base64Zstd),
            with_context: Some(true),
            sort_results: Some(false),
        };
        // A node that tells no slot may have answered at any time since it was asked.
        let slot_before = self.rpc.get_slot().await.map_err(node_error)?;
        let parameters = serde_json::json!([program.to_string(), config]);
        let answer: OptionalContext<Vec<RpcKeyedAccount>> =
            self.rpc.send(RpcRequest::GetProgramAccounts, parameters).await.map_err(node_error)?;
        Ok(match answer {
            OptionalContext::Context(answer) => Found { slot: answer.context.slot, accounts: answer.value },
            OptionalContext::NoContext(accounts) => Found { slot: slot_before, accounts },
        })
    }

    /// Look-up tables by their addresses.
    pub async fn tables(&self, addresses: &[Pubkey]) -> Result<Vec<AddressLookupTableAccount>, NodeError> {
        let (_, found) = self.accounts(addresses).await?;
        let decoded = addresses.iter().zip(found).map(|(key, account)| {
            let unreadable = || NodeError::Refused(format!("{key} is no address look-up table"));
            let account = account.ok_or_else(unreadable)?;
            let table = AddressLookupTable::deserialize(&account.data).map_err(|_| unreadable())?;
            Ok(AddressLookupTableAccount { key: *key, addresses: table.addresses.to_vec() })
        });
        decoded.collect()
    }

    /// How accounts are asked for, and as of when.
    #[must_use]
    pub fn encoding(&self, encoding: UiAccountEncoding) -> RpcAccountInfoConfig {
        RpcAccountInfoConfig {
            encoding: Some(encoding),
            commitment: Some(self.commitment),
            ..RpcAccountInfoConfig::default()
        }
    }
}

impl Cluster for Node {
    async fn blockhash(&self) -> Result<Blockhash, NodeError> {
        let answer = self.rpc.get_latest_blockhash_with_commitment(self.commitment).await;
        let (hash, last_valid_height) = answer.map_err(node_error)?;
        Ok(Blockhash { hash, last_valid_height })
    }

    async fn simulate(&self, transaction: &VersionedTransaction) -> Result<Simulated, NodeError> {
        let config = RpcSimulateTransactionConfig {
            sig_verify: false,
            replace_recent_blockhash: true,
            commitment: Some(self.commitment),
            ..RpcSimulateTransactionConfig::default()
        };
        let answer = self.rpc.simulate_transaction_with_config(transaction, config).await.map_err(node_error)?.value;
        Ok(Simulated { error: answer.err.map(Into::into), units: answer.units_consumed.unwrap_or_default() })
    }

    async fn send(&self, transaction: &VersionedTransaction) -> Result<(), NodeError> {
        // It was simulated, and it is sent again from here until it has landed.
        let config = RpcSendTransactionConfig {
            skip_preflight: true,
            max_retries: Some(0),
            ..RpcSendTransactionConfig::default()
        };
        self.rpc.send_transaction_with_config(transaction, config).await.map(drop).map_err(node_error)
    }

    async fn status(&self, signature: &Signature) -> Result<Option<Landed>, NodeError> {
        let answer = self.rpc.get_signature_statuses(&[*signature]).await.map_err(node_error)?;
        let status = answer.value.into_iter().next().flatten();
        let reached = status.filter(|status| status.satisfies_commitment(self.commitment));
        Ok(reached.map(|status| Landed { slot: status.slot, error: status.err }))
    }

    async fn block_height(&self) -> Result<u64, NodeError> {
        self.rpc.get_block_height().await.map_err(node_error)
    }

    async fn recent_fees(&self, written: &[Pubkey]) -> Result<Vec<u64>, NodeError> {
        // Most that the request takes.
        const ACCOUNTS: usize = 128;
        let accounts = &written[..written.len().min(ACCOUNTS)];
        let answer = self.rpc.get_recent_prioritization_fees(accounts).await.map_err(node_error)?;
        Ok(answer.into_iter().map(|fee| fee.prioritization_fee).collect())
    }
}

/// Whether the node answered at all.
fn node_error(error: RpcClientError) -> NodeError {
    match error.kind() {
        ErrorKind::RpcError(RpcError::RpcResponseError { message, .. } | RpcError::ForUser(message)) => {
            NodeError::Refused(message.clone())
        }
        ErrorKind::TransactionError(error) => NodeError::Refused(error.to_string()),
        _ => NodeError::Unreachable(error.to_string()),
    }
}
