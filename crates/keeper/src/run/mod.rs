//! The keeper itself: a [`Store`] that follows a node, and what is done about it.
//!
//! [`Keeper::run`] is the loop of `margin keeper run`. Its steps are public: a replay or a test calls [`Keeper::recover`] and
//! [`Keeper::round`] at moments of its own.

mod act;
mod busy;
mod discover;
mod session;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use margin_client::{
    addresses,
    state::{Collateral, MarginAccount, Underlying},
};
use solana_clock::Clock as ChainClock;
use solana_keypair::{Keypair, read_keypair_file};
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;
use tracing::info;

pub use busy::Pauses;

use crate::{
    config::{Config, ConfigError},
    metrics::Metrics,
    node::Node,
    plan::{Own, Settings},
    send::{NodeError, Sender},
    server::Shown,
    store::{Clock, Outcome, Store},
};

/// Why a keeper does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot read the key {path}: {reason}")]
    Key { path: String, reason: String },
    #[error("keeper.keypair is missing: somebody has to sign")]
    NoKey,
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("the node knows no margin engine")]
    NoEngine,
    #[error("the node knows several margin engines; choose one with node.engine: {0:?}")]
    SeveralEngines(Vec<Pubkey>),
    #[error("{0} is no margin account of the engine")]
    NoMarginAccount(Pubkey),
    #[error("neither owner nor delegate of the margin account {account}: {signer}")]
    NotOwn { signer: Pubkey, account: Pubkey },
    #[error("[prices] names {0}, which is neither a listed symbol nor a feed id")]
    UnknownFeed(String),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: std::net::SocketAddr, source: std::io::Error },
}

/// The chain's time as last read, and when that was.
#[derive(Clone, Copy, Debug)]
struct ChainTime {
    unix: i64,
    read_at: Instant,
}

/// How the keeper is, as `/healthz` tells it.
#[derive(Debug, Default)]
pub struct Standing {
    /// When the node last answered, and when the last snapshot was complete.
    answered: Mutex<Option<Instant>>,
    complete: std::sync::atomic::AtomicBool,
}

/// What the server shows.
pub struct Board {
    pub metrics: Metrics,
    pub standing: Standing,
    patience: Duration,
}

impl Shown for Board {
    fn metrics(&self) -> String {
        self.metrics.text()
    }

    fn healthy(&self) -> Result<(), String> {
        if !self.standing.complete.load(std::sync::atomic::Ordering::Relaxed) {
            return Err("no complete snapshot yet".to_owned());
        }
        let answered = *self.standing.answered.lock().unwrap_or_else(PoisonError::into_inner);
        match answered.map(|at| at.elapsed()) {
            Some(silent) if silent <= self.patience => Ok(()),
            Some(silent) => Err(format!("the node has not answered for {} s", silent.as_secs())),
            None => Err("the node has not answered yet".to_owned()),
        }
    }
}

/// A keeper.
pub struct Keeper {
    config: Config,
    node: Node,
    sender: Arc<Sender<Node>>,
    store: Store,
    clock: Clock,
    time: ChainTime,
    own: Own,
    board: Arc<Board>,
    pauses: Pauses,
    swept_all: Option<Instant>,
    /// Bids under way: they use the own margin, and no other is planned before they are settled.
    bids_under_way: usize,
}

impl Keeper {
    /// Connects to the node, finds the engine and takes the first snapshot.
    pub async fn connect(config: Config) -> Result<Self, StartError> {
        let path = config.keeper.keypair.clone().ok_or(StartError::NoKey)?;
        let key = read_keypair_file(&path)
            .map_err(|error| StartError::Key { path: path.display().to_string(), reason: error.to_string() })?;
        Self::with_key(config, key).await
    }

    /// The same with a key in hand.
    pub async fn with_key(config: Config, key: Keypair) -> Result<Self, StartError> {
        config.check()?;
        let (timeout, commitment) = (Duration::from_secs(config.node.timeout_seconds), config.commitment()?);
        let make_node = || Node::new(&config.node.rpc, timeout, commitment);
        let node = make_node();
        let engine = discover::engine(&node, config.engine()?).await?;
        let tables = node.tables(&config.lookup_tables()?).await?;
        let signer = key.pubkey();
        let account = config.margin_account()?.unwrap_or_else(|| addresses::margin_account(&engine, &signer, 0));
        let sender = Sender { cluster: make_node(), key, tables, settings: config.send_settings() };
        let board = Board {
            metrics: Metrics::new()?,
            standing: Standing::default(),
            patience: Duration::from_millis(config.node.poll_milliseconds) * 10 + timeout,
        };
        let mut keeper = Self {
            node,
            sender: Arc::new(sender),
            store: Store::new(engine),
            clock: Clock::default(),
            time: ChainTime { unix: 0, read_at: Instant::now() },
            own: Own { signer, account },
            board: Arc::new(board),
            pauses: Pauses::default(),
            swept_all: None,
            bids_under_way: 0,
            config,
        };
        keeper.recover().await?;
        discover::choose_prices(&mut keeper).await?;
        keeper.poll().await?;
        let own = keeper.store.account(&account).ok_or(StartError::NoMarginAccount(account))?;
        if !own.may_trade(&signer) {
            return Err(StartError::NotOwn { signer, account });
        }
        info!(%engine, %signer, %account, accounts = keeper.store.entries().len(), "connected");
        Ok(keeper)
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    #[must_use]
    pub fn own(&self) -> &Own {
        &self.own
    }

    /// What the server shows.
    #[must_use]
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// How the keeper decides, once the engine is known.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let decimals = self.store.engine().map_or(6, |engine| engine.quote_decimals);
        self.config.settings(decimals)
    }

    /// The chain's time: as last read, and what has passed since.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.time.unix.saturating_add(i64::try_from(self.time.read_at.elapsed().as_secs()).unwrap_or(0))
    }

    /// Takes a full snapshot: the engine, its markets, every margin account; then prices and the clock.
    ///
    /// While it is taken, subscriptions go on, and what they brought of later slots stays.
    pub async fn recover(&mut self) -> Result<(), NodeError> {
        let since = Instant::now();
        let engine = self.store.engine_address();
        let asked = self.clock.mark();
        for found in
            [self.node.accounts_of::<Underlying>(&engine).await?, self.node.accounts_of::<Collateral>(&engine).await?]
        {
            let mut snapshot = self.store.begin_snapshot(found.slot, asked);
            for account in found.into_accounts() {
                let (address, account) = account?;
                self.store.apply_snapshot(&mut snapshot, address, &account);
            }
        }
        let asked = self.clock.mark();
        let found = self.node.accounts_of::<MarginAccount>(&engine).await?;
        let (slot, mut snapshot) = (found.slot, self.store.begin_snapshot(found.slot, asked));
        for account in found.into_accounts() {
            let (address, account) = account?;
            let outcome = self.store.apply_snapshot(&mut snapshot, address, &account);
            self.count(outcome);
        }
        let gone = self.store.end_snapshot(&snapshot);
        self.board.metrics.snapshots.inc();
        self.poll().await?;
        self.board.standing.complete.store(true, std::sync::atomic::Ordering::Relaxed);
        info!(slot, gone, accounts = self.store.entries().len(), took = ?since.elapsed(), "snapshot");
        Ok(())
    }

    /// Asks for what a keeper must never have old: the engine, its own account, prices and the clock. Returns the slot.
    pub async fn poll(&mut self) -> Result<u64, NodeError> {
        let engine = self.store.engine_address();
        let mut wanted = vec![
            solana_sdk_ids::sysvar::clock::ID,
            self.own.signer,
            engine,
            addresses::correlation(&engine),
            self.own.account,
        ];
        wanted.extend(self.store.markets.price_addresses());
        let asked = self.clock.mark();
        let (slot, found) = self.node.accounts(&wanted).await?;
        let version = crate::store::Version { slot, write: asked };
        let mut accounts = wanted.iter().zip(&found);
        if let Some((_, Some(account))) = accounts.next() {
            self.read_clock(&account.data)?;
        }
        let lamports = accounts.next().and_then(|(_, account)| account.as_ref()).map_or(0, |account| account.lamports);
        self.board.metrics.lamports.set(lamports.cast_signed());
        for (address, account) in accounts {
            let outcome = self.store.apply(*address, account.as_ref(), version);
            self.count(outcome);
        }
        *self.board.standing.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(slot)
    }

    fn read_clock(&mut self, data: &[u8]) -> Result<(), NodeError> {
        let at = std::mem::offset_of!(ChainClock, unix_timestamp);
        let bytes = data.get(at..).and_then(|rest| rest.first_chunk());
        let bytes = bytes.ok_or_else(|| NodeError::Refused("the clock is not readable".to_owned()))?;
        let unix = i64::from_le_bytes(*bytes);
        // The same second again: the reading before tells better how much of it has passed.
        if unix != self.time.unix {
            self.time = ChainTime { unix, read_at: Instant::now() };
        }
        Ok(())
    }

    /// Asks for a few accounts anew.
    pub async fn refresh(&mut self, addresses: &[Pubkey]) -> Result<(), NodeError> {
        let asked = self.clock.mark();
        let (slot, found) = self.node.accounts(addresses).await?;
        for (address, account) in addresses.iter().zip(&found) {
            let outcome = self.store.apply(*address, account.as_ref(), crate::store::Version { slot, write: asked });
            self.count(outcome);
        }
        Ok(())
    }

    fn count(&self, outcome: Outcome) {
        let name = match outcome {
            Outcome::Changed => "changed",
            Outcome::Unchanged => "unchanged",
            Outcome::Stale => "stale",
            Outcome::Foreign => "foreign",
            Outcome::Unreadable => "unreadable",
        };
        self.board.metrics.updates.with_label_values(&[name]).inc();
    }
}
