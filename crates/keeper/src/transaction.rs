//! Transactions within the network's limits.

use margin_client::presets::{compute_unit_limit, compute_unit_price};
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{AddressLookupTableAccount, Message, VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_transaction::versioned::VersionedTransaction;

/// Most bytes of a transaction.
pub const MAX_BYTES: usize = 1_232;
/// Most accounts that a transaction may lock.
pub const MAX_LOCKS: usize = 64;
/// A count of one and a signature.
const SIGNATURE_BYTES: usize = 1 + 64;

/// What a transaction asks of the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Compute-unit limit.
    pub units: u32,
    /// precision: micro-lamports for one compute unit.
    pub price: u64,
}

/// Why instructions do not make a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("{found} bytes, and a transaction has {MAX_BYTES}; an address look-up table may help")]
    Bytes { found: usize },
    #[error("{found} accounts, and a transaction locks {MAX_LOCKS}")]
    Locks { found: usize },
    #[error("the message does not compile: {0}")]
    Message(String),
    #[error("the transaction cannot be signed: {0}")]
    Signature(String),
}

/// Compiles a message: a legacy one where it fits, else a v0 one with the look-up tables.
pub fn message(
    payer: &Pubkey,
    instructions: &[Instruction],
    budget: Budget,
    tables: &[AddressLookupTableAccount],
    blockhash: Hash,
) -> Result<VersionedMessage, Unfit> {
    let mut all = vec![compute_unit_limit(budget.units), compute_unit_price(budget.price)];
    all.extend_from_slice(instructions);
    let legacy = VersionedMessage::Legacy(Message::new_with_blockhash(&all, Some(payer), &blockhash));
    let locks = legacy.static_account_keys().len();
    if locks > MAX_LOCKS {
        return Err(Unfit::Locks { found: locks });
    }
    let legacy_bytes = bytes(&legacy);
    if legacy_bytes <= MAX_BYTES {
        return Ok(legacy);
    }
    if tables.is_empty() {
        return Err(Unfit::Bytes { found: legacy_bytes });
    }
    let compiled = v0::Message::try_compile(payer, &all, tables, blockhash);
    let message = VersionedMessage::V0(compiled.map_err(|error| Unfit::Message(error.to_string()))?);
    match bytes(&message) {
        found if found > MAX_BYTES => Err(Unfit::Bytes { found }),
        _ => Ok(message),
    }
}

/// Signs a message that needs one signature.
pub fn signed(message: VersionedMessage, key: &Keypair) -> Result<VersionedTransaction, Unfit> {
    VersionedTransaction::try_new(message, &[key]).map_err(|error| Unfit::Signature(error.to_string()))
}

fn bytes(message: &VersionedMessage) -> usize {
    SIGNATURE_BYTES + message.serialize().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_instruction::AccountMeta;

    const BUDGET: Budget = Budget { units: 1_000, price: 1 };

    fn instruction(accounts: usize) -> Instruction {
        let accounts = (0..accounts).map(|_| AccountMeta::new_readonly(Pubkey::new_unique(), false)).collect();
        Instruction { program_id: Pubkey::new_unique(), accounts, data: vec![0; 16] }
    }

    #[test]
    fn small_ones_are_legacy_and_larger_ones_need_a_table() {
        let payer = Pubkey::new_unique();
        let compile = |instruction: &Instruction, tables: &[_]| {
            message(&payer, std::slice::from_ref(instruction), BUDGET, tables, Hash::default())
        };
        assert!(matches!(compile(&instruction(20), &[]), Ok(VersionedMessage::Legacy(_))));
        let large = instruction(50);
        assert!(matches!(compile(&large, &[]), Err(Unfit::Bytes { found }) if found > MAX_BYTES));
        let addresses = large.accounts.iter().map(|meta| meta.pubkey).collect();
        let table = AddressLookupTableAccount { key: Pubkey::new_unique(), addresses };
        assert!(matches!(compile(&large, &[table]), Ok(VersionedMessage::V0(_))));
    }

    #[test]
    fn no_table_helps_against_the_locks() {
        let large = instruction(64);
        let addresses = large.accounts.iter().map(|meta| meta.pubkey).collect();
        let table = AddressLookupTableAccount { key: Pubkey::new_unique(), addresses };
        let found = message(&Pubkey::new_unique(), &[large], BUDGET, &[table], Hash::default());
        assert!(matches!(found, Err(Unfit::Locks { found }) if found > MAX_LOCKS));
    }
}
