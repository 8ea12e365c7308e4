//! Price updates against dumps of real accounts.

use base64::Engine as _;
use margin_client::{
    constants::MAX_PRICE,
    pyth::{
        self, FEED_ID_OFFSET_WHEN_FULL, PriceUpdate, PriceUpdateError, PriceUpdateV2, RECEIVER_PROGRAM,
        VerificationLevel, feeds,
    },
};
use margin_core::Price;
use serde_json::Value;
use solana_account::Account;
use solana_pubkey::Pubkey;
use std::{env, fs, path::PathBuf};

/// The dumps lie outside the repository: `MARGIN_DATA`, by default `../shared`, seen from the workspace root.
fn data_directory() -> PathBuf {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = workspace.join(env::var_os("MARGIN_DATA").unwrap_or_else(|| "../shared".into()));
    let directory = root.join("data/pyth");
    assert!(
        directory.is_dir(),
        "no Pyth dumps at {}: set MARGIN_DATA to the folder that has data/",
        directory.display()
    );
    directory
}

fn json(file: &str) -> Value {
    serde_json::from_slice(&fs::read(data_directory().join(file)).unwrap()).unwrap()
}

fn dump(file: &str) -> Account {
    let dump = json(file);
    let account = &dump["account"];
    Account {
        lamports: account["lamports"].as_u64().unwrap(),
        data: base64::engine::general_purpose::STANDARD.decode(account["data"][0].as_str().unwrap()).unwrap(),
        owner: account["owner"].as_str().unwrap().parse().unwrap(),
        ..Account::default()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn real_updates_decode_to_their_published_fields() {
    let mut checked = 0;
    for entry in json("decoded.json").as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        if !(file.starts_with("pu2_") && file.ends_with("_full.json")) {
            continue;
        }
        let account = dump(file);
        let update = pyth::decode(&account).unwrap();
        let want = &entry["decoded"];
        assert_eq!(update.verification_level, VerificationLevel::Full, "{file}");
        assert_eq!(hex(&update.price_message.feed_id), want["feed_id"].as_str().unwrap(), "{file}");
        assert_eq!(update.price_message.price, want["price"].as_i64().unwrap(), "{file}");
        assert_eq!(update.price_message.conf, want["conf"].as_u64().unwrap(), "{file}");
        assert_eq!(update.price_message.publish_time, want["publish_time"].as_i64().unwrap(), "{file}");
        // Where a search by content looks for the feed.
        let at = FEED_ID_OFFSET_WHEN_FULL;
        assert_eq!(account.data[at..at + 32], update.price_message.feed_id, "{file}");
        // Exponent −8: eight decimals are 1e4 times 1e-12.
        let price = pyth::price(&update).unwrap();
        assert_eq!(price.0, u64::try_from(update.price_message.price).unwrap() * 10_000, "{file}");
        checked += 1;
    }
    assert_eq!(checked, 5);
}

#[test]
fn feed_ids_are_those_of_real_accounts() {
    let sol = pyth::decode(&dump("pu2_sol_usd_20240716_full.json")).unwrap();
    let usdc = pyth::decode(&dump("pu2_usdc_usd_20250513_full.json")).unwrap();
    assert_eq!(sol.price_message.feed_id, feeds::SOL_USD);
    assert_eq!(usdc.price_message.feed_id, feeds::USDC_USD);
    // No dump of these: https://docs.pyth.network lists them, and so do the dumps' notes.
    assert_eq!(hex(&feeds::BTC_USD), "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43");
    assert_eq!(hex(&feeds::ETH_USD), "ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace");
}

#[test]
fn sponsored_accounts_are_where_the_dumps_come_from() {
    for (file, feed) in
        [("pu2_sol_usd_20240625_full.json", feeds::SOL_USD), ("pu2_usdc_usd_20250513_full.json", feeds::USDC_USD)]
    {
        assert_eq!(json(file)["pubkey"].as_str().unwrap(), pyth::sponsored_address(&feed, 0).to_string());
    }
}

#[test]
fn a_built_update_has_the_bytes_of_a_real_one() {
    let real = dump("pu2_sol_usd_20240625_full.json");
    let decoded = pyth::decode(&real).unwrap();
    let message = decoded.price_message;
    let price = pyth::price(&decoded).unwrap();
    let built = PriceUpdate::new(message.feed_id, price, Price(message.conf * 10_000), message.publish_time)
        .with_eight_decimals();
    let mut want = real.data.clone();
    // Not copied: the write authority, the averages and the slot.
    want[8..40].fill(0);
    want[109..117].copy_from_slice(&message.price.to_le_bytes());
    want[117..125].copy_from_slice(&message.conf.to_le_bytes());
    want[125..133].fill(0);
    let account = built.account();
    assert_eq!(account.data, want);
    assert_eq!(
        (account.owner, account.data.len(), account.lamports),
        (RECEIVER_PROGRAM, PriceUpdateV2::LEN, real.lamports)
    );
}

#[test]
fn foreign_owners_and_other_accounts_are_refused() {
    for file in
        ["pu2_sol_usd_20241220_partial2_foreign_owner.json", "pu2_wbtc_usd_20241220_partial2_foreign_owner.json"]
    {
        let foreign = dump(file);
        assert_eq!(pyth::decode(&foreign).err(), Some(PriceUpdateError::ForeignOwner(foreign.owner)));
        // Under the right owner the level still shows.
        let decoded = pyth::decode(&Account { owner: RECEIVER_PROGRAM, ..foreign }).unwrap();
        assert_eq!(decoded.verification_level, VerificationLevel::Partial { num_signatures: 2 });
    }
    let legacy = Account { owner: RECEIVER_PROGRAM, ..dump("legacy_usdc_usd_20231207.json") };
    assert!(matches!(pyth::decode(&legacy), Err(PriceUpdateError::Malformed(_))));
    assert_eq!(pyth::decode(&Account::default()).err(), Some(PriceUpdateError::ForeignOwner(Pubkey::default())));
}

#[test]
fn prices_survive_the_round_trip_exactly_while_the_mantissa_holds_them() {
    for price in [1, 10_000, 999_999_999_999, 94_128_890_000_000_001, i64::MAX as u64] {
        let account = PriceUpdate::new([1; 32], Price(price), Price(price / 100), 5).account();
        assert_eq!(pyth::price(&pyth::decode(&account).unwrap()), Ok(Price(price)));
    }
    // Above 9.2 million USD the last digit of 1e-12 USD goes.
    let account = PriceUpdate::new([1; 32], Price(MAX_PRICE - 1), Price::ZERO, 5).account();
    assert_eq!(pyth::price(&pyth::decode(&account).unwrap()), Ok(Price((MAX_PRICE - 1) / 10 * 10)));
}

#[test]
fn prices_out_of_range_are_errors() {
    let update = |mantissa, exponent| {
        let update = PriceUpdate { price: mantissa, exponent, ..PriceUpdate::new([1; 32], Price(1), Price(1), 5) };
        pyth::price(&pyth::decode(&update.account()).unwrap())
    };
    assert_eq!(update(15, -13), Ok(Price(2)));
    assert_eq!(update(14, -13), Ok(Price(1)));
    for (mantissa, exponent) in [(-1, -8), (2, 8), (1, i32::MAX), (1, i32::MIN)] {
        assert_eq!(update(mantissa, exponent), Err(PriceUpdateError::Range { mantissa, exponent }));
    }
}
