//! Thinking and acting: margins, the plan, and what became of it.

use std::time::{Duration, Instant};

use margin_client::margin::PriceUse;
use margin_core::Usd;
use margin_engine::risk::usd_to_atoms_floor;
use solana_pubkey::Pubkey;
use tracing::{debug, info, warn};

use super::Keeper;
use crate::{
    health::{Health, Scope, View, sweep},
    plan::{Action, plan},
    send::{NodeError, Sent},
};

impl Keeper {
    /// Computes what has to be computed anew and returns what to do, best first.
    pub fn think(&mut self) -> Vec<Action> {
        let now = self.now();
        let view = match View::new(&self.store, PriceUse::Liquidation, now) {
            Ok(view) => view,
            Err(error) => {
                warn!(%error, "no view of the market");
                return Vec::new();
            }
        };
        for unusable in view.unusable() {
            debug!(market = %unusable.market, symbol = unusable.symbol, reason = unusable.reason, "unusable market");
        }
        let sweep_every = Duration::from_secs(self.config.keeper.sweep_seconds);
        let changed = self.store.take_changed();
        let scope = if self.swept_all.is_none_or(|at| at.elapsed() >= sweep_every) {
            self.swept_all = Some(Instant::now());
            Scope::All
        } else {
            Scope::Touched(changed)
        };
        let swept = sweep(&mut self.store, &view, scope, self.config.keeper.threads);
        let metrics = &self.board.metrics;
        metrics.unusable_markets.set(i64::try_from(view.unusable().len()).unwrap_or(i64::MAX));
        if swept.assessed > 0 {
            metrics.assessed.inc_by(swept.assessed as u64);
            metrics.sweep_seconds.observe(swept.took.as_secs_f64());
            debug!(assessed = swept.assessed, unpriceable = swept.unpriceable, took = ?swept.took, "margins computed");
            metrics.observe(&self.store);
            self.observe_own(view.engine().quote_decimals);
        }
        let mut settings = self.settings();
        settings.tasks.bid &= self.bids_under_way == 0;
        let busy = self.pauses.at(Instant::now());
        plan(&self.store, &view, &self.own, &settings, &busy).unwrap_or_else(|error| {
            warn!(%error, "no plan");
            Vec::new()
        })
    }

    fn observe_own(&self, decimals: u8) {
        let Some(Health::Known(risk)) = self.store.entry(&self.own.account).map(|entry| entry.health) else { return };
        let atoms = |amount: Usd| usd_to_atoms_floor(amount, decimals).unwrap_or_default();
        self.board.metrics.own_equity.set(atoms(risk.equity));
        self.board.metrics.own_initial_margin.set(atoms(risk.initial_margin));
    }

    /// One round: asks for what changes, thinks, and carries the plan out one by one. For replays and tests.
    pub async fn round(&mut self) -> Result<Vec<(Action, Sent)>, NodeError> {
        self.poll().await?;
        let mut done = Vec::new();
        for action in self.think() {
            self.begin(&action);
            let sent = self.sender.execute(&action).await;
            self.end(&action, &sent).await?;
            done.push((action, sent));
        }
        Ok(done)
    }

    pub(super) fn begin(&mut self, action: &Action) {
        self.pauses.begin(action.subject);
        self.bids_under_way += usize::from(action.kind.uses_margin());
    }

    /// Takes in how an action ended.
    pub(super) async fn end(&mut self, action: &Action, sent: &Sent) -> Result<(), NodeError> {
        let metrics = &self.board.metrics;
        let (kind, subject) = (action.kind.name(), action.subject);
        let failed = match sent {
            Sent::Landed { signature, slot, units, fee } => {
                metrics.actions.with_label_values(&[kind, "landed"]).inc();
                metrics.compute_units.observe(*units as f64);
                metrics.expected_profit.inc_by(action.expected_profit.max(0).unsigned_abs());
                info!(kind, %subject, %signature, slot, units, fee, profit = action.expected_profit, action = ?action.kind, "landed");
                false
            }
            Sent::Simulated { units } => {
                metrics.actions.with_label_values(&[kind, "simulated"]).inc();
                metrics.compute_units.observe(*units as f64);
                info!(kind, %subject, units, profit = action.expected_profit, action = ?action.kind, "would send");
                true
            }
            Sent::Failed(failure) => {
                metrics.actions.with_label_values(&[kind, failure.name()]).inc();
                warn!(kind, %subject, %failure, action = ?action.kind, "failed");
                true
            }
        };
        self.pauses.end(&subject, failed, Instant::now());
        self.bids_under_way -= usize::from(action.kind.uses_margin());
        // What it wrote may be pushed later than the next plan is made.
        let metas = action.instructions.iter().flat_map(|instruction| &instruction.accounts);
        let mut written: Vec<Pubkey> = metas.filter(|meta| meta.is_writable).map(|meta| meta.pubkey).collect();
        written.sort_unstable();
        written.dedup();
        self.refresh(&written).await
    }
}
