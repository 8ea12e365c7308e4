//! Every figure of a report by name.

use margin_client::{
    MarginReport, ModelReport, UnderlyingReport,
    text::{UNIT_DECIMALS, exact},
};

use crate::evaluate::mode_name;

/// Names and values.
pub(super) struct Figures {
    pub(super) all: Vec<(String, String)>,
    pub(super) decimals: u32,
}

impl Figures {
    fn text(&mut self, name: &str, value: impl ToString) {
        self.all.push((name.to_owned(), value.to_string()));
    }

    fn money<const N: usize>(&mut self, prefix: &str, amounts: [(&str, i64); N]) {
        for (name, atoms) in amounts {
            self.all.push((format!("{prefix}{name}"), exact(i128::from(atoms), self.decimals)));
        }
    }

    pub(super) fn account(&mut self, report: &MarginReport) {
        self.text("mode", mode_name(report.mode));
        self.text("in liquidation", report.in_liquidation);
        self.money(
            "",
            [
                ("cash", report.cash),
                ("token collateral", report.collateral_value),
                ("positions", report.positions_value),
                ("equity", report.equity),
                ("initial margin", report.initial_margin),
                ("maintenance margin", report.maintenance_margin),
                ("tokens, initial", report.collateral_initial),
                ("tokens, maintenance", report.collateral_maintenance),
            ],
        );
        if let Some(cross) = &report.cross {
            self.money(
                "across underlyings: ",
                [
                    ("market factor", cross.systematic),
                    ("own moves", cross.idiosyncratic),
                    ("each alone", cross.stand_alone),
                    ("scan risk", cross.scan_risk),
                ],
            );
        }
        self.text("underlyings", report.underlying_count);
    }

    pub(super) fn underlying(&mut self, symbol: &str, part: &UnderlyingReport) {
        let prefix = format!("{symbol}: ");
        self.money(
            &prefix,
            [
                ("positions", part.positions_value),
                ("initial margin", part.initial_margin),
                ("maintenance margin", part.maintenance_margin),
            ],
        );
        let greeks = &part.greeks;
        for (name, units) in [("delta", greeks.delta), ("gamma", greeks.gamma)] {
            self.text(&format!("{prefix}{name}"), exact(i128::from(units), UNIT_DECIMALS));
        }
        self.money(&prefix, [("vega", greeks.vega), ("theta", greeks.theta), ("rho", greeks.rho)]);
        match &part.model {
            ModelReport::Portfolio(parts) => {
                self.text(&format!("{prefix}worst case"), parts.worst_case);
                for (name, factor) in
                    [("initial factor", parts.initial_factor), ("maintenance factor", parts.maintenance_factor)]
                {
                    self.text(&format!("{prefix}{name}"), exact(i128::from(factor), 9));
                }
                let charges = &parts.charges;
                self.money(
                    &prefix,
                    [
                        ("profit in the worst case", parts.worst_profit),
                        ("forward contingency", parts.basis_contingency),
                        ("floor by delta", parts.minimum_delta),
                        ("scan risk", parts.scan_risk),
                        ("linear charge, initial", charges.perpetual_initial),
                        ("linear charge, maintenance", charges.perpetual_maintenance),
                        ("short-option charge, initial", charges.short_option_initial),
                        ("short-option charge, maintenance", charges.short_option_maintenance),
                        ("roll charge", charges.roll),
                        ("vega charge", charges.vega),
                        ("concentration charge", charges.concentration),
                        ("confidence charge", charges.confidence),
                        ("unrealised profit beyond the cap", charges.unrealised_profit),
                    ],
                );
            }
            ModelReport::Standard(parts) => self.money(
                &prefix,
                [
                    ("linear margin, initial", parts.linear_initial),
                    ("linear margin, maintenance", parts.linear_maintenance),
                    ("option margin, initial", parts.options_initial),
                    ("option margin, maintenance", parts.options_maintenance),
                    ("token margin, initial", parts.collateral_initial),
                    ("token margin, maintenance", parts.collateral_maintenance),
                    ("confidence charge", parts.confidence),
                    ("peg charge", parts.depeg),
                ],
            ),
        }
    }
}
