//! What sending needs of a cluster. A trait, so that tests lose transactions and answers as they like.

use std::future::Future;

use solana_hash::Hash;
use solana_keypair::Signature;
use solana_pubkey::Pubkey;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;

/// Why a node did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    #[error("the node does not answer: {0}")]
    Unreachable(String),
    #[error("the node refuses: {0}")]
    Refused(String),
}

/// A recent blockhash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blockhash {
    pub hash: Hash,
    /// Highest block that takes a transaction with it.
    pub last_valid_height: u64,
}

/// What a simulated transaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    pub error: Option<TransactionError>,
    pub units: u64,
}

/// A transaction in a confirmed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    pub slot: u64,
    pub error: Option<TransactionError>,
}

/// A node as sending sees it.
pub trait Cluster: Send + Sync {
    fn blockhash(&self) -> impl Future<Output = Result<Blockhash, NodeError>> + Send;
    /// With the node's own blockhash.
    fn simulate(&self, transaction: &VersionedTransaction)
    -> impl Future<Output = Result<Simulated, NodeError>> + Send;
    fn send(&self, transaction: &VersionedTransaction) -> impl Future<Output = Result<(), NodeError>> + Send;
    /// `None`: it has not landed yet, as far as the node knows.
    fn status(&self, signature: &Signature) -> impl Future<Output = Result<Option<Landed>, NodeError>> + Send;
    fn block_height(&self) -> impl Future<Output = Result<u64, NodeError>> + Send;
    /// Priority fees that were paid lately by transactions that wrote the accounts, micro-lamports a unit.
    fn recent_fees(&self, written: &[Pubkey]) -> impl Future<Output = Result<Vec<u64>, NodeError>> + Send;
}
