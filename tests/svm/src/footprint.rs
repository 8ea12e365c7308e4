//! What transactions take of the network's limits.

use margin_client::presets;
use solana_account::Account;
use solana_instruction::Instruction;
use solana_message::{AddressLookupTableAccount, Message, VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_transaction::{Transaction, versioned::VersionedTransaction};

use crate::{Refusal, Trader, World};

const LOOKUP_TABLES: Pubkey = Pubkey::from_str_const("AddressLookupTab1e1111111111111111111111111");
/// Setting the limit of a transaction.
const BUDGET: u64 = 150;
/// A signature, and the byte that counts them.
const SIGNATURE: usize = 64;

/// Largest transaction.
pub const MAX_TRANSACTION_BYTES: usize = 1_232;
/// Most accounts of a transaction.
pub const MAX_ACCOUNT_LOCKS: usize = 64;

/// A transaction that one trader signs and pays, with one instruction besides the compute limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Of the instruction alone.
    pub compute_units: u64,
    pub bytes: usize,
    /// Accounts, programs included.
    pub locks: usize,
}

impl World {
    /// Sends an instruction in a legacy transaction; or, where its addresses do not fit one, in a version 0 transaction with a
    /// lookup table of all that are not signers.
    ///
    /// # Errors
    /// What the runtime refuses.
    pub fn footprint(&mut self, instruction: Instruction, trader: &Trader) -> Result<Footprint, Refusal> {
        self.svm.airdrop(&trader.owner(), 1_000_000_000).expect("an airdrop");
        self.svm.expire_blockhash();
        let instructions = [presets::compute_unit_limit(presets::MAX_COMPUTE_UNITS), instruction];
        let mut message = VersionedMessage::Legacy(Message::new(&instructions, Some(&trader.owner())));
        let mut locks = message.static_account_keys().len();
        if 1 + SIGNATURE + message.serialize().len() > MAX_TRANSACTION_BYTES {
            let table = self.lookup_table(&instructions);
            let hash = self.svm.latest_blockhash();
            let compiled = v0::Message::try_compile(&trader.owner(), &instructions, &[table], hash);
            message = VersionedMessage::V0(compiled.expect("addresses that a byte numbers"));
            locks = message.static_account_keys().len() + looked_up(&message);
        }
        message.set_recent_blockhash(self.svm.latest_blockhash());
        let bytes = 1 + SIGNATURE + message.serialize().len();
        let transaction = match message {
            VersionedMessage::Legacy(message) => {
                let hash = message.recent_blockhash;
                Transaction::new(&[&trader.key], message, hash).into()
            }
            message => VersionedTransaction::try_new(message, &[&trader.key]).expect("the payer signs alone"),
        };
        match self.svm.send_transaction(transaction) {
            Ok(meta) => Ok(Footprint { compute_units: meta.compute_units_consumed - BUDGET, bytes, locks }),
            Err(failed) => Err(Refusal::new(failed)),
        }
    }

    /// Writes a lookup table of all accounts that do not sign and are no program called.
    fn lookup_table(&mut self, instructions: &[Instruction]) -> AddressLookupTableAccount {
        let metas = instructions.iter().flat_map(|instruction| &instruction.accounts);
        let mut addresses: Vec<Pubkey> = metas.filter(|meta| !meta.is_signer).map(|meta| meta.pubkey).collect();
        addresses.sort();
        addresses.dedup();
        // State 1; never deactivated; extended in slot 0, in which all of them may be used; no authority.
        let mut data = [&1u32.to_le_bytes()[..], &u64::MAX.to_le_bytes(), &0u64.to_le_bytes()].concat();
        data.push(addresses.len() as u8);
        data.resize(56, 0);
        addresses.iter().for_each(|address| data.extend_from_slice(address.as_ref()));
        let key = Pubkey::new_unique();
        let account = Account { lamports: 1_000_000_000, data, owner: LOOKUP_TABLES, ..Account::default() };
        self.svm.set_account(key, account).expect("an account");
        AddressLookupTableAccount { key, addresses }
    }
}

fn looked_up(message: &VersionedMessage) -> usize {
    let lookups = message.address_table_lookups().unwrap_or_default();
    lookups.iter().map(|lookup| lookup.writable_indexes.len() + lookup.readonly_indexes.len()).sum()
}
