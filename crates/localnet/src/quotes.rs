//! What a market maker asks and bids: the kernel's mark, and a spread.

use margin_client::instructions::TradeLeg;
use margin_client::state::{Instrument, InstrumentKind};
use margin_client::text::instrument_name;
use margin_core::{Expiry, ExpiryInputs, OptionKind, Price, Rate, Seconds, Svi, Vol, value};

use crate::market::Snapshot;
use crate::venue::{Listing, Venue};
use crate::{LocalnetError, Result};

/// Half of the maker's spread, 1e-4: 1 % of an option's premium, 1 basis point of a perpetual's price.
const OPTION_HALF_SPREAD: u64 = 100;
const PERPETUAL_HALF_SPREAD: u64 = 1;
const SPREAD_UNIT: u64 = 10_000;
/// Prices are quoted in cents, 1e-12 USD.
const CENT: u64 = 10_000_000_000;
const DOLLAR: u64 = 1_000_000_000_000;

/// What a taker wants. Positive units are bought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    pub symbol: &'static str,
    pub contract: Contract,
    /// Units of the underlying; whole lots are traded, the nearest number of them.
    pub units: f64,
}

/// An instrument as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    Perpetual,
    /// Expiry day as `2026-03-27`, strike in whole dollars.
    Call {
        day: &'static str,
        strike: u64,
    },
    Put {
        day: &'static str,
        strike: u64,
    },
}

impl Order {
    pub const fn perpetual(symbol: &'static str, units: f64) -> Self {
        Self { symbol, contract: Contract::Perpetual, units }
    }

    pub const fn call(symbol: &'static str, day: &'static str, strike: u64, units: f64) -> Self {
        Self { symbol, contract: Contract::Call { day, strike }, units }
    }

    pub const fn put(symbol: &'static str, day: &'static str, strike: u64, units: f64) -> Self {
        Self { symbol, contract: Contract::Put { day, strike }, units }
    }
}

/// The leg that fills an order at the maker's price: the taker buys above the mark and sells below it.
pub fn quote(venue: &Venue, market: &Snapshot, order: &Order) -> Result<TradeLeg> {
    let listing = venue.listing(order.symbol)?;
    let instrument = instrument(listing, market, order)?;
    let mark = mark(listing, market, &instrument)?.0;
    let half_spread = if instrument.kind.is_option() { OPTION_HALF_SPREAD } else { PERPETUAL_HALF_SPREAD };
    let spread =
        u64::try_from(u128::from(mark) * u128::from(half_spread) / u128::from(SPREAD_UNIT)).unwrap_or(u64::MAX);
    let price = if order.units > 0.0 {
        mark.saturating_add(spread).div_ceil(CENT).saturating_mul(CENT)
    } else {
        mark.saturating_sub(spread) / CENT * CENT
    };
    Ok(TradeLeg { instrument, lots: lots(listing, order.units), price })
}

/// The kernel's value of one unit of the underlying's worth of an instrument.
pub fn mark(listing: &Listing, market: &Snapshot, instrument: &Instrument) -> Result<Price> {
    let quotes = market.quotes(&listing.symbol)?;
    let kind = match instrument.kind {
        InstrumentKind::Perpetual => return Ok(Price(quotes.spot)),
        InstrumentKind::Future => {
            let published = quotes.expiries.iter().find(|published| published.expiry == instrument.expiry);
            return published.map(|published| Price(published.forward)).ok_or_else(|| LocalnetError::Pricing {
                instrument: name(listing, instrument),
                reason: "the expiry has no surface".to_owned(),
            });
        }
        InstrumentKind::Call => OptionKind::Call,
        InstrumentKind::Put => OptionKind::Put,
        InstrumentKind::DigitalCall => OptionKind::DigitalCall,
        InstrumentKind::DigitalPut => OptionKind::DigitalPut,
    };
    let refused = |reason: String| LocalnetError::Pricing { instrument: name(listing, instrument), reason };
    let published = quotes
        .expiries
        .iter()
        .find(|e| e.expiry == instrument.expiry)
        .ok_or_else(|| refused("the expiry has no surface".to_owned()))?;
    let time = Seconds((published.expiry - market.time).unsigned_abs());
    let svi = Svi {
        a: published.svi.a,
        b: published.svi.b,
        rho: published.svi.rho,
        m: published.svi.m,
        sigma: published.svi.sigma,
        forward: Price(published.forward),
        time,
    };
    let strike = Price(instrument.strike);
    let inputs = ExpiryInputs { forward: Price(published.forward), fixed: Price::ZERO, time, rate: Rate(market.rate) };
    let price = || {
        let vol: Vol = svi.prepare()?.vol(strike)?;
        value(&Expiry::prepare(inputs)?, strike, vol, kind)
    };
    price().map_err(|e| refused(e.to_string()))
}

/// `BTC-27MAR26-80000-P`, `SOL-PERP`.
pub fn name(listing: &Listing, instrument: &Instrument) -> String {
    instrument_name(&listing.symbol, instrument)
}

fn instrument(listing: &Listing, market: &Snapshot, order: &Order) -> Result<Instrument> {
    let (kind, day, strike) = match order.contract {
        Contract::Perpetual => {
            return Ok(Instrument { underlying: listing.index, expiry: 0, strike: 0, kind: InstrumentKind::Perpetual });
        }
        Contract::Call { day, strike } => (InstrumentKind::Call, day, strike),
        Contract::Put { day, strike } => (InstrumentKind::Put, day, strike),
    };
    let expiry = market.quotes(&listing.symbol)?.expiries.iter().find(|e| e.day == day).ok_or_else(|| {
        LocalnetError::Pricing { instrument: format!("{} {day}", listing.symbol), reason: "not listed".to_owned() }
    })?;
    Ok(Instrument { underlying: listing.index, expiry: expiry.expiry, strike: strike.saturating_mul(DOLLAR), kind })
}

fn lots(listing: &Listing, units: f64) -> i64 {
    (units * 1e9 / listing.lot_size as f64).round() as i64
}
