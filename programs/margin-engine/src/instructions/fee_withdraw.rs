use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

use crate::{
    error::EngineError,
    events::FeesWithdrawn,
    state::{Collateral, Engine},
    vault::Payout,
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
        // destination: the admin's choice, a token account of the mint (the token program checks); not the vault.
        let (mint, vault, token_program) = (self.mint.key(), self.vault.key(), self.token_program.key());
        collateral.require_vault(&mint, &vault, &token_program, &self.destination.key())?;

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
        Payout {
            engine: &accounts.engine,
            vault: &accounts.vault,
            mint: &accounts.mint,
            destination: &accounts.destination,
            token_program: &accounts.token_program,
        }
        .pay(amount)?;
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
