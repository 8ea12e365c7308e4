//! Addresses must never move: accounts on the chain would become unreachable. The expected ones come from a separate
//! implementation of the derivation.

use margin_client::addresses;
use solana_pubkey::Pubkey;

fn key(seed: u8) -> Pubkey {
    Pubkey::new_from_array([seed; 32])
}

#[test]
fn derived_addresses_are_stable() {
    let (creator, mint, owner) = (key(7), key(8), key(9));
    let engine = addresses::engine(&creator);
    let collateral = addresses::collateral(&engine, &mint);
    assert_eq!(engine.to_string(), "6CpFLZ1sokEUBx1YHjHEnzQkufWraabzhHg3UUnUbUFs");
    assert_eq!(collateral.to_string(), "5zWs81Wd6ZJRhiU4Zi1waJrvCyDeeXjSyWQx41LKej9Q");
    assert_eq!(addresses::vault(&collateral).to_string(), "EM45evx5cV7EfrWi91czrJoTa9RA4kDbHCuiEx4A2AfL");
    assert_eq!(addresses::underlying(&engine, 258).to_string(), "77QtCu76Uvvk6iXBuD2KnmLy2vTLPKkUGcryV9ZX6Heo");
    assert_eq!(
        addresses::margin_account(&engine, &owner, 513).to_string(),
        "HmMwQGUP6zVvruM3UapPks4AKETubTWZFaWpcwFo3B2r"
    );
    assert_eq!(addresses::event_authority().to_string(), "EbDCuQ4YNdVpXVp8HV3LnGZ84ovQin44QmXyRjcdWzrb");
}
