use anchor_lang::prelude::*;
use margin_core::{MAX_MULTIPLIER, Multiplier, Scenario as CoreScenario, VolLevel};

use crate::{
    constants::{LAYOUT_VERSION, MAX_ORACLE_AGE_SECONDS, MAX_SCENARIOS, MAX_UNDERLYINGS, RATIO_ONE, UNDERLYING_SEED},
    error::EngineError,
    events::UnderlyingAdded,
    state::{Engine, OracleArgs, RiskParameters, Scenario, ScenarioArgs, Underlying},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct UnderlyingAddArgs {
    /// ASCII letters and digits, zero-padded.
    pub symbol: [u8; 16],
    pub publisher: Pubkey,
    pub oracle: OracleArgs,
    /// precision: 1e-9 units of the underlying.
    pub lot_size: u64,
    /// precision: seconds.
    pub max_surface_age: u32,
    /// precision: seconds.
    pub liquidation_max_surface_age: u32,
    pub risk: RiskParameters,
    pub scenarios: Vec<ScenarioArgs>,
}

#[event_cpi]
#[derive(Accounts)]
pub struct UnderlyingAdd<'info> {
    #[account(mut)]
    pub admin: Signer<'info>,
    #[account(mut)]
    pub engine: AccountLoader<'info, Engine>,
    #[account(
        init,
        payer = admin,
        space = 8 + core::mem::size_of::<Underlying>(),
        seeds = [UNDERLYING_SEED, engine.key().as_ref(), engine.load()?.underlying_count.to_le_bytes().as_ref()],
        bump,
    )]
    pub underlying: AccountLoader<'info, Underlying>,
    pub system_program: Program<'info, System>,
}

impl<'info> UnderlyingAdd<'info> {
    fn validate(&self, args: &UnderlyingAddArgs) -> Result<()> {
        // admin: the engine's admin, checked here; pays.
        let engine = self.engine.load()?;
        require_keys_eq!(self.admin.key(), engine.admin, EngineError::NotAdmin);
        // engine: this program's, by its type.
        require!(engine.underlying_count < MAX_UNDERLYINGS, EngineError::UnderlyingLimit);
        // underlying: new PDA of the next index (attribute). system_program: by its type.

        require!(is_symbol(&args.symbol), EngineError::SymbolParameter);
        require!(args.lot_size > 0 && args.lot_size <= RATIO_ONE * RATIO_ONE, EngineError::LotSizeParameter);
        require!(
            args.max_surface_age > 0
                && args.max_surface_age <= args.liquidation_max_surface_age
                && args.liquidation_max_surface_age <= MAX_ORACLE_AGE_SECONDS,
            EngineError::SurfaceAgeParameter
        );
        args.risk.validate()?;
        require!((1..=MAX_SCENARIOS).contains(&args.scenarios.len()), EngineError::ScenarioCount);
        for scenario in &args.scenarios {
            scenario.validate()?;
        }
        Ok(())
    }

    /// Lists an underlying with its oracle, lot size and margin model.
    pub fn handle(ctx: Context<'info, Self>, args: UnderlyingAddArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let index = {
            let mut engine = ctx.accounts.engine.load_mut()?;
            let index = engine.underlying_count;
            engine.underlying_count = index.checked_add(1).ok_or(EngineError::Overflow)?;
            index
        };
        {
            let mut underlying = ctx.accounts.underlying.load_init()?;
            underlying.version = LAYOUT_VERSION;
            underlying.bump = ctx.bumps.underlying;
            underlying.index = index;
            underlying.symbol = args.symbol;
            underlying.engine = ctx.accounts.engine.key();
            underlying.publisher = args.publisher;
            underlying.oracle = args.oracle.into_config()?;
            underlying.lot_size = args.lot_size;
            underlying.max_surface_age = args.max_surface_age;
            underlying.liquidation_max_surface_age = args.liquidation_max_surface_age;
            underlying.risk = args.risk;
            underlying.scenario_count = u8::try_from(args.scenarios.len()).map_err(|_| EngineError::ScenarioCount)?;
            for (slot, scenario) in underlying.scenarios.iter_mut().zip(&args.scenarios) {
                *slot = scenario.prepare()?;
            }
        }
        emit_cpi!(UnderlyingAdded {
            engine: ctx.accounts.engine.key(),
            underlying: ctx.accounts.underlying.key(),
            index,
            symbol: args.symbol,
        });
        Ok(())
    }
}

/// 1 to 16 ASCII letters or digits, then zeros.
fn is_symbol(symbol: &[u8; 16]) -> bool {
    let length = symbol.iter().position(|b| *b == 0).unwrap_or(symbol.len());
    let (text, padding) = symbol.split_at(length);
    !text.is_empty() && text.iter().all(u8::is_ascii_alphanumeric) && padding.iter().all(|b| *b == 0)
}

impl RiskParameters {
    /// Range of each parameter; initial margin never below maintenance margin.
    pub fn validate(&self) -> Result<()> {
        let one = RATIO_ONE as u32;
        require!(
            self.vol_range_up <= 4 * one
                && self.vol_range_down < one
                && self.short_term_power <= one
                && self.long_term_power <= one
                && (3_600..=2_592_000).contains(&self.tenor_floor)
                && self.min_vol_up <= 1_000_000_000,
            EngineError::VolShockParameter
        );
        require!(
            self.maintenance_factor > 0
                && self.maintenance_factor <= self.initial_factor
                && self.initial_factor <= 4 * one,
            EngineError::MarginFactorParameter
        );
        let charges = [
            self.perpetual_maintenance,
            self.perpetual_initial,
            self.short_option_maintenance,
            self.short_option_initial,
        ];
        require!(charges.iter().all(|charge| *charge <= one), EngineError::PositionChargeParameter);
        Ok(())
    }
}

impl ScenarioArgs {
    fn validate(&self) -> Result<()> {
        require!((RATIO_ONE / 100..=MAX_MULTIPLIER.0).contains(&self.spot), EngineError::ScenarioSpot);
        require!(self.weight > 0 && u64::from(self.weight) <= RATIO_ONE, EngineError::ScenarioWeight);
        Ok(())
    }

    fn prepare(&self) -> Result<Scenario> {
        // Only the logarithm is taken from the kernel's scenario; it does not depend on the vol level.
        let kernel = CoreScenario::new(Multiplier(self.spot), VolLevel::None).map_err(|_| EngineError::ScenarioSpot)?;
        Ok(Scenario {
            spot: self.spot,
            ln_spot: kernel.ln_spot,
            weight: self.weight,
            vol: self.vol as u8,
            kind: 0,
            _padding: [0; 2],
        })
    }
}
