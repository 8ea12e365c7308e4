//! Addresses that the program derives.
//!
//! Everything but a margin account's index and an engine's creator follows from another address, so a client needs
//! no look-up to address an instruction.

use margin_engine::constants::{
    ACCOUNT_SEED, COLLATERAL_SEED, CORRELATION_SEED, ENGINE_SEED, UNDERLYING_SEED, VAULT_SEED, VENUE_SEED,
};
use solana_pubkey::Pubkey;

/// The margin engine's program.
pub const PROGRAM_ID: Pubkey = margin_engine::ID;

/// Engine of a creator.
#[must_use]
pub fn engine(creator: &Pubkey) -> Pubkey {
    derive(&[ENGINE_SEED, creator.as_ref()])
}

/// Listing of a token in an engine.
#[must_use]
pub fn collateral(engine: &Pubkey, mint: &Pubkey) -> Pubkey {
    derive(&[COLLATERAL_SEED, engine.as_ref(), mint.as_ref()])
}

/// Token account that holds all deposits of a listed token; the engine is its authority.
#[must_use]
pub fn vault(collateral: &Pubkey) -> Pubkey {
    derive(&[VAULT_SEED, collateral.as_ref()])
}

/// Underlying by its number in an engine.
#[must_use]
pub fn underlying(engine: &Pubkey, index: u16) -> Pubkey {
    derive(&[UNDERLYING_SEED, engine.as_ref(), &index.to_le_bytes()])
}

/// Cross-underlying model of an engine.
#[must_use]
pub fn correlation(engine: &Pubkey) -> Pubkey {
    derive(&[CORRELATION_SEED, engine.as_ref()])
}

/// Registration of a venue by the authority that signs its settlements.
#[must_use]
pub fn venue(engine: &Pubkey, authority: &Pubkey) -> Pubkey {
    derive(&[VENUE_SEED, engine.as_ref(), authority.as_ref()])
}

/// Margin account of an owner by the owner's own number.
#[must_use]
pub fn margin_account(engine: &Pubkey, owner: &Pubkey, index: u16) -> Pubkey {
    derive(&[ACCOUNT_SEED, engine.as_ref(), owner.as_ref(), &index.to_le_bytes()])
}

/// Signs the program's calls to itself that carry events.
#[must_use]
pub fn event_authority() -> Pubkey {
    derive(&[b"__event_authority"])
}

fn derive(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &PROGRAM_ID).0
}
