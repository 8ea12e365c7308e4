use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use solana_account::Account;
use solana_pubkey::Pubkey;

use crate::market_data;

/// A dump of a real oracle account with what an independent decoder read from it.
#[derive(Clone, Debug)]
pub struct PriceDump {
    pub address: Pubkey,
    pub account: Account,
    /// Mantissa, interval and exponent of the price.
    pub price: i64,
    pub confidence: u64,
    pub exponent: i32,
    /// Unix seconds.
    pub publish_time: i64,
    /// Pyth pull only.
    pub feed: Option<[u8; 32]>,
}

impl PriceDump {
    /// Loads `data/pyth/<name>.json` and its row of `decoded.json`.
    #[must_use]
    pub fn load(name: &str) -> Self {
        let file = format!("{name}.json");
        let dump = json(&format!("data/pyth/{file}"));
        let account = &dump["account"];
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let data = STANDARD.decode(text(&account["data"][0])).expect("base64");
        let table = json("data/pyth/decoded.json");
        let rows = table.as_array().expect("a list of dumps");
        let row = rows.iter().find(|row| row["file"] == file.as_str());
        let decoded = &row.unwrap_or_else(|| panic!("{file} is not in decoded.json"))["decoded"];
        let integer = |pull: &str, push: &str| {
            let value = decoded[pull].as_i64().or_else(|| decoded[push].as_i64());
            value.unwrap_or_else(|| panic!("{file} has neither {pull} nor {push}"))
        };
        Self {
            address: text(&dump["pubkey"]).parse().expect("an address"),
            account: Account {
                lamports: account["lamports"].as_u64().expect("lamports"),
                data,
                owner: text(&account["owner"]).parse().expect("an address"),
                ..Account::default()
            },
            price: integer("price", "agg_price"),
            confidence: integer("conf", "agg_conf").unsigned_abs(),
            exponent: i32::try_from(integer("exponent", "expo")).expect("a small number"),
            publish_time: integer("publish_time", "timestamp"),
            feed: decoded["feed_id"].as_str().map(|hex| {
                core::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hexadecimal"))
            }),
        }
    }

    /// The price in 1e-12 USD: every dump has at most twelve decimals.
    #[must_use]
    pub fn price_picodollars(&self) -> u64 {
        self.price.unsigned_abs() * 10u64.pow((self.exponent + 12).unsigned_abs())
    }
}

fn json(relative: &str) -> Value {
    let path = market_data(relative);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
