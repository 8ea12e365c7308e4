//! Limits, seeds and fixed-point scales of the program.

/// One in the program's parts-per-billion ratios (haircuts, weights, multipliers, fractions).
pub const RATIO_ONE: u64 = 1_000_000_000;

/// Decimals of `Usd` and `Price` in the core crate.
pub const USD_DECIMALS: u32 = 12;

/// Indices of underlyings and collaterals fit one 64-bit set, so that the accounts a check needs are a bit mask.
pub const MAX_UNDERLYINGS: u16 = 64;
pub const MAX_COLLATERALS: u16 = 64;

/// Positions in one margin account.
pub const MAX_POSITIONS: usize = 128;
/// Token balances (besides cash) in one margin account.
pub const MAX_BALANCES: usize = 12;
/// Expiries listed at once on one underlying.
pub const MAX_EXPIRIES: usize = 12;
/// Scenarios of one underlying.
pub const MAX_SCENARIOS: usize = 40;
/// Legs in one trade, fills in one batch of a venue.
pub const MAX_TRADE_LEGS: usize = 8;
/// Venues that one account may approve.
pub const MAX_APPROVALS: usize = 4;

/// A Solana clock may lag the publisher's; a price further ahead than this is refused.
pub const MAX_FUTURE_SECONDS: i64 = 15;
/// No expiry is listed further out than the kernel's domain (3 years).
pub const MAX_TIME_TO_EXPIRY: i64 = 3 * 31_536_000;
/// A price may never be accepted when older than this, whatever the parameters say.
pub const MAX_ORACLE_AGE_SECONDS: u32 = 86_400;

/// Longest average that an expiry settles on: a day.
pub const MAX_SETTLEMENT_WINDOW: u32 = 86_400;
/// precision: 1e-9 of the notional. No fee is higher: 1 %.
pub const MAX_FEE: u32 = 10_000_000;
/// precision: 1e-9 of the index price. No premium counts for more: 10 %.
pub const MAX_FUNDING_CAP: u32 = 100_000_000;
/// precision: seconds. Longest period, gap and fade of funding: a week.
pub const MAX_FUNDING_TIME: u32 = 604_800;
/// Quote tokens. No settler is paid more for an account.
pub const MAX_SETTLER_REWARD_TOKENS: u64 = 10;
/// precision: seconds. How long after an expiry the admin may set its price where the oracle has not come back: three days.
pub const SETTLEMENT_FIX_GRACE: i64 = 259_200;
/// Legs, and transfers, in one margin quote.
pub const MAX_QUOTE_ITEMS: usize = 8;

/// Interest is counted in years of 365 days.
pub const SECONDS_PER_YEAR: i64 = 31_536_000;
/// precision: 1e-9 a year. Highest borrow rate: 1 000 %.
pub const MAX_BORROW_RATE: u64 = 10 * RATIO_ONE;
/// Interest runs for this long without a publication; at the highest rate a publication's growth fits 64 bits.
pub const MAX_INTEREST_SECONDS: i64 = 30 * 86_400;
/// Least time between two publications of interest.
pub const MIN_PUBLICATION_SECONDS: i64 = 60;

/// A bid that ends an account's deficit under its witness looks at all scenarios of an account of at most so many positions.
pub const RELEASE_CHECK_POSITIONS: usize = 32;
/// How long a claim that a token has no price must stand before liquidation goes on without it, in seconds: a day.
pub const CHALLENGE_SECONDS: i64 = 86_400;
/// precision: lamports. Paid by whoever makes such a claim to whoever brings a price; far more than the transaction costs.
pub const CHALLENGE_BOND: u64 = 100_000_000;
/// Longest part of an auction, in seconds: 30 days.
pub const MAX_AUCTION_SECONDS: u32 = 30 * 86_400;
/// Shortest and longest delay of a withdrawal of insurance, in seconds: a day and 90 days.
pub const MIN_INSURANCE_DELAY: u64 = 86_400;
pub const MAX_INSURANCE_DELAY: u64 = 90 * 86_400;

/// Longest pause, in seconds: a week. It is also all the time that a guardian has before the admin acts.
pub const MAX_PAUSE_SECONDS: i64 = 7 * 86_400;
/// Longest window of an outflow limit, in seconds: 30 days.
pub const MAX_OUTFLOW_WINDOW: u32 = 30 * 86_400;

pub const ENGINE_SEED: &[u8] = b"engine";
pub const COLLATERAL_SEED: &[u8] = b"collateral";
pub const VAULT_SEED: &[u8] = b"vault";
pub const UNDERLYING_SEED: &[u8] = b"underlying";
pub const ACCOUNT_SEED: &[u8] = b"account";
pub const CORRELATION_SEED: &[u8] = b"correlation";
pub const VENUE_SEED: &[u8] = b"venue";

/// Layout version written into every account.
pub const LAYOUT_VERSION: u8 = 1;

/// precision: 1e-12 USD. Lowest and highest price or strike of a trade: 1e-8 and 1e7 USD.
pub const MIN_PRICE: u64 = 10_000;
pub const MAX_PRICE: u64 = 10_000_000_000_000_000_000;
