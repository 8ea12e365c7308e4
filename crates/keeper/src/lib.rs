//! A keeper of the margin engine: finds accounts that must be liquidated, buys what must be sold, and settles what has expired.

pub mod health;
pub mod packed;
pub mod plan;
pub mod program;
pub mod store;
