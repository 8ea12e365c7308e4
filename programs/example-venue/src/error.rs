//! One error for each check. The codes begin above the engine's, whose errors pass through a CPI as they are.

use anchor_lang::prelude::*;

#[error_code(offset = 7000)]
pub enum VenueError {
    // --- accounts -----------------------------------------------------------------------------
    #[msg("The margin account belongs to another engine than the book")]
    ForeignEngine = 0,
    #[msg("The request belongs to another book")]
    ForeignBook,
    #[msg("Only the margin account's owner or delegate may do this")]
    NotOwnerOrDelegate,
    #[msg("The margin account is not the request's")]
    NotTakerAccount,
    #[msg("Rent goes back to who paid it")]
    RentRecipient,
    #[msg("The authority is not the book's")]
    NotAuthority,

    // --- requests -----------------------------------------------------------------------------
    #[msg("A request is for at least one lot and fewer than the largest number")]
    RequestLots = 20,
    #[msg("A request's times must satisfy now < auction_ends_at <= expires_at")]
    RequestTimes,
    #[msg("The request has expired")]
    RequestExpired,

    // --- quotes -------------------------------------------------------------------------------
    #[msg("The quote is for another instrument or side than the request")]
    QuoteTerms = 40,
    #[msg("A quote is for at least one lot and fewer than the largest number")]
    QuoteLots,
    #[msg("The quote has expired")]
    QuoteExpired,
    #[msg("The price is beyond the request's limit")]
    QuoteBeyondLimit,
    #[msg("A taker does not quote on its own request")]
    QuoteOwnRequest,
    #[msg("The request holds as many quotes as it can, none with a worse price")]
    QuotesFull,
    #[msg("The account has no quote on the request")]
    QuoteUnknown,

    // --- fills --------------------------------------------------------------------------------
    #[msg("Until the auction ends only the taker fills the request")]
    AuctionRunning = 60,
    #[msg("No quote that stands is left to fill the request")]
    NothingToFill,
    #[msg("The maker accounts are not those of the quotes that fill the request, best first")]
    MakerAccounts,
}
