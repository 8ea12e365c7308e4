//! The margin engine's SBF binary on LiteSVM, topic by topic.

mod bid_laws;
mod cu;
mod errors;
mod funds;
mod lifecycle;
mod liquidation;
mod liquidation_bid;
mod liquidation_books;
mod listing;
mod margin;
mod mints;
mod oracle;
mod risk_accounts;
mod substitution;
mod substitution_cases;
mod surface;
mod trade;
