//! Per leg × per scenario figures that add up exactly to the total.
//!
//! A leg's profit in a scenario is what the book's profit changes by when the leg joins the ones before it, with the
//! static discount's and the skew scenarios' signs fixed at those of the whole book. So it is the leg's own profit, up to
//! rounding, and the figures of all legs and of the collateral add up to the book's without a remainder. (Where a model
//! haircuts gains or dampens tails, a leg's figure depends on the legs before it; the sum does not.)

use super::{
    BookPosition, Detail, ExpiryMarket, InstrumentKind, MAX_GRID, MarginError, Market, Scratch, UnderlyingRisk,
    book::{Book, Witness},
    open_expiry::OpenExpiry,
    ratio::{add, subtract},
    underlying::{Cursor, add_positions, walk},
};
use crate::{Signs, Usd};

/// Whose signs the static discount and skew scenarios of an expiry go by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signing {
    /// Those of its own positions.
    Own,
    /// The same, to be found out.
    Found(Signs),
    /// Those of the whole book.
    Given(Signs),
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

    /// Adds the figures of a book.
    #[inline(never)]
    fn include(&mut self, book: &mut Book) -> Result<(), MarginError> {
        let mut risk = UnderlyingRisk::default();
        book.finish(&mut risk)?;
        self.mark_to_market = add(self.mark_to_market, risk.mark_to_market)?;
        for (slot, profit) in self.profits.iter_mut().zip(book.profits()) {
            *slot = add(*slot, profit?)?;
        }
        Ok(())
    }

    /// The opposite figures.
    fn negate(&mut self) -> Result<(), MarginError> {
        self.mark_to_market = subtract(Usd::ZERO, self.mark_to_market)?;
        for slot in self.profits.iter_mut().take(self.len) {
            *slot = subtract(Usd::ZERO, *slot)?;
        }
        Ok(())
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

/// Figures of one part of an underlying's book. The cost is that of a scan of the expiries up to the part's, the last one
/// twice.
///
/// # Errors
/// As [`super::assess_underlying`].
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
    let first = |count: usize| positions.clone().into_iter().take(count);
    let Part::Position(index) = part else {
        return Ok(row.include(&mut whole_grid(market, scratch)?)?);
    };
    let Some(leg) = positions.clone().into_iter().nth(index) else { return Ok(()) };
    if leg.kind == InstrumentKind::Perpetual {
        for count in [index, index.saturating_add(1)] {
            row.negate()?;
            let mut book = whole_grid(market, scratch)?;
            walk(&mut book, first(count), &mut surface)?;
            row.include(&mut book)?;
        }
        return Ok(());
    }
    let is_earlier =
        |position: &BookPosition| position.kind == InstrumentKind::Perpetual || position.expiry < leg.expiry;
    let earlier = positions.clone().into_iter().take_while(is_earlier).count();
    let mut signing = Signing::Own;
    if market.parameters.static_discount.is_active() || market.scenarios.iter().any(|scenario| scenario.is_skew()) {
        let mut book = whole_grid(market, scratch)?;
        book.signing = Signing::Found(Signs::default());
        let same = |position: &BookPosition| position.expiry == leg.expiry;
        walk(&mut book, positions.clone().into_iter().skip(earlier).take_while(same), &mut surface)?;
        if let Signing::Found(signs) = book.signing {
            signing = Signing::Given(signs);
        }
    }
    // Earlier expiries are whole without the leg and with it.
    let mut book = whole_grid(market, scratch)?;
    walk(&mut book, first(earlier), &mut surface)?;
    let checkpoint = book.checkpoint();
    book.signing = signing;
    let mut open = OpenExpiry::default();
    book.open_expiry(&mut open, &surface(leg.expiry)?)?;
    let mut before = Cursor::new(first(index).skip(earlier));
    add_positions(&mut book, &mut open, &mut before, leg.expiry)?;
    book.close_expiry(&mut open)?;
    row.include(&mut book)?;
    row.negate()?;
    book.restore(&checkpoint);
    // Sums of one strike's positions are the same however they are added.
    add_positions(&mut book, &mut open, &mut Cursor::new(core::iter::once(leg)), leg.expiry)?;
    book.close_expiry(&mut open)?;
    Ok(row.include(&mut book)?)
}

/// A book whose every profit is asked for.
fn whole_grid<'a>(market: &'a Market<'a>, scratch: &'a mut Scratch) -> Result<Book<'a>, MarginError> {
    Book::new(market, Witness::All, Detail::Margin, scratch)
}
