//! Pyth price updates: reading them, and writing the bytes of one for tests and local networks.
//!
//! The layout is that of `pyth-solana-receiver-sdk`, the crate the program reads with.

use anchor_lang::{AccountDeserialize, AccountSerialize};
use margin_core::Price;
pub use pyth_solana_receiver_sdk::{
    ID as RECEIVER_PROGRAM, PYTH_PUSH_ORACLE_ID,
    price_update::{PriceFeedMessage, PriceUpdateV2, VerificationLevel},
};
use solana_account::{Account, ReadableAccount};
use solana_pubkey::Pubkey;

/// Names a price feed on every chain.
pub type FeedId = [u8; 32];

/// Where the feed id stands in an account that is fully verified (that level takes one byte): discriminator, write
/// authority, level. For a search by content.
pub const FEED_ID_OFFSET_WHEN_FULL: usize = 8 + 32 + 1;

/// The feeds of the default market, as Pyth publishes them.
pub mod feeds {
    use super::FeedId;

    pub const BTC_USD: FeedId = hex(b"e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43");
    pub const ETH_USD: FeedId = hex(b"ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace");
    pub const SOL_USD: FeedId = hex(b"ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d");
    pub const USDC_USD: FeedId = hex(b"eaa020c61cc479712813461ce153894a96a6c00b21ed0cfc2798d1f9a9e9c94a");

    /// Decodes at compile time; a wrong digit stops the build.
    const fn hex(digits: &[u8; 64]) -> FeedId {
        let mut id = [0; 32];
        let mut at = 0;
        while at < 32 {
            id[at] = (digit(digits[2 * at]) << 4) | digit(digits[2 * at + 1]);
            at += 1;
        }
        id
    }

    const fn digit(byte: u8) -> u8 {
        match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => panic!("a feed id is written in lower-case hexadecimal"),
        }
    }
}

/// The account that Pyth's push oracle keeps for a feed. Shard 0 is the one Pyth itself sponsors on mainnet.
#[must_use]
pub fn sponsored_address(feed: &FeedId, shard: u16) -> Pubkey {
    Pubkey::find_program_address(&[&shard.to_le_bytes(), feed], &PYTH_PUSH_ORACLE_ID).0
}

/// Why an account is not a price update.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceUpdateError {
    #[error("owned by {0}, not by Pyth's receiver {RECEIVER_PROGRAM}")]
    ForeignOwner(Pubkey),
    #[error("not a price update: {0}")]
    Malformed(String),
    #[error("a price of {mantissa}e{exponent} is negative or does not fit 1e-12 USD")]
    Range { mantissa: i64, exponent: i32 },
}

/// Decodes a price update and checks its owner. Verification level and age are for the reader to judge.
pub fn decode(account: &impl ReadableAccount) -> Result<PriceUpdateV2, PriceUpdateError> {
    if *account.owner() != RECEIVER_PROGRAM {
        return Err(PriceUpdateError::ForeignOwner(*account.owner()));
    }
    PriceUpdateV2::try_deserialize(&mut account.data()).map_err(|error| PriceUpdateError::Malformed(error.to_string()))
}

/// The price of an update in 1e-12 USD, to nearest, as the program reads it.
pub fn price(update: &PriceUpdateV2) -> Result<Price, PriceUpdateError> {
    let PriceFeedMessage { price: mantissa, exponent, .. } = update.price_message;
    let range = PriceUpdateError::Range { mantissa, exponent };
    let shift = exponent.saturating_add(12);
    let scaled = u64::try_from(mantissa).ok().and_then(|magnitude| {
        let factor = 10u128.checked_pow(shift.unsigned_abs())?;
        let magnitude = u128::from(magnitude);
        let scaled = if shift >= 0 { magnitude.checked_mul(factor)? } else { (magnitude + factor / 2) / factor };
        u64::try_from(scaled).ok()
    });
    scaled.map(Price).ok_or(range)
}

/// A price to be written into an account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriceUpdate {
    pub feed: FeedId,
    /// Mantissas of the price and of the half-width of its confidence interval, times 10^`exponent` USD.
    pub price: i64,
    pub confidence: u64,
    pub exponent: i32,
    /// Unix seconds.
    pub publish_time: i64,
    pub level: VerificationLevel,
}

impl PriceUpdate {
    /// A fully verified update. Of `price` and `confidence` as many digits are kept as fit a 64-bit mantissa (all of
    /// them below 9.2 million USD); the rest rounds down.
    #[must_use]
    pub fn new(feed: FeedId, price: Price, confidence: Price, publish_time: i64) -> Self {
        let mut update = Self {
            feed,
            price: 0,
            confidence: confidence.0,
            exponent: -12,
            publish_time,
            level: VerificationLevel::Full,
        };
        match i64::try_from(price.0) {
            Ok(mantissa) => update.price = mantissa,
            Err(_) => {
                update.price = (price.0 / 10).cast_signed();
                update.confidence /= 10;
                update.exponent += 1;
            }
        }
        update
    }

    /// The same with Pyth's usual eight decimals, rounded down.
    #[must_use]
    pub fn with_eight_decimals(mut self) -> Self {
        while self.exponent < -8 {
            self.price /= 10;
            self.confidence /= 10;
            self.exponent += 1;
        }
        self
    }

    /// Bytes of a `PriceUpdateV2`. Averages equal the price; the write authority is nobody.
    #[must_use]
    pub fn data(&self) -> Vec<u8> {
        let update = PriceUpdateV2 {
            write_authority: Pubkey::default(),
            verification_level: self.level,
            price_message: PriceFeedMessage {
                feed_id: self.feed,
                price: self.price,
                conf: self.confidence,
                exponent: self.exponent,
                publish_time: self.publish_time,
                prev_publish_time: self.publish_time,
                ema_price: self.price,
                ema_conf: self.confidence,
            },
            posted_slot: 0,
        };
        let mut data = Vec::with_capacity(PriceUpdateV2::LEN);
        update.try_serialize(&mut data).expect("a vector takes every write");
        // A full level is one byte shorter than a partial one; the account has room for either.
        data.resize(PriceUpdateV2::LEN, 0);
        data
    }

    /// The account that Pyth's receiver would own, exempt from rent.
    #[must_use]
    pub fn account(&self) -> Account {
        Account { lamports: RENT_EXEMPT_LAMPORTS, data: self.data(), owner: RECEIVER_PROGRAM, ..Account::default() }
    }
}

/// Minimum balance of an account of [`PriceUpdateV2::LEN`] bytes: (128 + 134) · 3480 · 2.
const RENT_EXEMPT_LAMPORTS: u64 = (128 + PriceUpdateV2::LEN as u64) * 3_480 * 2;
