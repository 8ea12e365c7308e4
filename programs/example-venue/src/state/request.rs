use anchor_lang::prelude::*;

use crate::{
    constants::{MAX_FILLS, MAX_QUOTES},
    error::VenueError,
    events::QuoteFill,
    margin_engine::types::Instrument,
};

/// A taker's request and the quotes on it.
///
/// PDA of `["request", book, taker account, id]`; the taker chooses the id.
#[account]
#[derive(Debug, InitSpace)]
pub struct Request {
    pub book: Pubkey,
    pub taker_account: Pubkey,
    /// Gets the rent back.
    pub payer: Pubkey,
    pub id: u64,
    pub instrument: Instrument,
    /// What is still wanted. Positive: the taker buys. Never 0.
    pub lots: i64,
    /// precision: 1e-12 USD per unit of underlying. The worst price that the taker accepts.
    pub limit_price: u64,
    /// Unix seconds; from then on anyone may fill the request at the best quotes.
    pub auction_ends_at: i64,
    /// Unix seconds; from then on nothing is filled.
    pub expires_at: i64,
    /// The taker's side only brings its position closer to zero.
    pub reduce_only: bool,
    pub bump: u8,
    /// Best price first, earlier first among equals.
    #[max_len(MAX_QUOTES)]
    pub quotes: Vec<Quote>,
}

/// A maker's offer of the opposite side.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    pub maker_account: Pubkey,
    /// precision: 1e-12 USD per unit of underlying.
    pub price: u64,
    /// What is left of it; signed as the request's lots. Never 0.
    pub lots: i64,
    /// Unix seconds; from then on nothing of it is filled.
    pub expires_at: i64,
    /// The maker's side only brings its position closer to zero.
    pub reduce_only: bool,
}

impl Request {
    /// Whether the taker prefers a price to another.
    fn prefers(&self, price: u64, to: u64) -> bool {
        if self.lots > 0 { price < to } else { price > to }
    }

    pub fn accepts_price(&self, price: u64) -> bool {
        !self.prefers(self.limit_price, price)
    }

    /// Whether `lots` are of the request's side.
    pub fn is_side_of(&self, lots: i64) -> bool {
        self.lots.signum() == lots.signum()
    }

    /// Puts a quote behind those of the same or a better price; returns its place. It replaces the maker's earlier quote, and
    /// loses that one's place; expired ones make room, and so does the last if its price is worse.
    pub fn post(&mut self, quote: Quote, now: i64) -> Result<usize> {
        self.quotes.retain(|other| other.expires_at > now && other.maker_account != quote.maker_account);
        let place = self.quotes.iter().take_while(|other| !self.prefers(quote.price, other.price)).count();
        require!(place < MAX_QUOTES, VenueError::QuotesFull);
        self.quotes.truncate(MAX_QUOTES - 1);
        self.quotes.insert(place, quote);
        Ok(place)
    }

    /// Takes out a maker's quote.
    pub fn withdraw(&mut self, maker_account: &Pubkey) -> Result<Quote> {
        let place = self.quotes.iter().position(|quote| quote.maker_account == *maker_account);
        Ok(self.quotes.remove(place.ok_or(VenueError::QuoteUnknown)?))
    }

    /// The quotes that fill as much of the request as one settlement can, best first: of all that stand and that `may_fill`
    /// lets through.
    pub fn best_quotes(&self, now: i64, may_fill: impl Fn(&Quote) -> bool) -> Vec<Quote> {
        let mut left = self.lots.unsigned_abs();
        let mut fills = Vec::new();
        for quote in self.quotes.iter().filter(|quote| quote.expires_at > now && may_fill(quote)).take(MAX_FILLS) {
            // Never more than either, which are of one sign.
            let lots = if quote.lots.unsigned_abs() <= left { quote.lots } else { left as i64 * self.lots.signum() };
            left -= lots.unsigned_abs();
            fills.push(Quote { lots, ..*quote });
            if left == 0 {
                break;
            }
        }
        fills
    }

    /// Writes down what [`Self::best_quotes`] found and the engine settled.
    pub fn record(&mut self, filled: &[Quote]) -> Vec<QuoteFill> {
        for fill in filled {
            self.lots -= fill.lots;
            for quote in self.quotes.iter_mut().filter(|quote| quote.maker_account == fill.maker_account) {
                quote.lots -= fill.lots;
            }
        }
        self.quotes.retain(|quote| quote.lots != 0);
        let fill_of =
            |quote: &Quote| QuoteFill { maker_account: quote.maker_account, lots: quote.lots, price: quote.price };
        filled.iter().map(fill_of).collect()
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
