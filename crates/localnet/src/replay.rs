//! The crash, hour by hour: time moves, prices and surfaces are published, the keeper makes its round.

use margin_client::MarginReport;

use crate::keeper::{Action, Keeper, margin_check};
use crate::market::{Crash, Snapshot};
use crate::traders::Trader;
use crate::venue::Venue;
use crate::{Network, Result, Sender};

/// Everyone and everything a replay moves.
pub struct Stage<'a> {
    pub network: &'a Network,
    pub sender: &'a Sender,
    pub venue: &'a Venue,
    pub base: &'a Snapshot,
    pub crash: &'a Crash,
    /// Reported every hour.
    pub watched: &'a [&'a Trader],
}

/// One hour.
pub struct Hour {
    pub hour: usize,
    /// Time of the row in the real crash.
    pub time: String,
    pub market: Snapshot,
    /// BTC volatility index, 1e-2 percent.
    pub index: u64,
    /// Of each watched account, after publication and before the keeper acts.
    pub before: Vec<MarginReport>,
    /// The same when the keeper has nothing left to do.
    pub after: Vec<MarginReport>,
    pub actions: Vec<Action>,
}

impl Stage<'_> {
    /// Publishes the market after `hour` of the crash and lets the keeper act on it.
    pub fn play(&self, hour: usize, keeper: &mut Keeper) -> Result<Hour> {
        let market = self.base.replayed(self.crash, hour)?;
        self.network.set_time(market.time)?;
        self.venue.publish(self.sender, &market, market.time)?;
        self.venue.accrue_interest(self.sender)?;
        let reports = || -> Result<Vec<_>> {
            self.watched.iter().map(|trader| margin_check(self.sender, self.venue, trader)).collect()
        };
        let before = reports()?;
        let actions = keeper.round(self.sender)?;
        let after = reports()?;
        let row = self.crash.row(hour)?;
        Ok(Hour { hour, time: row.time.clone(), market, index: row.dvol, before, after, actions })
    }
}
