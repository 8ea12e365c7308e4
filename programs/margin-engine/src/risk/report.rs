//! What `margin_check` returns.

use core::num::NonZero;

use anchor_lang::prelude::*;
use margin_core::{
    portfolio::{AccountRisk, Detail, NetGreeks, UnderlyingRisk, WorstCase},
    wide,
};

use super::{
    add_balances, amounts::usd_in_atom, assess_positions, by_underlying, cash_atoms_floor, cash_to_usd, margin_error,
    new_workspace, usd_to_atoms_ceil, usd_to_atoms_floor,
};
use crate::{
    constants::RATIO_ONE,
    error::EngineError,
    oracle::PriceUse,
    risk_accounts::{RiskAccounts, UnderlyingView},
    state::{Engine, MarginAccount},
};

/// Margin of an account: return data of `margin_check`. Amounts in quote atoms; equity rounds down, requirements up.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct MarginReport {
    pub cash: i64,
    /// Token balances at their prices, in full.
    pub collateral_value: i64,
    /// Options at their marks, perpetuals at their unrealised profit.
    pub positions_value: i64,
    pub equity: i64,
    /// Requirement: below it the account may take no new risk.
    pub initial_margin: i64,
    /// Requirement: below it anyone may liquidate.
    pub maintenance_margin: i64,
    pub in_liquidation: bool,
    pub underlyings: Vec<UnderlyingReport>,
}

/// One underlying of a [`MarginReport`].
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct UnderlyingReport {
    pub index: u16,
    /// Position in the risk grid of the scenario that costs most; 255: none costs anything.
    pub worst_scenario: u8,
    /// Quote atoms, never positive, rounded down.
    pub worst_scenario_profit: i64,
    pub positions_value: i64,
    pub initial_margin: i64,
    pub maintenance_margin: i64,
    pub greeks: GreeksReport,
}

/// Net Greeks of one underlying in a trader's units, rounded to nearest.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GreeksReport {
    /// precision: 1e-9 units of the underlying.
    pub delta: i64,
    /// precision: 1e-9 units of the underlying, for a rise of spot by 1 %.
    pub gamma: i64,
    /// Quote atoms for one vol point (1 %).
    pub vega: i64,
    /// Quote atoms a day.
    pub theta: i64,
    /// Quote atoms for one point (1 %) of rate.
    pub rho: i64,
}

/// Margin of an account with every part and the Greeks, for people and for other programs.
pub fn report(
    account: &MarginAccount,
    markets: &RiskAccounts,
    engine: &Engine,
    usage: PriceUse,
    now: i64,
) -> Result<MarginReport> {
    let decimals = engine.quote_decimals;
    let mut total = AccountRisk::new(cash_to_usd(account.cash(), decimals)?);
    add_balances(account, markets, &mut total)?;
    let collateral = total.equity.checked_sub(cash_to_usd(account.cash(), decimals)?).ok_or(EngineError::Overflow)?;
    let before_positions = total.equity;
    let mut underlyings = Vec::new();
    let mut workspace = new_workspace();
    for positions in by_underlying(account) {
        let view = markets.underlying(positions[0].underlying)?;
        let risk = assess_positions(positions, view, decimals, usage, now, Detail::Greeks, &mut workspace)?;
        total.add_underlying(&risk).map_err(margin_error)?;
        underlyings.push(UnderlyingReport::new(&risk, view, decimals)?);
    }
    let positions_value = total.equity.checked_sub(before_positions).ok_or(EngineError::Overflow)?;
    Ok(MarginReport {
        cash: cash_atoms_floor(account.cash())?,
        collateral_value: usd_to_atoms_floor(collateral, decimals)?,
        positions_value: usd_to_atoms_floor(positions_value, decimals)?,
        equity: usd_to_atoms_floor(total.equity, decimals)?,
        initial_margin: usd_to_atoms_ceil(total.initial_margin, decimals)?,
        maintenance_margin: usd_to_atoms_ceil(total.maintenance_margin, decimals)?,
        in_liquidation: account.in_liquidation(),
        underlyings,
    })
}

impl UnderlyingReport {
    fn new(risk: &UnderlyingRisk, view: &UnderlyingView, decimals: u8) -> Result<Self> {
        Ok(Self {
            index: view.state.index,
            worst_scenario: match risk.worst_case {
                WorstCase::Scenario(number) => number,
                WorstCase::None | WorstCase::Basis => u8::MAX,
            },
            worst_scenario_profit: usd_to_atoms_floor(risk.worst, decimals)?,
            positions_value: usd_to_atoms_floor(risk.mark_to_market, decimals)?,
            initial_margin: usd_to_atoms_ceil(risk.initial_margin, decimals)?,
            maintenance_margin: usd_to_atoms_ceil(risk.maintenance_margin, decimals)?,
            greeks: GreeksReport::new(&risk.greeks, view, decimals)?,
        })
    }
}

impl GreeksReport {
    /// Cash Greeks in a trader's units: delta and gamma in units of the underlying, the rest in quote atoms.
    fn new(greeks: &NetGreeks, view: &UnderlyingView, decimals: u8) -> Result<Self> {
        let usd = |greek| NetGreeks::in_usd(greek, view.state.lot_size).map_err(margin_error);
        let overflow = || EngineError::Overflow;
        // 1e-12 USD over a price in 1e-12 USD, in 1e-9 units, towards zero; gamma for 1 % is a hundredth.
        let units = |greek, divisor: i128| -> Result<i64> {
            let scaled = wide::multiply(usd(greek)?.0, RATIO_ONE).ok_or_else(overflow)?;
            let scaled = wide::floor_division(scaled, divisor).ok_or_else(overflow)?;
            let price = NonZero::new(view.price.price.0).ok_or_else(overflow)?;
            let magnitude = wide::quotient(scaled.unsigned_abs(), price).ok_or_else(overflow)?;
            let magnitude = i64::try_from(magnitude).map_err(|_| overflow())?;
            Ok(if scaled < 0 { -magnitude } else { magnitude })
        };
        let atoms = |greek, divisor: i128| -> Result<i64> {
            let divisor = i128::from(usd_in_atom(decimals)) * divisor;
            let atoms =
                wide::floor_division(usd(greek)?.0.saturating_add(divisor / 2), divisor).ok_or_else(overflow)?;
            Ok(i64::try_from(atoms).map_err(|_| overflow())?)
        };
        Ok(Self {
            delta: units(greeks.delta, 1)?,
            gamma: units(greeks.gamma, 100)?,
            vega: atoms(greeks.vega, 100)?,
            theta: atoms(greeks.theta, 365)?,
            rho: atoms(greeks.rho, 100)?,
        })
    }
}
