//! What the module's tests share: a plain floating-point reference of the same model, written from the formulas.

use super::*;
use crate::{ExpiryInputs, Lots, Multiplier, Price, Rate, Scenario, Seconds, Svi, Usd, Vol, VolLevel};

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

pub(crate) const LOT: u64 = 10_000_000; // 0.01 unit
pub(crate) const WEEK: i64 = 604_800;
pub(crate) const QUARTER: i64 = 90 * 86_400;

/// A flat smile: raw SVI with next to no slope.
pub(crate) fn svi(vol: f64, seconds: u64, forward: f64) -> Svi {
    let a = vol * vol * seconds as f64 / YEAR;
    Svi {
        a: (a * 1e15) as i64,
        b: 0,
        rho: 0,
        m: 0,
        sigma: 1_000_000_000,
        forward: price(forward),
        time: Seconds(seconds),
    }
}

pub(crate) fn surface(expiry: i64) -> Result<ExpiryMarket, MarginError> {
    let seconds = expiry as u64;
    let (forward, vol) = if expiry == WEEK { (100_500.0, 0.6) } else { (102_000.0, 0.5) };
    Ok(ExpiryMarket {
        inputs: ExpiryInputs {
            forward: price(forward),
            fixed: Price(0),
            time: Seconds(seconds),
            rate: Rate(300_000_000),
        },
        surface: svi(vol, seconds, forward).into(),
        confidence: Ratio::ONE,
    })
}

pub(crate) struct Fixture {
    pub(crate) parameters: RiskParameters,
    pub(crate) scenarios: Vec<GridScenario>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self { parameters: parameters(), scenarios: scenarios() }
    }

    pub(crate) fn market(&self) -> Market<'_> {
        market(&self.parameters, &self.scenarios)
    }

    pub(crate) fn assess(&self, positions: &[BookPosition]) -> UnderlyingRisk {
        assess_underlying(&self.market(), positions.iter().copied(), surface, Detail::Margin, &mut Scratch::new())
            .unwrap()
    }
}

pub(crate) fn close(got: f64, want: f64) -> bool {
    (got - want).abs() <= 1e-6 * want.abs() + 1e-4
}

pub(crate) fn perpetual(lots: i64, settled: f64) -> BookPosition {
    BookPosition { settled_value: Usd((settled * 1e12) as i128), ..option(InstrumentKind::Perpetual, 0, 0.0, lots) }
}

pub(crate) fn books() -> Vec<Vec<BookPosition>> {
    use InstrumentKind::{Call, Put};
    vec![
        vec![option(Call, WEEK, 110_000.0, -100)],
        vec![option(Put, WEEK, 90_000.0, -100), option(Call, WEEK, 110_000.0, -100)],
        vec![option(Call, QUARTER, 100_000.0, 50), option(Call, QUARTER, 120_000.0, -50)],
        vec![perpetual(-150, -149_000.0)],
        vec![perpetual(100, 101_000.0), option(Call, WEEK, 105_000.0, -100), option(Put, QUARTER, 80_000.0, 70)],
        vec![option(Call, WEEK, 100_000.0, 30), option(Put, WEEK, 100_000.0, -30), perpetual(-30, -30_000.0)]
            .into_iter()
            .rev()
            .collect::<Vec<_>>(),
    ]
    .into_iter()
    .map(|mut book| {
        book.sort_by_key(|p| (p.expiry, p.strike, p.kind as u8));
        book
    })
    .collect()
}
