//! Mints and token balances, made by the token program itself.

use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use spl_associated_token_account_interface::address::get_associated_token_address_with_program_id;
use spl_associated_token_account_interface::instruction::create_associated_token_account_idempotent;
use spl_token_interface::instruction as token;

use crate::{LocalnetError, Result, Sender, cheats};

/// The program that owns the network's mints.
pub const TOKEN_PROGRAM: Pubkey = spl_token_interface::ID;

const MINT_LEN: usize = 82;

/// Creates a mint at the address of `mint`, without a freeze authority.
pub fn create_mint(sender: &Sender, payer: &Keypair, mint: &Keypair, decimals: u8) -> Result<Pubkey> {
    let address = mint.pubkey();
    let create = solana_system_interface::instruction::create_account(
        &payer.pubkey(),
        &address,
        cheats::rent_exempt_lamports(MINT_LEN),
        MINT_LEN as u64,
        &TOKEN_PROGRAM,
    );
    let initialize =
        token::initialize_mint2(&TOKEN_PROGRAM, &address, &payer.pubkey(), None, decimals).map_err(invalid(address))?;
    sender.send(&[create, initialize], payer, &[mint])?;
    Ok(address)
}

/// The wallet's associated token account.
pub fn token_account(owner: &Pubkey, mint: &Pubkey) -> Pubkey {
    get_associated_token_address_with_program_id(owner, mint, &TOKEN_PROGRAM)
}

/// Mints `amount` atoms into the wallet's associated token account, which is created when missing.
pub fn mint_to(sender: &Sender, authority: &Keypair, mint: &Pubkey, owner: &Pubkey, amount: u64) -> Result<Pubkey> {
    let account = token_account(owner, mint);
    let create = create_associated_token_account_idempotent(&authority.pubkey(), owner, mint, &TOKEN_PROGRAM);
    let mint_to =
        token::mint_to(&TOKEN_PROGRAM, mint, &account, &authority.pubkey(), &[], amount).map_err(invalid(*mint))?;
    sender.send(&[create, mint_to], authority, &[])?;
    Ok(account)
}

/// Atoms held by a token account.
pub fn balance(sender: &Sender, account: &Pubkey) -> Result<u64> {
    // Mint and owner, 32 bytes each, come before the amount.
    const AMOUNT: std::ops::Range<usize> = 64..72;
    let data = sender.account("token account", account)?.data;
    data.get(AMOUNT).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes).ok_or_else(|| {
        LocalnetError::AccountInvalid {
            what: "token account",
            address: *account,
            reason: format!("{} bytes", data.len()),
        }
    })
}

fn invalid<E: std::fmt::Display>(address: Pubkey) -> impl FnOnce(E) -> LocalnetError {
    move |e| LocalnetError::AccountInvalid { what: "mint", address, reason: e.to_string() }
}
