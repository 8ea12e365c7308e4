//! Accuracy of value and Greeks over the whole mpmath reference set.

mod common;

use common::{Case, reference};
use margin_core::{Expiry, OptionKind, Price, Rate, Seconds, Vol, greeks};

/// Decimal string to `integer * 10^-places`, exactly.
fn decimal(text: &str) -> (i128, u32) {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().expect("exponent")),
        None => (text, 0),
    };
    let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
    let digits: i128 = mantissa.replace('.', "").parse().expect("digits");
    match places - exponent {
        p if p >= 0 => (digits, p as u32),
        p => (digits * 10i128.pow(p.unsigned_abs()), 0),
    }
}

/// Value in units of 10^-places, rounded to nearest.
fn fixed(text: &str, places: u32) -> i128 {
    let (digits, have) = decimal(text);
    if have <= places {
        digits * 10i128.pow(places - have)
    } else {
        let divisor = 10i128.pow(have - places);
        (digits + divisor.signum() * digits.signum() * divisor / 2) / divisor
    }
}

fn number(text: &str) -> f64 {
    text.parse().expect("number")
}

#[derive(Debug, Default)]
struct Maxima {
    value: f64,
    relative: f64,
    delta: f64,
    gamma: f64,
    vega: f64,
    theta: f64,
    rho: f64,
    vanna: f64,
    volga: f64,
}

fn raise(slot: &mut f64, error: f64, case: &Case) {
    assert!(error.is_finite(), "{} {} {}", case.tag, case.spot, case.strike);
    if error.abs() > *slot {
        *slot = error.abs();
    }
}

fn check(case: &Case, max: &mut Maxima) {
    // Values are homogeneous in (S, K): use the decimal unit that fills a Price, so that the kernel is measured and
    // not the resolution of 1e-12 USD.
    let larger = number(&case.spot).max(number(&case.strike));
    let places = (19.0 - larger.log10().ceil()) as u32;
    let (spot, strike) = (fixed(&case.spot, places) as u64, fixed(&case.strike, places) as u64);
    let vol = Vol(fixed(&case.vol, 8) as u64);
    let rate = Rate(fixed(&case.r, 10) as i64);
    let expiry = Expiry::from_spot(Price(spot), Seconds(case.seconds), rate).expect("in range");
    let (s, k, sigma, r) = (number(&case.spot), number(&case.strike), number(&case.vol), number(&case.r));
    let tau = case.seconds as f64 / 31_536_000.0;
    let root = tau.sqrt();
    let unit = 10f64.powi(-(places as i32));
    let q40 = |x: i64| x as f64 / 2f64.powi(40);
    for (kind, value, delta, theta, rho) in [
        (OptionKind::Call, &case.call, &case.delta_call, &case.theta_call, &case.rho_call),
        (OptionKind::Put, &case.put, &case.delta_put, &case.theta_put, &case.rho_put),
    ] {
        let (price, g) = greeks(&expiry, Price(strike), vol, kind).expect("in range");
        assert_eq!(price, margin_core::value(&expiry, Price(strike), vol, kind).unwrap());
        let exact = number(value);
        let error = price.0 as f64 * unit - exact;
        raise(&mut max.value, error / s.max(k), case);
        if exact > 1e-6 * s {
            raise(&mut max.relative, error / exact, case);
        }
        raise(&mut max.delta, q40(g.delta) - number(delta), case);
        // Gamma against the density: gamma S vol sqrt(tau).
        raise(&mut max.gamma, (q40(g.gamma) - number(&case.gamma) * s) * sigma * root, case);
        raise(&mut max.vega, q40(g.vega) - number(&case.vega) / s, case);
        let theta_scale = s * sigma / (2.0 * root) * 0.3989 + (r * k).abs().min(1e-3 * k);
        raise(&mut max.theta, (q40(g.theta) * s - number(theta)) / theta_scale, case);
        raise(&mut max.rho, (q40(g.rho) * s - number(rho)) / s.max(k), case);
        raise(&mut max.vanna, (q40(g.vanna) - number(&case.vanna)) * sigma, case);
        raise(&mut max.volga, (q40(g.volga) - number(&case.volga) / s) * sigma / root, case);
    }
}

#[test]
fn value_and_greeks_meet_their_error_over_the_reference_set() {
    let mut max = Maxima::default();
    for case in &reference() {
        check(case, &mut max);
    }
    println!("{max:?}");
    assert!(max.value < 2e-11 && max.relative < 1e-7, "{max:?}");
    assert!(max.delta < 2e-10, "{max:?}");
    assert!(max.gamma < 1e-9 && max.vega < 1e-9 && max.rho < 1e-9, "{max:?}");
    assert!(max.theta < 1e-8 && max.vanna < 1e-8 && max.volga < 1e-8, "{max:?}");
}
