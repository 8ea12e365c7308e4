//! What traders hold: the usual books of an options venue, in sizes and with cushions as different as people are.

use anyhow::{Context, Result};
use margin_client::{
    margin::PriceUse,
    state::{Instrument, InstrumentKind},
};
use tests_svm::{BTC, ETH, FAR, NEAR, Rng, Trader, USDC, perpetual, usd, usdc};

use super::market::Market;

pub const KINDS: [&str; 13] = [
    "covered call",
    "naked put",
    "naked call",
    "short strangle",
    "short straddle",
    "hedged short straddle",
    "long straddle",
    "put spread",
    "iron condor",
    "calendar",
    "long perpetual",
    "short perpetual",
    "protected perpetual",
];

/// A trader, what he set out with, and how he stands.
pub struct Client {
    pub trader: Trader,
    pub kind: &'static str,
    pub deposit: f64,
    /// Equity over maintenance margin at the last look.
    pub cushion: f64,
    pub liquidations: u32,
    pub was_insolvent: bool,
}

/// Legs: instrument, lots, USD a unit.
type Legs = Vec<(Instrument, i64, f64)>;

struct Plan<'a> {
    market: &'a Market,
    underlying: u16,
    lots: i64,
    legs: Legs,
}

impl Plan<'_> {
    /// The listed option of an expiry nearest to a multiple of spot, bought (or sold, negative) so many times the size at the quotes.
    fn option(&mut self, kind: InstrumentKind, expiry: i64, moneyness: f64, times: i64) -> Result<()> {
        let market = self.market;
        let target = market.spot(self.underlying) * moneyness;
        let is_call = kind == InstrumentKind::Call;
        let quotes = market.listings[usize::from(self.underlying)].quotes.iter();
        let quotes = quotes.filter(|quote| quote.expiry == expiry && quote.is_call == is_call);
        let distance = |strike: f64| (strike - target).abs();
        let quote = quotes.min_by(|a, b| distance(a.strike).total_cmp(&distance(b.strike))).context("a strike")?;
        let instrument = Instrument { underlying: self.underlying, expiry, strike: usd(quote.strike), kind };
        let price = if times > 0 { quote.ask } else { quote.bid }.unwrap_or(quote.mark);
        // Far quotes may stand outside the engine's band.
        let price = price.clamp(quote.mark * 0.9, quote.mark * 1.1);
        self.legs.push((instrument, times * self.lots, price));
        Ok(())
    }

    fn perpetual(&mut self, percent: i64) {
        let price = self.market.spot(self.underlying);
        self.legs.push((perpetual(self.underlying), self.lots * percent / 100, price));
    }

    fn add(&mut self, kind: &str, expiry: i64, width: f64) -> Result<()> {
        use InstrumentKind::{Call, Put};
        let (up, down) = (1.0 + width, 1.0 - width);
        match kind {
            "covered call" => {
                self.perpetual(100);
                self.option(Call, expiry, up, -1)
            }
            "naked put" => self.option(Put, expiry, down, -1),
            "naked call" => self.option(Call, expiry, up, -1),
            "short strangle" => {
                self.option(Put, expiry, down, -1)?;
                self.option(Call, expiry, up, -1)
            }
            "short straddle" | "hedged short straddle" => {
                self.option(Put, expiry, 1.0, -1)?;
                self.option(Call, expiry, 1.0, -1)?;
                if kind == "hedged short straddle" {
                    self.perpetual(10);
                }
                Ok(())
            }
            "long straddle" => {
                self.option(Put, expiry, 1.0, 1)?;
                self.option(Call, expiry, 1.0, 1)
            }
            "put spread" => {
                self.option(Put, expiry, down, -1)?;
                self.option(Put, expiry, down - 0.12, 1)
            }
            "iron condor" => {
                self.option(Put, expiry, down, -1)?;
                self.option(Put, expiry, down - 0.12, 1)?;
                self.option(Call, expiry, up, -1)?;
                self.option(Call, expiry, up + 0.12, 1)
            }
            "calendar" => {
                self.option(Put, NEAR, down, -1)?;
                self.option(Put, FAR, down, 1)
            }
            "long perpetual" => {
                self.perpetual(100);
                Ok(())
            }
            "short perpetual" => {
                self.perpetual(-100);
                Ok(())
            }
            _ => {
                self.perpetual(100);
                self.option(Put, expiry, down, 1)
            }
        }
    }
}

fn uniform(rng: &mut Rng, low: f64, high: f64) -> f64 {
    low + (high - low) * (rng.within(0, 1_000_000) as f64 / 1e6)
}

/// One or two of the usual books on one underlying or both.
fn plan(market: &Market, rng: &mut Rng) -> Result<(&'static str, Legs)> {
    let mut legs: Legs = Vec::new();
    let first = rng.pick(&KINDS);
    let books = if rng.one_in(4) { 2 } else { 1 };
    for book in 0..books {
        let kind = if book == 0 { first } else { rng.pick(&KINDS) };
        let underlying = if rng.one_in(3) { ETH } else { BTC };
        // From 5 000 to 3 000 000 USD of the underlying; most are small.
        let notional = 5_000.0 * 600f64.powf(uniform(rng, 0.0, 1.0).powi(2));
        let unit = market.spot(underlying) * market.lot(underlying);
        let lots = ((notional / unit) as i64).max(10);
        let mut plan = Plan { market, underlying, lots, legs: Vec::new() };
        plan.add(kind, rng.pick(&[NEAR, FAR]), rng.pick(&[0.05, 0.1, 0.15, 0.2, 0.3]))?;
        for (instrument, lots, price) in plan.legs {
            match legs.iter_mut().find(|leg| leg.0 == instrument) {
                Some(leg) if leg.1 + lots != 0 => leg.1 += lots,
                Some(_) => {}
                None if lots != 0 => legs.push((instrument, lots, price)),
                None => {}
            }
        }
    }
    Ok((first, legs))
}

/// Opens an account, pays in as much as its owner's caution asks for, and trades. `None`: the engine refuses the trade.
pub fn open(market: &mut Market, rng: &mut Rng) -> Result<Option<Client>> {
    let (kind, legs) = plan(market, rng)?;
    let mut probe = market.empty_account();
    let mut premium = 0.0;
    for (instrument, lots, price) in &legs {
        let value = *lots as f64 * market.lot(instrument.underlying) * price;
        let settled = if instrument.kind == InstrumentKind::Perpetual { usdc_signed(value) } else { 0 };
        premium += if settled == 0 { value } else { 0.0 };
        probe.add_position(*instrument, *lots, settled)?;
    }
    let report = market.snapshot.report(&probe, PriceUse::RaiseRisk, market.world.now())?;
    // A third lives at the edge, a third far from it.
    let caution = match rng.within(0, 2) {
        0 => uniform(rng, 1.03, 1.2),
        1 => uniform(rng, 1.2, 2.0),
        _ => uniform(rng, 2.0, 6.0),
    };
    let wanted = caution * report.initial_margin as f64 - report.equity as f64;
    let deposit = (wanted * 1e-6 + premium).max(0.0) * 1.01 + 100.0;
    let trader = market.world.funded(deposit);
    let done = market.trade(&trader, &legs);
    let client = Client { trader, kind, deposit, cushion: 0.0, liquidations: 0, was_insolvent: false };
    if done {
        return Ok(Some(client));
    }
    // Nobody: takes his money and goes.
    let withdraw = market.world.withdraw(&client.trader, USDC, usdc(deposit)).instruction();
    market.attempt(withdraw, &[&client.trader.key]);
    Ok(None)
}

fn usdc_signed(value: f64) -> i64 {
    (value * 1e6).round() as i64
}
