//! Fixture for tests of the margin engine's SBF binary on LiteSVM.
//!
//! A [`World`] is a validator in memory with the program, an engine, tokens, three underlyings with surfaces and prices.
//! Test bodies read like scripts: instruction builders come from `margin-client`, the world signs, sends and afterwards
//! proves what must always hold. Every accepted transaction leaves claims equal to vaults; every refused one leaves
//! every account of the program and every token account as it was.

mod actions;
mod books;
mod cash;
mod dumps;
mod files;
mod footprint;
mod liquidations;
mod listing;
mod market;
mod reference;
mod rich;
mod rng;
mod settlement;
mod token;
mod trader;
mod transact;
mod venues;
mod wide;
mod world;

pub use anchor_lang::error::ErrorCode as AnchorError;
pub use books::{keep_digitals, random_book, random_digital_book, random_rich_book};
pub use dumps::PriceDump;
pub use files::{built_program, market_data, program_bytes};
pub use footprint::{Footprint, MAX_ACCOUNT_LOCKS, MAX_TRANSACTION_BYTES};
pub use listing::{free_trading, oracle};
pub use market::{
    BTC, ETH, FAR, NEAR, NOW, SOL, Spec, SurfaceSpec, buy, call, digital_call, digital_put, future, lots_of, perpetual,
    put, sell, specs, usd, usdc,
};
pub use reference::{CrossFigures, Figures, Reference};
pub use rich::{correlation, rich_model};
pub use rng::Rng;
pub use token::{MintOptions, TOKEN_2022_PROGRAM, Token, token_balance};
pub use trader::Trader;
pub use transact::{Receipt, Refusal};
pub use venues::twin_venue;
pub use wide::{Shape, Wide};
pub use world::{SOL_TOKEN, USDC, World};
