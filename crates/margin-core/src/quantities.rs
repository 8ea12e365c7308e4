//! Typed quantities: one newtype per unit, with the arithmetic that makes sense in that unit.
//!
//! Every operation is checked: `None` means the result does not fit. Divisions name their rounding.

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// The raw integer, in the unit of the type.
            #[must_use]
            pub const fn raw(self) -> $inner {
                self.0
            }

            /// Sum of two quantities of the same unit.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// Difference of two quantities of the same unit.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }
        }

        impl From<$inner> for $name {
            fn from(raw: $inner) -> Self {
                Self(raw)
            }
        }

        impl From<$name> for $inner {
            fn from(quantity: $name) -> Self {
                quantity.0
            }
        }
    };
}

quantity! {
    /// Price or option value in 1e-12 USD per unit of the underlying; at most about 1.8e7 USD.
    Price(u64)
}
quantity! {
    /// Annualised implied vol in 1e-8 (100 % is 1e8).
    Vol(u64)
}
quantity! {
    /// Continuously compounded rate in 1e-10 per year (5 % is 5e8).
    Rate(i64)
}
quantity! {
    /// A duration in whole seconds; a year has [`SECONDS_PER_YEAR`].
    Seconds(u64)
}
quantity! {
    /// Signed number of contracts in lots of the underlying; negative is short.
    Lots(i64)
}
quantity! {
    /// Signed amount in 1e-12 USD.
    Usd(i128)
}
quantity! {
    /// A factor in 1e-9 (+18 % is 1_180_000_000).
    Multiplier(u64)
}

/// Seconds in the model's year of 365 days.
pub const SECONDS_PER_YEAR: u64 = 31_536_000;

impl Price {
    /// One USD.
    pub const ONE_USD: Self = Self(1_000_000_000_000);
}

impl Vol {
    /// 100 %.
    pub const ONE: Self = Self(100_000_000);

    /// `self * factor`, rounded down to 1e-8. `None` from 2^32 on in either, far beyond any vol in use.
    #[must_use]
    pub const fn checked_scale(self, factor: Multiplier) -> Option<Self> {
        if self.0 >> 32 != 0 || factor.0 >> 32 != 0 {
            return None;
        }
        match self.0.wrapping_mul(factor.0).checked_div(Multiplier::ONE.0) {
            Some(scaled) => Some(Self(scaled)),
            None => None,
        }
    }
}

impl Rate {
    /// 100 % per year.
    pub const ONE: Self = Self(10_000_000_000);

    /// The rate used for discounting: a negative published rate counts as zero.
    #[must_use]
    pub const fn for_discounting(self) -> Self {
        if self.0 < 0 { Self::ZERO } else { self }
    }
}

impl Multiplier {
    /// Factor one.
    pub const ONE: Self = Self(1_000_000_000);
}

impl Lots {
    /// The opposite position.
    #[must_use]
    pub const fn checked_neg(self) -> Option<Self> {
        match self.0.checked_neg() {
            Some(opposite) => Some(Self(opposite)),
            None => None,
        }
    }

    /// `self * price` in lots x 1e-12 USD, exact.
    #[must_use]
    pub const fn checked_mul_price(self, price: Price) -> Option<i128> {
        (self.0 as i128).checked_mul(price.0 as i128)
    }
}

impl Usd {
    /// The opposite amount.
    #[must_use]
    pub const fn checked_neg(self) -> Option<Self> {
        match self.0.checked_neg() {
            Some(opposite) => Some(Self(opposite)),
            None => None,
        }
    }
}
