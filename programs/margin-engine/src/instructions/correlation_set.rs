use anchor_lang::prelude::*;
use margin_core::portfolio::{Correlation, FactorScenario as CoreScenario, Ratio};

use crate::{
    constants::{CORRELATION_SEED, LAYOUT_VERSION, MAX_SCENARIOS},
    error::EngineError,
    events::CorrelationSet as CorrelationSetEvent,
    state::{CorrelationModel, Engine, EngineFeatures, FactorScenario, FactorScenarioArgs},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct CorrelationSetArgs {
    /// precision: 1e-9. Least share of the stand-alone scan risks.
    pub floor: u64,
    /// Scenarios of the market factor.
    pub scenarios: Vec<FactorScenarioArgs>,
}

#[event_cpi]
#[derive(Accounts)]
pub struct CorrelationSet<'info> {
    #[account(mut)]
    pub admin: Signer<'info>,
    #[account(mut)]
    pub engine: AccountLoader<'info, Engine>,
    #[account(
        init,
        payer = admin,
        space = 8 + core::mem::size_of::<CorrelationModel>(),
        seeds = [CORRELATION_SEED, engine.key().as_ref()],
        bump,
    )]
    pub correlation: AccountLoader<'info, CorrelationModel>,
    pub system_program: Program<'info, System>,
}

impl<'info> CorrelationSet<'info> {
    fn validate(&self, args: &CorrelationSetArgs) -> Result<()> {
        // admin: the engine's; pays. engine: this program's, by its type. correlation: new PDA (attribute), so the model is
        // set once. system_program: by its type.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        require!((1..=MAX_SCENARIOS).contains(&args.scenarios.len()), EngineError::FactorCount);
        Ok(())
    }

    /// Sets the cross-underlying model and switches it on for every portfolio account of the engine.
    pub fn handle(ctx: Context<'info, Self>, args: CorrelationSetArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let engine = ctx.accounts.engine.key();
        let count = u8::try_from(args.scenarios.len()).map_err(|_| EngineError::FactorCount)?;
        {
            let mut model = ctx.accounts.correlation.load_init()?;
            model.version = LAYOUT_VERSION;
            model.bump = ctx.bumps.correlation;
            model.scenario_count = count;
            model.engine = engine;
            model.floor = args.floor;
            for (slot, scenario) in model.scenarios.iter_mut().zip(&args.scenarios) {
                *slot = FactorScenario {
                    market_move: scenario.market_move,
                    weight: scenario.weight,
                    vol: scenario.vol as u8,
                    _padding: [0; 7],
                };
            }
            let scenarios: Vec<CoreScenario> = model.scenarios().iter().map(CoreScenario::from).collect();
            let model = Correlation { scenarios: &scenarios, floor: Ratio(args.floor) };
            model.validate().map_err(EngineError::from)?;
        }
        ctx.accounts.engine.load_mut()?.features |= EngineFeatures::CORRELATION;
        emit_cpi!(CorrelationSetEvent { engine, count, floor: args.floor });
        Ok(())
    }
}
