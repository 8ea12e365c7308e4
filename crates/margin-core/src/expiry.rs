//! What all legs of one expiry share: discounting, time and the logarithm of the forward.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "constants divide at build time; operators are those of Fx or on exponents whose ranges are argued inline"
)]

use crate::elementary::{Normal, Root, exp_neg, sqrt};
use crate::error::KernelError;
use crate::fx::{Fx, align, mul_high};
use crate::quantities::{Price, Rate, SECONDS_PER_YEAR, Seconds};
use crate::tables;

/// Longest time to expiry: four years (the stated range is three).
pub const MAX_SECONDS: Seconds = Seconds(4 * SECONDS_PER_YEAR);
/// Lowest rate of [`Expiry::from_forward`] and [`Expiry::from_spot`]: -50 % per year.
pub const MIN_RATE: Rate = Rate(-5_000_000_000);
/// Highest rate: 300 % per year; its product with the time is at most 8.
pub const MAX_RATE: Rate = Rate(30_000_000_000);

/// One in Q60, the format of discount factors.
pub(crate) const ONE_Q60: u64 = 1 << 60;

/// Market inputs of one expiry.
///
/// Normally `forward` is the forward and `fixed` is zero. Inside the settlement window the option settles on an
/// average of which a part is already known: `fixed` is (share observed) x (average observed so far) and `forward`
/// the variable part, F x (time left / window). Scenarios shock the variable part only.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExpiryInputs {
    /// The part of the settlement price that still moves with the market.
    pub forward: Price,
    /// The part of the settlement average that is already observed.
    pub fixed: Price,
    /// Time to expiry; zero prices at intrinsic value.
    pub time: Seconds,
    /// Published rate.
    pub rate: Rate,
}

/// A prepared expiry. Fields are private to the kernel; formats in the comments.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Expiry {
    /// ln(F) of the forward in 1e-12 USD, Q56; |.| < 2^62.
    pub(crate) ln_forward: Fx,
    /// F D as `spot * 2^spot_exponent` in 1e-12 USD, spot in [2^61, 2^62).
    pub(crate) spot: u64,
    pub(crate) spot_exponent: Fx,
    /// D, Q60: between e^-8 and e^2.
    pub(crate) discount: u64,
    /// tau in years, Q60: at most 2^62.
    pub(crate) years: u64,
    /// sqrt(tau) in Q(60 + root_shift), below 2^63: as many digits for five minutes as for a year.
    pub(crate) root_years: u64,
    /// 0 ..= 14.
    pub(crate) root_shift: Fx,
    /// sqrt(tau) / 1e8, Q88: below 2^62.5.
    pub(crate) vol_factor: u64,
    /// |r|, Q60, and its sign.
    pub(crate) rate: u64,
    pub(crate) rate_is_negative: bool,
    /// Whole forward and its variable part.
    pub(crate) forward: Price,
    pub(crate) variable: Price,
}

impl Expiry {
    /// Prepares an expiry for the risk model. A negative published rate counts as zero.
    ///
    /// # Errors
    /// `ForwardOutOfRange` (fixed + variable is zero or overflows), `TimeOutOfRange`, `RateOutOfRange`.
    #[inline]
    pub fn prepare(inputs: ExpiryInputs) -> Result<Self, KernelError> {
        let total = inputs.forward.checked_add(inputs.fixed).ok_or(KernelError::ForwardOutOfRange)?;
        let mut expiry = Self::from_forward(total, inputs.time, inputs.rate.for_discounting())?;
        expiry.variable = inputs.forward;
        Ok(expiry)
    }

    /// Prepares an expiry from a forward, with discounting at exactly `rate`, negative or not (Black-76).
    ///
    /// # Errors
    /// `ForwardOutOfRange` (zero), `TimeOutOfRange`, `RateOutOfRange`, `DiscountOutOfRange`.
    #[inline]
    pub fn from_forward(forward: Price, time: Seconds, rate: Rate) -> Result<Self, KernelError> {
        if forward == Price::ZERO {
            return Err(KernelError::ForwardOutOfRange);
        }
        let mut expiry = Self::discounting(time, rate)?.0;
        let normal = Normal::new(forward.0);
        expiry.ln_forward = normal.ln();
        // F D = mantissa * 2^-zeros * discount * 2^-60 = product * 2^(5 - zeros); D >= e^-8 keeps the product
        // above 2^50.
        let product = Normal::new(mul_high(normal.mantissa >> 1, expiry.discount));
        expiry.spot = product.mantissa >> 2;
        expiry.spot_exponent = Fx(7) - product.zeros - normal.zeros;
        expiry.forward = forward;
        expiry.variable = forward;
        Ok(expiry)
    }

    /// Prepares an expiry from a spot price without carry other than `rate` (Black-Scholes): F = S e^(r tau).
    ///
    /// The forward is never rounded to a [`Price`], so [`Expiry::forward`] is zero.
    ///
    /// # Errors
    /// `ForwardOutOfRange` (zero), `TimeOutOfRange`, `RateOutOfRange`, `DiscountOutOfRange`.
    #[inline(always)]
    pub fn from_spot(spot: Price, time: Seconds, rate: Rate) -> Result<Self, KernelError> {
        if spot == Price::ZERO {
            return Err(KernelError::ForwardOutOfRange);
        }
        let (mut expiry, growth) = Self::discounting(time, rate)?;
        let normal = Normal::new(spot.0);
        expiry.ln_forward = normal.ln() + growth; // below 2^61.5 + 2^59
        expiry.spot = normal.mantissa >> 2;
        expiry.spot_exponent = Fx(2) - normal.zeros;
        Ok(expiry)
    }

    /// Everything that depends on time and rate only, and r tau in Q56.
    #[inline(always)]
    fn discounting(time: Seconds, rate: Rate) -> Result<(Self, Fx), KernelError> {
        if time > MAX_SECONDS {
            return Err(KernelError::TimeOutOfRange);
        }
        if rate < MIN_RATE || rate > MAX_RATE {
            return Err(KernelError::RateOutOfRange);
        }
        // |rate| < 2^34.9 and time < 2^27: below 2^61.9.
        let magnitude = rate.0.unsigned_abs();
        let growth = Fx::from_bits(mul_high(magnitude.wrapping_mul(time.0), tables::RATE_SECOND_RECIPROCAL) >> 1);
        let growth = Fx(rate.0).sign_onto(growth.bits());
        if growth.0 > 8 << 56 {
            return Err(KernelError::DiscountOutOfRange);
        }
        debug_assert!(growth.0 >= -(2 << 56)); // the lowest rate for the longest time
        let discount = if growth == Fx::ZERO { ONE_Q60 } else { exp_neg(growth) };
        let Root { mantissa, half_shift } =
            if time == Seconds::ZERO { Root { mantissa: 0, half_shift: Fx(16) } } else { sqrt(time.0) };
        Ok((
            Self {
                ln_forward: Fx::ZERO,
                spot: 0,
                spot_exponent: Fx::ZERO,
                discount,
                years: times_ratio::<SECONDS_PER_YEAR>(time.0),
                // sqrt(t) 2^(30 + half_shift) times 2^75 / sqrt(year): Q(41 + half_shift), below 2^59.6.
                root_years: mul_high(mantissa, tables::ROOT_YEAR_RECIPROCAL) << 3,
                root_shift: half_shift - Fx(16), // half_shift is 16 ..= 30
                vol_factor: align(mul_high(mantissa, tables::VOL_ROOT_YEAR_RECIPROCAL), Fx(20) - half_shift),
                rate: times_ratio::<{ Rate::ONE.0 as u64 }>(magnitude),
                rate_is_negative: rate.0 < 0,
                forward: Price::ZERO,
                variable: Price::ZERO,
            },
            growth,
        ))
    }

    /// The whole forward: fixed plus variable part; zero after [`Expiry::from_spot`].
    #[must_use]
    pub const fn forward(&self) -> Price {
        self.forward
    }

    /// A derivative by the variable part's spot from one by the whole forward's: all of it outside a settlement window.
    pub(crate) fn variable_share(&self, greek: i64) -> i64 {
        if self.variable == self.forward {
            return greek;
        }
        // |greek| < 2^63 times a price below 2^64; the quotient is not larger than the greek.
        let product = i128::from(greek).wrapping_mul(i128::from(self.variable.0));
        product.checked_div(i128::from(self.forward.0)).unwrap_or(0) as i64
    }

    /// Discount factor exp(-r tau) in Q60 (2^60 is one).
    #[must_use]
    pub const fn discount_q60(&self) -> u64 {
        self.discount
    }
}

/// `value / DIVISOR` in Q60, rounded down, error below 2^-59: for a value of at most four times the divisor, which is
/// above 2^24, so that the factor has at most 36 bits and 31 more behind the point.
#[inline(always)]
const fn times_ratio<const DIVISOR: u64>(value: u64) -> u64 {
    let factor = const { (1u128 << 91) / DIVISOR as u128 };
    let (high, low) = ((factor >> 31) as u64, factor as u64 & 0x7fff_ffff);
    debug_assert!(value <= DIVISOR << 2 && value >> 36 == 0);
    // The lower product has 33 + 31 bits; of a larger value its last three go, 2^-57 at most.
    let lower = if DIVISOR >> 31 == 0 { value.wrapping_mul(low) >> 31 } else { (value >> 3).wrapping_mul(low) >> 28 };
    value.wrapping_mul(high).wrapping_add(lower)
}
