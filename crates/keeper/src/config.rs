//! The configuration: one TOML file, every key checked, unknown keys refused.
//!
//! `crates/keeper/keeper.example.toml` holds every key with its default and what it means; a test reads it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use solana_commitment_config::CommitmentConfig;
use solana_pubkey::Pubkey;

use crate::{
    plan::{Settings, Tasks},
    send::SendSettings,
};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}: {error}")]
    Syntax { path: PathBuf, error: Box<toml::de::Error> },
    #[error("{key}: {reason}")]
    Value { key: &'static str, reason: String },
}

/// Everything that can be configured.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub node: NodeConfig,
    pub keeper: KeeperConfig,
    pub profit: ProfitConfig,
    pub tasks: TasksConfig,
    pub transactions: TransactionConfig,
    pub monitoring: MonitoringConfig,
    /// Price accounts by symbol of the underlying or feed id.
    pub prices: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    pub rpc: String,
    /// Made from `rpc` where it is left out: the port after it, or the same host.
    pub websocket: Option<String>,
    pub engine: Option<String>,
    pub commitment: String,
    pub timeout_seconds: u64,
    /// How often prices, the clock and the own account are asked for.
    pub poll_milliseconds: u64,
    /// How often everything is asked for where the node has no subscriptions.
    pub fallback_milliseconds: u64,
    /// A full snapshot is taken at least this often.
    pub snapshot_seconds: u64,
    /// Slots that the subscription may be behind the node.
    pub most_slots_behind: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeeperConfig {
    pub keypair: Option<PathBuf>,
    pub margin_account: Option<String>,
    pub dry_run: bool,
    pub threads: usize,
    /// Every account's margin is computed at least this often: time changes it, too.
    pub sweep_seconds: u64,
    /// Transactions under way at the same time.
    pub most_in_flight: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfitConfig {
    /// Quote tokens.
    pub minimum: f64,
    pub transaction_cost: f64,
    /// Shares of notional.
    pub unwind_linear: f64,
    pub unwind_option: f64,
    /// Share of initial margin.
    pub margin_reserve: f64,
    pub most_candidates: usize,
    pub most_actions: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TasksConfig {
    pub start: bool,
    pub bid: bool,
    pub stop: bool,
    pub settle: bool,
    pub fund: bool,
    pub answer: bool,
    pub funding_seconds: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransactionConfig {
    pub unit_margin_percent: u32,
    pub least_fee: u64,
    pub most_fee: u64,
    pub fee_percentile: u8,
    pub attempts: u32,
    pub resend_milliseconds: u64,
    pub status_milliseconds: u64,
    pub lookup_tables: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MonitoringConfig {
    /// Address of `/metrics` and `/healthz`; empty: none.
    pub listen: String,
    /// `text` or `json`.
    pub log_format: String,
    /// A `tracing` filter.
    pub log: String,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            rpc: "http://127.0.0.1:8899".to_owned(),
            websocket: None,
            engine: None,
            commitment: "confirmed".to_owned(),
            timeout_seconds: 30,
            poll_milliseconds: 1_000,
            fallback_milliseconds: 2_000,
            snapshot_seconds: 600,
            most_slots_behind: 32,
        }
    }
}

impl Default for KeeperConfig {
    fn default() -> Self {
        Self { keypair: None, margin_account: None, dry_run: false, threads: 2, sweep_seconds: 30, most_in_flight: 8 }
    }
}

impl Default for ProfitConfig {
    fn default() -> Self {
        Self {
            minimum: 1.0,
            transaction_cost: 0.002,
            unwind_linear: 0.0005,
            unwind_option: 0.001,
            margin_reserve: 0.05,
            most_candidates: 64,
            most_actions: 16,
        }
    }
}

impl Default for TasksConfig {
    fn default() -> Self {
        Self { start: true, bid: true, stop: true, settle: true, fund: true, answer: true, funding_seconds: 3_600 }
    }
}

impl Default for TransactionConfig {
    fn default() -> Self {
        Self {
            unit_margin_percent: 10,
            least_fee: 1_000,
            most_fee: 1_000_000,
            fee_percentile: 75,
            attempts: 3,
            resend_milliseconds: 2_000,
            status_milliseconds: 400,
            lookup_tables: Vec::new(),
        }
    }
}

impl Default for MonitoringConfig {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9464".to_owned(), log_format: "text".to_owned(), log: "info".to_owned() }
    }
}

fn value(key: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Value { key, reason: reason.into() }
}

fn address(key: &'static str, text: &str) -> Result<Pubkey, ConfigError> {
    text.parse().map_err(|_| value(key, format!("'{text}' is not an address")))
}

fn number<T: PartialOrd + std::fmt::Display>(key: &'static str, found: T, least: T, most: T) -> Result<T, ConfigError> {
    if found >= least && found <= most {
        return Ok(found);
    }
    Err(value(key, format!("{found} is not within {least} and {most}")))
}

impl Config {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// The same of a text; `path` names it in errors.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let syntax = |error| ConfigError::Syntax { path: path.to_owned(), error: Box::new(error) };
        let config: Self = toml::from_str(text).map_err(syntax)?;
        config.check()?;
        Ok(config)
    }

    /// Checks every value.
    pub fn check(&self) -> Result<(), ConfigError> {
        let node = &self.node;
        if !node.rpc.starts_with("http://") && !node.rpc.starts_with("https://") {
            return Err(value("node.rpc", "begins with http:// or https://"));
        }
        if node.websocket.as_ref().is_some_and(|url| !url.starts_with("ws://") && !url.starts_with("wss://")) {
            return Err(value("node.websocket", "begins with ws:// or wss://"));
        }
        self.commitment()?;
        self.engine()?;
        self.margin_account()?;
        self.prices()?;
        self.lookup_tables()?;
        self.listen()?;
        number("node.timeout_seconds", node.timeout_seconds, 1, 600)?;
        number("node.poll_milliseconds", node.poll_milliseconds, 50, 60_000)?;
        number("node.fallback_milliseconds", node.fallback_milliseconds, 100, 600_000)?;
        number("node.snapshot_seconds", node.snapshot_seconds, 10, 86_400)?;
        number("node.most_slots_behind", node.most_slots_behind, 1, 10_000)?;
        number("keeper.threads", self.keeper.threads, 1, 256)?;
        number("keeper.sweep_seconds", self.keeper.sweep_seconds, 1, 3_600)?;
        number("keeper.most_in_flight", self.keeper.most_in_flight, 1, 256)?;
        number("profit.minimum", self.profit.minimum, 0.0, 1e9)?;
        number("profit.transaction_cost", self.profit.transaction_cost, 0.0, 1e6)?;
        number("profit.unwind_linear", self.profit.unwind_linear, 0.0, 1.0)?;
        number("profit.unwind_option", self.profit.unwind_option, 0.0, 1.0)?;
        number("profit.margin_reserve", self.profit.margin_reserve, 0.0, 100.0)?;
        number("profit.most_candidates", self.profit.most_candidates, 1, 100_000)?;
        number("profit.most_actions", self.profit.most_actions, 1, 10_000)?;
        number("tasks.funding_seconds", self.tasks.funding_seconds, 1, 604_800)?;
        let transactions = &self.transactions;
        number("transactions.unit_margin_percent", transactions.unit_margin_percent, 0, 1_000)?;
        number("transactions.least_fee", transactions.least_fee, 0, transactions.most_fee)?;
        number("transactions.fee_percentile", transactions.fee_percentile, 0, 100)?;
        number("transactions.attempts", transactions.attempts, 1, 100)?;
        number("transactions.resend_milliseconds", transactions.resend_milliseconds, 1, 60_000)?;
        number("transactions.status_milliseconds", transactions.status_milliseconds, 1, 60_000)?;
        if !matches!(self.monitoring.log_format.as_str(), "text" | "json") {
            return Err(value("monitoring.log_format", "is \"text\" or \"json\""));
        }
        Ok(())
    }

    pub fn commitment(&self) -> Result<CommitmentConfig, ConfigError> {
        match self.node.commitment.as_str() {
            "processed" => Ok(CommitmentConfig::processed()),
            "confirmed" => Ok(CommitmentConfig::confirmed()),
            "finalized" => Ok(CommitmentConfig::finalized()),
            _ => Err(value("node.commitment", "is \"processed\", \"confirmed\" or \"finalized\"")),
        }
    }

    pub fn engine(&self) -> Result<Option<Pubkey>, ConfigError> {
        self.node.engine.as_deref().map(|text| address("node.engine", text)).transpose()
    }

    pub fn margin_account(&self) -> Result<Option<Pubkey>, ConfigError> {
        self.keeper.margin_account.as_deref().map(|text| address("keeper.margin_account", text)).transpose()
    }

    pub fn lookup_tables(&self) -> Result<Vec<Pubkey>, ConfigError> {
        self.transactions.lookup_tables.iter().map(|text| address("transactions.lookup_tables", text)).collect()
    }

    /// Price accounts that were chosen by hand: symbol or feed id, and address.
    pub fn prices(&self) -> Result<Vec<(String, Pubkey)>, ConfigError> {
        self.prices.iter().map(|(feed, text)| Ok((feed.clone(), address("prices", text)?))).collect()
    }

    pub fn listen(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let text = self.monitoring.listen.as_str();
        if text.is_empty() {
            return Ok(None);
        }
        let found = text.parse().or_else(|_| text.parse().map(|port| (IpAddr::V4(Ipv4Addr::LOCALHOST), port).into()));
        found.map(Some).map_err(|_: std::num::ParseIntError| value("monitoring.listen", "is ADDRESS:PORT or PORT"))
    }

    /// The WebSocket's address: Solana's own nodes serve it on the port after that of JSON-RPC.
    #[must_use]
    pub fn websocket(&self) -> String {
        if let Some(url) = &self.node.websocket {
            return url.clone();
        }
        let url = self.node.rpc.replacen("http", "ws", 1);
        let Some((host, port)) = url.trim_end_matches('/').rsplit_once(':') else { return url };
        match port.parse::<u16>().ok().and_then(|port| port.checked_add(1)) {
            Some(port) => format!("{host}:{port}"),
            None => url,
        }
    }

    /// How to decide, with amounts in atoms of the quote token.
    #[must_use]
    pub fn settings(&self, quote_decimals: u8) -> Settings {
        let one = 10f64.powi(i32::from(quote_decimals));
        // Checked to lie within bounds that 64 bits hold; an amount is rounded up, against the action.
        let atoms = |tokens: f64| (tokens * one).ceil() as i64;
        let share = |share: f64| (share * 1e9).round() as u64;
        let ProfitConfig { most_candidates, most_actions, .. } = self.profit;
        let TasksConfig { start, bid, stop, settle, fund, answer, funding_seconds } = self.tasks;
        Settings {
            minimum_profit: atoms(self.profit.minimum),
            unwind_linear: share(self.profit.unwind_linear),
            unwind_option: share(self.profit.unwind_option),
            transaction_cost: atoms(self.profit.transaction_cost),
            margin_reserve: share(self.profit.margin_reserve),
            most_candidates,
            most_actions,
            tasks: Tasks { start, bid, stop, settle, fund, answer },
            funding_interval: funding_seconds,
        }
    }

    /// How to send.
    #[must_use]
    pub fn send_settings(&self) -> SendSettings {
        let transactions = &self.transactions;
        SendSettings {
            unit_margin: transactions.unit_margin_percent,
            least_fee: transactions.least_fee,
            most_fee: transactions.most_fee,
            fee_percentile: transactions.fee_percentile,
            attempts: transactions.attempts,
            resend_every: Duration::from_millis(transactions.resend_milliseconds),
            poll: Duration::from_millis(transactions.status_milliseconds),
            dry_run: self.keeper.dry_run,
            ..SendSettings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(Path::new("keeper.toml"), text)
    }

    #[track_caller]
    fn refused(text: &str, words: &str) {
        let error = parse(text).expect_err("a wrong configuration").to_string();
        assert!(error.contains(words), "{words:?} is missing in {error:?}");
    }

    #[test]
    fn the_example_holds_every_key_with_its_default() {
        let example = include_str!("../keeper.example.toml");
        let (example, default) = (parse(example).expect("the example"), parse("").expect("nothing is an answer"));
        let bare = |mut config: Config| {
            // What has no default.
            config.node.websocket = None;
            config.node.engine = None;
            config.keeper.keypair = None;
            config.keeper.margin_account = None;
            config.prices.clear();
            format!("{config:#?}")
        };
        assert!(example.keeper.keypair.is_some() && !example.prices.is_empty());
        assert_eq!(bare(example), bare(default));
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_named() {
        refused("[keeper]\nkeypiar = \"id.json\"", "keypiar");
        refused("[kepeer]", "kepeer");
        refused("[keeper]\nthreads = \"two\"", "line 2");
        refused("[keeper]\nthreads = 0", "keeper.threads: 0 is not within 1 and 256");
        refused("[node]\nrpc = \"127.0.0.1:8899\"", "node.rpc");
        refused("[node]\ncommitment = \"recent\"", "node.commitment");
        refused("[node]\nengine = \"abc\"", "node.engine: 'abc' is not an address");
        refused("[profit]\nunwind_option = nan", "profit.unwind_option");
        refused("[prices]\nBTC = \"nowhere\"", "prices: 'nowhere'");
        refused("[monitoring]\nlisten = \"everywhere\"", "monitoring.listen");
        refused("[transactions]\nleast_fee = 5\nmost_fee = 4", "transactions.least_fee");
    }

    #[test]
    fn the_socket_is_found_beside_the_node() {
        let socket = |rpc: &str| parse(&format!("[node]\nrpc = \"{rpc}\"")).expect("a node").websocket();
        assert_eq!(socket("http://127.0.0.1:8899"), "ws://127.0.0.1:8900");
        assert_eq!(socket("https://node.example/"), "wss://node.example/");
    }

    #[test]
    fn amounts_become_atoms_and_shares() {
        let config = parse("[profit]\nminimum = 2.5\nunwind_option = 0.001\n").expect("a configuration");
        let settings = config.settings(6);
        assert_eq!((settings.minimum_profit, settings.unwind_option), (2_500_000, 1_000_000));
        assert_eq!(parse("").expect("defaults").settings(6), Settings::default());
    }
}
