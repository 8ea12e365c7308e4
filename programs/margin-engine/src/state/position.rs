use anchor_lang::prelude::*;
use margin_core::{Usd, wide};

use crate::{constants::RATIO_ONE, state::assert_layout};

/// What a position is. Stored as one byte; among calls and puts the order is that of positions within one strike.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum InstrumentKind {
    /// Perpetual: no expiry, no strike.
    Perpetual,
    Call,
    Put,
    /// Dated future: no strike, so it comes first in its expiry.
    Future,
    /// Pays one USD a unit of the underlying if it settles above the strike.
    DigitalCall,
    /// Pays one USD a unit of the underlying if it settles at the strike or below.
    DigitalPut,
}

impl InstrumentKind {
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Perpetual),
            1 => Some(Self::Call),
            2 => Some(Self::Put),
            3 => Some(Self::Future),
            4 => Some(Self::DigitalCall),
            5 => Some(Self::DigitalPut),
            _ => None,
        }
    }

    pub fn is_option(self) -> bool {
        matches!(self, Self::Call | Self::Put) || self.is_digital()
    }

    /// Whether it pays a fixed amount or nothing.
    pub fn is_digital(self) -> bool {
        matches!(self, Self::DigitalCall | Self::DigitalPut)
    }

    /// Whether it trades in series that expire.
    pub fn has_expiry(self) -> bool {
        self != Self::Perpetual
    }
}

/// An instrument: data, not an account. Its natural order is the order of positions in an account, so that the
/// legs of one underlying and of one expiry lie side by side.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instrument {
    /// Index of the underlying in its engine.
    pub underlying: u16,
    /// Unix seconds; 0 for a perpetual.
    pub expiry: i64,
    /// precision: 1e-12 USD per unit of underlying; 0 for perpetuals and futures.
    pub strike: u64,
    pub kind: InstrumentKind,
}

/// A signed quantity of one instrument.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Position {
    /// Unix seconds; 0 for a perpetual.
    pub expiry: i64,
    /// precision: 1e-12 USD per unit of underlying.
    pub strike: u64,
    /// Signed number of lots; 0 only where `counted_lots` is not.
    pub lots: i64,
    /// precision: quote atoms. Linear instruments: their value when last settled to cash; the unrealised profit is today's
    /// value less this. Options: 0, their premium settles in full.
    pub settled_value: i64,
    /// precision: 1e-12 USD per unit. Perpetuals: the funding index up to which funding is settled.
    pub funding_index: i64,
    /// Lots that the series' open interest counts for this position: at least its own. Only trades and settlements write
    /// the series; what a liquidation nets stays counted here until one of them does. Perpetuals: 0.
    pub counted_lots: u64,
    pub underlying: u16,
    /// An [`InstrumentKind`].
    pub kind: u8,
    pub _padding: [u8; 5],
}
assert_layout!(Position, 56);

impl Instrument {
    /// The perpetual of an underlying.
    pub fn perpetual(underlying: u16) -> Self {
        Self { underlying, expiry: 0, strike: 0, kind: InstrumentKind::Perpetual }
    }
}

impl Position {
    /// What a perpetual owes since its funding was settled, up to `funding_index` (negative: is owed). Rounded up to 1e-12 USD;
    /// saturated far beyond every amount that an account can hold.
    pub fn funding(&self, funding_index: i64, lot_size: u64) -> Usd {
        let growth = i128::from(funding_index) - i128::from(self.funding_index);
        let product = growth.saturating_mul(i128::from(self.lots)).saturating_mul(i128::from(lot_size));
        Usd(wide::ceiling_division(product, i128::from(RATIO_ONE)).unwrap_or(i128::MAX))
    }

    pub fn new(instrument: Instrument, lots: i64) -> Self {
        Self {
            expiry: instrument.expiry,
            strike: instrument.strike,
            lots,
            settled_value: 0,
            funding_index: 0,
            counted_lots: if instrument.kind.has_expiry() { lots.unsigned_abs() } else { 0 },
            underlying: instrument.underlying,
            kind: instrument.kind as u8,
            _padding: [0; 5],
        }
    }

    /// By which the positions of an account are sorted: in an [`Instrument`]'s order.
    pub(super) fn key(&self) -> (u16, i64, u64, u8) {
        (self.underlying, self.expiry, self.strike, self.kind)
    }

    /// Only accounts written by another layout can fail here.
    pub fn instrument(&self) -> Option<Instrument> {
        Some(Instrument {
            underlying: self.underlying,
            expiry: self.expiry,
            strike: self.strike,
            kind: InstrumentKind::from_byte(self.kind)?,
        })
    }
}
