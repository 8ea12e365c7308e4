//! The markets a margin check reads.
//!
//! They follow the instruction's named accounts in one exact form: the engine's cross-underlying model where it is on and
//! the account's mode uses it; then every needed collateral by rising index (the quote token only where it has an
//! oracle), then every needed underlying by rising index, each followed by its price account. Needed are the tokens and
//! the underlyings that an account holds, and the underlyings its tokens are linked to. Nothing may be missing, doubled,
//! foreign, shuffled or in excess; each fault has its own error.

use core::cell::{Ref, RefMut};

use anchor_lang::{Discriminator, prelude::*};
use bytemuck::Pod;
use margin_core::Price;

use crate::{
    constants::LAYOUT_VERSION,
    error::EngineError,
    events::IndexPrice,
    oracle::{PriceUse, PriceView, read_price},
    state::{AccountMode, Collateral, CorrelationModel, Engine, Instrument, InstrumentKind, MarginAccount, Underlying},
};

/// What a check needs: sets of indices, and whether the cross-underlying model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequiredMarkets {
    collaterals: u64,
    underlyings: u64,
    correlation: bool,
    /// Underlyings that are traded, so that they are written.
    traded: u64,
    /// Underlyings whose perpetual is traded, so that its funding must be up to date.
    funded: u64,
}

impl RequiredMarkets {
    /// What a check of any account of `engine` reads.
    pub fn of_engine(engine: &Engine) -> Self {
        Self { collaterals: u64::from(engine.has_quote_oracle()), ..Self::default() }
    }

    /// What judging these accounts in their own modes reads.
    pub fn of_accounts(engine: &Engine, accounts: &[&MarginAccount]) -> Result<Self> {
        let mut required = Self::of_engine(engine);
        for account in accounts {
            required.add_account(engine, account, account.mode()?)?;
        }
        Ok(required)
    }

    /// Adds all that `account` holds, to be judged in `mode`.
    pub fn add_account(&mut self, engine: &Engine, account: &MarginAccount, mode: AccountMode) -> Result<()> {
        for balance in account.balances() {
            self.add_collateral(balance.collateral)?;
        }
        for position in account.positions() {
            self.add_underlying(position.underlying)?;
        }
        self.correlation |= engine.correlates() && mode == AccountMode::Portfolio;
        Ok(())
    }

    pub fn add_collateral(&mut self, index: u16) -> Result<()> {
        self.collaterals |= bit(index)?;
        Ok(())
    }

    /// Adds what a leg of a trade needs.
    pub fn add_leg(&mut self, instrument: &Instrument) -> Result<()> {
        self.add_underlying(instrument.underlying)?;
        self.traded |= bit(instrument.underlying)?;
        if instrument.kind == InstrumentKind::Perpetual {
            self.funded |= bit(instrument.underlying)?;
        }
        Ok(())
    }

    pub fn add_underlying(&mut self, index: u16) -> Result<()> {
        self.underlyings |= bit(index)?;
        Ok(())
    }
}

fn bit(index: u16) -> Result<u64> {
    Ok(1u64.checked_shl(u32::from(index)).ok_or(EngineError::UnknownLayout)?)
}

pub struct CollateralView<'a> {
    pub state: Ref<'a, Collateral>,
    pub price: PriceView,
}

pub struct UnderlyingView<'a> {
    pub state: Ref<'a, Underlying>,
    pub price: PriceView,
}

/// The needed markets with their prices, sorted by index.
pub struct RiskAccounts<'a> {
    correlation: Option<Ref<'a, CorrelationModel>>,
    collaterals: Vec<CollateralView<'a>>,
    underlyings: Vec<UnderlyingView<'a>>,
    stable: Price,
}

impl<'a> RiskAccounts<'a> {
    /// Validates `accounts` against `required` and reads every price under the policy of `usage`. The funding of perpetuals
    /// that are traded is brought up to date.
    pub fn load<'info>(
        engine: &Pubkey,
        accounts: &'a [AccountInfo<'info>],
        mut required: RequiredMarkets,
        usage: PriceUse,
        now: i64,
    ) -> Result<Self> {
        let (correlation, accounts) = if required.correlation {
            let (first, rest) = accounts.split_first().ok_or(EngineError::RiskAccountMissing)?;
            require_keys_eq!(*first.owner, crate::ID, EngineError::RiskAccountOwner);
            let model = view::<CorrelationModel>(first)?.ok_or(EngineError::RiskAccountCorrelation)?;
            require_keys_eq!(model.engine, *engine, EngineError::ForeignEngine);
            (Some(model), rest)
        } else {
            (None, accounts)
        };
        let (pairs, rest) = accounts.as_chunks::<2>();
        require!(rest.is_empty(), EngineError::RiskAccountMissing);
        let holds_tokens = required.collaterals != 0;
        let mut collaterals: Vec<CollateralView> = Vec::with_capacity(if holds_tokens { pairs.len() } else { 0 });
        let mut underlyings: Vec<UnderlyingView> = Vec::with_capacity(pairs.len());
        let mut found = RequiredMarkets::default();
        // Underlyings whose price is needed, which it is not for the sake of a token that counts for nothing.
        let mut counted = required.underlyings;

        for [market, price_account] in pairs {
            require_keys_eq!(*market.owner, crate::ID, EngineError::RiskAccountOwner);
            if let Some(state) = view::<Underlying>(market)? {
                require_keys_eq!(state.engine, *engine, EngineError::ForeignEngine);
                require_rising(underlyings.last().map(|last| last.state.index), state.index)?;
                let index = bit(state.index)?;
                require!(required.underlyings & index != 0, EngineError::RiskAccountUnexpected);
                found.underlyings |= index;
                let price = match read_price(&state.oracle, price_account, usage, now) {
                    Err(_) if counted & index == 0 => PriceView::NOTHING,
                    price => price?,
                };
                require!(required.traded & index == 0 || market.is_writable, EngineError::UnderlyingReadOnly);
                let state = if required.funded & index == 0 { state } else { accrued(state, market, &price, now)? };
                underlyings.push(UnderlyingView { state, price });
            } else if let Some(state) = view::<Collateral>(market)? {
                require_keys_eq!(state.engine, *engine, EngineError::ForeignEngine);
                require!(underlyings.is_empty(), EngineError::RiskAccountOrder);
                require_rising(collaterals.last().map(|last| last.state.index), state.index)?;
                let index = bit(state.index)?;
                require!(required.collaterals & index != 0, EngineError::RiskAccountUnexpected);
                found.collaterals |= index;
                let price = match read_price(&state.oracle, price_account, usage, now) {
                    // An asset without a price counts for nothing, so that it cannot hold up a liquidation.
                    Err(_) if usage == PriceUse::Liquidation && state.challenge.holds(now) => PriceView::NOTHING,
                    price => price?,
                };
                if let Some(underlying) = state.linked_underlying() {
                    required.add_underlying(underlying)?;
                    if price != PriceView::NOTHING {
                        counted |= bit(underlying)?;
                    }
                }
                collaterals.push(CollateralView { state, price });
            } else {
                return err!(EngineError::RiskAccountKind);
            }
        }
        require!(
            found.collaterals == required.collaterals && found.underlyings == required.underlyings,
            EngineError::RiskAccountMissing
        );
        let stable = match collaterals.first() {
            Some(quote) if quote.state.is_quote() => quote.price.price,
            _ => Price::ONE_USD,
        };
        Ok(Self { correlation, collaterals, underlyings, stable })
    }

    /// The cross-underlying model, where it is needed.
    pub fn correlation(&self) -> Option<&CorrelationModel> {
        self.correlation.as_deref()
    }

    /// Price of the quote token: one dollar unless it has an oracle.
    pub fn stable(&self) -> Price {
        self.stable
    }

    pub fn collateral(&self, index: u16) -> Result<&CollateralView<'a>> {
        let at = self.collaterals.binary_search_by_key(&index, |view| view.state.index);
        Ok(at.ok().and_then(|at| self.collaterals.get(at)).ok_or(EngineError::RiskAccountMissing)?)
    }

    pub fn underlying(&self, index: u16) -> Result<&UnderlyingView<'a>> {
        let at = self.underlyings.binary_search_by_key(&index, |view| view.state.index);
        Ok(at.ok().and_then(|at| self.underlyings.get(at)).ok_or(EngineError::RiskAccountMissing)?)
    }

    /// The index prices that checks use, for events.
    pub fn index_prices(&self) -> Vec<IndexPrice> {
        let price = |view: &UnderlyingView| IndexPrice { underlying: view.state.index, price: view.price.price.0 };
        self.underlyings.iter().map(price).collect()
    }

    /// All underlyings, by rising index.
    pub fn underlyings(&self) -> &[UnderlyingView<'a>] {
        &self.underlyings
    }
}

fn require_rising(last: Option<u16>, index: u16) -> Result<()> {
    require!(last != Some(index), EngineError::RiskAccountDuplicate);
    require!(last.is_none_or(|last| last < index), EngineError::RiskAccountOrder);
    Ok(())
}

/// Borrows a zero-copy account of this program, or `None` if it is of another type.
fn view<'a, T: Pod + Discriminator>(account: &'a AccountInfo<'_>) -> Result<Option<Ref<'a, T>>> {
    let data = account.try_borrow_data()?;
    let end = T::DISCRIMINATOR.len() + core::mem::size_of::<T>();
    if data.len() != end || !data.starts_with(T::DISCRIMINATOR) {
        return Ok(None);
    }
    // Every stored type begins with its layout version.
    require!(data[T::DISCRIMINATOR.len()] == LAYOUT_VERSION, EngineError::UnknownLayout);
    Ok(Some(Ref::map(data, |data| bytemuck::from_bytes(&data[T::DISCRIMINATOR.len()..end]))))
}

/// Brings the funding of an underlying's perpetual up to date and borrows it anew.
#[inline(never)]
fn accrued<'a>(
    state: Ref<'a, Underlying>,
    market: &'a AccountInfo<'_>,
    price: &PriceView,
    now: i64,
) -> Result<Ref<'a, Underlying>> {
    drop(state);
    {
        let mut state = view_mut(market)?;
        let terms = state.trading;
        state.perpetual.funding.accrue(&terms, price.price, now)?;
    }
    Ok(view::<Underlying>(market)?.ok_or(EngineError::RiskAccountKind)?)
}

/// Borrows an account that is known to be an underlying.
fn view_mut<'a>(market: &'a AccountInfo<'_>) -> Result<RefMut<'a, Underlying>> {
    let data = market.try_borrow_mut_data()?;
    Ok(RefMut::map(data, |data| bytemuck::from_bytes_mut(&mut data[Underlying::DISCRIMINATOR.len()..])))
}

/// An underlying to write to, among accounts that [`RiskAccounts::load`] has validated.
pub fn underlying_mut<'a>(accounts: &'a [AccountInfo], index: u16) -> Result<RefMut<'a, Underlying>> {
    for market in accounts.iter().filter(|market| *market.owner == crate::ID) {
        if view::<Underlying>(market)?.is_some_and(|state| state.index == index) {
            return view_mut(market);
        }
    }
    err!(EngineError::RiskAccountMissing)
}
