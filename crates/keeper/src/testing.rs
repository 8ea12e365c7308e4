//! A market in memory: BTC and ETH on the portfolio preset with a surface each. For tests and the benchmark.
#![allow(dead_code, reason = "the tests and the benchmark use their parts")]

use margin_client::{
    Loaded,
    accounts::{Stored, encode, symbol_bytes},
    addresses::{self, PROGRAM_ID},
    presets,
    pyth::{FeedId, PriceUpdate, feeds},
    state::{
        AccountMode, Collateral, CollateralLink, Engine, ExpirySlot, Instrument, InstrumentKind, MarginAccount,
        OracleConfig, OracleProvider, SviParameters, Underlying,
    },
};
use margin_core::Price;
use solana_account::Account;
use solana_pubkey::Pubkey;

pub const NOW: i64 = 1_767_648_090;
/// 2026-01-30T08:00:00Z and 2026-03-27T08:00:00Z.
pub const EXPIRIES: [i64; 2] = [1_769_760_000, 1_774_598_400];
pub const USD: u64 = 1_000_000_000_000;
pub const BTC: u16 = 0;
pub const ETH: u16 = 1;
pub const SPOTS: [u64; 2] = [94_128_890_000_000_000, 3_240_670_000_000_000];
const FEEDS: [FeedId; 2] = [feeds::BTC_USD, feeds::ETH_USD];
const SURFACES: [[i64; 5]; 2] = [
    [-55_308_998_518_962, 124_314_337_931_202, -323_973_409_159_180, -148_243_182_576_226, 572_848_159_919_208],
    [-24_939_794_570_293, 104_911_605_915_435, -95_937_578_395_706, -11_189_653_083_142, 461_882_576_377_374],
];

pub fn engine_address() -> Pubkey {
    addresses::engine(&key(7))
}

pub fn key(seed: u8) -> Pubkey {
    Pubkey::new_from_array([seed; 32])
}

pub fn stored<T: Stored>(state: &T) -> Account {
    Account { lamports: 1, data: encode(state), owner: PROGRAM_ID, ..Account::default() }
}

pub fn price_address(underlying: u16) -> Pubkey {
    key(100 + underlying as u8)
}

pub fn feed(underlying: u16) -> FeedId {
    FEEDS[usize::from(underlying)]
}

pub fn price(underlying: u16, price: u64, time: i64) -> Account {
    let confidence = Price(price / 5_000);
    PriceUpdate::new(feed(underlying), Price(price), confidence, time).account()
}

pub fn engine() -> Account {
    let mut state: Box<Engine> = bytemuck::zeroed_box();
    (state.version, state.quote_decimals, state.underlying_count) = (1, 6, 2);
    state.creator = key(7);
    state.liquidation = presets::liquidation();
    stored(&*state)
}

pub fn underlying(index: u16) -> Loaded<Underlying> {
    let at = usize::from(index);
    let (spot, [a, b, rho, m, sigma]) = (SPOTS[at], SURFACES[at]);
    let model = presets::major();
    let mut state: Box<Underlying> = bytemuck::zeroed_box();
    (state.version, state.index, state.engine) = (1, index, engine_address());
    state.symbol = symbol_bytes(["BTC", "ETH"][at]).expect("a short symbol");
    state.oracle = OracleConfig {
        feed_id: feed(index),
        max_age: 60,
        liquidation_max_age: 300,
        max_confidence: 10_000_000,
        liquidation_max_confidence: 50_000_000,
        provider: OracleProvider::PythPull as u8,
        _padding: [0; 3],
        confidence_full_scale: 0,
        _reserved: [0; 24],
    };
    state.lot_size = 10_000_000;
    (state.max_surface_age, state.liquidation_max_mark_age) = (600, 3_600);
    state.trading = presets::trading();
    state.settlement_window = 1_800;
    (state.risk, state.standard, state.exposure) =
        (model.parameters.risk, model.parameters.standard, model.parameters.exposure);
    state.set_scenarios(&model.scenarios).expect("the preset");
    for (slot, expiry) in state.expiries.iter_mut().zip(EXPIRIES) {
        let forward = spot / 1_000 * 1_003;
        let time = (expiry - NOW).unsigned_abs();
        *slot = ExpirySlot {
            expiry,
            updated_at: NOW,
            forward,
            spot_reference: spot,
            confidence: 1_000_000_000,
            ..ExpirySlot::default()
        };
        slot.set_surface(SviParameters { a, b, rho, m, sigma, forward, time }).expect("a surface");
    }
    Loaded::from_state(addresses::underlying(&engine_address(), index), state)
}

/// The quote token's listing.
pub fn quote() -> Loaded<Collateral> {
    let mut state: Box<Collateral> = bytemuck::zeroed_box();
    (state.version, state.decimals, state.engine, state.mint) = (1, 6, engine_address(), key(6));
    Loaded::from_state(addresses::collateral(&engine_address(), &key(6)), state)
}

/// A token with the oracle of an underlying, which it is linked to.
pub fn token(index: u16) -> Loaded<Collateral> {
    let mut state: Box<Collateral> = bytemuck::zeroed_box();
    (state.version, state.index, state.decimals, state.engine, state.mint) = (1, 1, 9, engine_address(), key(8));
    (state.oracle, state.link, state.underlying) = (underlying(index).oracle, CollateralLink::Index as u8, index);
    Loaded::from_state(addresses::collateral(&engine_address(), &key(8)), state)
}

/// The engine, its quote token, its underlyings and their prices.
pub fn markets() -> Vec<(Pubkey, Account)> {
    let mut accounts = vec![(engine_address(), engine()), (quote().address, stored(&*quote()))];
    for index in [BTC, ETH] {
        let state = underlying(index);
        accounts.push((state.address, stored(&*state)));
        accounts.push((price_address(index), price(index, SPOTS[usize::from(index)], NOW)));
    }
    accounts
}

pub fn option(underlying: u16, kind: InstrumentKind, expiry: i64, strike: u64) -> Instrument {
    Instrument { underlying, expiry, strike, kind }
}

pub fn call(underlying: u16, strike: u64) -> Instrument {
    option(underlying, InstrumentKind::Call, EXPIRIES[0], strike)
}

/// An account with cash in whole quote tokens and positions in lots.
pub fn margin_account(owner: Pubkey, cash: i64, positions: &[(Instrument, i64)]) -> Box<MarginAccount> {
    let mut state: Box<MarginAccount> = bytemuck::zeroed_box();
    (state.version, state.mode) = (1, AccountMode::Portfolio as u8);
    (state.engine, state.owner) = (engine_address(), owner);
    state.cash = (i128::from(cash * 1_000_000) << 48).to_le_bytes();
    for (instrument, lots) in positions {
        let index = usize::from(instrument.underlying);
        let value = match instrument.kind {
            // Opened at the spot: one lot is 0.01 unit.
            InstrumentKind::Perpetual => lots * i64::try_from(SPOTS[index] / 100 / 1_000_000).expect("fits"),
            _ => 0,
        };
        state.add_position(*instrument, *lots, value).expect("a free row");
    }
    state
}
