//! Stored positions, parameters and surfaces as the core crate's inputs.

use core::num::NonZero;

use anchor_lang::prelude::*;
use margin_core::{
    ExpiryInputs, Lots, Multiplier, Price, Rate, Scenario as CoreScenario, Seconds, Svi, Usd, Vol, VolLevel,
    portfolio::{
        BookPosition, ExpiryMarket, GridScenario, InstrumentKind as CoreKind, PositionCharges, Ratio,
        RiskParameters as CoreParameters, ScanFactors, VolShock as CoreVolShock,
    },
    wide,
};

use super::amounts::usd_in_atom;
use crate::{
    error::EngineError,
    oracle::PriceUse,
    risk_accounts::UnderlyingView,
    state::{InstrumentKind, Position, RiskParameters, Scenario, VolShock},
};

/// A stored position of known kind for the core.
pub(super) fn book_position(position: &Position, decimals: u8) -> BookPosition {
    let kind = match InstrumentKind::from_byte(position.kind) {
        Some(InstrumentKind::Call) => CoreKind::Call,
        Some(InstrumentKind::Put) => CoreKind::Put,
        Some(InstrumentKind::Perpetual) | None => CoreKind::Perpetual,
    };
    BookPosition {
        kind,
        expiry: position.expiry,
        strike: Price(position.strike),
        lots: Lots(position.lots),
        settled_value: Usd(i128::from(position.settled_value) * i128::from(usd_in_atom(decimals))),
    }
}

/// The live market of an expiry: forward moved with spot in proportion since it was taken, the published surface, the
/// time left. An expired series that is not settled yet counts at intrinsic value against spot.
pub(super) fn expiry_market(view: &UnderlyingView, expiry: i64, usage: PriceUse, now: i64) -> Result<ExpiryMarket> {
    let state = &*view.state;
    let slot = state.expiry(expiry).ok_or(EngineError::ExpiryUnknown)?;
    require!(slot.updated_at > 0, EngineError::SurfaceMissing);
    let svi = Svi::from(&slot.svi);
    let spot = view.price.price;
    let left = expiry.saturating_sub(now);
    if left <= 0 {
        let inputs = ExpiryInputs { forward: spot, ..Default::default() };
        return Ok(ExpiryMarket { inputs, svi, confidence: Ratio::ONE });
    }
    let max_age = match usage {
        PriceUse::RaiseRisk => state.max_surface_age,
        PriceUse::Liquidation => state.liquidation_max_surface_age,
    };
    require!(now.saturating_sub(slot.updated_at) <= i64::from(max_age), EngineError::SurfaceStale);
    let inputs = ExpiryInputs {
        forward: live_forward(slot.forward, slot.spot_reference, spot)?,
        fixed: Price::ZERO,
        time: Seconds(left.unsigned_abs()),
        rate: Rate(slot.rate),
    };
    Ok(ExpiryMarket { inputs, svi, confidence: Ratio::ONE })
}

/// `forward · spot / spot_reference`, rounded to nearest; exactly `forward` while spot has not moved.
fn live_forward(forward: u64, spot_reference: u64, spot: Price) -> Result<Price> {
    if spot.0 == spot_reference {
        return Ok(Price(forward));
    }
    let product = u128::from(forward) * u128::from(spot.0);
    let half = u128::from(spot_reference / 2);
    let nearest = NonZero::new(spot_reference)
        .zip(product.checked_add(half))
        .and_then(|(reference, product)| wide::quotient(product, reference));
    Ok(Price(nearest.ok_or(EngineError::ForwardRange)?))
}

impl From<&RiskParameters> for CoreParameters {
    fn from(stored: &RiskParameters) -> Self {
        let ratio = |stored: u32| Ratio(u64::from(stored));
        Self {
            vol: CoreVolShock {
                range_up: ratio(stored.vol_range_up),
                range_down: ratio(stored.vol_range_down),
                short_term_power: ratio(stored.short_term_power),
                long_term_power: ratio(stored.long_term_power),
                tenor_floor: Seconds(u64::from(stored.tenor_floor)),
                min_vol_up: Vol(u64::from(stored.min_vol_up)),
            },
            scan: ScanFactors {
                initial: ratio(stored.initial_factor),
                maintenance: ratio(stored.maintenance_factor),
                ..Default::default()
            },
            charges: PositionCharges {
                perpetual_maintenance: ratio(stored.perpetual_maintenance),
                perpetual_initial: ratio(stored.perpetual_initial),
                short_option_maintenance: ratio(stored.short_option_maintenance),
                short_option_initial: ratio(stored.short_option_initial),
            },
            ..Default::default()
        }
    }
}

impl From<&Scenario> for GridScenario {
    fn from(stored: &Scenario) -> Self {
        let vol = match VolShock::from_byte(stored.vol) {
            VolShock::None => VolLevel::None,
            VolShock::Up => VolLevel::Up,
            VolShock::Down => VolLevel::Down,
        };
        let shock = CoreScenario { spot: Multiplier(stored.spot), ln_spot: stored.ln_spot, vol };
        Self { shock, weight: Ratio(u64::from(stored.weight)), extended: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_moves_with_spot() {
        assert_eq!(live_forward(101, 100, Price(100)).unwrap(), Price(101));
        assert_eq!(live_forward(102_000, 100_000, Price(50_000)).unwrap(), Price(51_000));
        assert!(live_forward(u64::MAX, 1, Price(2)).is_err());
    }
}
