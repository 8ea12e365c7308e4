//! The assessment for programs: every figure, exact.

use margin_client::{
    Breakdown, ModelReport, PortfolioReport, StandardReport, UnderlyingReport,
    text::{UNIT_DECIMALS, exact},
};
use serde_json::{Value, json};

use super::{Assessment, mode_name};
use crate::model::vol_name;

/// Decimals of breakdowns.
const USD: u32 = 12;
const RATIO: u32 = 9;

impl Assessment<'_> {
    pub(super) fn json(&self) -> Value {
        let report = &self.evaluation.report;
        let modes: Vec<Value> = self
            .modes
            .iter()
            .map(|(mode, report)| match report {
                None => json!({ "mode": mode_name(*mode), "offered": false }),
                Some(report) => json!({
                    "mode": mode_name(*mode),
                    "offered": true,
                    "equity": self.amount(report.equity),
                    "initialMargin": self.amount(report.initial_margin),
                    "maintenanceMargin": self.amount(report.maintenance_margin),
                    "savedByPortfolio": self
                        .netted()
                        .map(|netted| self.amount(report.initial_margin.saturating_sub(netted))),
                }),
            })
            .collect();
        let cross = report.cross.map(|cross| {
            json!({
                "systematic": self.amount(cross.systematic),
                "idiosyncratic": self.amount(cross.idiosyncratic),
                "standAlone": self.amount(cross.stand_alone),
                "scanRisk": self.amount(cross.scan_risk),
            })
        });
        json!({
            "file": self.file.display().to_string(),
            "time": self.book.now,
            "onChain": self.on_chain,
            "computeUnits": self.evaluation.compute_units,
            "mode": mode_name(report.mode),
            "inLiquidation": report.in_liquidation,
            "cash": self.amount(report.cash),
            "collateralValue": self.amount(report.collateral_value),
            "collateralInitial": self.amount(report.collateral_initial),
            "collateralMaintenance": self.amount(report.collateral_maintenance),
            "positionsValue": self.amount(report.positions_value),
            "equity": self.amount(report.equity),
            "initialMargin": self.amount(report.initial_margin),
            "maintenanceMargin": self.amount(report.maintenance_margin),
            "cross": cross,
            "modes": modes,
            "underlyings": report.underlyings.iter().map(|part| self.underlying(part)).collect::<Vec<_>>(),
        })
    }

    fn amount(&self, atoms: i64) -> String {
        exact(i128::from(atoms), self.decimals())
    }

    fn underlying(&self, part: &UnderlyingReport) -> Value {
        let units = |value: i64| exact(i128::from(value), UNIT_DECIMALS);
        let (greeks, index) = (part.greeks, part.index);
        let scenarios: Vec<Value> = self
            .scenarios(index)
            .enumerate()
            .map(|(number, (spot, vol, weight))| {
                let profit = self.detail(index).and_then(|detail| detail.book.profits.get(number));
                json!({
                    "spot": exact(i128::from(spot), RATIO),
                    "vol": vol_name(vol),
                    "weight": exact(i128::from(weight), RATIO),
                    "profit": profit.map(|profit| exact(*profit, USD)),
                })
            })
            .collect();
        let rows = self.detail(index).map(|detail| {
            let legs: Vec<Value> = self
                .positions(index)
                .zip(&detail.positions)
                .map(|(position, row)| {
                    let (name, quantity) = self.named(position);
                    json!({
                        "instrument": name,
                        "quantity": exact(quantity, UNIT_DECIMALS),
                        "lots": position.lots,
                        "figures": breakdown(row),
                    })
                })
                .collect();
            json!({ "book": breakdown(&detail.book), "collateral": breakdown(&detail.collateral), "legs": legs })
        });
        json!({
            "symbol": self.symbol(index),
            "index": index,
            "model": self.book.models.get(usize::from(index)).map(|model| model.name.clone()),
            "positionsValue": self.amount(part.positions_value),
            "initialMargin": self.amount(part.initial_margin),
            "maintenanceMargin": self.amount(part.maintenance_margin),
            "greeks": {
                "delta": units(greeks.delta),
                "gammaForOnePercent": units(greeks.gamma),
                "vegaForOnePoint": self.amount(greeks.vega),
                "thetaForOneDay": self.amount(greeks.theta),
                "rhoForOnePercent": self.amount(greeks.rho),
            },
            "portfolio": part.portfolio().map(|parts| self.portfolio(parts)),
            "standard": match &part.model {
                ModelReport::Standard(parts) => Some(self.standard(parts)),
                ModelReport::Portfolio(_) => None,
            },
            "scenarios": scenarios,
            "breakdown": rows,
        })
    }

    fn portfolio(&self, parts: &PortfolioReport) -> Value {
        let charges = &parts.charges;
        json!({
            "worstCase": parts.worst_case,
            "worstProfit": self.amount(parts.worst_profit),
            "basisContingency": self.amount(parts.basis_contingency),
            "minimumDelta": self.amount(parts.minimum_delta),
            "scanRisk": self.amount(parts.scan_risk),
            "initialFactor": exact(i128::from(parts.initial_factor), RATIO),
            "maintenanceFactor": exact(i128::from(parts.maintenance_factor), RATIO),
            "charges": {
                "perpetualInitial": self.amount(charges.perpetual_initial),
                "perpetualMaintenance": self.amount(charges.perpetual_maintenance),
                "shortOptionInitial": self.amount(charges.short_option_initial),
                "shortOptionMaintenance": self.amount(charges.short_option_maintenance),
                "roll": self.amount(charges.roll),
                "vega": self.amount(charges.vega),
                "concentration": self.amount(charges.concentration),
                "confidence": self.amount(charges.confidence),
                "unrealisedProfit": self.amount(charges.unrealised_profit),
            },
        })
    }

    fn standard(&self, parts: &StandardReport) -> Value {
        json!({
            "linearInitial": self.amount(parts.linear_initial),
            "linearMaintenance": self.amount(parts.linear_maintenance),
            "optionsInitial": self.amount(parts.options_initial),
            "optionsMaintenance": self.amount(parts.options_maintenance),
            "collateralInitial": self.amount(parts.collateral_initial),
            "collateralMaintenance": self.amount(parts.collateral_maintenance),
            "confidence": self.amount(parts.confidence),
            "depeg": self.amount(parts.depeg),
        })
    }
}

fn breakdown(row: &Breakdown) -> Value {
    json!({
        "markToMarket": exact(row.mark_to_market, USD),
        "profits": row.profits.iter().map(|profit| exact(*profit, USD)).collect::<Vec<_>>(),
    })
}
