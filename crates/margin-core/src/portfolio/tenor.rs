//! How Up and Down scenarios move the vol of an expiry: short tenors move more than long ones.

use super::{Ratio, VolShock, fixed};
use crate::{MAX_VOL, Seconds, Vol, elementary::Normal};

const THIRTY_DAYS: u64 = 2_592_000;
/// Factors on vol are Q28; the largest is 64.
pub(super) const FACTOR_ONE: u64 = 1 << 28;
const FACTOR_MAX: u64 = 64 << 28;

/// The tenor multiplier of one expiry and what follows from it.
///
/// With `m = (30 d / max(time, floor))^p`, p the short power when the time is at most 30 days and the long one beyond:
/// up = 1 + range_up·m (at most 64), down = max(0, 1 − range_down·m).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TenorShock {
    /// m, Q28.
    pub(super) multiplier: u64,
    up: u64,
    down: u64,
    min_vol_up: Vol,
}

impl TenorShock {
    #[inline(always)]
    pub(super) fn new(shock: &VolShock, time: Seconds) -> Self {
        let power = if time.0 <= THIRTY_DAYS { shock.short_term_power } else { shock.long_term_power };
        let multiplier = tenor_multiplier(time.max(shock.tenor_floor), power);
        // Rounded up, so that the shock is not smaller than the model's.
        let widen = |range: Ratio| Ratio(multiplier).times(range).0.min(FACTOR_MAX);
        Self {
            multiplier,
            up: FACTOR_ONE.saturating_add(widen(shock.range_up)).min(FACTOR_MAX),
            down: FACTOR_ONE.saturating_sub(widen(shock.range_down)),
            min_vol_up: shock.min_vol_up,
        }
    }

    /// Vol of Up scenarios, rounded up.
    #[inline]
    pub(super) fn up(&self, vol: Vol) -> Vol {
        Vol(scale_vol(vol, self.up).0.wrapping_add(1)).max(self.min_vol_up).min(MAX_VOL)
    }

    /// Vol of Down scenarios, rounded down.
    #[inline]
    pub(super) fn down(&self, vol: Vol) -> Vol {
        scale_vol(vol, self.down)
    }
}

/// `vol · factor` with the factor in Q28 and at most 64; rounded down, at most the kernel's largest vol.
#[inline]
pub(super) fn scale_vol(vol: Vol, factor: u64) -> Vol {
    let vol = vol.min(MAX_VOL).0; // below 2^40
    let factor = factor.min(FACTOR_MAX); // at most 2^34
    let scaled = if vol >> 29 == 0 {
        vol.wrapping_mul(factor) >> 28
    } else {
        // Sixteen bits fewer of a vol above 500 %: 24 + 34 bits.
        (vol >> 16).wrapping_mul(factor) >> 12
    };
    Vol(scaled).min(MAX_VOL)
}

/// `(30 d / time)^power` in Q28, rounded up; at most e^8.
#[allow(clippy::arithmetic_side_effects, reason = "the subtraction is that of Fx")]
fn tenor_multiplier(time: Seconds, power: Ratio) -> u64 {
    if power == Ratio::ZERO {
        return FACTOR_ONE;
    }
    // ln(30 d) − ln(time): within ±15 in Q56 for one second to four years.
    let log = Normal::new(THIRTY_DAYS).ln() - Normal::new(time.0.max(1)).ln();
    let exponent = fixed::times_q56(log.0, fixed::ratio_q56(power));
    if exponent <= 0 {
        fixed::decay_q60(exponent.saturating_neg()).div_ceil(1 << 32)
    } else {
        fixed::wide_growth_q28(exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portfolio::testing::parameters;

    fn q28(value: u64) -> f64 {
        value as f64 / FACTOR_ONE as f64
    }

    #[test]
    fn multiplier_is_the_power_of_the_ratio() {
        let cases = [
            (30.0, 0.3),
            (1.0, 0.3),
            (7.0, 0.3),
            (0.5, 1.0),
            (90.0, 0.13),
            (1095.0, 1.0),
            (29.9, 0.0),
            (350.0, 10.0),
            (400.0, 0.3),
        ];
        for (days, power) in cases {
            let seconds = Seconds((days * 86_400.0) as u64);
            let got = q28(tenor_multiplier(seconds, Ratio((power * 1e9) as u64)));
            let want = (30.0f64 / days).powf(power);
            assert!(
                (got - want).abs() < 1e-7 * want + 1.0 / FACTOR_ONE as f64,
                "{days} d ^ {power}: {got} against {want}"
            );
        }
        let largest = q28(tenor_multiplier(Seconds(1), Ratio::ONE));
        assert!((largest / 8f64.exp() - 1.0).abs() < 1e-5, "{largest}");
    }

    #[test]
    fn vols_are_ordered_and_capped() {
        let shock = VolShock { min_vol_up: Vol(45_000_000), ..parameters().vol };
        let shocks = TenorShock::new(&shock, Seconds(3_600));
        for vol in [0, 1, 10_000_000, 60_000_000, 3_999_999_999, 4_000_000_000, MAX_VOL.0 - 1, MAX_VOL.0] {
            let vol = Vol(vol);
            let (down, up) = (shocks.down(vol), shocks.up(vol));
            assert!(down <= vol && vol <= up && up >= shock.min_vol_up && up <= MAX_VOL, "{down:?} {vol:?} {up:?}");
        }
    }
}
