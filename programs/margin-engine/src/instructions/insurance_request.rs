use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::InsuranceRequested,
    state::{Collateral, Engine, InsuranceFund, LiquidationState, Underlying},
};

#[event_cpi]
#[derive(Accounts)]
pub struct InsuranceRequest<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub quote: AccountLoader<'info, Collateral>,
    /// `None`: the common fund.
    #[account(mut)]
    pub underlying: Option<AccountLoader<'info, Underlying>>,
}

impl<'info> InsuranceRequest<'info> {
    fn validate(&self) -> Result<()> {
        // admin: the engine's. engine, quote, underlying: this program's, by their types; of one engine, its cash.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        let quote = self.quote.load()?;
        require_keys_eq!(quote.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(quote.is_quote(), EngineError::NotQuoteCollateral);
        if let Some(underlying) = &self.underlying {
            require_keys_eq!(underlying.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        }
        Ok(())
    }

    /// Announces a withdrawal from a fund, which everybody sees coming: it may be made after the engine's delay. Until then
    /// the cash covers losses. Replaces an earlier request; zero takes it back. Admin.
    pub fn handle(ctx: Context<'info, Self>, amount: u64) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &ctx.accounts;
        let event = {
            let delay = i64::try_from(accounts.engine.load()?.liquidation.insurance_delay);
            let now = Clock::get()?.unix_timestamp;
            let available_at =
                now.checked_add(delay.map_err(|_| EngineError::Overflow)?).ok_or(EngineError::Overflow)?;
            let request = |fund: &mut InsuranceFund, underlying| -> Result<InsuranceRequested> {
                let before = fund.requested;
                fund.request(amount, available_at)?;
                Ok(InsuranceRequested { underlying, before, amount, available_at: fund.available_at })
            };
            match &accounts.underlying {
                Some(loader) => {
                    let mut underlying = loader.load_mut()?;
                    let index = underlying.index;
                    request(&mut underlying.insurance, index)?
                }
                None => request(&mut accounts.quote.load_mut()?.insurance, LiquidationState::NO_UNDERLYING)?,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
