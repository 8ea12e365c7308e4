use anchor_lang::prelude::*;

/// A book of requests on one engine.
///
/// PDA of `["book", engine, operator]`. Only read after it was opened, so that no two requests wait for each other.
#[account]
#[derive(Debug, InitSpace)]
pub struct Book {
    pub engine: Pubkey,
    /// Opened the book; has no other power.
    pub operator: Pubkey,
    /// PDA of `["authority", book]`; signs the settlements.
    pub authority: Pubkey,
    pub authority_bump: u8,
    pub bump: u8,
}
