//! What an account depends on, as bits.
//!
//! The program numbers underlyings and collaterals up to 64 each, so a set of them is one word, and "which accounts does this
//! price touch" is one pass over an array of words: for a hundred thousand accounts a fraction of a millisecond, without
//! lists that every trade would have to keep in order.

use std::ops::{BitOr, BitOrAssign};

use margin_client::state::{AccountMode, MarginAccount};

/// Sets of markets by their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    pub underlyings: u64,
    pub collaterals: u64,
    /// The cross-underlying model.
    pub correlation: bool,
}

impl Exposure {
    pub const NONE: Self = Self { underlyings: 0, collaterals: 0, correlation: false };
    pub const ALL: Self = Self { underlyings: u64::MAX, collaterals: u64::MAX, correlation: true };

    /// What an account holds. The underlyings that its tokens are linked to come in where a token changes
    /// ([`Store`](super::Store) marks the token with its underlying).
    #[must_use]
    pub fn of(account: &MarginAccount) -> Self {
        let mut exposure = Self { correlation: account.mode == AccountMode::Portfolio as u8, ..Self::NONE };
        for position in account.positions() {
            exposure |= Self::underlying(position.underlying);
        }
        for balance in account.balances() {
            exposure |= Self::collateral(balance.collateral);
        }
        exposure
    }

    #[must_use]
    pub fn underlying(index: u16) -> Self {
        Self { underlyings: bit(index), ..Self::NONE }
    }

    #[must_use]
    pub fn collateral(index: u16) -> Self {
        Self { collaterals: bit(index), ..Self::NONE }
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    #[must_use]
    pub fn touches(self, other: Self) -> bool {
        self.underlyings & other.underlyings != 0
            || self.collaterals & other.collaterals != 0
            || self.correlation && other.correlation
    }
}

/// Numbers beyond the program's limit share no bit with anything; such an account the program refuses as well.
fn bit(index: u16) -> u64 {
    1u64.checked_shl(u32::from(index)).unwrap_or(0)
}

impl BitOr for Exposure {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            underlyings: self.underlyings | other.underlyings,
            collaterals: self.collaterals | other.collaterals,
            correlation: self.correlation | other.correlation,
        }
    }
}

impl BitOrAssign for Exposure {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}
