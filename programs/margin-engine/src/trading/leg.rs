//! What a leg of a trade does to an account, hypothetical or not.

use anchor_lang::prelude::*;
use fixed::types::I80F48;
use margin_core::Price;

use crate::{
    constants::{MAX_PRICE, MIN_PRICE, RATIO_ONE},
    error::EngineError,
    oracle::PriceUse,
    risk::{cost_atoms, linear_value_floor, mark},
    risk_accounts::RiskAccounts,
    state::{Instrument, MarginAccount},
};

/// One leg. Positive lots are bought by the taker.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct TradeLeg {
    pub instrument: Instrument,
    pub lots: i64,
    /// precision: 1e-12 USD per unit of underlying.
    pub price: u64,
}

impl TradeLeg {
    /// Checks quantity, price, and that the instrument is one that can exist.
    pub fn validate(&self) -> Result<()> {
        // The least value has no opposite.
        require!(self.lots != 0, EngineError::LegQuantity);
        require!(self.lots != i64::MIN, EngineError::Overflow);
        require!(self.price <= MAX_PRICE, EngineError::LegPrice);
        let instrument = &self.instrument;
        require!((instrument.expiry > 0) == instrument.kind.has_expiry(), EngineError::LegInstrument);
        require!((instrument.strike > 0) == instrument.kind.is_option(), EngineError::LegInstrument);
        if instrument.kind.is_option() {
            require!((MIN_PRICE..=MAX_PRICE).contains(&instrument.strike), EngineError::LegStrike);
            // Nobody pays more for a digital option than it can pay.
            let most = if instrument.kind.is_digital() { Price::ONE_USD.0 } else { MAX_PRICE };
            require!(self.price <= most, EngineError::LegPrice);
        } else {
            require!(self.price >= MIN_PRICE, EngineError::LegPrice);
        }
        Ok(())
    }
}

/// Which side of a leg an account takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Taker,
    Maker,
}

/// A leg on live markets. Amounts in quote atoms.
pub struct PricedLeg {
    pub instrument: Instrument,
    /// The taker's.
    pub lots: i64,
    pub price: u64,
    /// What the taker pays for them (negative: receives), rounded away from zero: who pays, pays the odd part of an atom.
    pub cost: i64,
    pub mark: Price,
    pub index_price: Price,
    /// Lots at the index price (of digital options: what they pay), rounded up.
    pub notional: u64,
    pub taker_fee: u64,
    pub maker_fee: u64,
    funding_index: i64,
    lot_size: u64,
    decimals: u8,
}

impl PricedLeg {
    /// Prices a leg; its series must be listed and alive, its price within the band around the mark.
    #[inline(never)]
    pub fn new(leg: &TradeLeg, markets: &RiskAccounts, decimals: u8, usage: PriceUse, now: i64) -> Result<Self> {
        let instrument = leg.instrument;
        let market = markets.underlying(instrument.underlying)?;
        let state = &*market.state;
        if instrument.kind.has_expiry() {
            require!(state.expiry(instrument.expiry).is_some(), EngineError::ExpiryUnknown);
            require!(instrument.expiry > now, EngineError::SeriesExpired);
        }
        let terms = &state.trading;
        require!(terms.is_set(), EngineError::TradingNotSet);
        let mark = mark(&instrument, market, usage, now)?;
        let index_price = market.price.price;
        // The notional of a digital option is its payout.
        let unit = if instrument.kind.is_digital() { Price::ONE_USD } else { index_price };
        // 64 bits times 32, twice.
        let band = u128::from(mark.0) * u128::from(terms.band_mark) + u128::from(unit.0) * u128::from(terms.band_index);
        let distance = u128::from(leg.price.abs_diff(mark.0)) * u128::from(RATIO_ONE);
        require!(distance <= band, EngineError::PriceBand);

        let cost = cost_atoms(leg.lots, leg.price, state.lot_size, decimals)?;
        let notional = cost_atoms(leg.lots, unit.0, state.lot_size, decimals)?.unsigned_abs();
        let fee = |rate: u32| terms.fee(rate, instrument.kind, notional, cost.unsigned_abs());
        Ok(Self {
            instrument,
            lots: leg.lots,
            price: leg.price,
            cost,
            mark,
            index_price,
            notional,
            taker_fee: fee(terms.taker_fee),
            maker_fee: fee(terms.maker_fee),
            funding_index: state.perpetual.funding.index,
            lot_size: state.lot_size,
            decimals,
        })
    }

    /// Lots that a side buys.
    pub fn lots_of(&self, side: Side) -> i64 {
        match side {
            Side::Taker => self.lots,
            // `TradeLeg::validate` refuses the one value without an opposite.
            Side::Maker => self.lots.saturating_neg(),
        }
    }

    /// Gives an account its side: lots for their cost, less the fee. Premiums settle at once; a linear instrument is settled
    /// to its mark, a perpetual's funding before its lots change.
    #[inline(never)]
    pub fn settle(&self, account: &mut MarginAccount, side: Side) -> Result<LegEffect> {
        let (cost, fee) = match side {
            Side::Taker => (self.cost, self.taker_fee),
            Side::Maker => (-self.cost, self.maker_fee),
        };
        let (instrument, lots) = (self.instrument, self.lots_of(side));
        let mut effect = LegEffect::default();
        if instrument.kind.is_option() {
            effect.opened = account.add_position(instrument, lots, 0)?;
            account.add_cash(-I80F48::from_num(cost))?;
        } else {
            let Self { funding_index, lot_size, decimals, .. } = *self;
            let is_perpetual = !instrument.kind.has_expiry();
            if is_perpetual {
                effect.funding = account.settle_funding(instrument.underlying, funding_index, lot_size, decimals)?;
            }
            effect.opened = account.add_position(instrument, lots, cost)?;
            if is_perpetual {
                account.start_funding(instrument.underlying, funding_index);
            }
            let total = account.position(&instrument).map_or(0, |position| position.lots);
            account.settle_linear(instrument, linear_value_floor(total, self.mark, lot_size, decimals)?)?;
        }
        account.charge_fee(fee)?;
        Ok(effect)
    }
}

/// What a leg did to an account besides its cash and its position.
#[derive(Clone, Copy, Debug, Default)]
pub struct LegEffect {
    /// Quote atoms of funding that were paid (negative: received).
    pub funding: i64,
    /// Lots that the series has to count on top.
    pub opened: i64,
}
