//! The risk kernel of the margin engine: Black-76 values, Greeks, SVI vols and scenario revaluation in integers.
//!
//! `no_std`, no allocation, no clock, no floating point: the program, the clients and the tests run the same code
//! and get the same bits. Inputs are checked once, where they enter ([`Expiry::prepare`], [`Leg::prepare`],
//! [`Svi::prepare`], [`Scenario::new`]); inside, ranges are argued in comments and asserted in debug builds.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::integer_division,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod black;
mod deviation;
mod digital;
mod digital_array;
mod elementary;
mod error;
mod expiry;
mod factored;
mod fx;
mod greeks;
mod leg;
mod line;
mod net_greeks;
mod normal;
pub mod portfolio;
pub mod quantities;
mod risk_array;
mod run;
mod scenario;
mod slot;
mod strike;
mod svi;
mod tables;
mod totals;
pub mod wide;
mod word;

pub use black::{OptionKind, value};
pub use deviation::MAX_VOL;
pub use digital_array::DigitalArray;
pub use error::KernelError;
pub use expiry::{Expiry, ExpiryInputs, MAX_RATE, MAX_SECONDS, MIN_RATE};
pub use factored::{Signs, StaticFactors};
pub use greeks::{GREEK_BITS, Greeks, greeks, greeks_from_spot};
pub use leg::Leg;
pub use quantities::{Lots, Multiplier, Price, Rate, Seconds, Usd, Vol};
pub use risk_array::{MAX_GROSS_LOTS, RiskArray};
pub use scenario::{MAX_MULTIPLIER, MAX_SCENARIOS, Scenario, ScenarioSet, VolLevel, VolLevels};
pub use strike::Strike;
pub use svi::{MAX_SVI_CURVATURE, MAX_SVI_PARAMETER, SLICE_WORDS, SVI_ONE, Svi, SviSlice};
pub use totals::Totals;
