//! The assessment for people.

use margin_client::{
    ModelReport, PortfolioReport, StandardReport, UnderlyingReport,
    margin::ScenarioProfit,
    text::{Align, Cell, Style, Table, UNIT_DECIMALS, fixed, utc},
};
use margin_core::{Multiplier, portfolio::Ratio};

use super::{Assessment, mode_name};
use crate::{
    output::{Page, signed},
    report::{greeks_table, scenario_name, standing},
};

/// Decimals of breakdowns.
const USD: u32 = 12;
/// The forward contingency as a worst case.
const BASIS: u8 = 254;

impl Assessment<'_> {
    pub(super) fn text(&self, style: Style) -> String {
        let report = &self.evaluation.report;
        let computed = match self.evaluation.compute_units {
            Some(units) if self.on_chain => {
                format!("the program on a virtual machine (up to {} compute units a call)", fixed(units.into(), 0, 0))
            }
            _ => "the program's code on this machine".to_owned(),
        };
        let mut page = Page::new(&format!("Margin of {}", self.file.display()), style);
        page.facts([
            ("time", format!("{} UTC", utc(self.book.now)).into()),
            ("mode", mode_name(report.mode).into()),
            ("standing", standing(report)),
            ("computed by", computed.into()),
        ]);
        page.amounts(
            "Equity",
            [
                ("cash", self.signed(report.cash)),
                ("token collateral", self.signed(report.collateral_value)),
                ("positions", self.signed(report.positions_value)),
                ("equity", self.signed(report.equity)),
            ],
        );
        let mut table = Table::new([
            ("", Align::Left),
            ("requirement", Align::Right),
            ("of it for tokens", Align::Right),
            ("equity beyond it", Align::Right),
        ]);
        for (name, requirement, tokens) in [
            ("initial margin", report.initial_margin, report.collateral_initial),
            ("maintenance margin", report.maintenance_margin, report.collateral_maintenance),
        ] {
            let beyond = self.signed(report.equity.saturating_sub(requirement));
            table.row([name.into(), self.money(requirement).into(), self.money(tokens).into(), beyond]);
        }
        page.table("Margin", &table);
        page.table("The same book in each mode", &self.modes_table());
        if let Some(cross) = &report.cross {
            page.amounts(
                "Scan risk across underlyings",
                [
                    ("market factor", self.money(cross.systematic).into()),
                    ("own moves", self.money(cross.idiosyncratic).into()),
                    ("each underlying alone", self.money(cross.stand_alone).into()),
                    ("counts", self.money(cross.scan_risk).into()),
                ],
            );
        }
        page.table("Net Greeks", &greeks_table(&self.evaluation.report, self.decimals(), |index| self.symbol(index)));
        if !report.underlyings.is_empty() {
            page.note("delta in units, gamma: change of delta for +1 % of spot, vega: +1 vol point, theta: one day, rho: +1 %");
        }
        for underlying in &report.underlyings {
            let symbol = self.symbol(underlying.index);
            page.table(&format!("{symbol}: requirement"), &self.requirement_table(underlying));
            page.table(&format!("{symbol}: by scenario"), &self.scenario_table(underlying));
            page.table(&format!("{symbol}: by leg"), &self.leg_table(underlying));
        }
        page.finish()
    }

    fn money(&self, atoms: i64) -> String {
        fixed(i128::from(atoms), self.decimals(), 2)
    }

    fn signed(&self, atoms: i64) -> Cell {
        signed(self.money(atoms))
    }

    fn modes_table(&self) -> Table {
        let mut table = Table::new([
            ("", Align::Left),
            ("initial", Align::Right),
            ("maintenance", Align::Right),
            ("portfolio margin saves", Align::Right),
            ("", Align::Left),
        ]);
        for (mode, report) in &self.modes {
            let own = if *mode == self.evaluation.report.mode { "this account" } else { "" };
            let row: [Cell; 5] = match report {
                None => [mode_name(*mode).into(), "not offered".into(), "".into(), "".into(), own.into()],
                Some(report) => [
                    mode_name(*mode).into(),
                    self.money(report.initial_margin).into(),
                    self.money(report.maintenance_margin).into(),
                    self.saved(report.initial_margin).into(),
                    own.into(),
                ],
            };
            table.row(row);
        }
        table
    }

    /// What netting everything saves against an initial margin, and its share.
    fn saved(&self, initial: i64) -> String {
        match self.netted() {
            Some(netted) if netted != initial && initial > 0 => {
                let saved = initial.saturating_sub(netted);
                format!("{} ({:.0} %)", self.money(saved), 100.0 * saved as f64 / initial as f64)
            }
            _ => String::new(),
        }
    }

    fn requirement_table(&self, underlying: &UnderlyingReport) -> Table {
        let mut table = Table::new([("", Align::Left), ("initial", Align::Right), ("maintenance", Align::Right)]);
        match &underlying.model {
            ModelReport::Portfolio(parts) => self.portfolio_rows(underlying, parts, &mut table),
            ModelReport::Standard(parts) => self.standard_rows(parts, &mut table),
        }
        let totals = [underlying.initial_margin, underlying.maintenance_margin].map(|total| self.money(total).into());
        let [initial, maintenance] = totals;
        table.row(["requirement".into(), initial, maintenance]);
        table
    }

    fn portfolio_rows(&self, underlying: &UnderlyingReport, parts: &PortfolioReport, table: &mut Table) {
        let worst = match self.worst(underlying.index, parts) {
            Some(scenario) => scenario_name(&scenario),
            None if parts.worst_case == BASIS => "forward contingency".to_owned(),
            None => "none loses".to_owned(),
        };
        let percent = |factor: u64| format!("{} %", fixed(i128::from(factor), 7, 2));
        let mut row = |name: &str, initial: String, maintenance: String| {
            table.row([name.into(), initial.into(), maintenance.into()]);
        };
        let worst_profit = self.money(parts.worst_profit);
        row(&format!("worst case: {worst}"), worst_profit.clone(), worst_profit);
        let charges = &parts.charges;
        for (name, amount) in [
            ("forward contingency, profit", parts.basis_contingency),
            ("floor by delta", parts.minimum_delta),
            ("scan risk", parts.scan_risk),
        ] {
            if amount != 0 {
                row(name, self.money(amount), self.money(amount));
            }
        }
        row("factor on scan risk", percent(parts.initial_factor), percent(parts.maintenance_factor));
        for (name, initial, maintenance) in [
            ("charge on perpetuals and futures", charges.perpetual_initial, charges.perpetual_maintenance),
            ("charge on naked short options", charges.short_option_initial, charges.short_option_maintenance),
            ("charge on rolls", charges.roll, charges.roll),
            ("charge on vega between expiries", charges.vega, charges.vega),
            ("charge on concentration", charges.concentration, charges.concentration),
            ("charge on doubtful oracles", charges.confidence, 0),
            ("unrealised profit beyond the cap", charges.unrealised_profit, 0),
        ] {
            if initial != 0 || maintenance != 0 {
                row(name, self.money(initial), self.money(maintenance));
            }
        }
    }

    fn standard_rows(&self, parts: &StandardReport, table: &mut Table) {
        for (name, initial, maintenance) in [
            ("margin of perpetuals and futures", parts.linear_initial, parts.linear_maintenance),
            ("margin of options", parts.options_initial, parts.options_maintenance),
            ("margin of tokens", parts.collateral_initial, parts.collateral_maintenance),
            ("charge on doubtful oracles", parts.confidence, 0),
            ("charge on a quote token off its peg", parts.depeg, 0),
        ] {
            if initial != 0 || maintenance != 0 {
                table.row([name.into(), self.signed(initial), self.signed(maintenance)]);
            }
        }
    }

    /// The scenario that costs most, if it is one.
    fn worst(&self, underlying: u16, parts: &PortfolioReport) -> Option<ScenarioProfit> {
        let number = usize::from(parts.worst_case);
        let (spot, vol, weight) = self.scenarios(underlying).nth(number)?;
        Some(ScenarioProfit { spot: Multiplier(spot), vol, weight: Ratio(weight), profit: parts.worst_profit })
    }

    fn scenario_table(&self, underlying: &UnderlyingReport) -> Table {
        let mut table =
            Table::new([("", Align::Right), ("scenario", Align::Left), ("profit", Align::Right), ("", Align::Left)]);
        let Some(detail) = self.detail(underlying.index) else { return table };
        let worst = underlying.portfolio().map(|parts| usize::from(parts.worst_case));
        let rows = self.scenarios(underlying.index).zip(&detail.book.profits).enumerate();
        for (number, ((spot, vol, weight), profit)) in rows {
            let scenario = ScenarioProfit { spot: Multiplier(spot), vol, weight: Ratio(weight), profit: 0 };
            let mark = if worst == Some(number) { "worst" } else { "" };
            table.row([
                number.to_string().into(),
                scenario_name(&scenario).into(),
                signed(fixed(*profit, USD, 2)),
                mark.into(),
            ]);
        }
        table
    }

    fn leg_table(&self, underlying: &UnderlyingReport) -> Table {
        let mut table = Table::new([
            ("", Align::Left),
            ("quantity", Align::Right),
            ("value", Align::Right),
            ("profit in the worst scenario", Align::Right),
        ]);
        let Some(detail) = self.detail(underlying.index) else { return table };
        let worst = underlying.portfolio().map(|parts| usize::from(parts.worst_case));
        let profit = |profits: &[i128]| worst.and_then(|worst| profits.get(worst)).map(|profit| fixed(*profit, USD, 2));
        let legs = self.positions(underlying.index).map(|position| {
            let (name, quantity) = self.named(position);
            (name, fixed(quantity, UNIT_DECIMALS, 4))
        });
        let tokens = ("tokens that offset".to_owned(), String::new());
        let book = ("all".to_owned(), String::new());
        let rows = legs.zip(&detail.positions).chain([(tokens, &detail.collateral), (book, &detail.book)]);
        for ((name, quantity), row) in rows {
            let nothing = row.mark_to_market == 0 && row.profits.iter().all(|profit| *profit == 0);
            if nothing && quantity.is_empty() {
                continue;
            }
            table.row([
                name.into(),
                signed(quantity),
                signed(fixed(row.mark_to_market, USD, 2)),
                signed(profit(&row.profits).unwrap_or_default()),
            ]);
        }
        table
    }
}
