//! Starts, bids, and what keeps a liquidation going.

use std::cmp::Reverse;

use margin_client::{Loaded, state::MarginAccount};
use margin_core::portfolio::AccountRisk;
use margin_engine::{
    constants::RATIO_ONE,
    risk::{Workspace, usd_to_atoms_ceil, usd_to_atoms_floor},
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{Action, ActionKind, Busy, Own, Settings, cost::unwinding};
use crate::{
    health::{Health, Judge},
    program::{self, Addresses, BidOutcome, evaluate_bid},
    store::{Entry, Store},
};

/// Halvings of the range in which the largest affordable share is searched: to a thousandth of it.
const SEARCH_STEPS: u32 = 10;

/// An account that can be liquidated, and what a bid on it would bring.
struct Candidate {
    account: Loaded<MarginAccount>,
    risk: AccountRisk,
    /// The witness with which it can be started; only if it is not in liquidation yet.
    start: Option<Option<Vec<u8>>>,
    /// The account as the bid would find it.
    flagged: Box<MarginAccount>,
    sized: Option<Sized>,
}

/// A bid that the keeper can afford.
struct Sized {
    outcome: BidOutcome,
    profit: i64,
}

/// What all of it depends on.
struct Planner<'a> {
    judge: &'a Judge<'a>,
    addresses: Addresses<'a>,
    own: &'a Own,
    settings: &'a Settings,
}

pub(super) fn actions(store: &Store, judge: &Judge, own: &Own, settings: &Settings, busy: &Busy) -> Vec<Action> {
    let quote = store.markets.collaterals().find(|token| token.is_quote()).map(|token| token.address);
    let addresses = Addresses { engine: store.engine_address(), directory: store.markets.directory(), quote };
    let planner = Planner { judge, addresses, own, settings };
    let mut workspace = Workspace::new();
    let mut bidder = store.account(&own.account).filter(|account| !account.in_liquidation());
    let mut actions = Vec::new();
    let mut candidates = Vec::new();
    for (entry, risk) in below_margin(store, own, settings, busy) {
        match planner.look_at(entry, risk, &mut workspace) {
            Look::Candidate(candidate) => candidates.push(candidate),
            Look::Action(action) => actions.push(action),
            Look::Nothing => {}
        }
    }
    for candidate in &mut candidates {
        candidate.sized = bidder.as_ref().and_then(|bidder| planner.size(bidder, candidate, &mut workspace));
    }
    candidates.sort_by_key(|candidate| {
        (Reverse(candidate.sized.as_ref().map_or(i64::MIN, |sized| sized.profit)), candidate.account.address)
    });
    let mut first = true;
    for mut candidate in candidates {
        if let Some(witness) = candidate.start.take() {
            actions.extend(planner.start(&candidate, witness));
            continue;
        }
        let Some(bidder) = bidder.as_mut().filter(|_| settings.tasks.bid) else { continue };
        if !first {
            // The bids before have changed the own book.
            candidate.sized = planner.size(bidder, &candidate, &mut workspace);
        }
        let Some(action) = planner.bid(bidder, &candidate) else { continue };
        first = false;
        if let Some(sized) = candidate.sized {
            *bidder = Loaded::from_state(own.account, sized.outcome.bidder);
        }
        actions.push(action);
    }
    actions
}

/// Accounts below their margin and those in liquidation, furthest below first, as many as are looked at.
fn below_margin<'a>(store: &'a Store, own: &Own, settings: &Settings, busy: &Busy) -> Vec<(&'a Entry, AccountRisk)> {
    let known = store.entries().iter().filter_map(|entry| match entry.health {
        Health::Known(risk) if entry.in_liquidation || !risk.safe() => Some((entry, risk)),
        _ => None,
    });
    let mut found: Vec<_> =
        known.filter(|(entry, _)| entry.address != own.account && !busy.contains(&entry.address)).collect();
    let surplus = |risk: &AccountRisk| risk.equity.0.saturating_sub(risk.maintenance_margin.0);
    found.sort_unstable_by_key(|(entry, risk)| (surplus(risk), entry.address));
    found.truncate(settings.most_candidates);
    found
}

/// What an account asks for.
enum Look {
    Candidate(Candidate),
    Action(Action),
    Nothing,
}

impl Planner<'_> {
    fn look_at(&self, entry: &Entry, risk: AccountRisk, workspace: &mut Workspace) -> Look {
        let account = Loaded::from_state(entry.address, entry.account());
        if program::bankrupt(&account) {
            let wanted = self.settings.tasks.start;
            let resolve = self.addresses.resolve(&account).filter(|_| wanted);
            return self.free(ActionKind::Resolve, entry.address, resolve);
        }
        if !entry.in_liquidation {
            let prepared = self.judge.witness(&account).and_then(|witness| {
                let flagged = program::started(self.judge, &account, witness.as_deref())?;
                Ok((witness, flagged))
            });
            return match prepared {
                Ok((witness, flagged)) => {
                    Look::Candidate(Candidate { account, risk, start: Some(witness), flagged, sized: None })
                }
                Err(_) => Look::Nothing,
            };
        }
        let Ok(standing) = program::standing(self.judge, &account, workspace) else { return Look::Nothing };
        if standing.recovered {
            let stop = self.addresses.stop(&account).ok().filter(|_| self.settings.tasks.stop);
            return self.free(ActionKind::Stop, entry.address, stop);
        }
        if standing.needs_witness {
            let witness = self.judge.witness(&account).unwrap_or_default();
            let replace = self.addresses.replace_witness(&account, witness.clone()).ok();
            let replace = replace.filter(|_| self.settings.tasks.start);
            return self.free(ActionKind::ReplaceWitness { witness }, entry.address, replace);
        }
        if standing.needs_conversion {
            let convert = self.addresses.convert(&account).ok().filter(|_| self.settings.tasks.start);
            return self.free(ActionKind::Convert, entry.address, convert);
        }
        Look::Candidate(Candidate { account, risk, start: None, flagged: entry.account(), sized: None })
    }

    /// An action that pays nobody.
    fn free(&self, kind: ActionKind, subject: Pubkey, instruction: Option<Instruction>) -> Look {
        let Some(instruction) = instruction else { return Look::Nothing };
        let expected_profit = self.settings.transaction_cost.saturating_neg();
        Look::Action(Action { kind, subject, expected_profit, instructions: vec![instruction] })
    }

    /// The largest share that leaves the own account with its margin and the reserve.
    fn size(&self, bidder: &MarginAccount, candidate: &Candidate, workspace: &mut Workspace) -> Option<Sized> {
        // The program refuses a bid on an account of the same owner.
        if bidder.owner == candidate.account.owner {
            return None;
        }
        let mut attempt = |fraction: u64| {
            let outcome = evaluate_bid(self.judge, bidder, &candidate.flagged, fraction, workspace).ok()?;
            self.affordable(&outcome.bidder_risk).then_some(outcome)
        };
        let outcome = attempt(RATIO_ONE).or_else(|| {
            let (mut best, mut below, mut above) = (None, 0, RATIO_ONE);
            for _ in 0..SEARCH_STEPS {
                let middle = below + (above - below) / 2;
                match attempt(middle) {
                    Some(outcome) => (best, below) = (Some(outcome), middle),
                    None => above = middle,
                }
            }
            best
        })?;
        let unwinding = unwinding(self.judge, bidder, &outcome.bidder, self.settings);
        let profit = outcome
            .value
            .saturating_sub(outcome.price)
            .saturating_sub(unwinding)
            .saturating_sub(self.settings.transaction_cost);
        Some(Sized { outcome, profit })
    }

    /// Initial margin and the reserve.
    fn affordable(&self, risk: &AccountRisk) -> bool {
        let share = i128::from(self.settings.margin_reserve);
        let reserve = risk.initial_margin.0.max(0).saturating_mul(share) / i128::from(RATIO_ONE);
        risk.equity.0 >= risk.initial_margin.0.saturating_add(reserve)
    }

    fn start(&self, candidate: &Candidate, witness: Option<Vec<u8>>) -> Option<Action> {
        if !self.settings.tasks.start {
            return None;
        }
        let (account, decimals) = (&candidate.account, self.judge.engine.quote_decimals);
        let instruction = self.addresses.start(self.own.signer, account, witness.clone()).ok()?;
        let worth = candidate.sized.as_ref().map_or(0, |sized| sized.profit).max(0);
        Some(Action {
            kind: ActionKind::Start {
                equity: usd_to_atoms_floor(candidate.risk.equity, decimals).ok()?,
                maintenance_margin: usd_to_atoms_ceil(candidate.risk.maintenance_margin, decimals).ok()?,
                witness,
            },
            subject: account.address,
            expected_profit: worth.saturating_sub(self.settings.transaction_cost),
            instructions: vec![instruction],
        })
    }

    fn bid(&self, bidder: &Loaded<MarginAccount>, candidate: &Candidate) -> Option<Action> {
        let Sized { outcome, profit } = candidate.sized.as_ref()?;
        let spare = profit.checked_sub(self.settings.minimum_profit).filter(|spare| *spare >= 0)?;
        let BidOutcome { auction, fraction, legs, value, price, .. } = *outcome;
        // At the value that was planned with, a higher price would leave less than the least profit.
        let price_limit = price.saturating_add(spare);
        let instruction = self.addresses.bid(self.own.signer, bidder, &candidate.account, outcome, price_limit)?;
        Some(Action {
            kind: ActionKind::Bid { auction, fraction, partial: legs.is_some(), value, price, price_limit },
            subject: candidate.account.address,
            expected_profit: *profit,
            instructions: vec![instruction],
        })
    }
}
