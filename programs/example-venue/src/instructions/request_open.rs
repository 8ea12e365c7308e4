use anchor_lang::prelude::*;

use crate::{
    constants::REQUEST_SEED,
    engine::require_trader,
    error::VenueError,
    events::RequestOpened,
    margin_engine::{accounts::MarginAccount, types::Instrument},
    state::{Book, Request},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct RequestOpenArgs {
    /// The taker's number for the request; free again once the request is closed.
    pub id: u64,
    pub instrument: Instrument,
    /// Positive: the taker buys.
    pub lots: i64,
    /// precision: 1e-12 USD per unit of underlying. The worst price that the taker accepts.
    pub limit_price: u64,
    /// Unix seconds; from then on anyone may fill the request at the best quotes.
    pub auction_ends_at: i64,
    /// Unix seconds; from then on nothing is filled.
    pub expires_at: i64,
    /// The taker's side only brings its position closer to zero.
    pub reduce_only: bool,
}

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: RequestOpenArgs)]
pub struct RequestOpen<'info> {
    pub taker: Signer<'info>,
    #[account(mut)]
    pub payer: Signer<'info>,
    pub book: Account<'info, Book>,
    pub taker_account: AccountLoader<'info, MarginAccount>,
    #[account(
        init,
        payer = payer,
        space = 8 + Request::INIT_SPACE,
        seeds = [REQUEST_SEED, book.key().as_ref(), taker_account.key().as_ref(), &args.id.to_le_bytes()],
        bump,
    )]
    pub request: Account<'info, Request>,
    pub system_program: Program<'info, System>,
}

impl<'info> RequestOpen<'info> {
    fn validate(&self, args: &RequestOpenArgs, now: i64) -> Result<()> {
        // taker: owner or delegate of the account. taker_account: the margin engine's, by its type; of the book's engine.
        require_trader(&*self.taker_account.load()?, self.taker.key, &self.book.engine)?;
        // payer: signs. book: this program's, by its type. request: new PDA (attribute). system_program: by its type.
        // The least value has no opposite.
        require!(args.lots != 0 && args.lots != i64::MIN, VenueError::RequestLots);
        require!(now < args.auction_ends_at && args.auction_ends_at <= args.expires_at, VenueError::RequestTimes);
        // Whether the instrument exists and the account approved the venue is the engine's to say, at the fill.
        Ok(())
    }

    /// Puts a request into the book.
    pub fn handle(ctx: Context<'info, Self>, args: RequestOpenArgs) -> Result<()> {
        ctx.accounts.validate(&args, Clock::get()?.unix_timestamp)?;
        let taker_account = ctx.accounts.taker_account.key();
        let RequestOpenArgs { id, instrument, lots, limit_price, auction_ends_at, expires_at, reduce_only } = args;
        ctx.accounts.request.set_inner(Request {
            book: ctx.accounts.book.key(),
            taker_account,
            payer: ctx.accounts.payer.key(),
            id,
            instrument,
            lots,
            limit_price,
            auction_ends_at,
            expires_at,
            reduce_only,
            bump: ctx.bumps.request,
            quotes: Vec::new(),
        });
        let request = ctx.accounts.request.key();
        emit_cpi!(RequestOpened { request, taker_account, instrument, lots, limit_price, auction_ends_at, expires_at });
        Ok(())
    }
}
