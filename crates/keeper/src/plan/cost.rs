//! What it costs to get rid of a slice.

use margin_client::state::{InstrumentKind, MarginAccount, Position};
use margin_engine::{constants::RATIO_ONE, risk::cost_atoms};

use super::Settings;
use crate::health::Judge;

/// Cost of unwinding what `after` holds more than `before`, in quote atoms; every part rounded up.
///
/// Notional is lots at the index, also for options (their fees and spreads are quoted on it). Saturates: what does not fit is
/// a cost that no bid can earn.
pub fn unwinding(judge: &Judge, before: &MarginAccount, after: &MarginAccount, settings: &Settings) -> i64 {
    after.positions().iter().fold(0i64, |sum, position| {
        let held = position.instrument().and_then(|instrument| before.position(&instrument)).map_or(0, |p| p.lots);
        let growth = position.lots.unsigned_abs().saturating_sub(held.unsigned_abs());
        sum.saturating_add(cost(judge, position, growth, settings))
    })
}

fn cost(judge: &Judge, position: &Position, lots: u64, settings: &Settings) -> i64 {
    if lots == 0 {
        return 0;
    }
    let option = InstrumentKind::from_byte(position.kind).is_none_or(InstrumentKind::is_option);
    let share = if option { settings.unwind_option } else { settings.unwind_linear };
    let notional = judge.markets.underlying(position.underlying).and_then(|view| {
        let lots = i64::try_from(lots).unwrap_or(i64::MAX);
        cost_atoms(lots, view.price.price.0, view.state.lot_size, judge.engine.quote_decimals)
    });
    let Ok(notional) = notional else { return i64::MAX };
    let cost = (u128::from(notional.unsigned_abs()) * u128::from(share)).div_ceil(u128::from(RATIO_ONE));
    i64::try_from(cost).unwrap_or(i64::MAX)
}
