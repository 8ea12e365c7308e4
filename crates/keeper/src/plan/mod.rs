//! What to do, best first: a pure function of what is known.
//!
//! [`plan`] reads a [`Store`] whose healths are computed and a [`View`] of the same moment, and returns [`Action`]s by falling
//! expected profit. It asks nobody, keeps nothing and draws no lots: the same input gives the same plan, in a test, in a
//! simulation and on a live chain.
//!
//! # Expected profit
//! Of a bid: what the slice is worth at its marks − the price − the cost of unwinding it − the cost of the transaction. The
//! cost of unwinding is a share of the notional by which the keeper's *own* positions would grow: what offsets positions
//! that it holds need not be unwound. A start pays nothing by itself; it is worth the bid that it makes possible.
//! A settlement earns the rewards of its accounts. What serves everyone and pays nobody (samples, funding) costs a fee. An answer's
//! bond is paid in lamports, many times its fee, and counts as nothing here.
//!
//! # Own margin
//! A bid is sized so that the keeper's account, with the slice merged into it, keeps initial margin and a reserve above it,
//! by the same code that the program will run. Bids of one plan build on each other: the second is sized on the book that the
//! first leaves behind, so that all of them can be sent at once.

mod cost;
mod liquidate;
mod upkeep;

use std::collections::HashSet;

use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use crate::{
    health::{NoView, View},
    program::Auction,
    store::Store,
};

/// How a keeper decides. Amounts in quote atoms, shares in 1e-9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Least expected profit of a bid or a settlement.
    pub minimum_profit: i64,
    /// Cost of unwinding perpetuals and futures, as a share of their notional at the index.
    pub unwind_linear: u64,
    /// The same of options.
    pub unwind_option: u64,
    /// What a transaction costs.
    pub transaction_cost: i64,
    /// What the own account keeps above initial margin, as a share of it.
    pub margin_reserve: u64,
    /// Most accounts that are looked at for bids in one plan: those furthest below their margin.
    pub most_candidates: usize,
    /// Most actions in one plan.
    pub most_actions: usize,
    pub tasks: Tasks,
    /// Seconds between two funding updates of a perpetual.
    pub funding_interval: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            minimum_profit: 1_000_000,
            unwind_linear: 500_000,
            unwind_option: 1_000_000,
            transaction_cost: 2_000,
            margin_reserve: 50_000_000,
            most_candidates: 64,
            most_actions: 16,
            tasks: Tasks::default(),
            funding_interval: 3_600,
        }
    }
}

/// What a keeper takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tasks {
    /// Start liquidations, also those that this keeper cannot afford: the clock of their price starts to run. And keep them
    /// going: replace witnesses, switch auctions, resolve bankruptcies.
    pub start: bool,
    pub bid: bool,
    /// Release accounts that have recovered.
    pub stop: bool,
    /// Sample and finalise settlement prices, and settle positions.
    pub settle: bool,
    /// Bring the funding of perpetuals up to date.
    pub fund: bool,
    /// Bring prices against claims that there is none, for the bond.
    pub answer: bool,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { start: true, bid: true, stop: true, settle: true, fund: true, answer: true }
    }
}

/// Whose keeper it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// Signs and pays fees.
    pub signer: Pubkey,
    /// Its margin account: bids with it and receives rewards.
    pub account: Pubkey,
}

/// Something to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub kind: ActionKind,
    /// The margin account, the underlying or the token that it is about.
    pub subject: Pubkey,
    /// precision: quote atoms.
    pub expected_profit: i64,
    pub instructions: Vec<Instruction>,
}

/// What an action does. Amounts in quote atoms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionKind {
    Start {
        equity: i64,
        maintenance_margin: i64,
        /// Worst scenario of each underlying; `None`: the account is evaluated in full.
        witness: Option<Vec<u8>>,
    },
    /// Judge an account under a witness that demands more: under its own nobody can bid any more.
    ReplaceWitness {
        witness: Option<Vec<u8>>,
    },
    /// Switch to the auction that the account belongs into.
    Convert,
    Bid {
        auction: Auction,
        /// precision: 1e-9.
        fraction: u64,
        /// Only the positions that the own account has room for.
        partial: bool,
        value: i64,
        /// Negative: the bidder is paid.
        price: i64,
        price_limit: i64,
    },
    Stop,
    /// Have the debt of an account that holds nothing else paid.
    Resolve,
    Sample {
        expiry: i64,
    },
    Finalise {
        expiry: i64,
    },
    Settle {
        expiry: i64,
        accounts: usize,
    },
    Fund,
    /// End a claim that a token has no price.
    Answer {
        /// precision: lamports.
        bond: u64,
    },
}

impl ActionKind {
    /// Short name, for metrics and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Bid { .. } => "bid",
            Self::ReplaceWitness { .. } => "replace_witness",
            Self::Convert => "convert",
            Self::Stop => "stop",
            Self::Resolve => "resolve",
            Self::Sample { .. } => "sample",
            Self::Finalise { .. } => "finalise",
            Self::Settle { .. } => "settle",
            Self::Fund => "fund",
            Self::Answer { .. } => "answer",
        }
    }

    /// Whether it uses the keeper's own margin.
    #[must_use]
    pub fn uses_margin(&self) -> bool {
        matches!(self, Self::Bid { .. })
    }
}

/// What is left alone: accounts, underlyings and tokens about which something is under way or has just failed.
pub type Busy = HashSet<Pubkey>;

/// What to do now, by falling expected profit.
///
/// `view` is of [`PriceUse::Liquidation`](margin_client::margin::PriceUse) and as new as the healths in `store`.
pub fn plan(store: &Store, view: &View, own: &Own, settings: &Settings, busy: &Busy) -> Result<Vec<Action>, NoView> {
    let mut actions = view.with(|judge| liquidate::actions(store, judge, own, settings, busy))?;
    actions.extend(upkeep::actions(store, own, settings, busy, view.now()));
    actions.sort_by(|a, b| b.expected_profit.cmp(&a.expected_profit).then(a.subject.cmp(&b.subject)));
    actions.truncate(settings.most_actions);
    Ok(actions)
}

#[cfg(test)]
mod tests;
