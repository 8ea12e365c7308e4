use anchor_lang::prelude::*;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    constants::{MAX_FEE, MAX_FUNDING_CAP, MAX_FUNDING_TIME, MAX_SETTLER_REWARD_TOKENS, RATIO_ONE},
    error::EngineError,
    state::{InstrumentKind, assert_layout},
};

/// What trading an underlying costs, how far from its marks it may happen, and how its perpetual and its series settle.
///
/// All zero: nothing trades yet.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct TradingParameters {
    /// precision: 1e-9 of the notional, which is lots × lot size × index price.
    pub taker_fee: u32,
    /// precision: 1e-9 of the notional.
    pub maker_fee: u32,
    /// precision: 1e-9 of the notional, of either side of a series that settles at a value.
    pub settlement_fee: u32,
    /// precision: 1e-9. A fee on an option is at most this share of its premium or settlement value; 0: no cap.
    pub option_fee_cap: u32,
    /// precision: 1e-9. A leg's price may differ from the mark by `band_mark · mark + band_index · index price` (of digital
    /// options: one USD, their payout, instead of the index price).
    pub band_mark: u32,
    /// precision: 1e-9. See `band_mark`.
    pub band_index: u32,
    /// precision: seconds. Longs pay shorts the premium of the perpetual once in this time; 0: no funding.
    pub funding_period: u32,
    /// precision: 1e-9 of the index price. The premium is clamped to this on either side.
    pub funding_cap: u32,
    /// precision: seconds. Between two updates at most this time counts, so funding pauses while the oracle fails.
    pub funding_gap: u32,
    /// precision: seconds. Without fills the premium falls to a half in this time, to a third in twice; 0: it stays.
    pub premium_fade: u32,
    /// precision: seconds. Least time between two samples of a settlement average.
    pub sample_spacing: u32,
    /// Samples that a settlement average needs.
    pub sample_count: u32,
    /// precision: quote atoms. A fill of this notional moves the premium half the way to its own.
    pub premium_depth: u64,
    /// precision: quote atoms. What an account pays whoever settles its expired positions.
    pub settler_reward: u64,
}
assert_layout!(TradingParameters, 64);

impl TradingParameters {
    /// Checks every rule; `settlement_window` is the underlying's, `quote_decimals` the quote token's.
    pub fn validate(&self, settlement_window: u32, quote_decimals: u8) -> Result<()> {
        let fees = [self.taker_fee, self.maker_fee, self.settlement_fee];
        require!(fees.iter().all(|fee| *fee <= MAX_FEE), EngineError::FeeParameter);
        require!(u64::from(self.option_fee_cap) <= RATIO_ONE, EngineError::FeeCapParameter);
        let bands = [self.band_mark, self.band_index];
        require!(bands.iter().all(|band| u64::from(*band) <= RATIO_ONE), EngineError::BandParameter);
        require!(bands != [0, 0], EngineError::BandParameter);
        require!(self.funding_period <= MAX_FUNDING_TIME, EngineError::FundingPeriodParameter);
        require!(self.funding_cap <= MAX_FUNDING_CAP, EngineError::FundingCapParameter);
        require!(self.funding_gap <= MAX_FUNDING_TIME, EngineError::FundingGapParameter);
        require!((self.funding_gap == 0) == (self.funding_period == 0), EngineError::FundingGapParameter);
        require!(self.premium_fade <= MAX_FUNDING_TIME, EngineError::PremiumFadeParameter);
        // All the samples of an average must fit its window.
        let sampled = u64::from(self.sample_count).saturating_mul(u64::from(self.sample_spacing));
        require!(self.sample_count > 0 && sampled <= u64::from(settlement_window), EngineError::SampleParameter);
        let token = 10u64.saturating_pow(u32::from(quote_decimals));
        let most = MAX_SETTLER_REWARD_TOKENS.saturating_mul(token);
        require!(self.settler_reward <= most, EngineError::SettlerRewardParameter);
        Ok(())
    }

    /// Fee at `rate` of a notional; on an option at most the capped share of what it costs or pays. Quote atoms, rounded up.
    pub fn fee(&self, rate: u32, kind: InstrumentKind, notional: u64, value: u64) -> u64 {
        let fee = share_ceil(notional, rate);
        let capped = kind.is_option() && self.option_fee_cap != 0;
        if capped { fee.min(share_ceil(value, self.option_fee_cap)) } else { fee }
    }

    /// Whether the underlying trades.
    pub fn is_set(&self) -> bool {
        self.band_mark != 0 || self.band_index != 0
    }
}

/// `amount · rate`, rate in 1e-9, rounded up.
fn share_ceil(amount: u64, rate: u32) -> u64 {
    let share = (u128::from(amount) * u128::from(rate)).div_ceil(u128::from(RATIO_ONE));
    // At most 4.3 times a 64-bit amount; what does not fit no account can pay.
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::share_ceil;

    #[test]
    fn shares_round_up() {
        assert_eq!(share_ceil(1_000_000, 500_000), 500);
        assert_eq!(share_ceil(1, 1), 1);
        assert_eq!(share_ceil(0, 1), 0);
        assert_eq!(share_ceil(5, 0), 0);
        assert_eq!(share_ceil(u64::MAX, u32::MAX), u64::MAX);
    }
}
