use anchor_lang::prelude::*;
use margin_core::portfolio as core;

use crate::{
    error::EngineError,
    events::ModelSet as ModelSetEvent,
    state::{AdaptiveRange, Engine, FactorExposure, RiskParameters, StandardParameters, Underlying},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ModelSetArgs {
    pub risk: RiskParameters,
    /// All zero: the underlying offers no standard margin.
    pub standard: StandardParameters,
    pub exposure: FactorExposure,
    /// `scale` and `scaled_at` are the program's: zero.
    pub adaptive: AdaptiveRange,
}

#[event_cpi]
#[derive(Accounts)]
pub struct ModelSet<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
}

impl<'info> ModelSet<'info> {
    fn validate(&self, args: &ModelSetArgs) -> Result<()> {
        // admin: the engine's. engine, underlying: this program's, by their types; of each other.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        let underlying = self.underlying.load()?;
        require_keys_eq!(underlying.engine, self.engine.key(), EngineError::ForeignEngine);
        // A grid was judged together with its parameters: they stay as they are from then on.
        require!(underlying.scenario_count == 0, EngineError::ModelAlreadySet);

        require!(args.risk.scan.inverse == 0, EngineError::ModelInverse);
        core::RiskParameters::from(&args.risk).validate_without_grid().map_err(EngineError::from)?;
        if args.standard != StandardParameters::default() {
            core::StandardParameters::from(&args.standard).validate().map_err(EngineError::from)?;
        }
        core::FactorExposure::from(&args.exposure).validate().map_err(EngineError::from)?;
        core::AdaptiveRange::from(&args.adaptive).validate().map_err(EngineError::from)?;
        Ok(())
    }

    /// Sets the parameters of an underlying's margin model; its risk grid follows.
    pub fn handle(ctx: Context<'info, Self>, args: ModelSetArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            underlying.risk = args.risk;
            underlying.standard = args.standard;
            underlying.exposure = args.exposure;
            underlying.adaptive = AdaptiveRange { scale: 0, scaled_at: 0, ..args.adaptive };
        }
        emit_cpi!(ModelSetEvent { underlying: ctx.accounts.underlying.key() });
        Ok(())
    }
}
