//! The netted requirement against a floating-point model written from the formulas alone.

use super::testing::*;
use super::*;
use crate::{Lots, Usd, VolLevel};

/// Marks and the profit of each scenario by the same model in floating point.
fn reference(fixture: &Fixture, positions: &[BookPosition]) -> (f64, Vec<f64>) {
    let lot = LOT as f64 / 1e9;
    let value = |position: &BookPosition, spot: f64, level: Option<VolLevel>| {
        let lots = position.lots.0 as f64 * lot;
        if position.kind == InstrumentKind::Perpetual {
            return lots * 100_000.0 * spot - usd(position.settled_value);
        }
        let years = position.expiry as f64 / YEAR;
        let (forward, vol) = if position.expiry == WEEK { (100_500.0, 0.6) } else { (102_000.0, 0.5) };
        let days = position.expiry as f64 / 86_400.0;
        let power = if days <= 30.0 { 0.3 } else { 0.13 };
        let tenor = (30.0 / days.max(1.0)).powf(power);
        let vol = match level {
            Some(VolLevel::Up) => (vol * (1.0 + 0.5 * tenor)).max(0.45),
            Some(VolLevel::Down) => vol * (1.0 - 0.275 * tenor).max(0.0),
            _ => vol,
        };
        let call = position.kind == InstrumentKind::Call;
        lots * black(forward * spot, position.strike.0 as f64 / 1e12, years, vol, 0.03, call)
    };
    let marks: f64 = positions.iter().map(|p| value(p, 1.0, None)).sum();
    let profit = |scenario: &GridScenario| {
        let spot = scenario.shock.spot.0 as f64 / 1e9;
        let shocked: f64 = positions.iter().map(|p| value(p, spot, Some(scenario.shock.vol))).sum();
        (shocked - marks) * scenario.weight.0 as f64 / 1e9
    };
    (marks, fixture.scenarios.iter().map(profit).collect())
}

#[test]
fn scan_risk_agrees_with_floating_point() {
    let fixture = Fixture::new();
    for book in books() {
        let risk = fixture.assess(&book);
        let (marks, profits) = reference(&fixture, &book);
        let worst = profits.iter().copied().fold(0.0, f64::min);
        assert!(close(usd(risk.mark_to_market), marks), "{} against {marks}", usd(risk.mark_to_market));
        assert!(close(usd(risk.worst), worst), "{} against {worst}: {book:?}", usd(risk.worst));
        // The scenario it names is a worst one (there may be ties).
        let named = match risk.worst_case {
            WorstCase::Scenario(index) => profits[usize::from(index)],
            _ => 0.0,
        };
        assert!(close(named, worst), "{book:?}");
    }
}

#[test]
fn charges_count_net_naked_contracts_and_gross_perpetuals() {
    use InstrumentKind::{Call, Put};
    let fixture = Fixture::new();
    let naked = |book: &[BookPosition]| {
        let risk = fixture.assess(book);
        usd(risk.maintenance_margin) + 0.8 * usd(risk.worst)
    };
    let one_short = 0.003 * 100_000.0;
    let short_call = option(Call, WEEK, 110_000.0, -100);
    assert!(close(naked(&[short_call]), one_short));
    assert!(close(naked(&[short_call, option(Put, WEEK, 110_000.0, -100)]), 2.0 * one_short));
    assert!(close(naked(&[short_call, option(Put, WEEK, 110_000.0, 100)]), 0.0));
    assert!(close(naked(&[short_call, option(Call, WEEK, 120_000.0, 100)]), one_short));
    assert!(close(naked(&[perpetual(-100, 0.0)]), 0.015 * 100_000.0));
}

#[test]
fn a_book_and_its_opposite_vanish() {
    let fixture = Fixture::new();
    for book in books() {
        let mut twice: Vec<BookPosition> = book
            .iter()
            .flat_map(|p| {
                let opposite = BookPosition { lots: Lots(-p.lots.0), settled_value: Usd(-p.settled_value.0), ..*p };
                [*p, opposite]
            })
            .collect();
        twice.sort_by_key(|p| (p.expiry, p.strike, p.kind as u8));
        let risk = fixture.assess(&twice);
        assert_eq!((risk.mark_to_market, risk.worst, risk.worst_case), (Usd(0), Usd(0), WorstCase::None));
        assert_eq!((risk.maintenance_margin, risk.initial_margin), (Usd(0), Usd(0)));
    }
}

#[test]
fn requirements_scale_with_the_book_and_initial_is_never_below_maintenance() {
    let fixture = Fixture::new();
    for book in books() {
        let one = fixture.assess(&book);
        let ten: Vec<BookPosition> = book
            .iter()
            .map(|p| BookPosition { lots: Lots(p.lots.0 * 10), settled_value: Usd(p.settled_value.0 * 10), ..*p })
            .collect();
        let ten = fixture.assess(&ten);
        assert!(close(usd(ten.maintenance_margin), 10.0 * usd(one.maintenance_margin)));
        assert!(close(usd(ten.initial_margin), 10.0 * usd(one.initial_margin)));
        assert!(one.initial_margin >= one.maintenance_margin);
    }
}

#[test]
fn unsorted_books_and_empty_grids_are_refused() {
    use InstrumentKind::Call;
    let fixture = Fixture::new();
    let assess = |book: Vec<BookPosition>| {
        assess_underlying(&fixture.market(), book, surface, Detail::Margin, &mut Scratch::new())
    };
    let (near, far) = (option(Call, WEEK, 110_000.0, 1), option(Call, QUARTER, 90_000.0, 1));
    assert_eq!(assess(vec![far, near]), Err(MarginError::Unsorted));
    assert_eq!(assess(vec![option(Call, WEEK, 120_000.0, 1), near]), Err(MarginError::Unsorted));
    assert_eq!(assess(vec![near, perpetual(1, 0.0)]), Err(MarginError::Unsorted));
    let market = Market { scenarios: &[], ..fixture.market() };
    assert_eq!(
        assess_underlying(&market, [near], surface, Detail::Margin, &mut Scratch::new()),
        Err(MarginError::ScenarioCount)
    );
}

#[test]
fn greeks_net_over_expiries_and_the_perpetual() {
    use InstrumentKind::{Call, Put};
    let fixture = Fixture::new();
    // Long call, short put of one strike and expiry: a discounted forward. Delta one, hedged by a short perpetual.
    let book =
        [perpetual(-100, -100_000.0), option(Call, QUARTER, 100_000.0, 100), option(Put, QUARTER, 100_000.0, -100)];
    let risk = assess_underlying(&fixture.market(), book, surface, Detail::Greeks, &mut Scratch::new()).unwrap();
    let in_usd = |greek| usd(NetGreeks::in_usd(greek, LOT).unwrap());
    let discount = (-0.03f64 * QUARTER as f64 / YEAR).exp();
    assert!(close(in_usd(risk.greeks.delta), 102_000.0 * discount - 100_000.0));
    assert!(in_usd(risk.greeks.gamma).abs() < 1e-3 && in_usd(risk.greeks.vega).abs() < 1e-3);
}
