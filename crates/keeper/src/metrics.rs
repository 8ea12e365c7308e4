//! Figures for Prometheus.

use prometheus::{
    Encoder as _, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::{health::Health, store::Store};

/// Everything that is counted. Amounts in quote atoms.
pub struct Metrics {
    registry: Registry,
    pub accounts: IntGauge,
    /// By state: liquidatable, in_liquidation, unpriceable.
    pub standing: IntGaugeVec,
    pub unusable_markets: IntGauge,
    pub slot: IntGauge,
    /// Slots that the subscription is behind the node.
    pub slot_lag: IntGauge,
    /// 1 while the subscription stands.
    pub connected: IntGauge,
    /// By what became of them.
    pub updates: IntCounterVec,
    pub snapshots: IntCounter,
    /// By reason.
    pub gaps: IntCounterVec,
    pub node_errors: IntCounter,
    pub assessed: IntCounter,
    pub sweep_seconds: Histogram,
    /// By kind and result.
    pub actions: IntCounterVec,
    pub expected_profit: IntCounter,
    pub compute_units: Histogram,
    pub own_equity: IntGauge,
    pub own_initial_margin: IntGauge,
    pub lamports: IntGauge,
}

impl Metrics {
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let made = IntGauge::new(format!("margin_keeper_{name}"), help)?;
            registry.register(Box::new(made.clone()))?;
            Ok(made)
        };
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let made = IntCounter::new(format!("margin_keeper_{name}"), help)?;
            registry.register(Box::new(made.clone()))?;
            Ok(made)
        };
        let counters = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
            let made = IntCounterVec::new(Opts::new(format!("margin_keeper_{name}"), help), labels)?;
            registry.register(Box::new(made.clone()))?;
            Ok(made)
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| -> Result<Histogram, prometheus::Error> {
            let options = HistogramOpts::new(format!("margin_keeper_{name}"), help).buckets(buckets.to_vec());
            let made = Histogram::with_opts(options)?;
            registry.register(Box::new(made.clone()))?;
            Ok(made)
        };
        let standing = IntGaugeVec::new(
            Opts::new("margin_keeper_accounts_by_standing", "Margin accounts that need attention"),
            &["standing"],
        )?;
        registry.register(Box::new(standing.clone()))?;
        Ok(Self {
            accounts: gauge("accounts", "Margin accounts in memory")?,
            standing,
            unusable_markets: gauge("unusable_markets", "Markets whose price or surface the program would refuse now")?,
            slot: gauge("slot", "Highest slot seen")?,
            slot_lag: gauge("slot_lag", "Slots that the subscription is behind the node")?,
            connected: gauge("connected", "1 while the subscription stands")?,
            updates: counters("updates_total", "States of accounts taken in", &["outcome"])?,
            snapshots: counter("snapshots_total", "Full snapshots taken in")?,
            gaps: counters("gaps_total", "Losses of the stream that asked for a snapshot", &["reason"])?,
            node_errors: counter("node_errors_total", "Requests that the node did not answer or refused")?,
            assessed: counter("assessed_total", "Margins computed")?,
            sweep_seconds: histogram(
                "sweep_seconds",
                "Time to compute the margins that a change touches",
                &[0.000_1, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0],
            )?,
            actions: counters("actions_total", "Actions by kind and result", &["kind", "result"])?,
            expected_profit: counter("expected_profit_atoms_total", "Expected profit of the actions that landed")?,
            compute_units: histogram(
                "compute_units",
                "Compute units of simulated actions",
                &[25e3, 50e3, 100e3, 200e3, 400e3, 700e3, 1_000e3, 1_400e3],
            )?,
            own_equity: gauge("own_equity_atoms", "Equity of the keeper's margin account")?,
            own_initial_margin: gauge("own_initial_margin_atoms", "Initial margin of the keeper's margin account")?,
            lamports: gauge("lamports", "Lamports that the keeper pays fees with")?,
            registry,
        })
    }

    /// Counts the accounts of a store by their standing.
    pub fn observe(&self, store: &Store) {
        let (mut liquidatable, mut in_liquidation, mut unpriceable) = (0, 0, 0);
        for entry in store.entries() {
            liquidatable += i64::from(entry.health.liquidatable() && !entry.in_liquidation);
            in_liquidation += i64::from(entry.in_liquidation);
            unpriceable += i64::from(matches!(entry.health, Health::Unpriceable(_)));
        }
        self.accounts.set(i64::try_from(store.entries().len()).unwrap_or(i64::MAX));
        for (standing, count) in
            [("liquidatable", liquidatable), ("in_liquidation", in_liquidation), ("unpriceable", unpriceable)]
        {
            self.standing.with_label_values(&[standing]).set(count);
        }
        self.slot.set(store.slot().cast_signed());
    }

    /// In Prometheus' text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => format!("# {error}\n"),
        }
    }
}
