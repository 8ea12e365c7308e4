//! Who pays what an insolvent account lacks: its underlying's insurance, then the common one, then all deposits of cash.

use anchor_lang::prelude::*;
use fixed::types::I80F48;

use crate::{
    error::EngineError,
    state::{Collateral, Engine, LiquidationState, Underlying},
};

/// How a loss was paid. Quote atoms.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossPayment {
    pub from_underlying: u64,
    pub from_common: u64,
    /// Borne by every deposit in proportion.
    pub socialised: u64,
}

/// The underlying's fund must be passed where there is one, and no other.
pub fn require_insured<'info>(
    state: &LiquidationState,
    engine: &Pubkey,
    insured: Option<&AccountLoader<'info, Underlying>>,
) -> Result<()> {
    let wanted = (state.in_use() && state.insured_underlying != LiquidationState::NO_UNDERLYING)
        .then_some(state.insured_underlying);
    let Some(loader) = insured else {
        require!(wanted.is_none(), EngineError::InsuranceUnderlying);
        return Ok(());
    };
    let underlying = loader.load()?;
    require_keys_eq!(underlying.engine, *engine, EngineError::ForeignEngine);
    require!(Some(underlying.index) == wanted, EngineError::InsuranceUnderlying);
    Ok(())
}

/// Pays `amount` of a loss. What is socialised comes out of the pool's reserve, into which depositors' shares flow as their
/// accounts are touched.
pub fn pay_loss(
    amount: u64,
    engine: &mut Engine,
    quote: &mut Collateral,
    insured: Option<&mut Underlying>,
    now: i64,
) -> Result<LossPayment> {
    let from_underlying = insured.map_or(0, |underlying| underlying.insurance.draw(amount, now));
    let mut left = amount.saturating_sub(from_underlying);
    let from_common = quote.insurance.draw(left, now);
    left = left.saturating_sub(from_common);
    let drawn = from_underlying.checked_add(from_common).ok_or(EngineError::Overflow)?;
    quote.insured = quote.insured.checked_sub(drawn).ok_or(EngineError::Overflow)?;
    if left > 0 {
        let loss = I80F48::checked_from_num(left).ok_or(EngineError::Overflow)?;
        engine.socialise(left, quote.deposits_of_cash())?;
        quote.pool.keep(-loss)?;
    }
    Ok(LossPayment { from_underlying, from_common, socialised: left })
}

impl Collateral {
    /// What accounts have in cash, as far as the quote token's books tell: the vault without fees and insurance, and what is
    /// lent out.
    fn deposits_of_cash(&self) -> u64 {
        let own = self.fees.saturating_add(self.insured);
        self.total_deposits.saturating_sub(own).saturating_add(self.pool.borrowed)
    }
}
