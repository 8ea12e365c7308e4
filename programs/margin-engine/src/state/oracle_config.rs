use anchor_lang::prelude::*;

use crate::{
    constants::{MAX_ORACLE_AGE_SECONDS, RATIO_ONE},
    error::EngineError,
    state::assert_layout,
};

/// Which program publishes a price. Stored as one byte.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OracleProvider {
    /// Pyth pull oracle: a `PriceUpdateV2` account of the Pyth receiver.
    PythPull,
    /// Pyth push oracle (legacy): one price account for each product.
    PythPush,
}

/// How a price is read and how good it must be.
#[zero_copy]
#[derive(Debug, PartialEq, Eq)]
#[repr(C)]
pub struct OracleConfig {
    /// Pyth pull: the feed id. Pyth push: the address of the price account.
    pub feed_id: [u8; 32],
    /// precision: seconds. Oldest price that may raise risk.
    pub max_age: u32,
    /// precision: seconds. Oldest price that liquidation accepts; at least `max_age`.
    pub liquidation_max_age: u32,
    /// precision: 1e-9. Widest confidence interval, as a share of the price, that may raise risk.
    pub max_confidence: u32,
    /// precision: 1e-9. The same for liquidation; at least `max_confidence`.
    pub liquidation_max_confidence: u32,
    /// An [`OracleProvider`].
    pub provider: u8,
    pub _padding: [u8; 3],
    /// precision: 1e-9. Confidence interval over price at which the price's confidence is zero; 0: every price that passes
    /// counts as certain.
    pub confidence_full_scale: u32,
    pub _reserved: [u8; 24],
}
assert_layout!(OracleConfig, 80);

/// Instruction argument that becomes an [`OracleConfig`].
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct OracleArgs {
    pub provider: OracleProvider,
    pub feed_id: [u8; 32],
    pub max_age: u32,
    pub liquidation_max_age: u32,
    pub max_confidence: u32,
    pub liquidation_max_confidence: u32,
    /// precision: 1e-9. Interval over price at which the confidence is zero; 0: not scored.
    pub confidence_full_scale: u32,
}

impl OracleArgs {
    /// Checks ranges: ages within a day, confidence below 100 %, liquidation never stricter than trading.
    pub fn into_config(self) -> Result<OracleConfig> {
        require!(self.feed_id != [0; 32], EngineError::OracleFeedMissing);
        require!(
            self.max_age > 0
                && self.max_age <= self.liquidation_max_age
                && self.liquidation_max_age <= MAX_ORACLE_AGE_SECONDS,
            EngineError::OracleAgeParameter
        );
        require!(
            self.max_confidence > 0
                && self.max_confidence <= self.liquidation_max_confidence
                && u64::from(self.liquidation_max_confidence) < RATIO_ONE,
            EngineError::OracleConfidenceParameter
        );
        require!(u64::from(self.confidence_full_scale) <= RATIO_ONE, EngineError::OracleConfidenceScale);
        Ok(OracleConfig {
            feed_id: self.feed_id,
            max_age: self.max_age,
            liquidation_max_age: self.liquidation_max_age,
            max_confidence: self.max_confidence,
            liquidation_max_confidence: self.liquidation_max_confidence,
            provider: self.provider as u8,
            _padding: [0; 3],
            confidence_full_scale: self.confidence_full_scale,
            _reserved: [0; 24],
        })
    }
}
