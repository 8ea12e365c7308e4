//! Limits and seeds.

/// Quotes that a request holds.
pub const MAX_QUOTES: usize = 8;
/// Quotes that one settlement fills: the engine takes eight accounts, and one is the taker's.
pub const MAX_FILLS: usize = 7;

pub const BOOK_SEED: &[u8] = b"book";
pub const AUTHORITY_SEED: &[u8] = b"authority";
pub const REQUEST_SEED: &[u8] = b"request";
