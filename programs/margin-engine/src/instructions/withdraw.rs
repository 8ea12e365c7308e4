use anchor_lang::prelude::*;
use anchor_spl::token_interface::{self, Mint, TokenAccount, TokenInterface, TransferChecked};
use fixed::types::I80F48;

use super::deposit::to_i64;
use crate::{
    constants::ENGINE_SEED,
    error::EngineError,
    events::Withdrawn,
    oracle::PriceUse,
    risk::{Check, cash_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Collateral, Engine, MarginAccount},
};

/// Remaining accounts: the markets of what the account holds after the withdrawal ([`RiskAccounts`]).
#[event_cpi]
#[derive(Accounts)]
pub struct Withdraw<'info> {
    pub owner: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
    pub mint: InterfaceAccount<'info, Mint>,
    #[account(mut)]
    pub vault: InterfaceAccount<'info, TokenAccount>,
    #[account(mut)]
    pub destination: InterfaceAccount<'info, TokenAccount>,
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> Withdraw<'info> {
    fn validate(&self, amount: u64) -> Result<()> {
        let account = self.margin_account.load()?;
        let collateral = self.collateral.load()?;
        // owner: the account's; a delegate may not withdraw.
        require_keys_eq!(self.owner.key(), account.owner, EngineError::NotOwner);
        // engine, margin_account, collateral: this program's, by their types; of one engine.
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        require_keys_eq!(collateral.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(!account.in_liquidation(), EngineError::AccountInLiquidation);
        // mint, vault, token_program: the collateral's.
        require_keys_eq!(self.mint.key(), collateral.mint, EngineError::WrongMint);
        require_keys_eq!(self.vault.key(), collateral.vault, EngineError::WrongVault);
        require_keys_eq!(self.token_program.key(), collateral.token_program, EngineError::WrongTokenProgram);
        // destination: the owner's choice, a token account of the mint (the token program checks); not the vault.
        require_keys_neq!(self.destination.key(), collateral.vault, EngineError::WrongVault);

        require!(amount > 0, EngineError::AmountZero);
        let available = if collateral.is_quote() {
            cash_atoms_floor(account.cash())?.max(0).unsigned_abs()
        } else {
            account.balance_of(collateral.index)
        };
        require!(amount <= available, EngineError::InsufficientBalance);
        require!(amount <= self.vault.amount, EngineError::VaultLiquidity);
        Ok(())
    }

    /// Debits the account, requires its initial margin, and pays out.
    pub fn handle(ctx: Context<'info, Self>, amount: u64) -> Result<()> {
        ctx.accounts.validate(amount)?;
        let accounts = &ctx.accounts;
        let (balance_before, balance_after) = {
            let mut collateral = accounts.collateral.load_mut()?;
            // Socialised losses aside, what leaves was deposited by somebody; saturating keeps the cap a cap.
            collateral.total_deposits = collateral.total_deposits.saturating_sub(amount);
            let mut account = accounts.margin_account.load_mut()?;
            if collateral.is_quote() {
                let before = cash_atoms_floor(account.cash())?;
                account.add_cash(-I80F48::checked_from_num(amount).ok_or(EngineError::Overflow)?)?;
                (before, cash_atoms_floor(account.cash())?)
            } else {
                let before = account.balance_of(collateral.index);
                let after = before.checked_sub(amount).ok_or(EngineError::InsufficientBalance)?;
                account.set_balance(collateral.index, after)?;
                (to_i64(before)?, to_i64(after)?)
            }
        };

        {
            let account = accounts.margin_account.load()?;
            let engine = accounts.engine.load()?;
            let required = RequiredMarkets::of_accounts(&engine, &[&account])?;
            let now = Clock::get()?.unix_timestamp;
            let engine_key = accounts.engine.key();
            let markets = RiskAccounts::load(&engine_key, ctx.remaining_accounts, required, PriceUse::RaiseRisk, now)?;
            let risk = Check::new(&account, &markets, &engine, PriceUse::RaiseRisk, now)?.assess()?;
            require!(risk.initially_healthy(), EngineError::BelowInitialMargin);
        }

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
        emit_cpi!(Withdrawn {
            account: ctx.accounts.margin_account.key(),
            mint: ctx.accounts.mint.key(),
            amount,
            balance_before,
            balance_after,
        });
        Ok(())
    }
}
