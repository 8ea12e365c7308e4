//! The scenario loop against single valuations.

use margin_core::{
    DigitalArray, Expiry, ExpiryInputs, KernelError, Leg, Lots, MAX_GROSS_LOTS, Multiplier, OptionKind, Price, Rate,
    RiskArray, Scenario, ScenarioSet, Seconds, Vol, VolLevel, VolLevels, value,
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
    digital.add(&array, &leg, Lots(calls), Lots(puts)).unwrap();
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
        let error = (digital.total(&array, index).unwrap() - exact) as f64;
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
    let mut sums = [7i128; 31];
    array.add_totals(&mut sums).unwrap();
    assert_eq!(sums, [7; 31]);
    for index in 0..set.len() {
        assert_eq!(array.total(index), Some(0));
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
