use crate::state::{BorrowIndex, LiquidationParameters, PauseState, assert_layout};
use anchor_lang::prelude::*;

/// Root of one margin engine: roles, quote token and liquidation parameters.
///
/// Read-only in every instruction but administration, the publication of interest and losses that insurance does not cover, so that traders never wait for each other on it.
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
    /// precision: 63 fractional bits, rounded up. Share of a deposit made at the start that insolvent accounts have cost it.
    pub socialised: u64,
    pub _reserved: [u8; 400],
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
