use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

use crate::{
    error::EngineError,
    events::InsuranceWithdrawn,
    state::{Collateral, Engine, LiquidationState, Underlying},
    vault::Payout,
};

#[event_cpi]
#[derive(Accounts)]
pub struct InsuranceWithdraw<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub quote: AccountLoader<'info, Collateral>,
    /// `None`: the common fund.
    #[account(mut)]
    pub underlying: Option<AccountLoader<'info, Underlying>>,
    pub mint: InterfaceAccount<'info, Mint>,
    #[account(mut)]
    pub vault: InterfaceAccount<'info, TokenAccount>,
    #[account(mut)]
    pub destination: InterfaceAccount<'info, TokenAccount>,
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> InsuranceWithdraw<'info> {
    fn validate(&self) -> Result<()> {
        // admin: the engine's. engine, quote, underlying: this program's, by their types; of one engine, its cash.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        let quote = self.quote.load()?;
        require_keys_eq!(quote.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(quote.is_quote(), EngineError::NotQuoteCollateral);
        if let Some(underlying) = &self.underlying {
            require_keys_eq!(underlying.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        }
        // mint, vault, token_program: the quote token's.
        // destination: the admin's choice, a token account of the mint (the token program checks); not the vault.
        let (mint, vault, token_program) = (self.mint.key(), self.vault.key(), self.token_program.key());
        quote.require_vault(&mint, &vault, &token_program, &self.destination.key())
    }

    /// Pays out what was requested, or what is left of it. Admin.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &ctx.accounts;
        let event = {
            let now = Clock::get()?.unix_timestamp;
            let mut quote = accounts.quote.load_mut()?;
            let (index, before, amount) = match &accounts.underlying {
                Some(loader) => {
                    let mut underlying = loader.load_mut()?;
                    let before = underlying.insurance.amount;
                    (underlying.index, before, underlying.insurance.withdraw_requested(now)?)
                }
                None => {
                    let before = quote.insurance.amount;
                    (LiquidationState::NO_UNDERLYING, before, quote.insurance.withdraw_requested(now)?)
                }
            };
            require!(amount <= accounts.vault.amount, EngineError::VaultLiquidity);
            let vault = quote.total_deposits;
            quote.pool.advance(vault, &accounts.engine.load()?.borrow, now)?;
            let less = |held: u64| held.checked_sub(amount).ok_or(EngineError::Overflow);
            quote.total_deposits = less(quote.total_deposits)?;
            quote.insured = less(quote.insured)?;
            InsuranceWithdrawn {
                underlying: index,
                destination: accounts.destination.key(),
                amount,
                before,
                after: less(before)?,
            }
        };
        Payout {
            engine: &accounts.engine,
            vault: &accounts.vault,
            mint: &accounts.mint,
            destination: &accounts.destination,
            token_program: &accounts.token_program,
        }
        .pay(event.amount)?;
        emit_cpi!(event);
        Ok(())
    }
}
