//! Stored positions, surfaces and prices as the core crate's inputs.

use core::num::NonZero;

use anchor_lang::prelude::*;
use margin_core::{
    Expiry, ExpiryInputs, KernelError, Lots, OptionKind, Price, Rate, Seconds, SviSlice, Usd,
    portfolio::{BookPosition, ExpiryMarket, InstrumentKind as CoreKind, Ratio, Surface},
    value, wide,
};

use super::{amounts::usd_in_atom, margin_error};
use crate::{
    error::EngineError,
    oracle::PriceUse,
    risk_accounts::UnderlyingView,
    state::{Instrument, InstrumentKind, Position, Underlying},
};

/// A stored position of known kind for the core.
pub(super) fn book_position(position: &Position, state: &Underlying, decimals: u8) -> BookPosition {
    let kind = match InstrumentKind::from_byte(position.kind) {
        Some(InstrumentKind::Call) => CoreKind::Call,
        Some(InstrumentKind::Put) => CoreKind::Put,
        Some(InstrumentKind::Future) => CoreKind::Future,
        Some(InstrumentKind::DigitalCall) => CoreKind::DigitalCall,
        Some(InstrumentKind::DigitalPut) => CoreKind::DigitalPut,
        Some(InstrumentKind::Perpetual) | None => CoreKind::Perpetual,
    };
    // Options have none, and a product of 128 bits costs more than the rest.
    let mut settled_value = if position.settled_value == 0 { Usd::ZERO } else { settled_usd(position, decimals) };
    let funding_index = state.perpetual.funding.index;
    if kind == CoreKind::Perpetual && position.funding_index != funding_index {
        // What is owed counts as if the position had been settled at so much more. Beyond every range the core refuses it.
        let owed = position.funding(funding_index, state.lot_size);
        settled_value = Usd(settled_value.0.saturating_add(owed.0));
    }
    BookPosition {
        kind,
        expiry: position.expiry,
        strike: Price(position.strike),
        lots: Lots(position.lots),
        settled_value,
    }
}

#[inline(never)]
fn settled_usd(position: &Position, decimals: u8) -> Usd {
    Usd(i128::from(position.settled_value) * i128::from(usd_in_atom(decimals)))
}

/// The live market of an expiry: forward moved with spot in proportion since it was taken, the published surface, the
/// time left. Inside the settlement window the share of the average that has been observed no longer moves. An expired
/// series that is not settled yet counts at intrinsic value: against its average, of which the share of the samples that
/// are still missing (the oracle failed) counts at spot and moves with it.
pub(super) fn expiry_market(view: &UnderlyingView, expiry: i64, usage: PriceUse, now: i64) -> Result<ExpiryMarket> {
    let state = &*view.state;
    let slot = state.expiry(expiry).ok_or(EngineError::ExpiryUnknown)?;
    require!(slot.updated_at > 0, EngineError::SurfaceMissing);
    let surface = Surface::Slice(SviSlice::from_words(&slot.slice));
    let confidence = Ratio(slot.confidence);
    let spot = view.price.price;
    let left = expiry.saturating_sub(now);
    if left <= 0 {
        let (missing, needed) = (state.samples_missing(slot), state.samples_needed());
        let (forward, fixed) = settlement_split(spot, slot.observed_average, u64::from(missing), needed);
        let inputs = ExpiryInputs { forward, fixed, ..Default::default() };
        return Ok(ExpiryMarket { inputs, surface, confidence });
    }
    // Solvency does not wait for a publisher: without him, liquidation goes by his last word, moved with spot.
    let is_usable = usage == PriceUse::Liquidation || is_within(slot.updated_at, state.max_surface_age, now);
    require!(is_usable, EngineError::SurfaceStale);
    let forward = live(slot.forward, slot.spot_reference, spot)?;
    let (forward, fixed) =
        settlement_split(forward, slot.observed_average, left.unsigned_abs(), state.settlement_window);
    let inputs = ExpiryInputs { forward, fixed, time: Seconds(left.unsigned_abs()), rate: Rate(slot.rate) };
    Ok(ExpiryMarket { inputs, surface, confidence })
}

/// The part of the settlement average that still moves, and the part that is fixed: `forward·left/window`, rounded to
/// nearest, and the rest of the average at what was observed (at the forward, where nothing was). Before the expiry time is
/// the measure, as if samples were spread evenly; after it the samples themselves, so that at the end both agree.
fn settlement_split(forward: Price, observed: u64, left: u64, window: u32) -> (Price, Price) {
    let window = u64::from(window);
    if left >= window {
        return (forward, Price::ZERO);
    }
    // 64 bits times at most 17, over a window above `left`.
    let share = |price: u64, part: u64| {
        let product = u128::from(price) * u128::from(part) + u128::from(window / 2);
        (product / u128::from(window.max(1))) as u64
    };
    let variable = share(forward.0, left);
    let fixed = if observed == 0 { forward.0 - variable } else { share(observed, window - left) };
    (Price(variable), Price(fixed))
}

/// Mark of the perpetual and the confidence in it: the published one, moved with spot in proportion. The index until there is
/// one, and for liquidation once it is too old.
pub(super) fn perpetual_market(view: &UnderlyingView, usage: PriceUse, now: i64) -> Result<(Price, Ratio)> {
    let state = &*view.state;
    let slot = &state.perpetual;
    let liquidates = usage == PriceUse::Liquidation;
    if slot.updated_at == 0 || liquidates && !is_within(slot.updated_at, state.liquidation_max_mark_age, now) {
        return Ok((view.price.price, Ratio::ONE));
    }
    require!(liquidates || is_within(slot.updated_at, state.max_surface_age, now), EngineError::PerpetualStale);
    Ok((live(slot.mark, slot.spot_reference, view.price.price)?, Ratio(slot.confidence)))
}

/// Mark of any instrument whose series is alive, per unit of the underlying.
pub(super) fn mark(instrument: &Instrument, view: &UnderlyingView, usage: PriceUse, now: i64) -> Result<Price> {
    let kind = match instrument.kind {
        InstrumentKind::Perpetual | InstrumentKind::Future => return linear_mark(instrument, view, usage, now),
        InstrumentKind::Call => OptionKind::Call,
        InstrumentKind::Put => OptionKind::Put,
        InstrumentKind::DigitalCall => OptionKind::DigitalCall,
        InstrumentKind::DigitalPut => OptionKind::DigitalPut,
    };
    let market = expiry_market(view, instrument.expiry, usage, now)?;
    let strike = Price(instrument.strike);
    option_mark(&market, strike, kind).map_err(|error| margin_error(error.into()).into())
}

#[inline(never)]
fn option_mark(market: &ExpiryMarket, strike: Price, kind: OptionKind) -> core::result::Result<Price, KernelError> {
    let vol = market.surface.prepared()?.vol(strike)?;
    value(&Expiry::prepare(market.inputs)?, strike, vol, kind)
}

/// Mark of a linear instrument.
fn linear_mark(instrument: &Instrument, view: &UnderlyingView, usage: PriceUse, now: i64) -> Result<Price> {
    if instrument.kind == InstrumentKind::Perpetual {
        return Ok(perpetual_market(view, usage, now)?.0);
    }
    let ExpiryInputs { forward, fixed, .. } = expiry_market(view, instrument.expiry, usage, now)?.inputs;
    Ok(forward.checked_add(fixed).ok_or(EngineError::Overflow)?)
}

fn is_within(published_at: i64, max_age: u32, now: i64) -> bool {
    now.saturating_sub(published_at) <= i64::from(max_age)
}

/// `published · spot / spot_reference`, rounded to nearest; exactly `published` while spot has not moved.
fn live(published: u64, spot_reference: u64, spot: Price) -> Result<Price> {
    if spot.0 == spot_reference {
        return Ok(Price(published));
    }
    let product = u128::from(published) * u128::from(spot.0);
    let half = u128::from(spot_reference / 2);
    let nearest = NonZero::new(spot_reference)
        .zip(product.checked_add(half))
        .and_then(|(reference, product)| wide::quotient(product, reference));
    Ok(Price(nearest.ok_or(EngineError::ForwardRange)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_prices_move_with_spot() {
        assert_eq!(live(101, 100, Price(100)).unwrap(), Price(101));
        assert_eq!(live(102_000, 100_000, Price(50_000)).unwrap(), Price(51_000));
        assert!(live(u64::MAX, 1, Price(2)).is_err());
    }

    #[test]
    fn a_settlement_window_fixes_what_was_observed() {
        let split = |observed, left, window| {
            let (variable, fixed) = settlement_split(Price(1_000), observed, left, window);
            (variable.0, fixed.0)
        };
        assert_eq!(split(0, 1_800, 1_800), (1_000, 0));
        assert_eq!(split(0, 900, 1_800), (500, 500));
        assert_eq!(split(800, 900, 1_800), (500, 400));
        assert_eq!(split(800, 1, 3), (333, 533));
        assert_eq!(split(800, 5, 0), (1_000, 0));
        assert_eq!(settlement_split(Price(u64::MAX), u64::MAX, 1, 2).0, Price(1 << 63));
    }
}
