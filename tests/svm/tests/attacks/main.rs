//! Attacks on liquidation, each by its name, and what stops it: an error of its own, or a bound on what the attacker gains.

mod bids;
mod flags;
mod insolvency;
mod losses;
mod scene;
mod traders;
mod venues;
