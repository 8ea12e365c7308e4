//! Prices from oracle programs. One adapter a provider reads and authenticates an account; this module holds the one
//! policy that decides whether the result is good enough for its use.

mod pyth_pull;
mod pyth_push;

use anchor_lang::prelude::*;
use margin_core::{
    Price,
    portfolio::{Ratio, interval_confidence},
    wide,
};

use crate::{
    constants::{MAX_FUTURE_SECONDS, RATIO_ONE, USD_DECIMALS},
    error::EngineError,
    state::{OracleConfig, OracleProvider},
};

/// What a price is for: the limits on age and confidence depend on it.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceUse {
    /// Trading, withdrawing, checking initial margin.
    RaiseRisk,
    /// Liquidating: tolerates an older and less certain price, and a surface of any age, so that solvency does not wait for
    /// a perfect one.
    Liquidation,
}

/// An authenticated price that passed the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceView {
    pub price: Price,
    /// Half-width of the confidence interval.
    pub confidence: Price,
    /// How sure the price is by the width of that interval; one: certain.
    pub score: Ratio,
    /// Unix seconds.
    pub publish_time: i64,
}

impl PriceView {
    /// What a token counts that nobody has a price of.
    pub const NOTHING: Self = Self { price: Price::ZERO, confidence: Price::ZERO, score: Ratio::ONE, publish_time: 0 };
}

/// What an adapter found in an account, before the policy.
struct RawPrice {
    price: i64,
    confidence: u64,
    exponent: i32,
    publish_time: i64,
}

/// Reads the price of `config` from `account` and applies the policy of `usage` at time `now`.
///
/// The checks run in this order, each with its own error: owner, account type, feed, verification or trading status,
/// future time, age, price range, confidence.
pub fn read_price(config: &OracleConfig, account: &AccountInfo, usage: PriceUse, now: i64) -> Result<PriceView> {
    let raw = if config.provider == OracleProvider::PythPull as u8 {
        pyth_pull::read(account, &config.feed_id)?
    } else if config.provider == OracleProvider::PythPush as u8 {
        pyth_push::read(account, &config.feed_id)?
    } else {
        return err!(EngineError::OracleProvider);
    };
    let (max_age, max_confidence) = match usage {
        PriceUse::RaiseRisk => (config.max_age, config.max_confidence),
        PriceUse::Liquidation => (config.liquidation_max_age, config.liquidation_max_confidence),
    };

    require!(raw.publish_time <= now.saturating_add(MAX_FUTURE_SECONDS), EngineError::OracleFuture);
    let age = now.saturating_sub(raw.publish_time);
    require!(age <= i64::from(max_age), EngineError::OracleStale);

    let mantissa = u64::try_from(raw.price).map_err(|_| EngineError::OraclePrice)?;
    let price = scale_nearest(mantissa, raw.exponent).ok_or(EngineError::OraclePrice)?;
    require!(price > 0, EngineError::OraclePrice);
    let confidence = scale_nearest(raw.confidence, raw.exponent).ok_or(EngineError::OracleConfidence)?;
    let (spread, limit) = (
        wide::multiply(i128::from(confidence), RATIO_ONE),
        wide::multiply(i128::from(price), u64::from(max_confidence)),
    );
    require!(spread <= limit, EngineError::OracleConfidence); // 64 and 32 bits: neither overflows

    let (price, confidence) = (Price(price), Price(confidence));
    let score = match config.confidence_full_scale {
        0 => Ratio::ONE,
        full_scale => interval_confidence(price, confidence, Ratio(u64::from(full_scale))),
    };
    Ok(PriceView { price, confidence, score, publish_time: raw.publish_time })
}

/// All that fit 64 bits: to compute one takes the VM a product of 128 bits a digit.
const POWERS_OF_TEN: [u64; 20] = {
    let mut powers = [1u64; 20];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// `mantissa · 10^exponent` in units of 1e-12, rounded to nearest where the mantissa is finer. `None` on overflow.
fn scale_nearest(mantissa: u64, exponent: i32) -> Option<u64> {
    let shift = exponent.checked_add(USD_DECIMALS as i32)?;
    let factor = POWERS_OF_TEN.get(shift.unsigned_abs() as usize).copied();
    if shift >= 0 {
        let factor = factor?;
        u32::try_from(factor).map_or_else(|_| mantissa.checked_mul(factor), |small| wide::product(mantissa, small))
    } else {
        // A factor beyond 64 bits leaves nothing of a 64-bit mantissa.
        let Some(factor) = factor else { return Some(0) };
        mantissa.checked_add(factor / 2).map(|sum| sum / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::scale_nearest;

    #[test]
    fn scales_to_picodollars() {
        assert_eq!(scale_nearest(13_467_732_000, -8), Some(134_677_320_000_000));
        assert_eq!(scale_nearest(15, -13), Some(2));
        assert_eq!(scale_nearest(14, -13), Some(1));
        assert_eq!(scale_nearest(7, -60), Some(0));
        assert_eq!(scale_nearest(1, 7), Some(10_000_000_000_000_000_000));
        assert_eq!(scale_nearest(2, 7), None);
        assert_eq!(scale_nearest(1, i32::MAX), None);
    }
}
