//! Prices of the two auctions in which an account in liquidation is sold.
//!
//! In the solvent one bidders pay for slices; the share of the value that they pay falls with time. In the insolvent one
//! they are paid for taking slices; what they get rises with time. Both depend on stored times and on the account's
//! figures alone, so that everybody computes the same price.

use super::{
    AccountRisk, MarginError, Ratio,
    ratio::{add, floor_division, subtract},
};
use crate::{Seconds, Usd, wide};

const ONE: i128 = 1_000_000_000;

/// How the share of its value that a slice costs falls: linearly to `fast_end` within `fast`, then to nothing within `slow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SolventAuction {
    /// The share at the start.
    pub start: Ratio,
    /// The share after `fast`.
    pub fast_end: Ratio,
    /// First part.
    pub fast: Seconds,
    /// Second part.
    pub slow: Seconds,
}

impl SolventAuction {
    /// The share after `elapsed`, rounded up; `None` once the auction has run out.
    #[must_use]
    pub fn share_paid(&self, elapsed: Seconds) -> Option<Ratio> {
        if elapsed.0 < self.fast.0 {
            return Some(falling(self.start, self.fast_end, elapsed, self.fast));
        }
        let slow_elapsed = Seconds(elapsed.0.saturating_sub(self.fast.0));
        (slow_elapsed.0 < self.slow.0).then(|| falling(self.fast_end, Ratio::ZERO, slow_elapsed, self.slow))
    }
}

/// From `start` to `end` over `duration`, which is longer than `elapsed`; rounded up.
fn falling(start: Ratio, end: Ratio, elapsed: Seconds, duration: Seconds) -> Ratio {
    let fall = u128::from(start.0.saturating_sub(end.0)).wrapping_mul(u128::from(elapsed.0)); // 128 bits
    let fallen = fall.checked_div(u128::from(duration.0)).unwrap_or(0);
    // At most the start.
    Ratio(start.0.saturating_sub(u64::try_from(fallen).unwrap_or(u64::MAX)))
}

/// What a bidder gets for taking all of an insolvent account: from what it lacks at its marks, `max(0, −equity)`, to what
/// it lacks of its maintenance margin, within `duration`. Rounded down.
pub fn insolvent_payout(risk: &AccountRisk, elapsed: Seconds, duration: Seconds) -> Result<Usd, MarginError> {
    let overflow = MarginError::Overflow;
    let low = risk.equity.0.checked_neg().ok_or(overflow)?.max(0);
    let high = risk.maintenance_surplus()?.0.checked_neg().ok_or(overflow)?.max(low);
    let share = if elapsed.0 < duration.0 {
        // Both are seconds, and the first is the smaller one: no overflow, no division by zero.
        let scaled = u128::from(elapsed.0).wrapping_mul(ONE.unsigned_abs());
        let part = scaled.checked_div(u128::from(duration.0)).unwrap_or(0);
        Ratio(u64::try_from(part).map_err(|_| overflow)?)
    } else {
        Ratio::ONE
    };
    let growth = share.of_rounded_down(Usd(high.checked_sub(low).ok_or(overflow)?))?;
    add(Usd(low), growth)
}

/// The figures of an account in its solvent auction that prices depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnSale {
    /// `B`; negative.
    pub buffer_margin: Usd,
    /// Mark-to-market.
    pub equity: Usd,
    /// `R`: what earlier bids paid in.
    pub cash_from_bids: Usd,
    /// `d`.
    pub share_paid: Ratio,
}

impl OnSale {
    /// Largest fraction (1e-9, rounded up so that the bid which takes it restores the account, at most 1) that a bid may
    /// take.
    ///
    /// Scaling an account by (1 − f) scales equity and requirement alike, all but the cash `R` that earlier bids paid in,
    /// and the bidder pays f·d·(equity − R). Then B(f) = (1 − f)·(B − R) + R + f·d·(equity − R), and B(f) = 0 solves to
    ///
    /// `f = B / (B − equity·d − R·(1 − d))`
    ///
    /// for B < 0; an account with B ≥ 0 is done (0).
    pub fn maximum_fraction(&self) -> Result<u64, MarginError> {
        if self.buffer_margin.0 >= 0 {
            return Ok(0);
        }
        let needed = self.needed()?;
        // With nothing to pay for, no part of the account restores it: all of it may go.
        let missing = self.missing()?;
        if needed <= missing {
            return Ok(ONE.unsigned_abs() as u64);
        }
        let numerator = missing.checked_mul(ONE).ok_or(MarginError::Overflow)?;
        let fraction = wide::ceiling_division(numerator, needed).ok_or(MarginError::Overflow)?;
        u64::try_from(fraction.min(ONE)).map_err(|_| MarginError::Overflow)
    }

    /// What a bidder is left of the value of chosen legs, rounded down: for the margin that they free (the rise of `B` when
    /// they go at their marks) as much as a bid for a slice of everything would be left for freeing it.
    ///
    /// A slice `f` of everything frees `f·(−B + equity·d + R·(1 − d)) ` and is left `f·(1 − d)·(equity − R)`. So
    /// `discount = freed · (1 − d)·(equity − R) / (−B + equity·d + R·(1 − d))`, where freeing more than is missing earns
    /// nothing.
    pub fn discount_of_legs(&self, freed: Usd) -> Result<Usd, MarginError> {
        let overflow = MarginError::Overflow;
        let freed = freed.0.clamp(0, self.missing()?.max(0));
        let needed = self.needed()?;
        let value = subtract(self.equity, self.cash_from_bids)?;
        if value.0 <= 0 || needed <= 0 {
            return Ok(Usd::ZERO);
        }
        let share = floor_division(freed.checked_mul(ONE).ok_or(overflow)?, needed)?.min(ONE);
        let share = Ratio(u64::try_from(share).map_err(|_| overflow)?);
        share.of_rounded_down(self.share_paid.complement().of_rounded_down(value)?)
    }

    /// `−B`.
    fn missing(&self) -> Result<i128, MarginError> {
        self.buffer_margin.0.checked_neg().ok_or(MarginError::Overflow)
    }

    /// What selling everything would free: `−B + equity·d + R·(1 − d)`, rounded down but for `B`.
    fn needed(&self) -> Result<i128, MarginError> {
        let paid = self.share_paid.of_rounded_down(self.equity)?;
        let kept = self.share_paid.complement().of_rounded_down(self.cash_from_bids)?;
        let needed = self.missing()?.checked_add(paid.0).and_then(|sum| sum.checked_add(kept.0));
        needed.ok_or(MarginError::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUCTION: SolventAuction = SolventAuction {
        start: Ratio(950_000_000),
        fast_end: Ratio(700_000_000),
        fast: Seconds(900),
        slow: Seconds(43_200),
    };

    #[test]
    fn the_share_falls_in_two_pieces_and_runs_out() {
        let share = |elapsed| AUCTION.share_paid(Seconds(elapsed)).map(|share| share.0);
        assert_eq!(share(0), Some(950_000_000));
        assert_eq!(share(450), Some(825_000_000));
        // 0.95 − 0.25/900, up.
        assert_eq!(share(1), Some(949_722_223));
        assert_eq!(share(900), Some(700_000_000));
        assert_eq!(share(900 + 21_600), Some(350_000_000));
        assert_eq!(share(900 + 43_199), Some(16_204));
        assert_eq!(share(900 + 43_200), None);
        assert_eq!(share(u64::MAX), None);
    }

    #[test]
    fn an_auction_without_durations_is_over() {
        let auction = SolventAuction { fast: Seconds(0), slow: Seconds(0), ..AUCTION };
        assert_eq!(auction.share_paid(Seconds(0)), None);
        let auction = SolventAuction { fast: Seconds(0), ..AUCTION };
        assert_eq!(auction.share_paid(Seconds(0)), Some(AUCTION.fast_end));
    }

    #[test]
    fn an_insolvent_account_pays_more_and_more_for_being_taken() {
        let risk = |equity, maintenance| AccountRisk {
            equity: Usd(equity),
            maintenance_margin: Usd(maintenance),
            initial_margin: Usd(maintenance),
        };
        let payout = |risk: &AccountRisk, elapsed| insolvent_payout(risk, Seconds(elapsed), Seconds(3_600)).unwrap().0;
        let broke = risk(-100, 300);
        assert_eq!((payout(&broke, 0), payout(&broke, 1_800), payout(&broke, 3_600)), (100, 250, 400));
        assert_eq!(payout(&broke, 999_999), 400);
        // A first auction that ran out although there was value left.
        let unsold = risk(50, 300);
        assert_eq!((payout(&unsold, 0), payout(&unsold, 3_600)), (0, 250));
        assert_eq!(insolvent_payout(&broke, Seconds(0), Seconds(0)).unwrap().0, 400);
    }

    #[test]
    fn legs_earn_their_share_of_the_discount() {
        let sale = OnSale {
            buffer_margin: Usd(-100_000),
            equity: Usd(50_000),
            cash_from_bids: Usd::ZERO,
            share_paid: Ratio(800_000_000),
        };
        // Needed: 100 000 + 0.8·50 000; the largest slice is 5/7, and its bidder is left 0.2·50 000·5/7.
        assert_eq!(sale.maximum_fraction().unwrap(), 714_285_715);
        assert_eq!(sale.discount_of_legs(Usd(100_000)).unwrap().0, 7_142);
        assert_eq!(sale.discount_of_legs(Usd(50_000)).unwrap().0, 3_571);
        assert_eq!(sale.discount_of_legs(Usd(900_000)).unwrap().0, 7_142);
        assert_eq!(sale.discount_of_legs(Usd(-5)).unwrap().0, 0);
        // Nothing but the cash of earlier bids is left.
        let empty = OnSale { cash_from_bids: Usd(50_000), ..sale };
        assert_eq!(empty.discount_of_legs(Usd(100_000)).unwrap().0, 0);
        assert_eq!(OnSale { equity: Usd(-1_000), ..sale }.maximum_fraction().unwrap(), 1_000_000_000);
    }
}
