//! Net Greeks of an expiry's options, from what their scan shares.
//!
//! Every Greek of a strike's call and put is one of seven terms of the strike times a factor of the expiry, so the terms are
//! summed over the lots and each factor is applied once. With phi = n(d1), k = K/F, c and p the lots of calls and puts:
//! delta = sum (c + p) N(d1) - p, gamma = sum (c + p) phi/v, vega = sqrt(tau) sum (c + p) phi,
//! rho = tau W and theta = -r W - sum (c + p) phi vol / (2 sqrt(tau)) with W = sum k ((c + p) N(d2) - p),
//! vanna = -sqrt(tau) sum (c + p) phi d2/v, volga = tau sum (c + p) phi d1 d2/v; all but delta's number times S = D F.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    reason = "operators are those of Fx or argued inline; a constant divides at build time"
)]

use crate::black::step;
use crate::deviation::Deviation;
use crate::error::KernelError;
use crate::expiry::Expiry;
use crate::fx::{Fx, mul_high, scale};
use crate::greeks::reciprocal;
use crate::leg::Leg;
use crate::normal::{Normal, ONE_Q44, SCAN_BIAS, fine_cdf_density, scan_cdf_saturating};
use crate::quantities::{Lots, Vol};
use crate::strike::Strike;
use crate::wide;

/// One in the format of a strike's terms, Q40.
const ONE: i64 = 1 << 40;

/// What the Greeks of one strike are made of, Q40 but for `decay`; saturated at 2^63.
struct Terms {
    /// N(d1).
    delta: i64,
    /// K/F N(d2), and K/F.
    share: i64,
    strike: i64,
    /// phi.
    density: i64,
    /// phi vol in 1e-8, Q15.
    decay: i64,
    /// phi / v.
    curvature: i64,
    /// phi d2 / v.
    slant: i64,
    /// phi d1 d2 / v.
    bend: i64,
}

/// One number for each term of the net Greeks: a sum of lots times term.
#[derive(Clone, Copy, Debug, Default)]
struct Sums<T> {
    delta: T,
    share: T,
    density: T,
    decay: T,
    curvature: T,
    slant: T,
    bend: T,
}

/// Net Greeks of an expiry's options, while they are added.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NetTerms {
    /// What fits one word.
    narrow: Sums<i64>,
    /// Bound of every |narrow|.
    bound: u64,
    /// Everything else.
    spilled: Option<Sums<i128>>,
    /// 2^123 / spot, once an option is there.
    reciprocal: u64,
}

/// Net Greeks of an expiry in lots x 1e-12 USD, rounded down; as in [`crate::Greeks`] times S, of which delta, gamma and
/// vanna are cash figures.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExpiryGreeks {
    pub(crate) delta: i128,
    pub(crate) gamma: i128,
    pub(crate) vega: i128,
    pub(crate) theta: i128,
    pub(crate) rho: i128,
    pub(crate) vanna: i128,
    pub(crate) volga: i128,
}

impl Terms {
    /// Errors are those of 1/v, which move N(d) and phi by less than 2e-10 and the terms in 1/v by less than 1e-9 of their
    /// scale: within the bounds of single options' Greeks.
    #[inline(always)]
    fn new(
        expiry: &Expiry,
        strike: &Strike,
        leg: &Leg,
        vol: Vol,
        reciprocal: u64,
        crosses: bool,
    ) -> Result<Self, KernelError> {
        let x = expiry.ln_forward - strike.ln; // within its limit, which the leg has checked
        // D K / (D F) in 2^-(59 + spot_exponent - strike_exponent), at most 2^20: Q42.
        let ratio = scale(mul_high(leg.strike, reciprocal), leg.strike_exponent - expiry.spot_exponent - Fx(17));
        let ratio = ratio.min(1 << 62);
        let strike = (ratio >> 2) as i64;
        let share = |n2: Fx| mul_high(ratio, (n2 << 18).bits()) as i64; // Q42 * Q62 -> Q40
        let Some(deviation) = Deviation::new(expiry, vol)? else {
            let certain = step(x);
            let share = share(certain >> 18);
            let delta = (certain >> 22).0;
            return Ok(Self { delta, share, strike, density: 0, decay: 0, curvature: 0, slant: 0, bend: 0 });
        };
        // 1/v to 2^-31: d1 and d2 within 5e-10 of themselves.
        let (inverse, shift) = (deviation.reciprocal << 31, deviation.shift);
        let (d1, d2) = deviation.d1_d2(x, inverse);
        let Normal { cdf: n1, density } = fine_cdf_density(d1);
        let n2 = scan_cdf_saturating((d2 >> 17) + SCAN_BIAS).max(Fx::ZERO).min(ONE_Q44);
        let density = density.bits();
        // phi/v: Q62 times 2^120/V is (phi/v) 2^(62 - shift).
        let curvature = mul_high(density, inverse);
        let (mut slant, mut bend) = (Fx::ZERO, Fx::ZERO);
        if crosses {
            // phi |d2| < 37, see `greeks`: below 2^60.
            let product = mul_high(curvature, d2.abs()); // (...) 2^(54 - shift)
            slant = d2.sign_onto(scale(product, shift - Fx(14)));
            // (...) 2^(48 - shift), with the sign of d1 d2.
            bend = Fx(d1.0 ^ d2.0).sign_onto(scale(mul_high(product << 2, d1.abs()), shift - Fx(8)));
        }
        Ok(Self {
            delta: (n1 >> 22).0,
            share: share(n2),
            strike,
            density: (density >> 22) as i64,
            // Theta stops growing at 4 295 %.
            decay: (mul_high(density, vol.0.min(u64::from(u32::MAX)) << 31) >> 14) as i64,
            curvature: scale(curvature, shift - Fx(22)) as i64,
            slant: slant.0,
            bend: bend.0,
        })
    }

    /// A bound of every magnitude.
    #[inline(always)]
    fn bound(&self) -> u64 {
        let Self { delta, share: _, strike, density, decay, curvature, slant, bend } = *self;
        // `share` is at most `strike`; for a negative number the complement, which is one smaller.
        let magnitudes =
            ONE | delta | strike | density | decay | curvature | (slant ^ (slant >> 63)) | (bend ^ (bend >> 63));
        (magnitudes as u64).wrapping_add(1)
    }
}

impl NetTerms {
    /// No option.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        // Sums that were never used are zero.
        if self.reciprocal != 0 {
            *self = Self::default();
        }
    }

    /// Adds net calls and net puts of one strike, whose leg is prepared; returns the call's delta in Q40. Without `crosses`
    /// vanna and volga stay zero.
    ///
    /// # Errors
    /// `VolOutOfRange`; `Overflow` from 2^126 on.
    #[inline(always)]
    pub(crate) fn add(
        &mut self,
        expiry: &Expiry,
        strike: &Strike,
        leg: &Leg,
        vol: Vol,
        (calls, puts): (Lots, Lots),
        crosses: bool,
    ) -> Result<i64, KernelError> {
        if self.reciprocal == 0 {
            self.reciprocal = reciprocal(expiry.spot);
        }
        let terms = Terms::new(expiry, strike, leg, vol, self.reciprocal, crosses)?;
        // |calls| + |puts| and a term in one word with room to spare: nearly always.
        let (gross, bound) = (calls.0.unsigned_abs() | puts.0.unsigned_abs(), terms.bound());
        let fits = (gross >> 16) | (bound >> 45) == 0 || (gross >> 11) | (bound >> 50) == 0;
        let reach = self.bound.wrapping_add(gross.wrapping_mul(bound) << 2); // 61 + 2 bits each
        if !fits || reach >> 63 != 0 {
            self.add_wide(&terms, calls, puts)?;
            return Ok(terms.delta);
        }
        self.bound = reach;
        let (both, puts) = (calls.0.wrapping_add(puts.0), puts.0);
        let sums = &mut self.narrow;
        // Every product and sum is within `bound`: |both| < 2 gross, and |puts| <= gross beside it.
        let add = |sum: &mut i64, term: i64| *sum = sum.wrapping_add(both.wrapping_mul(term));
        add(&mut sums.delta, terms.delta);
        add(&mut sums.share, terms.share);
        add(&mut sums.density, terms.density);
        add(&mut sums.decay, terms.decay);
        add(&mut sums.curvature, terms.curvature);
        if crosses {
            add(&mut sums.slant, terms.slant);
            add(&mut sums.bend, terms.bend);
        }
        if puts != 0 {
            sums.delta = sums.delta.wrapping_sub(puts.wrapping_mul(ONE));
            sums.share = sums.share.wrapping_sub(puts.wrapping_mul(terms.strike));
        }
        Ok(terms.delta)
    }

    #[cold]
    #[inline(never)]
    fn add_wide(&mut self, terms: &Terms, calls: Lots, puts: Lots) -> Result<(), KernelError> {
        let sums = self.spilled.get_or_insert_default();
        let (both, puts) = (i128::from(calls.0).wrapping_add(i128::from(puts.0)), i128::from(puts.0)); // 65 bits
        for (sum, term, of_puts) in [
            (&mut sums.delta, terms.delta, ONE),
            (&mut sums.share, terms.share, terms.strike),
            (&mut sums.density, terms.density, 0),
            (&mut sums.decay, terms.decay, 0),
            (&mut sums.curvature, terms.curvature, 0),
            (&mut sums.slant, terms.slant, 0),
            (&mut sums.bend, terms.bend, 0),
        ] {
            let product = both.checked_mul(i128::from(term)).ok_or(KernelError::Overflow)?;
            let product = product.checked_sub(puts.wrapping_mul(i128::from(of_puts))).ok_or(KernelError::Overflow)?;
            *sum = sum.checked_add(product).ok_or(KernelError::Overflow)?;
        }
        Ok(())
    }

    /// The net Greeks.
    ///
    /// # Errors
    /// `Overflow`.
    #[inline(always)]
    pub(crate) fn close(&self, expiry: &Expiry) -> Result<ExpiryGreeks, KernelError> {
        if self.reciprocal == 0 {
            return Ok(ExpiryGreeks::default());
        }
        let factors = Factors::new(expiry);
        let mut greeks = match &self.spilled {
            None => factors.narrow(&self.narrow),
            Some(spilled) => factors.wide(&self.narrow, spilled)?,
        };
        if expiry.variable != expiry.forward {
            greeks.settlement_window(expiry);
        }
        Ok(greeks)
    }
}

/// What the sums of an expiry are multiplied by.
struct Factors {
    /// S.
    plain: Factor,
    /// S sqrt(tau).
    root: Factor,
    /// S tau.
    years: Factor,
    /// S |r|, and whether r is negative.
    rate: Factor,
    rate_is_negative: bool,
    /// S / (2 sqrt(tau)) over 1e8, for sums in Q15; zero without time.
    decay: Factor,
}

impl Factors {
    #[inline(always)]
    fn new(expiry: &Expiry) -> Self {
        let (spot, exponent) = (expiry.spot, expiry.spot_exponent);
        // Sums are in Q40; years and rate in Q60, of which the product takes 2^64.
        let per_year = |number: u64| Factor { mantissa: mul_high(spot, number), exponent: exponent - Fx(36) };
        Self {
            plain: Factor { mantissa: spot, exponent: exponent - Fx(40) },
            root: Factor {
                mantissa: mul_high(spot, expiry.root_years), // Q(60 + root_shift)
                exponent: exponent - Fx(36) - expiry.root_shift,
            },
            years: per_year(expiry.years),
            rate: per_year(expiry.rate),
            rate_is_negative: expiry.rate_is_negative,
            decay: Factor::decay(expiry),
        }
    }

    #[inline(always)]
    fn narrow(&self, sums: &Sums<i64>) -> ExpiryGreeks {
        // Opposites are within the bound too. Each figure is below 2^106.
        let Sums { delta, share, density, decay, curvature, slant, bend } = *sums;
        let carry = self.rate.times(if self.rate_is_negative { share } else { share.wrapping_neg() });
        ExpiryGreeks {
            delta: self.plain.times(delta),
            gamma: self.plain.times(curvature),
            vega: self.root.times(density),
            theta: carry.wrapping_add(self.decay.times(decay.wrapping_neg())),
            rho: self.years.times(share),
            vanna: self.root.times(slant.wrapping_neg()),
            volga: self.years.times(bend),
        }
    }

    #[cold]
    #[inline(never)]
    fn wide(&self, narrow: &Sums<i64>, spilled: &Sums<i128>) -> Result<ExpiryGreeks, KernelError> {
        let sum = |narrow: i64, spilled: i128| spilled.checked_add(i128::from(narrow)).ok_or(KernelError::Overflow);
        let less = |sum: i128| sum.checked_neg().ok_or(KernelError::Overflow);
        let share = sum(narrow.share, spilled.share)?;
        let carry = self.rate.times_wide(if self.rate_is_negative { share } else { less(share)? })?;
        let decay = self.decay.times_wide(less(sum(narrow.decay, spilled.decay)?)?)?;
        Ok(ExpiryGreeks {
            delta: self.plain.times_wide(sum(narrow.delta, spilled.delta)?)?,
            gamma: self.plain.times_wide(sum(narrow.curvature, spilled.curvature)?)?,
            vega: self.root.times_wide(sum(narrow.density, spilled.density)?)?,
            theta: carry.checked_add(decay).ok_or(KernelError::Overflow)?,
            rho: self.years.times_wide(share)?,
            vanna: self.root.times_wide(less(sum(narrow.slant, spilled.slant)?)?)?,
            volga: self.years.times_wide(sum(narrow.bend, spilled.bend)?)?,
        })
    }
}

/// `mantissa 2^exponent`, mantissa below 2^62.
struct Factor {
    mantissa: u64,
    exponent: Fx,
}

impl Factor {
    /// See [`Factors::decay`].
    #[inline(always)]
    fn decay(expiry: &Expiry) -> Self {
        /// 2^88 / 1e8.
        const VOL_RECIPROCAL: u64 = ((1u128 << 88) / Vol::ONE.0 as u128) as u64;
        if expiry.root_years == 0 {
            return Self { mantissa: 0, exponent: -Fx(1) };
        }
        // sqrt(tau) is in [2^61.5, 2^62.6) by its format.
        let top = Fx::from_bits(expiry.root_years >> 62);
        let inverse = reciprocal(expiry.root_years >> top.bits()); // 2^(63 - root_shift + top) / sqrt(tau)
        let mantissa = mul_high(mul_high(expiry.spot, inverse), VOL_RECIPROCAL); // 2^(-1 + 24), and half of it
        Self { mantissa, exponent: expiry.spot_exponent + expiry.root_shift - top - Fx(39) }
    }

    /// The sum times the factor, rounded down.
    #[inline(always)]
    fn times(&self, sum: i64) -> i128 {
        if sum == 0 {
            return 0;
        }
        // Exponents are -119 at least and -20 at most.
        wide::multiply_shift(sum, self.mantissa, (-self.exponent).bits())
    }

    /// [`Factor::times`] for any sum.
    fn times_wide(&self, sum: i128) -> Result<i128, KernelError> {
        // Two products of parts: the whole may pass 128 bits before it is shifted.
        let bits = (-self.exponent).bits() as u32;
        let (high, low) = (sum >> 32, sum & 0xffff_ffff);
        let high = wide::multiply(high, self.mantissa).ok_or(KernelError::Overflow)?;
        let low = wide::multiply(low, self.mantissa).ok_or(KernelError::Overflow)?; // 95 bits
        let sum = high.checked_add(low >> 32).ok_or(KernelError::Overflow)?;
        match bits.checked_sub(32) {
            Some(bits) => Ok(sum >> bits),
            None => sum.checked_mul(1i128 << (32 - bits)).ok_or(KernelError::Overflow),
        }
    }
}

impl ExpiryGreeks {
    /// Chain rule of F = fixed + variable: one factor (variable share) per derivative by spot; rounded down.
    #[cold]
    #[inline(never)]
    fn settlement_window(&mut self, expiry: &Expiry) {
        // Q62, at most one.
        let share = (u128::from(expiry.variable.0) << 62).checked_div(u128::from(expiry.forward.0)).unwrap_or(0) as u64;
        let times = |greek: i128| -> i128 {
            let (high, low) = (greek >> 62, greek & ((1 << 62) - 1));
            let share = i128::from(share);
            high.wrapping_mul(share).wrapping_add(low.wrapping_mul(share) >> 62) // not larger than the greek
        };
        self.delta = times(self.delta);
        self.gamma = times(times(self.gamma));
        self.vanna = times(self.vanna);
    }
}

#[cfg(test)]
mod tests;
