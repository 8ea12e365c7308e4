//! One underlying's positions: the walk over a sorted book and the figures it ends in.

use super::{
    BookPosition, Charges, ExpiryMarket, InstrumentKind, MarginError, Market, NetGreeks, PreparedGrid, Ratio,
    book::{Book, Witness},
    open_expiry::OpenExpiry,
    scan::Scratch,
};
use crate::{Lots, Price, Usd};

/// Which loss the scan risk comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorstCase {
    /// Nothing costs anything.
    #[default]
    None,
    /// The grid's scenario of this number (the worst one, where the measure is a mean).
    Scenario(u8),
    /// The forward contingency.
    Basis,
}

/// Figures of one underlying's positions on their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnderlyingRisk {
    /// Options and futures at their marks, linear instruments at their unrealised profit; rounded down.
    pub mark_to_market: Usd,
    /// min(forward contingency, the scan measure, 0); rounded down.
    pub worst: Usd,
    /// Where it comes from.
    pub worst_case: WorstCase,
    /// Forward contingency, never positive; rounded down.
    pub basis_contingency: Usd,
    /// Floor on the scan risk; rounded up.
    pub minimum_delta: Usd,
    /// Scan risk: the larger of −`worst` and the floor.
    pub scan_risk: Usd,
    /// Everything on top of the scan risk.
    pub charges: Charges,
    /// Factor on the scan risk in initial margin, with the rise while the quote token is off its peg.
    pub initial_factor: Ratio,
    /// Factor on the scan risk in maintenance margin.
    pub maintenance_factor: Ratio,
    /// Requirement below which the positions may be liquidated; rounded up.
    pub maintenance_margin: Usd,
    /// Requirement for taking risk; rounded up.
    pub initial_margin: Usd,
    /// Zero unless asked for, or needed for a charge.
    pub greeks: NetGreeks,
}

/// Whether Greeks are wanted: they are not needed to judge an account under most models and cost about as much as seven
/// scenarios a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Values and requirements.
    Margin,
    /// Also delta, gamma, vega, theta and rho; vanna and volga stay zero.
    MainGreeks,
    /// Also all net Greeks.
    Greeks,
}

/// Revalues all positions of one underlying in every scenario and nets them into one requirement.
///
/// `positions` come sorted: the perpetual first, then by expiry its future, then its options by strike. `surface` gives
/// the market of an expiry. The cost is one leg set-up for each (expiry, strike) and one valuation for each scenario of
/// it: calls and puts of one strike share both. Afterwards [`Scratch::profits`] tells each scenario's profit.
///
/// # Errors
/// Whatever `surface` answers, and [`MarginError`].
pub fn assess_underlying<E, P, S>(
    market: &Market,
    positions: P,
    surface: S,
    detail: Detail,
    scratch: &mut Scratch,
) -> Result<UnderlyingRisk, E>
where
    E: From<MarginError>,
    P: IntoIterator<Item = BookPosition>,
    S: FnMut(i64) -> Result<ExpiryMarket, E>,
{
    let book = Book::new(market, Witness::All, detail, scratch)?;
    assess(book, positions, surface)
}

/// [`assess_underlying`] with a prepared grid instead of the market's, which is not looked at: the same figures to the bit, if
/// it was prepared from the same scenarios and the market's model. They are written where the caller has room for them.
///
/// # Errors
/// As [`assess_underlying`]; `ScenarioCount` where the number of scenarios or the use of a forward contingency tells that it
/// was not.
pub fn assess_prepared<E, P, S>(
    market: &Market,
    grid: &PreparedGrid,
    positions: P,
    surface: S,
    detail: Detail,
    scratch: &mut Scratch,
    risk: &mut UnderlyingRisk,
) -> Result<(), E>
where
    E: From<MarginError>,
    P: IntoIterator<Item = BookPosition>,
    S: FnMut(i64) -> Result<ExpiryMarket, E>,
{
    let mut book = Book::prepared(market, grid, detail, scratch)?;
    walk(&mut book, positions, surface)?;
    Ok(book.finish(risk)?)
}

#[inline(always)]
fn assess<E, P, S>(mut book: Book, positions: P, surface: S) -> Result<UnderlyingRisk, E>
where
    E: From<MarginError>,
    P: IntoIterator<Item = BookPosition>,
    S: FnMut(i64) -> Result<ExpiryMarket, E>,
{
    walk(&mut book, positions, surface)?;
    let mut risk = UnderlyingRisk::default();
    book.finish(&mut risk)?;
    Ok(risk)
}

/// [`assess_underlying`] with one scenario (or the forward contingency) instead of all: a lower bound of the
/// requirement, at a fraction of the cost. Whoever claims that an account is short of margin names the scenario.
///
/// # Errors
/// As [`assess_underlying`]; `UnknownScenario`; `WitnessMeasure` where the model takes a mean of several scenarios, which
/// no single one bounds.
pub fn assess_witness<E, P, S>(
    market: &Market,
    witness: WorstCase,
    positions: P,
    surface: S,
    scratch: &mut Scratch,
) -> Result<UnderlyingRisk, E>
where
    E: From<MarginError>,
    P: IntoIterator<Item = BookPosition>,
    S: FnMut(i64) -> Result<ExpiryMarket, E>,
{
    let book = Book::new(market, Witness::Only(witness), Detail::Margin, scratch)?;
    assess(book, positions, surface)
}

/// Net Greeks of a book, without a scan.
///
/// # Errors
/// As [`assess_underlying`].
pub fn net_greeks<E, P, S>(market: &Market, positions: P, surface: S, scratch: &mut Scratch) -> Result<NetGreeks, E>
where
    E: From<MarginError>,
    P: IntoIterator<Item = BookPosition>,
    S: FnMut(i64) -> Result<ExpiryMarket, E>,
{
    let mut book = Book::new(market, Witness::Only(WorstCase::None), Detail::Greeks, scratch)?;
    walk(&mut book, positions, surface)?;
    let mut risk = UnderlyingRisk::default();
    book.finish(&mut risk)?;
    Ok(risk.greeks)
}

/// Feeds a sorted book, expiry by expiry.
pub(super) fn walk<E, P, S>(book: &mut Book, positions: P, mut surface: S) -> Result<(), E>
where
    E: From<MarginError>,
    P: IntoIterator<Item = BookPosition>,
    S: FnMut(i64) -> Result<ExpiryMarket, E>,
{
    let mut positions = Cursor::new(positions.into_iter());
    while let Some(perpetual) = positions.next_if(|position| position.kind == InstrumentKind::Perpetual) {
        book.add_perpetual(perpetual)?;
        positions.advance();
    }
    book.close_perpetuals()?;
    let mut last_expiry = i64::MIN;
    let mut open = OpenExpiry::default();
    while let Some(expiry) = positions.next.as_ref().map(|position| position.expiry) {
        if expiry <= last_expiry {
            return Err(MarginError::Unsorted.into());
        }
        last_expiry = expiry;
        book.open_expiry(&mut open, &surface(expiry)?)?;
        add_positions(book, &mut open, &mut positions, expiry)?;
        book.close_expiry(&mut open)?;
    }
    Ok(())
}

/// A sorted book and its next position, looked at where it lies: a `Peekable` would move it about, which costs more than
/// to judge it.
pub(super) struct Cursor<I> {
    next: Option<BookPosition>,
    rest: I,
}

impl<I: Iterator<Item = BookPosition>> Cursor<I> {
    #[inline(always)]
    pub(super) fn new(mut positions: I) -> Self {
        Self { next: positions.next(), rest: positions }
    }

    /// The next position, if it is as wanted.
    #[inline(always)]
    fn next_if(&self, is_wanted: impl FnOnce(&BookPosition) -> bool) -> Option<&BookPosition> {
        self.next.as_ref().filter(|position| is_wanted(position))
    }

    #[inline(always)]
    fn advance(&mut self) {
        self.next = self.rest.next();
    }
}

/// Adds the positions of one expiry, which come next.
pub(super) fn add_positions<I: Iterator<Item = BookPosition>>(
    book: &mut Book,
    open: &mut OpenExpiry,
    positions: &mut Cursor<I>,
    expiry: i64,
) -> Result<(), MarginError> {
    while let Some(future) = positions.next_if(|p| p.expiry == expiry && p.kind == InstrumentKind::Future) {
        book.add_future(open, future)?;
        positions.advance();
    }
    let mut last_strike = Price::ZERO;
    while let Some(strike) = positions.next_if(|p| p.expiry == expiry).map(|p| p.strike) {
        if strike <= last_strike {
            return Err(MarginError::Unsorted);
        }
        last_strike = strike;
        let (mut calls, mut puts) = (Lots::ZERO, Lots::ZERO);
        while let Some(position) = positions.next_if(|p| p.expiry == expiry && p.strike == strike) {
            match position.kind {
                InstrumentKind::Call => calls = calls.checked_add(position.lots).ok_or(MarginError::Overflow)?,
                InstrumentKind::Put => puts = puts.checked_add(position.lots).ok_or(MarginError::Overflow)?,
                kind => book.add_digital(open, strike, kind, position.lots)?,
            }
            positions.advance();
        }
        book.add_strike(open, strike, calls, puts)?;
    }
    Ok(())
}
