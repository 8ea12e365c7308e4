//! Changes as a node pushes them.
//!
//! One WebSocket carries the program's accounts, the price accounts and the slots. It is the asynchronous client: the
//! blocking one waits for ever when a subscription is dropped. What is pushed goes into a channel of limited length; a
//! keeper that cannot keep up loses the connection rather than its memory, and recovers as from any other gap.

use std::time::Duration;

use futures_util::{
    StreamExt as _,
    stream::{BoxStream, select_all},
};
use margin_client::PROGRAM_ID;
use solana_account::Account;
use solana_account_decoder_client_types::{UiAccount, UiAccountEncoding};
use solana_commitment_config::CommitmentConfig;
use solana_pubkey::Pubkey;
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use solana_rpc_client_api::config::{RpcAccountInfoConfig, RpcProgramAccountsConfig};
use tokio::{sync::mpsc, time::timeout};

/// Changes that may wait for the keeper.
pub const BACKLOG: usize = 65_536;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Something that was pushed.
#[derive(Clone, Debug)]
pub enum Event {
    /// Every subscription stands. What happened before it was missed: time for a snapshot.
    Connected,
    Account {
        address: Pubkey,
        account: Account,
        slot: u64,
    },
    Slot {
        slot: u64,
        parent: u64,
    },
    Disconnected {
        reason: String,
    },
    /// The node has no such subscription; it is asked again and again instead.
    Unsupported {
        reason: String,
    },
}

/// Where to connect, and what for.
#[derive(Clone, Debug)]
pub struct Feed {
    pub url: String,
    pub commitment: CommitmentConfig,
    pub prices: Vec<Pubkey>,
}

/// Why a connection ended.
enum End {
    Lost(String),
    Unsupported(String),
    /// Nobody listens any more.
    Unheard,
}

impl Feed {
    /// Connects, again and again with growing pauses, until nobody listens or the node has no subscriptions.
    pub async fn run(self, events: mpsc::Sender<Event>) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let mut connected = false;
            let (end, event) = match self.connection(&events, &mut connected).await {
                End::Unheard => return,
                End::Unsupported(reason) => (true, Event::Unsupported { reason }),
                End::Lost(reason) => (false, Event::Disconnected { reason }),
            };
            if events.send(event).await.is_err() || end {
                return;
            }
            pause = if connected { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            tokio::time::sleep(pause).await;
        }
    }

    async fn connection(&self, events: &mpsc::Sender<Event>, connected: &mut bool) -> End {
        let client = match timeout(CONNECT_TIMEOUT, PubsubClient::new(&self.url)).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return End::Lost(error.to_string()),
            Err(_) => return End::Lost("the node does not answer".to_owned()),
        };
        let streams = match timeout(CONNECT_TIMEOUT, self.subscribe(&client)).await {
            Ok(Ok(streams)) => streams,
            Ok(Err(end)) => return end,
            Err(_) => return End::Lost("the node does not confirm the subscriptions".to_owned()),
        };
        if events.send(Event::Connected).await.is_err() {
            return End::Unheard;
        }
        *connected = true;
        let mut streams = select_all(streams);
        while let Some(event) = streams.next().await {
            let Some(event) = event else { return End::Lost("the node closed a subscription".to_owned()) };
            match events.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => return End::Lost("the keeper fell behind".to_owned()),
                Err(mpsc::error::TrySendError::Closed(_)) => return End::Unheard,
            }
        }
        End::Lost("the node closed the connection".to_owned())
    }

    /// All subscriptions; each stream ends with `None`.
    async fn subscribe<'a>(&self, client: &'a PubsubClient) -> Result<Vec<BoxStream<'a, Option<Event>>>, End> {
        let config = RpcAccountInfoConfig {
            encoding: Some(UiAccountEncoding::Base64),
            commitment: Some(self.commitment),
            ..RpcAccountInfoConfig::default()
        };
        let program = RpcProgramAccountsConfig { account_config: config.clone(), ..Default::default() };
        let unsupported = |error: solana_pubsub_client::pubsub_client::PubsubClientError| {
            use solana_pubsub_client::pubsub_client::PubsubClientError as E;
            match error {
                E::SubscribeFailed { .. } => End::Unsupported(error.to_string()),
                _ => End::Lost(error.to_string()),
            }
        };
        let ended = || futures_util::stream::once(async { None });
        let mut streams: Vec<BoxStream<'a, Option<Event>>> = Vec::new();

        let (accounts, _) = client.program_subscribe(&PROGRAM_ID, Some(program)).await.map_err(unsupported)?;
        let accounts = accounts.map(|notice| {
            let (address, slot) = (notice.value.pubkey.parse().unwrap_or_default(), notice.context.slot);
            account_event(address, &notice.value.account, slot)
        });
        streams.push(accounts.chain(ended()).boxed());
        for address in self.prices.iter().copied() {
            let (notices, _) = client.account_subscribe(&address, Some(config.clone())).await.map_err(unsupported)?;
            let notices = notices.map(move |notice| account_event(address, &notice.value, notice.context.slot));
            streams.push(notices.chain(ended()).boxed());
        }
        let (slots, _) = client.slot_subscribe().await.map_err(unsupported)?;
        let slots = slots.map(|info| Some(Event::Slot { slot: info.slot, parent: info.parent }));
        streams.push(slots.chain(ended()).boxed());
        Ok(streams)
    }
}

/// An account that cannot be decoded is dropped with the connection: a snapshot follows.
fn account_event(address: Pubkey, account: &UiAccount, slot: u64) -> Option<Event> {
    Some(Event::Account { address, account: account.to_account()?, slot })
}
