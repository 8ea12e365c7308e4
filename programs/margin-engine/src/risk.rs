//! From stored accounts to the core crate's margin calculation, and back to quote atoms.

use anchor_lang::prelude::*;
use fixed::types::I80F48;
use margin_core::{
    ExpiryInputs, KernelError, Lots, Multiplier, Price, Rate, Scenario as CoreScenario, Seconds, Svi, Usd, Vol,
    VolLevel,
    portfolio::{
        AccountRisk, BookPosition, Detail, ExpiryMarket, InstrumentKind as CoreKind, MarginError, Market, NetGreeks,
        Ratio, RiskParameters as CoreParameters, Scratch, UnderlyingRisk, assess_underlying, lots_value,
        token_value,
    },
};

use crate::{
    constants::{MAX_SCENARIOS, RATIO_ONE, USD_DECIMALS},
    error::EngineError,
    oracle::PriceUse,
    risk_accounts::{RiskAccounts, UnderlyingView},
    state::{Engine, InstrumentKind, MarginAccount, Position, RiskParameters, Scenario, VolShock},
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
    let mut scratch = new_scratch();
    for positions in by_underlying(account) {
        let view = markets.underlying(positions[0].underlying)?;
        let risk = assess_positions(positions, view, engine.quote_decimals, usage, now, Detail::Margin, &mut scratch)?;
        total.add_underlying(&risk).map_err(margin_error)?;
    }
    Ok(total)
}

/// The same with every part and the Greeks, for people and for other programs.
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
    let mut scratch = new_scratch();
    for positions in by_underlying(account) {
        let view = markets.underlying(positions[0].underlying)?;
        let risk = assess_positions(positions, view, decimals, usage, now, Detail::Greeks, &mut scratch)?;
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

impl GreeksReport {
    /// Cash Greeks in a trader's units: delta and gamma in units of the underlying, the rest in quote atoms.
    fn new(greeks: &NetGreeks, view: &UnderlyingView, decimals: u8) -> Result<Self> {
        let usd = |greek| NetGreeks::in_usd(greek, view.state.lot_size).map_err(margin_error);
        // 1e-12 USD over a price in 1e-12 USD, in 1e-9 units; gamma for 1 % is a hundredth.
        let units = |greek, divisor: i128| -> Result<i64> {
            let scaled = usd(greek)?.0.checked_mul(i128::from(RATIO_ONE)).ok_or(EngineError::Overflow)?;
            let divisor = i128::from(view.price.price.0) * divisor;
            Ok(i64::try_from(nearest(scaled, divisor)).map_err(|_| EngineError::Overflow)?)
        };
        let atoms = |greek, divisor: i128| -> Result<i64> {
            let divisor = i128::from(usd_in_atom(decimals)) * divisor;
            Ok(i64::try_from(nearest(usd(greek)?.0, divisor)).map_err(|_| EngineError::Overflow)?)
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

/// `a / b` rounded to nearest; `b` > 0.
fn nearest(a: i128, b: i128) -> i128 {
    a.saturating_add(b / 2).div_euclid(b)
}

impl UnderlyingReport {
    fn new(risk: &UnderlyingRisk, view: &UnderlyingView, decimals: u8) -> Result<Self> {
        Ok(Self {
            index: view.state.index,
            worst_scenario: risk.worst_scenario.unwrap_or(u8::MAX),
            worst_scenario_profit: usd_to_atoms_floor(risk.worst, decimals)?,
            positions_value: usd_to_atoms_floor(risk.mark_to_market, decimals)?,
            initial_margin: usd_to_atoms_ceil(risk.initial_margin, decimals)?,
            maintenance_margin: usd_to_atoms_ceil(risk.maintenance_margin, decimals)?,
            greeks: GreeksReport::new(&risk.greeks, view, decimals)?,
        })
    }
}

fn add_balances(account: &MarginAccount, markets: &RiskAccounts, total: &mut AccountRisk) -> Result<()> {
    for balance in account.balances() {
        let view = markets.collateral(balance.collateral)?;
        let value = token_value(balance.amount, view.state.decimals, view.price.price).map_err(margin_error)?;
        let haircuts = view.state.haircuts;
        total.add_collateral(value, Ratio(haircuts.maintenance), Ratio(haircuts.initial)).map_err(margin_error)?;
    }
    Ok(())
}

/// Working memory on the heap, in a frame of its own that nothing else crowds.
#[inline(never)]
pub fn new_scratch() -> Box<Scratch> {
    Box::new(Scratch::new())
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
    scratch: &mut Scratch,
) -> Result<UnderlyingRisk> {
    let state = &*view.state;
    // An unknown kind would be priced as something it is not; nothing below checks it again.
    require!(positions.iter().all(|position| position.instrument().is_some()), EngineError::UnknownLayout);
    let parameters = CoreParameters::from(&state.risk);
    // Fixed arrays rather than vectors: the heap of a program is never freed, and a bid assesses three times.
    let count = state.scenarios().len();
    let scenarios: [CoreScenario; MAX_SCENARIOS] = core::array::from_fn(|i| CoreScenario::from(&state.scenarios[i]));
    let weights: [Ratio; MAX_SCENARIOS] = core::array::from_fn(|i| Ratio(state.scenarios[i].weight));
    let market = Market {
        spot: view.price.price,
        // Until a premium is published the perpetual is marked at the index.
        perpetual: view.price.price,
        lot_size: state.lot_size,
        parameters: &parameters,
        scenarios: &scenarios[..count],
        weights: &weights[..count],
    };
    let book = positions.iter().map(|position| book_position(position, decimals));
    let surface = |expiry| expiry_market(view, expiry, usage, now).map_err(RiskError::Program);
    Ok(assess_underlying(&market, book, surface, detail, scratch)?)
}

/// A stored position of known kind for the core.
fn book_position(position: &Position, decimals: u8) -> BookPosition {
    let kind = match InstrumentKind::from_byte(position.kind) {
        Some(InstrumentKind::Call) => CoreKind::Call,
        Some(InstrumentKind::Put) => CoreKind::Put,
        Some(InstrumentKind::Perpetual) | None => CoreKind::Perpetual,
    };
    BookPosition {
        kind,
        expiry: position.expiry,
        strike: Price(position.strike),
        lots: Lots(position.lots),
        settled_value: Usd(i128::from(position.settled_value) * i128::from(usd_in_atom(decimals))),
    }
}

/// The live market of an expiry: forward moved with spot in proportion since it was taken, the published surface, the
/// time left. An expired series that is not settled yet counts at intrinsic value against spot.
fn expiry_market(view: &UnderlyingView, expiry: i64, usage: PriceUse, now: i64) -> Result<ExpiryMarket> {
    let state = &*view.state;
    let slot = state.expiry(expiry).ok_or(EngineError::ExpiryUnknown)?;
    require!(slot.updated_at > 0, EngineError::SurfaceMissing);
    let svi = Svi::from(&slot.svi);
    let spot = view.price.price;
    let left = expiry.saturating_sub(now);
    if left <= 0 {
        let inputs = ExpiryInputs { forward: spot, ..Default::default() };
        return Ok(ExpiryMarket { inputs, svi });
    }
    let max_age = match usage {
        PriceUse::RaiseRisk => state.max_surface_age,
        PriceUse::Liquidation => state.liquidation_max_surface_age,
    };
    require!(now.saturating_sub(slot.updated_at) <= i64::from(max_age), EngineError::SurfaceStale);
    let inputs = ExpiryInputs {
        forward: live_forward(slot.forward, slot.spot_reference, spot)?,
        fixed: Price::ZERO,
        time: Seconds(left.unsigned_abs()),
        rate: Rate(slot.rate),
    };
    Ok(ExpiryMarket { inputs, svi })
}

/// `forward · spot / spot_reference`, rounded to nearest; exactly `forward` while spot has not moved.
fn live_forward(forward: u64, spot_reference: u64, spot: Price) -> Result<Price> {
    if spot.0 == spot_reference {
        return Ok(Price(forward));
    }
    let product = u128::from(forward) * u128::from(spot.0);
    let reference = u128::from(spot_reference);
    let nearest = product
        .checked_add(reference / 2)
        .and_then(|sum| sum.checked_div(reference))
        .ok_or(EngineError::ForwardRange)?;
    Ok(Price(u64::try_from(nearest).map_err(|_| EngineError::ForwardRange)?))
}

impl From<&RiskParameters> for CoreParameters {
    fn from(stored: &RiskParameters) -> Self {
        Self {
            vol_range_up: Ratio(stored.vol_range_up),
            vol_range_down: Ratio(stored.vol_range_down),
            short_term_power: Ratio(stored.short_term_power),
            long_term_power: Ratio(stored.long_term_power),
            tenor_floor: Seconds(u64::from(stored.tenor_floor)),
            min_vol_up: Vol(stored.min_vol_up),
            initial_factor: Ratio(stored.initial_factor),
            maintenance_factor: Ratio(stored.maintenance_factor),
            perpetual_maintenance: Ratio(stored.perpetual_maintenance),
            perpetual_initial: Ratio(stored.perpetual_initial),
            short_option_maintenance: Ratio(stored.short_option_maintenance),
            short_option_initial: Ratio(stored.short_option_initial),
        }
    }
}

impl From<&Scenario> for CoreScenario {
    fn from(stored: &Scenario) -> Self {
        let vol = match VolShock::from_byte(stored.vol) {
            VolShock::None => VolLevel::None,
            VolShock::Up => VolLevel::Up,
            VolShock::Down => VolLevel::Down,
        };
        Self { spot: Multiplier(stored.spot), ln_spot: stored.ln_spot, vol }
    }
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
        MarginError::Unsorted | MarginError::ScenarioCount => EngineError::UnknownLayout,
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

/// 1e-12 USD in one quote atom: 10^(12 − decimals), decimals at most 9.
fn usd_in_atom(decimals: u8) -> u64 {
    10u64.pow(USD_DECIMALS.saturating_sub(u32::from(decimals)))
}

/// Quote atoms in USD, exact.
pub fn atoms_to_usd(atoms: u64, decimals: u8) -> Result<Usd> {
    let usd = i128::from(atoms).checked_mul(i128::from(usd_in_atom(decimals)));
    Ok(Usd(usd.ok_or(EngineError::Overflow)?))
}

/// USD in whole quote atoms, rounded down: credits.
pub fn usd_to_atoms_floor(amount: Usd, decimals: u8) -> Result<i64> {
    let atoms = amount.0.div_euclid(i128::from(usd_in_atom(decimals)));
    Ok(i64::try_from(atoms).map_err(|_| EngineError::Overflow)?)
}

/// USD in whole quote atoms, rounded up: requirements and payments.
pub fn usd_to_atoms_ceil(amount: Usd, decimals: u8) -> Result<i64> {
    let negated = amount.checked_neg().ok_or(EngineError::Overflow)?;
    Ok(usd_to_atoms_floor(negated, decimals)?.checked_neg().ok_or(EngineError::Overflow)?)
}

/// Cash in whole quote atoms, rounded down.
pub fn cash_atoms_floor(cash: I80F48) -> Result<i64> {
    Ok(cash.checked_floor().and_then(I80F48::checked_to_num).ok_or(EngineError::Overflow)?)
}

/// Cash in USD; fractions of an atom below 1e-12 USD round down.
pub fn cash_to_usd(cash: I80F48, decimals: u8) -> Result<Usd> {
    // Bits carry 48 fractional places; the product of 128 bits and 40 bits may not fit, so the parts go separately.
    let whole: i128 = cash.checked_floor().ok_or(EngineError::Overflow)?.to_num();
    let scale = i128::from(usd_in_atom(decimals));
    let fraction = ((cash.frac().to_bits() * scale) >> 48).max(0);
    let usd = whole.checked_mul(scale).and_then(|usd| usd.checked_add(fraction));
    Ok(Usd(usd.ok_or(EngineError::Overflow)?))
}

/// What `lots` at `price` cost in quote atoms, rounded away from zero: the payer pays the odd part of an atom.
pub fn cost_atoms(lots: i64, price: u64, lot_size: u64, decimals: u8) -> Result<i64> {
    let magnitude = u128::from(lots.unsigned_abs())
        .checked_mul(u128::from(price))
        .and_then(|product| product.checked_mul(u128::from(lot_size)))
        .ok_or(EngineError::Overflow)?
        .div_ceil(u128::from(RATIO_ONE) * u128::from(usd_in_atom(decimals)));
    let magnitude = i64::try_from(magnitude).map_err(|_| EngineError::Overflow)?;
    Ok(if lots < 0 { -magnitude } else { magnitude })
}

/// Value of a perpetual position at its mark, in quote atoms, rounded down.
pub fn perpetual_value_floor(lots: i64, view: &UnderlyingView, decimals: u8) -> Result<i64> {
    let value = lots_value(Lots(lots), view.price.price, view.state.lot_size).map_err(margin_error)?;
    usd_to_atoms_floor(value, decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_round_away_from_zero() {
        // 1 lot of 0.001 unit at 1e-9 USD (1000 in 1e-12): 1e-12 USD is a millionth of an atom.
        assert_eq!(cost_atoms(1, 1_000, 1_000_000, 6).unwrap(), 1);
        assert_eq!(cost_atoms(-1, 1_000, 1_000_000, 6).unwrap(), -1);
        // 3 lots of 0.01 unit at 100 000 USD: 3 000 USD.
        assert_eq!(cost_atoms(3, 100_000_000_000_000_000, 10_000_000, 6).unwrap(), 3_000_000_000);
        assert!(cost_atoms(i64::MAX, u64::MAX, 1_000_000_000, 6).is_err());
    }

    #[test]
    fn usd_and_atoms_round_against_the_account() {
        assert_eq!(usd_to_atoms_floor(Usd(1_999_999), 6).unwrap(), 1);
        assert_eq!(usd_to_atoms_floor(Usd(-1), 6).unwrap(), -1);
        assert_eq!(usd_to_atoms_ceil(Usd(1), 6).unwrap(), 1);
        assert_eq!(usd_to_atoms_ceil(Usd(-1_999_999), 6).unwrap(), -1);
        assert_eq!(cash_to_usd(I80F48::from_num(-1.5), 6).unwrap(), Usd(-1_500_000));
        assert_eq!(cash_to_usd(I80F48::from_num(2.25), 6).unwrap(), Usd(2_250_000));
    }

    #[test]
    fn forward_moves_with_spot() {
        assert_eq!(live_forward(101, 100, Price(100)).unwrap(), Price(101));
        assert_eq!(live_forward(102_000, 100_000, Price(50_000)).unwrap(), Price(51_000));
        assert!(live_forward(u64::MAX, 1, Price(2)).is_err());
    }
}
