use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::CashSynced,
    risk::cash_atoms_floor,
    state::{Collateral, Engine, InterestState, MarginAccount},
};

#[event_cpi]
#[derive(Accounts)]
pub struct CashSync<'info> {
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
}

impl<'info> CashSync<'info> {
    fn validate(&self) -> Result<()> {
        // engine, margin_account, collateral: this program's, by their types; of each other. Anyone may call.
        require_keys_eq!(self.margin_account.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        let collateral = self.collateral.load()?;
        require_keys_eq!(collateral.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(collateral.is_quote(), EngineError::NotQuoteCollateral);
        Ok(())
    }

    /// Settles an account's interest with the pool and tells the pool what the account has or owes now.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let event = {
            let now = Clock::get()?.unix_timestamp;
            let engine = ctx.accounts.engine.load()?;
            let mut account = ctx.accounts.margin_account.load_mut()?;
            let mut collateral = ctx.accounts.collateral.load_mut()?;
            let (cash_before, recorded_before) = (cash_atoms_floor(account.cash())?, recorded(&account.interest));
            collateral.settle_interest(&mut account, &engine, now)?;
            collateral.record_cash(&mut account)?;
            CashSynced {
                account: ctx.accounts.margin_account.key(),
                cash_before,
                cash_after: cash_atoms_floor(account.cash())?,
                recorded_before,
                recorded_after: recorded(&account.interest),
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}

fn recorded(state: &InterestState) -> i128 {
    i128::from(state.recorded_deposit) - i128::from(state.recorded_borrow)
}
