//! What mathematics says of option values, on random inputs over the stated range: prices from 1e-8 to 1e7 USD, five
//! minutes to three years, vol from 1 % to 1 000 %.

use margin_core::{Expiry, Greeks, OptionKind, Price, Rate, Seconds, Vol, greeks, value};
use proptest::prelude::*;

/// One option. The strike is within the reach of ten standard deviations or a factor of e^3 of the forward.
#[derive(Clone, Copy, Debug)]
struct Case {
    forward: u64,
    strike: u64,
    time: u64,
    rate: i64,
    vol: u64,
}

prop_compose! {
    fn case()(
        log_forward in 4.0..19.0f64, // 1e-8 to 1e7 USD in 1e-12
        deviations in -10.0..10.0f64,
        log_time in 300f64.ln()..94_608_000f64.ln(),
        log_vol in 1e6f64.ln()..1e9f64.ln(),
        rate in 0i64..2_000_000_000,
    ) -> Case {
        let (time, vol) = (log_time.exp(), log_vol.exp());
        let reach = (deviations * vol / 1e8 * (time / 31_536_000.0).sqrt()).clamp(-3.0, 3.0);
        let forward = 10f64.powf(log_forward);
        let strike = (forward * reach.exp()).clamp(1.0, 1.8e19);
        Case { forward: forward as u64, strike: strike as u64, time: time as u64, rate, vol: vol as u64 }
    }
}

impl Case {
    fn expiry(&self) -> Expiry {
        Expiry::from_forward(Price(self.forward), Seconds(self.time), Rate(self.rate)).expect("in range")
    }

    fn value(&self, kind: OptionKind) -> i128 {
        i128::from(value(&self.expiry(), Price(self.strike), Vol(self.vol), kind).expect("in range").0)
    }

    fn call(&self) -> i128 {
        self.value(OptionKind::Call)
    }

    /// Twice the stated error before rounding, 1e-13 of max(F, K), and the rounding itself: what two values that are
    /// equal in mathematics may differ by.
    fn slack(&self) -> i128 {
        i128::from(self.forward.max(self.strike)) / 5_000_000_000_000 + 1
    }

    /// A part of a quantity, at least one unit.
    fn part(quantity: u64, log_share: f64) -> u64 {
        ((quantity as f64 * 10f64.powf(log_share)) as u64).max(1)
    }

    fn with(self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self;
        change(&mut changed);
        changed
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn calls_rise_and_puts_fall_with_the_forward(low in case(), step in -12.0..-0.3f64) {
        let high = low.with(|c| c.forward += Case::part(c.forward, step));
        prop_assert!(high.call() >= low.call() - high.slack());
        prop_assert!(high.value(OptionKind::Put) <= low.value(OptionKind::Put) + high.slack());
        prop_assert!(high.value(OptionKind::DigitalCall) >= low.value(OptionKind::DigitalCall) - 1);
    }

    #[test]
    fn calls_fall_and_puts_rise_with_the_strike(low in case(), step in -12.0..-0.3f64) {
        let high = low.with(|c| c.strike = c.strike.saturating_add(Case::part(c.strike, step)));
        prop_assert!(high.call() <= low.call() + high.slack());
        prop_assert!(high.value(OptionKind::Put) >= low.value(OptionKind::Put) - high.slack());
        prop_assert!(high.value(OptionKind::DigitalPut) >= low.value(OptionKind::DigitalPut) - 1);
    }

    #[test]
    fn values_rise_with_vol(low in case(), step in -8.0..0.3f64) {
        let high = low.with(|c| c.vol += Case::part(c.vol, step));
        for kind in [OptionKind::Call, OptionKind::Put] {
            prop_assert!(high.value(kind) >= low.value(kind) - low.slack());
        }
    }

    #[test]
    fn undiscounted_values_rise_with_time(case in case(), step in -8.0..0.3f64) {
        let low = case.with(|c| c.rate = 0);
        let high = low.with(|c| c.time += Case::part(c.time, step).min(94_608_000 - c.time));
        for kind in [OptionKind::Call, OptionKind::Put] {
            prop_assert!(high.value(kind) >= low.value(kind) - low.slack());
        }
    }

    #[test]
    fn calls_are_convex_in_the_strike(middle in case(), step in -12.0..-0.3f64) {
        let step = Case::part(middle.strike, step).min(middle.strike - 1).min(u64::MAX - middle.strike);
        let (low, high) = (middle.with(|c| c.strike -= step), middle.with(|c| c.strike += step));
        prop_assert!(low.call() + high.call() - 2 * middle.call() >= -4 * high.slack());
    }

    #[test]
    fn parity_and_bounds_hold(case in case()) {
        let (call, put) = (case.call(), case.value(OptionKind::Put));
        let discounted = |price: u64| (i128::from(price) * i128::from(case.expiry().discount_q60())) >> 60;
        let (spot, strike) = (discounted(case.forward), discounted(case.strike));
        // Exact up to the rounding of four numbers and of their binary unit.
        let slack = 4 + i128::from(case.forward.max(case.strike) >> 56);
        prop_assert!((call - put - (spot - strike)).abs() <= slack);
        prop_assert!((spot - strike - slack..=spot + slack).contains(&call));
        prop_assert!((strike - spot - slack..=strike + slack).contains(&put));
        prop_assert!(call >= 0 && put >= 0);
        let digitals = case.value(OptionKind::DigitalCall) + case.value(OptionKind::DigitalPut);
        prop_assert!((digitals - discounted(Price::ONE_USD.0)).abs() <= 2);
    }
}

/// A case where finite differences of 64-bit values carry enough digits: near the money, not too short.
fn smooth_case() -> impl Strategy<Value = Case> {
    (1.0e15..9.0e18f64, -2.0..2.0f64, 6e5..9e7f64, 0.1..1.5f64, 0i64..1_000_000_000).prop_map(
        |(forward, deviations, time, vol, rate)| {
            let reach = deviations * vol * (time / 31_536_000.0).sqrt();
            let strike = (forward * reach.exp()).min(1.8e19);
            Case { forward: forward as u64, strike: strike as u64, time: time as u64, rate, vol: (vol * 1e8) as u64 }
        },
    )
}

/// Value over spot of an option on a spot price, for differences in each argument.
fn at(spot: f64, case: &Case, time: f64, vol: f64, rate: f64, kind: OptionKind) -> f64 {
    let expiry = Expiry::from_spot(Price(spot as u64), Seconds(time as u64), Rate(rate as i64)).expect("in range");
    value(&expiry, Price(case.strike), Vol(vol as u64), kind).expect("in range").0 as f64
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn greeks_are_the_derivatives_of_the_value(case in smooth_case(), put in any::<bool>()) {
        let kind = if put { OptionKind::Put } else { OptionKind::Call };
        let spot = case.forward as f64;
        let expiry = Expiry::from_spot(Price(case.forward), Seconds(case.time), Rate(case.rate)).expect("in range");
        let (_, g) = greeks(&expiry, Price(case.strike), Vol(case.vol), kind).expect("in range");
        let Greeks { delta, gamma, vega, theta, rho, vanna, volga } = g;
        let q40 = |greek: i64| greek as f64 / (1u64 << 40) as f64;
        let (time, vol, rate) = (case.time as f64, case.vol as f64, case.rate as f64);
        let v = |ds: f64, dt: f64, dvol: f64, dr: f64| {
            at((spot * (1.0 + ds)).floor(), &case, time + dt, vol + dvol, rate + dr, kind) / spot
        };
        // Central differences; steps are whole units of every input.
        let deviation = vol / 1e8 * (time / 31_536_000.0).sqrt();
        let s = deviation * 1e-3;
        let first = |up: f64, down: f64, step: f64| (up - down) / (2.0 * step);
        let second = |up: f64, down: f64, step: f64| (up - 2.0 * v(0., 0., 0., 0.) + down) / (step * step);
        let dvol = (vol * 1e-3).floor();
        let dt = (time * 1e-3).floor();
        let close = |name: &str, analytic: f64, numeric: f64, scale: f64| {
            prop_assert!((analytic - numeric).abs() <= 2e-5 * scale, "{name}: {analytic} {numeric}, {case:?}");
            Ok(())
        };
        let root = (time / 31_536_000.0).sqrt();
        close("delta", q40(delta), first(v(s, 0., 0., 0.), v(-s, 0., 0., 0.), s), 1.0)?;
        close("gamma", q40(gamma), second(v(s, 0., 0., 0.), v(-s, 0., 0., 0.), s), 1.0 / deviation)?;
        close("vega", q40(vega), first(v(0., 0., dvol, 0.), v(0., 0., -dvol, 0.), dvol / 1e8), root)?;
        close("volga", q40(volga), second(v(0., 0., dvol, 0.), v(0., 0., -dvol, 0.), dvol / 1e8), root / (vol / 1e8))?;
        let years = dt / 31_536_000.0;
        let decay = -first(v(0., dt, 0., 0.), v(0., -dt, 0., 0.), years);
        close("theta", q40(theta), decay, vol / 1e8 / root + rate / 1e10)?;
        let dr = 1e5;
        close("rho", q40(rho), first(v(0., 0., 0., dr), v(0., 0., 0., -dr), dr / 1e10), 1.0)?;
        let delta_at = |dvol: f64| first(v(s, 0., dvol, 0.), v(-s, 0., dvol, 0.), s);
        close("vanna", q40(vanna), first(delta_at(dvol), delta_at(-dvol), dvol / 1e8), 1.0 / (vol / 1e8))?;
    }
}
