use anchor_lang::prelude::*;
use margin_core::portfolio::{GridScenario, RiskParameters as CoreParameters};

use crate::{
    error::EngineError,
    events::ScenariosSet as ScenariosSetEvent,
    state::{Engine, RiskParameters, ScenarioArgs, Underlying},
};

#[event_cpi]
#[derive(Accounts)]
pub struct ScenariosSet<'info> {
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
}

impl<'info> ScenariosSet<'info> {
    fn validate(&self) -> Result<()> {
        // admin: the engine's. engine, underlying: this program's, by their types; of each other.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        let underlying = self.underlying.load()?;
        require_keys_eq!(underlying.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(underlying.scenario_count == 0, EngineError::ModelAlreadySet);
        require!(underlying.risk != RiskParameters::default(), EngineError::ModelMissing);
        Ok(())
    }

    /// Sets the risk grid and so completes the margin model: parameters and grid are judged together.
    pub fn handle(ctx: Context<'info, Self>, scenarios: Vec<ScenarioArgs>) -> Result<()> {
        ctx.accounts.validate()?;
        let count = {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            underlying.set_scenarios(&scenarios)?;
            let grid: Vec<GridScenario> = underlying.scenarios().iter().map(GridScenario::from).collect();
            CoreParameters::from(&underlying.risk).validate(&grid).map_err(EngineError::from)?;
            underlying.scenario_count
        };
        emit_cpi!(ScenariosSetEvent { underlying: ctx.accounts.underlying.key(), count });
        Ok(())
    }
}
