use super::{
    MarginError, Market, NetGreeks, Ratio,
    parameters::{lot_price_to_usd, lots_value},
    scan::Scratch,
    tenor::VolShocks,
};
use crate::{Expiry, ExpiryInputs, Lots, OptionKind, Price, Svi, Usd, Vol, greeks, value};

/// What a position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentKind {
    /// Linear, without expiry.
    Perpetual,
    /// European call.
    Call,
    /// European put.
    Put,
}

/// One position of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookPosition {
    /// What it is.
    pub kind: InstrumentKind,
    /// Names the expiry to the surface; 0 for a perpetual.
    pub expiry: i64,
    /// Strike; zero for a perpetual.
    pub strike: Price,
    /// Signed quantity.
    pub lots: Lots,
    /// Value at which a perpetual was last settled to cash; zero for options.
    pub settled_value: Usd,
}

/// The market of one expiry.
#[derive(Clone, Copy, Debug)]
pub struct ExpiryMarket {
    /// Forward, time and rate.
    pub inputs: ExpiryInputs,
    /// Vol surface slice.
    pub svi: Svi,
}

/// Figures of one underlying's positions on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnderlyingRisk {
    /// Options at their marks, perpetuals at their unrealised profit; rounded down.
    pub mark_to_market: Usd,
    /// Profit in the worst scenario, never positive; rounded down.
    pub worst: Usd,
    /// Which one it is; `None` when no scenario costs anything.
    pub worst_scenario: Option<u8>,
    /// Requirement below which the positions may be liquidated; rounded up.
    pub maintenance_margin: Usd,
    /// Requirement for taking risk; rounded up.
    pub initial_margin: Usd,
    /// Zero unless asked for.
    pub greeks: NetGreeks,
}

/// Whether Greeks are wanted: they are not needed to judge an account and cost about as much as four scenarios a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Values and requirements.
    Margin,
    /// Also net Greeks.
    Greeks,
}

/// Running totals of one underlying.
struct Book<'a> {
    market: &'a Market<'a>,
    detail: Detail,
    scan: &'a mut Scratch,
    /// Value of the options at their marks, in lots × 1e-12 USD.
    option_marks: i128,
    /// Value of the perpetual at its mark, in lots × 1e-12 USD.
    perpetual_marks: i128,
    settled_value: Usd,
    perpetual_lots: i64,
    /// Net short contracts, summed over strikes: a long call covers a short put of the same strike and the reverse.
    naked_lots: i64,
    greeks: NetGreeks,
}

/// Revalues all positions of one underlying in every scenario and nets them into one requirement.
///
/// `positions` come sorted: the perpetual first, then options by expiry and strike. `surface` gives the market of an
/// expiry. The cost is one leg set-up for each (expiry, strike) and one valuation for each scenario of it: calls and
/// puts of one strike share both.
///
/// # Errors
/// Whatever `surface` answers, and [`MarginError`].
pub fn assess_underlying<E, P, S>(
    market: &Market,
    positions: P,
    mut surface: S,
    detail: Detail,
    scratch: &mut Scratch,
) -> Result<UnderlyingRisk, E>
where
    E: From<MarginError>,
    P: IntoIterator<Item = BookPosition>,
    S: FnMut(i64) -> Result<ExpiryMarket, E>,
{
    let mut book = Book::new(market, detail, scratch)?;
    let mut positions = positions.into_iter().peekable();
    while let Some(perpetual) = positions.next_if(|position| position.kind == InstrumentKind::Perpetual) {
        book.add_perpetual(&perpetual)?;
    }
    let mut last_expiry = i64::MIN;
    while let Some(expiry) = positions.peek().map(|position| position.expiry) {
        if expiry <= last_expiry {
            return Err(MarginError::Unsorted.into());
        }
        last_expiry = expiry;
        let expiry_market = surface(expiry)?;
        book.add_expiry(&expiry_market, core::iter::from_fn(|| positions.next_if(|p| p.expiry == expiry)))?;
    }
    Ok(book.finish()?)
}

impl<'a> Book<'a> {
    fn new(market: &'a Market<'a>, detail: Detail, scan: &'a mut Scratch) -> Result<Self, MarginError> {
        scan.start(market)?;
        Ok(Self {
            market,
            detail,
            scan,
            option_marks: 0,
            perpetual_marks: 0,
            settled_value: Usd(0),
            perpetual_lots: 0,
            naked_lots: 0,
            greeks: NetGreeks::default(),
        })
    }

    fn add_perpetual(&mut self, position: &BookPosition) -> Result<(), MarginError> {
        let overflow = MarginError::Overflow;
        let marks = position.lots.checked_mul_price(self.market.perpetual).ok_or(overflow)?;
        self.perpetual_marks = self.perpetual_marks.checked_add(marks).ok_or(overflow)?;
        self.settled_value = self.settled_value.checked_add(position.settled_value).ok_or(overflow)?;
        self.perpetual_lots = self.perpetual_lots.checked_add(position.lots.0).ok_or(overflow)?;
        self.greeks.add_linear(marks)
    }

    // Frames of their own, here and below: one stack frame of a program holds 4 KiB.
    #[inline(never)]
    fn add_expiry(
        &mut self,
        market: &ExpiryMarket,
        positions: impl Iterator<Item = BookPosition>,
    ) -> Result<(), MarginError> {
        let expiry = Expiry::prepare(market.inputs)?;
        self.scan.start_expiry(&expiry);
        let slice = market.svi.prepare()?;
        let shocks = VolShocks::new(self.market.parameters, market.inputs.time)?;
        let mut positions = positions.peekable();
        let mut last_strike = Price(0);
        while let Some(strike) = positions.peek().map(|position| position.strike) {
            if strike <= last_strike {
                return Err(MarginError::Unsorted);
            }
            last_strike = strike;
            let (mut calls, mut puts) = (Lots(0), Lots(0));
            while let Some(position) = positions.next_if(|position| position.strike == strike) {
                let side = match position.kind {
                    InstrumentKind::Call => &mut calls,
                    InstrumentKind::Put => &mut puts,
                    InstrumentKind::Perpetual => return Err(MarginError::Unsorted),
                };
                *side = side.checked_add(position.lots).ok_or(MarginError::Overflow)?;
            }
            let vol = slice.vol(strike)?;
            self.mark(&expiry, strike, vol, OptionKind::Call, calls)?;
            self.mark(&expiry, strike, vol, OptionKind::Put, puts)?;
            self.add_naked(calls, puts)?;
            self.scan.add_strike(&expiry, strike, &shocks.levels(vol), calls, puts)?;
        }
        self.scan.finish_expiry()
    }

    #[inline(never)]
    fn mark(
        &mut self,
        expiry: &Expiry,
        strike: Price,
        vol: Vol,
        kind: OptionKind,
        lots: Lots,
    ) -> Result<(), MarginError> {
        if lots.0 == 0 {
            return Ok(());
        }
        let price = match self.detail {
            Detail::Margin => value(expiry, strike, vol, kind)?,
            Detail::Greeks => {
                let (price, leg) = greeks(expiry, strike, vol, kind)?;
                self.greeks.add_option(lots, &leg, expiry)?;
                price
            }
        };
        let marks = lots.checked_mul_price(price).ok_or(MarginError::Overflow)?;
        self.option_marks = self.option_marks.checked_add(marks).ok_or(MarginError::Overflow)?;
        Ok(())
    }

    fn add_naked(&mut self, calls: Lots, puts: Lots) -> Result<(), MarginError> {
        let net = calls.checked_add(puts).ok_or(MarginError::Overflow)?;
        let naked = net.0.min(0).checked_neg().ok_or(MarginError::Overflow)?;
        self.naked_lots = self.naked_lots.checked_add(naked).ok_or(MarginError::Overflow)?;
        Ok(())
    }

    /// Adds up section by section: marks, scan risk times its factor, charges on positions.
    fn finish(self) -> Result<UnderlyingRisk, MarginError> {
        let overflow = MarginError::Overflow;
        let Market { spot, lot_size, parameters, .. } = *self.market;
        let marks = self.option_marks.checked_add(self.perpetual_marks).ok_or(overflow)?;
        let mark_to_market = lot_price_to_usd(marks, lot_size)?.checked_sub(self.settled_value).ok_or(overflow)?;
        let (worst, worst_scenario) = self.scan.worst(self.market, self.option_marks, self.perpetual_marks)?;
        let loss = worst.checked_neg().ok_or(overflow)?;

        // Notional rounded away from zero, charges up.
        let notional = |lots: i64| -> Result<Usd, MarginError> {
            let short = Lots(lots.checked_abs().and_then(i64::checked_neg).ok_or(overflow)?);
            lots_value(short, spot, lot_size)?.checked_neg().ok_or(overflow)
        };
        let (perpetual, naked) = (notional(self.perpetual_lots)?, notional(self.naked_lots)?);
        let margin = |factor: Ratio, perpetual_charge: Ratio, naked_charge: Ratio| {
            factor
                .of_rounded_up(loss)?
                .checked_add(perpetual_charge.of_rounded_up(perpetual)?)
                .and_then(|sum| Some((sum, naked_charge.of_rounded_up(naked).ok()?)))
                .and_then(|(sum, charge)| sum.checked_add(charge))
                .ok_or(overflow)
        };
        let on_top = |base: Ratio, extra: Ratio| Ratio(base.0.saturating_add(extra.0));
        Ok(UnderlyingRisk {
            mark_to_market,
            worst,
            worst_scenario,
            maintenance_margin: margin(
                parameters.maintenance_factor,
                parameters.perpetual_maintenance,
                parameters.short_option_maintenance,
            )?,
            initial_margin: margin(
                parameters.initial_factor,
                on_top(parameters.perpetual_maintenance, parameters.perpetual_initial),
                on_top(parameters.short_option_maintenance, parameters.short_option_initial),
            )?,
            greeks: self.greeks,
        })
    }
}
