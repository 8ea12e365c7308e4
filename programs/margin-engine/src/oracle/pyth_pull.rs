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
        if let Some(price) = read_in_place(&data, feed_id) {
            return Ok(price);
        }
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

/// Length of a fully verified update.
const LENGTH: usize = 133;

/// The price of a fully verified update of the feed, read where it lies: to decode all of the account costs three times as
/// much. `None` where there is no such update; the SDK then tells what is wrong.
fn read_in_place(data: &[u8], feed_id: &[u8; 32]) -> Option<RawPrice> {
    // Discriminator, write authority, level of verification (one byte if full), feed, price, confidence, exponent, time;
    // then another time, two averages and a slot.
    let (discriminator, rest) = data.first_chunk::<LENGTH>()?.split_first_chunk::<8>()?;
    let (_, rest) = rest.split_first_chunk::<32>()?;
    let (level, rest) = rest.split_first()?;
    let (feed, rest) = rest.split_first_chunk::<32>()?;
    let (price, rest) = rest.split_first_chunk()?;
    let (confidence, rest) = rest.split_first_chunk()?;
    let (exponent, rest) = rest.split_first_chunk()?;
    let (publish_time, _) = rest.split_first_chunk()?;
    let found = *discriminator == *PriceUpdateV2::DISCRIMINATOR && *level == 1 && feed == feed_id;
    found.then(|| RawPrice {
        price: i64::from_le_bytes(*price),
        confidence: u64::from_le_bytes(*confidence),
        exponent: i32::from_le_bytes(*exponent),
        publish_time: i64::from_le_bytes(*publish_time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyth_solana_receiver_sdk::price_update::PriceFeedMessage;

    #[test]
    fn the_place_of_every_field_is_the_sdks() {
        let price_message = PriceFeedMessage {
            feed_id: [7; 32],
            price: -12_345_678_901,
            conf: 23_456_789_012,
            exponent: -8,
            publish_time: 1_767_648_090,
            prev_publish_time: 1,
            ema_price: 2,
            ema_conf: 3,
        };
        let encode = |verification_level| {
            let write_authority = Pubkey::new_from_array([9; 32]);
            let mut data = Vec::new();
            PriceUpdateV2 { write_authority, verification_level, price_message, posted_slot: 4 }
                .try_serialize(&mut data)
                .unwrap();
            data
        };
        let full = encode(VerificationLevel::Full);
        assert_eq!(full.len(), LENGTH);
        let RawPrice { price, confidence, exponent, publish_time } = read_in_place(&full, &[7; 32]).unwrap();
        assert_eq!((price, confidence), (price_message.price, price_message.conf));
        assert_eq!((exponent, publish_time), (price_message.exponent, price_message.publish_time));

        assert!(read_in_place(&full, &[8; 32]).is_none());
        assert!(read_in_place(&full[..LENGTH - 1], &[7; 32]).is_none());
        assert!(read_in_place(&encode(VerificationLevel::Partial { num_signatures: 13 }), &[7; 32]).is_none());
        let mut foreign = full;
        foreign[0] ^= 1;
        assert!(read_in_place(&foreign, &[7; 32]).is_none());
    }
}
