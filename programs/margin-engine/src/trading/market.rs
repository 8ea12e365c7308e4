//! What trades write into their underlyings: premiums and open interest.

use anchor_lang::prelude::*;
use margin_core::Price;

use super::PricedLeg;
use crate::{
    error::EngineError,
    risk_accounts::underlying_mut,
    state::{InstrumentKind, Underlying},
};

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
                let terms = state.trading;
                state.perpetual.funding.record(&terms, fill, index_price, notional)
            }
            None => state.count_open(self.expiry, self.opened),
        }
    }
}

/// Writes the records of a batch into its markets, which are validated and no longer borrowed.
pub fn write_records(markets: &[AccountInfo], records: &[MarketRecord]) -> Result<()> {
    records.iter().try_for_each(|record| record.write(&mut *underlying_mut(markets, record.underlying)?))
}
