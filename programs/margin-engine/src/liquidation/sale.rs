//! The solvent auction: what may be taken, what it costs, and whether the account is done.

use anchor_lang::prelude::*;
use fixed::types::I80F48;
use margin_core::{
    Usd,
    portfolio::{AccountRisk, OnSale},
};

use super::Court;
use crate::{
    constants::{RATIO_ONE, RELEASE_CHECK_POSITIONS},
    error::EngineError,
    risk::{Workspace, atoms_to_usd, cash_to_usd, margin_error, usd_to_atoms_ceil},
    state::{LiquidationState, MarginAccount, load_cash, store_cash},
};

/// An account on sale, before anything of it is taken.
pub struct Sale<'a> {
    pub court: Court<'a>,
    pub before: AccountRisk,
    pub terms: OnSale,
}

/// What a purchase came to.
pub struct Sold {
    /// What was taken, at its marks.
    pub value: Usd,
    /// Quote atoms that the bidder pays (negative: is paid).
    pub price: i64,
    pub after: AccountRisk,
}

impl<'a> Sale<'a> {
    /// Opens the books of an account whose funding is settled.
    pub fn open(court: Court<'a>, account: &MarginAccount, workspace: &mut Workspace) -> Result<Self> {
        let before = court.under_witness(account, workspace)?;
        let buffer_margin = court.buffer_margin(&before)?;
        require!(buffer_margin.0 < 0, EngineError::AccountHealthy);
        let state = &account.liquidation;
        require!(before.equity.0 > 0, EngineError::AuctionInsolvent);
        let share_paid = court.parameters().solvent_auction().share_paid(state.elapsed(court.now));
        let terms = OnSale {
            buffer_margin,
            equity: before.equity,
            cash_from_bids: cash_to_usd(load_cash(state.cash_from_bids), court.engine.quote_decimals)?,
            share_paid: share_paid.ok_or(EngineError::AuctionInsolvent)?,
        };
        Ok(Self { court, before, terms })
    }

    /// Largest fraction (1e-9) that may be taken. Small accounts may go whole.
    pub fn maximum_fraction(&self) -> Result<u64> {
        let parameters = self.court.parameters();
        let small = atoms_to_usd(parameters.small_account, self.court.engine.quote_decimals)?;
        if self.before.equity <= small {
            return Ok(RATIO_ONE);
        }
        Ok(self.terms.maximum_fraction().map_err(margin_error)?)
    }

    /// The most of a token amount that may be taken, rounded up.
    pub fn most_of(&self, amount: u64) -> Result<u64> {
        let most = (u128::from(amount) * u128::from(self.maximum_fraction()?)).div_ceil(u128::from(RATIO_ONE));
        Ok(u64::try_from(most).map_err(|_| EngineError::Overflow)?)
    }

    /// Price of a slice of everything: its share of the equity that left with it, rounded up, never negative. It counts as
    /// cash from bids.
    pub fn pay_for_slice(
        &self,
        account: &mut MarginAccount,
        bidder: &mut MarginAccount,
        price_limit: i64,
        workspace: &mut Workspace,
    ) -> Result<Sold> {
        self.pay(account, bidder, price_limit, workspace, |value, _| {
            self.terms.share_paid.of_rounded_up(Usd(value.0.max(0))).map_err(|error| margin_error(error).into())
        })
    }

    /// Price of chosen legs: their value less the discount that the margin they free earns, rounded up. Negative where they
    /// are debts: their taker is paid.
    pub fn pay_for_legs(
        &self,
        account: &mut MarginAccount,
        bidder: &mut MarginAccount,
        price_limit: i64,
        workspace: &mut Workspace,
    ) -> Result<Sold> {
        self.pay(account, bidder, price_limit, workspace, |value, after| {
            // At their marks, what is left is worth less by their value and has it in cash.
            let at_marks = AccountRisk { equity: self.before.equity, ..*after };
            let buffer = self.court.buffer_margin(&at_marks)?;
            let freed = difference(buffer, self.terms.buffer_margin)?;
            let discount = self.terms.discount_of_legs(freed).map_err(margin_error)?;
            difference(value, discount)
        })
    }

    fn pay(
        &self,
        account: &mut MarginAccount,
        bidder: &mut MarginAccount,
        price_limit: i64,
        workspace: &mut Workspace,
        price_of: impl FnOnce(Usd, &AccountRisk) -> Result<Usd>,
    ) -> Result<Sold> {
        let decimals = self.court.engine.quote_decimals;
        let mut after = self.court.under_witness(account, workspace)?;
        let value = difference(self.before.equity, after.equity)?;
        let price = usd_to_atoms_ceil(price_of(value, &after)?, decimals)?;
        require!(price <= price_limit, EngineError::BidPriceLimit);
        let payment = I80F48::checked_from_num(price).ok_or(EngineError::Overflow)?;
        bidder.add_cash(-payment)?;
        account.add_cash(payment)?;
        // Cash raises the account's equity by the price and leaves its requirement as it is.
        let paid = atoms_to_usd(price.unsigned_abs(), decimals)?.0;
        let paid = if price < 0 { -paid } else { paid };
        after.equity = Usd(after.equity.0.checked_add(paid).ok_or(EngineError::Overflow)?);
        if price > 0 {
            let state = &mut account.liquidation;
            let total = load_cash(state.cash_from_bids).checked_add(payment).ok_or(EngineError::Overflow)?;
            state.cash_from_bids = store_cash(total);
        }
        Ok(Sold { value, price, after })
    }

    /// After the payment: a bid that is not for all there is must leave the account closer to its buffer than it was, or else
    /// thin slices, whose lots round up, would buy the hedges away. Releases an account that is done.
    ///
    /// Under a witness that ends its deficit an account may still be short under another scenario. One of few positions is looked
    /// at in full, and goes on with its worst scenarios for a witness; a larger one stays in liquidation, where nobody can
    /// bid, until `liquidation_stop` looks at it.
    pub fn conclude(
        &self,
        account: &mut MarginAccount,
        sold: &mut Sold,
        takes_all: bool,
        workspace: &mut Workspace,
    ) -> Result<()> {
        let mut buffer = self.court.buffer_margin(&sold.after)?;
        require!(takes_all || buffer > self.terms.buffer_margin, EngineError::BidWorsens);
        account.liquidation.insolvent_at = 0;
        if buffer.0 < 0 {
            return Ok(());
        }
        if !self.court.sees_everything(account)? && !account.is_flat() {
            if account.positions().len() > RELEASE_CHECK_POSITIONS {
                return Ok(());
            }
            let full = self.court.check(account)?.assess_witnesses(workspace)?;
            buffer = self.court.buffer_margin(&full.risk)?;
            sold.after = full.risk;
            (account.liquidation.witness, account.liquidation.insured_underlying) = (full.witness, full.greatest);
        }
        if buffer.0 >= 0 {
            account.liquidation = LiquidationState::default();
        }
        Ok(())
    }
}

pub(super) fn difference(a: Usd, b: Usd) -> Result<Usd> {
    Ok(Usd(a.0.checked_sub(b.0).ok_or(EngineError::Overflow)?))
}
