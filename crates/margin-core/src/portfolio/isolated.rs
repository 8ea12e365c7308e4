//! Isolated mode: every position on its own.

use super::{
    BookPosition, Detail, ExpiryMarket, MarginError, Market, NetGreeks, Scratch, UnderlyingRisk, assess_underlying,
    ratio::add,
};
use crate::Usd;

/// Sums of stand-alone figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IsolatedRisk {
    /// As [`UnderlyingRisk::mark_to_market`].
    pub mark_to_market: Usd,
    /// Sum of the requirements.
    pub initial_margin: Usd,
    /// Sum of the requirements.
    pub maintenance_margin: Usd,
    /// Net Greeks, which no mode changes.
    pub greeks: NetGreeks,
}

/// Assesses each position as if it were the only one, without any collateral that could offset it, and adds up.
///
/// # Errors
/// Whatever `surface` answers, and [`MarginError`].
pub fn assess_isolated<E, P, S>(
    market: &Market,
    positions: P,
    mut surface: S,
    detail: Detail,
    scratch: &mut Scratch,
) -> Result<IsolatedRisk, E>
where
    E: From<MarginError>,
    P: IntoIterator<Item = BookPosition>,
    S: FnMut(i64) -> Result<ExpiryMarket, E>,
{
    let market = Market { hedge: Usd::ZERO, ..*market };
    let mut sum = IsolatedRisk::default();
    for position in positions {
        let alone = assess_underlying(&market, [position], &mut surface, detail, scratch)?;
        sum.include(&alone)?;
    }
    Ok(sum)
}

impl IsolatedRisk {
    fn include(&mut self, alone: &UnderlyingRisk) -> Result<(), MarginError> {
        self.mark_to_market = add(self.mark_to_market, alone.mark_to_market)?;
        self.initial_margin = add(self.initial_margin, alone.initial_margin)?;
        self.maintenance_margin = add(self.maintenance_margin, alone.maintenance_margin)?;
        self.greeks = self.greeks.checked_add(&alone.greeks).ok_or(MarginError::Overflow)?;
        Ok(())
    }
}
