//! The scenario loop against single valuations.

use proptest::prelude::*;

use margin_core::{
    DigitalArray, Expiry, ExpiryInputs, KernelError, Leg, Lots, MAX_GROSS_LOTS, Multiplier, OptionKind, Price, Rate,
    RiskArray, Scenario, ScenarioSet, Seconds, Totals, Vol, VolLevel, VolLevels, value,
};

const LEVELS: [VolLevel; 3] = [VolLevel::Up, VolLevel::None, VolLevel::Down];

/// 31 scenarios: ten moves at three levels and one crash, deliberately not sorted by level.
fn scenarios() -> Vec<Scenario> {
    let mut set = Vec::new();
    for move_percent in [-18i64, -14, -10, -6, -2, 0, 2, 6, 10, 18] {
        for level in LEVELS {
            set.push(Scenario::new(Multiplier((1_000_000_000 + move_percent * 10_000_000) as u64), level).unwrap());
        }
    }
    set.push(Scenario::new(Multiplier(400_000_000), VolLevel::Up).unwrap());
    set
}

/// A forward whose product with every multiplier of the set is exact.
fn inputs(forward: u64, time: u64, rate: i64) -> ExpiryInputs {
    ExpiryInputs { forward: Price(forward), fixed: Price(0), time: Seconds(time), rate: Rate(rate) }
}

fn pick(levels: &VolLevels, level: VolLevel) -> Vol {
    match level {
        VolLevel::Up => levels.up,
        VolLevel::None => levels.none,
        VolLevel::Down => levels.down,
        VolLevel::SkewLinear => levels.skew_linear,
        VolLevel::SkewAbs => levels.skew_abs,
    }
}

/// Every scenario of one leg against `value` at the shocked forward.
fn compare(inputs: ExpiryInputs, strike: u64, vols: VolLevels, calls: i64, puts: i64) {
    let set = scenarios();
    let expiry = Expiry::prepare(inputs).unwrap();
    let prepared = ScenarioSet::prepare(&set).unwrap();
    let leg = Leg::prepare(&expiry, Price(strike), &vols).unwrap();
    let mut array = RiskArray::empty();
    array.start(&expiry, &prepared);
    array.add(&leg, Lots(calls), Lots(puts)).unwrap();
    let mut digital = DigitalArray::new();
    digital.add(&expiry, &prepared, Price(strike), &leg, Lots(calls), Lots(puts)).unwrap();
    let lots = (calls.abs() + puts.abs()) as f64;
    for (index, scenario) in scenarios().iter().enumerate() {
        let shocked =
            (u128::from(inputs.forward.0) * u128::from(scenario.spot.0) / 1_000_000_000) as u64 + inputs.fixed.0;
        let expiry = Expiry::from_forward(Price(shocked), inputs.time, inputs.rate.for_discounting()).unwrap();
        let at = |kind| i128::from(value(&expiry, Price(strike), pick(&vols, scenario.vol), kind).unwrap().0);
        let exact = i128::from(calls) * at(OptionKind::Call) + i128::from(puts) * at(OptionKind::Put);
        let error = (array.total(index).unwrap() - exact) as f64;
        let scale = shocked.max(strike).max(inputs.forward.0) as f64;
        assert!(
            error.abs() <= lots * (2e-11 * scale + 1.0) + 1.0,
            "{inputs:?} K {strike} {vols:?} {scenario:?}: {error} of {exact}"
        );
        let exact = i128::from(calls) * at(OptionKind::DigitalCall) + i128::from(puts) * at(OptionKind::DigitalPut);
        let error = (digital.total(&prepared, index).unwrap() - exact) as f64;
        // N(d2) is not stationary in d: the fine path's d is compared too.
        assert!(error.abs() <= lots * 2e4, "{inputs:?} K {strike} {scenario:?}: digital {error} of {exact}");
    }
}

#[test]
fn every_scenario_agrees_with_a_single_valuation() {
    let vols = |x: u64| VolLevels { up: Vol(x * 14 / 10), none: Vol(x), down: Vol(x * 7 / 10), ..VolLevels::default() };
    for forward in [10_000, 123_400_000_000, 65_000_000_000_000_000, 2_000_000_000_000_000_000] {
        for ratio in [1u64, 50, 80, 95, 100, 103, 130, 300, 5_000] {
            for time in [0, 300, 86_400, 2_592_000, 31_536_000, 94_608_000] {
                for vol in [0, 1_000_000, 30_000_000, 80_000_000, 1_000_000_000] {
                    for (calls, puts) in [(1, 0), (0, -7), (-1_000_000, 999_999)] {
                        let strike = u128::from(forward) * u128::from(ratio) / 100;
                        if let Ok(strike) = u64::try_from(strike) {
                            compare(inputs(forward, time, 450_000_000), strike, vols(vol), calls, puts);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn settlement_window_shocks_only_the_variable_part() {
    let inputs = ExpiryInputs {
        forward: Price(20_000_000_000_000_000),
        fixed: Price(40_000_000_000_000_000),
        time: Seconds(600),
        rate: Rate(0),
    };
    for strike in [50_000_000_000_000_000, 60_000_000_000_000_000, 63_000_000_000_000_000] {
        let vols =
            VolLevels { up: Vol(90_000_000), none: Vol(60_000_000), down: Vol(40_000_000), ..VolLevels::default() };
        compare(inputs, strike, vols, 3, 2);
    }
}

#[test]
fn opposite_lots_vanish_exactly() {
    let expiry = Expiry::prepare(inputs(65_432_100_000_000_001, 604_800, 300_000_000)).unwrap();
    let set = ScenarioSet::prepare(&scenarios()).unwrap();
    let vols = VolLevels { up: Vol(81_234_567), none: Vol(61_234_567), down: Vol(41_234_567), ..VolLevels::default() };
    let strikes = [50_000_000_000_000_000, 65_000_000_000_000_007, 71_000_000_000_000_000];
    let mut array = RiskArray::empty();
    array.start(&expiry, &set);
    for sign in [1, -1] {
        for (strike, lots) in strikes.into_iter().zip([17, 1_000_003, -999]) {
            let leg = Leg::prepare(&expiry, Price(strike), &vols).unwrap();
            array.add(&leg, Lots(sign * lots), Lots(-3 * sign * lots)).unwrap();
        }
    }
    let mut totals = Totals::new();
    array.add_totals(&mut totals).unwrap();
    for index in 0..set.len() {
        assert_eq!(array.total(index), Some(0));
        assert_eq!(totals.get(&set, index), Some(0));
    }
    assert_eq!(array.total(set.len()), None);
}

#[test]
fn limits_are_typed_errors() {
    let expiry = Expiry::prepare(inputs(1_000_000_000_000, 604_800, 0)).unwrap();
    let mut set = scenarios();
    set.extend_from_within(..13);
    assert_eq!(ScenarioSet::prepare(&set), Err(KernelError::TooManyScenarios));
    set.truncate(43);
    let prepared = ScenarioSet::prepare(&set).unwrap();
    let leg = Leg::prepare(&expiry, Price(1_000_000_000_000), &VolLevels::default()).unwrap();
    let mut array = RiskArray::empty();
    array.start(&expiry, &prepared);
    let before = array.clone();
    for (calls, puts) in [(MAX_GROSS_LOTS, 1), (i64::MIN, i64::MIN), (0, i64::MAX)] {
        assert_eq!(array.add(&leg, Lots(calls), Lots(puts)), Err(KernelError::LotsOutOfRange));
        assert_eq!(array, before);
    }
    array.add(&leg, Lots(MAX_GROSS_LOTS), Lots(0)).unwrap();
    assert_eq!(array.add(&leg, Lots(1), Lots(0)), Err(KernelError::LotsOutOfRange));
    assert_eq!(Scenario::new(Multiplier(0), VolLevel::None), Err(KernelError::MultiplierOutOfRange));
    assert_eq!(Scenario::new(Multiplier(8_000_000_001), VolLevel::None), Err(KernelError::MultiplierOutOfRange));
}

/// Strike as a share of the forward, a vol, net calls and net puts.
type Position = (f64, u64, i64, i64);

fn positions() -> impl Strategy<Value = Vec<Position>> {
    let lots = prop_oneof![-1_000i64..1_000, -(1i64 << 36)..1 << 36];
    prop::collection::vec((-3.0..3.0f64, 1_000_000u64..900_000_000, lots.clone(), lots), 1..8)
}

fn legs(expiry: &Expiry, forward: u64, positions: &[Position]) -> Vec<(Leg, Lots, Lots)> {
    let leg = |&(log_strike, vol, calls, puts): &Position| {
        let strike = (forward as f64 * log_strike.exp()).clamp(1.0, 1.8e19) as u64;
        let vols = VolLevels { up: Vol(vol / 2 * 3), none: Vol(vol), down: Vol(vol / 4 * 3), ..VolLevels::default() };
        (Leg::prepare(expiry, Price(strike), &vols).unwrap(), Lots(calls), Lots(puts))
    };
    positions.iter().map(leg).collect()
}

fn array_of<'a>(
    expiry: &Expiry,
    set: &ScenarioSet,
    legs: impl IntoIterator<Item = &'a (Leg, Lots, Lots)>,
) -> Vec<i128> {
    let mut array = RiskArray::empty();
    array.start(expiry, set);
    for (leg, calls, puts) in legs {
        array.add(leg, *calls, *puts).unwrap();
    }
    (0..set.len()).map(|index| array.total(index).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// The sum over legs is exact in every evaluated value; only reading rounds, down, by less than a unit.
    #[test]
    fn a_book_is_the_sum_of_its_legs_in_any_order(
        log_forward in 4.0..19.0f64,
        time in 0u64..94_608_000,
        positions in positions(),
        window in prop::option::of(1u64..1_000),
    ) {
        let forward = 10f64.powf(log_forward) as u64;
        let fixed = window.map_or(0, |share| forward / 1_000 * share);
        let inputs = ExpiryInputs { fixed: Price(fixed), ..inputs(forward - fixed, time, 300_000_000) };
        let expiry = Expiry::prepare(inputs).unwrap();
        let set = ScenarioSet::prepare(&scenarios()).unwrap();
        let legs = legs(&expiry, forward, &positions);
        let whole = array_of(&expiry, &set, &legs);
        prop_assert_eq!(&whole, &array_of(&expiry, &set, legs.iter().rev()));
        let singles: Vec<_> = legs.iter().map(|leg| array_of(&expiry, &set, [leg])).collect();
        for (index, whole) in whole.iter().enumerate() {
            let sum: i128 = singles.iter().map(|single| single[index]).sum();
            prop_assert!((0..=legs.len() as i128).contains(&(whole - sum)), "{index}: {whole} {sum}");
        }
    }

    /// Scenario values rise with the spot for a call and fall for a put, within twice the error of a single value.
    #[test]
    fn scenario_values_are_monotone_in_the_spot(
        log_forward in 6.0..18.0f64,
        log_strike in -2.0..2.0f64,
        time in 300u64..94_608_000,
        vol in 1_000_000u64..900_000_000,
        put in any::<bool>(),
    ) {
        let forward = 10f64.powf(log_forward) as u64;
        let expiry = Expiry::prepare(inputs(forward, time, 300_000_000)).unwrap();
        let (calls, puts) = if put { (0, 1) } else { (1, 0) };
        let legs = legs(&expiry, forward, &[(log_strike, vol, calls, puts)]);
        let scenarios: Vec<_> =
            (0..40).map(|i| Scenario::new(Multiplier(200_000_000 + i * 70_000_000), VolLevel::Down).unwrap()).collect();
        let totals = array_of(&expiry, &ScenarioSet::prepare(&scenarios).unwrap(), &legs);
        let slack = (forward as f64 * 3.0f64.max(log_strike.exp()) * 4e-11) as i128 + 2;
        for pair in totals.windows(2) {
            let rise = if put { pair[0] - pair[1] } else { pair[1] - pair[0] };
            prop_assert!(rise >= -slack, "{pair:?}");
        }
    }
}
