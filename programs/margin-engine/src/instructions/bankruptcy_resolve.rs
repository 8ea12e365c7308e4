use anchor_lang::prelude::*;
use fixed::types::I80F48;

use crate::{
    error::EngineError,
    events::BankruptcyResolved,
    liquidation::{pay_loss, require_insured},
    risk::cash_atoms_floor,
    state::{Collateral, Engine, LiquidationState, MarginAccount, Underlying},
};

#[event_cpi]
#[derive(Accounts)]
pub struct BankruptcyResolve<'info> {
    #[account(mut)]
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub quote: AccountLoader<'info, Collateral>,
    #[account(mut)]
    pub insured_underlying: Option<AccountLoader<'info, Underlying>>,
}

impl<'info> BankruptcyResolve<'info> {
    fn validate(&self) -> Result<()> {
        let engine = self.engine.key();
        let account = self.margin_account.load()?;
        let quote = self.quote.load()?;
        // engine, margin_account, quote: this program's, by their types; of each other. Anyone may call.
        require_keys_eq!(account.engine, engine, EngineError::ForeignEngine);
        require_keys_eq!(quote.engine, engine, EngineError::ForeignEngine);
        require!(quote.is_quote(), EngineError::NotQuoteCollateral);
        // insured_underlying: the one that the account's liquidation named, if it is in one.
        require_insured(&account.liquidation, &engine, self.insured_underlying.as_ref())?;
        require!(account.checks_deferred == 0, EngineError::ChecksDeferred);
        Ok(())
    }

    /// Pays the debt of an account that holds nothing else, out of insurance and then by all deposits of cash.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let accounts = &ctx.accounts;
        let event = {
            let mut engine = accounts.engine.load_mut()?;
            let mut account = accounts.margin_account.load_mut()?;
            let mut quote = accounts.quote.load_mut()?;
            let mut underlying = match &accounts.insured_underlying {
                Some(loader) => Some(loader.load_mut()?),
                None => None,
            };
            quote.settle_interest(&mut account, &engine, now)?;
            let cash = account.cash();
            require!(account.is_flat() && cash < I80F48::ZERO, EngineError::NotBankrupt);
            let debt: u64 = (-cash).checked_ceil().and_then(I80F48::checked_to_num).ok_or(EngineError::Overflow)?;
            let socialised_before = engine.socialised;
            let loss = pay_loss(debt, &mut engine, &mut quote, underlying.as_deref_mut(), now)?;
            // The account had no deposit to bear a share of it.
            account.accrue_interest(&engine, now)?;
            account.add_cash(I80F48::checked_from_num(debt).ok_or(EngineError::Overflow)?)?;
            quote.record_cash(&mut account)?;
            account.liquidation = LiquidationState::default();
            account.count_change()?;
            BankruptcyResolved {
                account: accounts.margin_account.key(),
                cash_before: cash_atoms_floor(cash)?,
                cash_after: cash_atoms_floor(account.cash())?,
                loss,
                socialised_before,
                socialised_after: engine.socialised,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
