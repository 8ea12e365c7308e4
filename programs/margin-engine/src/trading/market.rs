//! What trades write into their underlyings: funding before the legs are priced; premiums and open interest after.

use core::cell::RefMut;

use anchor_lang::prelude::*;
use margin_core::Price;

use super::{PricedLeg, TradeLeg};
use crate::{
    error::EngineError,
    oracle::{PriceUse, read_price},
    risk_accounts::underlying_mut,
    state::{FundingState, InstrumentKind, TradingParameters, Underlying},
};

/// Brings the funding of every perpetual that is traded up to date; every underlying traded must be writable.
pub fn accrue_funding<'a>(
    engine: &Pubkey,
    accounts: &[AccountInfo],
    legs: impl IntoIterator<Item = &'a TradeLeg>,
    now: i64,
) -> Result<()> {
    for leg in legs {
        let (mut state, price_account) = underlying_mut(engine, accounts, leg.instrument.underlying)?;
        if leg.instrument.kind == InstrumentKind::Perpetual {
            let price = read_price(&state.oracle, price_account, PriceUse::RaiseRisk, now)?.price;
            let terms = state.trading;
            state.perpetual.funding.accrue(&terms, price, now)?;
        }
    }
    Ok(())
}

/// What a leg leaves behind in its underlying.
pub struct MarketRecord {
    underlying: u16,
    expiry: i64,
    /// Lots, long and short, that are open in the series on top.
    opened: i64,
    /// Price, index price and notional of a fill of the perpetual.
    perpetual: Option<(Price, Price, u64)>,
}

impl MarketRecord {
    pub(super) fn new(leg: &PricedLeg) -> Self {
        let instrument = &leg.instrument;
        let is_perpetual = instrument.kind == InstrumentKind::Perpetual;
        Self {
            underlying: instrument.underlying,
            expiry: instrument.expiry,
            opened: 0,
            perpetual: is_perpetual.then_some((Price(leg.price), leg.index_price, leg.notional)),
        }
    }

    pub(super) fn count(&mut self, lots: i64) -> Result<()> {
        self.opened = self.opened.checked_add(lots).ok_or(EngineError::Overflow)?;
        Ok(())
    }

    fn write(&self, state: &mut Underlying) -> Result<()> {
        match self.perpetual {
            Some((fill, index_price, notional)) => {
                let Underlying { trading, perpetual, .. } = state;
                let (terms, funding): (&TradingParameters, &mut FundingState) = (trading, &mut perpetual.funding);
                funding.record(terms, fill, index_price, notional)
            }
            None => state.count_open(self.expiry, self.opened),
        }
    }
}

/// Writes the records of a batch; nothing else may borrow the underlyings.
pub fn write_records(engine: &Pubkey, accounts: &[AccountInfo], records: &[MarketRecord]) -> Result<()> {
    for record in records {
        let (mut state, _): (RefMut<Underlying>, _) = underlying_mut(engine, accounts, record.underlying)?;
        record.write(&mut state)?;
    }
    Ok(())
}
