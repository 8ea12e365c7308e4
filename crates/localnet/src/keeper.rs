//! The keeper of `margin-keeper` on the local network: asks nobody when to act but the replay, and reports what it did.

use margin_client::events::{EngineEvent, InsolventBid, LiquidationBid};
use margin_client::instructions::{MarginCheck, MarginCheckArgs};
use margin_client::{MarginReport, decode_margin_report, presets};
use margin_keeper::config::Config;
use margin_keeper::plan::ActionKind;
use margin_keeper::run::{self, StartError};
use margin_keeper::send::Sent;
use solana_keypair::Signature;
use solana_pubkey::Pubkey;

use crate::error::LocalnetError;
use crate::traders::Trader;
use crate::venue::Venue;
use crate::{Network, Result, Sender, events};

/// Rounds of the keeper in one step of a replay: a start, bids, and what is left.
const ROUNDS: usize = 12;

/// What the keeper did to an account.
pub enum Action {
    /// The program agreed that the account is below its maintenance margin.
    Started { account: Pubkey, equity: i64, maintenance_margin: i64 },
    /// A slice was bought, as the program's event says.
    Bought(LiquidationBid),
    /// A slice of an insolvent account was taken, for which insurance paid.
    Taken(InsolventBid),
    /// Anything else that landed: `settle`, `fund`, `stop` …
    Done { kind: &'static str, subject: Pubkey },
    /// The program refused, and why.
    Refused { account: Pubkey, reason: String },
}

/// A keeper that acts when it is told to.
pub struct Keeper {
    runtime: tokio::runtime::Runtime,
    keeper: run::Keeper,
}

impl Keeper {
    /// Connects a trader's keeper to the network.
    pub fn connect(network: &Network, venue: &Venue, trader: &Trader) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| LocalnetError::Keeper(error.to_string()))?;
        let failed = |error: StartError| LocalnetError::Keeper(error.to_string());
        let keeper = run::Keeper::with_key(configuration(network, venue, trader), trader.key.insecure_clone());
        let keeper = runtime.block_on(keeper).map_err(failed)?;
        Ok(Self { runtime, keeper })
    }

    /// Takes in what has changed and acts until nothing is left to do.
    pub fn round(&mut self, sender: &Sender) -> Result<Vec<Action>> {
        let failed = |error: margin_keeper::send::NodeError| LocalnetError::Keeper(error.to_string());
        self.runtime.block_on(self.keeper.recover()).map_err(failed)?;
        let mut actions = Vec::new();
        for _ in 0..ROUNDS {
            let done = self.runtime.block_on(self.keeper.round()).map_err(failed)?;
            if done.is_empty() {
                break;
            }
            for (action, sent) in done {
                let refused = |reason: String| Action::Refused { account: action.subject, reason };
                actions.push(match &sent {
                    Sent::Landed { signature, .. } => landed(sender, &action, signature)?,
                    Sent::Simulated { .. } => refused("a dry run sends nothing".to_owned()),
                    Sent::Failed(failure) => refused(failure.to_string()),
                });
            }
        }
        Ok(actions)
    }
}

/// A keeper's configuration for this network.
pub fn configuration(network: &Network, venue: &Venue, trader: &Trader) -> Config {
    let mut config = Config::default();
    config.node.rpc = network.rpc_url();
    config.node.websocket = Some(network.ws_url());
    config.node.engine = Some(venue.engine.to_string());
    // Here a block is final when it is made.
    config.node.commitment = "processed".to_owned();
    config.keeper.margin_account = Some(trader.account.to_string());
    config.transactions.status_milliseconds = 5;
    config.monitoring.listen = String::new();
    config.prices = venue.listings.iter().map(|l| (l.symbol.clone(), l.price.to_string())).collect();
    config
}

/// What became of an action, as the ledger tells it.
fn landed(sender: &Sender, action: &margin_keeper::plan::Action, signature: &Signature) -> Result<Action> {
    let account = action.subject;
    Ok(match &action.kind {
        ActionKind::Start { equity, maintenance_margin, .. } => {
            Action::Started { account, equity: *equity, maintenance_margin: *maintenance_margin }
        }
        ActionKind::Bid { .. } => {
            let bought = events::of_transaction(sender, signature)?.into_iter().find_map(|event| match event {
                EngineEvent::LiquidationBid(bought) => Some(Action::Bought(bought)),
                EngineEvent::InsolventBid(taken) => Some(Action::Taken(taken)),
                _ => None,
            });
            bought.ok_or_else(|| LocalnetError::Ledger {
                signature: signature.to_string(),
                reason: "a bid without its event".to_owned(),
            })?
        }
        kind => Action::Done { kind: kind.name(), subject: account },
    })
}

/// Asks the program for an account's margin, by simulation: nothing is paid and nothing written.
pub fn margin_check(sender: &Sender, venue: &Venue, trader: &Trader) -> Result<MarginReport> {
    let state = trader.fetch(sender, venue)?;
    let check = MarginCheck {
        engine: venue.engine,
        margin_account: trader.account,
        markets: venue.directory.for_account(&state)?,
        args: MarginCheckArgs::default(),
    };
    let limit = presets::compute_unit_limit(presets::MAX_COMPUTE_UNITS);
    let simulation = sender.simulate(&[limit, check.instruction()], &trader.key)?;
    let (program, data) = simulation.return_data.unwrap_or_default();
    Ok(decode_margin_report(&program, &data)?)
}

/// Whether anyone may liquidate.
pub fn liquidatable(report: &MarginReport) -> bool {
    report.equity < report.maintenance_margin
}
