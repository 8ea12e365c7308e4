//! How scenarios move the vol of an expiry: short tenors move more than long ones.

use super::{MarginError, RiskParameters, parameters::floor_division};
use crate::{
    MAX_VOL, Seconds, Vol, VolLevels,
    elementary::{Normal, exp_neg},
    fx::Fx,
};

const THIRTY_DAYS: u64 = 2_592_000;
/// Factors on vol are Q28; the largest is 16.
const FACTOR_ONE: u64 = 1 << 28;
const FACTOR_MAX: u64 = 16 << 28;

/// The Up and Down factors of one expiry.
///
/// With `m = (30 d / max(time, floor))^p`, p the short power when the time is at most 30 days and the long one beyond:
/// up = 1 + range_up·m (at most 16), down = max(0, 1 − range_down·m); a vol in an Up scenario is at least `min_vol_up`.
#[derive(Clone, Copy, Debug)]
pub(super) struct VolShocks {
    up: u64,
    down: u64,
    min_vol_up: Vol,
}

impl VolShocks {
    pub(super) fn new(parameters: &RiskParameters, time: Seconds) -> Result<Self, MarginError> {
        let power = if time.0 <= THIRTY_DAYS { parameters.short_term_power } else { parameters.long_term_power };
        let multiplier = tenor_multiplier(time.max(parameters.tenor_floor), power.0)?;
        // Rounded up, so that the shock is not smaller than the model's: m < 2^13 in Q28 and range < 2^32 need 73 bits.
        let widen = |range: u32| {
            u128::from(multiplier)
                .checked_mul(u128::from(range))
                .map(|product| product.div_ceil(1_000_000_000).min(u128::from(FACTOR_MAX)))
                .and_then(|shift| u64::try_from(shift).ok())
                .ok_or(MarginError::Overflow)
        };
        Ok(Self {
            up: FACTOR_ONE.saturating_add(widen(parameters.vol_range_up.0)?).min(FACTOR_MAX),
            down: FACTOR_ONE.saturating_sub(widen(parameters.vol_range_down.0)?),
            min_vol_up: parameters.min_vol_up,
        })
    }

    /// The three levels of one leg's vol; Up rounds up, Down rounds down. Up stops at the kernel's largest vol.
    pub(super) fn levels(&self, vol: Vol) -> VolLevels {
        // vol < 2^32 (the kernel's limit is 40.0) and factors are at most 2^32: products fit 64 bits.
        let vol = vol.min(MAX_VOL);
        let up = (vol.0.saturating_mul(self.up).saturating_add(FACTOR_ONE.wrapping_sub(1))) >> 28;
        let down = vol.0.saturating_mul(self.down) >> 28;
        VolLevels { up: Vol(up).max(self.min_vol_up).max(vol).min(MAX_VOL), none: vol, down: Vol(down) }
    }
}

/// `(30 d / time)^power` in Q28, rounded up; power in 1e-9, at most one.
#[allow(clippy::arithmetic_side_effects, reason = "the one operator is that of Fx, in the range stated")]
fn tenor_multiplier(time: Seconds, power: u32) -> Result<u64, MarginError> {
    // ln(30 d) − ln(time): within ±15 in Q56 for one second to four years, so the product fits 128 bits.
    let log = Normal::new(THIRTY_DAYS).ln() - Normal::new(time.0.max(1)).ln();
    let scaled = i128::from(log.0).checked_mul(i128::from(power)).ok_or(MarginError::Overflow)?;
    let exponent = i64::try_from(floor_division(scaled, 1_000_000_000)?).map_err(|_| MarginError::Overflow)?;
    // The exponential covers e^2 down to e^-8, so growth is taken as the reciprocal of decay (times below 15 minutes
    // at full power leave its range; the floor of a listed model is an hour).
    if exponent.unsigned_abs() > 8 << 56 {
        return Err(MarginError::Overflow);
    }
    let decay = exp_neg(Fx(exponent.wrapping_abs()));
    if exponent <= 0 {
        return Ok(decay.div_ceil(1 << 32));
    }
    let reciprocal = (1u128 << 88).div_ceil(u128::from(decay.max(1)));
    u64::try_from(reciprocal).map_err(|_| MarginError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q28(value: u64) -> f64 {
        value as f64 / FACTOR_ONE as f64
    }

    #[test]
    fn multiplier_is_the_power_of_the_ratio() {
        for (days, power) in [(30.0, 0.3), (1.0, 0.3), (7.0, 0.3), (0.5, 1.0), (90.0, 0.13), (1095.0, 1.0), (29.9, 0.0)]
        {
            let seconds = Seconds((days * 86_400.0) as u64);
            let got = q28(tenor_multiplier(seconds, (power * 1e9) as u32).unwrap());
            let want = (30.0f64 / days).powf(power);
            assert!(
                (got - want).abs() < 1e-7 * want + 1.0 / FACTOR_ONE as f64,
                "{days} d ^ {power}: {got} against {want}"
            );
        }
        assert!(tenor_multiplier(Seconds(1), 1_000_000_000).is_err());
    }

    #[test]
    fn levels_are_ordered_and_capped() {
        let mut parameters = crate::portfolio::testing::parameters();
        parameters.min_vol_up = Vol(45_000_000);
        let shocks = VolShocks::new(&parameters, Seconds(3_600)).unwrap();
        for vol in [0, 1, 10_000_000, 60_000_000, 3_999_999_999, 4_000_000_000] {
            let levels = shocks.levels(Vol(vol));
            assert!(levels.down <= levels.none && levels.none <= levels.up, "{levels:?}");
            assert!(levels.up >= parameters.min_vol_up && levels.up <= MAX_VOL);
        }
    }
}
