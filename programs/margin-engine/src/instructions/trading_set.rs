use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::TradingSet as TradingSetEvent,
    state::{Engine, TradingParameters, Underlying},
};

#[event_cpi]
#[derive(Accounts)]
pub struct TradingSet<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
}

impl<'info> TradingSet<'info> {
    fn validate(&self, parameters: &TradingParameters) -> Result<()> {
        // admin: the engine's admin. engine: this program's, by its type. underlying: of this engine.
        let engine = self.engine.load()?;
        let underlying = self.underlying.load()?;
        require_keys_eq!(self.admin.key(), engine.admin, EngineError::NotAdmin);
        require_keys_eq!(underlying.engine, self.engine.key(), EngineError::ForeignEngine);
        parameters.validate(underlying.settlement_window, engine.quote_decimals)
    }

    /// Sets fees, price band, funding and settlement of an underlying. Funding that has run up stays; the new terms count from
    /// the next update on.
    pub fn handle(ctx: Context<'info, Self>, parameters: TradingParameters) -> Result<()> {
        ctx.accounts.validate(&parameters)?;
        let before = core::mem::replace(&mut ctx.accounts.underlying.load_mut()?.trading, parameters);
        emit_cpi!(TradingSetEvent { underlying: ctx.accounts.underlying.key(), before, after: parameters });
        Ok(())
    }
}
