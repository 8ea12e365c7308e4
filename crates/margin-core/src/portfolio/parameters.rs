use core::num::NonZero;

use super::MarginError;
use crate::{Lots, Price, Scenario, Seconds, Usd, Vol, wide};

/// A share in 1e-9 (haircut, charge, weight, factor).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(pub u32);

impl Ratio {
    /// 100 %.
    pub const ONE: Self = Self(1_000_000_000);
    const DENOMINATOR: NonZero<u32> = match NonZero::new(Self::ONE.0) {
        Some(one) => one,
        None => NonZero::<u32>::MIN,
    };

    /// This share of an amount, rounded up: for charges and requirements.
    pub fn of_rounded_up(self, amount: Usd) -> Result<Usd, MarginError> {
        let product = wide::multiply(amount.0, u64::from(self.0)).ok_or(MarginError::Overflow)?;
        Ok(Usd(wide::divide_ceiling(product, Self::DENOMINATOR)))
    }

    /// This share of an amount, rounded down.
    pub(super) fn of_rounded_down(self, amount: i128) -> Result<i128, MarginError> {
        let product = wide::multiply(amount, u64::from(self.0)).ok_or(MarginError::Overflow)?;
        Ok(wide::divide_floor(product, Self::DENOMINATOR))
    }
}

/// `a / b` rounded towards −∞; `b` > 0.
pub(super) fn floor_division(a: i128, b: i128) -> Result<i128, MarginError> {
    wide::floor_division(a, b).ok_or(MarginError::Overflow)
}

/// The margin model of one underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiskParameters {
    /// Vol in an Up scenario is multiplied by 1 + `vol_range_up`·m, m the tenor multiplier.
    pub vol_range_up: Ratio,
    /// Vol in a Down scenario is multiplied by max(0, 1 − `vol_range_down`·m).
    pub vol_range_down: Ratio,
    /// Power of the tenor multiplier `(30 d / max(time, tenor_floor))^power` up to 30 days.
    pub short_term_power: Ratio,
    /// The power beyond 30 days.
    pub long_term_power: Ratio,
    /// The tenor multiplier treats shorter times as this one.
    pub tenor_floor: Seconds,
    /// Vol in an Up scenario is at least this.
    pub min_vol_up: Vol,
    /// Share of the scan risk in initial margin.
    pub initial_factor: Ratio,
    /// Share of the scan risk in maintenance margin.
    pub maintenance_factor: Ratio,
    /// Charge on a perpetual's spot notional, in both margins.
    pub perpetual_maintenance: Ratio,
    /// The charge on top in initial margin.
    pub perpetual_initial: Ratio,
    /// Charge on the spot notional of naked short options, in both margins.
    pub short_option_maintenance: Ratio,
    /// The charge on top in initial margin.
    pub short_option_initial: Ratio,
}

/// The market of one underlying at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Market<'a> {
    /// Index price.
    pub spot: Price,
    /// Mark price of the perpetual.
    pub perpetual: Price,
    /// Units of the underlying in one lot, in 1e-9.
    pub lot_size: u64,
    /// The margin model.
    pub parameters: &'a RiskParameters,
    /// The risk grid, in its published order; at most [`crate::MAX_SCENARIOS`].
    pub scenarios: &'a [Scenario],
    /// For each scenario the factor on its profit or loss; at most one.
    pub weights: &'a [Ratio],
}

/// Value of a number of lots at a price, rounded down (a short position: to the larger debt).
pub fn lots_value(lots: Lots, price: Price, lot_size: u64) -> Result<Usd, MarginError> {
    lot_price_to_usd(lots.checked_mul_price(price).ok_or(MarginError::Overflow)?, lot_size)
}

/// Lots × 1e-12 USD in USD, rounded down.
pub(super) fn lot_price_to_usd(amount: i128, lot_size: u64) -> Result<Usd, MarginError> {
    let product = wide::multiply(amount, lot_size).ok_or(MarginError::Overflow)?;
    Ok(Usd(wide::divide_floor(product, Ratio::DENOMINATOR)))
}
