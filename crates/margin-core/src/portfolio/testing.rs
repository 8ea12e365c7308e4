//! What the module's tests share: a plain floating-point reference of the same model, written from the formulas.

use super::*;
use crate::{Lots, Multiplier, Price, Scenario, Seconds, Usd, Vol, VolLevel};

pub(crate) const YEAR: f64 = 31_536_000.0;

pub(crate) fn parameters() -> RiskParameters {
    RiskParameters {
        vol: VolShock {
            range_up: Ratio(500_000_000),
            range_down: Ratio(275_000_000),
            short_term_power: Ratio(300_000_000),
            long_term_power: Ratio(130_000_000),
            tenor_floor: Seconds(86_400),
            min_vol_up: Vol(45_000_000),
        },
        scan: ScanFactors { initial: Ratio::ONE, maintenance: Ratio(800_000_000), ..Default::default() },
        charges: PositionCharges {
            perpetual_maintenance: Ratio(15_000_000),
            perpetual_initial: Ratio(5_000_000),
            short_option_maintenance: Ratio(3_000_000),
            short_option_initial: Ratio(2_000_000),
        },
        ..Default::default()
    }
}

pub(crate) fn scenarios() -> Vec<GridScenario> {
    let mut grid = Vec::new();
    let mut add = |spot: f64, vol, weight: f64, extended| {
        let spot = Multiplier((spot * 1e9).round() as u64);
        let shock = Scenario::new(spot, vol).unwrap();
        grid.push(GridScenario { shock, weight: Ratio((weight * 1e9).round() as u64), extended });
    };
    for step in -4i32..=4 {
        for vol in [VolLevel::Up, VolLevel::None, VolLevel::Down] {
            add(1.0 + 0.045 * f64::from(step), vol, 1.0, false);
        }
    }
    add(0.34, VolLevel::Up, 0.054_545_455, true);
    add(3.0, VolLevel::Up, 0.018, true);
    grid
}

pub(crate) fn market<'a>(parameters: &'a RiskParameters, scenarios: &'a [GridScenario]) -> Market<'a> {
    Market {
        spot: price(100_000.0),
        perpetual: price(100_000.0),
        stable: Price::ONE_USD,
        lot_size: 10_000_000,
        spot_confidence: Ratio::ONE,
        perpetual_confidence: Ratio::ONE,
        hedge: Usd(0),
        parameters,
        scenarios,
    }
}

/// Normal CDF by Simpson's rule on the density; error below 1e-13.
pub(crate) fn cdf(x: f64) -> f64 {
    if x.abs() > 12.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * core::f64::consts::PI).sqrt();
    let steps = 2_000;
    let h = x / f64::from(steps);
    let mut sum = density(0.0) + density(x);
    for i in 1..steps {
        sum += density(f64::from(i) * h) * if i % 2 == 1 { 4.0 } else { 2.0 };
    }
    0.5 + sum * h / 3.0
}

pub(crate) fn black(forward: f64, strike: f64, years: f64, vol: f64, rate: f64, call: bool) -> f64 {
    let discount = (-rate * years).exp();
    let deviation = vol * years.sqrt();
    let call_value = if deviation == 0.0 {
        (forward - strike).max(0.0)
    } else {
        let d1 = (forward / strike).ln() / deviation + deviation / 2.0;
        forward * cdf(d1) - strike * cdf(d1 - deviation)
    };
    discount * if call { call_value } else { call_value - forward + strike }
}

pub(crate) fn usd(amount: Usd) -> f64 {
    amount.0 as f64 / 1e12
}

pub(crate) fn price(usd: f64) -> Price {
    Price((usd * 1e12).round() as u64)
}

pub(crate) fn option(kind: InstrumentKind, expiry: i64, strike: f64, lots: i64) -> BookPosition {
    BookPosition { kind, expiry, strike: price(strike), lots: Lots(lots), settled_value: Usd(0) }
}
