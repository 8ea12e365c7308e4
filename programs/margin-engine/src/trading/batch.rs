//! A batch of fills between accounts that are each checked once.

use anchor_lang::prelude::*;

use super::{Guard, MarketRecord, PricedLeg, Side, TradeLeg};
use crate::{
    error::EngineError,
    events::{AccountChange, SettledLeg},
    oracle::PriceUse,
    risk::{Workspace, cash_atoms_floor},
    risk_accounts::RiskAccounts,
    state::{Engine, MarginAccount, PauseBits},
};

/// One account of a batch.
pub struct Party<'a> {
    pub key: Pubkey,
    pub account: &'a mut MarginAccount,
    /// It only brings positions closer to zero; in exchange it may be below its initial margin if its health does not fall.
    pub reduce_only: bool,
}

/// One leg and the numbers of its parties.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct Fill {
    pub taker: u8,
    pub maker: u8,
    pub leg: TradeLeg,
}

/// What a batch did.
pub struct Settled {
    pub legs: Vec<SettledLeg>,
    /// For each party.
    pub changes: Vec<AccountChange>,
    /// What the markets have to write down.
    pub records: Vec<MarketRecord>,
}

/// Where and when a batch is settled.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    pub engine: &'a Engine,
    pub markets: &'a RiskAccounts<'a>,
    pub now: i64,
    /// Authority of the venue that settles for accounts that approved it; `None`: the parties agreed themselves.
    pub venue: Option<Pubkey>,
}

impl Batch<'_> {
    /// Settles every fill, then checks every party once. A leg's cost is rounded up to a whole quote atom: its payer pays
    /// that, its receiver gets it.
    #[inline(never)]
    pub fn settle(&self, parties: &mut [Party], fills: &[Fill]) -> Result<Settled> {
        let Self { engine, markets, now, .. } = *self;
        engine.require_running(PauseBits::TRADING, now)?;
        let mut workspace = Workspace::new();
        let mut changes = Vec::with_capacity(parties.len());
        let mut guards = Vec::with_capacity(parties.len());
        for party in parties.iter_mut() {
            changes.push(AccountChange {
                account: party.key,
                cash_before: cash_atoms_floor(party.account.cash())?,
                ..Default::default()
            });
            party.account.accrue_interest(engine, now)?;
            guards.push(Guard::new(party.account, party.reduce_only, markets, engine, now, &mut workspace)?);
        }

        let mut legs = Vec::with_capacity(fills.len());
        let mut records = Vec::with_capacity(fills.len());
        for fill in fills {
            let leg = PricedLeg::new(&fill.leg, markets, engine.quote_decimals, PriceUse::RaiseRisk, now)?;
            let mut record = MarketRecord::new(&leg);
            for (side, number) in [(Side::Taker, fill.taker), (Side::Maker, fill.maker)] {
                let number = usize::from(number);
                let party = parties.get_mut(number).ok_or(EngineError::FillAccount)?;
                if let Some(authority) = &self.venue {
                    party.account.spend_approval(authority, leg.instrument.underlying, leg.notional, now)?;
                }
                guards[number].admit(party.account, &leg.instrument, leg.lots_of(side))?;
                let effect = leg.settle(party.account, side)?;
                changes[number].funding = changes[number].funding.saturating_add(effect.funding);
                record.count(effect.opened)?;
            }
            records.push(record);
            legs.push(SettledLeg::new(&leg, fill.taker, fill.maker));
        }

        for ((party, guard), change) in parties.iter_mut().zip(&guards).zip(&mut changes) {
            party.account.count_change()?;
            guard.release(party.account, markets, engine, now, &mut workspace)?;
            change.cash_after = cash_atoms_floor(party.account.cash())?;
        }
        Ok(Settled { legs, changes, records })
    }
}
