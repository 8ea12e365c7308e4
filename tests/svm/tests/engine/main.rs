//! The margin engine's SBF binary on LiteSVM, topic by topic.

mod lifecycle;
mod listing;
mod mints;
mod oracle;
mod surface;
mod trade;
