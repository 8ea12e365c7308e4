//! The report for programs: every figure exact, as a decimal string.

use margin_client::{
    UnderlyingReport,
    margin::{ScenarioProfit, StandAlone},
    text::{UNIT_DECIMALS, exact},
};
use serde_json::{Value, json};

use super::{Report, worst_profit};
use crate::{account::named, model::vol_name};

impl Report<'_> {
    pub(super) fn json(&self) -> Value {
        let margin = &self.margin;
        let underlying = |(underlying, worst): (&UnderlyingReport, &Option<ScenarioProfit>)| {
            let greeks = underlying.greeks;
            let units = |value: i64| exact(i128::from(value), UNIT_DECIMALS);
            json!({
                "symbol": self.markets.symbol(underlying.index),
                "index": underlying.index,
                "price": self.price(underlying.index).map(|price| exact(price, 12)),
                "positionsValue": self.exact(underlying.positions_value),
                "initialMargin": self.exact(underlying.initial_margin),
                "maintenanceMargin": self.exact(underlying.maintenance_margin),
                "worstScenario": worst.map(|scenario| json!({
                    "number": underlying.portfolio().map(|parts| parts.worst_case),
                    "spot": exact(i128::from(scenario.spot.0), 9),
                    "vol": vol_name(scenario.vol),
                    "weight": exact(i128::from(scenario.weight.0), 9),
                    "profit": self.exact(worst_profit(underlying)),
                })),
                "greeks": {
                    "delta": units(greeks.delta),
                    "gammaForOnePercent": units(greeks.gamma),
                    "vegaForOnePoint": self.exact(greeks.vega),
                    "thetaForOneDay": self.exact(greeks.theta),
                    "rhoForOnePercent": self.exact(greeks.rho),
                },
            })
        };
        let position = |alone: &StandAlone| {
            let (name, quantity) = named(self.markets, &alone.position);
            json!({
                "instrument": name,
                "quantity": exact(quantity, UNIT_DECIMALS),
                "lots": alone.position.lots,
                "value": self.exact(alone.value),
                "initialMargin": self.exact(alone.initial_margin),
                "maintenanceMargin": self.exact(alone.maintenance_margin),
                "delta": exact(i128::from(alone.greeks.delta), UNIT_DECIMALS),
            })
        };
        let modes: Vec<Value> = self
            .modes
            .iter()
            .map(|(name, report)| {
                json!({
                    "mode": name,
                    "equity": self.exact(report.equity),
                    "initialMargin": self.exact(report.initial_margin),
                    "maintenanceMargin": self.exact(report.maintenance_margin),
                })
            })
            .collect();
        json!({
            "address": self.account.address.to_string(),
            "owner": self.account.owner.to_string(),
            "time": self.markets.now,
            "computeUnits": self.units,
            "inLiquidation": margin.in_liquidation,
            "cash": self.exact(margin.cash),
            "collateralValue": self.exact(margin.collateral_value),
            "positionsValue": self.exact(margin.positions_value),
            "equity": self.exact(margin.equity),
            "initialMargin": self.exact(margin.initial_margin),
            "maintenanceMargin": self.exact(margin.maintenance_margin),
            "underlyings": margin.underlyings.iter().zip(&self.worst).map(underlying).collect::<Vec<_>>(),
            "modes": modes,
            "positionByPosition": {
                "initialMargin": self.exact(self.apart_total.initial_margin),
                "maintenanceMargin": self.exact(self.apart_total.maintenance_margin),
                "positions": self.apart.iter().map(position).collect::<Vec<_>>(),
            },
        })
    }
}
