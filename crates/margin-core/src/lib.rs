//! crates/margin-core
