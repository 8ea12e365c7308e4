//! Events, emitted by CPI to the program itself. What a fill did to the accounts is in the engine's own event.

use anchor_lang::prelude::*;

use crate::{margin_engine::types::Instrument, state::Quote};

#[event]
#[derive(Clone, Debug)]
pub struct BookOpened {
    pub book: Pubkey,
    pub engine: Pubkey,
    pub operator: Pubkey,
    /// For the engine's admin to register.
    pub authority: Pubkey,
}

#[event]
#[derive(Clone, Debug)]
pub struct RequestOpened {
    pub request: Pubkey,
    pub taker_account: Pubkey,
    pub instrument: Instrument,
    /// Positive: the taker buys.
    pub lots: i64,
    pub limit_price: u64,
    pub auction_ends_at: i64,
    pub expires_at: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct RequestCancelled {
    pub request: Pubkey,
    pub taker_account: Pubkey,
    /// What was not filled.
    pub lots: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct QuotePosted {
    pub request: Pubkey,
    pub quote: Quote,
    /// Quotes that come before it.
    pub place: u8,
}

#[event]
#[derive(Clone, Debug)]
pub struct QuoteWithdrawn {
    pub request: Pubkey,
    pub quote: Quote,
}

#[event]
#[derive(Clone, Debug)]
pub struct RequestFilled {
    pub request: Pubkey,
    pub taker_account: Pubkey,
    pub fills: Vec<QuoteFill>,
    pub lots_before: i64,
    /// 0: the request is closed.
    pub lots_after: i64,
}

/// What was taken of a quote.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuoteFill {
    pub maker_account: Pubkey,
    /// Signed as the request's.
    pub lots: i64,
    /// precision: 1e-12 USD per unit of underlying.
    pub price: u64,
}
