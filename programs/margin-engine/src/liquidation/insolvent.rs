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
        Ok(Self { before, whole_payout, value: Usd::ZERO, payout: 0 })
    }

    /// After the slice has left: the fraction's share of the payout, corrected by what the slice is worth beyond (or short of)
    /// its share of the account, since lots round; rounded down. A bid that is not for everything must leave the
    /// account lacking less.
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
        let payout = share.of_rounded_down(self.whole_payout).map_err(margin_error)?;
        let payout = difference(payout, excess)?;
        self.payout = usd_to_atoms_floor(payout, court.engine.quote_decimals)?;
        let lacks_less = court.buffer_margin(&after)? > court.buffer_margin(&self.before)?;
        require!(fraction == RATIO_ONE || lacks_less, EngineError::BidWorsens);
        Ok(())
    }
}
