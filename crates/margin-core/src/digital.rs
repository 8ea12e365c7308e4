//! Greeks of cash-or-nothing options. They are rare, so this module prefers plain 128-bit arithmetic.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "operators are those of Fx; 128-bit products of two 64-bit factors cannot overflow; quotients truncate \
              below the stated format"
)]

use crate::black::{Terms, digital_price, digital_step};
use crate::deviation::Deviation;
use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::fx::Fx;
use crate::greeks::Greeks;
use crate::normal::{Normal, ONE_Q62, fine_cdf_density};
use crate::quantities::{Price, Vol};
use crate::strike::Strike;

const ONE_Q40: i128 = 1 << 40;

/// Product of two Q40 numbers, rounded down, saturated well inside `i128` so that chains cannot overflow.
fn times(a: i128, b: i128) -> i128 {
    const LIMIT: i128 = 1 << 86;
    match a.checked_mul(b) {
        Some(product) => (product >> 40).clamp(-LIMIT, LIMIT),
        None if (a < 0) == (b < 0) => LIMIT,
        None => -LIMIT,
    }
}

/// Quotient of a Q40 number by a positive Q56 number, Q40.
fn over_q56(a: i128, b: i128) -> i128 {
    // |a| <= 2^86 from `times` is clamped before the shift.
    (a.clamp(-(1 << 70), 1 << 70) << 56) / b.max(1)
}

fn narrow(a: i128) -> i64 {
    a.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// Value and Greeks per USD of payout of D N(d2) (call) or D (1 - N(d2)) (put); S means 1 USD except in
/// derivatives by ln S, see [`Greeks`].
pub(crate) fn greeks(expiry: &Expiry, strike: Price, vol: Vol, is_call: bool) -> Result<(Price, Greeks), KernelError> {
    let terms = Terms::new(expiry, &Strike::prepare(strike)?)?;
    let discount = i128::from(expiry.discount >> 20); // Q40
    let (years, rate) = (i128::from(expiry.years >> 20), i128::from(expiry.rate >> 20));
    let rate = if expiry.rate_is_negative { -rate } else { rate };
    let (n2, mut greeks) = match Deviation::new(expiry, vol)? {
        None => (digital_step(expiry, strike, terms.x), [0i128; 7]),
        Some(deviation) => {
            let (d1, d2) = deviation.d1_d2(terms.x, deviation.wide_reciprocal());
            let Normal { cdf, density } = fine_cdf_density(d2);
            (cdf, density_terms(&deviation, discount, density, (d1, d2), (years, rate, vol)))
        }
    };
    // The discounting part: rho = -tau V, theta = r V.
    let probability = if is_call { n2 } else { ONE_Q62 - n2 };
    let value = times(discount, i128::from((probability >> 22).0));
    if !is_call {
        greeks = greeks.map(|greek| -greek);
    }
    let [delta, gamma, vega, theta, rho, vanna, volga] = greeks;
    let share = if expiry.variable == expiry.forward {
        ONE_Q40
    } else {
        (i128::from(expiry.variable.0) << 40) / i128::from(expiry.forward.0.max(1))
    };
    let greeks = Greeks {
        delta: narrow(times(delta, share)),
        gamma: narrow(times(times(gamma, share), share)),
        vega: narrow(vega),
        theta: narrow(theta + times(rate, value)),
        rho: narrow(rho - times(years, value)),
        vanna: narrow(times(vanna, share)),
        volga: narrow(volga),
    };
    Ok((digital_price(expiry, probability), greeks))
}

/// The terms that carry the density, for the call, in Q40: with p = D phi(d2),
///
/// delta p/v, gamma -p d1/v^2, vega -p d1/vol, theta p (d1/(2 tau) - r/v), rho p tau/v,
/// vanna p (d1 d2 - 1)/(v vol), volga p (d1 + d2 - d1^2 d2)/vol^2.
fn density_terms(
    deviation: &Deviation,
    discount: i128,
    density: Fx,
    (d1, d2): (Fx, Fx),
    (years, rate, vol): (i128, i128, Vol),
) -> [i128; 7] {
    let v = i128::from(deviation.v.0);
    let (d1, d2) = (i128::from((d1 >> 16).0), i128::from((d2 >> 16).0));
    let p = times(discount, i128::from((density >> 22).0));
    let per_vol = |a: i128| a.clamp(-(1 << 90), 1 << 90) * 100_000_000 / i128::from(vol.0.max(1));
    let delta = over_q56(p, v);
    let tilt = times(p, d1);
    [
        delta,
        -over_q56(over_q56(tilt, v), v),
        -per_vol(tilt),
        over_q56(tilt, (years << 17).max(1)) - times(rate, delta),
        times(delta, years),
        per_vol(over_q56(times(p, times(d1, d2) - ONE_Q40), v)),
        per_vol(per_vol(times(p, d1 + d2 - times(times(d1, d1), d2)))),
    ]
}
