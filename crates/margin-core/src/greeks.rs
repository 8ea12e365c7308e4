//! Analytic Greeks in the spot measure, S = D F.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "operators are those of Fx or on exponents whose ranges are argued inline; the one divisor is \
              normalised and its truncation is corrected by a Newton step"
)]

use crate::black::{OptionKind, Terms, Value, step};
use crate::deviation::Deviation;
use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::fx::{Fx, mul_high, quotient, scale, shr};
use crate::normal::{Normal, ONE_Q62, fine_cdf, fine_cdf_density};
use crate::quantities::{Price, Rate, Seconds, Vol};
use crate::strike::Strike;
use crate::tables;

/// Sensitivities of one option per unit of the underlying, relative to the spot S = D F, in Q40
/// (`value * 2^40`), so that one format keeps twelve digits for every underlying from 1e-8 to 1e7 USD.
///
/// Same conventions as `BlackCalculator` in QuantLib: vega per 1.00 of vol, rho per 1.00 of rate, theta per year.
/// Multiply by S (see [`Greeks::in_usd`]) for USD per unit; `delta` and `vanna` are pure numbers already. A digital
/// option's Greeks are per USD of payout: read S as 1 USD except in the derivatives by ln S (delta is S dV/dS).
///
/// A number beyond the format (possible only where vol sqrt(tau) < 1e-6 or vol < 1e-7) is saturated.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Greeks {
    /// dV/dS.
    pub delta: i64,
    /// S d2V/dS2: change of delta per 100 % of spot.
    pub gamma: i64,
    /// (dV/dvol) / S.
    pub vega: i64,
    /// (-dV/dtau) / S.
    pub theta: i64,
    /// (dV/dr) / S.
    pub rho: i64,
    /// d2V/dS dvol.
    pub vanna: i64,
    /// (d2V/dvol2) / S.
    pub volga: i64,
}

/// Fraction bits of every Greek.
pub const GREEK_BITS: u32 = 40;

impl Greeks {
    /// A Greek relative to spot, in 1e-12 USD per unit of the underlying, rounded down.
    #[must_use]
    pub fn in_usd(greek: i64, spot: Price) -> i128 {
        // |greek| <= 2^63 and spot < 2^64: the product is below 2^127.
        (i128::from(greek) * i128::from(spot.0)) >> GREEK_BITS
    }
}

/// Everything a vanilla option's Greeks are made of.
struct Point<'a> {
    expiry: &'a Expiry,
    terms: Terms,
    is_call: bool,
}

/// Value and Greeks of one option per unit of the underlying; see [`Greeks`] for units.
///
/// Inside the settlement window delta, gamma and vanna are those of the variable part's spot: they carry its share
/// of the forward once per derivative. Zero time or zero vol leaves delta, and theta and rho of the discounting.
///
/// # Errors
/// As [`crate::value`].
pub fn greeks(expiry: &Expiry, strike: Price, vol: Vol, kind: OptionKind) -> Result<(Price, Greeks), KernelError> {
    evaluate(expiry, strike, vol, kind)
}

/// Black-Scholes value and Greeks in one call, with nothing prepared: [`Expiry::from_spot`] and [`greeks`] without the
/// copy of the expiry between them.
///
/// # Errors
/// As [`Expiry::from_spot`] and [`crate::value`].
pub fn greeks_from_spot(
    spot: Price,
    strike: Price,
    time: Seconds,
    rate: Rate,
    vol: Vol,
    kind: OptionKind,
) -> Result<(Price, Greeks), KernelError> {
    evaluate(&Expiry::from_spot(spot, time, rate)?, strike, vol, kind)
}

#[inline(always)]
fn evaluate(expiry: &Expiry, strike: Price, vol: Vol, kind: OptionKind) -> Result<(Price, Greeks), KernelError> {
    let is_call = match kind {
        OptionKind::Call => true,
        OptionKind::Put => false,
        OptionKind::DigitalCall => return crate::digital::greeks(expiry, strike, vol, true),
        OptionKind::DigitalPut => return crate::digital::greeks(expiry, strike, vol, false),
    };
    vanilla(expiry, &Strike::prepare(strike)?, vol, is_call)
}

#[inline(always)]
fn vanilla(expiry: &Expiry, strike: &Strike, vol: Vol, is_call: bool) -> Result<(Price, Greeks), KernelError> {
    let terms = Terms::new(expiry, strike)?;
    let point = Point { expiry, terms, is_call };
    let (price, greeks) = match Deviation::new(expiry, vol)? {
        None => {
            let (value, mut greeks, n1) = point.discounting(step(terms.x), step(terms.x));
            greeks.delta = (n1 >> 22).0;
            (value, greeks)
        }
        Some(deviation) => point.smooth(&deviation, vol),
    };
    let greeks = if expiry.variable == expiry.forward { greeks } else { settlement_window(expiry, greeks) };
    Ok((terms.to_price(price)?, greeks))
}

impl Point<'_> {
    /// Value, the rate terms of theta and rho, and the signed N(d1).
    #[inline(always)]
    fn discounting(&self, n1: Fx, n2: Fx) -> (Fx, Greeks, Fx) {
        let Value { call, strike_share } = self.terms.call(n1, n2);
        let value = if self.is_call { call } else { call - self.terms.parity() };
        // K D N(d2) or K D N(-d2), in 2^(exponent + 2): below 2^60.
        let weight = if self.is_call { strike_share } else { Fx::from_bits(self.terms.strike >> 2) - strike_share };
        // Over S, Q40: at most 2^20. Truncation of K may leave the put's weight one below zero.
        let weight = weight.max(Fx::ZERO).bits();
        let ratio = scale(mul_high(weight, reciprocal(self.expiry.spot)), self.terms.spot_shift - Fx(17));
        let signed = |magnitude: u64| {
            let magnitude = Fx::from_bits(magnitude);
            if self.is_call { magnitude } else { -magnitude }
        };
        // ratio is 2^60 at most, and a hair above by rounding; Q42 * Q60 -> Q38 -> Q40.
        let rho = signed(mul_high(ratio << 2, self.expiry.years) << 2);
        let carry = signed(mul_high(ratio << 2, self.expiry.rate) << 2);
        let greeks = Greeks {
            rho: rho.0,
            theta: if self.expiry.rate_is_negative { carry.0 } else { -carry.0 },
            ..Greeks::default()
        };
        (value, greeks, if self.is_call { n1 } else { n1 - ONE_Q62 })
    }

    #[inline(always)]
    fn smooth(&self, deviation: &Deviation, vol: Vol) -> (Fx, Greeks) {
        let (inverse, shift) = (deviation.wide_reciprocal(), deviation.shift);
        let (d1, d2) = deviation.d1_d2(self.terms.x, inverse);
        let Normal { cdf: n1, density } = fine_cdf_density(d1);
        let (value, mut greeks, n1) = self.discounting(n1, fine_cdf(d2));
        let (density, root) = (density.bits(), self.expiry.root_years);
        // phi/v: Q62 times 2^120/V is (phi/v) 2^(62 - shift).
        let curvature = mul_high(density, inverse);
        let vol = vol.min(Vol(u64::from(u32::MAX))); // theta stops growing at 4 295 %
        // phi/v vol^2/2 = phi vol / (2 sqrt(tau)): vol^2 in Q52, so (...) 2^(50 - shift), halved by one more bit.
        let vol_squared = mul_high(vol.0.wrapping_mul(vol.0) >> 1, tables::VOL_SQUARED_RECIPROCAL) << 1; // vol < 2^32
        let decay = scale(mul_high(curvature, vol_squared), shift - Fx(11));
        // 1/vol = sqrt(tau)/v: Q(60 + places) times 2^120/V is (1/vol) 2^(60 + places - shift).
        let places = self.expiry.root_shift;
        let inverse_vol = mul_high(root, inverse);
        // |d1| <= 8 wherever phi > 0, so |d2| < 91 and phi |d2| < 37.
        let slope = mul_high(density, d2.abs()) << 3; // phi d2: Q62 * Q56 -> Q57, below 2^63
        let tilt = mul_high(slope, inverse_vol); // phi d2 / vol: (...) 2^(53 + places - shift), below 2^62
        let bend = mul_high(mul_high(tilt, d1.abs()) << 1, root); // phi d1 d2 / vol sqrt(tau): (...) 2^(42 + 2 places - shift)
        greeks.delta = (n1 >> 22).0;
        greeks.gamma = scale(curvature, shift - Fx(22)) as i64;
        greeks.vega = shr(mul_high(density, root), places + Fx(18)) as i64; // Q(58 + places) -> Q40
        // |carry| < 2^62, so a decay saturated at 2^62 leaves the sum inside 64 bits.
        greeks.theta = (Fx(greeks.theta) - Fx::from_bits(decay.min(1 << 62))).0;
        greeks.vanna = (-d2.sign_onto(scale(tilt, shift - places - Fx(13)))).0;
        // The sign of d1 d2.
        greeks.volga = Fx(d1.0 ^ d2.0).sign_onto(scale(bend, shift - places - places - Fx(2))).0;
        (value, greeks)
    }
}

/// 2^123 / spot for spot in [2^61, 2^62): one division and one Newton step, relative error 2^-57.
#[inline(always)]
pub(crate) fn reciprocal(spot: u64) -> u64 {
    let rough = quotient(1 << 63, spot >> 30); // (2^31, 2^32]
    // rough spot / 2^34, rounded down: both partial products are below 2^63.
    let product = rough.wrapping_mul(spot >> 31).wrapping_add(rough.wrapping_mul(spot & 0x7fff_ffff) >> 31) >> 3;
    let excess = Fx::power(59) - Fx::from_bits(product); // |.| < 2^30: 2^59 (1 - rough spot / 2^93)
    (Fx::from_bits(rough << 30) + ((Fx::from_bits(rough >> 1) * excess) >> 28)).bits()
}

/// Chain rule of F = fixed + variable: one factor (variable share) per derivative by spot.
fn settlement_window(expiry: &Expiry, greeks: Greeks) -> Greeks {
    let share = |greek| expiry.variable_share(greek);
    Greeks { delta: share(greeks.delta), gamma: share(share(greeks.gamma)), vanna: share(greeks.vanna), ..greeks }
}
