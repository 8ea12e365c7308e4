//! Every corner of the domain with overflow checks and the kernel's own range assertions on.

use margin_core::{
    DigitalArray, Expiry, ExpiryInputs, KernelError, Leg, Lots, MAX_GROSS_LOTS, MAX_MULTIPLIER, MAX_RATE, MAX_SECONDS,
    MAX_SVI_PARAMETER, MAX_VOL, MIN_RATE, Multiplier, OptionKind, Price, Rate, RiskArray, SVI_ONE, Scenario,
    ScenarioSet, Seconds, Svi, Totals, Vol, VolLevel, VolLevels, greeks, value,
};

const PRICES: [u64; 12] = [
    1,
    2,
    3,
    9_999,
    1 << 20,
    (1 << 20) + 1,
    10_000_000_000,
    1 << 40,
    65_000_000_000_000_001,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];
const TIMES: [u64; 8] = [0, 1, 2, 300, 86_399, 31_536_000, 94_608_000, MAX_SECONDS.0];
const RATES: [i64; 8] = [MIN_RATE.0, -1, 0, 1, 437_000_000, 20_000_000_000, MAX_RATE.0 - 1, MAX_RATE.0];
const VOLS: [u64; 9] = [0, 1, 10, 999, 1_000_000, 61_234_567, 1_000_000_000, MAX_VOL.0 - 1, MAX_VOL.0];
const KINDS: [OptionKind; 4] = [OptionKind::Call, OptionKind::Put, OptionKind::DigitalCall, OptionKind::DigitalPut];

/// The test is worth nothing without them.
#[test]
#[should_panic(expected = "overflow")]
fn overflow_checks_are_on() {
    let three = std::hint::black_box(3u8);
    let _ = three * 100;
}

#[test]
fn single_values_at_every_corner() {
    for forward in PRICES {
        for time in TIMES {
            for rate in RATES {
                let expiries = [
                    Expiry::from_forward(Price(forward), Seconds(time), Rate(rate)),
                    Expiry::from_spot(Price(forward), Seconds(time), Rate(rate)),
                ];
                // exp(-8) is the smallest discount factor.
                let too_deep = i128::from(rate) * i128::from(time) > 8 * i128::from(Rate::ONE.0) * 31_536_000;
                if too_deep {
                    assert!(expiries.iter().all(|expiry| *expiry == Err(KernelError::DiscountOutOfRange)));
                    continue;
                }
                for expiry in expiries.map(|expiry| expiry.expect("inside the domain")) {
                    for strike in PRICES {
                        for vol in VOLS {
                            for kind in KINDS {
                                let single = value(&expiry, Price(strike), Vol(vol), kind);
                                let both = greeks(&expiry, Price(strike), Vol(vol), kind);
                                assert_eq!(single, both.map(|(price, _)| price));
                                if let Err(error) = single {
                                    let known = [KernelError::MoneynessOutOfRange, KernelError::Overflow];
                                    assert!(known.contains(&error), "{forward} {time} {rate} {strike} {vol}: {error}");
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn outside_the_domain_every_check_has_its_error() {
    let expiry = |forward, time, rate| Expiry::from_forward(Price(forward), Seconds(time), Rate(rate)).map(drop);
    assert_eq!(expiry(0, 1, 0), Err(KernelError::ForwardOutOfRange));
    assert_eq!(expiry(1, MAX_SECONDS.0 + 1, 0), Err(KernelError::TimeOutOfRange));
    assert_eq!(expiry(1, u64::MAX, 0), Err(KernelError::TimeOutOfRange));
    for rate in [MIN_RATE.0 - 1, MAX_RATE.0 + 1, i64::MIN, i64::MAX] {
        assert_eq!(expiry(1, 1, rate), Err(KernelError::RateOutOfRange));
    }
    let prepare = |forward, fixed, rate| {
        let (forward, fixed) = (Price(forward), Price(fixed));
        Expiry::prepare(ExpiryInputs { forward, fixed, time: Seconds(1), rate: Rate(rate) }).map(drop)
    };
    assert_eq!(prepare(u64::MAX, 1, 0), Err(KernelError::ForwardOutOfRange));
    assert_eq!(prepare(0, 0, 0), Err(KernelError::ForwardOutOfRange));
    assert_eq!(prepare(0, 1, i64::MIN), Ok(())); // all observed; a negative published rate counts as zero
    let expiry = Expiry::from_forward(Price(1 << 40), Seconds(300), Rate(0)).unwrap();
    let call = |strike, vol| value(&expiry, Price(strike), Vol(vol), OptionKind::Call).map(drop);
    assert_eq!(call(0, 1), Err(KernelError::StrikeOutOfRange));
    assert_eq!(call(1, 1), Err(KernelError::MoneynessOutOfRange));
    assert_eq!(call(1 << 61, 1), Err(KernelError::MoneynessOutOfRange));
    assert_eq!(call(1 << 20, MAX_VOL.0), Ok(()));
    assert_eq!(call(1 << 40, MAX_VOL.0 + 1), Err(KernelError::VolOutOfRange));
    assert_eq!(call(1 << 40, u64::MAX), Err(KernelError::VolOutOfRange));
}

#[test]
fn smiles_at_every_corner() {
    let edges =
        [i64::MIN, -MAX_SVI_PARAMETER, -SVI_ONE, 1 - SVI_ONE, -1, 0, 1, SVI_ONE - 1, MAX_SVI_PARAMETER, i64::MAX];
    let mut prepared = 0;
    for a in edges {
        for b in edges {
            for rho in edges {
                for m in edges {
                    for sigma in edges {
                        for (forward, time) in [(1, 1), (u64::MAX, MAX_SECONDS.0), (1 << 45, 600)] {
                            let svi = Svi { a, b, rho, m, sigma, forward: Price(forward), time: Seconds(time) };
                            let valid = svi.validate().is_ok();
                            let Ok(slice) = svi.prepare() else {
                                assert!(!valid, "{svi:?}");
                                continue;
                            };
                            prepared += 1;
                            for strike in [1, 1 << 45, u64::MAX] {
                                let vol = slice.vol(Price(strike));
                                assert!(!valid || vol != Err(KernelError::SviVarianceNegative), "{svi:?}");
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(prepared > 1_000);
}

/// Forty scenarios from the smallest to the largest multiplier, in no order.
fn scenarios() -> Vec<Scenario> {
    let spots = [1, 10, 400_000_000, 999_999_999, 1_000_000_000, 1_000_000_001, 3_000_000_000, MAX_MULTIPLIER.0];
    let levels = [VolLevel::Up, VolLevel::None, VolLevel::Down];
    (0..40)
        .map(|i| {
            let spot = spots.get(i * 5 % 13).copied().unwrap_or(u64::from(i as u32 + 1) * 190_000_000);
            Scenario::new(Multiplier(spot), levels[i % 3]).unwrap()
        })
        .collect()
}

#[test]
fn risk_arrays_at_every_corner() {
    let set = ScenarioSet::prepare(&scenarios()).unwrap();
    for forward in PRICES {
        for fixed in [0, 1, u64::MAX / 2, u64::MAX - 1] {
            for time in TIMES {
                for rate in [0, MAX_RATE.0] {
                    let inputs = ExpiryInputs {
                        forward: Price(forward),
                        fixed: Price(fixed),
                        time: Seconds(time),
                        rate: Rate(rate),
                    };
                    if let Ok(expiry) = Expiry::prepare(inputs) {
                        largest_book(&expiry, &set);
                    }
                }
            }
        }
    }
    // Black-76 with a negative rate lifts discounted prices by e^2.
    largest_book(&Expiry::from_forward(Price(u64::MAX), MAX_SECONDS, MIN_RATE).unwrap(), &set);
}

/// As many lots as an array takes, on strikes at both ends of the moneyness range and between, with opposite signs.
fn largest_book(expiry: &Expiry, set: &ScenarioSet) {
    for (up, none, down) in [(0, 0, 0), (1, 10, 1_000_000), (MAX_VOL.0, 61_234_567, 0), (999, MAX_VOL.0, 1_000_000_000)]
    {
        let vols = VolLevels { up: Vol(up), none: Vol(none), down: Vol(down), ..VolLevels::default() };
        for (calls, puts) in [(MAX_GROSS_LOTS, 0), (0, -MAX_GROSS_LOTS), (-MAX_GROSS_LOTS / 2, MAX_GROSS_LOTS / 2)] {
            for strike in PRICES {
                let Ok(leg) = Leg::prepare(expiry, Price(strike), &vols) else { continue };
                let mut array = RiskArray::empty();
                array.start(expiry, set);
                let mut digital = DigitalArray::new();
                digital.add(expiry, set, Price(strike), &leg, Lots(calls), Lots(puts)).unwrap();
                array.add(&leg, Lots(calls), Lots(puts)).unwrap();
                assert_eq!(array.add(&leg, Lots(1), Lots(0)), Err(KernelError::LotsOutOfRange));
                let mut totals = Totals::new();
                array.add_totals(&mut totals).unwrap();
                for index in 0..set.len() {
                    let total = array.total(index).unwrap();
                    assert_eq!(totals.get(set, index), Some(total));
                    // Long calls are not worth less than nothing, short puts not more, up to the stated error.
                    let scale = u128::from(expiry.forward().0) * 8 * 8 + u128::from(strike);
                    let slack = (scale as f64 * 2e-11 + 1.0) as i128 * i128::from(MAX_GROSS_LOTS);
                    assert!(puts != 0 || total >= -slack, "{total} {strike}");
                    assert!(calls != 0 || total <= slack, "{total} {strike}");
                }
            }
        }
    }
}
