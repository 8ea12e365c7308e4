use anchor_lang::prelude::*;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    constants::RATIO_ONE,
    error::EngineError,
    state::{BorrowIndex, PauseState, assert_layout},
};

/// Root of one margin engine: roles, quote token and liquidation parameters.
///
/// Read-only in every instruction but administration and the publication of interest, so that traders never wait for each other on it.
/// PDA of `["engine", creator]`: nobody but the creator can take the address.
#[account(zero_copy)]
#[derive(Debug)]
#[repr(C)]
pub struct Engine {
    pub version: u8,
    pub bump: u8,
    pub quote_decimals: u8,
    /// Bits of [`EngineFeatures`].
    pub features: u8,
    /// Collaterals listed so far; the quote token is always number 0.
    pub collateral_count: u16,
    /// Underlyings listed so far.
    pub underlying_count: u16,
    /// Seed of the address.
    pub creator: Pubkey,
    /// May list collaterals, underlyings and expiries.
    pub admin: Pubkey,
    /// Token in which cash is counted; one whole token is one unit of quote currency.
    pub quote_mint: Pubkey,
    pub liquidation: LiquidationParameters,
    /// Interest on borrowed cash.
    pub borrow: BorrowIndex,
    /// May pause and tighten limits for a while; the default address: nobody.
    pub guardian: Pubkey,
    pub pause: PauseState,
    pub _reserved: [u8; 432],
}
assert_layout!(Engine, 632);

/// What a check reads besides the markets an account holds. Bits of `Engine::features`.
pub struct EngineFeatures;

impl EngineFeatures {
    /// The quote token has an oracle: checks read its price, and take it off its peg where it is.
    pub const QUOTE_ORACLE: u8 = 1;
    /// The cross-underlying model is on: checks of portfolio accounts read it.
    pub const CORRELATION: u8 = 2;
}

impl Engine {
    pub fn has_quote_oracle(&self) -> bool {
        self.features & EngineFeatures::QUOTE_ORACLE != 0
    }

    pub fn is_guardian(&self, signer: &Pubkey) -> bool {
        self.guardian != Pubkey::default() && *signer == self.guardian
    }

    pub fn correlates(&self) -> bool {
        self.features & EngineFeatures::CORRELATION != 0
    }
}

/// Parameters of a liquidation. All ratios in 1e-9.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct LiquidationParameters {
    /// precision: 1e-9. The bidder pays (1 − discount) of the mark-to-market of the slice.
    pub discount: u32,
    /// precision: 1e-9. `b` of the buffer margin `B = MM + b·(MM − MtM)`: a liquidation goes on until B ≥ 0.
    pub buffer: u32,
    /// precision: quote atoms. An account whose mark-to-market is at most this may be taken whole.
    pub small_account: u64,
}
assert_layout!(LiquidationParameters, 16);

impl LiquidationParameters {
    pub fn validate(&self) -> Result<()> {
        require!(u64::from(self.discount) < RATIO_ONE, EngineError::LiquidationDiscountParameter);
        require!(u64::from(self.buffer) <= RATIO_ONE, EngineError::LiquidationBufferParameter);
        Ok(())
    }
}
