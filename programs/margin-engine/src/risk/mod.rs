//! From stored accounts to the core crate's margin calculation, and back to quote atoms.

mod amounts;
mod market;
mod report;

use anchor_lang::prelude::*;
use margin_core::{
    KernelError, Price, Usd,
    portfolio::{
        AccountRisk, CollateralTerms, Detail, GridScenario, MarginError, Market, Ratio,
        RiskParameters as CoreParameters, Scratch, UnderlyingRisk, assess_underlying, token_value,
    },
};

pub use {amounts::*, report::*};

use self::market::{book_position, expiry_market};
use crate::{
    constants::MAX_SCENARIOS,
    error::EngineError,
    oracle::PriceUse,
    risk_accounts::{RiskAccounts, UnderlyingView},
    state::{Engine, MarginAccount, Position, Underlying},
};

/// Margin figures of an account: whether it may trade, must be liquidated, and by how much.
pub fn assess(
    account: &MarginAccount,
    markets: &RiskAccounts,
    engine: &Engine,
    usage: PriceUse,
    now: i64,
) -> Result<AccountRisk> {
    let mut total = AccountRisk::new(cash_to_usd(account.cash(), engine.quote_decimals)?);
    add_balances(account, markets, &mut total)?;
    let mut workspace = new_workspace();
    for positions in by_underlying(account) {
        let view = markets.underlying(positions[0].underlying)?;
        let risk =
            assess_positions(positions, view, engine.quote_decimals, usage, now, Detail::Margin, &mut workspace)?;
        total.add_underlying(&risk).map_err(margin_error)?;
    }
    Ok(total)
}

fn add_balances(account: &MarginAccount, markets: &RiskAccounts, total: &mut AccountRisk) -> Result<()> {
    for balance in account.balances() {
        let view = markets.collateral(balance.collateral)?;
        let value = token_value(balance.amount, view.state.decimals, view.price.price).map_err(margin_error)?;
        let haircuts = view.state.haircuts;
        let terms = CollateralTerms {
            maintenance_haircut: Ratio(u64::from(haircuts.maintenance)),
            initial_haircut: Ratio(u64::from(haircuts.initial)),
            ..Default::default()
        };
        total.add_collateral(value, Ratio::ONE, &terms).map_err(margin_error)?;
    }
    Ok(())
}

/// Working memory of an assessment. It lies on the heap, which a program never gets back, so one serves all underlyings.
pub struct Workspace {
    scratch: Scratch,
    parameters: CoreParameters,
    scenarios: [GridScenario; MAX_SCENARIOS],
}

/// In a frame of its own that nothing else crowds.
#[inline(never)]
pub fn new_workspace() -> Box<Workspace> {
    Box::new(Workspace {
        scratch: Scratch::new(),
        parameters: CoreParameters::default(),
        scenarios: [GridScenario::default(); MAX_SCENARIOS],
    })
}

impl Workspace {
    /// Takes in the model of an underlying.
    #[inline(never)]
    fn load(&mut self, state: &Underlying) {
        self.parameters = CoreParameters::from(&state.risk);
        for (slot, stored) in self.scenarios.iter_mut().zip(state.scenarios()) {
            *slot = GridScenario::from(stored);
        }
    }
}

/// The positions of each underlying in turn: they lie side by side.
fn by_underlying(account: &MarginAccount) -> impl Iterator<Item = &[Position]> {
    account.positions().chunk_by(|a, b| a.underlying == b.underlying)
}

/// All positions of one underlying against its market.
#[inline(never)]
pub fn assess_positions(
    positions: &[Position],
    view: &UnderlyingView,
    decimals: u8,
    usage: PriceUse,
    now: i64,
    detail: Detail,
    workspace: &mut Workspace,
) -> Result<UnderlyingRisk> {
    let state = &*view.state;
    // An unknown kind would be priced as something it is not; nothing below checks it again.
    require!(positions.iter().all(|position| position.instrument().is_some()), EngineError::UnknownLayout);
    workspace.load(state);
    let Workspace { scratch, parameters, scenarios } = workspace;
    let count = state.scenarios().len();
    let market = Market {
        spot: view.price.price,
        // Until a premium is published the perpetual is marked at the index.
        perpetual: view.price.price,
        stable: Price::ONE_USD,
        spot_confidence: Ratio::ONE,
        perpetual_confidence: Ratio::ONE,
        hedge: Usd::ZERO,
        lot_size: state.lot_size,
        parameters,
        scenarios: &scenarios[..count],
    };
    let book = positions.iter().map(|position| book_position(position, decimals));
    let surface = |expiry| expiry_market(view, expiry, usage, now).map_err(RiskError::Program);
    Ok(assess_underlying(&market, book, surface, detail, scratch)?)
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
        MarginError::Unsorted
        | MarginError::ScenarioCount
        | MarginError::UnknownScenario
        | MarginError::WitnessMeasure
        | MarginError::SkewWidth
        | MarginError::InverseOption
        | MarginError::TooManyExpiries => EngineError::UnknownLayout,
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
