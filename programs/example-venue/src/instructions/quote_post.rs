use anchor_lang::prelude::*;

use crate::{
    engine::{require_margin_for, require_trader, same_instrument},
    error::VenueError,
    events::QuotePosted,
    margin_engine::{
        accounts::MarginAccount,
        program::MarginEngine,
        types::{Instrument, TradeLeg},
    },
    state::{Book, Quote, Request},
};

/// A quote says what it is for: at the request's address there may be another by the time it arrives.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct QuotePostArgs {
    pub instrument: Instrument,
    /// Signed as the request's: positive, the maker sells.
    pub lots: i64,
    /// precision: 1e-12 USD per unit of underlying.
    pub price: u64,
    /// Unix seconds; from then on nothing of it is filled.
    pub expires_at: i64,
    /// The maker's side only brings its position closer to zero.
    pub reduce_only: bool,
}

/// Remaining accounts: the markets of what the maker holds and of the quote, as the engine's `margin_quote` takes them.
#[event_cpi]
#[derive(Accounts)]
pub struct QuotePost<'info> {
    pub maker: Signer<'info>,
    pub maker_account: AccountLoader<'info, MarginAccount>,
    pub book: Account<'info, Book>,
    #[account(mut)]
    pub request: Account<'info, Request>,
    /// CHECK: the book's engine; the margin engine loads it.
    pub engine: UncheckedAccount<'info>,
    pub engine_program: Program<'info, MarginEngine>,
}

impl<'info> QuotePost<'info> {
    fn validate(&self, args: &QuotePostArgs, now: i64) -> Result<()> {
        // maker: owner or delegate of the account. maker_account: the margin engine's, by its type; of the book's engine.
        require_trader(&*self.maker_account.load()?, self.maker.key, &self.book.engine)?;
        // book, request: this program's, by their types; of each other. engine: the book's.
        require_keys_eq!(self.request.book, self.book.key(), VenueError::ForeignBook);
        require_keys_eq!(self.engine.key(), self.book.engine, VenueError::ForeignEngine);
        require_keys_neq!(self.maker_account.key(), self.request.taker_account, VenueError::QuoteOwnRequest);

        let request = &self.request;
        require!(now < request.expires_at, VenueError::RequestExpired);
        require!(args.lots != 0 && args.lots != i64::MIN, VenueError::QuoteLots);
        let same = same_instrument(&args.instrument, &request.instrument) && request.is_side_of(args.lots);
        require!(same, VenueError::QuoteTerms);
        require!(now < args.expires_at, VenueError::QuoteExpired);
        require!(request.accepts_price(args.price), VenueError::QuoteBeyondLimit);
        Ok(())
    }

    /// Puts a quote on a request. The maker must have the margin for it now, as the engine computes it; unless he only
    /// reduces, which the engine judges at the fill.
    pub fn handle(ctx: Context<'info, Self>, args: QuotePostArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        ctx.accounts.validate(&args, now)?;
        let QuotePostArgs { instrument, lots, price, expires_at, reduce_only } = args;
        if !reduce_only {
            // The maker's side. The least value, without an opposite, is refused above.
            let leg = TradeLeg { instrument, lots: lots.saturating_neg(), price };
            let (engine, account) = (&ctx.accounts.engine, &ctx.accounts.maker_account);
            let program = &ctx.accounts.engine_program;
            let (engine, account) = (engine.to_account_info(), account.to_account_info());
            require_margin_for(program, engine, account, ctx.remaining_accounts, leg)?;
        }
        let quote = Quote { maker_account: ctx.accounts.maker_account.key(), price, lots, expires_at, reduce_only };
        let place = ctx.accounts.request.post(quote, now)?;
        // Eight at most.
        emit_cpi!(QuotePosted { request: ctx.accounts.request.key(), quote, place: place as u8 });
        Ok(())
    }
}
