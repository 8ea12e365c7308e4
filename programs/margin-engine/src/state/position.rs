use anchor_lang::prelude::*;

use crate::state::assert_layout;

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
    /// Signed number of lots; a stored position is never 0.
    pub lots: i64,
    /// precision: quote atoms. Linear instruments: their value when last settled to cash; the unrealised profit is today's
    /// value less this. Options: 0, their premium settles in full.
    pub settled_value: i64,
    /// Funding index at the last settlement (for funding; 0 today).
    pub funding_index: i64,
    pub underlying: u16,
    /// An [`InstrumentKind`].
    pub kind: u8,
    pub _padding: [u8; 5],
}
assert_layout!(Position, 48);

impl Position {
    pub fn new(instrument: Instrument, lots: i64) -> Self {
        Self {
            expiry: instrument.expiry,
            strike: instrument.strike,
            lots,
            settled_value: 0,
            funding_index: 0,
            underlying: instrument.underlying,
            kind: instrument.kind as u8,
            _padding: [0; 5],
        }
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
