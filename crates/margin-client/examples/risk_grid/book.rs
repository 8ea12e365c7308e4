//! A book traded at the chain's quotes, and its figures under the default model.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use margin_client::presets;
use margin_core::portfolio::{
    AccountRisk, BookPosition, Detail, ExpiryMarket, GridScenario, InstrumentKind, LegRow, MarginError, Market, Part,
    Ratio, RiskParameters, Scratch, UnderlyingRisk, WorstCase, assess_isolated, assess_underlying, leg_row, lots_value,
};
use margin_core::{ExpiryInputs, Lots, Multiplier, Price, Rate, Scenario, Seconds, Usd};

use crate::chain::{Chain, OptionQuote};
use crate::fit;

/// Cash before the trades, USD.
pub const DEPOSIT: i64 = 60_000;
/// 0.01 BTC, in 1e-9.
const LOT_SIZE: u64 = 10_000_000;
const LOTS_PER_UNIT: f64 = 100.0;

/// A February condor, March puts owned against it, and a perpetual against their delta. Whole BTC.
const OPTIONS: [(&str, f64); 6] = [
    ("BTC-27FEB26-70000-P", 5.0),
    ("BTC-27FEB26-80000-P", -5.0),
    ("BTC-27FEB26-105000-C", -5.0),
    ("BTC-27FEB26-115000-C", 5.0),
    ("BTC-27MAR26-75000-P", 2.0),
    ("BTC-27MAR26-120000-C", -2.0),
];
pub const PERPETUAL: &str = "BTC-PERPETUAL";
const PERPETUAL_UNITS: f64 = 0.5;

/// One position, what it was traded at and what it contributes.
pub struct Leg {
    pub name: String,
    pub units: f64,
    /// USD for one unit.
    pub traded: f64,
    pub mark_to_market: Usd,
    /// Initial margin of the position on its own.
    pub alone: Usd,
    /// Weighted profit in each scenario.
    pub profits: Vec<Usd>,
}

pub struct Figures {
    pub scenarios: Vec<GridScenario>,
    pub profits: Vec<Usd>,
    pub risk: UnderlyingRisk,
    pub account: AccountRisk,
    pub worst: usize,
    pub isolated_initial: Usd,
    pub isolated_maintenance: Usd,
    pub legs: Vec<Leg>,
    /// Largest distance between a held strike's fitted vol and its quoted mark vol.
    pub fit_error: f64,
}

type Surfaces = BTreeMap<i64, ExpiryMarket>;

pub fn assess(chain: &Chain) -> Result<Figures> {
    let (parameters, scenarios) = default_model()?;
    let market = Market {
        spot: price(chain.perpetual.index),
        perpetual: price(chain.perpetual.mark),
        stable: Price::ONE_USD,
        lot_size: LOT_SIZE,
        spot_confidence: Ratio::ONE,
        perpetual_confidence: Ratio::ONE,
        hedge: Usd::ZERO,
        parameters: &parameters,
        scenarios: &scenarios,
    };
    let (positions, mut legs) = trade(chain)?;
    let surfaces = surfaces(chain, &positions)?;
    // Every expiry of the book has been fitted.
    let surface = |expiry: i64| surfaces.get(&expiry).copied().ok_or(MarginError::Unsorted);
    let mut scratch = Scratch::new();
    let book = || positions.iter().copied();
    let failed = |error: MarginError| anyhow!("the book cannot be assessed: {error:?}");

    let risk = assess_underlying(&market, book(), surface, Detail::Margin, &mut scratch).map_err(failed)?;
    let profits = scratch.profits(LOT_SIZE).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let WorstCase::Scenario(worst) = risk.worst_case else { return Err(anyhow!("no scenario costs anything")) };
    let isolated = assess_isolated(&market, book(), surface, Detail::Margin, &mut scratch).map_err(failed)?;
    let mut row = LegRow::new();
    let mut cash = DEPOSIT as f64;
    for (index, (leg, position)) in legs.iter_mut().zip(&positions).enumerate() {
        leg_row(&market, book(), surface, Part::Position(index), &mut scratch, &mut row).map_err(failed)?;
        let alone = assess_isolated(&market, [*position], surface, Detail::Margin, &mut scratch).map_err(failed)?;
        (leg.mark_to_market, leg.alone, leg.profits) = (row.mark_to_market, alone.initial_margin, row.profits().into());
        if !position.kind.is_linear() {
            cash -= leg.units * leg.traded;
        }
    }
    let mut account = AccountRisk::new(Usd((cash * 1e6).round() as i128 * 1_000_000));
    account.add_underlying(&risk).map_err(failed)?;
    Ok(Figures {
        fit_error: fit_error(chain, &surfaces)?,
        worst: usize::from(worst),
        isolated_initial: isolated.initial_margin,
        isolated_maintenance: isolated.maintenance_margin,
        scenarios,
        profits,
        risk,
        account,
        legs,
    })
}

/// Buys at the ask and sells at the bid. Positions come in the order of the core.
fn trade(chain: &Chain) -> Result<(Vec<BookPosition>, Vec<Leg>)> {
    let leg = |name: &str, units, traded| Leg {
        name: name.to_owned(),
        units,
        traded,
        mark_to_market: Usd::ZERO,
        alone: Usd::ZERO,
        profits: Vec::new(),
    };
    let lots = |units: f64| Lots((units * LOTS_PER_UNIT).round() as i64);
    let bought = PERPETUAL_UNITS > 0.0;
    let traded = if bought { chain.perpetual.ask } else { chain.perpetual.bid };
    let settled_value = lots_value(lots(PERPETUAL_UNITS), price(traded), LOT_SIZE).map_err(|e| anyhow!("{e:?}"))?;
    let mut positions = vec![BookPosition {
        kind: InstrumentKind::Perpetual,
        expiry: 0,
        strike: Price::ZERO,
        lots: lots(PERPETUAL_UNITS),
        settled_value,
    }];
    let mut legs = vec![leg(PERPETUAL, PERPETUAL_UNITS, traded)];
    for (name, units) in OPTIONS {
        let quote = chain.option(name)?;
        let traded = if units > 0.0 { quote.ask } else { quote.bid };
        let kind = if name.ends_with("-C") { InstrumentKind::Call } else { InstrumentKind::Put };
        legs.push(leg(name, units, traded.with_context(|| format!("{name} is not quoted"))?));
        positions.push(BookPosition {
            kind,
            expiry: quote.expiry,
            strike: price(quote.strike),
            lots: lots(units),
            settled_value: Usd::ZERO,
        });
    }
    Ok((positions, legs))
}

/// Deribit's marks are not discounted, hence a rate of zero.
fn surfaces(chain: &Chain, positions: &[BookPosition]) -> Result<Surfaces> {
    let mut surfaces = Surfaces::new();
    for position in positions.iter().filter(|position| !position.kind.is_linear()) {
        if surfaces.contains_key(&position.expiry) {
            continue;
        }
        let quotes: Vec<&OptionQuote> = chain.options.iter().filter(|q| q.expiry == position.expiry).collect();
        let mut forwards: Vec<f64> = quotes.iter().map(|quote| quote.forward).collect();
        forwards.sort_by(f64::total_cmp);
        let forward = price(*forwards.get(forwards.len() / 2).context("an expiry without quotes")?);
        let time = Seconds(u64::try_from(position.expiry - chain.time).context("an expiry before the quotes")?);
        let inputs = ExpiryInputs { forward, fixed: Price::ZERO, time, rate: Rate::ZERO };
        let svi = fit::svi(&quotes, forward, time)?;
        surfaces.insert(position.expiry, ExpiryMarket { inputs, surface: svi.into(), confidence: Ratio::ONE });
    }
    Ok(surfaces)
}

fn fit_error(chain: &Chain, surfaces: &Surfaces) -> Result<f64> {
    let mut largest = 0f64;
    for (name, _) in OPTIONS {
        let quote = chain.option(name)?;
        let slice = surfaces.get(&quote.expiry).context("a fitted expiry")?.surface.prepared();
        let vol = slice.and_then(|slice| slice.vol(price(quote.strike))).map_err(|e| anyhow!("{name}: {e:?}"))?;
        largest = largest.max((vol.0 as f64 / 1e8 - quote.mark_vol).abs());
    }
    Ok(largest)
}

/// The default preset in the core's types.
fn default_model() -> Result<(RiskParameters, Vec<GridScenario>)> {
    let presets::MarginModel { parameters, scenarios } = presets::major();
    let grid = scenarios.iter().map(|scenario| {
        let shock = Scenario::new(Multiplier(scenario.spot), scenario.vol.into());
        let weight = Ratio(u64::from(scenario.weight));
        Ok(GridScenario { shock: shock.map_err(|e| anyhow!("a scenario: {e:?}"))?, weight, extended: false })
    });
    let grid = grid.collect::<Result<Vec<_>>>()?;
    let parameters = RiskParameters::from(&parameters.risk);
    parameters.validate(&grid).map_err(|rule| anyhow!("the default model breaks a rule: {rule:?}"))?;
    Ok((parameters, grid))
}

/// Nearest 1e-8 USD.
fn price(usd: f64) -> Price {
    Price((usd * 1e8).round() as u64 * 10_000)
}
