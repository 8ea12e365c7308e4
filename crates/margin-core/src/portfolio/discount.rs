//! Static discounts: what an expiry's options count inside scenarios.

use super::{Ratio, SignedRatio, StaticDiscount, fixed};
use crate::{Expiry, factored::Factors};

/// The factors of an expiry under a model's static discounts.
pub(super) struct Discounts<'a> {
    discount: &'a StaticDiscount,
    expiry: &'a Expiry,
}

impl<'a> Discounts<'a> {
    /// `None` when the model has none.
    #[inline(always)]
    pub(super) fn new(discount: &'a StaticDiscount, expiry: &'a Expiry) -> Option<Self> {
        discount.is_active().then_some(Self { discount, expiry })
    }

    /// Time times the rate as scaled and raised, in Q56.
    #[inline(always)]
    fn exponent(&self, scale: Ratio, addition: Ratio) -> i64 {
        // The expiry's rate is not negative in the risk model; Q60 to Q56.
        let rate = (self.expiry.rate >> 4) as i64;
        let rate = fixed::times_q56(rate, fixed::ratio_q56(scale)).saturating_add(fixed::ratio_q56(addition));
        fixed::times_q60(self.expiry.years, rate.unsigned_abs()) as i64
    }

    /// What an asset's decay starts from, in Q60.
    #[inline(always)]
    fn long_base(&self) -> u64 {
        let SignedRatio(markdown) = self.discount.long_markdown;
        let magnitude = Ratio(markdown.unsigned_abs());
        base_q60(if markdown <= 0 { Ratio::ONE.saturating_add(magnitude) } else { magnitude.complement() })
    }
}

impl Factors for Discounts<'_> {
    #[inline(never)]
    fn gain(&self) -> u64 {
        let decay = fixed::decay_q60(self.exponent(self.discount.long_rate_scale, self.discount.long_rate_add));
        fixed::times_q60(decay, self.long_base())
    }

    #[inline(never)]
    fn debt(&self) -> u64 {
        let StaticDiscount { short_markup, short_rate_scale, short_rate_add, .. } = *self.discount;
        // 1/D: a liability is never worth more than without discounting.
        let exponent = self.exponent(short_rate_scale, short_rate_add);
        let undiscounted_exponent = fixed::times_q60(self.expiry.years, self.expiry.rate >> 4) as i64;
        let undiscounted = fixed::growth_q60(undiscounted_exponent);
        // A markup is 1e-9 at least, ten thousand times the error of either exponential.
        if short_markup != Ratio::ZERO && exponent >= undiscounted_exponent {
            return undiscounted;
        }
        let base = base_q60(Ratio::ONE.saturating_add(short_markup));
        fixed::times_q60(fixed::growth_q60(exponent), base).min(undiscounted)
    }

    #[inline(always)]
    fn bound(&self) -> u64 {
        // A marked down asset decays from one at most, and 1/D is below two where D is well above a half. Nothing passes 8.
        let is_below_two = self.discount.long_markdown.0 >= 0 && self.expiry.discount > (1 << 59) + (1 << 50);
        if is_below_two { 2 } else { 8 }
    }
}

/// A base factor in Q60, at most 8.
fn base_q60(base: Ratio) -> u64 {
    (fixed::ratio_q56(base).unsigned_abs().min((1 << 59) - 1)) << 4
}
