//! Figures of one leg in every scenario.

use anchor_lang::prelude::*;
use margin_core::portfolio::{Detail, LegRow, Part, assess_underlying, leg_row};

use super::{Check, margin_error, workspace::Workspace};
use crate::error::EngineError;

/// What of an underlying's book is broken down.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakdownPart {
    /// All of it.
    Book,
    /// Tokens that offset the positions.
    Collateral,
    /// The position of this number among the account's positions in the underlying.
    Position(u8),
}

/// Contribution of a part to the underlying's mark-to-market and to its weighted profit in each scenario: return data of
/// `margin_breakdown`. The parts of a book add up to the book exactly.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct Breakdown {
    /// precision: 1e-12 USD.
    pub mark_to_market: i128,
    /// precision: 1e-12 USD. By scenario, in the grid's order.
    pub profits: Vec<i128>,
}

impl Check<'_> {
    /// Contribution of a part of one underlying's book. The portfolio model's figures, whatever the account's mode.
    pub fn breakdown(&self, underlying: u16, part: BreakdownPart) -> Result<Breakdown> {
        let exposed = self.exposed(underlying)?;
        let part = match part {
            BreakdownPart::Book => None,
            BreakdownPart::Collateral => Some(Part::Hedge),
            BreakdownPart::Position(number) => {
                require!(usize::from(number) < exposed.positions.len(), EngineError::UnknownPosition);
                Some(Part::Position(usize::from(number)))
            }
        };
        let mut workspace = Workspace::new();
        self.on_market(exposed, &mut workspace, |market, scratch| {
            let surface = |expiry| self.surface(exposed, expiry);
            let Some(part) = part else {
                let risk = assess_underlying(market, self.book(exposed), surface, Detail::Margin, scratch)?;
                let profits = scratch.profits(market.lot_size).map(|profit| Ok(profit.map_err(margin_error)?.0));
                let profits = profits.collect::<Result<_>>()?;
                return Ok(Breakdown { mark_to_market: risk.mark_to_market.0, profits });
            };
            let mut row = Box::new(LegRow::new());
            leg_row(market, self.book(exposed), surface, part, scratch, &mut row)?;
            let profits = row.profits().iter().map(|profit| profit.0).collect();
            Ok(Breakdown { mark_to_market: row.mark_to_market.0, profits })
        })
    }
}
