use margin_engine::{accounts, instruction, state::VenueLimits};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

use super::{FillSettleArgs, SYSTEM_PROGRAM, instruction as build};
use crate::addresses::{self, PROGRAM_ID, event_authority};

/// Registers a venue. `admin` signs and pays.
#[derive(Clone, Copy, Debug)]
pub struct VenueAdd {
    pub admin: Pubkey,
    pub engine: Pubkey,
    /// Will sign the venue's settlements.
    pub authority: Pubkey,
    /// The venue's program; the default address: none whose instructions may stand among deferred checks.
    pub program: Pubkey,
}

impl VenueAdd {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::VenueAdd {
            admin: self.admin,
            engine: self.engine,
            venue: addresses::venue(&self.engine, &self.authority),
            system_program: SYSTEM_PROGRAM,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::VenueAdd { authority: self.authority, venue_program: self.program }, &[])
    }
}

/// Lets a registered venue settle, or no longer. `admin` signs.
#[derive(Clone, Copy, Debug)]
pub struct VenueEnable {
    pub admin: Pubkey,
    pub engine: Pubkey,
    pub authority: Pubkey,
    pub enabled: bool,
}

impl VenueEnable {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::VenueEnable {
            admin: self.admin,
            engine: self.engine,
            venue: addresses::venue(&self.engine, &self.authority),
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::VenueEnable { enabled: self.enabled }, &[])
    }
}

/// Lets a venue trade for an account. `owner` signs.
#[derive(Clone, Copy, Debug)]
pub struct VenueApprove {
    pub owner: Pubkey,
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// The venue's.
    pub authority: Pubkey,
    /// Without notional: the approval ends.
    pub limits: VenueLimits,
}

impl VenueApprove {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::VenueApprove {
            owner: self.owner,
            margin_account: self.margin_account,
            venue: addresses::venue(&self.engine, &self.authority),
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::VenueApprove { limits: self.limits }, &[])
    }
}

/// Settles fills of a venue, whose authority signs: usually its program, by CPI.
#[derive(Clone, Debug)]
pub struct FillSettle {
    /// The venue's.
    pub authority: Pubkey,
    pub engine: Pubkey,
    /// In the order by which the fills number them.
    pub margin_accounts: Vec<Pubkey>,
    /// Their number is filled in.
    pub args: FillSettleArgs,
    /// From [`MarketDirectory::for_fills`](crate::MarketDirectory::for_fills).
    pub markets: Vec<AccountMeta>,
}

impl FillSettle {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::FillSettle {
            authority: self.authority,
            venue: addresses::venue(&self.engine, &self.authority),
            engine: self.engine,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        // More than 255 accounts no transaction holds, and the program takes eight.
        let count = u8::try_from(self.margin_accounts.len()).unwrap_or(u8::MAX);
        let mut rest: Vec<_> = self.margin_accounts.into_iter().map(|key| AccountMeta::new(key, false)).collect();
        rest.extend(self.markets);
        let args = FillSettleArgs { accounts: count, ..self.args };
        build(&accounts, &instruction::FillSettle { args }, &rest)
    }
}
