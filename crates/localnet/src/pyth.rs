//! Price accounts in the format of Pyth's pull oracle, `PriceUpdateV2`.
//!
//! A local network has no guardians to sign a price, so the account is written directly, exactly as the receiver
//! program would leave it after a fully verified update.

use solana_pubkey::Pubkey;
use solana_rpc_client::rpc_client::RpcClient;

use crate::{Result, cheats};

/// The receiver program, which owns every genuine price account.
pub const RECEIVER: Pubkey = Pubkey::from_str_const("rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ");

/// Size of a `PriceUpdateV2` account.
pub const ACCOUNT_LEN: usize = 134;

/// First eight bytes of SHA-256("account:PriceUpdateV2").
const DISCRIMINATOR: [u8; 8] = [0x22, 0xf1, 0x23, 0x63, 0x9d, 0x7e, 0xf4, 0xcd];
/// `VerificationLevel::Full`: all required guardian signatures were checked.
const VERIFIED_FULL: u8 = 1;
/// Exponent of every USD feed.
const EXPONENT: i32 = -8;

/// Identifier of a price feed.
pub type FeedId = [u8; 32];

pub const BTC_USD: FeedId = feed("e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43");
pub const ETH_USD: FeedId = feed("ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace");
pub const SOL_USD: FeedId = feed("ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d");
pub const USDC_USD: FeedId = feed("eaa020c61cc479712813461ce153894a96a6c00b21ed0cfc2798d1f9a9e9c94a");

/// One observation of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    pub feed: FeedId,
    /// 1e-8 USD.
    pub price: i64,
    /// Half-width of the confidence interval, 1e-8 USD.
    pub confidence: u64,
    /// Exponential moving averages of price and confidence, 1e-8 USD.
    pub ema_price: i64,
    pub ema_confidence: u64,
    /// Unix seconds.
    pub publish_time: i64,
    pub previous_publish_time: i64,
    pub slot: u64,
}

impl Observation {
    /// The account's bytes.
    pub fn encode(&self, write_authority: &Pubkey) -> Vec<u8> {
        let mut data = Vec::with_capacity(ACCOUNT_LEN);
        data.extend_from_slice(&DISCRIMINATOR);
        data.extend_from_slice(write_authority.as_ref());
        data.push(VERIFIED_FULL);
        data.extend_from_slice(&self.feed);
        data.extend_from_slice(&self.price.to_le_bytes());
        data.extend_from_slice(&self.confidence.to_le_bytes());
        data.extend_from_slice(&EXPONENT.to_le_bytes());
        data.extend_from_slice(&self.publish_time.to_le_bytes());
        data.extend_from_slice(&self.previous_publish_time.to_le_bytes());
        data.extend_from_slice(&self.ema_price.to_le_bytes());
        data.extend_from_slice(&self.ema_confidence.to_le_bytes());
        data.extend_from_slice(&self.slot.to_le_bytes());
        // A full verification is one byte shorter than a partial one; the account is sized for the longer.
        data.resize(ACCOUNT_LEN, 0);
        data
    }

    /// Writes the account at `address`.
    pub fn publish(&self, client: &RpcClient, address: &Pubkey, write_authority: &Pubkey) -> Result<()> {
        cheats::set_data(client, address, &RECEIVER, self.encode(write_authority))
    }
}

const fn feed(hex: &str) -> FeedId {
    const fn digit(c: u8) -> u8 {
        match c {
            b'0'..=b'9' => c - b'0',
            b'a'..=b'f' => c - b'a' + 10,
            _ => panic!("a feed id is lower-case hex"),
        }
    }
    let text = hex.as_bytes();
    assert!(text.len() == 64, "a feed id has 32 bytes");
    let mut id = [0; 32];
    let mut i = 0;
    while i < 32 {
        id[i] = digit(text[2 * i]) << 4 | digit(text[2 * i + 1]);
        i += 1;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use std::path::Path;

    fn dump(name: &str) -> serde_json::Value {
        let shared = std::env::var("MARGIN_DATA")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
        let path = Path::new(&shared).join("data/pyth").join(name);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{}: {e}; set MARGIN_DATA to the folder that holds data/", path.display()));
        serde_json::from_str(&text).expect("JSON")
    }

    /// Every fully verified mainnet account of the data set, byte for byte, from its decoded fields.
    #[test]
    fn encodes_what_the_receiver_wrote_on_mainnet() {
        let decoded = dump("decoded.json");
        let full: Vec<_> = decoded
            .as_array()
            .expect("a list")
            .iter()
            .filter(|d| d["kind"] == "price_update_v2" && d["decoded"]["verification"] == "Full")
            .collect();
        assert!(full.len() >= 4, "the data set has at least four such accounts, found {}", full.len());
        for entry in full {
            let fields = &entry["decoded"];
            let signed = |name: &str| fields[name].as_i64().expect("an integer");
            let unsigned = |name: &str| fields[name].as_u64().expect("an integer");
            let observation = Observation {
                feed: hex::decode(fields["feed_id"].as_str().expect("hex")).expect("hex").try_into().expect("32 bytes"),
                price: signed("price"),
                confidence: unsigned("conf"),
                ema_price: signed("ema_price"),
                ema_confidence: unsigned("ema_conf"),
                publish_time: signed("publish_time"),
                previous_publish_time: signed("prev_publish_time"),
                slot: unsigned("posted_slot"),
            };
            let authority = fields["write_authority"].as_str().expect("a key").parse().expect("a key");
            let file = entry["file"].as_str().expect("a name");
            let raw = dump(file)["account"]["data"][0].as_str().expect("base64").to_owned();
            let expected = base64::engine::general_purpose::STANDARD.decode(raw).expect("base64");
            assert_eq!(observation.encode(&authority), expected, "{file}");
        }
    }

    #[test]
    fn feed_ids_are_pyths() {
        assert_eq!(BTC_USD[..4], [0xe6, 0x2d, 0xf6, 0xc8]);
        let decoded = dump("decoded.json");
        let ids: Vec<_> = decoded
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|d| d["decoded"]["feed_id"].as_str().map(|id| (d["decoded"]["feed"].clone(), id.to_owned())))
            .collect();
        for (name, id) in [("SOL/USD", SOL_USD), ("USDC/USD", USDC_USD)] {
            assert!(ids.iter().any(|(n, text)| n == name && *text == hex::encode(id)), "{name}");
        }
    }
}
