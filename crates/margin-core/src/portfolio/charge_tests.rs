//! Charges and measures that no published vector constrains, against figures worked out by hand from independent Greeks.

use super::testing::*;
use super::*;
use crate::{Lots, Price, Usd};
use InstrumentKind::{Call, Future, Put};

/// Deltas and vegas of one unit in floating point: (delta, vega in USD for 1.00 of vol).
fn greeks(expiry: i64, strike: f64, call: bool) -> (f64, f64) {
    let (forward, vol) = if expiry == WEEK { (100_500.0, 0.6) } else { (102_000.0f64, 0.5) };
    let years = expiry as f64 / YEAR;
    let deviation = vol * f64::sqrt(years);
    let d1 = (forward / strike).ln() / deviation + deviation / 2.0;
    let delta = cdf(d1) - if call { 0.0 } else { 1.0 };
    let density = (-d1 * d1 / 2.0).exp() / (2.0 * core::f64::consts::PI).sqrt();
    (delta, (-0.03 * years).exp() * forward * density * years.sqrt())
}

/// The model of the fixture with something more.
fn with(change: impl FnOnce(&mut RiskParameters)) -> Fixture {
    let mut fixture = Fixture::new();
    change(&mut fixture.parameters);
    fixture
}

/// One unit is a hundred lots.
const UNIT: i64 = 100;

#[test]
fn roll_charges_each_expiry_and_the_perpetual() {
    let book = |gross| {
        let fixture = with(|model| {
            model.roll = Roll { min_move: Ratio(10_000_000), annual_move: Ratio(200_000_000), gross };
        });
        usd(fixture
            .assess(&[
                perpetual(-UNIT, -100_000.0),
                option(Future, QUARTER, 0.0, UNIT),
                option(Call, QUARTER, 110_000.0, -2 * UNIT),
            ])
            .charges
            .roll)
    };
    let (delta, _) = greeks(QUARTER, 110_000.0, true);
    let far_move = 0.2 * 90.0 / 365.0;
    let net = 100_000.0 * (0.01 + far_move * (1.0 - 2.0 * delta).abs());
    let gross = 100_000.0 * (0.01 + far_move * (1.0 + 2.0 * delta));
    assert!(close(book(false), net), "{} against {net}", book(false));
    assert!(close(book(true), gross), "{} against {gross}", book(true));
}

#[test]
fn vega_nets_across_expiries_up_to_the_offset() {
    let legs = [option(Call, WEEK, 100_000.0, -UNIT), option(Put, QUARTER, 100_000.0, UNIT)];
    let charge = |offset, book: &[BookPosition]| {
        let fixture = with(|model| model.vega = VegaTermStructure { range: Ratio(100_000_000), offset: Ratio(offset) });
        usd(fixture.assess(book).charges.vega)
    };
    let moved = |expiry: i64, call, power: f64| {
        greeks(expiry, 100_000.0, call).1 * 0.1 * (30.0 * 86_400.0 / expiry as f64).powf(power)
    };
    let (short, long) = (moved(WEEK, true, 0.3), moved(QUARTER, false, 0.13));
    for (offset, want) in [(0, short + long), (1_000_000_000, long - short), (500_000_000, long)] {
        assert!(close(charge(offset, &legs), want), "{offset}: {} against {want}", charge(offset, &legs));
    }
    // Inside one expiry vega nets in full.
    let flat = [option(Call, WEEK, 100_000.0, -UNIT), option(Put, WEEK, 100_000.0, UNIT)];
    assert!(charge(0, &flat) < 1e-3, "{}", charge(0, &flat));
}

#[test]
fn concentration_charges_the_excess_at_a_rising_rate() {
    let fixture = with(|model| {
        model.concentration = Concentration {
            delta_depth: Usd(1_000_000 * 1_000_000_000_000),
            delta_rate: Ratio(20_000_000),
            max_rate: Ratio(50_000_000),
            ..Default::default()
        };
    });
    let charge = |units: i64| usd(fixture.assess(&[perpetual(units * UNIT, 0.0)]).charges.concentration);
    assert_eq!(charge(10), 0.0);
    assert!(close(charge(11), 100_000.0 * 0.02 * 0.1));
    assert!(close(charge(-20), 1_000_000.0 * 0.02));
    assert!(close(charge(100), 9_000_000.0 * 0.05)); // the highest rate
    // Scaling a book down never raises the charge by more than its share.
    for units in 10..120 {
        assert!(charge(units) / units as f64 <= charge(units + 1) / (units + 1) as f64 + 1e-6);
    }

    let fixture = with(|model| {
        model.concentration = Concentration {
            vega_depth: Usd(10_000 * 1_000_000_000_000),
            vega_rate: Ratio(10_000_000),
            max_rate: Ratio::ONE,
            ..Default::default()
        };
    });
    let risk = fixture.assess(&[option(Call, QUARTER, 100_000.0, -3 * UNIT)]);
    let excess = 3.0 * greeks(QUARTER, 100_000.0, true).1 - 10_000.0;
    assert!(close(usd(risk.charges.concentration), excess * 0.01 * excess / 10_000.0));
}

#[test]
fn charges_on_greeks_join_the_factor_where_the_model_says_so() {
    let margins = |scales_charges| {
        let fixture = with(|model| {
            model.roll = Roll { min_move: Ratio(10_000_000), ..Default::default() };
            model.scan.scales_charges = scales_charges;
            model.charges = PositionCharges::default();
        });
        let risk = fixture.assess(&[perpetual(UNIT, 0.0)]);
        (usd(risk.scan_risk), usd(risk.maintenance_margin), usd(risk.initial_margin))
    };
    let (scan, maintenance, initial) = margins(false);
    assert!(close(maintenance, 0.8 * scan + 1_000.0) && close(initial, scan + 1_000.0));
    let (scan, maintenance, initial) = margins(true);
    assert!(close(maintenance, 0.8 * (scan + 1_000.0)) && close(initial, scan + 1_000.0));
}

#[test]
fn minimum_delta_is_a_floor_on_the_scan_risk() {
    let fixture = with(|model| {
        model.minimum_delta = MinimumDelta { unhedged: Ratio(20_000_000), hedged: Ratio(10_000_000) };
    });
    // A hedged book: little scan risk, but two units of delta cancel.
    let book = [perpetual(-UNIT, -100_000.0), option(Future, WEEK, 0.0, UNIT)];
    let risk = fixture.assess(&book);
    assert!(close(usd(risk.minimum_delta), 0.01 * 100_000.0));
    assert_eq!(risk.scan_risk, risk.minimum_delta);
    assert!(usd(risk.worst).abs() < usd(risk.minimum_delta));
    let outright = fixture.assess(&[perpetual(UNIT, 100_000.0)]);
    assert!(close(usd(outright.minimum_delta), 0.02 * 100_000.0));
    assert!(close(usd(outright.scan_risk), 0.18 * 100_000.0));
}

#[test]
fn worse_oracles_never_lower_margin() {
    let fixture = with(|model| {
        model.confidence = ConfidenceCharge { threshold: Ratio(550_000_000), factor: Ratio(2_000_000_000) };
    });
    let book = [perpetual(-UNIT, 0.0), option(Call, WEEK, 110_000.0, -UNIT), option(Put, QUARTER, 90_000.0, UNIT)];
    let assess = |spot: u64, perpetual: u64| {
        let market = Market {
            spot_confidence: Ratio(spot * 10_000_000),
            perpetual_confidence: Ratio(perpetual * 10_000_000),
            ..fixture.market()
        };
        assess_underlying(&market, book, surface, Detail::Margin, &mut Scratch::new()).unwrap()
    };
    let certain = assess(100, 100);
    assert_eq!(certain.charges.confidence, Usd(0));
    let mut last = Usd(0);
    for confidence in (0..=100).rev() {
        let risk = assess(100, confidence);
        // Perpetual and both expiries, one unit each.
        let lost = (100 - confidence) as f64 / 100.0;
        let want = if confidence < 55 { 3.0 * 2.0 * lost * 100_000.0 } else { 0.0 };
        assert!(close(usd(risk.charges.confidence), want), "{confidence}");
        assert!(risk.charges.confidence >= last && risk.maintenance_margin == certain.maintenance_margin);
        assert_eq!(risk.initial_margin.0 - certain.initial_margin.0, risk.charges.confidence.0);
        assert!(assess(confidence, 100).initial_margin == risk.initial_margin);
        last = risk.charges.confidence;
    }
}

#[test]
fn a_depeg_raises_the_initial_factor_of_perpetuals_too() {
    let fixture = with(|model| model.depeg = Depeg { threshold: price(0.98), factor: Ratio(2_000_000_000) });
    let at = |stable: f64| {
        let market = Market { stable: price(stable), ..fixture.market() };
        assess_underlying(&market, [perpetual(UNIT, 0.0)], surface, Detail::Margin, &mut Scratch::new()).unwrap()
    };
    let (pegged, off) = (at(1.0), at(0.9));
    assert_eq!((pegged.initial_factor, off.initial_factor), (Ratio::ONE, Ratio(1_160_000_000)));
    assert_eq!(at(0.98).initial_margin, pegged.initial_margin);
    assert_eq!(pegged.maintenance_margin, off.maintenance_margin);
    assert!(close(usd(off.initial_margin) - usd(pegged.initial_margin), 0.16 * 18_000.0));
}

#[test]
fn unrealised_profit_beyond_the_cap_does_not_count_for_initial_margin() {
    let fixture = with(|model| model.unrealised_profit_cap = Some(Usd(1_000 * 1_000_000_000_000)));
    let charge = |settled: f64| usd(fixture.assess(&[perpetual(UNIT, settled)]).charges.unrealised_profit);
    assert_eq!((charge(100_000.0), charge(99_000.0), charge(120_000.0)), (0.0, 0.0, 0.0));
    assert!(close(charge(90_000.0), 9_000.0));
    let plain = Fixture::new();
    assert_eq!(plain.assess(&[perpetual(UNIT, 0.0)]).charges.unrealised_profit, Usd(0));
}

#[test]
fn shortfall_is_the_mean_of_the_worst() {
    let profits: Vec<i128> = vec![5, -9, 3, -7, -8, 0, 12];
    let of = |measure: Measure| measure.worst(&profits).unwrap();
    assert_eq!(of(Measure::Worst), (-9, WorstCase::Scenario(1)));
    assert_eq!(of(Measure::Shortfall(1)), (-9, WorstCase::Scenario(1)));
    assert_eq!(of(Measure::Shortfall(2)), (-9, WorstCase::Scenario(1))); // −8.5 rounds down
    assert_eq!(of(Measure::Shortfall(3)), (-8, WorstCase::Scenario(1)));
    assert_eq!(of(Measure::Shortfall(40)), (-1, WorstCase::Scenario(1))); // −4/7
    assert_eq!(Measure::Shortfall(2).worst(&[3i128, -1]).unwrap(), (0, WorstCase::None)); // a gain on average
    assert_eq!(Measure::Worst.worst::<i128>(&[]).unwrap(), (0, WorstCase::None));
    for book in books() {
        let worst = Fixture::new().assess(&book);
        let mean = with(|model| model.scan.measure = Measure::Shortfall(5)).assess(&book);
        assert!(mean.worst >= worst.worst && mean.initial_margin <= worst.initial_margin);
    }
}

#[test]
fn extended_scenarios_clip_linear_moves_and_dampen_small_losses() {
    let loss = |range, dampener: i128, book: &[BookPosition]| {
        let mut fixture = with(|model| {
            model.scan.extended_range = Ratio(range);
            model.scan.extended_dampener = Usd(dampener * 1_000_000_000_000);
        });
        fixture.scenarios.retain(|scenario| scenario.extended);
        fixture.scenarios.iter_mut().for_each(|scenario| scenario.weight = Ratio::ONE);
        -usd(fixture.assess(book).worst)
    };
    let long = [perpetual(UNIT, 0.0)];
    assert!(close(loss(0, 0, &long), 66_000.0)); // down to 34 %
    assert!(close(loss(180_000_000, 0, &long), 18_000.0));
    assert!(close(loss(180_000_000, 5_000, &long), 13_000.0));
    assert_eq!(loss(180_000_000, 20_000, &long), 0.0);
    // Options are not clipped.
    let short = [option(Call, WEEK, 110_000.0, -UNIT)];
    assert!(close(loss(180_000_000, 0, &short), loss(0, 0, &short)));
}

#[test]
fn gains_count_less_where_the_model_haircuts_them() {
    let fixture = with(|model| model.scan.gain_haircut = Ratio(400_000_000));
    let (plain, mut cut, mut scratch) = (Fixture::new(), Vec::new(), Scratch::new());
    let book = [option(Put, WEEK, 95_000.0, UNIT), perpetual(0, 0.0)];
    let mut profits = |fixture: &Fixture| -> Vec<f64> {
        assess_underlying(&fixture.market(), [book[0]], surface, Detail::Margin, &mut scratch).unwrap();
        scratch.profits(LOT).map(|profit| usd(profit.unwrap())).collect()
    };
    cut.extend(profits(&fixture));
    for (full, cut) in profits(&plain).into_iter().zip(cut) {
        assert!(close(cut, if full > 0.0 { 0.6 * full } else { full }));
    }
}

#[test]
fn collateral_offsets_what_it_moves_with() {
    let fixture = Fixture::new();
    let covered = |hedge: f64| {
        let market = Market { hedge: Usd((hedge * 1e12) as i128), ..fixture.market() };
        let book = [option(Call, WEEK, 90_000.0, -UNIT)];
        assess_underlying(&market, book, surface, Detail::Margin, &mut Scratch::new()).unwrap()
    };
    let (naked, covered) = (covered(0.0), covered(100_000.0));
    assert!(usd(covered.worst) > usd(naked.worst) && covered.mark_to_market == naked.mark_to_market);
    // A unit of the underlying against a short call loses when spot falls, by less than the fall.
    assert!(usd(covered.worst) > -0.18 * 100_000.0 && usd(covered.worst) < -0.03 * 100_000.0);
}

#[test]
fn settled_futures_and_passed_expiries_do_not_move() {
    let fixture = Fixture::new();
    let passed = |_: i64| -> Result<ExpiryMarket, MarginError> {
        let mut market = surface(WEEK)?;
        market.inputs.time = crate::Seconds(0);
        (market.inputs.fixed, market.inputs.forward) = (market.inputs.forward, Price(0));
        market.surface = crate::Svi { sigma: -1, ..Default::default() }.into(); // not looked at any more
        Ok(market)
    };
    let book = [option(Future, WEEK, 0.0, UNIT), option(Call, WEEK, 90_000.0, -2 * UNIT)];
    let risk = assess_underlying(&fixture.market(), book, passed, Detail::Greeks, &mut Scratch::new()).unwrap();
    assert_eq!(usd(risk.mark_to_market), 100_500.0 - 2.0 * 10_500.0);
    assert!(usd(risk.worst).abs() < 1e-3);
    let netted = [option(Future, WEEK, 0.0, UNIT), BookPosition { lots: Lots(-UNIT), ..option(Future, WEEK, 0.0, 0) }];
    assert_eq!(fixture.assess(&netted).initial_margin, Usd(0));
}
