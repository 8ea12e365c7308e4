//! What a leg of a trade does to an account, hypothetical or not.

use anchor_lang::prelude::*;
use fixed::types::I80F48;

use crate::{
    constants::{MAX_PRICE, MIN_PRICE},
    error::EngineError,
    oracle::PriceUse,
    risk::{cost_atoms, linear_mark, linear_value_floor},
    risk_accounts::RiskAccounts,
    state::{Instrument, MarginAccount},
};

/// One leg. Positive lots are bought.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct TradeLeg {
    pub instrument: Instrument,
    pub lots: i64,
    /// precision: 1e-12 USD per unit of underlying.
    pub price: u64,
}

impl TradeLeg {
    /// Checks quantity, price, and that the instrument is one that can exist.
    pub fn validate(&self) -> Result<()> {
        require!(self.lots != 0, EngineError::LegQuantity);
        require!(self.price <= MAX_PRICE, EngineError::LegPrice);
        let instrument = &self.instrument;
        require!((instrument.expiry > 0) == instrument.kind.has_expiry(), EngineError::LegInstrument);
        require!((instrument.strike > 0) == instrument.kind.is_option(), EngineError::LegInstrument);
        if instrument.kind.is_option() {
            require!((MIN_PRICE..=MAX_PRICE).contains(&instrument.strike), EngineError::LegStrike);
            // Nobody pays more for a digital option than it can pay.
            let most = if instrument.kind.is_digital() { margin_core::Price::ONE_USD.0 } else { MAX_PRICE };
            require!(self.price <= most, EngineError::LegPrice);
        } else {
            require!(self.price >= MIN_PRICE, EngineError::LegPrice);
        }
        Ok(())
    }
}

/// A leg on live markets: what it costs and what linear instruments are marked at.
pub struct PricedLeg {
    pub instrument: Instrument,
    /// Quote atoms for its lots, rounded away from zero: who pays, pays the odd part of an atom.
    pub cost: i64,
    /// `None` for options.
    mark: Option<margin_core::Price>,
    lot_size: u64,
    decimals: u8,
}

impl PricedLeg {
    /// Prices a leg; its series must be listed and alive.
    pub fn new(leg: &TradeLeg, markets: &RiskAccounts, decimals: u8, usage: PriceUse, now: i64) -> Result<Self> {
        let instrument = leg.instrument;
        let market = markets.underlying(instrument.underlying)?;
        if instrument.kind.has_expiry() {
            require!(market.state.expiry(instrument.expiry).is_some(), EngineError::ExpiryUnknown);
            require!(instrument.expiry > now, EngineError::SeriesExpired);
        }
        let mark = if instrument.kind.is_option() { None } else { Some(linear_mark(&instrument, market, usage, now)?) };
        let lot_size = market.state.lot_size;
        let cost = cost_atoms(leg.lots, leg.price, lot_size, decimals)?;
        Ok(Self { instrument, cost, mark, lot_size, decimals })
    }

    /// Adds lots at a cost (negative: received). Premiums settle at once; a linear instrument is then settled to its mark.
    pub fn settle(&self, account: &mut MarginAccount, lots: i64, cost: i64) -> Result<()> {
        let Some(mark) = self.mark else {
            account.add_position(self.instrument, lots, 0)?;
            return account.add_cash(-I80F48::from_num(cost));
        };
        account.add_position(self.instrument, lots, cost)?;
        let total = account.position(&self.instrument).map_or(0, |position| position.lots);
        let value = linear_value_floor(total, mark, self.lot_size, self.decimals)?;
        account.settle_linear(self.instrument, value)
    }
}
