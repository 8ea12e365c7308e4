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
    KernelError, Price,
    portfolio::{AccountRisk, MarginError},
};

pub use {amounts::*, breakdown::*, report::*, walk::Figures, workspace::Workspace};

use crate::{
    error::EngineError,
    oracle::PriceUse,
    risk_accounts::{RequiredMarkets, RiskAccounts, UnderlyingView},
    state::{AccountMode, Engine, Instrument, MarginAccount},
};

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
    /// Looks at one scenario of each underlying instead of all; see [`walk::witness_of`].
    pub witness: Option<&'a [u8]>,
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
        Ok(Self { account, markets, engine, mode: account.mode()?, usage, now, witness: None })
    }

    /// Margin figures: whether the account may trade, must be liquidated, and by how much.
    pub fn assess(&self) -> Result<AccountRisk> {
        self.assess_in(&mut Workspace::new())
    }

    /// The same in working memory that has served other accounts or will.
    pub fn assess_in(&self, workspace: &mut Workspace) -> Result<AccountRisk> {
        Ok(self.walk(false, workspace, |_, _| Ok(()))?.risk)
    }
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
