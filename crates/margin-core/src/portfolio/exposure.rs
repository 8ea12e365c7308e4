//! What charges are levied on: notionals, net Greeks and doubtful oracles, expiry by expiry.

use super::{
    MarginError, Market, Ratio,
    greeks::product,
    ratio::{add, lot_price_to_usd, negate},
    tenor::TenorShock,
};
use crate::{GREEK_BITS, Lots, Price, Seconds, Usd};

/// Deltas in lots × 2^-40.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DeltaSum {
    net: i128,
    gross: i128,
}

impl DeltaSum {
    pub(super) fn add(&mut self, lots: Lots, delta: i64) -> Result<(), MarginError> {
        let delta = product(lots, delta);
        self.net = self.net.checked_add(delta).ok_or(MarginError::Overflow)?;
        self.gross = self.gross.checked_add(delta.saturating_abs()).ok_or(MarginError::Overflow)?;
        Ok(())
    }

    /// Adds another sum, all of whose deltas net.
    fn merge(&mut self, other: &Self) -> Result<(), MarginError> {
        self.net = self.net.checked_add(other.net).ok_or(MarginError::Overflow)?;
        self.gross = self.gross.checked_add(other.gross).ok_or(MarginError::Overflow)?;
        Ok(())
    }
}

/// One expiry's exposure, while its legs are added.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ExpiryExposure {
    pub(super) delta: DeltaSum,
    /// Lots × 1e-12 USD for 1.00 of vol.
    pub(super) vega: i128,
    /// Contracts, long and short.
    pub(super) gross_lots: i64,
}

impl ExpiryExposure {
    /// Calls and puts of one strike, of at most 2^40 lots with those before.
    pub(super) fn add_bounded_lots(&mut self, calls: Lots, puts: Lots) {
        let magnitude = calls.0.wrapping_abs().wrapping_add(puts.0.wrapping_abs());
        self.gross_lots = self.gross_lots.wrapping_add(magnitude);
    }

    pub(super) fn add_lots(&mut self, lots: Lots) -> Result<(), MarginError> {
        let magnitude = lots.0.checked_abs().ok_or(MarginError::Overflow)?;
        self.gross_lots = self.gross_lots.checked_add(magnitude).ok_or(MarginError::Overflow)?;
        Ok(())
    }
}

/// Delta of one unit of a linear instrument, Q40.
pub(super) const UNIT_DELTA: i64 = 1 << GREEK_BITS;

/// Exposure of all positions of one underlying.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exposure {
    /// Perpetual and futures contracts, long and short.
    pub(super) linear_lots: i64,
    /// Net short contracts, summed over strikes: a long call covers a short put of the same strike and the reverse.
    pub(super) naked_lots: i64,
    /// `None` without digital options.
    digitals: Option<Digitals>,
    pub(super) holds_perpetual: bool,
    pub(super) delta: DeltaSum,
    /// Lots × 1e-12 USD for 1.00 of vol.
    vega: i128,
    /// Roll charge so far.
    roll: Usd,
    /// Vega times the tenor's vol move, gains and losses of whole expiries apart.
    vega_long: Usd,
    vega_short: Usd,
    /// Charge for doubtful oracles so far.
    confidence: Usd,
}

/// Digital options of one underlying.
#[derive(Clone, Copy, Debug, Default)]
struct Digitals {
    /// What strikes pay out at most, in lots × 1 USD, summed.
    naked_lots: i64,
    /// What the grid does not see, summed over expiries.
    gap: Usd,
}

/// What charges may come to, before the factors that the model scales them with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charges {
    /// On perpetuals and futures, in both margins.
    pub perpetual_maintenance: Usd,
    /// The same, with what initial margin has on top.
    pub perpetual_initial: Usd,
    /// On naked short options, in both margins, with what the grid does not see of digital ones.
    pub short_option_maintenance: Usd,
    /// The same, with what initial margin has on top.
    pub short_option_initial: Usd,
    /// For deltas that must be rolled.
    pub roll: Usd,
    /// For vega netted between expiries.
    pub vega: Usd,
    /// For positions too large for the market.
    pub concentration: Usd,
    /// Initial margin only: for doubtful oracles.
    pub confidence: Usd,
    /// Initial margin only: unrealised profit beyond the cap.
    pub unrealised_profit: Usd,
}

impl Charges {
    /// Roll, vega and concentration: charges that a model may scale as it scales the scan risk.
    pub fn on_greeks(&self) -> Result<Usd, MarginError> {
        add(add(self.roll, self.vega)?, self.concentration)
    }
}

impl Exposure {
    pub(super) fn add_linear(&mut self, lots: Lots) -> Result<(), MarginError> {
        let magnitude = lots.0.checked_abs().ok_or(MarginError::Overflow)?;
        self.linear_lots = self.linear_lots.checked_add(magnitude).ok_or(MarginError::Overflow)?;
        Ok(())
    }

    /// Calls and puts of one strike, of at most 2^40 lots together.
    pub(super) fn add_bounded_naked(&mut self, calls: Lots, puts: Lots) {
        let net = calls.0.wrapping_add(puts.0);
        self.naked_lots = self.naked_lots.wrapping_sub(net.min(0));
    }

    /// Adds an expiry's digital options: what its strikes pay out at most, of at most 2^40 lots, and what the grid does not see.
    pub(super) fn add_digitals(&mut self, naked_lots: i64, gap: Usd) -> Result<(), MarginError> {
        let digitals = self.digitals.get_or_insert_default();
        digitals.naked_lots = digitals.naked_lots.wrapping_add(naked_lots); // at most 2^14 expiries
        digitals.gap = add(digitals.gap, gap)?;
        Ok(())
    }

    /// Charges the deltas of one expiry (or, with no time, of the perpetual) for being rolled, and nets them.
    #[inline(never)]
    pub(super) fn add_delta(&mut self, market: &Market, delta: &DeltaSum, time: Seconds) -> Result<(), MarginError> {
        self.delta.merge(delta)?;
        let roll = &market.parameters.roll;
        if roll.min_move == Ratio::ZERO && roll.annual_move == Ratio::ZERO {
            return Ok(());
        }
        let annual = roll.annual_move.for_time(time).unwrap_or(Ratio(u64::MAX));
        let counted = if roll.gross { delta.gross } else { delta.net };
        let charge = annual.max(roll.min_move).of_rounded_up(delta_notional(counted, market)?)?;
        self.roll = add(self.roll, charge)?;
        Ok(())
    }

    /// Adds an expiry once its legs are in.
    #[inline(never)]
    pub(super) fn add_expiry(
        &mut self,
        market: &Market,
        expiry: &ExpiryExposure,
        shock: &TenorShock,
        time: Seconds,
    ) -> Result<(), MarginError> {
        self.add_delta(market, &expiry.delta, time)?;
        self.vega = self.vega.checked_add(expiry.vega).ok_or(MarginError::Overflow)?;
        let range = market.parameters.vega.range;
        if range == Ratio::ZERO {
            return Ok(());
        }
        // m in Q28 as a ratio, rounded up.
        let multiplier = Ratio(
            u64::try_from(u128::from(shock.multiplier).wrapping_mul(1_000_000_000).div_ceil(1 << 28))
                .unwrap_or(u64::MAX),
        );
        let magnitude = up_to_usd(expiry.vega.saturating_abs(), market.lot_size)?;
        let moved = range.times(multiplier).of_rounded_up(magnitude)?;
        let side = if expiry.vega < 0 { &mut self.vega_short } else { &mut self.vega_long };
        *side = add(*side, moved)?;
        Ok(())
    }

    /// Charges `(1 − c)·factor·lots·S` when the confidence c is below the threshold.
    #[inline(never)]
    pub(super) fn add_confidence(&mut self, market: &Market, confidence: Ratio, lots: i64) -> Result<(), MarginError> {
        let charge = &market.parameters.confidence;
        if confidence < charge.threshold && charge.factor != Ratio::ZERO && lots != 0 {
            let share = confidence.complement().times(charge.factor);
            self.confidence = add(self.confidence, share.of_rounded_up(notional(lots, market)?)?)?;
        }
        Ok(())
    }

    /// [`Exposure::add_confidence`] for digital options, whose notional is their payout.
    #[inline(never)]
    pub(super) fn add_digital_confidence(
        &mut self,
        market: &Market,
        confidence: Ratio,
        lots: i64,
    ) -> Result<(), MarginError> {
        self.add_confidence(&Market { spot: Price::ONE_USD, ..*market }, confidence, lots)
    }

    /// Floor on the scan risk.
    pub(super) fn minimum_delta(&self, market: &Market) -> Result<Usd, MarginError> {
        let floor = &market.parameters.minimum_delta;
        if floor.unhedged == Ratio::ZERO && floor.hedged == Ratio::ZERO {
            return Ok(Usd::ZERO);
        }
        let net = self.delta.net.saturating_abs();
        // Rounded up by half a unit of 2^-40 lots.
        let hedged = self.delta.gross.saturating_sub(net).saturating_add(1) >> 1;
        let unhedged = floor.unhedged.of_rounded_up(delta_notional(net, market)?)?;
        add(unhedged, floor.hedged.of_rounded_up(delta_notional(hedged, market)?)?)
    }

    /// All charges; `unrealised` is the profit of the linear instruments since they were last settled.
    #[inline(never)]
    pub(super) fn charges(&self, market: &Market, unrealised: Usd, charges: &mut Charges) -> Result<(), MarginError> {
        let parameters = market.parameters;
        let rates = &parameters.charges;
        let both = |lots: i64, maintenance: Ratio, on_top: Ratio| -> Result<(Usd, Usd), MarginError> {
            if lots == 0 || (maintenance == Ratio::ZERO && on_top == Ratio::ZERO) {
                return Ok((Usd::ZERO, Usd::ZERO));
            }
            let notional = notional(lots, market)?;
            let initial = maintenance.saturating_add(on_top);
            Ok((maintenance.of_rounded_up(notional)?, initial.of_rounded_up(notional)?))
        };
        (charges.perpetual_maintenance, charges.perpetual_initial) =
            both(self.linear_lots, rates.perpetual_maintenance, rates.perpetual_initial)?;
        (charges.short_option_maintenance, charges.short_option_initial) =
            both(self.naked_lots, rates.short_option_maintenance, rates.short_option_initial)?;
        if let Some(digitals) = &self.digitals {
            digitals.add_charges(market, charges)?;
        }
        charges.roll = self.roll;
        charges.vega = self.vega_charge(parameters.vega.offset)?;
        charges.concentration = self.concentration(market)?;
        charges.confidence = self.confidence;
        charges.unrealised_profit = match parameters.unrealised_profit_cap {
            Some(cap) => Usd(unrealised.0.saturating_sub(cap.0).max(0)),
            None => Usd::ZERO,
        };
        Ok(())
    }

    fn vega_charge(&self, offset: Ratio) -> Result<Usd, MarginError> {
        if self.vega_long == Usd::ZERO && self.vega_short == Usd::ZERO {
            return Ok(Usd::ZERO);
        }
        let smaller = self.vega_long.min(self.vega_short);
        let cancelled = offset.min(Ratio::ONE).of_rounded_down(smaller)?.0.saturating_mul(2);
        let gross = add(self.vega_long, self.vega_short)?;
        Ok(Usd(gross.0.saturating_sub(cancelled)))
    }

    fn concentration(&self, market: &Market) -> Result<Usd, MarginError> {
        let depth = &market.parameters.concentration;
        let mut charge = Usd::ZERO;
        if depth.delta_depth.0 > 0 {
            let cash_delta = delta_notional(self.delta.net, market)?;
            charge = excess_charge(cash_delta, depth.delta_depth, depth.delta_rate, depth.max_rate)?;
        }
        if depth.vega_depth.0 > 0 {
            let vega = up_to_usd(self.vega.saturating_abs(), market.lot_size)?;
            charge = add(charge, excess_charge(vega, depth.vega_depth, depth.vega_rate, depth.max_rate)?)?;
        }
        Ok(charge)
    }
}

impl Digitals {
    /// Naked digitals pay on what they may pay out, and for what the grid does not see.
    #[cold]
    #[inline(never)]
    fn add_charges(&self, market: &Market, charges: &mut Charges) -> Result<(), MarginError> {
        let rates = &market.parameters.charges;
        let payout = digital_payout(self.naked_lots, market.lot_size)?;
        let initial = rates.short_option_maintenance.saturating_add(rates.short_option_initial);
        for (charge, rate) in [
            (&mut charges.short_option_maintenance, rates.short_option_maintenance),
            (&mut charges.short_option_initial, initial),
        ] {
            *charge = add(add(*charge, rate.of_rounded_up(payout)?)?, self.gap)?;
        }
        Ok(())
    }
}

/// `x·min(max_rate, rate·x/depth)` for the excess x over the depth; rounded up.
fn excess_charge(amount: Usd, depth: Usd, rate: Ratio, max_rate: Ratio) -> Result<Usd, MarginError> {
    let excess = amount.0.saturating_sub(depth.0);
    if excess <= 0 {
        return Ok(Usd::ZERO);
    }
    // Excess over depth in 1e-9, rounded up.
    let relative = excess.unsigned_abs().checked_mul(1_000_000_000).ok_or(MarginError::Overflow)?;
    let relative = u64::try_from(relative.div_ceil(depth.0.unsigned_abs().max(1))).unwrap_or(u64::MAX);
    rate.times(Ratio(relative)).min(max_rate).of_rounded_up(Usd(excess))
}

/// What digital options pay out: |lots|·1 USD a unit, exactly.
pub(super) fn digital_payout(lots: i64, lot_size: u64) -> Result<Usd, MarginError> {
    let lots = Lots(lots.checked_abs().ok_or(MarginError::Overflow)?);
    super::lots_value(lots, Price::ONE_USD, lot_size)
}

/// |lots|·S, rounded up.
pub(super) fn notional(lots: i64, market: &Market) -> Result<Usd, MarginError> {
    let short = Lots(lots.checked_abs().and_then(i64::checked_neg).ok_or(MarginError::Overflow)?);
    negate(super::lots_value(short, market.spot, market.lot_size)?.0).map(Usd)
}

/// |Δ|·S for Δ in lots × 2^-40, rounded up.
fn delta_notional(delta: i128, market: &Market) -> Result<Usd, MarginError> {
    let product = delta.checked_abs().and_then(|delta| delta.checked_mul(i128::from(market.spot.0)));
    let value = product.and_then(|product| product.checked_add((1 << GREEK_BITS) - 1)).ok_or(MarginError::Overflow)?;
    up_to_usd(value >> GREEK_BITS, market.lot_size)
}

/// Lots × 1e-12 USD in USD, rounded up.
pub(super) fn up_to_usd(amount: i128, lot_size: u64) -> Result<Usd, MarginError> {
    negate(lot_price_to_usd(negate(amount)?, lot_size)?.0).map(Usd)
}
