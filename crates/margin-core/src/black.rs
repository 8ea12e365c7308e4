//! Black-76 values of vanilla and cash-or-nothing options.
//!
//! Call = D (F N(d1) - K N(d2)), d1 = ln(F/K)/v + v/2, d2 = d1 - v, v = vol sqrt(tau); put by parity. The call is
//! stationary in d1 (F n(d1) = K n(d2)), so the errors of the logarithm and of 1/v reach it at second order only.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "operators are those of Fx or on exponents whose ranges are argued inline"
)]

use crate::deviation::Deviation;
use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::fx::{Fx, mul_high, shl, shr};
use crate::normal::{ONE_Q62, fine_cdf};
use crate::quantities::{Price, Vol};
use crate::strike::Strike;
use crate::tables;

/// Payoff of an option on one unit of the underlying.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum OptionKind {
    /// max(S - K, 0).
    Call = 0,
    /// max(K - S, 0).
    Put = 1,
    /// One USD when S > K.
    DigitalCall = 2,
    /// One USD when S <= K.
    DigitalPut = 3,
}

/// Largest |ln(F/K)|: 20 ln 2, Q56.
const MAX_LOG_MONEYNESS: i64 = 20 * tables::LN_2;

/// x = ln(F/K) and D F, D K in one common binary unit.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// ln(F/K), Q56; |x| <= 20 ln 2.
    pub(crate) x: Fx,
    /// D F in 2^exponent of 1e-12 USD: at most 2^62.
    pub(crate) spot: u64,
    /// D K in the same unit: below 2^62 (at most 2^59 unless the rate is negative).
    pub(crate) strike: u64,
    pub(crate) exponent: Fx,
    /// Bits that `spot` lost against `Expiry::spot`.
    pub(crate) spot_shift: Fx,
}

/// A call value and its subtrahend D K N(d2), in 2^(exponent + 2) of 1e-12 USD.
pub(crate) struct Value {
    pub(crate) call: Fx,
    pub(crate) strike_share: Fx,
}

impl Terms {
    #[inline(always)]
    pub(crate) fn new(expiry: &Expiry, strike: &Strike) -> Result<Self, KernelError> {
        let normal = strike.normal;
        let x = log_moneyness(expiry, strike)?;
        let strike = mul_high(normal.mantissa >> 1, expiry.discount);
        let exponent = Fx(5) - normal.zeros;
        // The mantissas differ by at most 2^13 and the prices by at most 2^20 e^2, so the shifts stay below 64.
        let (exponent, spot_shift, strike_shift) = if exponent > expiry.spot_exponent {
            (exponent, exponent - expiry.spot_exponent, Fx::ZERO)
        } else {
            (expiry.spot_exponent, Fx::ZERO, expiry.spot_exponent - exponent)
        };
        Ok(Self { x, spot: shr(expiry.spot, spot_shift), strike: shr(strike, strike_shift), exponent, spot_shift })
    }

    /// Call value from N(d1), N(d2) in Q62, kept inside max(0, D (F - K)) ..= D F.
    #[inline(always)]
    pub(crate) fn call(&self, n1: Fx, n2: Fx) -> Value {
        // Products are below 2^61, so the difference fits.
        let strike_share = Fx::from_bits(mul_high(self.strike, n2.bits()));
        let value = Fx::from_bits(mul_high(self.spot, n1.bits())) - strike_share;
        let call = value.max(self.parity().max(Fx::ZERO)).min(Fx::from_bits(self.spot >> 2));
        Value { call, strike_share }
    }

    /// Call minus put, D (F - K), in 2^(exponent + 2) of 1e-12 USD.
    #[inline(always)]
    pub(crate) fn parity(&self) -> Fx {
        Fx::from_bits(self.spot >> 2) - Fx::from_bits(self.strike >> 2)
    }

    /// Rounds a value in 2^(exponent + 2) of 1e-12 USD to the nearest 1e-12 USD, ties up.
    #[inline(always)]
    pub(crate) fn to_price(self, value: Fx) -> Result<Price, KernelError> {
        let shift = self.exponent + Fx(2); // -70 ..= 6
        let bits = value.bits(); // below 2^62
        if shift.is_negative() {
            let right = -shift;
            let half = shl(1, right.min(Fx(62)) - Fx(1));
            Ok(Price(if right.0 > 62 { 0 } else { shr(bits.wrapping_add(half), right) }))
        } else if shr(bits, Fx(63) - shift) > 1 {
            Err(KernelError::Overflow)
        } else {
            Ok(Price(bits << (shift.0 & 63)))
        }
    }
}

/// ln(F/K), Q56, within its limit.
#[inline(always)]
pub(crate) fn log_moneyness(expiry: &Expiry, strike: &Strike) -> Result<Fx, KernelError> {
    let x = expiry.ln_forward - strike.ln; // both below 2^61.6
    if x.abs() > MAX_LOG_MONEYNESS as u64 { Err(KernelError::MoneynessOutOfRange) } else { Ok(x) }
}

/// N(d) of a leg without time value: 1 in the money, 0 out of the money or at the money.
#[inline(always)]
pub(crate) fn step(x: Fx) -> Fx {
    if x > Fx::ZERO { ONE_Q62 } else { Fx::ZERO }
}

/// N(d2) of a digital without time value: an exact comparison, wherever the forward is a price. At the strike the put pays.
#[inline(always)]
pub(crate) fn digital_step(expiry: &Expiry, strike: Price, x: Fx) -> Fx {
    match expiry.forward {
        Price::ZERO => step(x), // prepared from spot
        forward if forward > strike => ONE_Q62,
        _ => Fx::ZERO,
    }
}

/// Value of one option per unit of the underlying (vanilla) or per USD of payout (digital), discounted.
///
/// Zero time or zero vol gives the discounted intrinsic value; a digital call pays above its strike only, a put at it too. Rounded to the nearest 1e-12 USD; the error before
/// that rounding is below 1e-13 of max(F, K). A call lies in max(0, D (F - K)) ..= D F, a put in
/// max(0, D (K - F)) ..= D K.
///
/// # Errors
/// `StrikeOutOfRange`, `MoneynessOutOfRange`, `VolOutOfRange`; `Overflow` when a negative rate lifts a value over
/// the range of [`Price`].
pub fn value(expiry: &Expiry, strike: Price, vol: Vol, kind: OptionKind) -> Result<Price, KernelError> {
    let terms = Terms::new(expiry, &Strike::prepare(strike)?)?;
    let deviation = Deviation::new(expiry, vol)?;
    match kind {
        OptionKind::Call | OptionKind::Put => {
            let (n1, n2) = match deviation {
                None => (step(terms.x), step(terms.x)),
                Some(deviation) => {
                    let (d1, d2) = deviation.d1_d2(terms.x, deviation.wide_reciprocal());
                    (fine_cdf(d1), fine_cdf(d2))
                }
            };
            let Value { call, .. } = terms.call(n1, n2);
            terms.to_price(if kind == OptionKind::Call { call } else { call - terms.parity() })
        }
        OptionKind::DigitalCall | OptionKind::DigitalPut => {
            let n2 = match deviation {
                None => digital_step(expiry, strike, terms.x),
                Some(deviation) => fine_cdf(deviation.d1_d2(terms.x, deviation.wide_reciprocal()).1),
            };
            Ok(digital_price(expiry, if kind == OptionKind::DigitalCall { n2 } else { ONE_Q62 - n2 }))
        }
    }
}

/// D N(d2) in 1e-12 USD per USD of payout, nearest.
#[inline(always)]
pub(crate) fn digital_price(expiry: &Expiry, n2: Fx) -> Price {
    // Q62 * Q60 -> Q58, below 2^61; times 1e12 2^23 (below 2^63) leaves Q17, below 2^60.
    let discounted = mul_high(n2.bits(), expiry.discount);
    Price(mul_high(discounted, Price::ONE_USD.0 << 23).wrapping_add(1 << 16) >> 17)
}
