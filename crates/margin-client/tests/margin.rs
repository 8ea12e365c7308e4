//! Off-chain margin against a separate model in floating point, and the laws between its parts.

mod common;

use common::*;
use margin_client::{
    errors::EngineError,
    margin::{MarginFailure, PriceUse, Snapshot},
    presets::{self, MarginModel},
    pyth::{PriceUpdate, VerificationLevel, feeds},
    state::{InstrumentKind, MarginAccount, VolShock},
};
use margin_core::{
    Multiplier, Price,
    portfolio::{FactorExposure, GridScenario, Ratio, RiskParameters, StandardParameters},
};

const USAGE: PriceUse = PriceUse::RaiseRisk;

/// Black-76, raw SVI and the scan of `presets::major` in `f64`, for BTC and one expiry.
mod reference {
    use super::common::{BTC_SPOT, EXPIRY, NOW};
    use margin_client::{presets, state::VolShock};

    pub const SPOT: f64 = BTC_SPOT as f64 / 1e12;
    const FORWARD: f64 = 94_459.67;
    const LOT: f64 = 0.01;

    #[derive(Clone, Copy)]
    pub enum Leg {
        Call(f64),
        Put(f64),
        Perpetual,
    }

    fn years() -> f64 {
        (EXPIRY - NOW) as f64 / 31_536_000.0
    }

    fn normal(x: f64) -> f64 {
        0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
    }

    fn vol(strike: f64) -> f64 {
        let (a, b, rho, m, sigma) =
            (-0.055308998518962, 0.124314337931202, -0.323973409159180, -0.148243182576226, 0.572848159919208);
        // The wings stop at four standard deviations of the smile's middle.
        let limit = 4.0 * f64::sqrt(a + b * sigma);
        let k = f64::ln(strike / FORWARD).clamp(-limit, limit);
        let w = a + b * (rho * (k - m) + f64::hypot(k - m, sigma));
        (w / years()).sqrt()
    }

    /// Value of one unit with spot and vol shocked. The published rate is zero.
    pub fn value(leg: Leg, spot_factor: f64, vol_factor: f64, floor: f64) -> f64 {
        let (strike, sign) = match leg {
            Leg::Perpetual => return SPOT * spot_factor,
            Leg::Call(strike) => (strike, 1.0),
            Leg::Put(strike) => (strike, -1.0),
        };
        let forward = FORWARD * spot_factor;
        let deviation = (vol(strike) * vol_factor).max(floor) * years().sqrt();
        let d1 = (forward / strike).ln() / deviation + deviation / 2.0;
        sign * (forward * normal(sign * d1) - strike * normal(sign * (d1 - deviation)))
    }

    pub struct Margin {
        pub marks: f64,
        pub worst: f64,
        pub initial: f64,
        pub maintenance: f64,
    }

    /// `naked` and `perpetuals`: lots that pay the position charges.
    pub fn margin(book: &[(Leg, f64)], naked: f64, perpetuals: f64) -> Margin {
        let model = presets::major();
        // (30 d / time)^0.3: the expiry lies within thirty days.
        let tenor = (30.0 / (365.0 * years())).powf(0.3);
        let total = |spot: f64, vol: f64, floor: f64| -> f64 {
            book.iter().map(|(leg, lots)| lots * LOT * value(*leg, spot, vol, floor)).sum()
        };
        let marks = total(1.0, 1.0, 0.0);
        let worst = model
            .scenarios
            .iter()
            .map(|scenario| {
                let (vol, floor) = match scenario.vol {
                    VolShock::None => (1.0, 0.0),
                    VolShock::Up => (1.0 + 0.5 * tenor, 0.45),
                    VolShock::Down => (1.0 - 0.275 * tenor, 0.0),
                    VolShock::SkewLinear | VolShock::SkewAbs => panic!("the default grid has no skew scenarios"),
                };
                (total(scenario.spot as f64 / 1e9, vol, floor) - marks) * f64::from(scenario.weight) / 1e9
            })
            .fold(0.0, f64::min);
        let charge = |perpetual: f64, short: f64| LOT * SPOT * (perpetual * perpetuals + short * naked);
        Margin { marks, worst, initial: -worst + charge(0.02, 0.005), maintenance: -0.8 * worst + charge(0.015, 0.003) }
    }
}

use reference::Leg;

/// To 1e-6 relative or a cent.
fn assert_close(atoms: i64, usd: f64, what: &str) {
    let tolerance = (usd.abs() * 1e-6).max(0.01);
    assert!((atoms as f64 / 1e6 - usd).abs() <= tolerance, "{what}: {} against {usd}", atoms as f64 / 1e6);
}

fn check_against_reference(
    positions: &[(margin_client::state::Instrument, i64, i64)],
    book: &[(Leg, f64)],
    naked: f64,
    perpetuals: f64,
) {
    let settled: i64 = positions.iter().map(|(_, _, settled)| settled).sum();
    let account = with_positions(account(50_000 * ATOM), positions);
    let report = snapshot().report(&account, USAGE, NOW).unwrap();
    let want = reference::margin(book, naked, perpetuals);
    assert_close(report.positions_value + settled, want.marks, "marks");
    assert_close(report.equity + settled, 50_000.0 + want.marks, "equity");
    assert_close(report.underlyings[0].portfolio().unwrap().worst_profit, want.worst, "worst");
    assert_close(report.initial_margin, want.initial, "initial margin");
    assert_close(report.maintenance_margin, want.maintenance, "maintenance margin");
}

#[test]
fn figures_agree_with_floating_point() {
    let call = |strike| option(BTC, InstrumentKind::Call, strike);
    let put = |strike| option(BTC, InstrumentKind::Put, strike);
    // A short strangle.
    check_against_reference(
        &[(call(110_000), -100, 0), (put(80_000), -100, 0)],
        &[(Leg::Call(110e3), -100.0), (Leg::Put(80e3), -100.0)],
        200.0,
        0.0,
    );
    // A call spread: the short strike counts as naked, strike by strike.
    check_against_reference(
        &[(call(95_000), 250, 0), (call(105_000), -250, 0)],
        &[(Leg::Call(95e3), 250.0), (Leg::Call(105e3), -250.0)],
        250.0,
        0.0,
    );
    // A covered perpetual, and a far call that only the tails reach.
    check_against_reference(
        &[(perpetual(BTC), 100, 90_000 * ATOM), (call(100_000), -100, 0), (call(200_000), -500, 0)],
        &[(Leg::Perpetual, 100.0), (Leg::Call(100e3), -100.0), (Leg::Call(200e3), -500.0)],
        600.0,
        100.0,
    );
    // A lone long put: what it can lose is its value.
    check_against_reference(&[(put(90_000), 40, 0)], &[(Leg::Put(90e3), 40.0)], 0.0, 0.0);
}

#[test]
fn greeks_agree_with_differences() {
    let account =
        with_positions(account(0), &[(option(BTC, InstrumentKind::Call, 100_000), -200, 0), (perpetual(BTC), 60, 0)]);
    let report = snapshot().report(&account, USAGE, NOW).unwrap();
    let greeks = report.underlyings[0].greeks;
    let value = |spot: f64, vol: f64| {
        -2.0 * reference::value(Leg::Call(100e3), spot, vol, 0.0)
            + 0.6 * reference::value(Leg::Perpetual, spot, vol, 0.0)
    };
    let h = 1e-4;
    // Units of BTC: dV/dS.
    let delta = (value(1.0 + h, 1.0) - value(1.0 - h, 1.0)) / (2.0 * h * reference::SPOT);
    // Change of delta for a rise of spot by 1 %.
    let gamma = (value(1.0 + h, 1.0) - 2.0 * value(1.0, 1.0) + value(1.0 - h, 1.0)) / (h * h) / reference::SPOT * 0.01;
    assert!((greeks.delta as f64 / 1e9 - delta).abs() < 2e-5, "{} against {delta}", greeks.delta);
    assert!((greeks.gamma as f64 / 1e9 - gamma).abs() < 2e-5, "{} against {gamma}", greeks.gamma);
    assert!(greeks.vega < 0 && greeks.theta > 0, "a short call is short vol and earns time: {greeks:?}");
}

fn diversified() -> Box<MarginAccount> {
    let mut account = with_positions(
        account(20_000 * ATOM),
        &[
            (perpetual(BTC), 30, 28_000 * ATOM),
            (option(BTC, InstrumentKind::Call, 95_000), 100, 0),
            (option(BTC, InstrumentKind::Call, 105_000), -100, 0),
            (option(ETH, InstrumentKind::Put, 3_000), -500, 0),
        ],
    );
    account.set_balance(SOL_COLLATERAL, 100_000_000_000).unwrap();
    account
}

#[test]
fn scenarios_contain_the_worst_one_of_the_report() {
    let (snapshot, account) = (snapshot(), diversified());
    let report = snapshot.report(&account, USAGE, NOW).unwrap();
    for underlying in &report.underlyings {
        let scenarios = snapshot.scenarios(&account, underlying.index, USAGE, NOW).unwrap();
        assert_eq!(scenarios.len(), 31);
        let (at, worst) = scenarios.iter().enumerate().min_by_key(|(_, scenario)| scenario.profit).unwrap();
        let parts = underlying.portfolio().unwrap();
        assert_eq!(at, usize::from(parts.worst_case));
        assert_eq!(worst.profit, parts.worst_profit);
        // Nothing happens where neither spot nor vol moves.
        let still = scenarios.iter().find(|s| s.spot.0 == 1_000_000_000 && s.vol == VolShock::None).unwrap();
        assert!(still.profit.abs() < 10_000, "{}", still.profit);
    }
    // A long perpetual alone: exactly linear, gains and losses.
    let long = with_positions(common::account(0), &[(perpetual(BTC), 100, 0)]);
    for scenario in snapshot.scenarios(&long, BTC, USAGE, NOW).unwrap() {
        let change = scenario.spot.0 as f64 / 1e9 - 1.0;
        assert_close(scenario.profit, reference::SPOT * change * scenario.weight.0 as f64 / 1e9, "linear");
    }
    assert!(snapshot.scenarios(&long, ETH, USAGE, NOW).unwrap().is_empty());
}

#[test]
fn netting_never_costs_more_than_positions_one_by_one() {
    let (snapshot, account) = (snapshot(), diversified());
    let report = snapshot.report(&account, USAGE, NOW).unwrap();
    let apart = snapshot.position_by_position(&account, USAGE, NOW).unwrap();
    let each = snapshot.stand_alone(&account, USAGE, NOW).unwrap();
    assert_eq!(each.len(), 4);
    assert!(apart.initial_margin > report.initial_margin, "{apart:?} {report:?}");
    assert!(apart.maintenance_margin > report.maintenance_margin);
    // Collateral counts alike in both: 100 SOL at 137 USD, haircuts 10 % and 5 %.
    let haircut: i64 = 100 * 137 * ATOM / 100;
    let sum: i64 = each.iter().map(|position| position.initial_margin).sum();
    assert_eq!(apart.initial_margin, sum + 15 * haircut);
    let sum: i64 = each.iter().map(|position| position.maintenance_margin).sum();
    assert_eq!(apart.maintenance_margin, sum + 10 * haircut);
    // Values add up but for one atom a position.
    let value: i64 = each.iter().map(|position| position.value).sum();
    assert!((report.positions_value - value).abs() <= 4);

    // One position alone costs the same either way.
    let alone = with_positions(common::account(0), &[(option(ETH, InstrumentKind::Put, 3_000), -500, 0)]);
    let report = snapshot.report(&alone, USAGE, NOW).unwrap();
    let apart = snapshot.position_by_position(&alone, USAGE, NOW).unwrap();
    assert_eq!((apart.initial_margin, apart.maintenance_margin), (report.initial_margin, report.maintenance_margin));
}

#[test]
fn what_if_prices_move_the_report() {
    let mut snapshot = snapshot();
    let account = with_positions(account(10_000 * ATOM), &[(perpetual(BTC), 10, 0)]);
    let before = snapshot.report(&account, USAGE, NOW).unwrap();
    // 0.1 BTC, up by 1 000 USD: 100 USD.
    assert_eq!(snapshot.set_price(&feeds::BTC_USD, Price(BTC_SPOT + 1_000 * USD), NOW), 1);
    let after = snapshot.report(&account, USAGE, NOW).unwrap();
    assert_eq!(after.equity - before.equity, 100 * ATOM);
    assert_eq!(snapshot.set_price(&feeds::USDC_USD, Price(USD), NOW), 0);
}

#[test]
fn the_programs_refusals_come_through() {
    let account = diversified();
    let refusal = |snapshot: &Snapshot, usage, now| match snapshot.report(&account, usage, now) {
        Err(MarginFailure::Program(error)) => error.code,
        other => panic!("{other:?}"),
    };
    let code = |error: EngineError| u32::from(error);
    let stale_for_trading = NOW + 100;
    assert_eq!(refusal(&snapshot(), USAGE, stale_for_trading), code(EngineError::OracleStale));
    assert!(snapshot().report(&account, PriceUse::Liquidation, stale_for_trading).is_ok());
    assert_eq!(refusal(&snapshot(), USAGE, NOW - 100), code(EngineError::OracleFuture));

    let update = PriceUpdate::new(feeds::BTC_USD, Price(BTC_SPOT), Price(BTC_SPOT / 1_000), NOW);
    let mut changed = snapshot();
    changed
        .insert(key(100), PriceUpdate { level: VerificationLevel::Partial { num_signatures: 12 }, ..update }.account());
    assert_eq!(refusal(&changed, USAGE, NOW), code(EngineError::OracleVerification));
    changed.insert(key(100), PriceUpdate { confidence: BTC_SPOT / 20, ..update }.account());
    assert_eq!(refusal(&changed, USAGE, NOW), code(EngineError::OracleConfidence));
    changed.insert(key(100), PriceUpdate { price: 0, ..update }.account());
    assert_eq!(refusal(&changed, USAGE, NOW), code(EngineError::OraclePrice));

    let partly = Snapshot::new(engine(), directory(), [(key(102), price_account(feeds::SOL_USD, SOL_SPOT))]);
    assert_eq!(partly.report(&account, USAGE, NOW), Err(MarginFailure::NotFetched(sol_collateral().address)));
}

#[test]
fn the_default_grids_are_what_the_table_says() {
    for (model, edge) in [(presets::major(), 180_000_000), (presets::high_beta(), 240_000_000)] {
        let MarginModel { parameters, scenarios } = &model;
        let grid: Vec<GridScenario> = scenarios
            .iter()
            .map(|scenario| GridScenario {
                shock: margin_core::Scenario::new(Multiplier(scenario.spot), scenario.vol.into()).unwrap(),
                weight: Ratio(u64::from(scenario.weight)),
                extended: scenario.extended,
            })
            .collect();
        RiskParameters::from(&parameters.risk).validate(&grid).unwrap();
        StandardParameters::from(&parameters.standard).validate().unwrap();
        FactorExposure::from(&parameters.exposure).validate().unwrap();
        assert_eq!(model.scenarios.len(), 31);
        let inner: Vec<_> = model.scenarios.iter().filter(|s| s.weight == 1_000_000_000).collect();
        assert_eq!(inner.len(), 25);
        assert!(inner.iter().all(|s| s.spot.abs_diff(1_000_000_000) <= edge));
        assert_eq!(inner.iter().filter(|s| s.spot.abs_diff(1_000_000_000) == edge).count(), 4);
        // A linear book loses a fifth of the edge in every tail, to a billionth of the notional.
        for tail in model.scenarios.iter().filter(|s| s.weight != 1_000_000_000) {
            let loss = u128::from(tail.spot.abs_diff(1_000_000_000)) * u128::from(tail.weight) / 1_000_000_000;
            assert!(loss.abs_diff(u128::from(edge) / 5) <= 3, "{tail:?}: {loss}");
            assert_eq!(tail.vol, VolShock::Up);
        }
    }
    presets::liquidation().validate().unwrap();
}
