//! The margin engine's SBF binary on LiteSVM, topic by topic.

mod bid_laws;
mod check;
mod cu;
mod errors;
mod funds;
mod grids;
mod lifecycle;
mod liquidation;
mod liquidation_bid;
mod liquidation_books;
mod listing;
mod margin;
mod mints;
mod models;
mod oracle;
mod perpetual;
mod risk_accounts;
mod substitution;
mod substitution_cases;
mod surface;
mod trade;
