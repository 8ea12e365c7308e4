//! Limits that liquidation depends on: the largest account in the widest market, with every input as bad as a liquidation
//! accepts, goes through every step within a transaction of the network.
//!
//! A step may take 1.4 M compute units, 64 accounts and 1 232 bytes. Figures are printed (`cargo test -p tests-svm --test
//! limits -- --nocapture`); `cargo xtask cu` holds them in `benches/CU.md`.

mod account;
mod pair;
mod table;
