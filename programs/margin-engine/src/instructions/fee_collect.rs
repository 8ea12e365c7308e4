use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::FeesCollected,
    state::{Collateral, MarginAccount},
};

/// Remaining accounts: margin accounts, writable, in any order.
#[event_cpi]
#[derive(Accounts)]
pub struct FeeCollect<'info> {
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
}

impl<'info> FeeCollect<'info> {
    fn validate(&self) -> Result<()> {
        // Nobody signs: the fees are out of the accounts' cash already. collateral: this program's, by its type; the quote
        // token's, in which all fees are paid.
        require!(self.collateral.load()?.is_quote(), EngineError::NotQuoteCollateral);
        Ok(())
    }

    /// Moves the fees that wait in margin accounts to the quote token's listing, where the admin may withdraw them. Anyone.
    /// Trades write only their own accounts' counters, so that they need no common account.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let event = ctx.accounts.collect(ctx.remaining_accounts)?;
        emit_cpi!(event);
        Ok(())
    }

    fn collect(&self, accounts: &'info [AccountInfo<'info>]) -> Result<FeesCollected> {
        let mut collateral = self.collateral.load_mut()?;
        let before = collateral.fees;
        for info in accounts {
            let loader = AccountLoader::<MarginAccount>::try_from(info)?;
            let mut account = loader.load_mut()?;
            require_keys_eq!(account.engine, collateral.engine, EngineError::ForeignEngine);
            let fees = core::mem::take(&mut account.fees);
            collateral.fees = collateral.fees.checked_add(fees).ok_or(EngineError::Overflow)?;
        }
        Ok(FeesCollected { collateral: self.collateral.key(), fees_before: before, fees_after: collateral.fees })
    }
}
