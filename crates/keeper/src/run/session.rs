//! The loop: follow the node, think, act, stop.

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use solana_pubkey::Pubkey;
use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval},
};
use tracing::{debug, error, info, warn};

use super::{Keeper, StartError};
use crate::{
    feed::{BACKLOG, Event, Feed},
    plan::Action,
    send::Sent,
    server,
    store::Outcome,
};

/// Changes that are taken in before the margins are computed once for all of them.
const BATCH: usize = 4_096;
/// Snapshots are expensive: a stream that is lost all the time does not ask for more of them.
const BETWEEN_SNAPSHOTS: Duration = Duration::from_secs(5);
/// After a new connection nothing else is known, so there it comes soon.
const AFTER_CONNECTION: Duration = Duration::from_millis(500);
/// Why a snapshot is due after a connection.
const CONNECTION: &str = "connection";
/// Transactions under way at the end are followed for so long.
const FAREWELL: Duration = Duration::from_secs(10);

/// How changes come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Subscription,
    /// There is none, now or at all.
    Polling,
}

/// State of the loop.
struct Session {
    source: Source,
    feed: JoinHandle<()>,
    events: mpsc::Receiver<Event>,
    sending: JoinSet<(Action, Sent)>,
    /// Last slot that the subscription told.
    stream_slot: u64,
    /// A snapshot is due, and why.
    gap: Option<&'static str>,
    /// When the last one was tried.
    snapshot_at: Instant,
    /// Accounts of which something older but different was pushed.
    doubts: BTreeSet<Pubkey>,
    /// Something changed, or time passed, since the last plan.
    news: bool,
}

impl Keeper {
    /// Runs until `stop` is ready. Transactions that are under way then are followed to their end, briefly.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let server = match self.config.listen()? {
            Some(address) => {
                let (listener, bound) =
                    server::listen(address).await.map_err(|source| StartError::Listen { address, source })?;
                info!(%bound, "metrics");
                Some(tokio::spawn(server::serve(listener, self.board())))
            }
            None => None,
        };
        let mut session = self.open_session()?;
        let mut ticks = interval(Duration::from_millis(self.config.node.poll_milliseconds));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        info!(dry_run = self.config.keeper.dry_run, "running");
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(ended) = session.sending.join_next() => {
                    self.take_in(ended).await;
                    session.news = true;
                }
                Some(event) = session.events.recv() => {
                    self.hear(&mut session, event);
                    self.settle_doubts(&mut session).await;
                }
                _ = ticks.tick() => self.tick(&mut session).await,
            }
            self.act(&mut session);
        }
        info!("stopping");
        session.feed.abort();
        self.farewell(session).await;
        if let Some(server) = server {
            server.abort();
        }
        Ok(())
    }

    fn open_session(&self) -> Result<Session, StartError> {
        let feed = Feed {
            url: self.config.websocket(),
            commitment: self.config.commitment()?,
            prices: self.store.markets.price_addresses().collect(),
        };
        let (sender, events) = mpsc::channel(BACKLOG);
        Ok(Session {
            source: Source::Polling,
            feed: tokio::spawn(feed.run(sender)),
            events,
            sending: JoinSet::new(),
            stream_slot: 0,
            gap: None,
            snapshot_at: Instant::now(),
            doubts: BTreeSet::new(),
            news: true,
        })
    }

    /// Takes in what was pushed, and all that waits behind it.
    fn hear(&mut self, session: &mut Session, first: Event) {
        session.news = true;
        let mut event = Some(first);
        for _ in 0..BATCH {
            let Some(next) = event.take().or_else(|| session.events.try_recv().ok()) else { break };
            self.hear_one(session, next);
        }
    }

    fn hear_one(&mut self, session: &mut Session, event: Event) {
        match event {
            Event::Account { address, account, slot } => {
                let version = self.clock.arrived(slot);
                let outcome = self.store.apply(address, Some(&account), version);
                if outcome == Outcome::Stale && !self.store.holds(&address, &account) {
                    session.doubts.insert(address);
                }
                self.count(outcome);
            }
            Event::Slot { slot, parent } => {
                // A slot whose parent was never told: the node skipped some of what it should have pushed.
                if session.stream_slot != 0 && parent > session.stream_slot {
                    session.lost("slots");
                }
                session.stream_slot = session.stream_slot.max(slot);
            }
            Event::Connected => {
                info!("subscribed");
                self.board.metrics.connected.set(1);
                session.source = Source::Subscription;
                session.stream_slot = 0;
                session.lost(CONNECTION);
            }
            Event::Disconnected { reason } => {
                warn!(reason, "no subscription; everything is asked for until there is one");
                self.board.metrics.connected.set(0);
                session.source = Source::Polling;
            }
            Event::Unsupported { reason } => {
                warn!(reason, "the node has no such subscription; everything is asked for instead");
                self.board.metrics.connected.set(0);
                session.source = Source::Polling;
            }
        }
    }

    /// Asks for accounts of which something older but different was pushed. That is a late notice, or a node that tells wrong
    /// slots (one that names the slot of the subscription in every notice has been seen); the account itself decides.
    async fn settle_doubts(&mut self, session: &mut Session) {
        if session.doubts.is_empty() {
            return;
        }
        let doubts: Vec<Pubkey> = session.doubts.iter().copied().collect();
        match self.refresh(&doubts).await {
            Ok(()) => session.doubts.clear(),
            Err(error) => {
                self.board.metrics.node_errors.inc();
                warn!(%error, "the node does not answer");
            }
        }
    }

    /// What happens every so often: prices and the clock, and a snapshot if one is due.
    async fn tick(&mut self, session: &mut Session) {
        match self.poll().await {
            Ok(slot) => {
                let behind = match session.stream_slot {
                    0 => 0,
                    stream => slot.saturating_sub(stream),
                };
                self.board.metrics.slot_lag.set(behind.cast_signed());
                if behind > self.config.node.most_slots_behind {
                    // It says that it stands and brings nothing: begin anew.
                    warn!(behind, "the subscription is silent");
                    session.lost("heartbeat");
                    session.feed.abort();
                    if let Ok(opened) = self.open_session() {
                        (session.feed, session.events, session.stream_slot) = (opened.feed, opened.events, 0);
                    }
                }
            }
            Err(error) => {
                self.board.metrics.node_errors.inc();
                warn!(%error, "the node does not answer");
                return;
            }
        }
        session.news = true;
        let age = session.snapshot_at.elapsed();
        let due = match session.source {
            Source::Polling => age >= Duration::from_millis(self.config.node.fallback_milliseconds),
            Source::Subscription => {
                let regular = Duration::from_secs(self.config.node.snapshot_seconds);
                age >= match session.gap {
                    Some(CONNECTION) => AFTER_CONNECTION,
                    Some(_) => BETWEEN_SNAPSHOTS.min(regular),
                    None => regular,
                }
            }
        };
        if !due {
            return;
        }
        if let Some(reason) = session.gap {
            self.board.metrics.gaps.with_label_values(&[reason]).inc();
        }
        match self.recover().await {
            Ok(()) => session.gap = None,
            Err(error) => {
                self.board.metrics.node_errors.inc();
                warn!(%error, "no snapshot");
            }
        }
        session.snapshot_at = Instant::now();
    }

    /// Thinks where there is anything new, and sends what is worth it.
    fn act(&mut self, session: &mut Session) {
        // While a gap is open the store may be wrong about anything; acting on it would only pay fees.
        let full = session.sending.len() >= self.config.keeper.most_in_flight;
        if session.gap.is_some() || full || !std::mem::take(&mut session.news) {
            return;
        }
        let room = self.config.keeper.most_in_flight - session.sending.len();
        let actions = tokio::task::block_in_place(|| self.think());
        for action in actions.into_iter().take(room) {
            debug!(kind = action.kind.name(), subject = %action.subject, profit = action.expected_profit, "planned");
            self.begin(&action);
            let sender = Arc::clone(&self.sender);
            session.sending.spawn(async move {
                let sent = sender.execute(&action).await;
                (action, sent)
            });
        }
    }

    async fn take_in(&mut self, ended: Result<(Action, Sent), tokio::task::JoinError>) {
        match ended {
            Ok((action, sent)) => {
                if let Err(error) = self.end(&action, &sent).await {
                    self.board.metrics.node_errors.inc();
                    warn!(%error, "the node does not answer");
                }
            }
            Err(error) => error!(%error, "sending ended abnormally"),
        }
    }

    async fn farewell(&mut self, mut session: Session) {
        let deadline = Instant::now() + FAREWELL;
        while let Ok(Some(ended)) = tokio::time::timeout_at(deadline, session.sending.join_next()).await {
            self.take_in(ended).await;
        }
        if !session.sending.is_empty() {
            warn!(left = session.sending.len(), "transactions are under way still");
        }
        info!("stopped");
    }
}

impl Session {
    fn lost(&mut self, reason: &'static str) {
        self.gap = Some(self.gap.unwrap_or(reason));
    }
}
