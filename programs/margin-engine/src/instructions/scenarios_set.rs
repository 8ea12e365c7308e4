use anchor_lang::prelude::*;
use margin_core::{
    Multiplier, Scenario as CoreScenario, VolLevel,
    portfolio::{GridScenario, RiskParameters as CoreParameters},
};

use crate::{
    constants::{MAX_SCENARIOS, RATIO_ONE},
    error::EngineError,
    events::ScenariosSet as ScenariosSetEvent,
    state::{Engine, RiskParameters, Scenario, ScenarioArgs, Underlying},
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
    fn validate(&self, scenarios: &[ScenarioArgs]) -> Result<()> {
        // admin: the engine's. engine, underlying: this program's, by their types; of each other.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        let underlying = self.underlying.load()?;
        require_keys_eq!(underlying.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(underlying.scenario_count == 0, EngineError::ModelAlreadySet);
        require!(underlying.risk != RiskParameters::default(), EngineError::ModelMissing);
        require!((1..=MAX_SCENARIOS).contains(&scenarios.len()), EngineError::ScenarioCount);
        Ok(())
    }

    /// Sets the risk grid and so completes the margin model: parameters and grid are judged together.
    pub fn handle(ctx: Context<'info, Self>, scenarios: Vec<ScenarioArgs>) -> Result<()> {
        ctx.accounts.validate(&scenarios)?;
        let count = u8::try_from(scenarios.len()).map_err(|_| EngineError::ScenarioCount)?;
        {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            for (slot, args) in underlying.scenarios.iter_mut().zip(&scenarios) {
                *slot = args.prepare()?;
            }
            underlying.scenario_count = count;
            underlying.adaptive.scale = RATIO_ONE;
            let grid: Vec<GridScenario> = underlying.scenarios().iter().map(GridScenario::from).collect();
            CoreParameters::from(&underlying.risk).validate(&grid).map_err(EngineError::from)?;
        }
        emit_cpi!(ScenariosSetEvent { underlying: ctx.accounts.underlying.key(), count });
        Ok(())
    }
}

impl ScenarioArgs {
    /// The scenario as stored: with its logarithm, in the place it was designed for.
    pub fn prepare(&self) -> Result<Scenario> {
        // Only the logarithm is taken from the kernel's scenario; it does not depend on the vol level.
        let kernel = CoreScenario::new(Multiplier(self.spot), VolLevel::None).map_err(|_| EngineError::ScenarioSpot)?;
        Ok(Scenario {
            design_spot: self.spot,
            spot: self.spot,
            ln_spot: kernel.ln_spot,
            weight: self.weight,
            vol: self.vol as u8,
            extended: u8::from(self.extended),
            _padding: [0; 2],
        })
    }
}
