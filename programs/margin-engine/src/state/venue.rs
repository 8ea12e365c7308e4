use anchor_lang::prelude::*;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    error::EngineError,
    state::{MarginAccount, assert_layout},
};

/// A program whose authority may settle fills for the accounts that approved it.
///
/// PDA of `["venue", engine, authority]`.
#[account(zero_copy)]
#[derive(Debug)]
#[repr(C)]
pub struct Venue {
    pub version: u8,
    pub bump: u8,
    /// 1 while it may settle.
    pub enabled: u8,
    pub _padding: [u8; 5],
    pub engine: Pubkey,
    /// Signs its settlements; usually a PDA of the venue's program.
    pub authority: Pubkey,
    /// Its program, whose instructions may stand between `checks_begin` and `checks_end`; the default address: none.
    pub program: Pubkey,
    pub _reserved: [u8; 32],
}
assert_layout!(Venue, 136);

/// What an account allows a venue to do.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct VenueApproval {
    /// The venue's authority; the default address: the entry is free.
    pub authority: Pubkey,
    pub limits: VenueLimits,
}
assert_layout!(VenueApproval, 56);

/// Limits of a venue in one account.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct VenueLimits {
    /// One bit for each underlying that it may trade.
    pub underlyings: u64,
    /// precision: quote atoms. Notional that it may still trade, at index prices; every fill uses it up.
    pub notional: u64,
    /// Unix seconds; from then on it settles nothing.
    pub expires_at: i64,
}
assert_layout!(VenueLimits, 24);

impl MarginAccount {
    /// Sets the limits of a venue; limits without notional end its approval.
    pub fn approve_venue(&mut self, authority: Pubkey, limits: VenueLimits) -> Result<()> {
        let ends = limits.notional == 0;
        let of = |wanted: Pubkey| self.approvals.iter().position(|approval| approval.authority == wanted);
        match of(authority).or_else(|| if ends { None } else { of(Pubkey::default()) }) {
            Some(at) if ends => self.approvals[at] = VenueApproval::default(),
            Some(at) => self.approvals[at] = VenueApproval { authority, limits },
            None => require!(ends, EngineError::ApprovalTableFull),
        }
        Ok(())
    }

    /// What the account lets a venue do; all zero where it has not approved it.
    pub fn venue_limits(&self, authority: &Pubkey) -> VenueLimits {
        self.approvals
            .iter()
            .find(|approval| approval.authority == *authority)
            .map_or_else(Default::default, |a| a.limits)
    }

    /// Uses up `notional` of what the account lets a venue trade in an underlying.
    pub fn spend_approval(&mut self, authority: &Pubkey, underlying: u16, notional: u64, now: i64) -> Result<()> {
        let approval = self.approvals.iter_mut().find(|approval| approval.authority == *authority);
        let limits = &mut approval.ok_or(EngineError::VenueNotApproved)?.limits;
        require!(now < limits.expires_at, EngineError::ApprovalExpired);
        let bit = 1u64.checked_shl(u32::from(underlying)).unwrap_or(0);
        require!(limits.underlyings & bit != 0, EngineError::ApprovalUnderlying);
        limits.notional = limits.notional.checked_sub(notional).ok_or(EngineError::ApprovalNotional)?;
        Ok(())
    }
}
