//! Events of a transaction, read back from the ledger.
//!
//! The program emits them as inner instructions, so they survive when a node truncates its log.

use margin_client::events::EngineEvent;
use solana_commitment_config::CommitmentConfig;
use solana_keypair::Signature;
use solana_rpc_client_api::config::RpcTransactionConfig;
use solana_transaction_status_client_types::option_serializer::OptionSerializer;
use solana_transaction_status_client_types::{UiInstruction, UiTransactionEncoding};

use crate::{LocalnetError, Result, Sender};

/// The margin engine's events of a confirmed transaction, in their order.
pub fn of_transaction(sender: &Sender, signature: &Signature) -> Result<Vec<EngineEvent>> {
    let unreadable =
        |reason: &str| LocalnetError::Ledger { signature: signature.to_string(), reason: reason.to_owned() };
    let config = RpcTransactionConfig {
        encoding: Some(UiTransactionEncoding::Base64),
        commitment: Some(CommitmentConfig::confirmed()),
        max_supported_transaction_version: Some(0),
    };
    let found = sender
        .client()
        .get_transaction_with_config(signature, config)
        .map_err(LocalnetError::rpc("getTransaction"))?
        .transaction;
    let transaction = found.transaction.decode().ok_or_else(|| unreadable("the transaction does not decode"))?;
    let keys = transaction.message.static_account_keys();
    let Some(OptionSerializer::Some(inner)) = found.meta.map(|meta| meta.inner_instructions) else {
        return Err(unreadable("no inner instructions were stored"));
    };
    let mut calls = Vec::new();
    for instruction in inner.into_iter().flat_map(|of_one| of_one.instructions) {
        let UiInstruction::Compiled(instruction) = instruction else {
            return Err(unreadable("an inner instruction is not in compiled form"));
        };
        let data = bs58::decode(&instruction.data).into_vec().map_err(|e| unreadable(&e.to_string()))?;
        calls.push((instruction.program_id_index, data));
    }
    EngineEvent::collect(keys, calls.iter().map(|(program, data)| (*program, data.as_slice())))
        .map_err(|e| unreadable(&e.to_string()))
}
