//! Positions of a portfolio as the program stores them.

use margin_client::{
    decimal::Scaled,
    state::{self, Instrument, InstrumentKind, MarginAccount},
};
use margin_engine::{error::EngineError, risk::cost_atoms};

use crate::{
    Kind, Portfolio, PortfolioError, Position,
    listing::{self, rule, underlying_index},
};

/// Adds a position to the account.
pub(crate) fn add_position(
    portfolio: &Portfolio,
    path: &str,
    source: &Position,
    underlyings: &[Box<state::Underlying>],
    account: &mut MarginAccount,
) -> Result<(), PortfolioError> {
    let at = |member: &str| format!("{path}.{member}");
    let index = underlying_index(portfolio, &at("underlying"), &source.underlying)?;
    let underlying = &underlyings[usize::from(index)];
    let instrument = instrument(portfolio, path, source, index, underlying)?;
    let lot_size = underlying.lot_size;
    let part = || PortfolioError::PartOfALot {
        path: at("quantity"),
        quantity: source.quantity,
        lot_size: Scaled::<u64, 9>(lot_size).into(),
    };
    let units = source.quantity.exactly(9).map_err(|_| part())?;
    if units % i128::from(lot_size) != 0 {
        return Err(part());
    }
    if units == 0 {
        return Err(PortfolioError::Zero { path: at("quantity") });
    }
    let overflow = || PortfolioError::Overflow { path: at("quantity"), value: source.quantity };
    let lots = i64::try_from(units / i128::from(lot_size)).map_err(|_| overflow())?;
    let settled_value = settled_value(portfolio, path, source, lots, lot_size)?;
    if account.position(&instrument).is_some() {
        let symbol = format!("{} {:?}", source.underlying, source.kind).to_lowercase();
        return Err(PortfolioError::Duplicate { path: path.to_owned(), symbol });
    }
    account
        .add_position(instrument, lots, settled_value)
        .map(|_| ())
        .map_err(|error| PortfolioError::Rule { path: path.to_owned(), rule: listing::message(error) })
}

fn instrument(
    portfolio: &Portfolio,
    path: &str,
    source: &Position,
    index: u16,
    underlying: &state::Underlying,
) -> Result<Instrument, PortfolioError> {
    let at = |member: &str| format!("{path}.{member}");
    let kind = match source.kind {
        Kind::Call => InstrumentKind::Call,
        Kind::Put => InstrumentKind::Put,
        Kind::DigitalCall => InstrumentKind::DigitalCall,
        Kind::DigitalPut => InstrumentKind::DigitalPut,
        Kind::Future => InstrumentKind::Future,
        Kind::Perpetual => InstrumentKind::Perpetual,
    };
    let expiry = match (source.expiry, kind.has_expiry()) {
        (Some(expiry), true) => expiry.at(portfolio.time),
        (None, false) => 0,
        (Some(_), false) => {
            return Err(PortfolioError::Unexpected { path: at("expiry"), why: "a perpetual has no expiry" });
        }
        (None, true) => {
            let needs = "options and futures need one of the underlying's expiries";
            return Err(PortfolioError::Missing { path: at("expiry"), needs });
        }
    };
    let strike = match (source.strike, kind.is_option()) {
        (Some(strike), true) if strike.0 > 0 => strike.0,
        (Some(_), true) => return Err(rule(&at("strike"), EngineError::LegStrike)),
        (None, false) => 0,
        (Some(_), false) => {
            return Err(PortfolioError::Unexpected { path: at("strike"), why: "only options have a strike" });
        }
        (None, true) => return Err(PortfolioError::Missing { path: at("strike"), needs: "options need a strike" }),
    };
    if kind.has_expiry() {
        let listed = underlying.expiry(expiry);
        let unknown = || PortfolioError::UnknownExpiry { path: at("expiry"), expiry };
        listed.ok_or_else(unknown)?;
        let has_surface = portfolio.underlyings[usize::from(index)]
            .expiries
            .iter()
            .any(|slot| slot.expiry.at(portfolio.time) == expiry && slot.svi.is_some());
        if kind.is_option() && expiry > portfolio.time && !has_surface {
            let needs = "an option that has not expired needs the `svi` of its expiry";
            return Err(PortfolioError::Missing { path: at("expiry"), needs });
        }
    }
    Ok(Instrument { underlying: index, expiry, strike, kind })
}

/// Value of a linear position when it was last settled, in quote atoms.
fn settled_value(
    portfolio: &Portfolio,
    path: &str,
    source: &Position,
    lots: i64,
    lot_size: u64,
) -> Result<i64, PortfolioError> {
    let decimals = portfolio.quote.decimals;
    let is_option = source.kind.is_option();
    let at = |member: &str| format!("{path}.{member}");
    match (source.entry, source.settled_value) {
        (None, None) if is_option => Ok(0),
        (Some(_), _) | (_, Some(_)) if is_option => {
            let member = if source.entry.is_some() { "entry" } else { "settled_value" };
            Err(PortfolioError::Unexpected { path: at(member), why: "an option's premium settles at once" })
        }
        (Some(entry), None) => cost_atoms(lots, entry.0, lot_size, decimals)
            .map_err(|_| PortfolioError::Overflow { path: at("entry"), value: entry.into() }),
        (None, Some(value)) => {
            let atoms = value.scaled(u32::from(decimals)).and_then(|atoms| i64::try_from(atoms).ok());
            atoms.ok_or_else(|| PortfolioError::Overflow { path: at("settled_value"), value })
        }
        (Some(_), Some(_)) => {
            Err(PortfolioError::Unexpected { path: at("settled_value"), why: "`entry` says the same; keep one" })
        }
        (None, None) => {
            let needs = "futures and perpetuals need the price at which they were last settled";
            Err(PortfolioError::Missing { path: at("entry"), needs })
        }
    }
}
