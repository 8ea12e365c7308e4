//! What anyone may do for everyone: settlement prices, settlements, funding, prices of tokens that are said to have none.

use std::collections::BTreeMap;

use margin_client::{
    Loaded,
    instructions::{FundingUpdate, PositionSettle, PriceAnswer},
    margin::{PriceUse, PriceView, read_price},
    settlement::{ACCOUNTS_IN_SETTLEMENT, SettlementStep, settlement_steps},
    state::{MarginAccount, OracleConfig, Underlying},
};
use solana_pubkey::Pubkey;

use super::{Action, ActionKind, Busy, Own, Settings};
use crate::store::Store;

pub(super) fn actions(store: &Store, own: &Own, settings: &Settings, busy: &Busy, now: i64) -> Vec<Action> {
    let mut actions = Vec::new();
    let cost = settings.transaction_cost.saturating_neg();
    if settings.tasks.settle {
        actions.extend(settlements(store, own, settings, busy, now));
    }
    for underlying in store.markets.underlyings().filter(|underlying| !busy.contains(&underlying.address)) {
        let price = price(store, &underlying.oracle, PriceUse::RaiseRisk, now);
        if settings.tasks.settle {
            actions.extend(prices(underlying, price, own, cost, now));
        }
        if let Some((price, _)) = price.filter(|_| settings.tasks.fund && funding_is_due(underlying, settings, now)) {
            actions.push(Action {
                kind: ActionKind::Fund,
                subject: underlying.address,
                expected_profit: cost,
                instructions: vec![FundingUpdate { underlying: underlying.address, price }.instruction()],
            });
        }
    }
    if settings.tasks.answer {
        actions.extend(answers(store, own, busy, now));
    }
    actions
}

/// The price account, if it is good enough for its use.
fn price(store: &Store, oracle: &OracleConfig, usage: PriceUse, now: i64) -> Option<(Pubkey, PriceView)> {
    let (address, account) = store.markets.price(oracle)?;
    let view = read_price(oracle, address, account, usage, now).ok()?;
    Some((address, view))
}

/// Prices of tokens that are said to have none.
fn answers(store: &Store, own: &Own, busy: &Busy, now: i64) -> Vec<Action> {
    let challenged = store.markets.collaterals().filter(|token| token.challenge.since != 0);
    let answerable = challenged.filter(|token| !busy.contains(&token.address)).filter_map(|token| {
        let (price, _) = price(store, &token.oracle, PriceUse::Liquidation, now)?;
        let answer = PriceAnswer { answerer: own.signer, collateral: token.address, price };
        Some(Action {
            kind: ActionKind::Answer { bond: token.challenge.bond },
            subject: token.address,
            expected_profit: 0,
            instructions: vec![answer.instruction()],
        })
    });
    answerable.collect()
}

/// The samples that are due and the prices that can be made final. One transaction an underlying: they build on each other.
fn prices(
    underlying: &Loaded<Underlying>,
    price: Option<(Pubkey, PriceView)>,
    own: &Own,
    cost: i64,
    now: i64,
) -> Vec<Action> {
    let steps = settlement_steps(underlying, price, &[], &own.account, now);
    let mut actions: Vec<Action> = Vec::new();
    for step in steps {
        let (expiry, kind) = match &step {
            SettlementStep::Sample(sample) => (sample.expiry, ActionKind::Sample { expiry: sample.expiry }),
            SettlementStep::Finalise(step) => (step.expiry, ActionKind::Finalise { expiry: step.expiry }),
            SettlementStep::Settle(_) => continue,
        };
        let same = actions.last_mut().filter(|action| match action.kind {
            ActionKind::Sample { expiry: before } | ActionKind::Finalise { expiry: before } => before == expiry,
            _ => false,
        });
        match same {
            Some(action) => {
                action.kind = kind;
                action.instructions.push(step.instruction());
            }
            None => actions.push(Action {
                kind,
                subject: underlying.address,
                expected_profit: cost,
                instructions: vec![step.instruction()],
            }),
        }
    }
    actions
}

/// Positions in final series, as many accounts a transaction as fit it. Rewards are paid by accounts that are not in
/// liquidation, from cash that they have; what this keeper's own account pays itself is nothing.
fn settlements(store: &Store, own: &Own, settings: &Settings, busy: &Busy, now: i64) -> Vec<Action> {
    let mut holders: BTreeMap<(u16, i64), Vec<(Pubkey, i64)>> = BTreeMap::new();
    let mut memory: Box<MarginAccount> = bytemuck::zeroed_box();
    for entry in store.entries().iter().filter(|entry| entry.first_expiry <= now && !busy.contains(&entry.address)) {
        entry.account_into(&mut memory);
        let mut last = None;
        for position in memory.positions().iter().filter(|position| position.expiry > 0 && position.expiry <= now) {
            let series = (position.underlying, position.expiry);
            if last == Some(series) {
                continue;
            }
            last = Some(series);
            let pays = entry.address != own.account && !entry.in_liquidation && position.lots != 0;
            let cash = i64::try_from(memory.cash().to_bits() >> 48).unwrap_or(0).max(0);
            holders.entry(series).or_default().push((entry.address, if pays { cash } else { 0 }));
        }
    }
    let mut actions = Vec::new();
    for ((index, expiry), accounts) in holders {
        let Some(underlying) = store.markets.underlying(index) else { continue };
        if underlying.expiry(expiry).is_none_or(|slot| slot.finalised == 0) {
            continue;
        }
        let reward = i64::try_from(underlying.trading.settler_reward).unwrap_or(i64::MAX);
        for part in accounts.chunks(ACCOUNTS_IN_SETTLEMENT) {
            let rewards = part.iter().fold(0i64, |sum, (_, cash)| sum.saturating_add(reward.min(*cash)));
            let margin_accounts: Vec<Pubkey> = part.iter().map(|(address, _)| *address).collect();
            let Some(subject) = margin_accounts.first().copied() else { continue };
            let settle = PositionSettle {
                engine: store.engine_address(),
                underlying: underlying.address,
                settler_account: own.account,
                expiry,
                margin_accounts,
            };
            actions.push(Action {
                kind: ActionKind::Settle { expiry, accounts: part.len() },
                subject,
                expected_profit: rewards.saturating_sub(settings.transaction_cost),
                instructions: vec![settle.instruction()],
            });
        }
    }
    actions
}

/// Whether the index of a perpetual has to grow and has not for the interval.
fn funding_is_due(underlying: &Underlying, settings: &Settings, now: i64) -> bool {
    let funding = &underlying.perpetual.funding;
    funding.premium != 0 && now.saturating_sub(funding.accrued_at) >= settings.funding_interval
}
