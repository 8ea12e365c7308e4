//! A keeper of the margin engine: finds accounts that must be liquidated, buys what must be sold, and settles what has expired.
//!
//! | part | does |
//! |---|---|
//! | [`store`] | the chain's state in memory: order, duplicates, gaps, forks |
//! | [`health`] | margin of every account, by the program's own code |
//! | [`mod@plan`] | what to do, best first: pure, without a network |
//! | [`send`] | from an action to a transaction on the chain |
//! | [`feed`], [`node`] | subscriptions and requests |
//! | [`mod@run`] | the loop around them |
//!
//! `store`, `health` and `plan` know nothing of a network, so a simulation or a test drives them directly.

#[cfg(feature = "network")]
pub mod config;
#[cfg(feature = "network")]
pub mod feed;
pub mod health;
#[cfg(feature = "network")]
pub mod log;
#[cfg(feature = "network")]
pub mod metrics;
#[cfg(feature = "network")]
pub mod node;
pub mod packed;
pub mod plan;
pub mod program;
#[cfg(feature = "network")]
pub mod run;
#[cfg(feature = "network")]
pub mod send;
#[cfg(feature = "network")]
pub mod server;
pub mod store;
#[cfg(test)]
mod testing;
pub mod transaction;
