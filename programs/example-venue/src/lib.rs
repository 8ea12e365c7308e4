//! An example of a venue of the margin engine: a small book for requests for quotes (RFQ).
//!
//! A taker asks for lots of one instrument within a price limit. Makers answer with quotes, best price first. The taker accepts, or
//! once the auction is over anyone does: the quotes that fill the request are settled by one `fill_settle` of the engine,
//! signed by an authority that only this program has.
//!
//! The book never holds money or positions. What it may do with an account is what the account's owner approved in the
//! engine, and the engine checks every fill: price band, margin, limits of the approval. The book's own duties are
//! that a request or a quote is its account's own wish, that it is filled at its own terms or better, and only while it stands.

// Anchor's `Result` carries a large error; its own macros return it everywhere.
#![allow(clippy::result_large_err)]
// `emit_cpi!` and `#[program]` expand to `cfg`s of Anchor's own.
#![allow(unexpected_cfgs)]

pub mod constants;
pub mod engine;
pub mod error;
pub mod events;
pub mod instructions;
pub mod state;

use anchor_lang::prelude::*;
use instructions::*;

declare_id!("8jVSSaM6m5zYQEpPENHhjJGb19A7rm4L9tyxUqSQE41Z");

// From `idls/margin_engine.json`.
declare_program!(margin_engine);
// Named where cargo sees it, so that another IDL compiles anew.
const _: &[u8] = include_bytes!("../../../idls/margin_engine.json");

#[program]
pub mod example_venue {
    use super::*;

    /// Opens a book of an engine. The engine's admin then registers its authority as a venue.
    pub fn book_open<'info>(ctx: Context<'info, BookOpen<'info>>) -> Result<()> {
        BookOpen::handle(ctx)
    }

    /// Asks for quotes. The taker account's owner or delegate.
    pub fn request_open<'info>(ctx: Context<'info, RequestOpen<'info>>, args: RequestOpenArgs) -> Result<()> {
        RequestOpen::handle(ctx, args)
    }

    /// Takes a request back. The taker account's owner or delegate; anyone once it has expired.
    pub fn request_cancel<'info>(ctx: Context<'info, RequestCancel<'info>>) -> Result<()> {
        RequestCancel::handle(ctx)
    }

    /// Quotes a price on a request, in place of an earlier quote of the same account. The maker account's owner or delegate.
    pub fn quote_post<'info>(ctx: Context<'info, QuotePost<'info>>, args: QuotePostArgs) -> Result<()> {
        QuotePost::handle(ctx, args)
    }

    /// Takes a quote back. The maker account's owner or delegate.
    pub fn quote_withdraw<'info>(ctx: Context<'info, QuoteWithdraw<'info>>) -> Result<()> {
        QuoteWithdraw::handle(ctx)
    }

    /// Fills a request from its quotes in one settlement. The taker account's owner or delegate with quotes of his choice; after
    /// the auction anyone with the best.
    pub fn request_fill<'info>(ctx: Context<'info, RequestFill<'info>>, makers: u8) -> Result<()> {
        RequestFill::handle(ctx, makers)
    }
}
