//! Digital options of a book.

use super::Book;
use crate::{
    GREEK_BITS, Greeks, Leg, Lots, OptionKind, Price, Strike, greeks,
    portfolio::{
        MarginError, Ratio,
        exposure::{UNIT_DELTA, up_to_usd},
        open_expiry::OpenExpiry,
    },
};

impl Book<'_> {
    /// Net digital calls and net digital puts of one strike; strikes of an expiry ascend.
    #[inline(never)]
    pub(in crate::portfolio) fn add_digitals(
        &mut self,
        open: &mut OpenExpiry,
        strike: Price,
        calls: Lots,
        puts: Lots,
    ) -> Result<(), MarginError> {
        if self.market.parameters.scan.inverse {
            return Err(MarginError::InverseOption);
        }
        open.has_options = true;
        let prepared = Strike::prepare(strike)?;
        let vol = open.vol(&prepared)?;
        let sides = [(OptionKind::DigitalCall, calls), (OptionKind::DigitalPut, puts)];
        if open.has_passed() {
            for (kind, lots) in sides {
                open.add_intrinsic(strike, kind, lots)?;
            }
        }
        let leg = Leg::prepare_at(&open.expiry, &prepared, &open.levels(&prepared, vol))?;
        // The array's limit: 2^40 gross lots.
        self.scan.add_digitals(&open.expiry, strike, &leg, (calls, puts))?;
        self.exposure.add_naked_digitals(calls, puts);
        let digitals = open.digitals.get_or_insert_default();
        digitals.gap.add(&open.inputs, self.market.scenarios, strike, (calls, puts))?;
        digitals.gross_lots = digitals.gross_lots.wrapping_add(calls.0.wrapping_abs().wrapping_add(puts.0.wrapping_abs()));
        if self.needs_greeks || self.wants_greeks {
            for (kind, lots) in sides {
                if lots != Lots::ZERO {
                    let (_, greeks) = greeks(&open.expiry, strike, vol, kind)?;
                    self.add_digital_greeks(open, &greeks, lots)?;
                }
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
        if let Some(digitals) = &mut open.digitals {
            digitals.vega = digitals.vega.checked_add(vega).ok_or(MarginError::Overflow)?;
        }
        open.exposure.delta.add(lots, counted_delta(greeks.delta, self.market.spot))
    }

    /// What the digital options of an expiry add to its charges.
    #[cold]
    #[inline(never)]
    pub(super) fn close_digitals(
        &mut self,
        open: &mut OpenExpiry,
        confidence: Ratio,
    ) -> Result<(), MarginError> {
        let Some(digitals) = &mut open.digitals else { return Ok(()) };
        open.exposure.vega = open.exposure.vega.checked_add(digitals.vega).ok_or(MarginError::Overflow)?;
        let mark = self.scan.digital_mark()?;
        let gap = digitals.gap.close(&open.expiry, self.market.scenarios, mark)?;
        self.exposure.add_digital_gap(up_to_usd(gap, self.market.lot_size)?)?;
        self.exposure.add_digital_confidence(self.market, confidence, digitals.gross_lots)
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
