use anchor_lang::prelude::*;
use margin_core::Price;

use crate::{
    constants::RATIO_ONE,
    error::EngineError,
    state::{TradingParameters, assert_layout},
};

const ONE: i128 = RATIO_ONE as i128;

/// Funding of a perpetual: what longs have paid shorts for each unit since it was listed, and the premium that they pay now.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FundingState {
    /// precision: 1e-12 USD per unit of underlying. Rises while longs pay.
    pub index: i64,
    /// Unix seconds up to which the index runs; 0: it has not started.
    pub accrued_at: i64,
    /// precision: 1e-9 of the index price. Premium of recent fills over the index price, within the cap.
    pub premium: i64,
    pub _reserved: u64,
}
assert_layout!(FundingState, 32);

impl FundingState {
    /// Brings the index up to `now` at an index price that the oracle policy accepted.
    ///
    /// The index grows by `premium · price · time / period`, rounded down: either side's loss is the other's gain. The
    /// time since the last update counts up to the gap: what lies beyond, nobody could price. The premium then fades.
    pub fn accrue(&mut self, terms: &TradingParameters, price: Price, now: i64) -> Result<()> {
        let since = if self.accrued_at == 0 { now } else { self.accrued_at };
        self.accrued_at = now.max(since);
        let elapsed = now.saturating_sub(since).clamp(0, i64::from(terms.funding_gap));
        if elapsed == 0 || self.premium == 0 || terms.funding_period == 0 {
            return Ok(());
        }
        let faded = faded(self.premium, elapsed, terms.premium_fade);
        // The premium in between, as if it faded along a line.
        let premium = i128::from(self.premium.saturating_add(faded) / 2);
        let growth = premium
            .checked_mul(i128::from(price.0))
            .and_then(|product| product.checked_mul(i128::from(elapsed)))
            .ok_or(EngineError::Overflow)?
            .div_euclid(ONE * i128::from(terms.funding_period));
        let growth = i64::try_from(growth).map_err(|_| EngineError::Overflow)?;
        self.index = self.index.checked_add(growth).ok_or(EngineError::Overflow)?;
        self.premium = faded;
        Ok(())
    }

    /// Takes in a fill at `fill` while the index price is `price`: the premium moves towards the fill's, which is clamped, by
    /// the share `notional / (notional + depth)`. Rounded towards the old premium.
    pub fn record(&mut self, terms: &TradingParameters, fill: Price, price: Price, notional: u64) -> Result<()> {
        let premium = i128::from(fill.0)
            .saturating_sub(i128::from(price.0))
            .checked_mul(ONE)
            .and_then(|scaled| scaled.checked_div(i128::from(price.0)))
            .ok_or(EngineError::OraclePrice)?;
        let cap = i128::from(terms.funding_cap);
        let distance = premium.clamp(-cap, cap) - i128::from(self.premium);
        let weight = i128::from(notional);
        let whole = weight + i128::from(terms.premium_depth);
        // Within twice the cap; a fill has a notional unless it is dust.
        let step = distance.checked_mul(weight).and_then(|scaled| scaled.checked_div(whole)).unwrap_or(0);
        let next = i128::from(self.premium) + step;
        self.premium = i64::try_from(next).map_err(|_| EngineError::Overflow)?;
        Ok(())
    }
}

/// `premium · fade / (fade + elapsed)`, rounded towards zero.
fn faded(premium: i64, elapsed: i64, fade: u32) -> i64 {
    if fade == 0 {
        return premium;
    }
    let fade = i128::from(fade);
    // A share of the premium.
    (i128::from(premium) * fade / (fade + i128::from(elapsed))) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price(100_000_000_000_000_000);

    fn terms() -> TradingParameters {
        TradingParameters {
            funding_period: 28_800,
            funding_cap: 5_000_000,
            funding_gap: 3_600,
            premium_depth: 1_000,
            ..Default::default()
        }
    }

    #[test]
    fn a_premium_is_paid_once_in_a_period() {
        let mut state = FundingState { premium: 1_000_000, ..Default::default() };
        state.accrue(&terms(), PRICE, 1_000).unwrap();
        assert_eq!((state.index, state.accrued_at), (0, 1_000), "the first update starts the clock");
        for hour in 1..=8 {
            state.accrue(&terms(), PRICE, 1_000 + hour * 3_600).unwrap();
        }
        // 0.1 % of 100 000 USD.
        assert_eq!(state.index, 100_000_000_000_000);
    }

    #[test]
    fn time_beyond_the_gap_and_time_running_backwards_do_not_count() {
        let mut state = FundingState { premium: -1_000_000, accrued_at: 1_000, ..Default::default() };
        state.accrue(&terms(), PRICE, 1_000_000).unwrap();
        assert_eq!(state.index, -12_500_000_000_000);
        let before = state;
        state.accrue(&terms(), PRICE, 10).unwrap();
        assert_eq!(state, before);
    }

    #[test]
    fn a_premium_fades_without_fills() {
        let fading = TradingParameters { premium_fade: 3_600, ..terms() };
        let mut state = FundingState { premium: 1_000_000, accrued_at: 1, ..Default::default() };
        state.accrue(&fading, PRICE, 3_601).unwrap();
        assert_eq!(state.premium, 500_000);
        // 3 600 of 28 800 s at the mean of 0.1 % and 0.05 %.
        assert_eq!(state.index, 9_375_000_000_000);
    }

    #[test]
    fn fills_move_the_premium_by_their_weight_and_within_the_cap() {
        let mut state = FundingState::default();
        state.record(&terms(), Price(100_100_000_000_000_000), PRICE, 1_000).unwrap();
        assert_eq!(state.premium, 500_000);
        state.record(&terms(), Price(99_000_000_000_000_000), PRICE, u64::MAX).unwrap();
        assert_eq!(state.premium, -4_999_999, "the cap, rounded towards the old premium");
        state.record(&terms(), Price(1), PRICE, 0).unwrap();
        assert_eq!(state.premium, -4_999_999, "dust has no weight");
    }
}
