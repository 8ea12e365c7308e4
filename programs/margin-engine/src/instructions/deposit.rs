use anchor_lang::prelude::*;
use anchor_spl::token_interface::{self, Mint, TokenAccount, TokenInterface, TransferChecked};
use fixed::types::I80F48;

use crate::{
    error::EngineError,
    events::Deposited,
    state::{Collateral, Engine, MarginAccount},
};

#[event_cpi]
#[derive(Accounts)]
pub struct Deposit<'info> {
    pub authority: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
    pub mint: InterfaceAccount<'info, Mint>,
    #[account(mut)]
    pub vault: InterfaceAccount<'info, TokenAccount>,
    #[account(mut)]
    pub source: InterfaceAccount<'info, TokenAccount>,
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> Deposit<'info> {
    fn validate(&self, amount: u64) -> Result<()> {
        let account = self.margin_account.load()?;
        let collateral = self.collateral.load()?;
        // authority: owner or delegate, so that strangers cannot fill the balance table; the token program checks that
        // it may move `source`.
        require!(account.may_trade(self.authority.key), EngineError::NotOwnerOrDelegate);
        // engine, margin_account, collateral: this program's, by their types; of one engine.
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        require_keys_eq!(collateral.engine, self.engine.key(), EngineError::ForeignEngine);
        // mint, vault, token_program: the collateral's.
        // source: a token account of the mint, checked by the token program; never the vault itself.
        let (mint, vault, token_program) = (self.mint.key(), self.vault.key(), self.token_program.key());
        collateral.require_vault(&mint, &vault, &token_program, &self.source.key())?;

        // A token whose oracle has failed would keep an account in liquidation from being judged.
        let is_new = !collateral.is_quote() && account.balance_of(collateral.index) == 0;
        require!(!is_new || !account.in_liquidation(), EngineError::AccountInLiquidation);
        require!(amount > 0, EngineError::AmountZero);
        let total = collateral.total_deposits.checked_add(amount).ok_or(EngineError::DepositCap)?;
        require!(total <= collateral.deposit_cap, EngineError::DepositCap);
        Ok(())
    }

    /// Moves tokens into the vault and credits the account. Never depends on an oracle.
    pub fn handle(ctx: Context<'info, Self>, amount: u64) -> Result<()> {
        ctx.accounts.validate(amount)?;
        let accounts = &ctx.accounts;
        let transfer = TransferChecked {
            from: accounts.source.to_account_info(),
            mint: accounts.mint.to_account_info(),
            to: accounts.vault.to_account_info(),
            authority: accounts.authority.to_account_info(),
        };
        token_interface::transfer_checked(
            CpiContext::new(accounts.token_program.key(), transfer),
            amount,
            accounts.mint.decimals,
        )?;

        let (balance_before, balance_after) = {
            let now = Clock::get()?.unix_timestamp;
            let mut collateral = accounts.collateral.load_mut()?;
            let mut account = accounts.margin_account.load_mut()?;
            let before = account.holding(collateral.index)?;
            if collateral.is_quote() {
                collateral.settle_interest(&mut account, &*accounts.engine.load()?, now)?;
                account.add_cash(I80F48::checked_from_num(amount).ok_or(EngineError::Overflow)?)?;
                collateral.record_cash(&mut account)?;
            } else {
                let sum = account.balance_of(collateral.index).checked_add(amount).ok_or(EngineError::Overflow)?;
                account.set_balance(collateral.index, sum)?;
            }
            collateral.total_deposits = collateral.total_deposits.checked_add(amount).ok_or(EngineError::Overflow)?;
            collateral.flow.add_inflow(amount, now);
            (before, account.holding(collateral.index)?)
        };
        emit_cpi!(Deposited {
            account: ctx.accounts.margin_account.key(),
            mint: ctx.accounts.mint.key(),
            amount,
            balance_before,
            balance_after,
        });
        Ok(())
    }
}
