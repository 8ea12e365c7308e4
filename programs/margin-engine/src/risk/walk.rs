//! The walk over an account: its collateral, then each underlying it is exposed to, in its mode.

use anchor_lang::prelude::*;
use margin_core::{
    Price, Usd,
    portfolio::{
        AccountRisk, BookPosition, CollateralTerms, Correlation, CrossRisk, CrossScan, Detail, ExpiryMarket,
        FactorScenario, GridScenario, Market, NetGreeks, Ratio, RiskParameters as CoreParameters, Scratch,
        StandardRisk, UnderlyingRisk, WorstCase, assess_prepared, assess_standard, assess_witness, net_greeks,
        token_value,
    },
};

use super::{
    Check, RiskError, Witness, cash_to_usd, margin_error,
    market::{book_position, expiry_market, perpetual_market},
    workspace::Workspace,
};
use crate::{
    error::EngineError,
    risk_accounts::UnderlyingView,
    state::{AccountMode, Collateral, InstrumentKind, Position, StandardParameters, Underlying},
};

/// Sums over an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub risk: AccountRisk,
    pub cash: Usd,
    /// Token balances at their prices, in full.
    pub collateral: Usd,
    /// What token balances add to the requirements on their own: haircuts and doubtful oracles.
    pub collateral_maintenance: Usd,
    pub collateral_initial: Usd,
    /// The scan risk across underlyings, where the model is on.
    pub cross: Option<CrossRisk>,
    /// How many underlyings were looked at.
    pub underlyings: u8,
}

/// One underlying's part.
pub enum Part<'a> {
    Portfolio(&'a UnderlyingRisk),
    /// With the value of the tokens of the underlying.
    Standard {
        risk: &'a StandardRisk,
        hedge: Usd,
        greeks: NetGreeks,
    },
}

/// A token balance at its price, as the account counts it.
struct Token {
    /// Over the price of the quote token.
    value: Usd,
    /// As it is.
    full_value: Usd,
    confidence: Ratio,
}

/// What is looked at of one underlying.
#[derive(Clone, Copy)]
pub(super) struct Exposed<'a> {
    pub(super) view: &'a UnderlyingView<'a>,
    pub(super) positions: &'a [Position],
    /// Value of the tokens that offset them.
    pub(super) hedge: Usd,
}

impl<'a> Check<'a> {
    /// Adds up the account, showing each underlying's part to `visit`.
    pub(super) fn walk(
        &self,
        greeks: bool,
        workspace: &mut Workspace,
        mut visit: impl FnMut(&UnderlyingView, Part) -> Result<()>,
    ) -> Result<Figures> {
        let cash = cash_to_usd(self.account.cash_at(self.engine, self.now)?, self.engine.quote_decimals)?;
        let mut figures = Figures { risk: AccountRisk::new(cash), cash, ..Default::default() };
        self.add_balances(&mut figures)?;
        let mut factors = core::mem::take(&mut workspace.factors);
        let floor = self.load_factors(&mut factors);
        let correlation = floor.map(|floor| Correlation { scenarios: &factors, floor });
        let mut cross = correlation.map(|correlation| Box::new(CrossScan::new(correlation)));
        let detail = detail_of(greeks);
        let mut left = self.account.positions();
        // In place: it is too large to be handed around.
        let mut risk = UnderlyingRisk::default();
        for view in self.markets.underlyings() {
            let (positions, rest) = split_underlying(left, view.state.index);
            left = rest;
            let exposed = Exposed { view, positions, hedge: self.hedge(view.state.index)? };
            // A token may not keep an account from being judged by being linked to an underlying that has no model yet.
            if positions.is_empty() && (exposed.hedge == Usd::ZERO || view.state.scenario_count == 0) {
                continue;
            }
            let number = usize::from(figures.underlyings);
            figures.underlyings = figures.underlyings.saturating_add(1);
            if self.mode == AccountMode::Standard || cross.is_some() {
                self.walk_other(exposed, greeks, cross.as_deref_mut(), workspace, &mut figures, &mut visit)?;
                continue;
            }
            match self.scenario_of(number, &view.state)? {
                None => self.scanned(exposed, detail, workspace, &mut risk)?,
                Some(scenario) => {
                    self.witnessed(exposed, scenario, workspace, &mut risk)?;
                }
            }
            figures.risk.add_underlying(&risk).map_err(margin_error)?;
            visit(view, Part::Portfolio(&risk))?;
        }
        // Positions are sorted as the markets are: what is left has no market.
        require!(left.is_empty(), EngineError::RiskAccountMissing);
        if let Witness::Listed(witness) = self.witness {
            require!(witness.len() == usize::from(figures.underlyings), EngineError::WitnessCount);
        }
        if let Some(cross) = cross {
            let risk = cross.finish().map_err(margin_error)?;
            figures.risk.add_cross(&risk).map_err(margin_error)?;
            figures.cross = Some(risk);
        }
        workspace.factors = factors;
        // By the parameters' rules it never is; what the account may still do shall not depend on them.
        figures.risk.initial_margin = figures.risk.initial_margin.max(figures.risk.maintenance_margin);
        Ok(figures)
    }

    /// The one scenario to look at of the `number`th underlying; `None`: all.
    #[inline(always)]
    fn scenario_of(&self, number: usize, state: &Underlying) -> Result<Option<WorstCase>> {
        if let Witness::All = self.witness { Ok(None) } else { self.witness_for(number, state) }
    }

    #[inline(never)]
    fn witness_for(&self, number: usize, state: &Underlying) -> Result<Option<WorstCase>> {
        let scenario = match self.witness {
            Witness::All => return Ok(None),
            Witness::Listed(witness) => *witness.get(number).ok_or(EngineError::WitnessCount)?,
            Witness::Stored(_) if state.risk.scan.shortfall_count > 1 => return Ok(None),
            Witness::Stored(witness) => witness
                .get(usize::from(state.index))
                .copied()
                .filter(|number| *number >= BASIS || *number < state.scenario_count)
                .unwrap_or(NO_LOSS),
        };
        Ok(Some(witness_of(scenario)))
    }

    /// An underlying in standard mode, or under the cross-underlying model: apart, so that a scan has the registers.
    #[inline(never)]
    fn walk_other(
        &self,
        exposed: Exposed,
        greeks: bool,
        cross: Option<&mut CrossScan>,
        workspace: &mut Workspace,
        figures: &mut Figures,
        visit: &mut dyn FnMut(&UnderlyingView, Part) -> Result<()>,
    ) -> Result<()> {
        // A caller's witness needs an answer under it alone.
        require!(!matches!(self.witness, Witness::Listed(_)), EngineError::WitnessUnsupported);
        match cross {
            Some(cross) => {
                let risk = self.correlated(exposed, detail_of(greeks), cross, workspace)?;
                visit(exposed.view, Part::Portfolio(&risk))
            }
            None => {
                let (risk, greeks) = self.standard(exposed, greeks, workspace)?;
                self.add_standard(&risk, exposed.hedge, figures)?;
                visit(exposed.view, Part::Standard { risk: &risk, hedge: exposed.hedge, greeks })
            }
        }
    }

    fn add_balances(&self, figures: &mut Figures) -> Result<()> {
        for balance in self.account.balances() {
            let view = self.markets.collateral(balance.collateral)?;
            let token = self.token(&view.state, balance.amount, view.price.price, view.price.score)?;
            let state = &*view.state;
            let standard = self.mode == AccountMode::Standard;
            let value = if standard { token.full_value } else { token.value };
            // In standard mode an underlying's own token is judged by the underlying's rules.
            let terms = if standard && state.cancels_risk() {
                CollateralTerms::default()
            } else {
                CollateralTerms {
                    maintenance_haircut: Ratio(u64::from(state.haircuts.maintenance)),
                    initial_haircut: Ratio(u64::from(state.haircuts.initial)),
                    confidence: (&state.confidence).into(),
                }
            };
            figures.risk.add_collateral(value, token.confidence, &terms).map_err(margin_error)?;
        }
        figures.collateral = difference(figures.risk.equity, figures.cash)?;
        figures.collateral_maintenance = figures.risk.maintenance_margin;
        figures.collateral_initial = figures.risk.initial_margin;
        Ok(())
    }

    fn token(&self, state: &Collateral, amount: u64, price: Price, score: Ratio) -> Result<Token> {
        let full_value = token_value(amount, state.decimals, price).map_err(margin_error)?;
        let confidence = match state.linked_underlying() {
            Some(underlying) => score.min(self.markets.underlying(underlying)?.price.score),
            None => score,
        };
        Ok(Token { value: over_stable(full_value, self.markets.stable())?, full_value, confidence })
    }

    /// Value of the tokens that offset positions in an underlying.
    fn hedge(&self, underlying: u16) -> Result<Usd> {
        let mut hedge = Usd::ZERO;
        for balance in self.account.balances() {
            let view = self.markets.collateral(balance.collateral)?;
            if view.state.cancels_risk() && view.state.underlying == underlying {
                let token = self.token(&view.state, balance.amount, view.price.price, view.price.score)?;
                let value = if self.mode == AccountMode::Standard { token.full_value } else { token.value };
                hedge = Usd(hedge.0.checked_add(value.0).ok_or(EngineError::Overflow)?);
            }
        }
        Ok(hedge)
    }

    /// Fills in the scenarios of the market factor, unless an earlier assessment did, and returns the breakdown floor, where
    /// this one uses them.
    #[inline(never)]
    fn load_factors(&self, scenarios: &mut Vec<FactorScenario>) -> Option<Ratio> {
        let model = self.markets.correlation().filter(|_| self.mode == AccountMode::Portfolio)?;
        if scenarios.is_empty() {
            scenarios.extend(model.scenarios().iter().map(FactorScenario::from));
        }
        Some(Ratio(model.floor))
    }

    #[inline(never)]
    fn scanned(
        &self,
        exposed: Exposed,
        detail: Detail,
        workspace: &mut Workspace,
        risk: &mut UnderlyingRisk,
    ) -> Result<()> {
        let scenarios = exposed.view.state.scenarios();
        let grid = exposed.view.state.kernel_grid(&scenarios);
        self.on_bare_market(exposed, &[], &mut workspace.scratch, |market, scratch| {
            assess_prepared(
                market,
                &grid,
                self.book(exposed),
                |expiry| self.surface(exposed, expiry),
                detail,
                scratch,
                risk,
            )
        })
    }

    #[inline(never)]
    fn witnessed(
        &self,
        exposed: Exposed,
        witness: WorstCase,
        workspace: &mut Workspace,
        risk: &mut UnderlyingRisk,
    ) -> Result<()> {
        *risk = self.on_market(exposed, workspace, |market, scratch| {
            assess_witness(market, witness, self.book(exposed), |expiry| self.surface(exposed, expiry), scratch)
        })?;
        Ok(())
    }

    #[inline(never)]
    fn correlated(
        &self,
        exposed: Exposed,
        detail: Detail,
        cross: &mut CrossScan,
        workspace: &mut Workspace,
    ) -> Result<UnderlyingRisk> {
        let exposure = (&exposed.view.state.exposure).into();
        self.on_market(exposed, workspace, |market, scratch| {
            let surface = |expiry| self.surface(exposed, expiry);
            cross.assess(market, &exposure, self.book(exposed), surface, detail, scratch)
        })
    }

    #[inline(never)]
    fn standard(&self, exposed: Exposed, greeks: bool, workspace: &mut Workspace) -> Result<(StandardRisk, NetGreeks)> {
        let stored = &exposed.view.state.standard;
        require!(*stored != StandardParameters::default(), EngineError::StandardNotOffered);
        let parameters = stored.into();
        self.on_market(exposed, workspace, |market, scratch| {
            let surface = |expiry| self.surface(exposed, expiry);
            let risk = assess_standard(market, &parameters, self.book(exposed), surface)?;
            let greeks =
                if greeks { net_greeks(market, self.book(exposed), surface, scratch)? } else { NetGreeks::default() };
            Ok((risk, greeks))
        })
    }

    /// Turns margins (negative where they demand something) into requirements beside equity.
    fn add_standard(&self, risk: &StandardRisk, hedge: Usd, figures: &mut Figures) -> Result<()> {
        let margins = risk.margins().map_err(margin_error)?;
        // The tokens are in the account's equity already.
        let value = sum(risk.mark_to_market, hedge)?;
        let total = &mut figures.risk;
        total.equity = sum(total.equity, risk.mark_to_market)?;
        total.maintenance_margin = sum(total.maintenance_margin, difference(value, margins.maintenance)?)?;
        total.initial_margin = sum(total.initial_margin, difference(value, margins.initial)?)?;
        Ok(())
    }

    /// Hands the market of an underlying with its risk grid to the core.
    pub(super) fn on_market<T>(
        &self,
        exposed: Exposed,
        workspace: &mut Workspace,
        run: impl FnOnce(&Market, &mut Scratch) -> core::result::Result<T, RiskError>,
    ) -> Result<T> {
        let Workspace { scratch, scenarios, .. } = workspace;
        scenarios.clear();
        scenarios.extend(exposed.view.state.scenarios().iter().map(GridScenario::from));
        self.on_bare_market(exposed, scenarios, scratch, run)
    }

    /// The same with `scenarios` for the grid: none for an assessment that takes it prepared.
    fn on_bare_market<T>(
        &self,
        exposed: Exposed,
        scenarios: &[GridScenario],
        scratch: &mut Scratch,
        run: impl FnOnce(&Market, &mut Scratch) -> core::result::Result<T, RiskError>,
    ) -> Result<T> {
        let state = &*exposed.view.state;
        require!(state.scenario_count > 0, EngineError::ModelIncomplete);
        // Zero stands for no price (`PriceView::NOTHING`); the program loads none for a market with positions, a keeper's view does.
        require!(exposed.view.price.price > Price::ZERO, EngineError::OraclePrice);
        // An unknown kind would be priced as something it is not; nothing below checks it again.
        let known = exposed.positions.iter().all(|position| InstrumentKind::from_byte(position.kind).is_some());
        require!(known, EngineError::UnknownLayout);
        let parameters = &CoreParameters::from(&state.risk);
        let (perpetual, perpetual_confidence) = perpetual_market(exposed.view, self.usage, self.now)?;
        let market = Market {
            spot: exposed.view.price.price,
            perpetual,
            stable: self.markets.stable(),
            lot_size: state.lot_size,
            spot_confidence: exposed.view.price.score,
            perpetual_confidence,
            hedge: exposed.hedge,
            parameters,
            scenarios,
        };
        Ok(run(&market, scratch)?)
    }

    pub(super) fn book(&self, exposed: Exposed<'a>) -> impl Iterator<Item = BookPosition> + Clone {
        let (state, decimals) = (&*exposed.view.state, self.engine.quote_decimals);
        exposed.positions.iter().map(move |position| book_position(position, state, decimals))
    }

    pub(super) fn surface(&self, exposed: Exposed, expiry: i64) -> core::result::Result<ExpiryMarket, RiskError> {
        Ok(expiry_market(exposed.view, expiry, self.usage, self.now)?)
    }

    /// The underlying of this index as far as the account is exposed to it.
    pub(super) fn exposed(&self, underlying: u16) -> Result<Exposed<'a>> {
        let positions = self.account.positions();
        let start = positions.partition_point(|position| position.underlying < underlying);
        let end = positions.partition_point(|position| position.underlying <= underlying);
        Ok(Exposed {
            view: self.markets.underlying(underlying)?,
            positions: &positions[start..end],
            hedge: self.hedge(underlying)?,
        })
    }
}

/// The positions in an underlying, if they come next, and those after them.
fn split_underlying(positions: &[Position], underlying: u16) -> (&[Position], &[Position]) {
    let comes_next = positions.first().is_some_and(|position| position.underlying == underlying);
    let held = if comes_next { positions.partition_point(|position| position.underlying <= underlying) } else { 0 };
    positions.split_at(held)
}

/// Number of a worst case as it is reported and named by witnesses: the scenario's, [`BASIS`] or [`NO_LOSS`].
pub const BASIS: u8 = u8::MAX - 1;
/// No scenario costs anything.
pub const NO_LOSS: u8 = u8::MAX;

/// What an assessment is asked for.
fn detail_of(greeks: bool) -> Detail {
    if greeks { Detail::MainGreeks } else { Detail::Margin }
}

pub(super) fn witness_of(number: u8) -> WorstCase {
    match number {
        NO_LOSS => WorstCase::None,
        BASIS => WorstCase::Basis,
        number => WorstCase::Scenario(number),
    }
}

pub(super) fn number_of(worst_case: WorstCase) -> u8 {
    match worst_case {
        WorstCase::None => NO_LOSS,
        WorstCase::Basis => BASIS,
        WorstCase::Scenario(number) => number,
    }
}

/// A value in quote tokens of this price, rounded down.
fn over_stable(value: Usd, stable: Price) -> Result<Usd> {
    if stable == Price::ONE_USD {
        return Ok(value);
    }
    let scaled = value.0.checked_mul(i128::from(Price::ONE_USD.0)).ok_or(EngineError::Overflow)?;
    let value = margin_core::wide::floor_division(scaled, i128::from(stable.0)).ok_or(EngineError::Overflow)?;
    Ok(Usd(value))
}

pub(super) fn sum(a: Usd, b: Usd) -> Result<Usd> {
    Ok(a.checked_add(b).ok_or(EngineError::Overflow)?)
}

pub(super) fn difference(a: Usd, b: Usd) -> Result<Usd> {
    Ok(a.checked_sub(b).ok_or(EngineError::Overflow)?)
}
