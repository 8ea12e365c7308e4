//! What an account that trades must satisfy.

use anchor_lang::prelude::*;
use margin_core::portfolio::AccountRisk;

use crate::{
    error::EngineError,
    oracle::PriceUse,
    risk::{Check, Workspace},
    risk_accounts::RiskAccounts,
    state::{Engine, Instrument, MarginAccount},
};

/// The check of one account around a batch of legs.
pub struct Guard {
    /// Its figures before, where it may only reduce.
    before: Option<AccountRisk>,
}

impl Guard {
    /// Before the first leg. With `reduce_only` the account may be below its initial margin, or in liquidation.
    pub fn new(
        account: &MarginAccount,
        reduce_only: bool,
        markets: &RiskAccounts,
        engine: &Engine,
        now: i64,
        workspace: &mut Workspace,
    ) -> Result<Self> {
        let before = if reduce_only { Some(assess(account, markets, engine, now, workspace)?) } else { None };
        Ok(Self { before })
    }

    /// Before each leg: a reduce-only side brings its position closer to zero and not past it.
    pub fn admit(&self, account: &MarginAccount, instrument: &Instrument, lots: i64) -> Result<()> {
        if self.before.is_none() {
            return Ok(());
        }
        let held = account.position(instrument).map_or(0, |position| position.lots);
        let opposes = (held < 0) != (lots < 0);
        require!(opposes && lots.unsigned_abs() <= held.unsigned_abs(), EngineError::ReduceOnly);
        Ok(())
    }

    /// After the last leg: initial margin, or - for a side that only reduces - no less health than before. An account whose
    /// checks are deferred is judged at their end.
    #[inline(never)]
    pub fn release(
        &self,
        account: &MarginAccount,
        markets: &RiskAccounts,
        engine: &Engine,
        now: i64,
        workspace: &mut Workspace,
    ) -> Result<()> {
        if account.checks_deferred != 0 {
            return Ok(());
        }
        let after = assess(account, markets, engine, now, workspace)?;
        let Some(before) = &self.before else {
            require!(after.initially_healthy(), EngineError::BelowInitialMargin);
            return Ok(());
        };
        // In liquidation nothing may be given away of what is left for the bidders.
        let keeps_value = !account.in_liquidation() || after.equity >= before.equity;
        let ([initial, maintenance], [initial_after, maintenance_after]) = (surplus(before), surplus(&after));
        let keeps_health = initial_after >= initial && maintenance_after >= maintenance;
        require!(keeps_value && (keeps_health || after.initially_healthy()), EngineError::ReduceOnlyHealth);
        Ok(())
    }
}

fn assess(
    account: &MarginAccount,
    markets: &RiskAccounts,
    engine: &Engine,
    now: i64,
    workspace: &mut Workspace,
) -> Result<AccountRisk> {
    Check::new(account, markets, engine, PriceUse::RaiseRisk, now)?.assess_in(workspace)
}

/// Equity over initial and over maintenance margin. Saturated: no account comes near.
fn surplus(risk: &AccountRisk) -> [i128; 2] {
    [risk.initial_margin, risk.maintenance_margin].map(|requirement| risk.equity.0.saturating_sub(requirement.0))
}
