//! Pyth pull oracle: `PriceUpdateV2` accounts that the Pyth receiver program writes after checking guardian signatures.

use anchor_lang::prelude::*;
use pyth_solana_receiver_sdk::price_update::{PriceUpdateV2, VerificationLevel};

use super::RawPrice;
use crate::error::EngineError;

/// Any fully verified update of the feed will do, whoever posted it: anyone may bring a fresh price.
pub(super) fn read(account: &AccountInfo, feed_id: &[u8; 32]) -> Result<RawPrice> {
    require_keys_eq!(*account.owner, pyth_solana_receiver_sdk::ID, EngineError::OracleOwner);
    let update = {
        let data = account.try_borrow_data()?;
        PriceUpdateV2::try_deserialize(&mut &data[..]).map_err(|_| EngineError::OracleAccount)?
    };
    // Age is the policy's matter, so the SDK's unchecked getter is used and the level is compared here.
    require!(update.verification_level.gte(VerificationLevel::Full), EngineError::OracleVerification);
    let price = update.get_price_unchecked(feed_id).map_err(|_| EngineError::OracleFeed)?;
    Ok(RawPrice {
        price: price.price,
        confidence: price.conf,
        exponent: price.exponent,
        publish_time: price.publish_time,
    })
}
