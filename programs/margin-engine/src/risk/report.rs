//! What `margin_check` and `margin_quote` return.

use core::num::NonZero;

use anchor_lang::prelude::*;
use margin_core::{
    portfolio::{Charges, CrossRisk, NetGreeks, StandardRisk, UnderlyingRisk},
    wide,
};

use super::{
    Check, Witness,
    amounts::{Atoms, usd_in_atom},
    cash_atoms_floor, margin_error,
    walk::{Part, difference, number_of, sum},
    workspace::Workspace,
};
use crate::{constants::RATIO_ONE, error::EngineError, risk_accounts::UnderlyingView, state::AccountMode};

/// Underlyings in one report: return data holds 1 024 bytes.
pub const REPORT_UNDERLYINGS: usize = 4;

/// Margin of an account: return data of `margin_check`. Amounts in quote atoms; equity rounds down, requirements up.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct MarginReport {
    pub mode: AccountMode,
    pub in_liquidation: bool,
    pub cash: i64,
    /// Token balances at their prices, in full.
    pub collateral_value: i64,
    /// Part of the requirements: haircuts and doubtful oracles of token balances.
    pub collateral_maintenance: i64,
    /// As `collateral_maintenance`, in initial margin.
    pub collateral_initial: i64,
    /// Options at their marks, linear instruments at their unrealised profit.
    pub positions_value: i64,
    pub equity: i64,
    /// Requirement: below it the account may take no new risk.
    pub initial_margin: i64,
    /// Requirement: below it anyone may liquidate.
    pub maintenance_margin: i64,
    /// Scan risk across underlyings, where that model is on; the underlyings' own figures then are stand-alone ones.
    pub cross: Option<CrossReport>,
    /// How many underlyings the account is exposed to.
    pub underlying_count: u8,
    /// At most [`REPORT_UNDERLYINGS`] of them, from the number that was asked for.
    pub underlyings: Vec<UnderlyingReport>,
}

/// Scan risk across underlyings; losses in quote atoms, rounded up.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossReport {
    /// Worst sum over the market factor.
    pub systematic: i64,
    /// Root sum of squares of the residual losses.
    pub idiosyncratic: i64,
    /// Sum of the stand-alone scan risks.
    pub stand_alone: i64,
    /// Scan risk that counts: systematic + idiosyncratic, at least the breakdown floor's share of `stand_alone`.
    pub scan_risk: i64,
}

/// One underlying of a [`MarginReport`].
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct UnderlyingReport {
    pub index: u16,
    pub positions_value: i64,
    pub initial_margin: i64,
    pub maintenance_margin: i64,
    pub greeks: GreeksReport,
    pub model: ModelReport,
}

/// The parts of an underlying's requirement.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub enum ModelReport {
    Portfolio(PortfolioReport),
    Standard(StandardReport),
}

/// Requirement = factor · scan risk + charges. Quote atoms, rounded up where not said otherwise.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortfolioReport {
    /// Number of the scenario that costs most; 254: the forward contingency; 255: nothing costs anything.
    pub worst_case: u8,
    /// Profit in it: never positive, rounded down.
    pub worst_profit: i64,
    /// Forward contingency: never positive, rounded down.
    pub basis_contingency: i64,
    /// Floor on the scan risk.
    pub minimum_delta: i64,
    pub scan_risk: i64,
    /// precision: 1e-9. With the rise while the quote token is off its peg.
    pub initial_factor: u64,
    /// precision: 1e-9.
    pub maintenance_factor: u64,
    pub charges: ChargesReport,
}

/// Charges on top of the scan risk. Roll, vega and concentration are before the factors that some models scale them with.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChargesReport {
    pub perpetual_maintenance: i64,
    /// With what initial margin has on top; so is `short_option_initial`.
    pub perpetual_initial: i64,
    pub short_option_maintenance: i64,
    pub short_option_initial: i64,
    pub roll: i64,
    pub vega: i64,
    pub concentration: i64,
    /// Initial margin only.
    pub confidence: i64,
    /// Initial margin only.
    pub unrealised_profit: i64,
}

/// Margins position by position, negative where they demand something; quote atoms, rounded down. Charges round up.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardReport {
    pub linear_initial: i64,
    pub linear_maintenance: i64,
    pub options_initial: i64,
    pub options_maintenance: i64,
    /// What tokens of the underlying count.
    pub collateral_initial: i64,
    pub collateral_maintenance: i64,
    /// Charge, initial margin only.
    pub confidence: i64,
    /// Charge, initial margin only.
    pub depeg: i64,
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

/// What a report shall hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportOptions {
    /// Number of the first underlying to report.
    pub first: u8,
    /// Whether net Greeks are wanted; zero otherwise. A witness brings none.
    pub greeks: bool,
}

impl Check<'_> {
    /// Margin of the account with every part, for people and for other programs.
    pub fn report(&self, options: ReportOptions) -> Result<MarginReport> {
        let decimals = self.engine.quote_decimals;
        let mut underlyings = Vec::with_capacity(REPORT_UNDERLYINGS);
        let mut number = 0usize;
        let greeks = options.greeks && matches!(self.witness, Witness::All);
        let page = usize::from(options.first)..usize::from(options.first).saturating_add(REPORT_UNDERLYINGS);
        let figures = self.walk(options.greeks, &mut Workspace::new(), |view, part| {
            if page.contains(&number) {
                // Some are known even if they are not wanted: those of linear instruments, and what charges need.
                UnderlyingReport::add(&mut underlyings, &part, view, decimals, greeks)?;
            }
            number = number.saturating_add(1);
            Ok(())
        })?;
        let total = &figures.risk;
        let positions_value = difference(difference(total.equity, figures.collateral)?, figures.cash)?;
        let mut atoms = Atoms::new(decimals);
        let report = MarginReport {
            mode: self.mode,
            in_liquidation: self.account.in_liquidation(),
            cash: cash_atoms_floor(self.account.cash_at(self.engine, self.now)?)?,
            collateral_value: atoms.floor(figures.collateral),
            collateral_maintenance: atoms.ceil(figures.collateral_maintenance),
            collateral_initial: atoms.ceil(figures.collateral_initial),
            positions_value: atoms.floor(positions_value),
            equity: atoms.floor(total.equity),
            initial_margin: atoms.ceil(total.initial_margin),
            maintenance_margin: atoms.ceil(total.maintenance_margin),
            cross: figures.cross.map(|cross| CrossReport::new(&cross, &mut atoms)),
            underlying_count: figures.underlyings,
            underlyings,
        };
        atoms.check(report)
    }
}

impl CrossReport {
    fn new(risk: &CrossRisk, atoms: &mut Atoms) -> Self {
        Self {
            systematic: atoms.ceil(risk.systematic),
            idiosyncratic: atoms.ceil(risk.idiosyncratic),
            stand_alone: atoms.ceil(risk.stand_alone),
            scan_risk: atoms.ceil(risk.scan_risk),
        }
    }
}

impl UnderlyingReport {
    /// In place: a report is too large to be handed around.
    #[inline(never)]
    fn add(reports: &mut Vec<Self>, part: &Part, view: &UnderlyingView, decimals: u8, greeks: bool) -> Result<()> {
        let in_units = |net: &NetGreeks| {
            if greeks { GreeksReport::new(net, view, decimals) } else { Ok(GreeksReport::default()) }
        };
        let mut atoms = Atoms::new(decimals);
        let index = view.state.index;
        reports.push(match part {
            Part::Portfolio(risk) => Self {
                index,
                positions_value: atoms.floor(risk.mark_to_market),
                initial_margin: atoms.ceil(risk.initial_margin),
                maintenance_margin: atoms.ceil(risk.maintenance_margin),
                greeks: in_units(&risk.greeks)?,
                model: ModelReport::Portfolio(PortfolioReport::new(risk, &mut atoms)),
            },
            Part::Standard { risk, hedge, greeks } => {
                let margins = risk.margins().map_err(margin_error)?;
                let value = sum(risk.mark_to_market, *hedge)?;
                Self {
                    index,
                    positions_value: atoms.floor(risk.mark_to_market),
                    initial_margin: atoms.ceil(difference(value, margins.initial)?),
                    maintenance_margin: atoms.ceil(difference(value, margins.maintenance)?),
                    greeks: in_units(greeks)?,
                    model: ModelReport::Standard(StandardReport::new(risk, &mut atoms)),
                }
            }
        });
        atoms.check(())
    }

    /// The portfolio model's parts, unless the account was judged position by position.
    pub fn portfolio(&self) -> Option<&PortfolioReport> {
        match &self.model {
            ModelReport::Portfolio(parts) => Some(parts),
            ModelReport::Standard(_) => None,
        }
    }
}

impl PortfolioReport {
    #[inline(never)]
    fn new(risk: &UnderlyingRisk, atoms: &mut Atoms) -> Self {
        Self {
            worst_case: number_of(risk.worst_case),
            worst_profit: atoms.floor(risk.worst),
            basis_contingency: atoms.floor(risk.basis_contingency),
            minimum_delta: atoms.ceil(risk.minimum_delta),
            scan_risk: atoms.ceil(risk.scan_risk),
            initial_factor: risk.initial_factor.0,
            maintenance_factor: risk.maintenance_factor.0,
            charges: ChargesReport::new(&risk.charges, atoms),
        }
    }
}

impl ChargesReport {
    fn new(charges: &Charges, atoms: &mut Atoms) -> Self {
        Self {
            perpetual_maintenance: atoms.ceil(charges.perpetual_maintenance),
            perpetual_initial: atoms.ceil(charges.perpetual_initial),
            short_option_maintenance: atoms.ceil(charges.short_option_maintenance),
            short_option_initial: atoms.ceil(charges.short_option_initial),
            roll: atoms.ceil(charges.roll),
            vega: atoms.ceil(charges.vega),
            concentration: atoms.ceil(charges.concentration),
            confidence: atoms.ceil(charges.confidence),
            unrealised_profit: atoms.ceil(charges.unrealised_profit),
        }
    }
}

impl StandardReport {
    #[inline(never)]
    fn new(risk: &StandardRisk, atoms: &mut Atoms) -> Self {
        Self {
            linear_initial: atoms.floor(risk.linear.initial),
            linear_maintenance: atoms.floor(risk.linear.maintenance),
            options_initial: atoms.floor(risk.options.initial),
            options_maintenance: atoms.floor(risk.options.maintenance),
            collateral_initial: atoms.floor(risk.collateral.initial),
            collateral_maintenance: atoms.floor(risk.collateral.maintenance),
            confidence: atoms.ceil(risk.confidence),
            depeg: atoms.ceil(risk.depeg),
        }
    }
}

impl GreeksReport {
    /// Cash Greeks in a trader's units: delta and gamma in units of the underlying, the rest in quote atoms.
    #[inline(never)]
    fn new(greeks: &NetGreeks, view: &UnderlyingView, decimals: u8) -> Result<Self> {
        if *greeks == NetGreeks::default() {
            return Ok(Self::default());
        }
        let (lot_size, price) = (view.state.lot_size, view.price.price.0);
        // Lots × 1e-12 USD times the lot size over a price in 1e-12 USD: 1e-9 units. Gamma for 1 % is a hundredth.
        let units = |greek, divisor| nearest_share(greek, lot_size, [price, divisor]);
        // The same over 1e9 and the atom: quote atoms. Where so many lots are one unit exactly, nothing is multiplied.
        let atom = usd_in_atom(decimals);
        let (lot, unit) = match RATIO_ONE.checked_rem(lot_size) {
            Some(0) => (1, RATIO_ONE / lot_size),
            _ => (lot_size, RATIO_ONE),
        };
        let atoms = |greek, divisor: u64| nearest_share(greek, lot, [unit * divisor, atom]);
        Ok(Self {
            delta: units(greeks.delta, 1)?,
            gamma: units(greeks.gamma, 100)?,
            vega: atoms(greeks.vega, 100)?,
            theta: atoms(greeks.theta, 365)?,
            rho: atoms(greeks.rho, 100)?,
        })
    }
}

/// `value · factor` over the product of the divisors, to nearest (halves away from zero).
fn nearest_share(value: i128, factor: u64, divisors: [u64; 2]) -> Result<i64> {
    let mut magnitude = value.unsigned_abs();
    if factor != 1 {
        magnitude = wide::multiply_magnitude(magnitude, factor).ok_or(EngineError::Overflow)?;
    }
    let divisor = match divisors[1] {
        1 => Some(divisors[0]),
        second => u32::try_from(second).ok().and_then(|second| wide::product(divisors[0], second)),
    };
    let quotient = match divisor.and_then(NonZero::new) {
        Some(divisor) => {
            let rounded = magnitude.checked_add(u128::from(divisor.get() / 2)).ok_or(EngineError::Overflow)?;
            wide::quotient(rounded, divisor)
        }
        None => long_share(magnitude, divisors),
    };
    let magnitude = i64::try_from(quotient.ok_or(EngineError::Overflow)?).map_err(|_| EngineError::Overflow)?;
    Ok(if value < 0 { -magnitude } else { magnitude })
}

/// [`nearest_share`] for divisors whose product passes 64 bits: very high prices and quote tokens of few decimals.
#[cold]
#[inline(never)]
fn long_share(magnitude: u128, [first, second]: [u64; 2]) -> Option<u64> {
    let divisor = u128::from(first) * u128::from(second);
    u64::try_from(magnitude.checked_add(divisor / 2)?.checked_div(divisor)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_round_to_nearest() {
        let share = |value, factor, divisors| nearest_share(value, factor, divisors).unwrap();
        assert_eq!(share(7, 1, [2, 1]), 4);
        assert_eq!(share(-7, 1, [2, 1]), -4);
        assert_eq!(share(-1_000_000, 10_000_000, [RATIO_ONE, 3]), -3_333);
        // A divisor beyond 64 bits.
        let value = 123_456_789_012_345_678_901_234_567i128;
        assert_eq!(share(value, 10_000_000, [RATIO_ONE * 365, 1_000_000_000_000]), 3_382_377_781);
        assert!(nearest_share(i128::MAX, 2, [1, 1]).is_err());
        assert!(nearest_share(1 << 70, 1, [1, 1]).is_err());
    }
}
