//! From stored accounts to the core crate's margin calculation, and back to quote atoms.

mod amounts;
mod breakdown;
mod encode;
mod market;
mod model;
mod report;
mod walk;
mod workspace;

use anchor_lang::prelude::*;
use margin_core::{
    KernelError, Price, Usd,
    portfolio::{AccountRisk, MarginError},
};

pub use {
    amounts::*,
    breakdown::*,
    report::*,
    walk::{BASIS, Figures, NO_LOSS},
    workspace::Workspace,
};

use crate::{
    constants::MAX_UNDERLYINGS,
    error::EngineError,
    oracle::PriceUse,
    risk_accounts::{RequiredMarkets, RiskAccounts, UnderlyingView},
    state::{AccountMode, Engine, Instrument, LiquidationState, MarginAccount},
};
use walk::{Part, difference, number_of, sum};

/// One assessment of one account: everything it depends on.
#[derive(Clone, Copy)]
pub struct Check<'a> {
    pub account: &'a MarginAccount,
    pub markets: &'a RiskAccounts<'a>,
    pub engine: &'a Engine,
    /// Usually the account's own.
    pub mode: AccountMode,
    pub usage: PriceUse,
    /// Unix seconds.
    pub now: i64,
    pub witness: Witness<'a>,
}

/// Which scenarios an assessment looks at, by their numbers ([`walk::witness_of`]).
#[derive(Clone, Copy, Debug)]
pub enum Witness<'a> {
    /// All.
    All,
    /// One for each underlying that the account is exposed to, in their order.
    Listed(&'a [u8]),
    /// One for each underlying of the engine, as a liquidation stores them. Where one scenario says nothing (standard mode, the
    /// cross-underlying model, a mean of several scenarios) all are looked at; one that the grid no longer has costs nothing.
    Stored(&'a [u8; MAX_UNDERLYINGS as usize]),
}

impl<'a> Check<'a> {
    /// An assessment in the account's own mode, of every scenario.
    pub fn new(
        account: &'a MarginAccount,
        markets: &'a RiskAccounts<'a>,
        engine: &'a Engine,
        usage: PriceUse,
        now: i64,
    ) -> Result<Self> {
        Ok(Self { account, markets, engine, mode: account.mode()?, usage, now, witness: Witness::All })
    }

    /// Margin figures: whether the account may trade, must be liquidated, and by how much.
    pub fn assess(&self) -> Result<AccountRisk> {
        self.assess_in(&mut Workspace::new())
    }

    /// The same in working memory that has served other accounts or will.
    pub fn assess_in(&self, workspace: &mut Workspace) -> Result<AccountRisk> {
        Ok(self.walk(false, workspace, |_, _| Ok(()))?.risk)
    }

    /// The same, and what a liquidation has to know of each underlying.
    pub fn assess_witnesses(&self, workspace: &mut Workspace) -> Result<WitnessedRisk> {
        let mut witness = LiquidationState::no_witness();
        let mut greatest = (Usd::ZERO, LiquidationState::NO_UNDERLYING);
        let figures = self.walk(false, workspace, |view, part| {
            let requirement = match part {
                Part::Portfolio(risk) => {
                    if let Some(entry) = witness.get_mut(usize::from(view.state.index)) {
                        *entry = number_of(risk.worst_case);
                    }
                    risk.maintenance_margin
                }
                Part::Standard { risk, hedge, .. } => {
                    let value = sum(risk.mark_to_market, hedge)?;
                    difference(value, risk.margins().map_err(margin_error)?.maintenance)?
                }
            };
            if greatest.1 == LiquidationState::NO_UNDERLYING || requirement > greatest.0 {
                greatest = (requirement, view.state.index);
            }
            Ok(())
        })?;
        Ok(WitnessedRisk { risk: figures.risk, witness, greatest: greatest.1 })
    }
}

/// An assessment and its worst cases.
pub struct WitnessedRisk {
    pub risk: AccountRisk,
    /// The worst case of each underlying.
    pub witness: [u8; MAX_UNDERLYINGS as usize],
    /// The underlying with the greatest requirement of its own, if there is any.
    pub greatest: u16,
}

/// What an account must have after whatever may raise its risk; `accounts` are the markets of what it holds.
#[inline(never)]
pub fn require_initial_margin(
    engine_key: &Pubkey,
    engine: &Engine,
    account: &MarginAccount,
    accounts: &[AccountInfo],
    now: i64,
) -> Result<()> {
    let required = RequiredMarkets::of_accounts(engine, &[account])?;
    let markets = RiskAccounts::load(engine_key, accounts, required, PriceUse::RaiseRisk, now)?;
    let risk = Check::new(account, &markets, engine, PriceUse::RaiseRisk, now)?.assess()?;
    require!(risk.initially_healthy(), EngineError::BelowInitialMargin);
    Ok(())
}

/// Mark of an instrument whose series is alive, per unit of the underlying.
pub fn mark(instrument: &Instrument, view: &UnderlyingView, usage: PriceUse, now: i64) -> Result<Price> {
    market::mark(instrument, view, usage, now)
}

/// Both sources of errors inside the core's walk over a book.
pub enum RiskError {
    Margin(MarginError),
    Program(anchor_lang::error::Error),
}

impl From<MarginError> for RiskError {
    fn from(error: MarginError) -> Self {
        Self::Margin(error)
    }
}

impl From<EngineError> for RiskError {
    fn from(error: EngineError) -> Self {
        Self::Program(error.into())
    }
}

impl From<anchor_lang::error::Error> for RiskError {
    fn from(error: anchor_lang::error::Error) -> Self {
        Self::Program(error)
    }
}

impl From<RiskError> for anchor_lang::error::Error {
    fn from(error: RiskError) -> Self {
        match error {
            RiskError::Margin(error) => margin_error(error).into(),
            RiskError::Program(error) => error,
        }
    }
}

/// The program's error for a failure of the core's calculation.
pub fn margin_error(error: MarginError) -> EngineError {
    match error {
        MarginError::Overflow => EngineError::KernelOverflow,
        MarginError::UnknownScenario => EngineError::UnknownScenario,
        MarginError::WitnessMeasure => EngineError::WitnessUnsupported,
        MarginError::ScenarioCount => EngineError::ModelIncomplete,
        MarginError::InverseOption => EngineError::ModelInverse,
        // Only what no instruction writes can fail here.
        MarginError::Unsorted | MarginError::SkewWidth => EngineError::UnknownLayout,
        MarginError::Kernel(error) => match error {
            KernelError::ForwardOutOfRange => EngineError::KernelForward,
            KernelError::StrikeOutOfRange | KernelError::MoneynessOutOfRange => EngineError::KernelStrike,
            KernelError::TimeOutOfRange => EngineError::KernelTime,
            KernelError::VolOutOfRange | KernelError::VolLevelsUnordered => EngineError::KernelVol,
            KernelError::RateOutOfRange | KernelError::DiscountOutOfRange => EngineError::KernelRate,
            KernelError::SviParameterOutOfRange
            | KernelError::SviSlopeOutOfRange
            | KernelError::SviCorrelationOutOfRange
            | KernelError::SviCurvatureOutOfRange
            | KernelError::SviMinimumVarianceNegative
            | KernelError::SviVarianceNegative
            | KernelError::SviTimeOutOfRange
            | KernelError::SviForwardOutOfRange => EngineError::KernelSvi,
            _ => EngineError::KernelOverflow,
        },
    }
}
