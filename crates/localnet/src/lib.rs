//! crates/localnet
