//! Markets of a portfolio as the accounts that the program stores, by the program's own conversions and rules.

use anchor_lang::error::Error;
use margin_client::{
    accounts::symbol_bytes,
    addresses,
    constants::{LAYOUT_VERSION, MAX_EXPIRIES, MAX_SCENARIOS, MAX_TIME_TO_EXPIRY, RATIO_ONE},
    presets::{self, MarginModel, ModelFile},
    state::{
        self, CollateralHaircuts, CollateralLink, CorrelationModel, ExpirySlot, FactorScenario, PerpetualSlot,
        SviParameters, VolShock,
    },
};
use margin_core::{
    Multiplier, Scenario, Svi as CoreSvi, VolLevel,
    portfolio::{self as core, GridScenario, Ratio as CoreRatio},
};
use margin_engine::error::EngineError;
use solana_pubkey::Pubkey;

use crate::{
    Collateral, Correlation, Expiry, Link, ModelSource, Portfolio, PortfolioError, Price, Svi, Underlying,
    prices::{FeedKind, feed, oracle},
};

/// Ages in seconds that prices and surfaces may have; those of a portfolio are of its moment.
pub(crate) const MAX_AGE: u32 = 60;

/// What the program says.
pub(crate) fn message(error: Error) -> String {
    match error {
        Error::AnchorError(error) => error.error_msg,
        Error::ProgramError(error) => error.to_string(),
    }
}

/// A rule of the program that a member breaks.
pub(crate) fn rule(path: &str, error: EngineError) -> PortfolioError {
    PortfolioError::Rule { path: path.to_owned(), rule: format!("{error} ({})", error.name()) }
}

fn require(holds: bool, path: &str, error: EngineError) -> Result<(), PortfolioError> {
    if holds { Ok(()) } else { Err(rule(path, error)) }
}

/// The model that an underlying names or contains.
pub(crate) fn model_file(path: &str, source: &ModelSource) -> Result<ModelFile, PortfolioError> {
    match source {
        ModelSource::Inline(model) => Ok((**model).clone()),
        ModelSource::Preset(name) => presets::preset(name).ok_or_else(|| PortfolioError::UnknownPreset {
            path: path.to_owned(),
            name: name.clone(),
            known: presets::PRESETS.map(|(name, _)| name).join(", "),
        }),
    }
}

/// Builds one underlying's account.
pub(crate) fn underlying(
    path: &str,
    source: &Underlying,
    engine: Pubkey,
    index: u16,
    now: i64,
) -> Result<Box<state::Underlying>, PortfolioError> {
    let at = |member: &str| format!("{path}.{member}");
    let symbol = symbol_bytes(&source.symbol)
        .filter(|_| !source.symbol.is_empty() && source.symbol.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .ok_or_else(|| PortfolioError::Symbol { path: at("symbol"), symbol: source.symbol.clone() })?;
    require(source.spot.0 > 0, &at("spot"), EngineError::OraclePrice)?;
    require(
        source.lot_size.0 > 0 && source.lot_size.0 <= RATIO_ONE * RATIO_ONE,
        &at("lot_size"),
        EngineError::LotSizeParameter,
    )?;
    let file = model_file(&at("model"), &source.model)?;
    let strict = !file.vector_only;
    let mut state: Box<state::Underlying> = bytemuck::zeroed_box();
    state.version = LAYOUT_VERSION;
    state.index = index;
    state.symbol = symbol;
    state.engine = engine;
    state.publisher = owner();
    state.oracle = oracle(path, feed(FeedKind::Underlying, &source.symbol))?;
    state.lot_size = source.lot_size.0;
    state.max_surface_age = MAX_AGE;
    state.liquidation_max_mark_age = MAX_AGE;
    state.settlement_window = source.settlement_window;
    // Hypothetical legs are free and may have any price.
    (state.trading.band_mark, state.trading.band_index) = (u32::MAX, u32::MAX);
    set_model(&mut state, &at("model"), &file.model(), strict)?;
    if let Some(perpetual) = source.perpetual {
        require(perpetual.confidence.0 <= RATIO_ONE, &at("perpetual.confidence"), EngineError::PublishedConfidence)?;
        require(
            !strict || is_near(perpetual.mark.0, source.spot.0),
            &at("perpetual.mark"),
            EngineError::PerpetualRange,
        )?;
        state.perpetual = PerpetualSlot {
            updated_at: now,
            mark: perpetual.mark.0,
            spot_reference: source.spot.0,
            confidence: perpetual.confidence.0,
            ..Default::default()
        };
    }
    if source.expiries.len() > MAX_EXPIRIES {
        let (count, most) = (source.expiries.len(), MAX_EXPIRIES);
        return Err(PortfolioError::TooMany { path: at("expiries"), count, most });
    }
    for (number, expiry) in source.expiries.iter().enumerate() {
        let path = at(&format!("expiries[{number}]"));
        let slot = expiry_slot(&path, expiry, source.spot, now, strict)?;
        if state.expiry(slot.expiry).is_some() {
            return Err(PortfolioError::Duplicate { path, symbol: slot.expiry.to_string() });
        }
        state.expiries[number] = slot;
    }
    Ok(state)
}

/// A price within half of another.
fn is_near(price: u64, spot: u64) -> bool {
    let (price, spot) = (u128::from(price), u128::from(spot));
    2 * price >= spot && 2 * price <= 3 * spot
}

fn set_model(
    state: &mut state::Underlying,
    path: &str,
    model: &MarginModel,
    strict: bool,
) -> Result<(), PortfolioError> {
    let parameters = &model.parameters;
    let scenarios = format!("{path}.scenarios");
    require((1..=MAX_SCENARIOS).contains(&model.scenarios.len()), &scenarios, EngineError::ScenarioCount)?;
    state.risk = parameters.risk;
    state.standard = parameters.standard;
    state.exposure = parameters.exposure;
    state.adaptive = parameters.adaptive;
    for (number, scenario) in model.scenarios.iter().enumerate() {
        let spot = Multiplier(scenario.spot);
        require(
            Scenario::new(spot, VolLevel::None).is_ok(),
            &format!("{scenarios}[{number}].spot"),
            EngineError::ScenarioSpot,
        )?;
    }
    let refused = |error: Error| PortfolioError::Rule { path: scenarios.clone(), rule: message(error) };
    state.set_scenarios(&model.scenarios).map_err(refused)?;
    if !strict {
        return Ok(());
    }
    let verdict = |path: &str, result: Result<(), core::ParameterError>| {
        result.map_err(|error| rule(path, EngineError::from(error)))
    };
    require(state.risk.scan.inverse == 0, &format!("{path}.parameters.scan.inverse"), EngineError::ModelInverse)?;
    let grid: Vec<GridScenario> = state.scenarios().iter().map(GridScenario::from).collect();
    verdict(path, core::RiskParameters::from(&state.risk).validate(&grid))?;
    if state.standard != state::StandardParameters::default() {
        verdict(&format!("{path}.standard"), core::StandardParameters::from(&state.standard).validate())?;
    }
    verdict(&format!("{path}.exposure"), core::FactorExposure::from(&state.exposure).validate())?;
    verdict(&format!("{path}.adaptive"), core::AdaptiveRange::from(&state.adaptive).validate())
}

fn expiry_slot(path: &str, source: &Expiry, spot: Price, now: i64, strict: bool) -> Result<ExpirySlot, PortfolioError> {
    let at = |member: &str| format!("{path}.{member}");
    let expiry = source.expiry.at(now);
    let left = expiry.saturating_sub(now);
    require(expiry > 0, &at("expiry"), EngineError::ExpiryUnknown)?;
    require(left <= MAX_TIME_TO_EXPIRY, &at("expiry"), EngineError::KernelTime)?;
    require(source.confidence.0 <= RATIO_ONE, &at("confidence"), EngineError::PublishedConfidence)?;
    let forward = source.forward.unwrap_or(spot);
    require(forward.0 > 0 && (!strict || is_near(forward.0, spot.0)), &at("forward"), EngineError::ForwardRange)?;
    let most_rate = 10_000_000_000;
    require(!strict || source.rate.0.unsigned_abs() <= most_rate, &at("rate"), EngineError::RateRange)?;
    let svi = match &source.svi {
        Some(svi) => svi_parameters(&at("svi"), svi, forward, left)?,
        // Nothing looks at the surface of a passed expiry; a slice without variance prices no option of a living one.
        None => SviParameters { forward: forward.0, time: 1, sigma: 1_000_000_000_000, ..Default::default() },
    };
    let mut slot = ExpirySlot {
        expiry,
        updated_at: now,
        forward: forward.0,
        spot_reference: spot.0,
        rate: source.rate.0,
        confidence: source.confidence.0,
        observed_average: source.observed_average.map_or(0, |average| average.0),
        // Once the expiry has passed, the average in the file is all of it.
        finalised: u8::from(source.observed_average.is_some()),
        ..Default::default()
    };
    slot.set_surface(svi).map_err(|_| rule(&at("svi"), EngineError::SviParameters))?;
    Ok(slot)
}

fn svi_parameters(path: &str, source: &Svi, forward: Price, left: i64) -> Result<SviParameters, PortfolioError> {
    let svi = SviParameters {
        a: source.a.0,
        b: source.b.0,
        rho: source.rho.0,
        m: source.m.0,
        sigma: source.sigma.0,
        forward: source.forward.unwrap_or(forward).0,
        time: source.time.unwrap_or(u64::try_from(left).unwrap_or(1).max(1)),
    };
    require(svi.forward > 0 && svi.time > 0, path, EngineError::SviReference)?;
    CoreSvi::from(&svi).validate().map_err(|_| rule(path, EngineError::SviParameters))?;
    Ok(svi)
}

/// Builds a token's account. `underlying` is the number of the one it is linked to.
pub(crate) fn collateral(
    path: &str,
    source: &Collateral,
    engine: Pubkey,
    index: u16,
    underlying: u16,
) -> Result<(Pubkey, Box<state::Collateral>), PortfolioError> {
    let at = |member: &str| format!("{path}.{member}");
    require(source.decimals <= 18, &at("decimals"), EngineError::CollateralDecimals)?;
    require(source.price.0 > 0, &at("price"), EngineError::OraclePrice)?;
    let mut state = token(engine, index, &source.symbol, source.decimals);
    state.1.oracle = oracle(path, feed(FeedKind::Token, &source.symbol))?;
    let state_mut = &mut state.1;
    state_mut.haircuts =
        CollateralHaircuts { maintenance: source.haircuts.maintenance.0, initial: source.haircuts.initial.0 };
    state_mut.haircuts.validate().map_err(|_| rule(&at("haircuts"), EngineError::HaircutParameter))?;
    state_mut.confidence = (&source.confidence_charge).into();
    core::ConfidenceCharge::from(&state_mut.confidence)
        .validate()
        .map_err(|error| rule(&at("confidence_charge"), error.into()))?;
    state_mut.underlying = underlying;
    state_mut.link = match source.link {
        Link::None => CollateralLink::None,
        Link::Index => CollateralLink::Index,
        Link::CancelsRisk => CollateralLink::CancelsRisk,
    } as u8;
    Ok(state)
}

/// Mint of a symbol.
pub(crate) fn mint(symbol: &str) -> Pubkey {
    Pubkey::find_program_address(&[b"mint", symbol.as_bytes()], &margin_client::PROGRAM_ID).0
}

/// A token's address and account without terms.
pub(crate) fn token(engine: Pubkey, index: u16, symbol: &str, decimals: u8) -> (Pubkey, Box<state::Collateral>) {
    let mint = mint(symbol);
    let address = addresses::collateral(&engine, &mint);
    let mut state: Box<state::Collateral> = bytemuck::zeroed_box();
    state.version = LAYOUT_VERSION;
    state.decimals = decimals;
    state.index = index;
    state.engine = engine;
    state.mint = mint;
    state.vault = addresses::vault(&address);
    state.deposit_cap = u64::MAX;
    (address, state)
}

/// Builds the cross-underlying model.
pub(crate) fn correlation(source: &Correlation, engine: Pubkey) -> Result<Box<CorrelationModel>, PortfolioError> {
    const PATH: &str = "correlation";
    require((1..=MAX_SCENARIOS).contains(&source.scenarios.len()), PATH, EngineError::FactorCount)?;
    let mut state: Box<CorrelationModel> = bytemuck::zeroed_box();
    state.version = LAYOUT_VERSION;
    state.engine = engine;
    state.floor = source.floor.0;
    state.scenario_count = source.scenarios.len() as u8;
    for (slot, source) in state.scenarios.iter_mut().zip(&source.scenarios) {
        *slot = FactorScenario {
            market_move: source.market_move.0,
            weight: source.weight.0,
            vol: VolShock::from(source.vol) as u8,
            _padding: [0; 7],
        };
    }
    let scenarios: Vec<core::FactorScenario> = state.scenarios().iter().map(core::FactorScenario::from).collect();
    core::Correlation { scenarios: &scenarios, floor: CoreRatio(state.floor) }
        .validate()
        .map_err(|error| rule(PATH, error.into()))?;
    Ok(state)
}

/// Who made the engine and holds the account. Nobody has the key.
pub(crate) fn owner() -> Pubkey {
    mint("owner")
}

/// Number of a symbol in a list.
pub(crate) fn underlying_index(portfolio: &Portfolio, path: &str, symbol: &str) -> Result<u16, PortfolioError> {
    let found = portfolio.underlyings.iter().position(|underlying| underlying.symbol == symbol);
    let unknown = || PortfolioError::UnknownUnderlying { path: path.to_owned(), symbol: symbol.to_owned() };
    found.and_then(|index| u16::try_from(index).ok()).ok_or_else(unknown)
}
