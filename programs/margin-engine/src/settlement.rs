//! How a series ends: its oracle is sampled into an average, the average becomes the settlement price, every position is paid
//! at it, and the slot is free again.

use core::ops::Range;

use anchor_lang::prelude::*;
use fixed::types::I80F48;
use margin_core::Price;

use crate::{
    constants::{MAX_PRICE, MIN_PRICE, SETTLEMENT_FIX_GRACE},
    error::EngineError,
    oracle::PriceView,
    risk::{cash_atoms_floor, cost_atoms, linear_value_floor},
    state::{ExpirySlot, InstrumentKind, MarginAccount, Position, TradingParameters, Underlying},
};

impl Underlying {
    /// Samples that a settlement price needs: one where there is no window, the first price published after the expiry.
    pub fn samples_needed(&self) -> u32 {
        if self.settlement_window == 0 { 1 } else { self.trading.sample_count.max(1) }
    }

    /// Samples that a series still lacks; none once its price is final.
    pub fn samples_missing(&self, slot: &ExpirySlot) -> u32 {
        if slot.finalised != 0 { 0 } else { self.samples_needed().saturating_sub(slot.sample_count) }
    }

    /// Takes a price that passed the oracle policy into a series' average.
    ///
    /// Samples are spaced on the oracle's clock, from publication to publication, so no price counts twice. Beyond the expiry
    /// they are taken only while some are missing.
    pub fn take_sample(&mut self, expiry: i64, price: &PriceView, now: i64) -> Result<()> {
        let start = expiry.saturating_sub(i64::from(self.settlement_window));
        let spacing = i64::from(self.trading.sample_spacing.max(1));
        let slot = self.expiry(expiry).ok_or(EngineError::ExpiryUnknown)?;
        require!(slot.finalised == 0, EngineError::SettlementFinal);
        require!(now >= start, EngineError::SampleTooEarly);
        require!(now < expiry || self.samples_missing(slot) > 0, EngineError::SettlementCovered);
        require!(price.publish_time >= start, EngineError::SamplePriceTime);
        let passed = price.publish_time.saturating_sub(slot.sampled_at);
        require!(slot.sample_count == 0 || passed >= spacing, EngineError::SampleSpacing);

        let slot = self.expiry_mut(expiry).ok_or(EngineError::ExpiryUnknown)?;
        let sum = u128::from_le_bytes(slot.sample_sum).checked_add(u128::from(price.price.0));
        let sum = sum.ok_or(EngineError::Overflow)?;
        let count = slot.sample_count.checked_add(1).ok_or(EngineError::Overflow)?;
        let average = mean(sum, count).ok_or(EngineError::Overflow)?;
        slot.sample_sum = sum.to_le_bytes();
        slot.sample_count = count;
        slot.sampled_at = price.publish_time;
        slot.observed_average = average;
        Ok(())
    }

    /// Makes the average of an expired series its settlement price. Where nothing is open the price matters to nobody, and no
    /// sample is needed.
    pub fn finalise(&mut self, expiry: i64, now: i64) -> Result<()> {
        let slot = self.expired(expiry, now)?;
        require!(self.samples_missing(slot) == 0 || slot.open_lots == 0, EngineError::SettlementUncovered);
        self.expiry_mut(expiry).ok_or(EngineError::ExpiryUnknown)?.finalised = 1;
        Ok(())
    }

    /// Sets the settlement price by hand where the oracle has failed for the whole grace: within 50 % of what it said last,
    /// the average so far, else the published forward.
    pub fn fix(&mut self, expiry: i64, price: u64, now: i64) -> Result<()> {
        let slot = self.expired(expiry, now)?;
        require!(self.samples_missing(slot) > 0, EngineError::SettlementCovered);
        let grace = expiry.saturating_add(SETTLEMENT_FIX_GRACE);
        require!(now >= grace, EngineError::SettlementFixGrace);
        let reference = if slot.sample_count > 0 { slot.observed_average } else { slot.forward };
        // Without a surface nothing was ever traded, and `finalise` frees the series.
        require!(reference > 0, EngineError::SurfaceMissing);
        let (double, reference) = (2 * u128::from(price), u128::from(reference));
        let near = reference <= double && double <= 3 * reference;
        require!(near && (MIN_PRICE..=MAX_PRICE).contains(&price), EngineError::SettlementFixPrice);

        let slot = self.expiry_mut(expiry).ok_or(EngineError::ExpiryUnknown)?;
        slot.observed_average = price;
        slot.finalised = 1;
        Ok(())
    }

    /// Frees the slot of a final series in which nothing is open; whether it did.
    pub fn free_series(&mut self, expiry: i64) -> Result<bool> {
        let slot = self.expiry_mut(expiry).ok_or(EngineError::ExpiryUnknown)?;
        let free = slot.finalised != 0 && slot.open_lots == 0;
        if free {
            *slot = ExpirySlot::default();
        }
        Ok(free)
    }

    /// A series that has expired and has no final price yet.
    fn expired(&self, expiry: i64, now: i64) -> Result<&ExpirySlot> {
        let slot = self.expiry(expiry).ok_or(EngineError::ExpiryUnknown)?;
        require!(now >= expiry, EngineError::SeriesAlive);
        require!(slot.finalised == 0, EngineError::SettlementFinal);
        Ok(slot)
    }
}

/// `sum / count`, rounded to nearest.
fn mean(sum: u128, count: u32) -> Option<u64> {
    let count = u128::from(count);
    let average = sum.checked_add(count / 2)?.checked_div(count)?;
    u64::try_from(average).ok()
}

/// A final series, ready to be paid.
#[derive(Clone, Copy, Debug)]
pub struct FinalSeries {
    underlying: u16,
    expiry: i64,
    /// The settlement price.
    pub price: Price,
    lot_size: u64,
    terms: TradingParameters,
    decimals: u8,
}

/// What settling an account did. Amounts in quote atoms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    /// Positions that are gone.
    pub positions: u16,
    /// Lots that the series counted for them.
    pub counted_lots: u64,
    pub fee: u64,
    /// Taken from the account for the settler.
    pub reward: u64,
}

impl FinalSeries {
    pub fn new(state: &Underlying, expiry: i64, decimals: u8) -> Result<Self> {
        let slot = state.expiry(expiry).ok_or(EngineError::ExpiryUnknown)?;
        require!(slot.finalised != 0, EngineError::SettlementNotFinal);
        Ok(Self {
            underlying: state.index,
            expiry,
            price: Price(slot.observed_average),
            lot_size: state.lot_size,
            terms: state.trading,
            decimals,
        })
    }

    /// Whether an account has anything to settle. What has not is not touched.
    pub fn is_held_by(&self, account: &MarginAccount) -> bool {
        !account.series(self.underlying, self.expiry).is_empty()
    }

    /// Pays every position of an account in the series and removes it. Nothing is judged: cash may go below zero.
    ///
    /// `rewarded`: the account pays whoever settles it, if it had a position with lots. It pays from cash that it has, so that
    /// no reward is ever lent; one in liquidation pays none, for what it has left is its bidders'.
    #[inline(never)]
    pub fn pay(&self, account: &mut MarginAccount, rewarded: bool) -> Result<Payment> {
        let held = account.series(self.underlying, self.expiry);
        let mut payment = Payment::default();
        let mut value = 0i64;
        let mut has_lots = false;
        for position in &account.positions()[held.clone()] {
            let (gain, fee) = self.settle(position)?;
            value = value.checked_add(gain).ok_or(EngineError::Overflow)?;
            payment.fee = payment.fee.checked_add(fee).ok_or(EngineError::Overflow)?;
            let counted = payment.counted_lots.checked_add(position.counted_lots);
            payment.counted_lots = counted.ok_or(EngineError::Overflow)?;
            has_lots |= position.lots != 0;
        }
        payment.positions = u16::try_from(held.len()).map_err(|_| EngineError::Overflow)?;
        account.remove_positions(held);
        account.add_cash(I80F48::from_num(value))?;
        account.charge_fee(payment.fee)?;
        if rewarded && has_lots && !account.in_liquidation() {
            payment.reward = self.terms.settler_reward.min(cash_atoms_floor(account.cash())?.max(0).unsigned_abs());
            account.add_cash(-I80F48::checked_from_num(payment.reward).ok_or(EngineError::Overflow)?)?;
        }
        account.count_change()?;
        Ok(payment)
    }

    /// What a position adds to cash (its value at the settlement price less what was settled before) and its fee. The value is
    /// rounded down: a credit to the smaller, a debit to the larger amount.
    fn settle(&self, position: &Position) -> Result<(i64, u64)> {
        let kind = InstrumentKind::from_byte(position.kind).ok_or(EngineError::UnknownLayout)?;
        let (price, strike) = (self.price.0, position.strike);
        let payoff = match kind {
            InstrumentKind::Call => price.saturating_sub(strike),
            InstrumentKind::Put => strike.saturating_sub(price),
            // At the strike the put is paid.
            InstrumentKind::DigitalCall if price > strike => Price::ONE_USD.0,
            InstrumentKind::DigitalPut if price <= strike => Price::ONE_USD.0,
            InstrumentKind::DigitalCall | InstrumentKind::DigitalPut => 0,
            InstrumentKind::Future => price,
            // It never expires.
            InstrumentKind::Perpetual => return err!(EngineError::UnknownLayout),
        };
        let value = linear_value_floor(position.lots, Price(payoff), self.lot_size, self.decimals)?;
        let gain = value.checked_sub(position.settled_value).ok_or(EngineError::Overflow)?;
        let rate = self.terms.settlement_fee;
        if value == 0 || rate == 0 {
            return Ok((gain, 0));
        }
        // The notional of a digital option is its payout.
        let unit = if kind.is_digital() { Price::ONE_USD.0 } else { price };
        let notional = cost_atoms(position.lots, unit, self.lot_size, self.decimals)?.unsigned_abs();
        Ok((gain, self.terms.fee(rate, kind, notional, value.unsigned_abs())))
    }
}

impl MarginAccount {
    /// Numbers of the positions in a series: they lie side by side.
    fn series(&self, underlying: u16, expiry: i64) -> Range<usize> {
        let positions = self.positions();
        let key = (underlying, expiry);
        let start = positions.partition_point(|position| (position.underlying, position.expiry) < key);
        let end = positions.partition_point(|position| (position.underlying, position.expiry) <= key);
        start..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Instrument;

    #[test]
    fn means_round_to_nearest() {
        assert_eq!(mean(10, 4), Some(3));
        assert_eq!(mean(9, 4), Some(2));
        assert_eq!(mean(u128::from(u64::MAX) * 3, 3), Some(u64::MAX));
        assert_eq!(mean(1, 0), None);
    }

    const EXPIRY: i64 = 1_000;

    fn series(price: u64) -> FinalSeries {
        FinalSeries {
            underlying: 0,
            expiry: EXPIRY,
            price: Price(price),
            lot_size: 1_000_000,
            terms: TradingParameters {
                settlement_fee: 500_000,
                option_fee_cap: 100_000_000,
                ..TradingParameters::default()
            },
            decimals: 6,
        }
    }

    fn position(kind: InstrumentKind, strike: u64, lots: i64, settled_value: i64) -> Position {
        let instrument = Instrument { underlying: 0, expiry: EXPIRY, strike, kind };
        Position { settled_value, ..Position::new(instrument, lots) }
    }

    /// USD in 1e-12.
    const USD: u64 = 1_000_000_000_000;

    #[test]
    fn payoffs_and_fees_of_either_side() {
        // Lots of 0.001.
        let series = series(100 * USD);
        for (kind, strike, lots, settled, want) in [
            // 10 USD a unit; 0.05 % of the notional of 0.1 USD for a lot.
            (InstrumentKind::Call, 90 * USD, 3, 0, (30_000, 150)),
            (InstrumentKind::Call, 90 * USD, -3, 0, (-30_000, 150)),
            (InstrumentKind::Put, 90 * USD, 3, 0, (0, 0)),
            // 0.1 USD a unit: the cap of a tenth of the value binds.
            (InstrumentKind::Put, 100 * USD + USD / 10, 1, 0, (100, 10)),
            // A third of an atom is no credit, but a debt of an atom.
            (InstrumentKind::Call, 100 * USD - 333_333_333, 1, 0, (0, 0)),
            (InstrumentKind::Call, 100 * USD - 333_333_333, -1, 0, (-1, 1)),
            (InstrumentKind::Future, 0, -2, -190_000, (-10_000, 100)),
            // One USD a unit, or nothing; at the strike the put is paid. 0.05 % of 3 USD.
            (InstrumentKind::DigitalCall, 100 * USD - 1, 3_000, 0, (3_000_000, 1_500)),
            (InstrumentKind::DigitalCall, 100 * USD, 3_000, 0, (0, 0)),
            (InstrumentKind::DigitalPut, 100 * USD, -3_000, 0, (-3_000_000, 1_500)),
            (InstrumentKind::DigitalPut, 100 * USD - 1, -3_000, 0, (0, 0)),
            // What a liquidation left behind.
            (InstrumentKind::Call, 90 * USD, 0, 0, (0, 0)),
        ] {
            assert_eq!(series.settle(&position(kind, strike, lots, settled)).unwrap(), want, "{kind:?} {lots}");
        }
        assert!(series.settle(&position(InstrumentKind::Perpetual, 0, 1, 0)).is_err());
    }

    #[test]
    fn only_the_series_is_removed() {
        let mut account: Box<MarginAccount> = bytemuck::zeroed_box();
        let instrument =
            |underlying, expiry, strike| Instrument { underlying, expiry, strike, kind: InstrumentKind::Call };
        let others = [instrument(0, EXPIRY - 1, 5), instrument(0, EXPIRY + 1, 5), instrument(1, EXPIRY, 5)];
        for instrument in others.into_iter().chain([1, 2, 3].map(|strike| instrument(0, EXPIRY, strike))) {
            account.add_position(instrument, 7, 0).unwrap();
        }
        assert!(series(100 * USD).is_held_by(&account));
        let payment = series(100 * USD).pay(&mut account, true).unwrap();
        assert_eq!((payment.positions, account.sequence), (3, 1));
        assert_eq!(account.positions().iter().map(|p| p.instrument().unwrap()).collect::<Vec<_>>(), others);
        assert!(account.positions[3..].iter().all(|position| *position == Position::default()));
        assert!(!series(100 * USD).is_held_by(&account));
    }
}
