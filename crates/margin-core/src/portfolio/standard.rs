//! Standard mode: position by position, with the netting that an expiry's payoff allows and no other.
//!
//! Per underlying: perpetual margin + for each expiry the less negative of *isolated* (longs count nothing, each short
//! pays its own margin) and *maximum loss* (the worst payoff over all settlement prices) + a share of the collateral in
//! the underlying itself − charges. Options are marked without discounting. Every figure is a margin: negative where it
//! demands something.

use super::{
    BookPosition, ConfidenceCharge, Depeg, ExpiryMarket, InstrumentKind, MarginError, Market, Ratio,
    exposure::{digital_payout, notional},
    ratio::{add, lot_price_to_usd, lots_value, negate, subtract},
};
use crate::{Expiry, ExpiryInputs, Lots, OptionKind, Price, Rate, Seconds, SviSlice, Usd, Vol, value};

/// The standard model of one underlying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandardParameters {
    /// Share of a perpetual's or future's notional at its mark, initial.
    pub perpetual_initial: Ratio,
    /// The same, maintenance.
    pub perpetual_maintenance: Ratio,
    /// Initial margin of a short option is max(this − its distance out of the money over spot, `least_spot`) of spot.
    pub most_spot: Ratio,
    /// Least initial margin of a short option, of spot.
    pub least_spot: Ratio,
    /// Maintenance margin of a short call, of spot.
    pub call_maintenance: Ratio,
    /// Maintenance margin of a short put, of spot; the larger of this and the next.
    pub put_maintenance: Ratio,
    /// Maintenance margin of a short put, of its mark.
    pub put_mark_maintenance: Ratio,
    /// Initial margin of a short put is at least this share of its maintenance margin with its mark.
    pub put_initial_over_maintenance: Ratio,
    /// Share of the forward that each call without a long call against it adds to the maximum loss, initial.
    pub unpaired_initial: Ratio,
    /// The same, maintenance.
    pub unpaired_maintenance: Ratio,
    /// Share of the value of collateral in the underlying that counts, in maintenance.
    pub collateral: Ratio,
    /// Share of that in initial margin.
    pub collateral_initial: Ratio,
    /// Initial margin only.
    pub confidence: ConfidenceCharge,
    /// Initial margin only: share of all shorts and perpetuals, for each USD under the peg.
    pub depeg: Depeg,
}

/// A figure of both margins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Margins {
    /// For taking risk.
    pub initial: Usd,
    /// For keeping it.
    pub maintenance: Usd,
}

impl Margins {
    fn plus(self, other: Self) -> Result<Self, MarginError> {
        Ok(Self { initial: add(self.initial, other.initial)?, maintenance: add(self.maintenance, other.maintenance)? })
    }
}

/// Standard margins of one underlying; their sum with the cash decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandardRisk {
    /// Options at undiscounted marks, linear instruments at their unrealised profit; rounded down.
    pub mark_to_market: Usd,
    /// Unrealised profit less a share of the notional.
    pub linear: Margins,
    /// Sum over the expiries.
    pub options: Margins,
    /// What the collateral in the underlying counts.
    pub collateral: Margins,
    /// Initial margin only: doubtful oracles.
    pub confidence: Usd,
    /// Initial margin only: quote token off its peg.
    pub depeg: Usd,
}

impl StandardRisk {
    /// What the underlying adds to cash.
    pub fn margins(&self) -> Result<Margins, MarginError> {
        let sum = self.linear.plus(self.options)?.plus(self.collateral)?;
        Ok(Margins { initial: subtract(subtract(sum.initial, self.confidence)?, self.depeg)?, ..sum })
    }
}

struct Walk<'a> {
    market: &'a Market<'a>,
    parameters: &'a StandardParameters,
    risk: StandardRisk,
    holds_perpetual: bool,
    /// Short options and linear contracts of either sign.
    charged_lots: i64,
    /// Short digital options.
    charged_digitals: i64,
}

/// Standard margins of one underlying's positions, sorted as for [`super::assess_underlying`]; the parameters and grid of
/// `market` are not looked at, and `hedge` is the value of the collateral in the underlying (not over the quote token).
///
/// # Errors
/// Whatever `surface` answers, and [`MarginError`].
pub fn assess_standard<E, P, S>(
    market: &Market,
    parameters: &StandardParameters,
    positions: P,
    mut surface: S,
) -> Result<StandardRisk, E>
where
    E: From<MarginError>,
    P: IntoIterator<Item = BookPosition>,
    P::IntoIter: Clone,
    S: FnMut(i64) -> Result<ExpiryMarket, E>,
{
    let mut walk = Walk {
        market,
        parameters,
        risk: StandardRisk::default(),
        holds_perpetual: false,
        charged_lots: 0,
        charged_digitals: 0,
    };
    let mut positions = positions.into_iter().peekable();
    while let Some(perpetual) = positions.next_if(|position| position.kind == InstrumentKind::Perpetual) {
        walk.add_perpetual(&perpetual)?;
    }
    let mut last_expiry = i64::MIN;
    while let Some(expiry) = positions.peek().map(|position| position.expiry) {
        if expiry <= last_expiry {
            return Err(MarginError::Unsorted.into());
        }
        last_expiry = expiry;
        let open = Open::new(&surface(expiry)?)?;
        let of_expiry = positions.clone().take_while(|position| position.expiry == expiry);
        walk.add_expiry(&open, of_expiry)?;
        while positions.next_if(|position| position.expiry == expiry).is_some() {}
    }
    Ok(walk.finish()?)
}

/// An expiry as Standard mode sees it: not discounted.
struct Open {
    expiry: Expiry,
    slice: Option<SviSlice>,
    confidence: Ratio,
}

impl Open {
    #[inline(never)]
    fn new(market: &ExpiryMarket) -> Result<Self, MarginError> {
        let time = market.inputs.time;
        Ok(Self {
            expiry: Expiry::prepare(ExpiryInputs { rate: Rate::ZERO, ..market.inputs })?,
            slice: if time == Seconds::ZERO { None } else { Some(market.surface.prepared()?) },
            confidence: market.confidence,
        })
    }
}

/// What a digital option pays, in 1e-12 USD a unit.
const ONE_USD: i128 = Price::ONE_USD.0 as i128;

/// Payoff of an expiry as a function of the settlement price, from zero upwards.
#[derive(Default)]
struct Payoff {
    price: u64,
    /// Lots × 1e-12 USD.
    value: i128,
    /// Lots.
    slope: i128,
    least: i128,
    /// By how much the value jumps just above `price`.
    jump: i128,
}

impl Payoff {
    fn move_to(&mut self, price: Price) -> Result<(), MarginError> {
        if self.jump != 0 && price.0 != self.price {
            self.jump()?;
        }
        let step = i128::from(price.0.checked_sub(self.price).ok_or(MarginError::Unsorted)?);
        let change = self.slope.checked_mul(step).ok_or(MarginError::Overflow)?;
        self.value = self.value.checked_add(change).ok_or(MarginError::Overflow)?;
        self.price = price.0;
        self.least = self.least.min(self.value);
        Ok(())
    }

    /// Passes the jumps of all digital options of one strike at once.
    #[cold]
    #[inline(never)]
    fn jump(&mut self) -> Result<(), MarginError> {
        self.value = self.value.checked_add(core::mem::take(&mut self.jump)).ok_or(MarginError::Overflow)?;
        self.least = self.least.min(self.value);
        Ok(())
    }

    /// Above its strike a digital call begins to pay one USD a unit and a digital put ends to.
    fn add_jump(&mut self, lots: i128) -> Result<(), MarginError> {
        let jump = lots.checked_mul(ONE_USD).ok_or(MarginError::Overflow)?;
        self.jump = self.jump.checked_add(jump).ok_or(MarginError::Overflow)?;
        Ok(())
    }

    /// Above its strike a call begins to pay and a put ends to.
    fn bend(&mut self, lots: Lots) -> Result<(), MarginError> {
        self.slope = self.slope.checked_add(i128::from(lots.0)).ok_or(MarginError::Overflow)?;
        Ok(())
    }
}

impl Walk<'_> {
    #[inline(never)]
    fn add_perpetual(&mut self, position: &BookPosition) -> Result<(), MarginError> {
        self.holds_perpetual |= position.lots != Lots::ZERO;
        let confidence = self.market.spot_confidence.min(self.market.perpetual_confidence);
        self.add_linear(position, self.market.perpetual, confidence)
    }

    fn add_linear(&mut self, position: &BookPosition, mark: Price, confidence: Ratio) -> Result<(), MarginError> {
        let lot_size = self.market.lot_size;
        let profit = subtract(lots_value(position.lots, mark, lot_size)?, position.settled_value)?;
        let short = Lots(position.lots.0.saturating_abs().saturating_neg());
        let notional = Usd(negate(lots_value(short, mark, lot_size)?.0)?);
        let margin = |share: Ratio| subtract(profit, share.of_rounded_up(notional)?);
        let margins = Margins {
            initial: margin(self.parameters.perpetual_initial)?,
            maintenance: margin(self.parameters.perpetual_maintenance)?,
        };
        self.risk.mark_to_market = add(self.risk.mark_to_market, profit)?;
        self.risk.linear = self.risk.linear.plus(margins)?;
        self.charge(confidence, position.lots.0.saturating_abs())
    }

    /// Notes contracts for the depeg charge and charges them for a doubtful oracle.
    fn charge(&mut self, confidence: Ratio, lots: i64) -> Result<(), MarginError> {
        self.charged_lots = self.charged_lots.checked_add(lots).ok_or(MarginError::Overflow)?;
        let charge = self.parameters.confidence;
        if lots != 0 && confidence < charge.threshold {
            let share = confidence.complement().times(charge.factor);
            let cost = share.of_rounded_up(notional(lots, self.market)?)?;
            self.risk.confidence = add(self.risk.confidence, cost)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn add_expiry(
        &mut self,
        open: &Open,
        positions: impl Iterator<Item = BookPosition> + Clone,
    ) -> Result<(), MarginError> {
        let mut confidence = self.market.spot_confidence.min(open.confidence);
        if self.holds_perpetual {
            confidence = confidence.min(self.market.perpetual_confidence);
        }
        let mut isolated = Margins::default();
        let mut payoff = Payoff::default();
        let (mut net_calls, mut shorts, mut short_digitals) = (0i64, 0i64, 0i64);
        for position in positions.clone() {
            let kind = match position.kind {
                InstrumentKind::Call => OptionKind::Call,
                InstrumentKind::Put => OptionKind::Put,
                InstrumentKind::Future => {
                    self.add_linear(&position, open.expiry.forward(), confidence)?;
                    continue;
                }
                InstrumentKind::Perpetual => return Err(MarginError::Unsorted),
                InstrumentKind::DigitalCall | InstrumentKind::DigitalPut => {
                    let short = self.add_digital(open, &position, &mut payoff)?;
                    short_digitals = short_digitals.saturating_add(short);
                    continue;
                }
            };
            let lots = position.lots;
            if kind == OptionKind::Call {
                net_calls = net_calls.checked_add(lots.0).ok_or(MarginError::Overflow)?;
            } else {
                // At a settlement price of zero every put pays its strike.
                let paid = lots.checked_mul_price(position.strike).ok_or(MarginError::Overflow)?;
                payoff.value = payoff.value.checked_add(paid).ok_or(MarginError::Overflow)?;
                payoff.bend(Lots(lots.0.checked_neg().ok_or(MarginError::Overflow)?))?;
            }
            let vol = match &open.slice {
                Some(slice) => slice.vol(position.strike)?,
                None => Vol::ZERO,
            };
            let mark = lots_value(lots, value(&open.expiry, position.strike, vol, kind)?, self.market.lot_size)?;
            self.risk.mark_to_market = add(self.risk.mark_to_market, mark)?;
            if lots.0 < 0 {
                shorts = shorts.saturating_add(lots.0.saturating_abs());
                isolated = isolated.plus(self.short_option(kind, position.strike, lots, mark)?)?;
            }
        }
        if short_digitals != 0 {
            // A short digital is margined with all it may pay out, whatever its mark.
            let payout = negate(digital_payout(short_digitals, self.market.lot_size)?.0).map(Usd)?;
            isolated = isolated.plus(Margins { initial: payout, maintenance: payout })?;
            self.charge_digitals(confidence, short_digitals)?;
        }
        payoff.least = payoff.value.min(0);
        for position in positions.filter(|position| !position.kind.is_linear()) {
            payoff.move_to(position.strike)?;
            match position.kind {
                InstrumentKind::DigitalCall => payoff.add_jump(i128::from(position.lots.0))?,
                InstrumentKind::DigitalPut => payoff.add_jump(i128::from(position.lots.0).wrapping_neg())?,
                _ => payoff.bend(position.lots)?,
            }
        }
        if payoff.jump != 0 {
            payoff.jump()?;
        }
        let least = lot_price_to_usd(payoff.least, self.market.lot_size)?;
        let unpaired = lots_value(Lots(net_calls.min(0)), open.expiry.forward(), self.market.lot_size)?;
        let margin = |isolated: Usd, share: Ratio| -> Result<Usd, MarginError> {
            // `unpaired` is not positive, so rounding its share down is rounding the demand up.
            Ok(isolated.max(add(least, share.of_rounded_down(unpaired)?)?))
        };
        self.risk.options = self.risk.options.plus(Margins {
            initial: margin(isolated.initial, self.parameters.unpaired_initial)?,
            maintenance: margin(isolated.maintenance, self.parameters.unpaired_maintenance)?,
        })?;
        self.charge(confidence, shorts)
    }

    /// Marks a digital option and begins its payoff, at a settlement price of zero; how many of it are short.
    #[cold]
    #[inline(never)]
    fn add_digital(&mut self, open: &Open, position: &BookPosition, payoff: &mut Payoff) -> Result<i64, MarginError> {
        let (lots, strike) = (position.lots, position.strike);
        let kind = if position.kind == InstrumentKind::DigitalPut {
            let paid = i128::from(lots.0).checked_mul(ONE_USD).ok_or(MarginError::Overflow)?;
            payoff.value = payoff.value.checked_add(paid).ok_or(MarginError::Overflow)?;
            OptionKind::DigitalPut
        } else {
            OptionKind::DigitalCall
        };
        let vol = match &open.slice {
            Some(slice) => slice.vol(strike)?,
            None => Vol::ZERO,
        };
        let mark = lots_value(lots, value(&open.expiry, strike, vol, kind)?, self.market.lot_size)?;
        self.risk.mark_to_market = add(self.risk.mark_to_market, mark)?;
        Ok(lots.0.min(0).saturating_neg())
    }

    /// [`Walk::charge`] for short digitals, whose notional is their payout.
    #[cold]
    #[inline(never)]
    fn charge_digitals(&mut self, confidence: Ratio, shorts: i64) -> Result<(), MarginError> {
        self.charged_digitals = self.charged_digitals.checked_add(shorts).ok_or(MarginError::Overflow)?;
        let charge = self.parameters.confidence;
        if confidence < charge.threshold {
            let share = confidence.complement().times(charge.factor);
            let cost = share.of_rounded_up(digital_payout(shorts, self.market.lot_size)?)?;
            self.risk.confidence = add(self.risk.confidence, cost)?;
        }
        Ok(())
    }

    /// Margins of a short option whose mark (negative) is given.
    #[inline(never)]
    fn short_option(&self, kind: OptionKind, strike: Price, lots: Lots, mark: Usd) -> Result<Margins, MarginError> {
        let parameters = self.parameters;
        let spot = self.market.spot;
        let notional = notional(lots.0, self.market)?;
        let gap =
            if kind == OptionKind::Call { strike.0.saturating_sub(spot.0) } else { spot.0.saturating_sub(strike.0) };
        // Rounded down: the discount for being out of the money is.
        let distance = u128::from(gap).wrapping_mul(u128::from(Ratio::ONE.0)).checked_div(u128::from(spot.0));
        let distance = u64::try_from(distance.unwrap_or(0)).unwrap_or(u64::MAX);
        let share = Ratio(parameters.most_spot.0.saturating_sub(distance)).max(parameters.least_spot);
        let initial = subtract(mark, share.of_rounded_up(notional)?)?;
        if kind == OptionKind::Call {
            let maintenance = subtract(mark, parameters.call_maintenance.of_rounded_up(notional)?)?;
            return Ok(Margins { initial, maintenance });
        }
        let by_spot = negate(parameters.put_maintenance.of_rounded_up(notional)?.0)?;
        let by_mark = parameters.put_mark_maintenance.of_rounded_down(mark)?.0;
        let maintenance = add(mark, Usd(by_spot.min(by_mark)))?;
        let floor = parameters.put_initial_over_maintenance.of_rounded_down(maintenance)?;
        Ok(Margins { initial: initial.min(floor), maintenance })
    }

    /// Collateral and depeg.
    #[inline(never)]
    fn finish(mut self) -> Result<StandardRisk, MarginError> {
        let parameters = self.parameters;
        let value = self.market.hedge;
        let maintenance = parameters.collateral.of_rounded_down(value)?;
        self.risk.collateral =
            Margins { initial: parameters.collateral_initial.of_rounded_down(maintenance)?, maintenance };
        if self.market.spot_confidence < parameters.confidence.threshold {
            let share = self.market.spot_confidence.complement().times(parameters.confidence.factor);
            self.risk.confidence = add(self.risk.confidence, share.of_rounded_up(value)?)?;
        }
        let rise = parameters.depeg.rise(self.market.stable);
        if rise != Ratio::ZERO {
            let mut charged = notional(self.charged_lots, self.market)?;
            if self.charged_digitals != 0 {
                charged = add(charged, digital_payout(self.charged_digitals, self.market.lot_size)?)?;
            }
            self.risk.depeg = rise.of_rounded_up(charged)?;
        }
        Ok(self.risk)
    }
}
