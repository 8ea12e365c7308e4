//! Digital options of a book.

use core::mem::take;

use super::Book;
use crate::{
    GREEK_BITS, Greeks, Leg, Lots, OptionKind, Price, Strike, greeks,
    portfolio::{
        InstrumentKind, MarginError,
        exposure::{UNIT_DELTA, up_to_usd},
        open_expiry::OpenExpiry,
    },
};

impl Book<'_> {
    /// Adds a digital option to the net lots of its strike. The strike is also added with [`Book::add_strike`], be it without
    /// calls and puts.
    #[cold]
    #[inline(never)]
    pub(in crate::portfolio) fn add_digital(
        &mut self,
        open: &mut OpenExpiry,
        strike: Price,
        kind: InstrumentKind,
        lots: Lots,
    ) -> Result<(), MarginError> {
        if self.scan.digitals()?.strike != strike {
            self.add_digital_strike(open)?;
        }
        let digitals = self.scan.digitals()?;
        digitals.strike = strike;
        let side = match kind {
            InstrumentKind::DigitalCall => &mut digitals.calls,
            InstrumentKind::DigitalPut => &mut digitals.puts,
            _ => return Err(MarginError::Unsorted),
        };
        *side = side.checked_add(lots).ok_or(MarginError::Overflow)?;
        Ok(())
    }

    /// Adds the strike whose net lots have been collected.
    #[inline(never)]
    fn add_digital_strike(&mut self, open: &mut OpenExpiry) -> Result<(), MarginError> {
        let digitals = self.scan.digitals()?;
        let (strike, calls, puts) = (digitals.strike, take(&mut digitals.calls), take(&mut digitals.puts));
        if calls == Lots::ZERO && puts == Lots::ZERO {
            return Ok(());
        }
        let prepared = Strike::prepare(strike)?;
        let vol = open.vol(&prepared)?;
        let leg = Leg::prepare_at(&open.expiry, &prepared, &open.levels(&prepared, vol))?;
        // The array's limit: 2^40 gross lots.
        let digitals = self.scan.add_digitals(&self.cells, &open.expiry, (strike, &leg), (calls, puts))?;
        digitals.gross_lots =
            digitals.gross_lots.wrapping_add(calls.0.wrapping_abs().wrapping_add(puts.0.wrapping_abs()));
        // Either the calls are paid or the puts.
        digitals.naked_lots = digitals.naked_lots.wrapping_sub(calls.min(puts).0.min(0));
        let given = self.market.scenarios;
        digitals.gap.add(&open.inputs, self.cells.whole(&given), strike, (calls, puts))?;
        let sides = [(OptionKind::DigitalCall, calls), (OptionKind::DigitalPut, puts)];
        if open.has_passed() {
            // What is paid, to the last digit; nothing moves it any more.
            for (kind, lots) in sides.into_iter().filter(|(_, lots)| *lots != Lots::ZERO) {
                open.add_intrinsic(strike, kind, lots)?;
            }
            return Ok(());
        }
        for (kind, lots) in sides {
            if lots != Lots::ZERO && (self.needs_greeks || self.wants_greeks) {
                let (_, greeks) = greeks(&open.expiry, strike, vol, kind)?;
                self.add_digital_greeks(open, &greeks, lots)?;
            }
        }
        Ok(())
    }

    fn add_digital_greeks(&mut self, open: &mut OpenExpiry, greeks: &Greeks, lots: Lots) -> Result<(), MarginError> {
        let cash = |greek: i64| cash_greek(lots, greek);
        let vega = cash(greeks.vega)?;
        let sums = &mut self.greeks;
        for (sum, greek) in [
            (&mut sums.delta, cash(greeks.delta)?),
            (&mut sums.gamma, cash(greeks.gamma)?),
            (&mut sums.vega, vega),
            (&mut sums.theta, cash(greeks.theta)?),
            (&mut sums.rho, cash(greeks.rho)?),
            (&mut sums.vanna, cash(greeks.vanna)?),
            (&mut sums.volga, cash(greeks.volga)?),
        ] {
            *sum = sum.checked_add(greek).ok_or(MarginError::Overflow)?;
        }
        open.exposure.vega = open.exposure.vega.checked_add(vega).ok_or(MarginError::Overflow)?;
        open.exposure.delta.add(lots, counted_delta(greeks.delta, self.market.spot))
    }

    /// After the last position of an expiry: what its digital options add to the charges.
    #[cold]
    #[inline(never)]
    pub(super) fn close_digitals(&mut self, open: &mut OpenExpiry) -> Result<(), MarginError> {
        self.add_digital_strike(open)?;
        let (market, mark, confidence) = (self.market, self.scan.digital_mark()?, self.confidence(open));
        let digitals = self.scan.digitals()?;
        let given = market.scenarios;
        let gap = digitals.gap.close(&open.expiry, self.cells.whole(&given), mark)?;
        let (gross_lots, naked_lots) = (digitals.gross_lots, digitals.naked_lots);
        self.exposure.add_digitals(naked_lots, up_to_usd(gap, market.lot_size)?)?;
        self.exposure.add_digital_confidence(market, confidence, gross_lots)
    }
}

/// lots × Greek of one USD of payout (Q40) in lots × 1e-12 USD, rounded down.
fn cash_greek(lots: Lots, greek: i64) -> Result<i128, MarginError> {
    const ONE_USD: i128 = Price::ONE_USD.0 as i128;
    let product = i128::from(lots.0).wrapping_mul(i128::from(greek)); // 63 bits each
    let (whole, part) = (product >> GREEK_BITS, product & ((1 << GREEK_BITS) - 1));
    let whole = whole.checked_mul(ONE_USD).ok_or(MarginError::Overflow)?;
    whole.checked_add(part.wrapping_mul(ONE_USD) >> GREEK_BITS).ok_or(MarginError::Overflow)
}

/// Delta that charges count, in units of the underlying, Q40, away from zero. A digital's cash delta grows without bound near its
/// strike, while it never costs more than its payout: no more than that counts, and can offset other deltas.
fn counted_delta(cash: i64, spot: Price) -> i64 {
    let cash = i128::from(cash.clamp(-UNIT_DELTA, UNIT_DELTA));
    let scaled = cash.unsigned_abs().wrapping_mul(u128::from(Price::ONE_USD.0)); // 41 + 40 bits
    let delta = i64::try_from(scaled.div_ceil(u128::from(spot.0.max(1)))).unwrap_or(i64::MAX);
    if cash < 0 { delta.wrapping_neg() } else { delta }
}
