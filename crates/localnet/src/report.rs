//! One account's margin: from the program, and explained by the client.

use margin_client::instructions::MarginCheckArgs;
use margin_client::margin::{PositionByPosition, PriceUse, ScenarioProfit, Snapshot, StandAlone};
use margin_client::state::{AccountMode, MarginAccount, VolShock};
use margin_client::text::{Align, Cell, Style, Table, Tone, UNIT_DECIMALS, fixed};
use margin_client::{Loaded, MarginReport, UnderlyingReport};

use crate::keeper::{liquidatable, margin_check};
use crate::quotes::name;
use crate::traders::Trader;
use crate::venue::Venue;
use crate::{LocalnetError, Result, Sender};

const ONE: u64 = 1_000_000_000;

/// What `margin_check` returned, and what it does not return.
#[derive(Clone, Debug)]
pub struct AccountReport {
    pub name: &'static str,
    pub address: String,
    /// The program's answer.
    pub margin: MarginReport,
    /// The client's own computation gave the same bytes.
    pub reproduced: bool,
    /// Every position on its own.
    pub alone: Vec<StandAlone>,
    /// The same book in the other modes.
    pub isolated: MarginReport,
    pub standard: MarginReport,
    /// The requirement if nothing netted.
    pub separate: PositionByPosition,
    /// The worst scenario of each underlying that has one, beside its entry in `margin.underlyings`.
    pub worst: Vec<Option<ScenarioProfit>>,
}

/// Asks the program and computes the rest from the accounts it would read.
pub fn account_report(sender: &Sender, venue: &Venue, trader: &Trader) -> Result<AccountReport> {
    let (margin, state, snapshot, now) = read_at_once(sender, venue, trader)?;
    let usage = PriceUse::Liquidation;
    let mut worst = Vec::with_capacity(margin.underlyings.len());
    for underlying in &margin.underlyings {
        let scenarios = snapshot.scenarios(&state, underlying.index, usage, now)?;
        let number = underlying.portfolio().map_or(usize::MAX, |parts| usize::from(parts.worst_case));
        worst.push(scenarios.get(number).copied());
    }
    let in_mode = |mode| {
        let args = MarginCheckArgs { mode: Some(mode), usage, ..Default::default() };
        snapshot.check(&state, &args, now)
    };
    Ok(AccountReport {
        name: trader.name,
        address: trader.account.to_string(),
        reproduced: snapshot.report(&state, usage, now)? == margin,
        alone: snapshot.stand_alone(&state, usage, now)?,
        isolated: in_mode(AccountMode::Isolated)?,
        standard: in_mode(AccountMode::Standard)?,
        separate: snapshot.position_by_position(&state, usage, now)?,
        margin,
        worst,
    })
}

/// The program's answer and the accounts it was computed from, all of one second of the network's clock.
fn read_at_once(
    sender: &Sender,
    venue: &Venue,
    trader: &Trader,
) -> Result<(MarginReport, Loaded<MarginAccount>, Snapshot, i64)> {
    const ATTEMPTS: u32 = 50;
    for _ in 0..ATTEMPTS {
        let now = sender.time()?;
        let read = (margin_check(sender, venue, trader)?, trader.fetch(sender, venue)?, venue.fetch(sender)?, now);
        // The block of the last transaction may end meanwhile, and the network's clock with it goes on a second.
        if sender.time()? == now {
            return Ok(read);
        }
    }
    Err(LocalnetError::ClockTicks { attempts: ATTEMPTS })
}

/// `safe`, `no new risk` (below initial margin), `liquidatable` or `in liquidation`.
pub fn standing(margin: &MarginReport) -> Cell {
    if margin.in_liquidation {
        Cell::toned("in liquidation", Tone::Bad)
    } else if liquidatable(margin) {
        Cell::toned("liquidatable", Tone::Bad)
    } else if margin.equity < margin.initial_margin {
        Cell::toned("no new risk", Tone::Warning)
    } else {
        Cell::toned("safe", Tone::Good)
    }
}

impl AccountReport {
    /// The report as a page of text.
    pub fn render(&self, venue: &Venue, style: Style) -> Result<String> {
        let margin = &self.margin;
        let mut out =
            format!("{}  {}\n", style.paint(Tone::Heading, self.name), style.paint(Tone::Faint, &self.address));
        out.push_str(&format!(
            "  equity {} = cash {} + collateral {} + positions {}\n",
            dollars(margin.equity),
            dollars(margin.cash),
            dollars(margin.collateral_value),
            dollars(margin.positions_value)
        ));
        out.push_str(&self.requirements().render(style));
        if !self.alone.is_empty() {
            out.push_str(&self.positions(venue)?.render(style));
            out.push_str(&self.underlyings(venue)?.render(style));
        }
        Ok(out)
    }

    fn requirements(&self) -> Table {
        let mut table = Table::new([
            ("requirement", Align::Left),
            ("portfolio", Align::Right),
            ("of equity", Align::Right),
            ("isolated", Align::Right),
            ("standard", Align::Right),
            ("position by position", Align::Right),
            ("saved", Align::Right),
        ]);
        let initial = [&self.margin, &self.isolated, &self.standard].map(|report| report.initial_margin);
        let maintenance = [&self.margin, &self.isolated, &self.standard].map(|report| report.maintenance_margin);
        let rows = [
            ("initial margin", initial, self.separate.initial_margin),
            ("maintenance margin", maintenance, self.separate.maintenance_margin),
        ];
        for (label, [netted, isolated, standard], separate) in rows {
            table.row([
                label.into(),
                dollars(netted).into(),
                percent(netted, self.margin.equity).into(),
                dollars(isolated).into(),
                dollars(standard).into(),
                dollars(separate).into(),
                percent(separate.saturating_sub(netted), separate).into(),
            ]);
        }
        table
    }

    fn positions(&self, venue: &Venue) -> Result<Table> {
        let mut table = Table::new([
            ("position", Align::Left),
            ("units", Align::Right),
            ("value", Align::Right),
            ("delta", Align::Right),
            ("initial margin alone", Align::Right),
        ]);
        for alone in &self.alone {
            let listing = venue.listing_at(alone.position.underlying)?;
            let instrument = alone.position.instrument();
            table.row([
                instrument.map_or_else(|| "?".to_owned(), |i| name(listing, &i)).into(),
                units(i128::from(alone.position.lots) * i128::from(listing.lot_size)).into(),
                dollars(alone.value).into(),
                units(i128::from(alone.greeks.delta)).into(),
                dollars(alone.initial_margin).into(),
            ]);
        }
        Ok(table)
    }

    fn underlyings(&self, venue: &Venue) -> Result<Table> {
        let mut table = Table::new([
            ("net", Align::Left),
            ("delta", Align::Right),
            ("gamma/1%", Align::Right),
            ("vega/pt", Align::Right),
            ("theta/day", Align::Right),
            ("rho/pt", Align::Right),
            ("worst scenario", Align::Left),
            ("loss", Align::Right),
            ("initial", Align::Right),
            ("maintenance", Align::Right),
        ]);
        for (underlying, worst) in self.margin.underlyings.iter().zip(&self.worst) {
            let UnderlyingReport { index, greeks, initial_margin, maintenance_margin, .. } = underlying;
            let loss = underlying.portfolio().map_or(0, |parts| parts.worst_profit.saturating_neg());
            table.row([
                venue.listing_at(*index)?.symbol.clone().into(),
                units(i128::from(greeks.delta)).into(),
                units(i128::from(greeks.gamma)).into(),
                dollars(greeks.vega).into(),
                dollars(greeks.theta).into(),
                dollars(greeks.rho).into(),
                worst.as_ref().map_or_else(|| "none".to_owned(), scenario).into(),
                dollars(loss).into(),
                dollars(*initial_margin).into(),
                dollars(*maintenance_margin).into(),
            ]);
        }
        Ok(table)
    }
}

/// `-18.0% vol up`, with the weight where it is not one.
fn scenario(profit: &ScenarioProfit) -> String {
    let tenths = (i128::from(profit.spot.0) - i128::from(ONE)) / 1_000_000;
    let sign = if tenths > 0 { "+" } else { "" };
    let vol = match profit.vol {
        VolShock::None => "vol same",
        VolShock::Up => "vol up",
        VolShock::Down => "vol down",
        VolShock::SkewLinear => "smile tilted",
        VolShock::SkewAbs => "smile steeper",
    };
    let weight = profit.weight.0;
    let weighted =
        if weight == ONE { String::new() } else { format!(" x{}", fixed(i128::from(weight), UNIT_DECIMALS, 2)) };
    format!("{sign}{}% {vol}{weighted}", fixed(tenths, 1, 1))
}

fn units(nano: i128) -> String {
    fixed(nano, UNIT_DECIMALS, 3)
}

/// `42%`, or nothing where there is no whole to compare with.
fn percent(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "-".to_owned();
    }
    format!("{}%", fixed(i128::from(part) * 1_000 / i128::from(whole), 1, 0))
}

/// Whole dollars of an amount in quote atoms of six decimals.
pub(crate) fn dollars(atoms: i64) -> String {
    fixed(i128::from(atoms), 6, 0)
}
