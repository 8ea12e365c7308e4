//! Pyth push oracle (legacy): one account a product, written by the oracle program itself.

use anchor_lang::prelude::*;
use pyth_sdk_solana::state::{PriceStatus, SolanaPriceAccount, load_price_account};

use super::RawPrice;
use crate::error::EngineError;

/// The oracle program on Solana mainnet.
pub const PYTH_PUSH_PROGRAM: Pubkey = pubkey!("FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH");

/// `address` is the price account itself: unlike an update account, nobody else can create it.
pub(super) fn read(account: &AccountInfo, address: &[u8; 32]) -> Result<RawPrice> {
    require_keys_eq!(*account.owner, PYTH_PUSH_PROGRAM, EngineError::OracleOwner);
    require!(account.key.to_bytes() == *address, EngineError::OracleFeed);
    let data = account.try_borrow_data()?;
    let feed: &SolanaPriceAccount = load_price_account(&data).map_err(|_| EngineError::OracleAccount)?;
    require!(feed.agg.status == PriceStatus::Trading, EngineError::OracleHalted);
    Ok(RawPrice { price: feed.agg.price, confidence: feed.agg.conf, exponent: feed.expo, publish_time: feed.timestamp })
}
