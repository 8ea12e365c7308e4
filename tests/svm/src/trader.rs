use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// An owner of a margin account with a wallet of quote tokens and one of SOL tokens.
pub struct Trader {
    pub key: Keypair,
    /// Margin account number 0.
    pub account: Pubkey,
    /// Token accounts by collateral index: quote token, SOL.
    pub wallets: Vec<Pubkey>,
}

impl Trader {
    #[must_use]
    pub fn owner(&self) -> Pubkey {
        self.key.pubkey()
    }
}
