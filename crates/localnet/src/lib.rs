//! An embedded local Solana network with the margin engine, real-format Pyth accounts and a seeded market.
//!
//! [`Network`] runs a validator-compatible JSON-RPC and WebSocket endpoint on loopback inside this process. It
//! never contacts another host. Everything above it speaks plain RPC, so the same code would drive any cluster,
//! except for what only a test network can do: writing oracle accounts, deploying at a fixed address without a
//! key, and moving the clock ([`cheats`]).

pub mod cheats;
pub mod error;
pub mod market;
pub mod network;
pub mod pyth;
pub mod send;
pub mod tokens;

pub use error::LocalnetError;
pub use network::{Network, NetworkConfig, Port};
pub use send::Sender;

/// The result of everything fallible in this crate.
pub type Result<T> = std::result::Result<T, LocalnetError>;
