//! The keepers' decisions: whom to put into liquidation, what to bid, when to wait, how to get rid of it.
//!
//! A keeper knows what an account's positions would cost him to sell to the makers. He bids when what the auction leaves him
//! is more than that, takes the largest share that his own initial margin allows, and sells it at once.

use anyhow::Result;
use margin_client::{
    MarginReport,
    events::EngineEvent,
    instructions::WitnessArgs,
    margin::PriceUse,
    state::{Instrument, InstrumentKind, MarginAccount},
};
use tests_svm::{Trader, World};

use super::{
    books::Client,
    market::{LEGS, Market},
    report::Tally,
};

/// What selling costs a keeper: of the underlying's price (beside the engine's fee), and of the mark.
const SPREAD_OF_INDEX: f64 = 0.0005;
const FEE_OF_INDEX: f64 = 0.0003;
const SPREAD_OF_MARK: f64 = 0.02;
/// Shares of an account that are tried, largest first (1e-9).
const SHARES: [u64; 6] = [1_000_000_000, 500_000_000, 250_000_000, 100_000_000, 30_000_000, 10_000_000];

/// A keeper with his own capital.
pub struct Keeper {
    pub trader: Trader,
    pub capital: f64,
    /// Bids when the auction leaves him at least so many times his cost.
    pub greed: f64,
    pub bids: u32,
}

/// What anybody knows of an account now.
struct Case {
    report: MarginReport,
    /// The share of the equity that a bid pays; `None`: the solvent auction has run out.
    share_paid: Option<f64>,
    /// Share of the insolvent auction's time that has passed.
    insolvent_part: f64,
    /// Of selling everything, USD.
    cost: f64,
    from_bids: f64,
}

impl Case {
    fn is_insolvent(&self) -> bool {
        self.report.equity <= 0 || self.share_paid.is_none()
    }

    /// What taking everything leaves beyond its cost, in multiples of that.
    fn reward(&self) -> f64 {
        let (equity, margin) = (self.report.equity as f64 * 1e-6, self.report.maintenance_margin as f64 * 1e-6);
        let left = match self.share_paid.filter(|_| !self.is_insolvent()) {
            Some(share) => (1.0 - share) * (equity - self.from_bids),
            None => {
                let low = (-equity).max(0.0);
                low + (margin - equity - low).max(0.0) * self.insolvent_part + equity
            }
        };
        left / self.cost.max(0.01)
    }
}

/// Looks at one account and does what is to be done with it.
pub fn tend(market: &mut Market, client: &mut Client, keepers: &mut [Keeper], tally: &mut Tally) -> Result<()> {
    let mut account = market.world.account(&client.trader);
    let now = market.world.now();
    let mut report = market.snapshot.report(&account, PriceUse::Liquidation, now)?;
    client.cushion = report.equity as f64 / report.maintenance_margin.max(1) as f64;
    if !account.in_liquidation() {
        if report.equity >= report.maintenance_margin {
            return Ok(());
        }
        start(market, client, &keepers[0], &report, tally);
        account = market.world.account(&client.trader);
    }
    for _ in 0..8 {
        if !account.in_liquidation() {
            return Ok(());
        }
        if account.is_flat() {
            finish(market, client, &account, tally);
            return Ok(());
        }
        let case = case(market, &account, report)?;
        if case.is_insolvent() != (account.liquidation.insolvent_at != 0) {
            let convert = market.world.conversion(&client.trader).instruction();
            market.attempt(convert, &[]);
        }
        client.was_insolvent |= case.report.equity <= 0;
        let bought = bid(market, client, keepers, &case, tally)?;
        account = market.world.account(&client.trader);
        if !bought {
            // Anybody may release an account that has recovered.
            let stop = market.world.stop(&client.trader).instruction();
            market.attempt(stop, &[]);
            return Ok(());
        }
        report = market.snapshot.report(&account, PriceUse::Liquidation, now)?;
    }
    Ok(())
}

/// Starts by the witness that the full look has found.
fn start(market: &mut Market, client: &mut Client, keeper: &Keeper, report: &MarginReport, tally: &mut Tally) {
    let mut start = market.world.start(&keeper.trader, &client.trader);
    start.args = WitnessArgs { witness: Some(World::worst_cases(report)) };
    if market.attempt(start.instruction(), &[&keeper.trader.key]).is_some() {
        client.liquidations += 1;
        tally.starts += 1;
    }
}

fn finish(market: &mut Market, client: &Client, account: &MarginAccount, tally: &mut Tally) {
    let call = match account.cash().is_negative() {
        true => market.world.resolution(&client.trader).instruction(),
        false => market.world.stop(&client.trader).instruction(),
    };
    if let Some(receipt) = market.attempt(call, &[]) {
        tally.read(&receipt.events());
    }
}

fn case(market: &mut Market, account: &MarginAccount, report: MarginReport) -> Result<Case> {
    let (now, state) = (market.world.now(), &account.liquidation);
    let parameters = market.snapshot.engine.liquidation;
    let share = parameters.solvent_auction().share_paid(state.elapsed(now));
    let insolvent_part = match state.insolvent_at {
        0 => 0.0,
        _ => (state.insolvent_elapsed(now).0 as f64 / f64::from(parameters.insolvent_seconds)).min(1.0),
    };
    let mut cost = 0.0;
    for position in account.positions().iter().filter(|position| position.lots != 0) {
        let Some(instrument) = position.instrument() else { continue };
        let unit = spread(market, instrument)? + FEE_OF_INDEX * market.spot(instrument.underlying);
        cost += unit * position.lots.unsigned_abs() as f64 * market.lot(instrument.underlying);
    }
    // 48 fractional bits of an atom.
    let from_bids = i128::from_le_bytes(state.cash_from_bids) as f64 / (1u64 << 48) as f64 * 1e-6;
    Ok(Case { report, share_paid: share.map(|share| share.0 as f64 * 1e-9), insolvent_part, cost, from_bids })
}

/// Of an instrument's unit, USD.
fn spread(market: &mut Market, instrument: Instrument) -> Result<f64> {
    let of_mark = if instrument.kind == InstrumentKind::Perpetual { 0.0 } else { SPREAD_OF_MARK };
    Ok(SPREAD_OF_INDEX * market.spot(instrument.underlying) + of_mark * market.mark(instrument)?)
}

/// The first keeper for whom it is enough bids for the largest share that he can carry, and sells it.
fn bid(market: &mut Market, client: &Client, keepers: &mut [Keeper], case: &Case, tally: &mut Tally) -> Result<bool> {
    let reward = case.reward();
    for keeper in keepers.iter_mut().filter(|keeper| reward >= keeper.greed) {
        for share in SHARES {
            let world = &market.world;
            let call = match case.is_insolvent() {
                true => world.insolvent_bid(&keeper.trader, &client.trader, share).instruction(),
                false => world.bid(&keeper.trader, &client.trader, share).instruction(),
            };
            let Some(receipt) = market.attempt(call, &[&keeper.trader.key]) else { continue };
            tally.read(&receipt.events());
            keeper.bids += 1;
            unwind(market, &keeper.trader)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sells what a keeper holds to the makers: the mark less the spread, the whole book if they take it, else what they do.
pub fn unwind(market: &mut Market, keeper: &Trader) -> Result<()> {
    for _ in 0..32 {
        let account = market.world.account(keeper);
        let mut legs = Vec::new();
        for position in account.positions().iter().filter(|position| position.lots != 0) {
            let Some(instrument) = position.instrument() else { continue };
            let (mark, spread) = (market.mark(instrument)?, spread(market, instrument)?);
            let price = if position.lots > 0 { mark - spread } else { mark + spread };
            legs.push((instrument, -position.lots, price));
        }
        if legs.is_empty() {
            return Ok(());
        }
        // The dearest first, so that hedges stay with what they hedge as long as they can.
        let chunk: Vec<_> = legs.into_iter().take(LEGS).collect();
        if !market.trade(keeper, &chunk) && !chunk.iter().any(|leg| market.trade(keeper, &[*leg])) {
            return Ok(());
        }
    }
    Ok(())
}

/// Equity of an account, USD.
pub fn equity(market: &Market, trader: &Trader) -> Result<f64> {
    let report = market.snapshot.report(&market.world.account(trader), PriceUse::Liquidation, market.world.now())?;
    Ok(report.equity as f64 * 1e-6)
}

impl Tally {
    /// Counts what bids and resolutions have said.
    fn read(&mut self, events: &[EngineEvent]) {
        for event in events {
            match event {
                EngineEvent::LiquidationBid(bid) => {
                    self.solvent_bids += 1;
                    self.released += u32::from(bid.released);
                    self.discount += bid.slice_value - bid.price;
                }
                EngineEvent::InsolventBid(bid) => {
                    self.insolvent_bids += 1;
                    self.released += u32::from(bid.released);
                    self.pay(bid.payout.max(0), bid.loss.from_underlying, bid.loss.from_common, bid.loss.socialised);
                }
                EngineEvent::BankruptcyResolved(end) => {
                    self.resolved += 1;
                    let loss = &end.loss;
                    let shortfall = end.cash_after - end.cash_before;
                    self.pay(shortfall, loss.from_underlying, loss.from_common, loss.socialised);
                }
                _ => {}
            }
        }
    }

    fn pay(&mut self, shortfall: i64, underlying: u64, common: u64, socialised: u64) {
        self.shortfall += shortfall;
        self.from_underlying += underlying;
        self.from_common += common;
        self.socialised += socialised;
    }
}
