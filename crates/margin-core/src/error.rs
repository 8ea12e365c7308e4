//! One error per check of the kernel's boundary.

use core::fmt;

/// Why the kernel refused an input.
///
/// Codes are stable: clients may match on [`KernelError::code`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum KernelError {
    /// The forward (fixed + variable part) is zero or does not fit a [`Price`](crate::Price).
    ForwardOutOfRange = 1,
    /// The strike is zero.
    StrikeOutOfRange = 2,
    /// Forward and strike are more than a factor of 2^20 apart.
    MoneynessOutOfRange = 3,
    /// The time is beyond [`MAX_SECONDS`](crate::MAX_SECONDS).
    TimeOutOfRange = 4,
    /// The vol is above [`MAX_VOL`](crate::MAX_VOL).
    VolOutOfRange = 5,
    /// The rate is outside [`MIN_RATE`](crate::MIN_RATE)..=[`MAX_RATE`](crate::MAX_RATE).
    RateOutOfRange = 6,
    /// `rate * time` is outside -2..=8: the discount factor would leave e^-8..=e^2.
    DiscountOutOfRange = 7,
    /// SVI: |a| or |m| exceeds [`MAX_SVI_PARAMETER`](crate::MAX_SVI_PARAMETER).
    SviParameterOutOfRange = 8,
    /// SVI: b is negative or exceeds [`MAX_SVI_PARAMETER`](crate::MAX_SVI_PARAMETER).
    SviSlopeOutOfRange = 9,
    /// SVI: |rho| is not below 1.
    SviCorrelationOutOfRange = 10,
    /// SVI: sigma is not positive or exceeds [`MAX_SVI_CURVATURE`](crate::MAX_SVI_CURVATURE).
    SviCurvatureOutOfRange = 11,
    /// SVI: the smallest total variance of the slice, a + b sigma sqrt(1 - rho^2), is negative.
    SviMinimumVarianceNegative = 12,
    /// SVI: the total variance at this strike is negative.
    SviVarianceNegative = 13,
    /// SVI: the reference time is zero or beyond [`MAX_SECONDS`](crate::MAX_SECONDS).
    SviTimeOutOfRange = 14,
    /// SVI: the reference forward is zero.
    SviForwardOutOfRange = 15,
    /// A scenario's spot multiplier is zero or above [`MAX_MULTIPLIER`](crate::MAX_MULTIPLIER).
    MultiplierOutOfRange = 16,
    /// More than [`MAX_SCENARIOS`](crate::MAX_SCENARIOS) scenarios.
    TooManyScenarios = 17,
    /// The accumulated lots of one risk array exceed [`MAX_GROSS_LOTS`](crate::MAX_GROSS_LOTS).
    LotsOutOfRange = 18,
    /// A vol level is missing its order: down <= none <= up does not hold.
    VolLevelsUnordered = 19,
    /// A result does not fit its type.
    Overflow = 20,
}

impl KernelError {
    /// Stable numeric code.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    const fn message(self) -> &'static str {
        match self {
            Self::ForwardOutOfRange => "forward is zero or too large",
            Self::StrikeOutOfRange => "strike is zero",
            Self::MoneynessOutOfRange => "forward and strike are more than a factor 2^20 apart",
            Self::TimeOutOfRange => "time to expiry is too long",
            Self::VolOutOfRange => "vol is too high",
            Self::RateOutOfRange => "rate is out of range",
            Self::DiscountOutOfRange => "discount factor is outside e^-8 to e^2",
            Self::SviParameterOutOfRange => "SVI a or m is out of range",
            Self::SviSlopeOutOfRange => "SVI b is out of range",
            Self::SviCorrelationOutOfRange => "SVI |rho| is not below one",
            Self::SviCurvatureOutOfRange => "SVI sigma is out of range",
            Self::SviMinimumVarianceNegative => "SVI slice has negative minimum variance",
            Self::SviVarianceNegative => "SVI total variance is negative at the strike",
            Self::SviTimeOutOfRange => "SVI reference time is out of range",
            Self::SviForwardOutOfRange => "SVI reference forward is zero",
            Self::MultiplierOutOfRange => "scenario spot multiplier is out of range",
            Self::TooManyScenarios => "too many scenarios",
            Self::LotsOutOfRange => "too many lots in one risk array",
            Self::VolLevelsUnordered => "vol levels are not in order down <= none <= up",
            Self::Overflow => "result does not fit its type",
        }
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl core::error::Error for KernelError {}
