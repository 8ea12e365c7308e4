//! Mints and wallets, made by the real token program.

use solana_keypair::Keypair;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use spl_token_interface::{
    ID as TOKEN_PROGRAM, instruction as token,
    state::{Account as TokenAccount, Mint},
};

use crate::Chain;

/// Lamports that keep any token account or mint alive.
const RENT: u64 = 10_000_000;

impl Chain {
    /// Creates a mint whose authority is the payer.
    pub async fn mint(&mut self, decimals: u8) -> Pubkey {
        let (key, payer) = (Keypair::new(), self.payer().pubkey());
        let space = Mint::LEN;
        let create = create_account(&payer, &key.pubkey(), RENT, space as u64, &TOKEN_PROGRAM);
        let initialize = token::initialize_mint2(&TOKEN_PROGRAM, &key.pubkey(), &payer, None, decimals);
        self.send(&[create, initialize.expect("a mint")], &[&key]).await.expect("the token program creates the mint");
        key.pubkey()
    }

    /// Creates a token account with a balance.
    pub async fn wallet(&mut self, owner: &Pubkey, mint: &Pubkey, amount: u64) -> Pubkey {
        let (key, payer) = (Keypair::new(), self.payer().pubkey());
        let space = TokenAccount::LEN;
        let create = create_account(&payer, &key.pubkey(), RENT, space as u64, &TOKEN_PROGRAM);
        let initialize = token::initialize_account3(&TOKEN_PROGRAM, &key.pubkey(), mint, owner);
        let fill = token::mint_to(&TOKEN_PROGRAM, mint, &key.pubkey(), &payer, &[], amount);
        let instructions = [create, initialize.expect("an account"), fill.expect("an amount")];
        self.send(&instructions, &[&key]).await.expect("the token program creates the wallet");
        key.pubkey()
    }
}
