use anchor_lang::prelude::*;

use crate::{
    constants::MAX_OUTFLOW_WINDOW,
    error::EngineError,
    events::CollateralLimitsSet as CollateralLimitsSetEvent,
    state::{Collateral, Engine, FlowLimit},
};

/// Limits of what flows through a token's vault.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollateralLimits {
    /// precision: token atoms. Deposits that would pass it are refused.
    pub deposit_cap: u64,
    /// precision: token atoms. Net outflow that may build up; `u64::MAX`: no limit.
    pub outflow_limit: u64,
    /// Seconds in which an outflow of the limit is forgotten; 0 where there is no limit.
    pub outflow_window: u32,
}

impl CollateralLimits {
    fn of(collateral: &Collateral) -> Self {
        Self {
            deposit_cap: collateral.deposit_cap,
            outflow_limit: collateral.flow.limit,
            outflow_window: collateral.flow.window,
        }
    }

    fn validate(&self) -> Result<()> {
        let window = if self.outflow_limit == FlowLimit::NONE { 0..=0 } else { 1..=MAX_OUTFLOW_WINDOW };
        require!(window.contains(&self.outflow_window), EngineError::OutflowWindow);
        Ok(())
    }

    /// Whether nothing passes that did not pass under `other`.
    fn no_looser_than(&self, other: &Self) -> bool {
        self.deposit_cap <= other.deposit_cap
            && self.outflow_limit <= other.outflow_limit
            && self.outflow_window >= other.outflow_window
    }
}

#[event_cpi]
#[derive(Accounts)]
pub struct CollateralLimitsSet<'info> {
    pub authority: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
}

impl<'info> CollateralLimitsSet<'info> {
    fn validate(&self, limits: &CollateralLimits) -> Result<()> {
        // authority: the engine's admin, or its guardian, who may only tighten. engine, collateral: this program's, by their
        // types; of each other.
        let (engine, collateral) = (self.engine.load()?, self.collateral.load()?);
        let is_admin = *self.authority.key == engine.admin;
        require!(is_admin || engine.is_guardian(self.authority.key), EngineError::NotAdminOrGuardian);
        require_keys_eq!(collateral.engine, self.engine.key(), EngineError::ForeignEngine);
        limits.validate()?;
        require!(is_admin || limits.no_looser_than(&CollateralLimits::of(&collateral)), EngineError::GuardianLoosens);
        Ok(())
    }

    /// Sets deposit cap and outflow limit of a token. What has flowed out so far still counts.
    pub fn handle(ctx: Context<'info, Self>, limits: CollateralLimits) -> Result<()> {
        ctx.accounts.validate(&limits)?;
        let before = {
            let mut collateral = ctx.accounts.collateral.load_mut()?;
            let before = CollateralLimits::of(&collateral);
            // Under the limit it built up under.
            collateral.flow.leak(Clock::get()?.unix_timestamp);
            collateral.deposit_cap = limits.deposit_cap;
            collateral.flow.limit = limits.outflow_limit;
            collateral.flow.window = limits.outflow_window;
            before
        };
        emit_cpi!(CollateralLimitsSetEvent {
            collateral: ctx.accounts.collateral.key(),
            authority: ctx.accounts.authority.key(),
            before,
            after: limits,
        });
        Ok(())
    }
}
