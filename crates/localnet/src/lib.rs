//! An embedded local Solana network with the margin engine, real-format Pyth accounts and a seeded market.
//!
//! [`Network`] runs a validator-compatible JSON-RPC and WebSocket endpoint on loopback inside this process. It
//! never contacts another host. Everything above it speaks plain RPC, so the same code would drive any cluster,
//! except for what only a test network can do: writing oracle accounts, deploying at a fixed address without a
//! key, and moving the clock ([`cheats`]).

pub mod audit;
pub mod books;
pub mod chart;
pub mod cheats;
pub mod demo;
pub mod error;
pub mod events;
pub mod expectations;
pub mod keeper;
pub mod keys;
pub mod market;
pub mod narrate;
pub mod network;
pub mod quotes;
pub mod replay;
pub mod report;
pub mod seed;
pub mod send;
pub mod tokens;
pub mod traders;
pub mod venue;

pub use error::LocalnetError;
pub use network::{Network, NetworkConfig, Port};
pub use send::Sender;

/// The result of everything fallible in this crate.
pub type Result<T> = std::result::Result<T, LocalnetError>;
