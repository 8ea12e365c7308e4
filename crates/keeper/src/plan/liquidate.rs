//! Starts, bids and stops.

use std::cmp::Reverse;

use margin_client::{Loaded, state::MarginAccount};
use margin_core::portfolio::AccountRisk;
use margin_engine::{
    constants::RATIO_ONE,
    risk::{Workspace, usd_to_atoms_ceil, usd_to_atoms_floor},
};

use super::{Action, ActionKind, Busy, Own, Settings, cost::unwinding};
use crate::{
    health::{Health, Judge},
    program::{self, BidOutcome, evaluate_bid},
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

pub(super) fn actions(store: &Store, judge: &Judge, own: &Own, settings: &Settings, busy: &Busy) -> Vec<Action> {
    let mut workspace = Workspace::new();
    let mut bidder = store.account(&own.account).filter(|account| !account.in_liquidation());
    let mut candidates = candidates(store, judge, own, settings, busy);
    let mut actions = stops(store, judge, settings, busy);
    for candidate in &mut candidates {
        candidate.sized = bidder.as_ref().and_then(|bidder| size(judge, bidder, candidate, settings, &mut workspace));
    }
    candidates.sort_by_key(|candidate| {
        (Reverse(candidate.sized.as_ref().map_or(i64::MIN, |sized| sized.profit)), candidate.account.address)
    });
    let mut first = true;
    for mut candidate in candidates {
        if let Some(witness) = candidate.start.take() {
            actions.extend(start(store, judge, own, settings, &candidate, witness));
            continue;
        }
        let Some(bidder) = bidder.as_mut().filter(|_| settings.tasks.bid) else { continue };
        if !first {
            // The bids before have changed the own book.
            candidate.sized = size(judge, bidder, &candidate, settings, &mut workspace);
        }
        let Some(action) = bid(store, own, settings, bidder, &candidate) else { continue };
        first = false;
        if let Some(sized) = candidate.sized {
            *bidder = Loaded::from_state(own.account, sized.outcome.bidder);
        }
        actions.push(action);
    }
    actions
}

/// Accounts below their margin, furthest below first, as many as are looked at.
fn candidates(store: &Store, judge: &Judge, own: &Own, settings: &Settings, busy: &Busy) -> Vec<Candidate> {
    let mut found: Vec<(i128, &Entry, AccountRisk)> = store
        .entries()
        .iter()
        .filter(|entry| entry.address != own.account && !busy.contains(&entry.address))
        .filter_map(|entry| match entry.health {
            Health::Known(risk) => Some((entry, risk)),
            _ => None,
        })
        .filter(|(entry, risk)| {
            if entry.in_liquidation { !program::recovered(judge.engine, risk) } else { !risk.safe() }
        })
        .map(|(entry, risk)| (risk.equity.0.saturating_sub(risk.maintenance_margin.0), entry, risk))
        .collect();
    found.sort_unstable_by_key(|(surplus, entry, _)| (*surplus, entry.address));
    found.truncate(settings.most_candidates);
    found
        .into_iter()
        .filter_map(|(_, entry, risk)| {
            let account = Loaded::from_state(entry.address, entry.account());
            let (start, flagged) = if entry.in_liquidation {
                (None, entry.account())
            } else {
                let witness = judge.witness(&account).ok()?;
                let flagged = program::started(&account, witness.as_deref(), judge.now());
                (Some(witness), flagged)
            };
            Some(Candidate { account, risk, start, flagged, sized: None })
        })
        .collect()
}

/// The largest share that leaves the own account with its margin and the reserve.
fn size(
    judge: &Judge,
    bidder: &MarginAccount,
    candidate: &Candidate,
    settings: &Settings,
    workspace: &mut Workspace,
) -> Option<Sized> {
    // The program refuses a bid on an account of the same owner.
    if bidder.owner == candidate.account.owner {
        return None;
    }
    let mut attempt = |fraction: u64| {
        let outcome = evaluate_bid(judge, bidder, &candidate.flagged, fraction, workspace).ok()?;
        affordable(&outcome.bidder_risk, settings).then_some(outcome)
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
    let unwinding = unwinding(judge, bidder, &outcome.bidder, settings);
    let profit = outcome
        .value
        .saturating_sub(outcome.price)
        .saturating_sub(unwinding)
        .saturating_sub(settings.transaction_cost);
    Some(Sized { outcome, profit })
}

/// Initial margin and the reserve.
fn affordable(risk: &AccountRisk, settings: &Settings) -> bool {
    let reserve = risk.initial_margin.0.max(0).saturating_mul(i128::from(settings.margin_reserve)) / i128::from(RATIO_ONE);
    risk.equity.0 >= risk.initial_margin.0.saturating_add(reserve)
}

fn start(
    store: &Store,
    judge: &Judge,
    own: &Own,
    settings: &Settings,
    candidate: &Candidate,
    witness: Option<Vec<u8>>,
) -> Option<Action> {
    if !settings.tasks.start {
        return None;
    }
    let (account, decimals) = (&candidate.account, judge.engine.quote_decimals);
    let instruction =
        program::start(store.markets.directory(), store.engine_address(), own.signer, account, witness.as_deref());
    let worth = candidate.sized.as_ref().map_or(0, |sized| sized.profit).max(0);
    Some(Action {
        kind: ActionKind::Start {
            equity: usd_to_atoms_floor(candidate.risk.equity, decimals).ok()?,
            maintenance_margin: usd_to_atoms_ceil(candidate.risk.maintenance_margin, decimals).ok()?,
            witness,
        },
        subject: account.address,
        expected_profit: worth.saturating_sub(settings.transaction_cost),
        instructions: vec![instruction.ok()?],
    })
}

fn bid(
    store: &Store,
    own: &Own,
    settings: &Settings,
    bidder: &Loaded<MarginAccount>,
    candidate: &Candidate,
) -> Option<Action> {
    let Sized { outcome, profit } = candidate.sized.as_ref()?;
    let spare = profit.checked_sub(settings.minimum_profit).filter(|spare| *spare >= 0)?;
    let BidOutcome { fraction, value, price, .. } = *outcome;
    // At the value that was planned with, a higher price would leave less than the least profit.
    let price_limit = price.saturating_add(spare);
    let directory = store.markets.directory();
    let instruction = program::bid(
        directory,
        store.engine_address(),
        own.signer,
        bidder,
        &candidate.account,
        fraction,
        price_limit,
    );
    Some(Action {
        kind: ActionKind::Bid { fraction, value, price, price_limit },
        subject: candidate.account.address,
        expected_profit: *profit,
        instructions: vec![instruction.ok()?],
    })
}

/// Accounts in liquidation that the program would release.
fn stops(store: &Store, judge: &Judge, settings: &Settings, busy: &Busy) -> Vec<Action> {
    if !settings.tasks.stop {
        return Vec::new();
    }
    let recovered = store.entries().iter().filter(|entry| {
        let recovered = matches!(&entry.health, Health::Known(risk) if program::recovered(judge.engine, risk));
        entry.in_liquidation && recovered && !busy.contains(&entry.address)
    });
    recovered
        .filter_map(|entry| {
            let account = Loaded::from_state(entry.address, entry.account());
            Some(Action {
                kind: ActionKind::Stop,
                subject: entry.address,
                expected_profit: settings.transaction_cost.saturating_neg(),
                instructions: vec![
                    program::stop(store.markets.directory(), store.engine_address(), &account).ok()?,
                ],
            })
        })
        .collect()
}
