//! The markets a margin check reads.
//!
//! They follow the instruction's named accounts in one exact form: every needed collateral by rising index, then every
//! needed underlying by rising index, each followed by its price account. Nothing may be missing, doubled, foreign,
//! shuffled or in excess; each fault has its own error.

use core::cell::Ref;

use anchor_lang::{Discriminator, prelude::*};
use bytemuck::Pod;

use crate::{
    constants::LAYOUT_VERSION,
    error::EngineError,
    oracle::{PriceUse, PriceView, read_price},
    state::{Collateral, MarginAccount, Underlying},
};

/// Which collaterals and underlyings a check needs, as sets of indices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequiredMarkets {
    collaterals: u64,
    underlyings: u64,
}

impl RequiredMarkets {
    /// Adds all that `account` holds. The quote token counts at face value and needs no account.
    pub fn add_account(&mut self, account: &MarginAccount) -> Result<()> {
        for balance in account.balances() {
            self.collaterals |= bit(balance.collateral)?;
        }
        for position in account.positions() {
            self.underlyings |= bit(position.underlying)?;
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
    collaterals: Vec<CollateralView<'a>>,
    underlyings: Vec<UnderlyingView<'a>>,
}

impl<'a> RiskAccounts<'a> {
    /// Validates `accounts` against `required` and reads every price under the policy of `usage`.
    pub fn load<'info>(
        engine: &Pubkey,
        accounts: &'a [AccountInfo<'info>],
        required: RequiredMarkets,
        usage: PriceUse,
        now: i64,
    ) -> Result<Self> {
        let mut collaterals: Vec<CollateralView> = Vec::with_capacity(required.collaterals.count_ones() as usize);
        let mut underlyings: Vec<UnderlyingView> = Vec::with_capacity(required.underlyings.count_ones() as usize);
        let (pairs, rest) = accounts.as_chunks::<2>();
        require!(rest.is_empty(), EngineError::RiskAccountMissing);

        for [market, price_account] in pairs {
            require_keys_eq!(*market.owner, crate::ID, EngineError::RiskAccountOwner);
            if let Some(state) = view::<Collateral>(market)? {
                require_keys_eq!(state.engine, *engine, EngineError::ForeignEngine);
                require!(underlyings.is_empty(), EngineError::RiskAccountOrder);
                require!(
                    collaterals.last().is_none_or(|last| last.state.index < state.index),
                    EngineError::RiskAccountOrder
                );
                require!(required.collaterals & bit(state.index)? != 0, EngineError::RiskAccountUnexpected);
                let price = read_price(&state.oracle, price_account, usage, now)?;
                collaterals.push(CollateralView { state, price });
            } else if let Some(state) = view::<Underlying>(market)? {
                require_keys_eq!(state.engine, *engine, EngineError::ForeignEngine);
                require!(
                    underlyings.last().is_none_or(|last| last.state.index < state.index),
                    EngineError::RiskAccountOrder
                );
                require!(required.underlyings & bit(state.index)? != 0, EngineError::RiskAccountUnexpected);
                let price = read_price(&state.oracle, price_account, usage, now)?;
                underlyings.push(UnderlyingView { state, price });
            } else {
                return err!(EngineError::RiskAccountKind);
            }
        }
        // Strictly rising indices within the required sets: equal counts mean equal sets.
        require!(
            collaterals.len() == required.collaterals.count_ones() as usize
                && underlyings.len() == required.underlyings.count_ones() as usize,
            EngineError::RiskAccountMissing
        );
        Ok(Self { collaterals, underlyings })
    }

    pub fn collateral(&self, index: u16) -> Result<&CollateralView<'a>> {
        let at = self.collaterals.binary_search_by_key(&index, |view| view.state.index);
        Ok(at.ok().and_then(|at| self.collaterals.get(at)).ok_or(EngineError::RiskAccountMissing)?)
    }

    pub fn underlying(&self, index: u16) -> Result<&UnderlyingView<'a>> {
        let at = self.underlyings.binary_search_by_key(&index, |view| view.state.index);
        Ok(at.ok().and_then(|at| self.underlyings.get(at)).ok_or(EngineError::RiskAccountMissing)?)
    }
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
