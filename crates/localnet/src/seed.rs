//! Builds the market: program, tokens, engine, collaterals, underlyings, expiries, prices and surfaces.

use std::path::{Path, PathBuf};

use margin_client::instructions::{
    CollateralAdd, CollateralAddArgs, CollateralAddresses, CollateralLimits, CollateralLimitsSet, EngineInitialize,
    EngineInitializeArgs, ExpiryList, InterestSet, TradingSet, UnderlyingAdd, UnderlyingAddArgs,
};
use margin_client::presets::{self, MarginModel};
use margin_client::pyth::{FeedId, feeds};
use margin_client::state::{CollateralHaircuts, CollateralLink, ConfidenceCharge, OracleArgs, OracleProvider};
use margin_client::{MarketDirectory, PROGRAM_ID, accounts, addresses};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;

use crate::keys::{test_address, test_key};
use crate::market::Snapshot;
use crate::venue::{Listing, Venue};
use crate::{LocalnetError, Result, Sender, cheats, tokens};

/// Lamports every participant starts with: 1 000 SOL.
pub const STARTING_LAMPORTS: u64 = 1_000_000_000_000;

const QUOTE_DECIMALS: u8 = 6;
const SOL_DECIMALS: u8 = 9;
const SOL_COLLATERAL_INDEX: u16 = 1;

/// Oldest price that a trade accepts, and that liquidation does, seconds.
const PRICE_AGE: (u32, u32) = (60, 300);
/// The same for surfaces.
const SURFACE_AGE: (u32, u32) = (900, 7_200);
/// Widest confidence interval, 1e-9 of the price: 1 % for trades, 5 % for liquidation.
const PRICE_CONFIDENCE: (u32, u32) = (10_000_000, 50_000_000);
/// Options settle on the average of the last half hour, seconds.
const SETTLEMENT_WINDOW: u32 = 1_800;
/// Share of SOL collateral that does not count, 1e-9: 10 % in both margins, 5 % more in initial margin.
const SOL_HAIRCUTS: CollateralHaircuts = CollateralHaircuts { maintenance: 100_000_000, initial: 50_000_000 };

/// Up to a billion USDC, of which a tenth may leave in a day; up to 10 million SOL with the same share.
const QUOTE_LIMITS: CollateralLimits =
    CollateralLimits { deposit_cap: 1_000_000_000_000_000, outflow_limit: 100_000_000_000_000, outflow_window: DAY };
const SOL_LIMITS: CollateralLimits =
    CollateralLimits { deposit_cap: 10_000_000_000_000_000, outflow_limit: 1_000_000_000_000_000, outflow_window: DAY };
/// In seconds.
const DAY: u32 = 86_400;

/// How one underlying of the market table is listed.
struct Terms {
    symbol: &'static str,
    feed: FeedId,
    /// 1e-9 units of the underlying.
    lot_size: u64,
    model: fn() -> MarginModel,
}

const TERMS: [Terms; 3] = [
    Terms { symbol: "BTC", feed: feeds::BTC_USD, lot_size: 10_000_000, model: presets::major },
    Terms { symbol: "ETH", feed: feeds::ETH_USD, lot_size: 100_000_000, model: presets::major },
    Terms { symbol: "SOL", feed: feeds::SOL_USD, lot_size: 1_000_000_000, model: presets::high_beta },
];

/// Where `cargo xtask build-sbf` leaves the program: beside this workspace's other build products.
pub fn default_program() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")), PathBuf::from);
    target.join("deploy/margin_engine.so")
}

/// Deploys the program and builds the market of `snapshot` on it. The network's clock must show the snapshot's time.
pub fn seed(sender: &Sender, program: &Path, snapshot: &Snapshot) -> Result<Venue> {
    cheats::deploy_program(sender.client(), &PROGRAM_ID, program)?;
    let (admin, publisher) = (test_key("margin admin"), test_key("margin publisher"));
    for key in [&admin, &publisher] {
        cheats::fund(sender.client(), &key.pubkey(), STARTING_LAMPORTS)?;
    }
    let engine = addresses::engine(&admin.pubkey());
    let (quote, sol) = create_tokens(sender, &admin, &engine)?;
    initialize(sender, &admin, &engine, &quote, &sol)?;

    let mut directory = MarketDirectory::default();
    let mut listings = Vec::with_capacity(TERMS.len());
    for (index, terms) in (0u16..).zip(&TERMS) {
        let listing = list_underlying(sender, &admin, &publisher.pubkey(), &engine, index, terms)?;
        directory.insert_underlying(index, listing.address, listing.price);
        if terms.symbol == "SOL" {
            directory.insert_collateral(SOL_COLLATERAL_INDEX, sol.collateral, listing.price);
        }
        for expiry in &snapshot.quotes(terms.symbol)?.expiries {
            let list = ExpiryList { admin: admin.pubkey(), engine, underlying: listing.address, expiry: expiry.expiry };
            sender.send(&[list.instruction()], &admin, &[])?;
        }
        listings.push(listing);
    }
    let venue = Venue { engine, admin, publisher, quote, sol, sol_index: SOL_COLLATERAL_INDEX, listings, directory };
    venue.publish(sender, snapshot, snapshot.time)?;
    Ok(venue)
}

fn create_tokens(
    sender: &Sender,
    admin: &Keypair,
    engine: &Pubkey,
) -> Result<(CollateralAddresses, CollateralAddresses)> {
    let usdc = tokens::create_mint(sender, admin, &test_key("margin USDC mint"), QUOTE_DECIMALS)?;
    let sol = tokens::create_mint(sender, admin, &test_key("margin SOL mint"), SOL_DECIMALS)?;
    let token = |mint| CollateralAddresses::derive(engine, &mint, &tokens::TOKEN_PROGRAM);
    Ok((token(usdc), token(sol)))
}

fn initialize(
    sender: &Sender,
    admin: &Keypair,
    engine: &Pubkey,
    quote: &CollateralAddresses,
    sol: &CollateralAddresses,
) -> Result<()> {
    let create = EngineInitialize {
        creator: admin.pubkey(),
        quote_mint: quote.mint,
        args: EngineInitializeArgs {
            admin: admin.pubkey(),
            guardian: test_key("margin guardian").pubkey(),
            liquidation: presets::liquidation(),
        },
    };
    sender.send(&[create.instruction()], admin, &[])?;
    let tokens = [
        (quote, None, CollateralHaircuts::default(), QUOTE_LIMITS),
        (sol, Some(oracle(feeds::SOL_USD)), SOL_HAIRCUTS, SOL_LIMITS),
    ];
    for (token, oracle, haircuts, limits) in tokens {
        let add = CollateralAdd {
            admin: admin.pubkey(),
            engine: *engine,
            mint: token.mint,
            token_program: token.token_program,
            args: CollateralAddArgs {
                oracle,
                haircuts,
                confidence: ConfidenceCharge::default(),
                link: CollateralLink::None,
                underlying: 0,
                deposit_cap: limits.deposit_cap,
            },
        };
        let (authority, engine, collateral) = (admin.pubkey(), *engine, token.collateral);
        let set = CollateralLimitsSet { authority, engine, collateral, limits };
        sender.send(&[add.instruction(), set.instruction()], admin, &[])?;
    }
    let (rates, collateral) = (presets::interest(), quote.collateral);
    let set = InterestSet { admin: admin.pubkey(), engine: *engine, collateral, rates };
    sender.send(&[set.instruction()], admin, &[]).map(drop)
}

fn list_underlying(
    sender: &Sender,
    admin: &Keypair,
    publisher: &Pubkey,
    engine: &Pubkey,
    index: u16,
    terms: &Terms,
) -> Result<Listing> {
    let symbol = accounts::symbol_bytes(terms.symbol).ok_or_else(|| LocalnetError::Table {
        table: "listings",
        reason: format!("the symbol {} is too long", terms.symbol),
    })?;
    let add = UnderlyingAdd {
        admin: admin.pubkey(),
        engine: *engine,
        index,
        args: UnderlyingAddArgs {
            symbol,
            publisher: *publisher,
            oracle: oracle(terms.feed),
            lot_size: terms.lot_size,
            max_surface_age: SURFACE_AGE.0,
            liquidation_max_mark_age: SURFACE_AGE.1,
            settlement_window: SETTLEMENT_WINDOW,
        },
    };
    sender.send(&[add.instruction()], admin, &[])?;
    let address = addresses::underlying(engine, index);
    for instruction in (terms.model)().instructions(admin.pubkey(), *engine, address) {
        sender.send(&[instruction], admin, &[])?;
    }
    let trading =
        TradingSet { admin: admin.pubkey(), engine: *engine, underlying: address, parameters: presets::trading() };
    sender.send(&[trading.instruction()], admin, &[])?;
    Ok(Listing {
        symbol: terms.symbol.to_owned(),
        index,
        address,
        feed: terms.feed,
        price: test_address(&format!("margin {}/USD price", terms.symbol)),
        lot_size: terms.lot_size,
    })
}

fn oracle(feed_id: FeedId) -> OracleArgs {
    OracleArgs {
        provider: OracleProvider::PythPull,
        feed_id,
        max_age: PRICE_AGE.0,
        liquidation_max_age: PRICE_AGE.1,
        max_confidence: PRICE_CONFIDENCE.0,
        liquidation_max_confidence: PRICE_CONFIDENCE.1,
        confidence_full_scale: 0,
    }
}
