//! Net Greeks against the kernel's Greeks of single options.

use super::*;
use crate::expiry::ExpiryInputs;
use crate::quantities::{Price, Rate, Seconds};
use crate::{OptionKind, VolLevels, greeks};
use proptest::prelude::*;

fn prepared(expiry: &Expiry, strike: Price, vol: Vol) -> (Strike, Leg) {
    let strike = Strike::prepare(strike).unwrap();
    let vols = VolLevels { none: vol, ..VolLevels::default() };
    let leg = Leg::prepare_at(expiry, &strike, &vols).unwrap();
    (strike, leg)
}

fn numbers(greeks: &ExpiryGreeks) -> [f64; 7] {
    let ExpiryGreeks { delta, gamma, vega, theta, rho, vanna, volga } = *greeks;
    [delta, gamma, vega, theta, rho, vanna, volga].map(|greek| greek as f64)
}

/// (percent of the forward, vol, calls, puts)
type Position = (u64, u64, i64, i64);

/// Sums of the kernel's Greeks of single options, and of their magnitudes with one unit in the last place each.
fn reference(expiry: &Expiry, positions: &[(Price, Vol, Lots, Lots)]) -> ([f64; 7], [f64; 7]) {
    let spot = expiry.spot as f64 * 2f64.powi(expiry.spot_exponent.0 as i32);
    let (mut sums, mut scales) = ([0f64; 7], [0f64; 7]);
    for &(strike, vol, calls, puts) in positions {
        for (kind, lots) in [(OptionKind::Call, calls), (OptionKind::Put, puts)] {
            let (_, leg) = greeks(expiry, strike, vol, kind).unwrap();
            let all = [leg.delta, leg.gamma, leg.vega, leg.theta, leg.rho, leg.vanna, leg.volga];
            for ((sum, scale), greek) in sums.iter_mut().zip(&mut scales).zip(all) {
                let value = lots.0 as f64 * spot * greek as f64 / 2f64.powi(40);
                *sum += value;
                *scale += value.abs() + (calls.0.abs() + puts.0.abs()) as f64 * spot;
            }
        }
    }
    (sums, scales)
}

fn check(expiry: &Expiry, positions: &[Position]) {
    let at = |percent: u64| Price((u128::from(expiry.forward.0) * u128::from(percent) / 100) as u64 + 1);
    let positions: Vec<_> =
        positions.iter().map(|&(percent, vol, c, p)| (at(percent), Vol(vol), Lots(c), Lots(p))).collect();
    let mut terms = NetTerms::default();
    for &(strike, vol, calls, puts) in &positions {
        let (strike, leg) = prepared(expiry, strike, vol);
        terms.add(expiry, &strike, &leg, vol, (calls, puts), true).unwrap();
    }
    let got = numbers(&terms.close(expiry).unwrap());
    let (want, scale) = reference(expiry, &positions);
    for (index, ((got, want), scale)) in got.iter().zip(want).zip(scale).enumerate() {
        // 1/v to 2^-31, with which a term moves by up to twice as much; the parts of theta may cancel.
        let tolerance = 2e-9 * scale + 2.0;
        assert!((got - want).abs() <= tolerance, "greek {index}: {got} against {want} +- {tolerance}, {positions:?}");
    }
}

fn expiry(forward: u64, fixed: u64, time: u64, rate: i64) -> Expiry {
    let inputs = ExpiryInputs { forward: Price(forward), fixed: Price(fixed), time: Seconds(time), rate: Rate(rate) };
    Expiry::prepare(inputs).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn sums_are_those_of_single_options(
        forward in prop_oneof![Just(40_000u64), Just(65_000_123_456_789_012), Just(9_000_000_000_000_000_000)],
        fixed in prop_oneof![3 => Just(0u64), 1 => 1u64..9_000_000_000_000_000_000],
        time in prop_oneof![Just(0u64), Just(1), Just(300), 1_000u64..126_144_000],
        rate in 0i64..3_000_000_000,
        positions in prop::collection::vec(
            (40u64..250, 5_000_000u64..500_000_000, -60_000i64..60_000, -60_000i64..60_000), 1..8),
    ) {
        check(&expiry(forward, fixed, time, rate), &positions);
    }
}

#[test]
fn large_positions_and_sharp_smiles_are_summed_in_two_words() {
    let day = expiry(65_000_000_000_000_000, 0, 86_400, 300_000_000);
    check(&day, &[(100, 60_000_000, 1 << 38, -(1 << 37)), (101, 50_000_000, 17, -5), (97, 70_000_000, -(1 << 39), 3)]);
    // A deviation of 1e-6: curvature beyond 2^50 in Q40.
    let second = expiry(65_000_000_000_000_000, 0, 1, 0);
    check(&second, &[(100, 600_000, 2_000, 0), (100, 600_000, -2_000, 0), (100, 60_000_000, 2_000, 100)]);
}

#[test]
fn opposite_lots_cancel_exactly_in_any_order() {
    let expiry = expiry(65_000_000_000_000_000, 0, 604_800, 300_000_000);
    let mut terms = NetTerms::default();
    for (percent, lots) in [(90u64, 70_000), (104, -3), (90, -70_000), (130, 1 << 36), (104, 3), (130, -(1 << 36))] {
        let vol = Vol(50_000_000 + percent);
        let (strike, leg) = prepared(&expiry, Price(650_000_000_000_000 * percent), vol);
        terms.add(&expiry, &strike, &leg, vol, (Lots(lots), Lots(-2 * lots)), true).unwrap();
    }
    assert_eq!(numbers(&terms.close(&expiry).unwrap()), [0.0; 7]);
}
