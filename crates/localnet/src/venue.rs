//! A seeded engine: its addresses, the keys that run it, and what it publishes.

use margin_client::instructions::{CashSync, CollateralAddresses, InterestAccrue, SurfacePublish, SurfacePublishArgs};
use margin_client::margin::Snapshot as MarginSnapshot;
use margin_client::pyth::{FeedId, PriceUpdate};
use margin_client::state::{Collateral, Engine, MarginAccount, SviParameters};
use margin_client::{Loaded, MarketDirectory, constants};
use margin_core::Price;
use solana_account::Account;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;

use crate::market::{Quotes, Snapshot};
use crate::{LocalnetError, Result, Sender, cheats};

/// Surfaces that fit one transaction of 1 232 bytes.
const SURFACES_PER_TRANSACTION: usize = 6;

/// Half-width of every published confidence interval: 2 basis points, as Pyth's majors have on a quiet day.
const CONFIDENCE_DIVISOR: u64 = 5_000;

/// One listed underlying.
#[derive(Clone, Debug)]
pub struct Listing {
    pub symbol: String,
    /// Its number in the engine.
    pub index: u16,
    pub address: Pubkey,
    pub feed: FeedId,
    /// The account its price is published in.
    pub price: Pubkey,
    /// 1e-9 units of the underlying.
    pub lot_size: u64,
}

/// The engine and everything listed on it.
#[derive(Debug)]
pub struct Venue {
    pub engine: Pubkey,
    pub admin: Keypair,
    /// Publishes surfaces.
    pub publisher: Keypair,
    /// The quote token, six decimals.
    pub quote: CollateralAddresses,
    /// The SOL-like token, nine decimals, and its number in the engine.
    pub sol: CollateralAddresses,
    pub sol_index: u16,
    pub listings: Vec<Listing>,
    pub directory: MarketDirectory,
}

impl Venue {
    /// The listing of a symbol.
    pub fn listing(&self, symbol: &str) -> Result<&Listing> {
        self.listings
            .iter()
            .find(|l| l.symbol == symbol)
            .ok_or_else(|| LocalnetError::Table { table: "listings", reason: format!("no {symbol}") })
    }

    /// The listing of an underlying's number.
    pub fn listing_at(&self, index: u16) -> Result<&Listing> {
        self.listings
            .iter()
            .find(|l| l.index == index)
            .ok_or_else(|| LocalnetError::Table { table: "listings", reason: format!("no underlying number {index}") })
    }

    /// Publishes a whole market, observed at `now`: a price account for each underlying, then every surface.
    pub fn publish(&self, sender: &Sender, market: &Snapshot, now: i64) -> Result<()> {
        for listing in &self.listings {
            self.publish_price(sender, listing, Price(market.quotes(&listing.symbol)?.spot), now)?;
        }
        for listing in &self.listings {
            let quotes = market.quotes(&listing.symbol)?;
            let instructions: Vec<Instruction> =
                quotes.expiries.iter().map(|e| self.surface(listing, market, quotes, e, now)).collect();
            for batch in instructions.chunks(SURFACES_PER_TRANSACTION) {
                sender.send(batch, &self.publisher, &[])?;
            }
        }
        Ok(())
    }

    /// Publishes interest on cash, as anyone may once a minute.
    pub fn accrue_interest(&self, sender: &Sender) -> Result<()> {
        let accrue = InterestAccrue { engine: self.engine, collateral: self.quote.collateral };
        sender.send(&[accrue.instruction()], &self.publisher, &[]).map(drop)
    }

    /// Settles a margin account's interest with the pool, as anyone may.
    pub fn sync_cash(&self, sender: &Sender, margin_account: Pubkey) -> Result<()> {
        let sync = CashSync { engine: self.engine, margin_account, collateral: self.quote.collateral };
        sender.send(&[sync.instruction()], &self.publisher, &[]).map(drop)
    }

    /// Writes one price account, as the Pyth receiver would after a fully verified update.
    pub fn publish_price(&self, sender: &Sender, listing: &Listing, price: Price, now: i64) -> Result<()> {
        let confidence = Price(price.0 / CONFIDENCE_DIVISOR);
        let update = PriceUpdate::new(listing.feed, price, confidence, now).with_eight_decimals();
        cheats::set_account(sender.client(), &listing.price, &update.account())
    }

    fn surface(
        &self,
        listing: &Listing,
        market: &Snapshot,
        quotes: &Quotes,
        expiry: &crate::market::Expiry,
        now: i64,
    ) -> Instruction {
        let svi = expiry.svi;
        SurfacePublish {
            publisher: self.publisher.pubkey(),
            underlying: listing.address,
            args: SurfacePublishArgs {
                expiry: expiry.expiry,
                forward: expiry.forward,
                spot_reference: quotes.spot,
                rate: market.rate,
                svi: SviParameters {
                    a: svi.a,
                    b: svi.b,
                    rho: svi.rho,
                    m: svi.m,
                    sigma: svi.sigma,
                    forward: expiry.forward,
                    time: (expiry.expiry - market.time).unsigned_abs(),
                },
                confidence: constants::RATIO_ONE,
                observed_at: now,
            },
        }
        .instruction()
    }

    /// Every account a margin check may read, fetched at once, for margin off-chain.
    pub fn fetch(&self, sender: &Sender) -> Result<MarginSnapshot> {
        let addresses: Vec<Pubkey> = self.directory.addresses().into_iter().collect();
        let found =
            sender.client().get_multiple_accounts(&addresses).map_err(LocalnetError::rpc("getMultipleAccounts"))?;
        let mut accounts: Vec<(Pubkey, Account)> = Vec::with_capacity(found.len());
        for (address, account) in addresses.iter().zip(found) {
            accounts
                .push((*address, account.ok_or(LocalnetError::AccountMissing { what: "market", address: *address })?));
        }
        Ok(MarginSnapshot::new(self.fetch_engine(sender)?, self.directory.clone(), accounts))
    }

    /// One margin account.
    pub fn fetch_account(&self, sender: &Sender, address: &Pubkey) -> Result<Loaded<MarginAccount>> {
        let account = sender.account("margin account", address)?;
        Loaded::from_account(*address, &account).map_err(|source| LocalnetError::Account {
            what: "margin account",
            address: *address,
            source,
        })
    }

    /// The quote token's listing, with the pool of cash.
    pub(crate) fn fetch_quote(&self, sender: &Sender) -> Result<Loaded<Collateral>> {
        let address = self.quote.collateral;
        let account = sender.account("collateral", &address)?;
        Loaded::from_account(address, &account).map_err(|source| LocalnetError::Account {
            what: "collateral",
            address,
            source,
        })
    }

    pub(crate) fn fetch_engine(&self, sender: &Sender) -> Result<Loaded<Engine>> {
        let account = sender.account("engine", &self.engine)?;
        Loaded::from_account(self.engine, &account).map_err(|source| LocalnetError::Account {
            what: "engine",
            address: self.engine,
            source,
        })
    }
}
