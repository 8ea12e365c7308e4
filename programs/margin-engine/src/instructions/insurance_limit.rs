use anchor_lang::prelude::*;

use crate::{
    constants::MAX_OUTFLOW_WINDOW,
    error::EngineError,
    events::InsuranceLimited,
    state::{Engine, FlowLimit, Underlying},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsuranceLimitArgs {
    /// precision: quote atoms. Most that losses may draw from the fund at once; `u64::MAX`: all there is.
    pub limit: u64,
    /// Seconds after which as much may be drawn again; 0 without a limit.
    pub window: u32,
}

#[event_cpi]
#[derive(Accounts)]
pub struct InsuranceLimit<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
}

impl<'info> InsuranceLimit<'info> {
    fn validate(&self, args: &InsuranceLimitArgs) -> Result<()> {
        // admin: the engine's. engine, underlying: this program's, by their types; of each other.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        require_keys_eq!(self.underlying.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        let unlimited = args.limit == FlowLimit::NONE;
        let window = if unlimited { args.window == 0 } else { (1..=MAX_OUTFLOW_WINDOW).contains(&args.window) };
        require!(window, EngineError::OutflowWindow);
        Ok(())
    }

    /// Caps what losses draw from an underlying's fund in a while; beyond it the common fund pays. Admin.
    pub fn handle(ctx: Context<'info, Self>, args: InsuranceLimitArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let event = {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            let index = underlying.index;
            let draws = &mut underlying.insurance.draws;
            let before = InsuranceLimitArgs { limit: draws.limit, window: draws.window };
            // What was drawn already still counts, under the old limit's pace up to now.
            draws.leak(Clock::get()?.unix_timestamp);
            (draws.limit, draws.window) = (args.limit, args.window);
            InsuranceLimited { underlying: index, before, after: args }
        };
        emit_cpi!(event);
        Ok(())
    }
}
