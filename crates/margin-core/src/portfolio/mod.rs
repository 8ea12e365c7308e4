//! From positions to one requirement.
//!
//! [`assess_underlying`] revalues all positions of one underlying in every scenario and nets them into one scan risk;
//! [`AccountRisk`] adds the underlyings, the collateral and the cash of an account. The same code runs in the program,
//! in keepers and in tests, so their figures agree bit for bit.
//!
//! The law it serves: *initial margin ≥ maintenance margin*, so that an account that may still trade is never
//! liquidatable at the same prices; and every rounding goes against the account, together by less than one quote atom.

mod account;
mod adaptive;
mod auction;
mod book;
#[cfg(test)]
mod charge_tests;
mod cross;
#[cfg(test)]
mod cross_tests;
mod detail;
#[cfg(test)]
mod digital_tests;
mod discount;
mod exposure;
mod fixed;
mod gap;
mod greeks;
mod isolated;
mod linear;
mod market;
mod measure;
#[cfg(test)]
mod mode_tests;
mod open_expiry;
mod parameters;
mod prepared;
mod ratio;
mod scan;
mod skew;
mod standard;
mod tenor;
#[cfg(test)]
mod testing;
mod underlying;
#[cfg(test)]
mod underlying_tests;
mod validate;
mod validate_modes;
#[cfg(test)]
mod validate_tests;
mod weigh;

pub use {
    account::*,
    adaptive::AdaptiveRange,
    auction::{OnSale, SolventAuction, insolvent_payout},
    cross::{Correlation, CrossRisk, CrossScan, FactorExposure, FactorScenario},
    detail::{LegRow, Part, leg_row},
    exposure::Charges,
    greeks::NetGreeks,
    isolated::{IsolatedRisk, assess_isolated},
    market::*,
    parameters::*,
    prepared::{GRID_TABLE, PreparedGrid, Scenarios, StoredGrid},
    ratio::{Ratio, SignedRatio, lots_value},
    scan::Scratch,
    standard::{Margins, StandardParameters, StandardRisk, assess_standard},
    underlying::{Detail, UnderlyingRisk, WorstCase, assess_prepared, assess_underlying, assess_witness, net_greeks},
    validate::ParameterError,
};

use crate::KernelError;

/// Why a margin cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginError {
    /// A value left its type's range.
    Overflow,
    /// Positions of one underlying must come sorted: perpetual first, then by expiry its future and its options by strike.
    Unsorted,
    /// No scenario, or more than the scan has cells.
    ScenarioCount,
    /// A witness names a scenario that the grid does not have.
    UnknownScenario,
    /// A single scenario does not bound a mean of several.
    WitnessMeasure,
    /// The model has skew scenarios and no width for them.
    SkewWidth,
    /// Options of an inverse underlying.
    InverseOption,
    /// The pricing kernel refused an input.
    Kernel(KernelError),
}

impl From<KernelError> for MarginError {
    fn from(error: KernelError) -> Self {
        Self::Kernel(error)
    }
}
