//! The margin engine's SBF binary on LiteSVM, topic by topic.

mod cu;
mod funds;
mod lifecycle;
mod listing;
mod margin;
mod mints;
mod oracle;
mod risk_accounts;
mod surface;
mod trade;
