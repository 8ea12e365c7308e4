//! Key pairs of the local network's people and addresses.
//!
//! Their secrets are public by construction, so that addresses are the same in every run and a wallet can import
//! them. They must never hold anything of value.

use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;

const SEED_LEN: usize = 32;

/// The key pair whose seed is `name`, padded with zeros. Names are at most 32 bytes long; longer ones are cut.
pub fn test_key(name: &str) -> Keypair {
    let mut seed = [0; SEED_LEN];
    let length = name.len().min(SEED_LEN);
    seed[..length].copy_from_slice(&name.as_bytes()[..length]);
    Keypair::new_from_array(seed)
}

/// The address of [`test_key`].
pub fn test_address(name: &str) -> Pubkey {
    test_key(name).pubkey()
}
