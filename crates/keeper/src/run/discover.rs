//! What a keeper finds out at its start: the engine and the price accounts.

use margin_client::{
    AccountKind, PROGRAM_ID,
    pyth::{self, FeedId},
    state::OracleProvider,
};
use solana_pubkey::Pubkey;
use tracing::{info, warn};

use super::{Keeper, StartError};
use crate::{node::Node, send::NodeError};

/// The engine asked for, or the only one there is.
pub async fn engine(node: &Node, chosen: Option<Pubkey>) -> Result<Pubkey, StartError> {
    if let Some(engine) = chosen {
        return Ok(engine);
    }
    let filter = (0, AccountKind::Engine.discriminator().to_vec());
    let found = node.search(&PROGRAM_ID, &[filter]).await?;
    let engines: Vec<Pubkey> =
        found.into_accounts().map(|account| account.map(|(address, _)| address)).collect::<Result<_, _>>()?;
    match engines[..] {
        [] => Err(StartError::NoEngine),
        [engine] => Ok(engine),
        _ => Err(StartError::SeveralEngines(engines)),
    }
}

/// Finds a price account for every feed of the engine: the one chosen by hand, a push oracle's own, else the freshest fully
/// verified update, else Pyth's sponsored account.
pub async fn choose_prices(keeper: &mut Keeper) -> Result<(), StartError> {
    for (name, address) in keeper.config.prices()? {
        let feed = feed_of(keeper, &name).ok_or(StartError::UnknownFeed(name))?;
        keeper.store.markets.choose_price(feed, address);
    }
    for oracle in keeper.store.markets.feeds_without_account() {
        if oracle.provider != OracleProvider::PythPull as u8 {
            continue;
        }
        let address = freshest(&keeper.node, &oracle.feed_id).await?;
        info!(feed = hex(&oracle.feed_id), %address, "price account");
        keeper.store.markets.choose_price(oracle.feed_id, address);
    }
    Ok(())
}

/// The feed of a symbol or of 64 hexadecimal digits.
fn feed_of(keeper: &Keeper, name: &str) -> Option<FeedId> {
    let listed = keeper.store.markets.underlyings().find(|underlying| underlying.symbol().eq_ignore_ascii_case(name));
    if let Some(underlying) = listed {
        return Some(underlying.oracle.feed_id);
    }
    let digits = name.strip_prefix("0x").unwrap_or(name);
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut id = [0; 32];
    for (byte, at) in id.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
    }
    Some(id)
}

async fn freshest(node: &Node, feed: &FeedId) -> Result<Pubkey, NodeError> {
    let found = match node.updates_of(feed).await {
        Ok(found) => found,
        Err(NodeError::Refused(reason)) => {
            warn!(feed = hex(feed), reason, "the node does not search; Pyth's sponsored account is read");
            return Ok(pyth::sponsored_address(feed, 0));
        }
        Err(error) => return Err(error),
    };
    let mut best = None;
    for account in found.into_accounts() {
        let (address, account) = account?;
        if let Ok(update) = pyth::decode(&account) {
            best = best.max(Some((update.price_message.publish_time, address)));
        }
    }
    Ok(best.map_or_else(|| pyth::sponsored_address(feed, 0), |(_, address)| address))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
