use anchor_lang::prelude::*;

use crate::{
    constants::AUTHORITY_SEED,
    engine::may_trade,
    error::VenueError,
    events::RequestFilled,
    margin_engine::{
        accounts::MarginAccount,
        cpi,
        program::MarginEngine,
        types::{Fill, FillSettleArgs, TradeLeg},
    },
    state::{Book, Quote, Request},
};

/// Remaining accounts: the margin accounts of the makers, writable; then the markets of what all hold afterwards, as the
/// engine's `fill_settle` takes them.
#[event_cpi]
#[derive(Accounts)]
pub struct RequestFill<'info> {
    pub caller: Signer<'info>,
    pub book: Account<'info, Book>,
    #[account(mut)]
    pub request: Account<'info, Request>,
    /// CHECK: who paid for the request.
    #[account(mut)]
    pub rent_recipient: UncheckedAccount<'info>,
    #[account(mut)]
    pub taker_account: AccountLoader<'info, MarginAccount>,
    /// CHECK: the book's.
    pub authority: UncheckedAccount<'info>,
    /// CHECK: the authority's registration; the engine loads it and finds the authority in it.
    pub venue: UncheckedAccount<'info>,
    /// CHECK: the book's engine; the margin engine loads it.
    pub engine: UncheckedAccount<'info>,
    /// CHECK: the engine checks it.
    pub engine_event_authority: UncheckedAccount<'info>,
    pub engine_program: Program<'info, MarginEngine>,
}

impl<'info> RequestFill<'info> {
    /// Whether the taker fills the request himself.
    fn validate(&self, now: i64) -> Result<bool> {
        // book, request: this program's, by their types; of each other.
        require_keys_eq!(self.request.book, self.book.key(), VenueError::ForeignBook);
        // rent_recipient: who paid. taker_account: the request's. authority, engine: the book's.
        require_keys_eq!(self.rent_recipient.key(), self.request.payer, VenueError::RentRecipient);
        require_keys_eq!(self.taker_account.key(), self.request.taker_account, VenueError::NotTakerAccount);
        require_keys_eq!(self.authority.key(), self.book.authority, VenueError::NotAuthority);
        require_keys_eq!(self.engine.key(), self.book.engine, VenueError::ForeignEngine);
        // engine_program: by its type. venue, engine_event_authority and all remaining accounts: by the engine.
        require!(now < self.request.expires_at, VenueError::RequestExpired);
        // caller: owner or delegate of the taker's account; anyone after the auction.
        let is_taker = may_trade(&*self.taker_account.load()?, self.caller.key);
        require!(is_taker || now >= self.request.auction_ends_at, VenueError::AuctionRunning);
        Ok(is_taker)
    }

    /// Fills as much of a request as its quotes and one settlement can, each quote at its own price. The taker's choice of maker
    /// accounts says which quotes; anyone else takes the best of all.
    pub fn handle(ctx: Context<'info, Self>, makers: u8) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let is_taker = ctx.accounts.validate(now)?;
        let (makers, markets) =
            ctx.remaining_accounts.split_at_checked(usize::from(makers)).ok_or(VenueError::MakerAccounts)?;
        let chosen = |quote: &Quote| !is_taker || makers.iter().any(|maker| *maker.key == quote.maker_account);
        let quotes = ctx.accounts.request.best_quotes(now, chosen);
        require!(!quotes.is_empty(), VenueError::NothingToFill);
        let named = makers.iter().map(|maker| *maker.key);
        require!(named.eq(quotes.iter().map(|quote| quote.maker_account)), VenueError::MakerAccounts);

        ctx.accounts.settle(&quotes, makers, markets)?;

        let request = &mut ctx.accounts.request;
        let lots_before = request.lots;
        let fills = request.record(&quotes);
        let event = RequestFilled {
            request: request.key(),
            taker_account: request.taker_account,
            fills,
            lots_before,
            lots_after: request.lots,
        };
        if request.lots == 0 {
            request.close(ctx.accounts.rent_recipient.to_account_info())?;
        }
        emit_cpi!(event);
        Ok(())
    }

    /// Has the engine settle all fills in one batch, in which every account is checked once.
    fn settle(&self, quotes: &[Quote], makers: &[AccountInfo<'info>], markets: &[AccountInfo<'info>]) -> Result<()> {
        let instrument = self.request.instrument;
        let mut reduce_only = u8::from(self.request.reduce_only);
        let mut fills = Vec::with_capacity(quotes.len());
        // The taker is account number 0 of the batch, the makers follow; seven at most.
        for (maker, quote) in (1u8..).zip(quotes) {
            reduce_only |= u8::from(quote.reduce_only) << maker;
            let leg = TradeLeg { instrument, lots: quote.lots, price: quote.price };
            fills.push(Fill { taker: 0, maker, leg });
        }
        let mut remaining = Vec::with_capacity(1 + makers.len() + markets.len());
        remaining.push(self.taker_account.to_account_info());
        remaining.extend_from_slice(makers);
        remaining.extend_from_slice(markets);

        let book = self.book.key();
        let seeds: &[&[u8]] = &[AUTHORITY_SEED, book.as_ref(), &[self.book.authority_bump]];
        let accounts = cpi::accounts::FillSettle {
            authority: self.authority.to_account_info(),
            venue: self.venue.to_account_info(),
            engine: self.engine.to_account_info(),
            event_authority: self.engine_event_authority.to_account_info(),
            program: self.engine_program.to_account_info(),
        };
        let signers = [seeds];
        let context = CpiContext::new_with_signer(self.engine_program.key(), accounts, &signers)
            .with_remaining_accounts(remaining);
        let accounts = fills.len() as u8 + 1;
        cpi::fill_settle(context, FillSettleArgs { accounts, fills, reduce_only })
    }
}
