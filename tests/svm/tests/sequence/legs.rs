//! Legs at random: old positions and new ones, near the mark and off it.

use margin_client::{
    instructions::TradeLeg,
    margin::{PriceUse, Snapshot},
    state::{AccountMode, Balance, Instrument, MarginAccount, Position},
};
use tests_svm::{Trader, call, digital_call, digital_put, future, perpetual, put, specs};

use crate::desk::{Desk, terms};

/// Enough lots that an atom of their value is little in the price of one.
const PROBE: i64 = 1_000_000;

impl Desk {
    /// Mark of an instrument, 1e-12 USD, by the client. `None`: it has none now.
    pub fn mark(&self, snapshot: &Snapshot, instrument: Instrument) -> Option<u64> {
        let market = self.world.underlying(instrument.underlying);
        let mut probe = self.world.account(&self.traders[0]);
        let state: &mut MarginAccount = probe.state_mut();
        state.positions.fill(Position::default());
        state.balances.fill(Balance::default());
        (state.position_count, state.balance_count, state.mode) = (0, 0, AccountMode::Portfolio as u8);
        state.add_position(instrument, PROBE, 0).ok()?;
        state.start_funding(instrument.underlying, market.perpetual.funding.index);
        let report = snapshot.report(&probe, PriceUse::Liquidation, self.world.now()).ok()?;
        // Atoms of 1e-6 USD for so many lots of so many 1e-9 units. What is worth nothing may be a hair below it.
        let value = u128::from(report.positions_value.max(0).unsigned_abs()) * 10u128.pow(15);
        u64::try_from(value / (PROBE as u128 * u128::from(market.lot_size))).ok()
    }

    /// An instrument of an underlying that may exist.
    fn instrument(&mut self, underlying: u16) -> Instrument {
        let spot = specs()[usize::from(underlying)].spot / 1_000_000_000_000;
        let strike = spot * self.rng.pick(&[70, 85, 95, 100, 105, 115, 130]) / 100;
        let live = self.live(underlying);
        let expiry = if live.is_empty() || self.rng.one_in(50) {
            // Gone, or never listed.
            self.world.now() + self.rng.pick(&[-60, 0, 12_345])
        } else {
            self.rng.pick(&live)
        };
        match self.rng.within(0, 9) {
            0..=2 => perpetual(underlying),
            3 => future(underlying, expiry),
            4..=5 => call(underlying, expiry, strike),
            6..=7 => put(underlying, expiry, strike),
            8 => digital_call(underlying, expiry, strike),
            _ => digital_put(underlying, expiry, strike),
        }
    }

    /// A price within the band around the mark, now and then outside.
    fn price(&mut self, snapshot: &Snapshot, instrument: &Instrument) -> u64 {
        let feed = specs()[usize::from(instrument.underlying)].feed;
        let index = self.world.spot(&feed);
        let mark = self.mark(snapshot, *instrument).unwrap_or(index / 20);
        let terms = terms();
        let share = |price: u64, rate: u32| i128::from(price) * i128::from(rate) / 1_000_000_000;
        let band = share(mark, terms.band_mark) + share(index, terms.band_index);
        let percent = if self.rng.one_in(30) { self.rng.pick(&[-130, 130]) } else { self.rng.within(-95, 95) };
        let price = i128::from(mark) + band * i128::from(percent) / 100;
        let least = if instrument.kind.is_option() { 0 } else { 1_000_000_000 };
        u64::try_from(price.max(least)).expect("a price")
    }

    /// Lots that bring a position closer to zero.
    fn closing(&mut self, account: &MarginAccount) -> Option<(Instrument, i64)> {
        let now = self.world.now();
        let open = |position: &&Position| position.lots != 0 && (position.expiry == 0 || position.expiry > now);
        let positions: Vec<Position> = account.positions().iter().filter(open).copied().collect();
        if positions.is_empty() {
            return None;
        }
        let position = self.rng.pick(&positions);
        let lots = self.rng.within(1, position.lots.abs());
        Some((position.instrument()?, -lots * position.lots.signum()))
    }

    /// Legs for a taker: positions of his that he reduces, positions of the maker's that the maker does, and new ones.
    pub fn legs(&mut self, maker: &Trader, taker: &Trader) -> Vec<TradeLeg> {
        let books = [self.world.account(taker), self.world.account(maker)];
        let home = books.iter().find_map(|book| {
            let isolated = book.mode() == Ok(AccountMode::Isolated);
            book.positions().first().filter(|_| isolated).map(|position| position.underlying)
        });
        let snapshot = self.world.snapshot();
        let count = self.rng.pick(&[1, 1, 1, 1, 2, 2, 3, 4, 8]);
        let count = if self.rng.one_in(60) { self.rng.pick(&[0, 9]) } else { count };
        let mut legs = Vec::new();
        let mut seen = Vec::new();
        for _ in 0..count {
            let from = self.rng.within(0, 4);
            let closing = match from {
                0 | 1 => self.closing(&books[0]),
                2 => self.closing(&books[1]).map(|(instrument, lots)| (instrument, -lots)),
                _ => None,
            };
            let (instrument, lots) = closing.unwrap_or_else(|| {
                let stray = self.rng.one_in(25);
                let underlying = home.filter(|_| !stray).unwrap_or_else(|| self.rng.pick(&[0, 1, 2]));
                let most = self.rng.pick(&[1, 10, 50, 200, 800]);
                (self.instrument(underlying), self.rng.within(1, most) * self.rng.pick(&[-1, 1]))
            });
            if seen.contains(&instrument) {
                continue;
            }
            seen.push(instrument);
            let price = self.price(&snapshot, &instrument);
            let lots = if self.rng.one_in(200) { 0 } else { lots };
            legs.push(TradeLeg { instrument, lots, price });
        }
        legs
    }
}
