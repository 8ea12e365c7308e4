//! Static discounts: what an expiry's options count inside scenarios.

use super::{Ratio, StaticDiscount, fixed};
use crate::{Expiry, StaticFactors};

/// The two factors of an expiry, or `None` when the model has none.
#[inline(always)]
pub(super) fn static_factors(discount: &StaticDiscount, expiry: &Expiry) -> Option<StaticFactors> {
    if !discount.is_active() {
        return None;
    }
    // The expiry's rate is not negative in the risk model; Q60 to Q56.
    let rate = (expiry.rate >> 4) as i64;
    let exponent = |scale: Ratio, addition: Ratio| {
        let rate = fixed::times_q56(rate, fixed::ratio_q56(scale)).saturating_add(fixed::ratio_q56(addition));
        fixed::times_q60(expiry.years, rate.unsigned_abs()) as i64
    };
    let one = Ratio::ONE.0;
    let markdown = discount.long_markdown.0;
    let long_base = if markdown <= 0 {
        one.saturating_add(markdown.unsigned_abs())
    } else {
        one.saturating_sub(markdown.unsigned_abs())
    };
    let short_base = Ratio::ONE.saturating_add(discount.short_markup);
    let asset = fixed::times_q60(
        fixed::decay_q60(exponent(discount.long_rate_scale, discount.long_rate_add)),
        base_q60(Ratio(long_base)),
    );
    // 1/D: a liability is never worth more than without discounting.
    let short_exponent = exponent(discount.short_rate_scale, discount.short_rate_add);
    let undiscounted_exponent = fixed::times_q60(expiry.years, expiry.rate >> 4) as i64;
    let undiscounted = fixed::growth_q60(undiscounted_exponent);
    // A markup is 1e-9 at least, ten thousand times the error of either exponential.
    let debt = if discount.short_markup != Ratio::ZERO && short_exponent >= undiscounted_exponent {
        undiscounted
    } else {
        fixed::times_q60(fixed::growth_q60(short_exponent), base_q60(short_base)).min(undiscounted)
    };
    Some(StaticFactors { gain: asset, debt })
}

/// A base factor in Q60, at most 8.
fn base_q60(base: Ratio) -> u64 {
    (fixed::ratio_q56(base).unsigned_abs().min((1 << 59) - 1)) << 4
}
