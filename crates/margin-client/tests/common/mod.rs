//! A small market in memory: cash, SOL collateral, BTC and ETH underlyings with one surface each.
#![allow(dead_code, reason = "each test file uses its part")]

use margin_client::{
    Loaded, MarketDirectory,
    accounts::{Stored, encode, symbol_bytes},
    addresses::{self, PROGRAM_ID},
    margin::Snapshot,
    presets::{self, MarginModel},
    pyth::{FeedId, PriceUpdate, feeds},
    state::{
        AccountMode, Balance, Collateral, CollateralHaircuts, Engine, ExpirySlot, Instrument, InstrumentKind,
        MarginAccount, OracleConfig, OracleProvider, Position, SviParameters, Underlying,
    },
};
use margin_core::Price;
use solana_account::Account;
use solana_pubkey::Pubkey;

pub const NOW: i64 = 1_767_648_090;
/// 2026-01-30T08:00:00Z.
pub const EXPIRY: i64 = 1_769_760_000;
pub const USD: u64 = 1_000_000_000_000;
pub const ATOM: i64 = 1_000_000;

pub const BTC: u16 = 0;
pub const ETH: u16 = 1;
pub const SOL_COLLATERAL: u16 = 1;
pub const BTC_SPOT: u64 = 94_128_890_000_000_000;
pub const ETH_SPOT: u64 = 3_240_670_000_000_000;
pub const SOL_SPOT: u64 = 137 * USD;

pub fn key(seed: u8) -> Pubkey {
    Pubkey::new_from_array([seed; 32])
}

pub fn stored_account<T: Stored>(state: &T) -> Account {
    Account { lamports: 1, data: encode(state), owner: PROGRAM_ID, ..Account::default() }
}

pub fn oracle(feed: FeedId) -> OracleConfig {
    OracleConfig {
        feed_id: feed,
        max_age: 60,
        liquidation_max_age: 300,
        max_confidence: 10_000_000,
        liquidation_max_confidence: 50_000_000,
        provider: OracleProvider::PythPull as u8,
        _padding: [0; 3],
        confidence_full_scale: 0,
        _reserved: [0; 24],
    }
}

pub fn engine() -> Loaded<Engine> {
    let mut state: Box<Engine> = bytemuck::zeroed_box();
    state.version = 1;
    state.quote_decimals = 6;
    state.collateral_count = 2;
    state.underlying_count = 2;
    state.creator = key(7);
    state.liquidation = presets::liquidation();
    Loaded::from_state(addresses::engine(&key(7)), state)
}

pub fn sol_collateral() -> Loaded<Collateral> {
    let engine = addresses::engine(&key(7));
    let mut state: Box<Collateral> = bytemuck::zeroed_box();
    state.version = 1;
    state.decimals = 9;
    state.index = SOL_COLLATERAL;
    state.engine = engine;
    state.mint = key(8);
    state.oracle = oracle(feeds::SOL_USD);
    state.haircuts = CollateralHaircuts { maintenance: 100_000_000, initial: 50_000_000 };
    Loaded::from_state(addresses::collateral(&engine, &key(8)), state)
}

fn slot(spot: u64, forward: u64, svi: [i64; 5]) -> ExpirySlot {
    let [a, b, rho, m, sigma] = svi;
    let mut slot: ExpirySlot = bytemuck::Zeroable::zeroed();
    slot.expiry = EXPIRY;
    slot.updated_at = NOW;
    slot.forward = forward;
    slot.spot_reference = spot;
    slot.confidence = 1_000_000_000;
    slot.set_surface(SviParameters { a, b, rho, m, sigma, forward, time: (EXPIRY - NOW) as u64 }).unwrap();
    slot
}

fn underlying(index: u16, symbol: &str, feed: FeedId, model: MarginModel, slot: ExpirySlot) -> Loaded<Underlying> {
    let engine = addresses::engine(&key(7));
    let mut state: Box<Underlying> = bytemuck::zeroed_box();
    state.version = 1;
    state.index = index;
    state.symbol = symbol_bytes(symbol).unwrap();
    state.engine = engine;
    state.oracle = oracle(feed);
    // One lot is 0.01 unit.
    state.lot_size = 10_000_000;
    state.max_surface_age = 600;
    state.liquidation_max_mark_age = 3_600;
    state.risk = model.parameters.risk;
    state.standard = model.parameters.standard;
    state.exposure = model.parameters.exposure;
    state.set_scenarios(&model.scenarios).unwrap();
    state.expiries[3] = slot;
    Loaded::from_state(addresses::underlying(&engine, index), state)
}

pub fn btc() -> Loaded<Underlying> {
    // Surface of 2026-01-05 for 2026-01-30.
    let svi =
        [-55_308_998_518_962, 124_314_337_931_202, -323_973_409_159_180, -148_243_182_576_226, 572_848_159_919_208];
    underlying(BTC, "BTC", feeds::BTC_USD, presets::major(), slot(BTC_SPOT, 94_459_670_000_000_000, svi))
}

pub fn eth() -> Loaded<Underlying> {
    let svi = [-24_939_794_570_293, 104_911_605_915_435, -95_937_578_395_706, -11_189_653_083_142, 461_882_576_377_374];
    underlying(ETH, "ETH", feeds::ETH_USD, presets::major(), slot(ETH_SPOT, 3_249_610_000_000_000, svi))
}

pub fn directory() -> MarketDirectory {
    let mut directory = MarketDirectory::default();
    directory
        .insert_underlying(ETH, eth().address, key(101))
        .insert_underlying(BTC, btc().address, key(100))
        .insert_collateral(SOL_COLLATERAL, sol_collateral().address, key(102));
    directory
}

pub fn price_account(feed: FeedId, price: u64) -> Account {
    PriceUpdate::new(feed, Price(price), Price(price / 1_000), NOW - 5).with_eight_decimals().account()
}

pub fn snapshot() -> Snapshot {
    let (sol, btc, eth) = (sol_collateral(), btc(), eth());
    Snapshot::new(
        engine(),
        directory(),
        [
            (sol.address, stored_account(&*sol)),
            (btc.address, stored_account(&*btc)),
            (eth.address, stored_account(&*eth)),
            (key(100), price_account(feeds::BTC_USD, BTC_SPOT)),
            (key(101), price_account(feeds::ETH_USD, ETH_SPOT)),
            (key(102), price_account(feeds::SOL_USD, SOL_SPOT)),
        ],
    )
}

pub fn account(cash: i64) -> Box<MarginAccount> {
    let mut state: Box<MarginAccount> = bytemuck::zeroed_box();
    state.version = 1;
    state.mode = AccountMode::Portfolio as u8;
    state.engine = addresses::engine(&key(7));
    state.owner = key(9);
    state.cash = (i128::from(cash) << 48).to_le_bytes();
    state
}

pub fn option(underlying: u16, kind: InstrumentKind, strike: u64) -> Instrument {
    Instrument { underlying, expiry: EXPIRY, strike: strike * USD, kind }
}

pub fn perpetual(underlying: u16) -> Instrument {
    Instrument { underlying, expiry: 0, strike: 0, kind: InstrumentKind::Perpetual }
}

/// Adds positions as trades would.
pub fn with_positions(mut account: Box<MarginAccount>, positions: &[(Instrument, i64, i64)]) -> Box<MarginAccount> {
    for (instrument, lots, settled_value) in positions {
        account.add_position(*instrument, *lots, *settled_value).unwrap();
    }
    account
}

pub fn position(instrument: Instrument, lots: i64) -> Position {
    Position::new(instrument, lots)
}

pub fn balance(collateral: u16, amount: u64) -> Balance {
    Balance { collateral, amount, ..Balance::default() }
}
