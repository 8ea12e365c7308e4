use anchor_lang::prelude::*;
use fixed::types::I80F48;

use crate::{
    error::EngineError,
    events::AccountClosed,
    state::{Collateral, Engine, MarginAccount, store_cash},
};

#[event_cpi]
#[derive(Accounts)]
pub struct AccountClose<'info> {
    pub owner: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut, close = rent_recipient)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
    /// CHECK: only receives the rent; the owner signs for the choice.
    #[account(mut)]
    pub rent_recipient: UncheckedAccount<'info>,
}

impl<'info> AccountClose<'info> {
    fn validate(&self) -> Result<()> {
        let account = self.margin_account.load()?;
        // owner: the account's. rent_recipient: the owner's choice.
        require_keys_eq!(self.owner.key(), account.owner, EngineError::NotOwner);
        // engine, collateral: this program's, by their types; the account's engine and its quote token.
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        let collateral = self.collateral.load()?;
        require_keys_eq!(collateral.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(collateral.is_quote(), EngineError::NotQuoteCollateral);
        // margin_account: this program's, by its type; empty.
        require!(account.positions().is_empty(), EngineError::AccountHasPositions);
        require!(account.balances().is_empty(), EngineError::AccountHasBalances);
        // Anyone may collect them first.
        require!(account.fees == 0, EngineError::AccountHasFees);
        require!(!account.in_liquidation(), EngineError::AccountInLiquidation);
        require!(account.checks_deferred == 0, EngineError::ChecksDeferred);
        Ok(())
    }

    /// Closes an empty account and returns its rent. Interest leaves fractions of an atom, which no withdrawal can take: less
    /// than one goes to the reserve.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let dust = {
            let engine = ctx.accounts.engine.load()?;
            let mut account = ctx.accounts.margin_account.load_mut()?;
            let mut collateral = ctx.accounts.collateral.load_mut()?;
            collateral.settle_interest(&mut account, &engine, Clock::get()?.unix_timestamp)?;
            let dust = account.cash();
            require!(dust >= I80F48::ZERO && dust < I80F48::ONE, EngineError::AccountHasCash);
            account.cash = store_cash(I80F48::ZERO);
            collateral.record_cash(&mut account)?;
            collateral.pool.keep(dust)?;
            // Below one: 48 bits.
            dust.to_bits() as u64
        };
        emit_cpi!(AccountClosed { account: ctx.accounts.margin_account.key(), owner: ctx.accounts.owner.key(), dust });
        Ok(())
    }
}
