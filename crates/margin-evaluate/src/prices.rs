//! Price accounts of a portfolio.

use margin_client::{
    constants::RATIO_ONE,
    pyth::{self, FeedId, PriceUpdate},
    state::{OracleArgs, OracleConfig, OracleProvider},
};
use margin_core::{
    Price as CorePrice,
    portfolio::{Ratio as CoreRatio, interval_confidence},
};
use margin_engine::error::EngineError;
use solana_account::Account;
use solana_pubkey::Pubkey;

use crate::{
    PortfolioError, Price, Ratio,
    listing::{MAX_AGE, message, rule},
};

/// Confidence interval over price at which a price's confidence is zero: half of it, in 1e-9.
const CONFIDENCE_FULL_SCALE: u32 = 500_000_000;

/// What a price account is the feed of.
#[derive(Clone, Copy)]
pub(crate) enum FeedKind {
    Underlying,
    Token,
}

/// A feed id of our own for a symbol.
pub(crate) fn feed(kind: FeedKind, symbol: &str) -> FeedId {
    let mut id = [0; 32];
    id[0] = match kind {
        FeedKind::Underlying => b'U',
        FeedKind::Token => b'T',
    };
    for (slot, byte) in id[1..].iter_mut().zip(symbol.bytes()) {
        *slot = byte;
    }
    id
}

/// A price account: where it is and what it holds.
pub(crate) fn price_account(
    path: &str,
    feed: &FeedId,
    price: Price,
    confidence: Ratio,
    now: i64,
) -> Result<(Pubkey, Account), PortfolioError> {
    let inexact =
        || PortfolioError::PriceAccount { path: path.to_owned(), price: price.into(), confidence: confidence.into() };
    // The widest interval whose confidence is the given one: see `interval_confidence`.
    let lost = RATIO_ONE.checked_sub(confidence.0).ok_or_else(|| rule(path, EngineError::PublishedConfidence))?;
    let product = u128::from(lost) * u128::from(price.0) * u128::from(CONFIDENCE_FULL_SCALE);
    let interval = u64::try_from(product / (u128::from(RATIO_ONE) * u128::from(RATIO_ONE))).map_err(|_| inexact())?;
    let update = PriceUpdate::new(*feed, CorePrice(price.0), CorePrice(interval), now);
    let account = update.account();
    let written = pyth::decode(&account).ok().and_then(|update| {
        let message = update.price_message;
        let interval =
            CorePrice(message.conf.checked_mul(10u64.checked_pow((message.exponent + 12).try_into().ok()?)?)?);
        Some((pyth::price(&update).ok()?, interval))
    });
    let scale = CoreRatio(u64::from(CONFIDENCE_FULL_SCALE));
    match written {
        Some((read, interval)) if read.0 == price.0 && interval_confidence(read, interval, scale).0 == confidence.0 => {
            Ok((pyth::sponsored_address(feed, 0), account))
        }
        _ => Err(inexact()),
    }
}

/// How the program reads the price accounts of a portfolio.
pub(crate) fn oracle(path: &str, feed: FeedId) -> Result<OracleConfig, PortfolioError> {
    let args = OracleArgs {
        provider: OracleProvider::PythPull,
        feed_id: feed,
        max_age: MAX_AGE,
        liquidation_max_age: MAX_AGE,
        max_confidence: CONFIDENCE_FULL_SCALE,
        liquidation_max_confidence: CONFIDENCE_FULL_SCALE,
        confidence_full_scale: CONFIDENCE_FULL_SCALE,
    };
    args.into_config().map_err(|error| PortfolioError::Rule { path: path.to_owned(), rule: message(error) })
}
