//! Witnesses, figures by leg, isolated and standard mode, and what must hold for every book under a full model.

use proptest::prelude::*;

use super::testing::*;
use super::*;
use crate::{Lots, Multiplier, Scenario, Usd, VolLevel};
use InstrumentKind::{Call, DigitalCall, DigitalPut, Future, Put};

const UNIT: i64 = 100;

/// A model with everything in it, and skew scenarios in the grid.
fn full() -> Fixture {
    let mut fixture = Fixture::new();
    let model = &mut fixture.parameters;
    model.static_discount = StaticDiscount {
        long_markdown: SignedRatio(50_000_000),
        long_rate_scale: Ratio::ONE,
        long_rate_add: Ratio(80_000_000),
        short_markup: Ratio(40_000_000),
        short_rate_scale: Ratio(500_000_000),
        short_rate_add: Ratio(80_000_000),
    };
    let cap = SkewCap { base: Ratio(150_000_000), slope: SignedRatio(-50_000_000) };
    model.skew = SkewShock {
        linear: cap,
        abs: cap,
        min_width: Ratio(10_000_000),
        width_scale: Ratio(4_000_000_000),
        vol_static: Ratio(600_000_000),
        vol_scale: SignedRatio(-100_000_000),
    };
    model.basis = BasisContingency {
        up: Multiplier(1_045_000_000),
        down: Multiplier(955_000_000),
        add: Ratio(500_000_000),
        annual: Ratio(2_000_000_000),
    };
    model.confidence = ConfidenceCharge { threshold: Ratio(550_000_000), factor: Ratio::ONE };
    model.minimum_delta = MinimumDelta { unhedged: Ratio(20_000_000), hedged: Ratio(10_000_000) };
    model.roll = Roll { min_move: Ratio(5_000_000), annual_move: Ratio(50_000_000), gross: false };
    model.vega = VegaTermStructure { range: Ratio(50_000_000), offset: Ratio(700_000_000) };
    model.validate_without_grid().unwrap();
    for vol in [VolLevel::SkewLinear, VolLevel::SkewAbs] {
        let shock = Scenario::new(Multiplier::ONE, vol).unwrap();
        fixture.scenarios.push(GridScenario { shock, weight: Ratio::ONE, extended: false });
    }
    fixture
}

/// A sorted book of up to a dozen positions with different strikes.
fn any_book() -> impl Strategy<Value = Vec<BookPosition>> {
    let position = (0usize..9, 70i64..140, -3 * UNIT..3 * UNIT).prop_map(|(kind, strike, lots)| {
        let strike = strike as f64 * 1_000.0;
        match kind {
            0 => perpetual(lots, 0.0),
            1 | 2 => option(Call, WEEK, strike, lots),
            3 => option(Put, WEEK, strike, lots),
            4 => option(Future, QUARTER, 0.0, lots),
            5 => option(Call, QUARTER, strike, lots),
            7 => option(DigitalCall, WEEK, strike, 10_000 * lots),
            8 => option(DigitalPut, if lots % 2 == 0 { WEEK } else { QUARTER }, strike, 10_000 * lots),
            _ => option(Put, QUARTER, strike, lots),
        }
    });
    prop::collection::vec(position, 1..12).prop_map(|mut book| {
        book.sort_by_key(|p| (p.expiry, p.strike, p.kind as u8));
        book
    })
}

fn witness(fixture: &Fixture, case: WorstCase, book: &[BookPosition]) -> Result<UnderlyingRisk, MarginError> {
    assess_witness(&fixture.market(), case, book.iter().copied(), surface, &mut Scratch::new())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn legs_add_up_exactly(book in any_book(), hedge in 0u64..300_000, plain in any::<bool>()) {
        // With signs that depend on the whole book, and without.
        let fixture = if plain { Fixture::new() } else { full() };
        let market = Market { hedge: Usd(i128::from(hedge) * 1_000_000_000_007), ..fixture.market() };
        let mut scratch = Scratch::new();
        let whole = assess_underlying(&market, book.iter().copied(), surface, Detail::Margin, &mut scratch).unwrap();
        let total: Vec<Usd> = scratch.profits(LOT).map(Result::unwrap).collect();
        let mut sums = vec![0i128; total.len()];
        let mut marks = 0i128;
        let mut row = LegRow::new();
        for part in core::iter::once(Part::Hedge).chain((0..book.len()).map(Part::Position)) {
            leg_row(&market, book.iter().copied(), surface, part, &mut scratch, &mut row).unwrap();
            marks += row.mark_to_market.0;
            for (sum, profit) in sums.iter_mut().zip(row.profits()) {
                *sum += profit.0;
            }
        }
        prop_assert_eq!(row.profits().len(), total.len());
        prop_assert_eq!(sums, total.iter().map(|profit| profit.0).collect::<Vec<_>>());
        prop_assert_eq!(marks, whole.mark_to_market.0);
    }

    #[test]
    fn a_prepared_grid_changes_no_bit(book in any_book(), plain in any::<bool>(), sorted in any::<bool>()) {
        let mut fixture = if plain { Fixture::new() } else { full() };
        if sorted {
            fixture.scenarios.sort_by_key(|scenario| (scenario.shock.vol as u8, scenario.shock.spot));
        }
        let (market, mut scratch) = (fixture.market(), Scratch::new());
        let stored = StoredGrid::prepare(&fixture.parameters, &fixture.scenarios, &mut scratch).unwrap();
        // Nothing that the preparation left may help.
        scratch = Scratch::new();
        let positions = || book.iter().copied();
        let mut prepared = UnderlyingRisk::default();
        let mut assess = |scenarios: &[GridScenario], scratch: &mut Scratch| {
            let grid = stored.view(&scenarios);
            assess_prepared(&market, &grid, positions(), surface, Detail::Greeks, scratch, &mut prepared)
        };
        assess(&fixture.scenarios, &mut scratch).unwrap();
        prop_assert_eq!(scratch.profits(LOT).count(), 0);
        let raw = assess_underlying(&market, positions(), surface, Detail::Greeks, &mut scratch).unwrap();
        // Another grid's preparation is refused.
        prop_assert_eq!(assess(&fixture.scenarios[1..], &mut scratch), Err(MarginError::ScenarioCount));
        prop_assert_eq!(prepared, raw);
    }

    #[test]
    fn a_witness_never_asks_for_more(book in any_book()) {
        let fixture = full();
        let whole = fixture.assess(&book);
        let same = witness(&fixture, whole.worst_case, &book).unwrap();
        prop_assert_eq!((same.worst, same.worst_case), (whole.worst, whole.worst_case));
        prop_assert_eq!((same.maintenance_margin, same.mark_to_market), (whole.maintenance_margin, whole.mark_to_market));
        for number in 0..fixture.scenarios.len() as u8 {
            let one = witness(&fixture, WorstCase::Scenario(number), &book).unwrap();
            prop_assert!(one.maintenance_margin <= whole.maintenance_margin);
            prop_assert!(one.worst_case == WorstCase::None || one.worst_case == WorstCase::Scenario(number));
        }
        prop_assert!(witness(&fixture, WorstCase::Basis, &book).unwrap().maintenance_margin <= whole.maintenance_margin);
    }

    #[test]
    fn initial_is_never_below_maintenance(book in any_book()) {
        let risk = full().assess(&book);
        prop_assert!(risk.initial_margin >= risk.maintenance_margin && risk.maintenance_margin.0 >= 0);
    }

    #[test]
    fn requirements_scale_with_the_book(book in any_book()) {
        let fixture = full();
        let ten: Vec<BookPosition> = book.iter().map(|p| BookPosition { lots: Lots(10 * p.lots.0), ..*p }).collect();
        let (one, ten) = (fixture.assess(&book), fixture.assess(&ten));
        for (one, ten) in [(one.initial_margin, ten.initial_margin), (one.maintenance_margin, ten.maintenance_margin)] {
            // Ticks of the static factors' rounding, a few 1e-6 USD an expiry.
            prop_assert!((usd(ten) - 10.0 * usd(one)).abs() <= 1e-4 + 1e-9 * usd(ten), "{one:?} {ten:?}");
        }
    }

    #[test]
    fn a_long_option_never_costs_more_than_its_premium(book in any_book(), strike in 70i64..140, call: bool) {
        // Without charges on Greeks, which a long option can raise.
        let mut fixture = full();
        let model = &mut fixture.parameters;
        (model.minimum_delta, model.roll, model.vega) = Default::default();
        // Long and short factors that differ make netting a long against a short worth less than the long alone.
        model.static_discount = StaticDiscount::default();
        let leg = option(if call { Call } else { Put }, WEEK, strike as f64 * 1_000.0, UNIT);
        let mut more = book.clone();
        more.push(leg);
        more.sort_by_key(|p| (p.expiry, p.strike, p.kind as u8));
        let scan = |book: &[BookPosition]| {
            let mut fixture = Fixture { parameters: fixture.parameters, scenarios: fixture.scenarios.clone() };
            fixture.scenarios.retain(|scenario| !scenario.is_skew());
            fixture.parameters.basis = BasisContingency::default();
            usd(fixture.assess(book).scan_risk)
        };
        let premium = usd(fixture.assess(&[leg]).mark_to_market);
        prop_assert!(scan(&more) <= scan(&book) + premium + 1e-3);
    }

    #[test]
    fn isolated_margins_are_sums_and_never_smaller_without_offsets(book in any_book()) {
        let mut fixture = full();
        // A scan risk alone is subadditive; so are charges that count each position, but not what a grid misses.
        let book: Vec<_> = book.into_iter().filter(|p| !matches!(p.kind, DigitalCall | DigitalPut)).collect();
        (fixture.parameters.minimum_delta, fixture.parameters.vega) = Default::default();
        fixture.parameters.static_discount = StaticDiscount::default();
        let isolated = assess_isolated(
            &fixture.market(), book.iter().copied(), surface, Detail::Greeks, &mut Scratch::new(),
        ).unwrap();
        let alone: Vec<UnderlyingRisk> = book.iter().map(|position| fixture.assess(&[*position])).collect();
        prop_assert_eq!(isolated.initial_margin.0, alone.iter().map(|risk| risk.initial_margin.0).sum::<i128>());
        prop_assert_eq!(isolated.maintenance_margin.0, alone.iter().map(|risk| risk.maintenance_margin.0).sum::<i128>());
        let together =
            assess_underlying(&fixture.market(), book.iter().copied(), surface, Detail::Greeks, &mut Scratch::new());
        let together = together.unwrap();
        prop_assert!(usd(together.initial_margin) <= usd(isolated.initial_margin) + 1e-3);
        // Rounded once for each position here, once for each expiry there.
        prop_assert!((together.greeks.delta - isolated.greeks.delta).unsigned_abs() <= book.len() as u128);
        prop_assert!((together.greeks.volga - isolated.greeks.volga).unsigned_abs() <= book.len() as u128);
    }
}

#[test]
fn a_witness_must_exist_and_bound_the_measure() {
    let mut fixture = full();
    let book = [option(Call, WEEK, 110_000.0, -UNIT)];
    let beyond = WorstCase::Scenario(fixture.scenarios.len() as u8);
    assert_eq!(witness(&fixture, beyond, &book), Err(MarginError::UnknownScenario));
    let nothing = witness(&fixture, WorstCase::None, &book).unwrap();
    assert_eq!((nothing.worst, nothing.worst_case), (Usd(0), WorstCase::None));
    fixture.parameters.scan.measure = Measure::Shortfall(3);
    assert_eq!(witness(&fixture, WorstCase::Scenario(0), &book), Err(MarginError::WitnessMeasure));
}

#[test]
fn skew_scenarios_without_a_width_and_inverse_options_are_refused() {
    let mut fixture = full();
    let book = [option(Call, WEEK, 110_000.0, -UNIT)];
    let assess =
        |fixture: &Fixture| assess_underlying(&fixture.market(), book, surface, Detail::Margin, &mut Scratch::new());
    fixture.parameters.skew = SkewShock::default();
    assert_eq!(assess(&fixture), Err(MarginError::SkewWidth));
    let mut fixture = Fixture::new();
    fixture.parameters.scan.inverse = true;
    assert_eq!(assess(&fixture), Err(MarginError::InverseOption));
}

/// A skew scenario whatever its spot multiplier says.
#[test]
fn skew_scenarios_move_no_spot() {
    let moved = |spot| {
        let mut fixture = full();
        let shock = Scenario::new(Multiplier(spot), VolLevel::SkewAbs).unwrap();
        fixture.scenarios = vec![GridScenario { shock, weight: Ratio::ONE, extended: false }];
        fixture.assess(&[perpetual(UNIT, 0.0), option(Call, WEEK, 110_000.0, -UNIT)]).worst
    };
    assert_eq!(moved(1_180_000_000), moved(1_000_000_000));
    assert!(moved(1_000_000_000).0 < 0);
}

#[test]
fn standard_mode_knows_what_an_expiry_can_lose() {
    let parameters = StandardParameters {
        most_spot: Ratio(150_000_000),
        least_spot: Ratio(100_000_000),
        call_maintenance: Ratio(75_000_000),
        put_maintenance: Ratio(75_000_000),
        put_mark_maintenance: Ratio(75_000_000),
        put_initial_over_maintenance: Ratio(1_050_000_000),
        unpaired_initial: Ratio(1_200_000_000),
        unpaired_maintenance: Ratio(1_100_000_000),
        perpetual_initial: Ratio(65_000_000),
        perpetual_maintenance: Ratio(50_000_000),
        ..Default::default()
    };
    let fixture = Fixture::new();
    let margins = |book: &[BookPosition]| {
        let risk = assess_standard(&fixture.market(), &parameters, book.iter().copied(), surface).unwrap();
        (usd(risk.margins().unwrap().initial), usd(risk.margins().unwrap().maintenance))
    };
    // A call spread loses at most its width, a put spread too, and a box nothing.
    let spread = [option(Call, WEEK, 100_000.0, -UNIT), option(Call, WEEK, 101_000.0, UNIT)];
    assert_eq!(margins(&spread), (-1_000.0, -1_000.0));
    let put_spread = [option(Put, WEEK, 99_500.0, UNIT), option(Put, WEEK, 100_000.0, -UNIT)];
    assert_eq!(margins(&put_spread), (-500.0, -500.0));
    let box_spread = [
        option(Call, WEEK, 100_000.0, UNIT),
        option(Put, WEEK, 100_000.0, -UNIT),
        option(Call, WEEK, 101_000.0, -UNIT),
        option(Put, WEEK, 101_000.0, UNIT),
    ];
    assert_eq!(margins(&box_spread), (0.0, 0.0));
    assert_eq!(margins(&[option(Call, WEEK, 100_000.0, UNIT)]), (0.0, 0.0));
    // Across expiries nothing nets.
    let calendar = [option(Call, WEEK, 100_000.0, UNIT), option(Call, QUARTER, 100_000.0, -UNIT)];
    assert_eq!(margins(&calendar), margins(&calendar[1..]));
    assert_eq!(margins(&[perpetual(UNIT, 101_000.0)]), (-1_000.0 - 6_500.0, -1_000.0 - 5_000.0));
    let (initial, maintenance) = margins(&[option(Future, WEEK, 0.0, -UNIT)]);
    assert!(close(initial, -100_500.0 * 1.065) && close(maintenance, -100_500.0 * 1.05));
    let unsorted = [spread[1], spread[0]];
    let answer = assess_standard(&fixture.market(), &parameters, unsorted, surface);
    assert_eq!(answer, Err(MarginError::Unsorted));
}
