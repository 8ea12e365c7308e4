use anchor_lang::prelude::*;
use anchor_spl::token_interface::{self, Mint, TokenAccount, TokenInterface, TransferChecked};

use crate::{
    constants::ENGINE_SEED,
    error::EngineError,
    events::FeesWithdrawn,
    state::{Collateral, Engine},
};

#[event_cpi]
#[derive(Accounts)]
pub struct FeeWithdraw<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
    pub mint: InterfaceAccount<'info, Mint>,
    #[account(mut)]
    pub vault: InterfaceAccount<'info, TokenAccount>,
    #[account(mut)]
    pub destination: InterfaceAccount<'info, TokenAccount>,
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> FeeWithdraw<'info> {
    fn validate(&self, amount: u64) -> Result<()> {
        let collateral = self.collateral.load()?;
        // admin: the engine's admin. engine: this program's, by its type. collateral: this program's, by its type; of this
        // engine. Only the quote token's ever has fees.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        require_keys_eq!(collateral.engine, self.engine.key(), EngineError::ForeignEngine);
        // mint, vault, token_program: the collateral's.
        require_keys_eq!(self.mint.key(), collateral.mint, EngineError::WrongMint);
        require_keys_eq!(self.vault.key(), collateral.vault, EngineError::WrongVault);
        require_keys_eq!(self.token_program.key(), collateral.token_program, EngineError::WrongTokenProgram);
        // destination: the admin's choice, a token account of the mint (the token program checks); not the vault.
        require_keys_neq!(self.destination.key(), collateral.vault, EngineError::WrongVault);

        require!(amount > 0, EngineError::AmountZero);
        require!(amount <= collateral.fees, EngineError::InsufficientFees);
        require!(amount <= self.vault.amount, EngineError::VaultLiquidity);
        Ok(())
    }

    /// Pays collected fees out of the vault. Admin.
    pub fn handle(ctx: Context<'info, Self>, amount: u64) -> Result<()> {
        ctx.accounts.validate(amount)?;
        let accounts = &ctx.accounts;
        let (fees_before, fees_after) = {
            let mut collateral = accounts.collateral.load_mut()?;
            let vault = collateral.total_deposits;
            collateral.pool.advance(vault, &accounts.engine.load()?.borrow, Clock::get()?.unix_timestamp)?;
            let before = collateral.fees;
            collateral.fees = before.checked_sub(amount).ok_or(EngineError::InsufficientFees)?;
            collateral.total_deposits = collateral.total_deposits.saturating_sub(amount);
            (before, collateral.fees)
        };
        let (creator, bump) = {
            let engine = accounts.engine.load()?;
            (engine.creator, engine.bump)
        };
        let signer: &[&[u8]] = &[ENGINE_SEED, creator.as_ref(), &[bump]];
        let transfer = TransferChecked {
            from: accounts.vault.to_account_info(),
            mint: accounts.mint.to_account_info(),
            to: accounts.destination.to_account_info(),
            authority: accounts.engine.to_account_info(),
        };
        token_interface::transfer_checked(
            CpiContext::new_with_signer(accounts.token_program.key(), transfer, &[signer]),
            amount,
            accounts.mint.decimals,
        )?;
        emit_cpi!(FeesWithdrawn {
            collateral: ctx.accounts.collateral.key(),
            destination: ctx.accounts.destination.key(),
            amount,
            fees_before,
            fees_after,
        });
        Ok(())
    }
}
