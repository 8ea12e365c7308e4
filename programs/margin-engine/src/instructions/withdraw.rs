use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use fixed::types::I80F48;

use crate::{
    error::EngineError,
    events::Withdrawn,
    risk::require_initial_margin,
    state::{Collateral, Engine, MarginAccount, PauseBits},
    vault::Payout,
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct WithdrawArgs {
    /// precision: token atoms.
    pub amount: u64,
    /// Whether cash may fall below zero: what the account does not have is borrowed.
    pub allow_borrow: bool,
}

/// Remaining accounts: the markets of what the account holds after the withdrawal ([`RiskAccounts`](crate::risk_accounts::RiskAccounts)).
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
    fn validate(&self, amount: u64, now: i64) -> Result<()> {
        self.engine.load()?.require_running(PauseBits::WITHDRAWING, now)?;
        let account = self.margin_account.load()?;
        let collateral = self.collateral.load()?;
        // owner: the account's; a delegate may not withdraw.
        require_keys_eq!(self.owner.key(), account.owner, EngineError::NotOwner);
        // engine, margin_account, collateral: this program's, by their types; of one engine.
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        require_keys_eq!(collateral.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(!account.in_liquidation(), EngineError::AccountInLiquidation);
        require!(account.checks_deferred == 0, EngineError::ChecksDeferred);
        // mint, vault, token_program: the collateral's.
        // destination: the owner's choice, a token account of the mint (the token program checks); not the vault.
        let (mint, vault, token_program) = (self.mint.key(), self.vault.key(), self.token_program.key());
        collateral.require_vault(&mint, &vault, &token_program, &self.destination.key())?;

        require!(amount > 0, EngineError::AmountZero);
        Ok(())
    }

    /// Takes the amount off the account and the vault's books. Returns what the account had and has.
    #[inline(never)]
    fn debit(&self, args: &WithdrawArgs, now: i64) -> Result<(i64, i64)> {
        let amount = args.amount;
        let engine = self.engine.load()?;
        let mut collateral = self.collateral.load_mut()?;
        let mut account = self.margin_account.load_mut()?;
        let index = collateral.index;
        let before = account.holding(index)?;
        if collateral.is_quote() {
            collateral.settle_interest(&mut account, &engine, now)?;
        }
        let available = account.holding(index)?.max(0).unsigned_abs();
        let borrows = amount > available;
        require!(!borrows || (collateral.is_quote() && args.allow_borrow), EngineError::InsufficientBalance);
        // Donations to the vault are nobody's claim.
        let liquidity = self.vault.amount.min(collateral.total_deposits);
        require!(amount <= liquidity, EngineError::VaultLiquidity);
        collateral.total_deposits -= amount;
        collateral.flow.add_outflow(amount, now)?;
        if collateral.is_quote() {
            account.add_cash(-I80F48::checked_from_num(amount).ok_or(EngineError::Overflow)?)?;
            collateral.record_cash(&mut account)?;
        } else {
            account.set_balance(index, available - amount)?;
        }
        if borrows {
            engine.require_running(PauseBits::BORROWING, now)?;
            let utilisation = collateral.pool.utilisation(collateral.total_deposits);
            require!(utilisation <= collateral.pool.rates.maximum_utilisation, EngineError::BorrowLimit);
        }
        Ok((before, account.holding(index)?))
    }

    /// Debits the account, requires its initial margin, and pays out.
    pub fn handle(ctx: Context<'info, Self>, args: WithdrawArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let amount = args.amount;
        ctx.accounts.validate(amount, now)?;
        let accounts = &ctx.accounts;
        let (balance_before, balance_after) = accounts.debit(&args, now)?;

        require_initial_margin(
            &accounts.engine.key(),
            &*accounts.engine.load()?,
            &*accounts.margin_account.load()?,
            ctx.remaining_accounts,
            now,
        )?;

        Payout {
            engine: &accounts.engine,
            vault: &accounts.vault,
            mint: &accounts.mint,
            destination: &accounts.destination,
            token_program: &accounts.token_program,
        }
        .pay(amount)?;
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
