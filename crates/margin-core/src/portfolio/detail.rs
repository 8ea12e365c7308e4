//! Per leg × per scenario figures that add up exactly to the total.
//!
//! A leg's profit in a scenario is what the book's profit changes by when the leg joins the ones before it, with the
//! static discount's and the skew scenarios' signs fixed at those of the whole book. So it is the leg's own profit, up to
//! rounding, and the figures of all legs and of the collateral add up to the book's without a remainder. (Where a model
//! haircuts gains or dampens tails, a leg's figure depends on the legs before it; the sum does not.)

use super::{
    BookPosition, Detail, ExpiryMarket, MAX_GRID, MarginError, Market, Scratch, UnderlyingRisk,
    book::{Book, Witness},
    ratio::{add, subtract},
    underlying::walk,
};
use crate::{Signs, Usd};

/// Most expiries of a book that is taken apart.
const MAX_EXPIRIES: usize = 16;

/// Signs of the expiries of a book, in its order: recorded from the whole book, replayed for parts of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SignLog {
    entries: [Signs; MAX_EXPIRIES],
    next: usize,
    replays: bool,
}

impl SignLog {
    /// From now on, what was recorded is replayed from its beginning.
    fn rewind(&mut self) {
        (self.next, self.replays) = (0, true);
    }

    /// Signs of the expiry at hand, when replaying.
    pub(super) fn replayed(&self) -> Option<Signs> {
        if self.replays { self.entries.get(self.next).copied() } else { None }
    }

    /// The next expiry.
    pub(super) fn advance(&mut self, signs: Signs) -> Result<(), MarginError> {
        let entry = self.entries.get_mut(self.next).ok_or(MarginError::TooManyExpiries)?;
        if !self.replays {
            *entry = signs;
        }
        self.next = self.next.saturating_add(1);
        Ok(())
    }
}

/// What a part of a book contributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Collateral that offsets the positions.
    Hedge,
    /// The position of this index.
    Position(usize),
}

/// A part's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegRow {
    /// Contribution to mark-to-market.
    pub mark_to_market: Usd,
    profits: [Usd; MAX_GRID],
    len: usize,
}

impl LegRow {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { mark_to_market: Usd::ZERO, profits: [Usd::ZERO; MAX_GRID], len: 0 }
    }

    /// Contribution to each scenario's weighted profit, in the grid's order.
    #[must_use]
    pub fn profits(&self) -> &[Usd] {
        self.profits.get(..self.len).unwrap_or(&[])
    }
}

impl Default for LegRow {
    fn default() -> Self {
        Self::new()
    }
}

/// Figures of one part of an underlying's book. Costs up to three scans.
///
/// # Errors
/// As [`super::assess_underlying`]; `TooManyExpiries` beyond sixteen.
pub fn leg_row<E, P, S>(
    market: &Market,
    positions: P,
    mut surface: S,
    part: Part,
    scratch: &mut Scratch,
    row: &mut LegRow,
) -> Result<(), E>
where
    E: From<MarginError>,
    P: IntoIterator<Item = BookPosition> + Clone,
    S: FnMut(i64) -> Result<ExpiryMarket, E>,
{
    *row = LegRow { len: market.scenarios.len().min(MAX_GRID), ..LegRow::new() };
    let mut signs = SignLog::default();
    let mut first = |market: &Market, count: usize, signs: &mut SignLog, scratch: &mut Scratch| {
        let mut book = Book::new(market, Witness::All, Detail::Margin, scratch)?.with_signs(signs);
        walk(&mut book, positions.clone().into_iter().take(count), &mut surface)?;
        let mut risk = UnderlyingRisk::default();
        book.finish(&mut risk)?;
        Ok::<Usd, E>(risk.mark_to_market)
    };
    first(market, usize::MAX, &mut signs, scratch)?;
    let (before, after) = match part {
        Part::Hedge => (None, 0),
        Part::Position(index) => (Some(index), index.saturating_add(1)),
    };
    signs.rewind();
    let marks = first(market, after, &mut signs, scratch)?;
    row.mark_to_market = marks;
    for (slot, profit) in row.profits.iter_mut().zip(scratch.profits(market.lot_size)) {
        *slot = add(*slot, profit?)?;
    }
    if let Some(before) = before {
        signs.rewind();
        let marks = first(market, before, &mut signs, scratch)?;
        row.mark_to_market = subtract(row.mark_to_market, marks)?;
        for (slot, profit) in row.profits.iter_mut().zip(scratch.profits(market.lot_size)) {
            *slot = subtract(*slot, profit?)?;
        }
    }
    Ok(())
}
