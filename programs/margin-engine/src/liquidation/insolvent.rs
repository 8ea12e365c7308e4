//! The insolvent auction: what a bidder is paid for a slice.

use anchor_lang::prelude::*;
use margin_core::{
    Usd,
    portfolio::{AccountRisk, Ratio, insolvent_payout},
};

use super::{Court, sale::difference};
use crate::{
    constants::RATIO_ONE,
    error::EngineError,
    risk::{Workspace, margin_error, usd_to_atoms_floor},
    state::MarginAccount,
};

/// An insolvent account on sale.
pub struct InsolventSale {
    pub before: AccountRisk,
    /// What would be paid for all of it.
    whole_payout: Usd,
    /// What was taken, at its marks.
    pub value: Usd,
    /// Quote atoms for the bidder (negative: he pays).
    pub payout: i64,
    /// The part of it that insurance pays; the account pays or receives the rest.
    pub insured: u64,
}

impl InsolventSale {
    /// Opens the books of an account whose funding is settled.
    pub fn open(court: Court, account: &MarginAccount, workspace: &mut Workspace) -> Result<Self> {
        let before = court.under_witness(account, workspace)?;
        require!(court.buffer_margin(&before)?.0 < 0, EngineError::AccountHealthy);
        let state = &account.liquidation;
        // `liquidation_convert` starts the clock.
        let runs = state.insolvent_at != 0 && court.is_insolvent(state, &before);
        require!(runs, EngineError::AuctionSolvent);
        let duration = court.parameters().insolvent_duration();
        let whole_payout =
            insolvent_payout(&before, state.insolvent_elapsed(court.now), duration).map_err(margin_error)?;
        Ok(Self { before, whole_payout, value: Usd::ZERO, payout: 0, insured: 0 })
    }

    /// After the slice has left: insurance pays the fraction's share of the payout. What the slice is worth beyond its share of
    /// the account (or short of it), since lots round, goes to the account (or comes from it): insurance would else pay the
    /// whole deficit for slices of a lot each, and leave the owner his book. Both round down. A bid that is not for everything
    /// must leave the account lacking less.
    pub fn price(
        &mut self,
        court: Court,
        account: &MarginAccount,
        fraction: u64,
        workspace: &mut Workspace,
    ) -> Result<()> {
        let after = court.under_witness(account, workspace)?;
        self.value = difference(self.before.equity, after.equity)?;
        let share = Ratio(fraction);
        let proportional = share.of_rounded_down(self.before.equity).map_err(margin_error)?;
        let excess = difference(self.value, proportional)?;
        let decimals = court.engine.quote_decimals;
        // Never negative: it grows from what is lacking.
        let insured = usd_to_atoms_floor(share.of_rounded_down(self.whole_payout).map_err(margin_error)?, decimals)?;
        let correction = usd_to_atoms_floor(difference(Usd::ZERO, excess)?, decimals)?;
        self.insured = u64::try_from(insured).map_err(|_| EngineError::Overflow)?;
        self.payout = insured.checked_add(correction).ok_or(EngineError::Overflow)?;
        // The account is left its share, at its marks, whatever moved; its requirement is that of the lots that are left.
        let left = AccountRisk { equity: difference(self.before.equity, proportional)?, ..after };
        let lacks_less = court.buffer_margin(&left)? > court.buffer_margin(&self.before)?;
        require!(fraction == RATIO_ONE || lacks_less, EngineError::BidWorsens);
        Ok(())
    }
}
