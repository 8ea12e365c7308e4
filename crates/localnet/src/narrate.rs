//! What the demo prints.

use std::io::Write;

use margin_client::MarginReport;
use margin_client::instructions::TradeLeg;
use margin_client::text::{Align, Cell, PRICE_DECIMALS, Style, Table, Tone, UNIT_DECIMALS, fixed, utc};
use solana_keypair::Signature;

use crate::books::Strategy;
use crate::demo::{Demo, HEDGED, NAKED, Outcome};
use crate::expectations::Expectation;
use crate::keeper::{Action, liquidatable};
use crate::market::Snapshot;
use crate::quotes::name;
use crate::replay::Hour;
use crate::report::{AccountReport, dollars, standing};
use crate::traders::Trader;
use crate::venue::Venue;
use crate::{LocalnetError, Result};

const SYMBOLS: [&str; 3] = ["BTC", "ETH", "SOL"];

/// Where the demo writes, and whether in colour.
pub struct Narrator<'a> {
    out: &'a mut dyn Write,
    style: Style,
}

impl<'a> Narrator<'a> {
    pub fn new(out: &'a mut dyn Write, style: Style) -> Self {
        Self { out, style }
    }

    pub fn text(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(LocalnetError::Output)
    }

    pub fn line(&mut self, tone: Tone, text: &str) -> Result<()> {
        let painted = self.style.paint(tone, text);
        self.text(&format!("{painted}\n"))
    }

    pub fn heading(&mut self, title: &str) -> Result<()> {
        self.text("\n")?;
        self.line(Tone::Heading, title)
    }

    /// The market as seeded.
    pub fn market(&mut self, demo: &Demo) -> Result<()> {
        self.heading(&format!("Market of {:.16} UTC", utc(demo.market.time)))?;
        let mut table = Table::new([
            ("underlying", Align::Left),
            ("spot", Align::Right),
            ("expiry", Align::Left),
            ("forward", Align::Right),
            ("vol at the money", Align::Right),
        ]);
        for quotes in &demo.market.underlyings {
            for (i, expiry) in quotes.expiries.iter().enumerate() {
                const SECONDS_PER_YEAR: f64 = 31_536_000.0;
                let years = (expiry.expiry - demo.market.time) as f64 / SECONDS_PER_YEAR;
                let first = |text: String| if i == 0 { text } else { String::new() };
                table.row([
                    first(quotes.symbol.clone()).into(),
                    first(price(quotes.spot)).into(),
                    expiry.day.clone().into(),
                    price(expiry.forward).into(),
                    format!("{:.1}%", 100.0 * expiry.svi.at_the_money(years)).into(),
                ]);
            }
        }
        self.text(&table.render(self.style))?;
        self.line(
            Tone::Faint,
            "  BTC and ETH: fitted to Deribit's chains of that time. SOL: derived from ETH (see the market table).",
        )
    }

    pub fn trade(
        &mut self,
        venue: &Venue,
        trader: &Trader,
        strategy: &Strategy,
        legs: &[TradeLeg],
        signature: &Signature,
    ) -> Result<()> {
        let title = format!("{}: {}", trader.name, strategy.name);
        self.line(Tone::Plain, &title)?;
        let mut table = Table::new([
            ("", Align::Left),
            ("units", Align::Right),
            ("instrument", Align::Left),
            ("price", Align::Right),
        ]);
        for leg in legs {
            let listing = venue.listing_at(leg.instrument.underlying)?;
            let units = i128::from(leg.lots) * i128::from(listing.lot_size);
            table.row([
                if leg.lots > 0 { "buys" } else { "sells" }.into(),
                fixed(units.abs(), UNIT_DECIMALS, 2).into(),
                name(listing, &leg.instrument).into(),
                price(leg.price).into(),
            ]);
        }
        self.text(&table.render(self.style))?;
        self.line(Tone::Faint, &format!("  transaction {signature}"))
    }

    pub fn page(&mut self, report: &AccountReport, venue: &Venue) -> Result<()> {
        let page = report.render(venue, self.style)?;
        self.text(&format!("{page}\n"))
    }

    pub fn crash_heading(&mut self) -> Result<()> {
        self.line(
            Tone::Faint,
            "  The hours of 2024-08-04 and 05, as returns on this market; vols move with the BTC volatility index.\n  \
             Cushion: equity less maintenance margin.",
        )?;
        self.line(
            Tone::Faint,
            &format!(
                "  {:<16} {:>16} {:>15} {:>14} {:>6} {:>14} {:>14}  naked account",
                "hour", "BTC", "ETH", "SOL", "vol", "hedged cushion", "naked cushion"
            ),
        )
    }

    pub fn hour(&mut self, demo: &Demo, hour: &Hour) -> Result<()> {
        let mut quotes = Vec::with_capacity(SYMBOLS.len());
        for symbol in SYMBOLS {
            quotes.push(moved(&demo.market, &hour.market, symbol)?);
        }
        let base = demo.crash.row(0)?.dvol;
        let vol = change(i128::from(hour.index), i128::from(base));
        let cushion = |report: &MarginReport, width: usize| {
            let text = dollars(report.equity.saturating_sub(report.maintenance_margin));
            let tone = if liquidatable(report) { Tone::Bad } else { Tone::Plain };
            self.style.paint(tone, &format!("{text:>width$}"))
        };
        let when = hour.time.get(..16).unwrap_or(&hour.time).replace('T', " ");
        let line = format!(
            "  {when:<16} {:>16} {:>15} {:>14} {vol:>6} {} {}  {}\n",
            quotes[0],
            quotes[1],
            quotes[2],
            cushion(&hour.before[HEDGED], 14),
            cushion(&hour.before[NAKED], 14),
            standing(&hour.before[NAKED]).paint(self.style),
        );
        self.text(&line)?;
        hour.actions.iter().try_for_each(|action| self.action(action))
    }

    fn action(&mut self, action: &Action) -> Result<()> {
        match action {
            Action::Started { equity, maintenance_margin, .. } => self.line(
                Tone::Warning,
                &format!(
                    "    keeper starts a liquidation: equity {} below maintenance margin {}",
                    dollars(*equity),
                    dollars(*maintenance_margin)
                ),
            ),
            Action::Bought(bid) => self.line(
                Tone::Warning,
                &format!(
                    "    keeper buys {}% of every position for {} (worth {}): equity {}, maintenance margin {} -> {}{}",
                    fixed(i128::from(bid.fraction), 7, 2),
                    dollars(bid.price),
                    dollars(bid.slice_value),
                    dollars(bid.equity_after),
                    dollars(bid.maintenance_margin_before),
                    dollars(bid.maintenance_margin_after),
                    if bid.released { ", released" } else { "" }
                ),
            ),
            Action::Taken(bid) => self.line(
                Tone::Bad,
                &format!(
                    "    keeper takes {}% of the insolvent account for {} from insurance",
                    fixed(i128::from(bid.fraction), 7, 2),
                    dollars(bid.payout)
                ),
            ),
            // Every hour, and no event of this story.
            Action::Done { kind: "fund", .. } => Ok(()),
            Action::Done { kind, .. } => self.line(Tone::Faint, &format!("    keeper: {kind}")),
            Action::Refused { reason, .. } => self.line(Tone::Bad, &format!("    keeper's action refused: {reason}")),
        }
    }

    /// What moved, who paid, and whether the books balance.
    pub fn summary(&mut self, demo: &Demo, outcome: &Outcome) -> Result<()> {
        let mut table = Table::new([
            ("account", Align::Left),
            ("deposited", Align::Right),
            ("equity at the end", Align::Right),
            ("gain", Align::Right),
            ("maintenance margin", Align::Right),
            ("standing", Align::Left),
        ]);
        let last = outcome.hours.last().map_or(&demo.market, |hour| &hour.market);
        let sol = i128::from(last.quotes("SOL")?.spot);
        let closed = &outcome.closed;
        let mut total = 0;
        for (trader, margin) in [
            (&demo.hedged, &closed.hedged),
            (&demo.naked, &closed.naked),
            (&demo.maker, &closed.maker),
            (&demo.keeper, &closed.keeper),
        ] {
            // Deposited SOL at the final price: what is left is the gain from trading.
            let held = i128::from(trader.funds.usdc) + i128::from(trader.funds.sol) * sol / 1_000_000_000_000_000;
            let gain = i128::from(margin.equity) - held;
            total += gain;
            let tone = if gain < 0 { Tone::Bad } else { Tone::Good };
            table.row([
                trader.name.into(),
                fixed(held, 6, 0).into(),
                dollars(margin.equity).into(),
                Cell::toned(fixed(gain, 6, 0), tone),
                dollars(margin.maintenance_margin).into(),
                standing(margin),
            ]);
        }
        table.row(["total".into(), "".into(), "".into(), fixed(total, 6, 0).into(), "".into(), "".into()]);
        self.text(&table.render(self.style))?;
        let after = &outcome.audits[1];
        self.line(
            Tone::Plain,
            &format!(
                "  fees of the trades: {}; interest: {} lent, {} paid by the borrower, {} earned by depositors, {} kept by the reserve",
                fixed(i128::from(after.fees), 6, 2),
                fixed(i128::from(after.borrowed), 6, 0),
                fixed(outcome.interest.paid, 6, 2),
                fixed(outcome.interest.earned, 6, 2),
                fixed(after.reserve, 6, 2),
            ),
        )?;
        self.line(
            Tone::Plain,
            &format!(
                "  USDC vault {} = claims of {} accounts {};  SOL vault {} = claims {}",
                fixed(i128::from(after.quote_vault), 6, 6),
                after.accounts,
                fixed(after.quote_claims_atoms(), 6, 6),
                fixed(i128::from(after.sol_vault), UNIT_DECIMALS, 3),
                fixed(after.sol_claims.cast_signed(), UNIT_DECIMALS, 3),
            ),
        )
    }

    /// The list that decides the exit status.
    pub fn expectations(&mut self, list: &[Expectation]) -> Result<()> {
        self.heading("Expectations")?;
        let mut table = Table::new([("", Align::Left), ("", Align::Left), ("", Align::Left)]);
        for expectation in list {
            let mark = if expectation.met { Cell::toned("ok", Tone::Good) } else { Cell::toned("FAILED", Tone::Bad) };
            table.row([mark, expectation.what.into(), Cell::toned(expectation.figures.clone(), Tone::Faint)]);
        }
        self.text(&table.render(self.style))
    }
}

/// `77 153.10 (-18.0%)`
fn moved(base: &Snapshot, now: &Snapshot, symbol: &str) -> Result<String> {
    let (then, now) = (base.quotes(symbol)?.spot, now.quotes(symbol)?.spot);
    Ok(format!(
        "{} {:>6}",
        fixed(i128::from(now), PRICE_DECIMALS, if now > 1_000_000_000_000_000 { 0 } else { 2 }),
        change(i128::from(now), i128::from(then))
    ))
}

/// Relative change in percent, one decimal, always with its sign.
fn change(now: i128, then: i128) -> String {
    let basis_points = (now - then) * 10_000 / then;
    let percent = fixed(basis_points, 2, 1);
    let sign = if basis_points > 0 && percent != "0.0" { "+" } else { "" };
    format!("{sign}{percent}%")
}

fn price(units: u64) -> String {
    fixed(i128::from(units), PRICE_DECIMALS, 2)
}
