//! From an action to a transaction on the chain.
//!
//! Simulate, set the compute-unit limit from what was measured and the priority fee, sign with a fresh blockhash, send, and
//! follow it. A transaction is signed anew only when the blockhash of the last one has run out: two that do the same can
//! never both land.

mod cluster;
mod failure;

use std::time::{Duration, Instant};

use margin_client::presets::MAX_COMPUTE_UNITS;
use solana_hash::Hash;
use solana_keypair::{Keypair, Signature};
use solana_message::AddressLookupTableAccount;
use solana_signer::Signer as _;
use solana_transaction::versioned::VersionedTransaction;

pub use cluster::{Blockhash, Cluster, Landed, NodeError, Simulated};
pub use failure::{Failure, classify};

use crate::{
    plan::Action,
    transaction::{Budget, message, signed},
};

/// Units that a transaction may need more than measured whatever its size: a clock that ticks, a table that shifts.
const SPARE_UNITS: u64 = 2_000;

/// How transactions are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendSettings {
    /// Percent that the compute-unit limit is above what was measured.
    pub unit_margin: u32,
    /// precision: micro-lamports a unit.
    pub least_fee: u64,
    /// precision: micro-lamports a unit.
    pub most_fee: u64,
    /// Percentile of the fees that were paid recently for the same accounts; 0: always the least fee.
    pub fee_percentile: u8,
    /// Blockhashes that are tried.
    pub attempts: u32,
    /// How often a transaction is sent again while its blockhash is valid.
    pub resend_every: Duration,
    /// How often its status is asked for.
    pub poll: Duration,
    /// How long a transaction is followed at most, should the node not answer any more.
    pub give_up: Duration,
    /// Only simulate.
    pub dry_run: bool,
}

impl Default for SendSettings {
    fn default() -> Self {
        Self {
            unit_margin: 10,
            least_fee: 1_000,
            most_fee: 1_000_000,
            fee_percentile: 75,
            attempts: 3,
            resend_every: Duration::from_secs(2),
            poll: Duration::from_millis(400),
            give_up: Duration::from_secs(90),
            dry_run: false,
        }
    }
}

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It would have succeeded; nothing was sent.
    Simulated {
        units: u64,
    },
    Landed {
        signature: Signature,
        slot: u64,
        units: u64,
        fee: u64,
    },
    Failed(Failure),
}

/// Sends actions.
pub struct Sender<C> {
    pub cluster: C,
    pub key: Keypair,
    pub tables: Vec<AddressLookupTableAccount>,
    pub settings: SendSettings,
}

impl<C: Cluster> Sender<C> {
    /// Carries an action out.
    pub async fn execute(&self, action: &Action) -> Sent {
        match self.try_execute(action).await {
            Ok(sent) => sent,
            Err(failure) => Sent::Failed(failure),
        }
    }

    async fn try_execute(&self, action: &Action) -> Result<Sent, Failure> {
        let mut last = Failure::Node(NodeError::Unreachable("no attempt was made".to_owned()));
        for attempt in 0..self.settings.attempts.max(1) {
            if attempt > 0 {
                tokio::time::sleep(self.settings.poll).await;
            }
            match self.attempt(action).await {
                Ok(sent) => return Ok(sent),
                // Nothing was sent, or what was sent cannot land any more.
                Err(failure @ (Failure::Node(_) | Failure::Expired)) => last = failure,
                Err(failure) => return Err(failure),
            }
        }
        Err(last)
    }

    async fn attempt(&self, action: &Action) -> Result<Sent, Failure> {
        let limits = Budget { units: MAX_COMPUTE_UNITS, price: 0 };
        let trial = self.transaction(action, limits, Hash::default())?;
        let Simulated { error, units } = self.cluster.simulate(&trial).await?;
        if let Some(error) = error {
            return Err(classify(&error));
        }
        if self.settings.dry_run {
            return Ok(Sent::Simulated { units });
        }
        let limit = units + units * u64::from(self.settings.unit_margin) / 100 + SPARE_UNITS;
        let budget = Budget { units: limit.min(u64::from(MAX_COMPUTE_UNITS)) as u32, price: self.fee(action).await };
        let Blockhash { hash, last_valid_height } = self.cluster.blockhash().await?;
        let transaction = self.transaction(action, budget, hash)?;
        self.follow(&transaction, last_valid_height, units, budget.price).await
    }

    fn transaction(&self, action: &Action, budget: Budget, blockhash: Hash) -> Result<VersionedTransaction, Failure> {
        let message = message(&self.key.pubkey(), &action.instructions, budget, &self.tables, blockhash)?;
        Ok(signed(message, &self.key)?)
    }

    /// What others paid lately to write the same accounts, within the limits; the least fee where the node does not tell.
    async fn fee(&self, action: &Action) -> u64 {
        let SendSettings { least_fee, most_fee, fee_percentile, .. } = self.settings;
        if fee_percentile == 0 {
            return least_fee;
        }
        let metas = action.instructions.iter().flat_map(|instruction| &instruction.accounts);
        let written: Vec<_> = metas.filter(|meta| meta.is_writable).map(|meta| meta.pubkey).collect();
        let mut paid = self.cluster.recent_fees(&written).await.unwrap_or_default();
        paid.sort_unstable();
        let at = paid.len().saturating_sub(1) * usize::from(fee_percentile.min(100)) / 100;
        paid.get(at).copied().unwrap_or(0).clamp(least_fee, most_fee.max(least_fee))
    }

    /// Sends a transaction again and again until it landed or cannot land any more.
    async fn follow(
        &self,
        transaction: &VersionedTransaction,
        last_valid_height: u64,
        units: u64,
        fee: u64,
    ) -> Result<Sent, Failure> {
        let signature = transaction.signatures.first().copied().unwrap_or_default();
        let since = Instant::now();
        let mut sent_at = None::<Instant>;
        loop {
            if sent_at.is_none_or(|sent_at| sent_at.elapsed() >= self.settings.resend_every) {
                let sent = self.cluster.send(transaction).await;
                if let (Err(error), None) = (sent, sent_at)
                    && let NodeError::Refused(_) = error
                {
                    // Not even the first one was taken.
                    return Err(error.into());
                }
                sent_at = Some(Instant::now());
            }
            match self.cluster.status(&signature).await {
                Ok(Some(Landed { slot, error: None })) => return Ok(Sent::Landed { signature, slot, units, fee }),
                Ok(Some(Landed { error: Some(error), .. })) => return Err(classify(&error)),
                Ok(None) => {
                    if self.cluster.block_height().await.is_ok_and(|height| height > last_valid_height) {
                        return self.last_look(signature, units, fee).await;
                    }
                }
                // The node may be back before the blockhash runs out.
                Err(_) => {}
            }
            if since.elapsed() > self.settings.give_up {
                return Err(Failure::Unknown(signature));
            }
            tokio::time::sleep(self.settings.poll).await;
        }
    }

    /// It may have landed in the last block that took it.
    async fn last_look(&self, signature: Signature, units: u64, fee: u64) -> Result<Sent, Failure> {
        match self.cluster.status(&signature).await {
            Ok(Some(Landed { slot, error: None })) => Ok(Sent::Landed { signature, slot, units, fee }),
            Ok(Some(Landed { error: Some(error), .. })) => Err(classify(&error)),
            Ok(None) => Err(Failure::Expired),
            Err(_) => Err(Failure::Unknown(signature)),
        }
    }
}

#[cfg(test)]
mod tests;
