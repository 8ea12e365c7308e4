//! Digital options against a floating-point model written from the formulas, and against what they can pay.

use proptest::prelude::*;

use super::testing::*;
use super::*;
use crate::{ExpiryInputs, Price, Seconds, Usd, VolLevel};
use InstrumentKind::{Call, DigitalCall, DigitalPut, Put};

/// Lots that pay one USD together.
const UNIT: i64 = 100;

fn sorted(mut book: Vec<BookPosition>) -> Vec<BookPosition> {
    book.sort_by_key(|p| (p.expiry, p.strike, p.kind as u8));
    book
}

fn profits(fixture: &Fixture, book: &[BookPosition]) -> (UnderlyingRisk, Vec<f64>) {
    let mut scratch = Scratch::new();
    let risk =
        assess_underlying(&fixture.market(), book.iter().copied(), surface, Detail::Greeks, &mut scratch).unwrap();
    (risk, scratch.profits(LOT).map(|profit| usd(profit.unwrap())).collect())
}

/// Forward, vol and years of an expiry, at a vol level of the model.
fn inputs(expiry: i64, level: VolLevel) -> (f64, f64, f64) {
    let (forward, vol) = if expiry == WEEK { (100_500.0, 0.6) } else { (102_000.0, 0.5) };
    let days = expiry as f64 / 86_400.0;
    let tenor = (30.0 / days.max(1.0)).powf(if days <= 30.0 { 0.3 } else { 0.13 });
    let vol: f64 = match level {
        VolLevel::Up => f64::max(vol * (1.0 + 0.5 * tenor), 0.45),
        VolLevel::Down => vol * (1.0 - 0.275 * tenor).max(0.0),
        _ => vol,
    };
    (forward, vol, expiry as f64 / YEAR)
}

/// Value of a position in USD with spot and vol moved.
fn worth(position: &BookPosition, spot: f64, level: VolLevel) -> f64 {
    let (forward, vol, years) = inputs(position.expiry, level);
    let (forward, strike) = (forward * spot, position.strike.0 as f64 / 1e12);
    let units = position.lots.0 as f64 * LOT as f64 / 1e9;
    let deviation = vol * years.sqrt();
    let d2 = (forward / strike).ln() / deviation - deviation / 2.0;
    let discount = (-0.03 * years).exp();
    units
        * match position.kind {
            DigitalCall => discount * cdf(d2),
            DigitalPut => discount * cdf(-d2),
            kind => black(forward, strike, years, vol, 0.03, kind == Call),
        }
}

fn any_book() -> impl Strategy<Value = Vec<BookPosition>> {
    let position = (0usize..5, 85i64..120, -300 * UNIT..300 * UNIT, any::<bool>());
    let position = position.prop_map(|(kind, strike, lots, near)| {
        let (kind, lots) = match kind {
            0 => (Call, lots / 10_000),
            1 | 2 => (DigitalCall, lots),
            _ => (DigitalPut, lots),
        };
        option(kind, if near { WEEK } else { QUARTER }, strike as f64 * 1_000.0, lots)
    });
    prop::collection::vec(position, 1..10).prop_map(sorted)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn marks_and_profits_agree_with_floating_point(book in any_book()) {
        let fixture = Fixture::new();
        let (risk, profits) = profits(&fixture, &book);
        let sum = |spot: f64, level| book.iter().map(|position| worth(position, spot, level)).sum::<f64>();
        let marks = sum(1.0, VolLevel::None);
        prop_assert!(close(usd(risk.mark_to_market), marks), "{} against {marks}", usd(risk.mark_to_market));
        let mut worst = 0f64;
        for (profit, scenario) in profits.iter().zip(&fixture.scenarios) {
            let moved = sum(scenario.shock.spot.0 as f64 / 1e9, scenario.shock.vol);
            let want = (moved - marks) * scenario.weight.0 as f64 / 1e9;
            prop_assert!(close(*profit, want), "{profit} against {want} in {scenario:?}");
            worst = worst.min(want);
        }
        prop_assert!(close(usd(risk.worst), worst));
    }

    #[test]
    fn greeks_are_the_slopes_of_the_value(strike in 90i64..115, call: bool, near: bool, lots in -500i64..500) {
        let kind = if call { DigitalCall } else { DigitalPut };
        let position = option(kind, if near { WEEK } else { QUARTER }, strike as f64 * 1_000.0, lots * UNIT);
        let (risk, _) = profits(&Fixture::new(), &[position]);
        let in_usd = |greek| usd(NetGreeks::in_usd(greek, LOT).unwrap());
        let at = |spot: f64| worth(&position, spot, VolLevel::None);
        let h = 1e-4;
        let delta = (at(1.0 + h) - at(1.0 - h)) / (2.0 * h);
        let gamma = (at(1.0 + h) - 2.0 * at(1.0) + at(1.0 - h)) / (h * h);
        let scale = lots.abs() as f64;
        prop_assert!((in_usd(risk.greeks.delta) - delta).abs() <= 1e-5 * scale + 1e-6, "{delta}");
        prop_assert!((in_usd(risk.greeks.gamma) - gamma).abs() <= 1e-3 * scale + 1e-4, "{gamma}");
        let (forward, vol, years) = inputs(position.expiry, VolLevel::None);
        let d2 = (forward / (strike as f64 * 1e3)).ln() / (vol * years.sqrt()) - vol * years.sqrt() / 2.0;
        let d1 = d2 + vol * years.sqrt();
        let density = (-d2 * d2 / 2.0).exp() / (2.0 * core::f64::consts::PI).sqrt();
        let vega = -(-0.03 * years).exp() * density * d1 / vol * lots as f64 * if call { 1.0 } else { -1.0 };
        prop_assert!((in_usd(risk.greeks.vega) - vega).abs() <= 1e-6 * scale + 1e-6, "{vega}");
    }

    /// The payoff at every settlement price, by brute force, against the gap and against Standard mode's maximum loss.
    #[test]
    fn the_gap_is_the_deepest_dip_between_two_spots(
        positions in prop::collection::vec((any::<bool>(), 90i64..112, -30i64..30), 1..8),
    ) {
        let book: Vec<_> = positions.iter().map(|(call, strike, units)| {
            option(if *call { DigitalCall } else { DigitalPut }, WEEK, *strike as f64 * 1_000.0, units * UNIT)
        }).collect();
        let book = sorted(book);
        let fixture = Fixture::new();
        let payoff = |settlement: f64| -> f64 {
            book.iter().map(|p| {
                let above = settlement > p.strike.0 as f64 / 1e12;
                if above == (p.kind == DigitalCall) { p.lots.0 as f64 / UNIT as f64 } else { 0.0 }
            }).sum()
        };
        let mut spots: Vec<(f64, f64)> = Vec::new();
        for scenario in &fixture.scenarios {
            let (forward, weight) = (100_500.0 * scenario.shock.spot.0 as f64 / 1e9, scenario.weight.0 as f64 / 1e9);
            match spots.iter_mut().find(|(other, _)| *other == forward) {
                Some((_, most)) => *most = most.max(weight),
                None => spots.push((forward, weight)),
            }
        }
        spots.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut gap = 0f64;
        for pair in spots.windows(2) {
            let ((low, weight), (high, other)) = (pair[0], pair[1]);
            let seen = payoff(low).min(payoff(high));
            let inside = book.iter().map(|p| p.strike.0 as f64 / 1e12 + 0.001).filter(|s| *s > low && *s < high);
            let least = inside.map(payoff).fold(seen, f64::min);
            gap = gap.max((seen - least) * weight.min(other));
        }
        let strikes = book.iter().flat_map(|p| [0.0, 0.001].map(|above| p.strike.0 as f64 / 1e12 + above));
        let least = strikes.chain([1.0]).map(payoff).fold(f64::MAX, f64::min);
        let (risk, _) = profits(&fixture, &book);
        let discounted = if least > 0.0 { least * (-0.03 * WEEK as f64 / YEAR).exp() } else { least };
        let gap = gap.min(usd(risk.mark_to_market) - discounted).max(0.0);
        // Payouts of naked strikes.
        let mut naked = 0.0;
        for strike in 90..112 {
            let net = |kind| book.iter().filter(|p| p.kind == kind && p.strike == price(strike as f64 * 1e3)).map(|p| p.lots.0).sum::<i64>();
            naked += -(net(DigitalCall).min(net(DigitalPut)).min(0)) as f64 / UNIT as f64;
        }
        let (mm, im) = (gap + 0.003 * naked, gap + 0.005 * naked);
        prop_assert!(close(usd(risk.charges.short_option_maintenance), mm), "{:?} against {mm}", risk.charges);
        prop_assert!(close(usd(risk.charges.short_option_initial), im), "{:?} against {im}", risk.charges);

        let standard = assess_standard(
            &fixture.market(), &StandardParameters::default(), book.iter().copied(), surface,
        ).unwrap();
        let shorts: f64 = book.iter().map(|p| p.lots.0.min(0) as f64 / UNIT as f64).sum();
        let want = least.min(0.0).max(shorts);
        let margins = standard.margins().unwrap();
        prop_assert_eq!((usd(margins.initial), usd(margins.maintenance)), (want, want));
    }
}

#[test]
fn call_and_put_of_a_strike_are_the_discounted_payout_in_every_scenario() {
    let fixture = Fixture::new();
    for (expiry, strike) in [(WEEK, 100_000.0), (QUARTER, 131_234.5), (WEEK, 70_000.0)] {
        let book = [option(DigitalCall, expiry, strike, 7 * UNIT), option(DigitalPut, expiry, strike, 7 * UNIT)];
        let (risk, profits) = profits(&fixture, &book);
        let worth = 7.0 * (-0.03 * expiry as f64 / YEAR).exp();
        assert!((usd(risk.mark_to_market) - worth).abs() < 1e-10);
        assert!(profits.iter().all(|profit| *profit == 0.0), "{profits:?}");
        assert_eq!((risk.initial_margin, risk.maintenance_margin), (Usd(0), Usd(0)));
    }
}

#[test]
fn a_narrow_call_spread_becomes_the_digital_in_every_scenario() {
    let fixture = Fixture::new();
    for (expiry, strike) in [(WEEK, 104_000.0), (QUARTER, 95_000.0)] {
        let digital = [option(DigitalCall, expiry, strike, 1_000 * UNIT)];
        let (risk, exact) = profits(&fixture, &digital);
        let mut last = f64::MAX;
        for width in [4_000.0, 1_000.0, 250.0f64] {
            // So many spreads that they pay what the digitals do.
            let lots = (1_000.0 * 1_000.0 / width) as i64 * UNIT / 1_000;
            let scale = 1_000.0 * UNIT as f64 / (lots as f64 * width);
            let spread =
                [option(Call, expiry, strike - width / 2.0, lots), option(Call, expiry, strike + width / 2.0, -lots)];
            let (spread, values) = profits(&fixture, &spread);
            let mut error = (usd(spread.mark_to_market) * scale - usd(risk.mark_to_market)).abs();
            for (value, exact) in values.iter().zip(&exact) {
                error = error.max((value * scale - exact).abs());
            }
            assert!(error < last / 8.0, "{width}: {error} after {last}");
            last = error;
        }
        assert!(last < 0.2, "{last} of 1000 USD");
    }
}

#[test]
fn a_long_digital_costs_its_value_and_a_short_one_its_payout_at_most() {
    let mut fixture = Fixture::new();
    fixture.parameters.charges = PositionCharges::default();
    fixture.parameters.static_discount = StaticDiscount {
        long_markdown: SignedRatio(50_000_000),
        long_rate_scale: Ratio::ONE,
        long_rate_add: Ratio(80_000_000),
        short_markup: Ratio(400_000_000),
        short_rate_scale: Ratio::ONE,
        short_rate_add: Ratio(80_000_000),
    };
    fixture.parameters.scan.maintenance = Ratio::ONE;
    for kind in [DigitalCall, DigitalPut] {
        for strike in 60..150 {
            for expiry in [WEEK, QUARTER] {
                let assess = |lots| fixture.assess(&[option(kind, expiry, strike as f64 * 1_000.0, lots)]);
                let (long, short) = (assess(UNIT), assess(-UNIT));
                assert!(long.initial_margin.0 <= long.mark_to_market.0 + 1 && long.mark_to_market.0 >= 0);
                // Equity of minus the value, and the requirement: together one USD.
                let all = short.initial_margin.0 - short.mark_to_market.0;
                assert!((0..=1_000_000_000_100).contains(&all), "{kind:?} {strike}: {all}");
            }
        }
    }
}

/// Minutes before expiry: what lies between two spots of the grid.
fn minutes(seconds: u64) -> impl Fn(i64) -> Result<ExpiryMarket, MarginError> {
    move |_| {
        let inputs = ExpiryInputs { forward: price(100_000.0), time: Seconds(seconds), ..Default::default() };
        Ok(ExpiryMarket { inputs, surface: svi(0.5, seconds.max(1), 100_000.0).into(), confidence: Ratio::ONE })
    }
}

#[test]
fn jumps_between_two_spots_are_margined() {
    let mut fixture = Fixture::new();
    fixture.parameters.charges = PositionCharges::default();
    fixture.parameters.scan.maintenance = Ratio::ONE;
    let assess = |book: &[BookPosition], seconds| {
        assess_underlying(
            &fixture.market(),
            book.iter().copied(),
            minutes(seconds),
            Detail::Margin,
            &mut Scratch::new(),
        )
        .unwrap()
    };
    // Spots of the grid: 100 000, 104 500, ...
    let at = |kind, strike: f64, units: i64| option(kind, 1, strike, units * UNIT);
    let required = |book: &[BookPosition]| usd(assess(book, 60).maintenance_margin);
    // One strike: the next spot shows all of it.
    for (kind, strike) in [(DigitalCall, 102_000.0), (DigitalCall, 104_499.0), (DigitalPut, 98_000.0)] {
        assert!((required(&[at(kind, strike, -10)]) - 10.0).abs() < 1e-6, "{kind:?} {strike}");
    }
    // A short range digital: no spot lies in it, and it is asked for in full.
    let range = [at(DigitalCall, 102_000.0, -10), at(DigitalCall, 103_000.0, 10)];
    assert!(usd(assess(&range, 60).scan_risk) < 1e-6);
    assert!((required(&range) - 10.0).abs() < 1e-6, "{}", required(&range));
    // Bought, it costs nothing; nor do range digitals that a spot sees cost twice.
    assert!(required(&[at(DigitalCall, 102_000.0, 10), at(DigitalCall, 103_000.0, -10)]) < 1e-6);
    let seen = [at(DigitalCall, 102_000.0, -10), at(DigitalCall, 105_000.0, 10)];
    assert!((required(&seen) - 10.0).abs() < 1e-6);
    // A digital hedged by the call spread below its strike may not lose.
    let hedged =
        [at(DigitalCall, 102_000.0, -1_000), option(Call, 1, 101_000.0, UNIT), option(Call, 1, 102_000.0, -UNIT)];
    assert!(required(&sorted(hedged.to_vec())) < 1e-3, "{}", required(&sorted(hedged.to_vec())));
    // Long a put below and a call above: between them both are lost, and no more than they are worth.
    let strangle = [at(DigitalPut, 101_000.0, 1), at(DigitalCall, 103_000.0, 1)];
    let risk = assess(&strangle, 60);
    assert!((usd(risk.maintenance_margin) - usd(risk.mark_to_market)).abs() < 1e-6, "{risk:?}");
    let tails = [at(DigitalPut, 99_000.0, 1), at(DigitalCall, 103_000.0, 1)];
    assert!(required(&tails) < 1e-6);
}

#[test]
fn expired_digitals_count_their_payoff_to_the_last_digit() {
    let mut fixture = Fixture::new();
    fixture.parameters.charges = PositionCharges::default();
    let settled = |average: u64| {
        move |_| {
            let inputs = ExpiryInputs { fixed: Price(average), ..Default::default() };
            Ok::<_, MarginError>(ExpiryMarket { inputs, surface: svi(0.5, 1, 1.0).into(), confidence: Ratio::ONE })
        }
    };
    let strike = price(100_000.0);
    for (average, call_pays) in [(strike.0 - 1, 0), (strike.0, 0), (strike.0 + 1, 1)] {
        for (kind, pays) in [(DigitalCall, call_pays), (DigitalPut, 1 - call_pays)] {
            for lots in [UNIT, -UNIT] {
                let book = [option(kind, 1, 100_000.0, lots)];
                let mut scratch = Scratch::new();
                let risk =
                    assess_underlying(&fixture.market(), book, settled(average), Detail::Margin, &mut scratch).unwrap();
                let want = i128::from(pays * lots / UNIT) * 1_000_000_000_000;
                assert_eq!(risk.mark_to_market.0, want, "{kind:?} at {average}");
                // Nothing moves any more.
                assert!(scratch.profits(LOT).all(|profit| profit == Ok(Usd(0))));
                assert_eq!((risk.maintenance_margin, risk.initial_margin), (Usd(0), Usd(0)));
                let standard =
                    assess_standard(&fixture.market(), &StandardParameters::default(), book, settled(average)).unwrap();
                assert_eq!(standard.mark_to_market.0, want);
            }
        }
    }
}

#[test]
fn the_settlement_window_fades_out_the_jump() {
    let mut fixture = Fixture::new();
    fixture.parameters.charges = PositionCharges::default();
    fixture.parameters.scan.maintenance = Ratio::ONE;
    // Half of the average is known, so spot at +9 % settles at +4.5 %.
    let half = |_| {
        let (forward, fixed) = (price(50_000.0), price(50_000.0));
        let inputs = ExpiryInputs { forward, fixed, time: Seconds(900), ..Default::default() };
        Ok::<_, MarginError>(ExpiryMarket { inputs, surface: svi(0.5, 900, 100_000.0).into(), confidence: Ratio::ONE })
    };
    let assess = |book: &[BookPosition]| {
        assess_underlying(&fixture.market(), book.iter().copied(), half, Detail::Margin, &mut Scratch::new()).unwrap()
    };
    let within = assess(&[option(DigitalCall, 1, 108_000.0, -UNIT)]);
    assert!((usd(within.maintenance_margin) - 1.0).abs() < 1e-6);
    // Beyond the grid's last spot but for the tails, which count by their weights.
    let beyond = assess(&[option(DigitalCall, 1, 112_000.0, -UNIT)]);
    assert!((usd(beyond.maintenance_margin) - 0.018).abs() < 1e-6, "{beyond:?}");
}

#[test]
fn charges_count_payouts_and_bounded_deltas() {
    let mut fixture = Fixture::new();
    fixture.parameters.confidence = ConfidenceCharge { threshold: Ratio(900_000_000), factor: Ratio(500_000_000) };
    fixture.parameters.minimum_delta = MinimumDelta { unhedged: Ratio(100_000_000), hedged: Ratio(0) };
    fixture.parameters.vega = VegaTermStructure { range: Ratio(100_000_000), offset: Ratio(0) };
    let doubtful = |seconds| {
        move |_| {
            let market = minutes(seconds)(1)?;
            Ok::<_, MarginError>(ExpiryMarket { confidence: Ratio(800_000_000), ..market })
        }
    };
    let assess = |book: &[BookPosition], seconds| {
        let market = fixture.market();
        assess_underlying(&market, book.iter().copied(), doubtful(seconds), Detail::Margin, &mut Scratch::new())
            .unwrap()
    };
    let at = |kind, units: i64| option(kind, 1, 100_000.0, units * UNIT);
    let risk = assess(&[at(DigitalCall, -40), at(DigitalPut, 10)], 3_600);
    // 20 % of doubt, half of it, on 50 USD; a long put covers no short call.
    assert!((usd(risk.charges.confidence) - 5.0).abs() < 1e-9);
    assert!((usd(risk.charges.short_option_initial) - 40.0 * 0.005).abs() < 1e-9);
    // The delta at the strike is 70 USD a unit: a tenth of one USD each counts.
    assert!((usd(risk.minimum_delta) - 5.0).abs() < 1e-3, "{:?}", risk.minimum_delta);
    // Of a short call and a short put one is paid.
    let both = assess(&[at(DigitalCall, -40), at(DigitalPut, -40)], 3_600);
    assert!((usd(both.charges.short_option_maintenance) - 40.0 * 0.003).abs() < 1e-9);
    // Vega of a digital joins that of its expiry: a quarter out, a call above the forward gains with vol.
    let far = [option(DigitalCall, 1, 130_000.0, -1_000 * UNIT)];
    assert!(usd(assess(&far, 7_776_000).charges.vega) > 1.0);
}

#[test]
fn depeg_and_doubt_cost_short_digitals_their_payout_in_standard_mode() {
    let fixture = Fixture::new();
    let parameters = StandardParameters {
        confidence: ConfidenceCharge { threshold: Ratio(900_000_000), factor: Ratio(500_000_000) },
        depeg: Depeg { threshold: price(0.99), factor: Ratio(4_000_000_000) },
        ..Default::default()
    };
    let market = Market { stable: price(0.97), spot_confidence: Ratio(800_000_000), ..fixture.market() };
    let book = [option(DigitalCall, WEEK, 100_000.0, -30 * UNIT), option(DigitalPut, WEEK, 101_000.0, 9 * UNIT)];
    let risk = assess_standard(&market, &parameters, book, surface).unwrap();
    // A tenth and 8 % of thirty dollars; what is long pays nothing.
    assert_eq!((usd(risk.confidence), usd(risk.depeg)), (3.0, 2.4));
    // The put does not pay where the call does, but for the thousand dollars between the strikes.
    assert_eq!(usd(risk.options.maintenance), -30.0);
}

#[test]
fn digitals_of_inverse_underlyings_and_out_of_order_are_refused() {
    let mut fixture = Fixture::new();
    let assess = |fixture: &Fixture, book: &[BookPosition]| {
        assess_underlying(&fixture.market(), book.iter().copied(), surface, Detail::Margin, &mut Scratch::new())
    };
    let (low, high) = (option(DigitalPut, WEEK, 90_000.0, 1), option(DigitalCall, WEEK, 91_000.0, 1));
    assert_eq!(assess(&fixture, &[high, low]), Err(MarginError::Unsorted));
    assert_eq!(assess(&fixture, &[low, perpetual(1, 0.0)]), Err(MarginError::Unsorted));
    fixture.parameters.scan.inverse = true;
    assert_eq!(assess(&fixture, &[low]), Err(MarginError::InverseOption));
}

#[test]
fn a_large_digital_book_is_summed_or_refused() {
    let fixture = Fixture::new();
    let assess = |lots| {
        let book = [option(DigitalCall, WEEK, 100_000.0, lots), option(Put, WEEK, 100_000.0, 1)];
        assess_underlying(&fixture.market(), book, surface, Detail::Greeks, &mut Scratch::new())
    };
    let huge = assess(-crate::MAX_GROSS_LOTS).unwrap();
    assert!(huge.maintenance_margin.0 > 0);
    assert_eq!(assess(crate::MAX_GROSS_LOTS + 1), Err(MarginError::Kernel(crate::KernelError::LotsOutOfRange)));
}
