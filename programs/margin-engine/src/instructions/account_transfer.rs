use anchor_lang::prelude::*;
use fixed::types::I80F48;

use crate::{
    error::EngineError,
    events::AccountTransferred,
    risk::{cash_atoms_floor, require_initial_margin},
    state::{Collateral, Engine, MarginAccount},
};

/// Remaining accounts: the markets of what the source holds after the transfer ([`RiskAccounts`](crate::risk_accounts::RiskAccounts)).
#[event_cpi]
#[derive(Accounts)]
pub struct AccountTransfer<'info> {
    pub owner: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub source: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub destination: AccountLoader<'info, MarginAccount>,
}

impl<'info> AccountTransfer<'info> {
    fn validate(&self, collateral: u16, amount: u64) -> Result<()> {
        // owner: of both accounts; a delegate may not transfer. engine, source, destination: this program's, by their types;
        // of each other. The destination may be in liquidation: a transfer is a deposit to it.
        require_keys_neq!(self.source.key(), self.destination.key(), EngineError::TransferToSelf);
        let (source, destination) = (self.source.load()?, self.destination.load()?);
        require_keys_eq!(self.owner.key(), source.owner, EngineError::NotOwner);
        require_keys_eq!(source.engine, self.engine.key(), EngineError::ForeignEngine);
        require_keys_eq!(destination.engine, self.engine.key(), EngineError::ForeignEngine);
        require_keys_eq!(self.owner.key(), destination.owner, EngineError::TransferOwner);
        require!(!source.in_liquidation(), EngineError::AccountInLiquidation);
        // Nor a token that it does not have: its oracle may have failed.
        let is_new = collateral != Collateral::QUOTE_INDEX && destination.balance_of(collateral) == 0;
        require!(!is_new || !destination.in_liquidation(), EngineError::AccountInLiquidation);
        require!(source.checks_deferred == 0, EngineError::ChecksDeferred);
        require!(amount > 0, EngineError::AmountZero);
        Ok(())
    }

    /// Moves cash that the source has, or tokens, to another account of its owner; the source keeps its initial margin.
    ///
    /// No vault and no pool is touched: until a sync, moved cash earns in neither account.
    pub fn handle(ctx: Context<'info, Self>, collateral: u16, amount: u64) -> Result<()> {
        ctx.accounts.validate(collateral, amount)?;
        let now = Clock::get()?.unix_timestamp;
        let engine_key = ctx.accounts.engine.key();
        let event = {
            let engine = ctx.accounts.engine.load()?;
            let mut source = ctx.accounts.source.load_mut()?;
            let mut destination = ctx.accounts.destination.load_mut()?;
            let before = (source.holding(collateral)?, destination.holding(collateral)?);
            if collateral == Collateral::QUOTE_INDEX {
                source.accrue_interest(&engine, now)?;
                destination.accrue_interest(&engine, now)?;
                let available = cash_atoms_floor(source.cash())?.max(0).unsigned_abs();
                require!(amount <= available, EngineError::InsufficientBalance);
                let amount = I80F48::checked_from_num(amount).ok_or(EngineError::Overflow)?;
                source.add_cash(-amount)?;
                destination.add_cash(amount)?;
            } else {
                let rest = source.balance_of(collateral).checked_sub(amount).ok_or(EngineError::InsufficientBalance)?;
                let sum = destination.balance_of(collateral).checked_add(amount).ok_or(EngineError::Overflow)?;
                source.set_balance(collateral, rest)?;
                destination.set_balance(collateral, sum)?;
            }
            require_initial_margin(&engine_key, &engine, &source, ctx.remaining_accounts, now)?;
            AccountTransferred {
                source: ctx.accounts.source.key(),
                destination: ctx.accounts.destination.key(),
                collateral,
                amount,
                source_before: before.0,
                source_after: source.holding(collateral)?,
                destination_before: before.1,
                destination_after: destination.holding(collateral)?,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
