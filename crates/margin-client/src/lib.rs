//! crates/margin-client
