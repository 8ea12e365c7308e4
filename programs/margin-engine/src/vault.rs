//! The vaults: which accounts belong to a token, and paying out of its vault.

use anchor_lang::prelude::*;
use anchor_spl::token_interface::{self, Mint, TokenAccount, TokenInterface, TransferChecked};

use crate::{
    constants::ENGINE_SEED,
    error::EngineError,
    state::{Collateral, Engine},
};

impl Collateral {
    /// Mint, vault and token program must be this token's, and the token account at the other end of a transfer not the vault
    /// itself; that it is one of the mint is for the token program to check.
    pub fn require_vault(
        &self,
        mint: &Pubkey,
        vault: &Pubkey,
        token_program: &Pubkey,
        other_end: &Pubkey,
    ) -> Result<()> {
        require_keys_eq!(*mint, self.mint, EngineError::WrongMint);
        require_keys_eq!(*vault, self.vault, EngineError::WrongVault);
        require_keys_eq!(*token_program, self.token_program, EngineError::WrongTokenProgram);
        require_keys_neq!(*other_end, self.vault, EngineError::WrongVault);
        Ok(())
    }
}

/// The accounts of a payment out of a vault.
pub struct Payout<'a, 'info> {
    pub engine: &'a AccountLoader<'info, Engine>,
    pub vault: &'a InterfaceAccount<'info, TokenAccount>,
    pub mint: &'a InterfaceAccount<'info, Mint>,
    pub destination: &'a InterfaceAccount<'info, TokenAccount>,
    pub token_program: &'a Interface<'info, TokenInterface>,
}

impl Payout<'_, '_> {
    /// Transfers `amount` atoms; the engine, which owns the vault, signs.
    #[inline(never)]
    pub fn pay(&self, amount: u64) -> Result<()> {
        let (creator, bump) = {
            let engine = self.engine.load()?;
            (engine.creator, engine.bump)
        };
        let signer: &[&[u8]] = &[ENGINE_SEED, creator.as_ref(), &[bump]];
        let transfer = TransferChecked {
            from: self.vault.to_account_info(),
            mint: self.mint.to_account_info(),
            to: self.destination.to_account_info(),
            authority: self.engine.to_account_info(),
        };
        token_interface::transfer_checked(
            CpiContext::new_with_signer(self.token_program.key(), transfer, &[signer]),
            amount,
            self.mint.decimals,
        )
    }
}
