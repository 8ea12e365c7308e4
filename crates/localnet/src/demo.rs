//! The whole path once: market, trades, reports, crash, liquidation, books.
//!
//! [`run`] returns what happened and never decides whether it should have: [`Outcome::expectations`] does, so that
//! the command, the tests and a reader apply the same list.

use std::path::Path;

use margin_client::MarginReport;

use crate::audit::{Audit, audit};
use crate::books::{self, Strategy};
use crate::keeper::{Keeper, margin_check};
use crate::market::{Crash, Snapshot};
use crate::narrate::Narrator;
use crate::replay::{Hour, Stage};
use crate::report::{AccountReport, account_report};
use crate::seed::seed;
use crate::traders::Trader;
use crate::venue::Venue;
use crate::{Network, Result, Sender};

/// The market, its people, and a connection.
pub struct Demo {
    pub sender: Sender,
    pub venue: Venue,
    pub market: Snapshot,
    pub crash: Crash,
    pub maker: Trader,
    pub keeper: Trader,
    pub hedged: Trader,
    pub naked: Trader,
    pub borrower: Trader,
}

/// What happened.
pub struct Outcome {
    /// Margin reports after the trades, of the hedged and the naked trader.
    pub opened: [AccountReport; 2],
    pub hours: Vec<Hour>,
    /// Margin at the end.
    pub closed: Closed,
    /// The books before the crash and after it.
    pub audits: [Audit; 2],
    pub interest: Interest,
}

/// Interest on cash over the crash, whole quote atoms.
pub struct Interest {
    /// What the borrower paid.
    pub paid: i128,
    /// What everyone else earned.
    pub earned: i128,
}

/// Everyone's margin at the end.
pub struct Closed {
    pub maker: MarginReport,
    pub keeper: MarginReport,
    pub hedged: MarginReport,
    pub naked: MarginReport,
}

/// Numbers of the watched accounts in [`Hour::before`].
pub const HEDGED: usize = 0;
pub const NAKED: usize = 1;

impl Demo {
    /// Sets the network's clock to the market's date, builds the market and opens everyone's account.
    pub fn prepare(network: &Network, program: &Path) -> Result<Self> {
        let sender = Sender::new(network);
        let (market, crash) = (Snapshot::committed()?, Crash::committed()?);
        network.set_time(market.time)?;
        let venue = seed(&sender, program, &market)?;
        let open = |name, funds| Trader::open(&sender, &venue, name, funds);
        let maker = open("maker", books::MAKER_FUNDS)?;
        let keeper = open("keeper", books::KEEPER_FUNDS)?;
        let hedged = open("hedged", books::TRADER_FUNDS)?;
        let naked = open("naked", books::TRADER_FUNDS)?;
        let borrower = open("borrower", books::BORROWER_FUNDS)?;
        borrower.borrow(&sender, &venue, books::BORROWED)?;
        Ok(Self { sender, venue, market, crash, maker, keeper, hedged, naked, borrower })
    }

    /// Trades a trader's strategies with the maker, one transaction each.
    pub fn trade(&self, trader: &Trader, strategies: &[Strategy], out: &mut Narrator) -> Result<()> {
        for strategy in strategies {
            let (signature, legs) =
                trader.trade(&self.sender, &self.venue, &self.market, &self.maker, strategy.orders)?;
            out.trade(&self.venue, trader, strategy, &legs, &signature)?;
        }
        Ok(())
    }

    /// Everyone, in the order of the final table, and the borrower.
    pub fn people(&self) -> [&Trader; 5] {
        [&self.hedged, &self.naked, &self.maker, &self.keeper, &self.borrower]
    }

    /// Plays the crash, `stride` hours at a time; the last hour is always played.
    pub fn replay(
        &self,
        network: &Network,
        stride: usize,
        mut each: impl FnMut(&Hour) -> Result<()>,
    ) -> Result<Vec<Hour>> {
        let watched = [&self.hedged, &self.naked];
        let stage = Stage {
            network,
            sender: &self.sender,
            venue: &self.venue,
            base: &self.market,
            crash: &self.crash,
            watched: &watched,
        };
        let mut keeper = Keeper::connect(network, &self.venue, &self.keeper)?;
        let last = self.crash.hours();
        let mut hours = Vec::new();
        for hour in (1..=last).filter(|hour| hour.is_multiple_of(stride.max(1)) || *hour == last) {
            let played = stage.play(hour, &mut keeper)?;
            each(&played)?;
            hours.push(played);
        }
        Ok(hours)
    }

    /// Settles everyone's interest with the pool.
    pub fn settle_interest(&self) -> Result<Interest> {
        let mut interest = Interest { paid: 0, earned: 0 };
        for trader in self.people() {
            let cash = || -> Result<i128> { Ok(trader.fetch(&self.sender, &self.venue)?.cash_atoms_floor()) };
            let before = cash()?;
            self.venue.sync_cash(&self.sender, trader.account)?;
            let change = cash()? - before;
            if trader.account == self.borrower.account {
                interest.paid = -change;
            } else {
                interest.earned += change;
            }
        }
        Ok(interest)
    }

    /// Everyone's margin now.
    pub fn closed(&self) -> Result<Closed> {
        let check = |trader| margin_check(&self.sender, &self.venue, trader);
        Ok(Closed {
            maker: check(&self.maker)?,
            keeper: check(&self.keeper)?,
            hedged: check(&self.hedged)?,
            naked: check(&self.naked)?,
        })
    }
}

/// Trades, reports, replays and audits, telling the narrator as it goes.
pub fn run(network: &Network, demo: &Demo, stride: usize, out: &mut Narrator) -> Result<Outcome> {
    out.heading("Trades")?;
    demo.trade(&demo.hedged, &books::HEDGED, out)?;
    demo.trade(&demo.naked, &books::NAKED, out)?;

    out.heading("Margin reports")?;
    let report = |trader| account_report(&demo.sender, &demo.venue, trader);
    let opened = [report(&demo.hedged)?, report(&demo.naked)?];
    for page in &opened {
        out.page(page, &demo.venue)?;
    }
    let before = audit(&demo.sender, &demo.venue)?;

    out.heading("Crash")?;
    out.crash_heading()?;
    let hours = demo.replay(network, stride, |hour| out.hour(demo, hour))?;

    let (closed, interest) = (demo.closed()?, demo.settle_interest()?);
    let outcome = Outcome { opened, hours, closed, audits: [before, audit(&demo.sender, &demo.venue)?], interest };
    out.heading("Summary")?;
    out.summary(demo, &outcome)?;
    Ok(outcome)
}
