//! Section 8 of the model: one market factor, residual shocks, the floor; and the adaptive range.

use super::testing::*;
use super::*;
use crate::{Multiplier, Seconds, Usd, Vol, VolLevel};
use InstrumentKind::{Call, Put};

const UNIT: i64 = 100;

fn factors() -> Vec<FactorScenario> {
    let mut factors = Vec::new();
    for step in -4i64..=4 {
        for vol in [VolLevel::Up, VolLevel::Down] {
            factors.push(FactorScenario { market_move: SignedRatio(45_000_000 * step), vol, weight: Ratio::ONE });
        }
    }
    factors
}

fn exposure(beta: f64, residual: f64) -> FactorExposure {
    FactorExposure { beta: SignedRatio((beta * 1e9) as i64), residual: Ratio((residual * 1e9) as u64) }
}

/// Books of several underlyings with the same market.
fn cross(
    fixture: &Fixture,
    floor: f64,
    held: &[(&[BookPosition], FactorExposure)],
) -> (CrossRisk, Vec<UnderlyingRisk>) {
    let factors = factors();
    let mut scan = CrossScan::new(Correlation { scenarios: &factors, floor: Ratio((floor * 1e9) as u64) });
    let mut scratch = Scratch::new();
    let alone = held
        .iter()
        .map(|(book, exposure)| {
            let book = book.iter().copied();
            scan.assess(&fixture.market(), exposure, book, surface, Detail::Margin, &mut scratch).unwrap()
        })
        .collect();
    (scan.finish().unwrap(), alone)
}

#[test]
fn opposite_linear_books_leave_their_betas_difference_and_residuals() {
    let fixture = Fixture::new();
    let (long, short) = ([perpetual(UNIT, 100_000.0)], [perpetual(-UNIT, -100_000.0)]);
    let held: [(&[BookPosition], _); 2] = [(&long, exposure(1.0, 0.3)), (&short, exposure(1.2, 0.4))];
    let (risk, alone) = cross(&fixture, 0.0, &held);
    // f = ±18 %: 100 000·(1 − 1.2)·0.18; residuals 0.3 and 0.4 of 18 %.
    assert!(close(usd(risk.systematic), 0.2 * 18_000.0), "{}", usd(risk.systematic));
    assert!(close(usd(risk.idiosyncratic), 0.5 * 18_000.0), "{}", usd(risk.idiosyncratic));
    assert!(close(usd(risk.stand_alone), 2.0 * 18_000.0));
    assert_eq!(risk.scan_risk.0, risk.systematic.0 + risk.idiosyncratic.0);
    let sum = |of: fn(&UnderlyingRisk) -> Usd| alone.iter().map(|risk| usd(of(risk))).sum::<f64>();
    let besides = sum(|risk| risk.initial_margin) - usd(risk.stand_alone);
    assert!(close(usd(risk.initial_margin), usd(risk.scan_risk) + besides));
    let besides = sum(|risk| risk.maintenance_margin) - 0.8 * usd(risk.stand_alone);
    assert!(close(usd(risk.maintenance_margin), 0.8 * usd(risk.scan_risk) + besides));
    assert!(close(usd(risk.mark_to_market), 0.0));

    // The day correlations break.
    let (floored, _) = cross(&fixture, 0.5, &held);
    assert!(close(usd(floored.scan_risk), 18_000.0));
    assert_eq!((floored.systematic, floored.idiosyncratic), (risk.systematic, risk.idiosyncratic));
    let mut account = AccountRisk::new(Usd(0));
    account.add_cross(&floored).unwrap();
    assert_eq!(
        (account.initial_margin, account.maintenance_margin),
        (floored.initial_margin, floored.maintenance_margin)
    );
}

#[test]
fn the_systematic_loss_is_the_worst_of_the_sums() {
    let fixture = Fixture::new();
    // One loses on the way up, the other on the way down: no scenario is the worst of both.
    let (calls, puts) = ([option(Call, WEEK, 110_000.0, -UNIT)], [option(Put, WEEK, 90_000.0, -UNIT)]);
    let (up, down) = (exposure(1.0, 0.0), exposure(0.8, 0.0));
    let both = cross(&fixture, 0.0, &[(&calls, up), (&puts, down)]).0;
    let each = [cross(&fixture, 0.0, &[(&calls, up)]).0, cross(&fixture, 0.0, &[(&puts, down)]).0];
    let sum = usd(each[0].systematic) + usd(each[1].systematic);
    let largest = usd(each[0].systematic).max(usd(each[1].systematic));
    assert!(usd(both.systematic) < 0.8 * sum && usd(both.systematic) > 0.9 * largest, "{} {sum}", usd(both.systematic));
    // Without residuals only vol could hurt the residual grids, whose vol scenarios remain.
    assert!(usd(both.idiosyncratic) > 0.0);
    // A negative beta turns the market around.
    let turned = cross(&fixture, 0.0, &[(&calls, exposure(-1.0, 0.0))]).0;
    assert!((usd(turned.systematic) - usd(each[0].systematic)).abs() < 1e-6, "the factor's moves are symmetric");
    // A book and its opposite in the same underlying vanish.
    let netted = [option(Call, WEEK, 110_000.0, -UNIT), option(Call, WEEK, 110_000.0, UNIT)];
    let nothing = cross(&fixture, 0.5, &[(&netted, up)]).0;
    assert_eq!((nothing.scan_risk, nothing.initial_margin), (Usd(0), Usd(0)));
}

#[test]
fn initial_is_never_below_maintenance_across_underlyings() {
    let fixture = Fixture::new();
    let books = books();
    for (first, second) in books.iter().zip(books.iter().skip(1)) {
        for (floor, beta) in [(0.0, 1.0), (0.4, -0.5), (1.0, 2.0)] {
            let (risk, alone) = cross(&fixture, floor, &[(first, exposure(1.0, 0.5)), (second, exposure(beta, 0.7))]);
            assert!(risk.initial_margin >= risk.maintenance_margin);
            assert!(usd(risk.scan_risk) >= floor * usd(risk.stand_alone) - 1e-6);
            let stand_alone: i128 = alone.iter().map(|risk| risk.scan_risk.0).sum();
            assert_eq!(risk.stand_alone.0, stand_alone);
        }
    }
}

#[test]
fn too_many_factor_scenarios_are_refused() {
    let fixture = Fixture::new();
    let factors: Vec<FactorScenario> = factors().into_iter().cycle().take(MAX_GRID + 1).collect();
    let mut scan = CrossScan::new(Correlation { scenarios: &factors, floor: Ratio::ZERO });
    let answer = scan.assess(
        &fixture.market(),
        &exposure(1.0, 1.0),
        [perpetual(1, 0.0)],
        surface,
        Detail::Margin,
        &mut Scratch::new(),
    );
    assert_eq!(answer, Err(MarginError::ScenarioCount));
}

fn adaptive() -> AdaptiveRange {
    AdaptiveRange {
        reference: Ratio(180_000_000),
        floor: Ratio(90_000_000),
        deviations: Ratio(3_000_000_000),
        horizon: Seconds(86_400),
        least: Ratio(500_000_000),
        most: Ratio(2_000_000_000),
        daily_change: Ratio(100_000_000),
    }
}

#[test]
fn the_range_follows_vol_between_its_bounds() {
    let range = adaptive();
    for vol in [0.0, 0.2, 0.6, 1.1468, 2.0, 5.0, 1e4] {
        let want = ((3.0 * vol * (1.0f64 / 365.0).sqrt()).max(0.09) / 0.18).clamp(0.5, 2.0);
        let got = range.target(Vol((vol * 1e8) as u64)).0 as f64 / 1e9;
        assert!((got - want).abs() < 1e-7, "{vol}: {got} against {want}");
    }
    assert_eq!(AdaptiveRange::default().target(Vol(u64::MAX)), Ratio::ONE);
}

#[test]
fn the_range_moves_no_faster_than_allowed() {
    let (range, calm, wild) = (adaptive(), Vol(20_000_000), Vol(400_000_000));
    let hour = Seconds(3_600);
    assert_eq!(range.next(Ratio::ONE, Seconds(86_400), wild), Ratio(1_100_000_000));
    assert_eq!(range.next(Ratio::ONE, hour, wild), Ratio(1_004_166_666));
    assert_eq!(range.next(Ratio::ONE, hour, calm), Ratio(995_833_334));
    assert_eq!(range.next(Ratio::ONE, Seconds(0), wild), Ratio::ONE);
    assert_eq!(range.next(range.target(wild), Seconds(u64::MAX), wild), range.target(wild));
    let mut scale = Ratio::ONE;
    for _ in 0..24 * 30 {
        scale = range.next(scale, hour, wild);
    }
    assert_eq!(scale, range.target(wild));
}

#[test]
fn a_scaled_grid_scales_its_moves_and_its_losses() {
    let mut fixture = Fixture::new();
    let book = [perpetual(UNIT, 100_000.0)];
    let before = usd(fixture.assess(&book).worst);
    let base = fixture.scenarios.clone();
    let by = |scale| base.iter().map(|scenario| scenario.scaled(scale).unwrap()).collect::<Vec<_>>();
    fixture.scenarios = by(Ratio(1_250_000_000));
    assert!(close(usd(fixture.assess(&book).worst), 1.25 * before));
    for (scaled, own) in fixture.scenarios.iter().zip(&base) {
        let want = (1.0 + 1.25 * (own.shock.spot.0 as f64 / 1e9 - 1.0)).max(0.01);
        assert!((scaled.shock.spot.0 as f64 / 1e9 - want).abs() < 1e-9);
        assert_eq!(scaled.shock, crate::Scenario::new(scaled.shock.spot, own.shock.vol).unwrap());
    }
    assert_eq!(by(Ratio::ONE), base);
    let tail = base.last().unwrap().scaled(Ratio(1_000_000_000_000)).unwrap();
    assert_eq!(tail.shock.spot, crate::MAX_MULTIPLIER);
    assert_eq!(base[0].scaled(Ratio(1_000_000_000_000)).unwrap().shock.spot, Multiplier(10_000_000));
}
