//! From positions to one requirement.
//!
//! [`assess_underlying`] revalues all positions of one underlying in every scenario and nets them into one scan risk;
//! [`AccountRisk`] adds the underlyings, the collateral and the cash of an account. The same code runs in the program,
//! in keepers and in tests, so their figures agree bit for bit.
//!
//! The law it serves: *initial margin ≥ maintenance margin*, so that an account that may still trade is never
//! liquidatable at the same prices; and every rounding goes against the account, together by less than one quote atom.

mod account;
mod greeks;
mod parameters;
mod scan;
mod tenor;
#[cfg(test)]
mod testing;
mod underlying;
#[cfg(test)]
mod underlying_tests;

pub use {account::*, greeks::NetGreeks, parameters::*, scan::Scratch, underlying::*};

use crate::KernelError;

/// Why a margin cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginError {
    /// A value left its type's range.
    Overflow,
    /// Positions of one underlying must come sorted: perpetual first, then by expiry, strike and kind.
    Unsorted,
    /// More scenarios than the scan has cells, or none.
    ScenarioCount,
    /// The pricing kernel refused an input.
    Kernel(KernelError),
}

impl From<KernelError> for MarginError {
    fn from(error: KernelError) -> Self {
        Self::Kernel(error)
    }
}
