//! Derive's second portfolio-margin model: markets, portfolios, parameters and every scenario's profit.

mod source;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use margin_client::{
    decimal::{Decimal, Scaled},
    presets::{
        ModelFile,
        file::{self, Mode, RiskParameters, Scenario, VolShock},
    },
};
use margin_evaluate::{
    Account, Balance, Book, Collateral, Expiry, Haircuts, Kind, Link, Moment, Options, Perpetual, Portfolio, Position,
    Quote, Svi, Svm, evaluate,
};

pub use source::File;
use source::{Cell, Feed, Parameters, Source, Vector};

use crate::{
    NOW,
    numbers::{complement, lot_size, scaled, seconds, token_amount, underlying, units},
    score::{Score, Tolerance::Cent, atoms, float, usd},
};

const SYMBOL: &str = "X";
/// Options settle on the average of the last half hour.
const SETTLEMENT_WINDOW: u32 = 1_800;
const YEAR: i128 = 31_536_000;

pub fn run(file: &File, machine: &mut Svm, score: &mut Score) {
    for vector in &file.vectors {
        score.case(&vector.name, |score| {
            let cells = file.scenario_sets.get(&vector.scenario_set).context("an unknown scenario set")?;
            case(vector, cells, machine, score)
        });
    }
}

fn case(vector: &Vector, cells: &[Cell], machine: &mut Svm, score: &mut Score) -> Result<()> {
    let (source, expected) = (&vector.market_and_portfolio, &vector.expected);
    // Weights beyond what the program stores: the grid at a fraction of its weights, factors and profits at the multiple.
    let multiple = multiple(cells)?;
    let scenarios = cells.iter().map(|cell| scenario(cell, multiple)).collect::<Result<Vec<_>>>()?;
    // The program wants its own order; `order` leads back.
    let mut order: Vec<usize> = (0..scenarios.len()).collect();
    order.sort_by_key(|index| (scenarios[*index].vol as u8, scenarios[*index].spot));
    let model = ModelFile {
        mode: Mode::Portfolio,
        // Some cases probe parameters that the program's rules refuse.
        vector_only: true,
        parameters: multiplied(parameters(&vector.params)?, multiple),
        scenarios: order.iter().map(|index| scenarios[*index]).collect(),
        ..ModelFile::default()
    };
    let book = Book::new(&portfolio(source, model, &vector.params)?)?;
    let evaluation = evaluate(machine, &book, &Options { detail: true, ..Options::default() })?;
    score.spent(evaluation.compute_units);
    let report = &evaluation.report;
    // The program never asks for less initial than maintenance margin. Two cases have factors that would, against its
    // rules for parameters and the published model's own order of the two: there the parts are compared.
    let parts = report.underlyings.iter().map(|part| part.initial_margin).sum::<i64>() + report.collateral_initial;
    let initial = if parts < report.maintenance_margin { parts } else { report.initial_margin };
    score.figure("IM", atoms(report.equity - initial, 6), float(expected.initial), Cent);
    score.figure("MM", atoms(report.equity - report.maintenance_margin, 6), float(expected.maintenance), Cent);
    let (mut marks, mut basis, mut profits) = (0.0, 0.0, vec![0.0; scenarios.len()]);
    if let (Some(detail), Some(part)) = (evaluation.underlyings.first(), report.underlyings.first()) {
        let perpetual = float(source.unrealised_pnl) + float(source.unrealised_funding);
        marks = usd(detail.book.mark_to_market) - perpetual;
        let multiple = multiple as f64;
        basis = multiple * atoms(part.portfolio().context("a portfolio report")?.basis_contingency, 6);
        for (place, index) in order.iter().enumerate() {
            profits[*index] = multiple * usd(detail.book.profits[place]);
        }
    }
    score.figure("option marks", marks, float(expected.option_mtm), Cent);
    score.figure("forward contingency", basis, float(expected.basis_contingency), Cent);
    if expected.scenario_pnl.len() != profits.len() {
        bail!("{} published profits for {} scenarios", expected.scenario_pnl.len(), profits.len());
    }
    // A skew scenario that moves spot is against the published model's own rules, and its profit does not follow them.
    let is_legal = |scenario: &Scenario| {
        !matches!(scenario.vol, VolShock::SkewLinear | VolShock::SkewAbs) || scenario.spot.0 == 1_000_000_000
    };
    if scenarios.iter().all(is_legal) {
        for (index, (ours, published)) in profits.iter().zip(&expected.scenario_pnl).enumerate() {
            score.figure(&format!("scenario {index}"), *ours, float(*published), Cent);
        }
    }
    Ok(())
}

/// The least number that brings every weight within what the program stores; one wherever they do already.
fn multiple(cells: &[Cell]) -> Result<u64> {
    const MOST: i128 = u32::MAX as i128;
    let weights = cells.iter().map(|cell| units(cell.damp)).collect::<Result<Vec<_>>>()?;
    let largest = weights.into_iter().max().unwrap_or(0);
    Ok(u64::try_from((largest + MOST - 1) / MOST)?.max(1))
}

/// Parameters that make of a grid at the fraction what the grid itself would make.
fn multiplied(mut parameters: RiskParameters, multiple: u64) -> RiskParameters {
    let (scan, basis, depeg) = (&mut parameters.scan, &mut parameters.basis, &mut parameters.depeg);
    for factor in [&mut scan.initial, &mut scan.maintenance, &mut depeg.factor] {
        factor.0 *= multiple;
    }
    for share in [&mut basis.add, &mut basis.annual] {
        share.0 /= multiple;
    }
    parameters
}

fn scenario(cell: &Cell, multiple: u64) -> Result<Scenario> {
    let vol = match cell.vol.as_str() {
        "Up" => VolShock::Up,
        "None" => VolShock::None,
        "Down" => VolShock::Down,
        "LINEAR" => VolShock::SkewLinear,
        "ABS" => VolShock::SkewAbs,
        other => bail!("unknown vol shock {other}"),
    };
    Ok(Scenario {
        spot: scaled(cell.spot)?,
        vol,
        weight: Scaled(u32::try_from(units(cell.damp)? / i128::from(multiple))?),
        extended: false,
    })
}

fn parameters(source: &Parameters) -> Result<RiskParameters> {
    let of = |group: &BTreeMap<String, Decimal>, name: &str| group.get(name).copied().with_context(|| name.to_owned());
    let skew = |name| of(&source.SkewShock, name);
    let vol = |name| of(&source.VolShock, name);
    let margin = |name| of(&source.Margin, name);
    let basis = |name| of(&source.BasisContingency, name);
    let other = |name| of(&source.OtherContingency, name);
    let markup = complement(margin("BASE_STATIC_DISCOUNT_NEG")?)?.0;
    Ok(RiskParameters {
        vol: file::VolShocks {
            range_up: scaled(vol("VOLRANGEUP")?)?,
            range_down: scaled(vol("VOLRANGEDOWN")?)?,
            short_term_power: scaled(vol("SHORTTERMPOWER")?)?,
            long_term_power: scaled(vol("LONGTERMPOWER")?)?,
            tenor_floor: Scaled(seconds(vol("DTE_FLOOR")?, 86_400)?),
            min_vol_up: scaled(vol("MIN_VOL_EVAL_SHOCKED")?)?,
        },
        scan: file::ScanFactors {
            initial: scaled(margin("IM_LOSS_FACTOR")?)?,
            maintenance: scaled(margin("MM_LOSS_FACTOR")?)?,
            ..Default::default()
        },
        static_discount: file::StaticDiscount {
            long_markdown: complement(margin("BASE_STATIC_DISCOUNT")?)?,
            long_rate_scale: scaled(margin("LONG_RATE_MULTSCALE")?)?,
            long_rate_add: scaled(margin("LONG_RATE_ADDSCALE")?)?,
            short_markup: Scaled(u64::try_from(-markup).context("a markup below one")?),
            short_rate_scale: scaled(margin("SHORT_RATE_MULTSCALE")?)?,
            short_rate_add: scaled(margin("SHORT_RATE_ADDSCALE")?)?,
        },
        skew: file::SkewShock {
            linear: file::SkewCap { base: scaled(skew("LINEAR_SCALE_CAP")?)?, slope: scaled(skew("LINEAR_CBASE")?)? },
            abs: file::SkewCap { base: scaled(skew("ABS_SCALE_CAP")?)?, slope: scaled(skew("ABS_CBASE")?)? },
            min_width: scaled(skew("MIN_K_STAR")?)?,
            width_scale: scaled(skew("MIN_WIDTH_SCALE")?)?,
            vol_static: scaled(skew("VOL_PARAM_STATIC")?)?,
            vol_scale: scaled(skew("VOL_PARAM_SCALE")?)?,
        },
        basis: file::BasisContingency {
            up: scaled(basis("SCENARIO_SPOT_UP")?)?,
            down: scaled(basis("SCENARIO_SPOT_DOWN")?)?,
            add: scaled(basis("BASIS_CONT_ADD_FACTOR")?)?,
            annual: scaled(basis("BASIS_CONT_MULT_FACTOR")?)?,
        },
        charges: file::PositionCharges {
            perpetual_maintenance: scaled(other("MM_PERP_PERCENT")?)?,
            perpetual_initial: scaled(other("IM_PERP_PERCENT")?)?,
            short_option_maintenance: scaled(other("MM_OPTION_PERCENT")?)?,
            short_option_initial: scaled(other("IM_OPTION_PERCENT")?)?,
        },
        confidence: file::ConfidenceCharge {
            threshold: scaled(other("CONF_THRESHOLD")?)?,
            factor: scaled(other("CONF_MARGIN")?)?,
        },
        depeg: file::Depeg {
            threshold: scaled(other("PEG_LOSS_THRESHOLD")?)?,
            factor: scaled(other("PEG_LOSS_FACTOR")?)?,
        },
        ..RiskParameters::default()
    })
}

fn portfolio(source: &Source, model: ModelFile, parameters: &Parameters) -> Result<Portfolio> {
    // One position for each instrument: cases may list one twice.
    let mut options: BTreeMap<(i64, u64, bool), i128> = BTreeMap::new();
    for option in &source.options {
        let Scaled(strike) = scaled::<u64, 12>(option.strike)?;
        *options.entry((option.expiry, strike, option.is_call == 1)).or_default() += units(option.amount)?;
    }
    options.retain(|_, quantity| *quantity != 0);
    let perpetuals = units(source.num_perps)?;
    let quantities: Vec<i128> = options.values().copied().chain([perpetuals]).collect();
    let lot_size = lot_size(&quantities);
    let position = |kind, expiry, strike, units, settled_value| Position {
        underlying: SYMBOL.to_owned(),
        kind,
        expiry,
        strike,
        quantity: Decimal::new(units, -9),
        entry: None,
        settled_value,
    };
    let mut positions: Vec<Position> = options
        .iter()
        .map(|((expiry, strike, is_call), units)| {
            let kind = if *is_call { Kind::Call } else { Kind::Put };
            position(kind, Some(Moment::FromNow(*expiry)), Some(Scaled(*strike)), *units, None)
        })
        .collect();
    let Scaled(mark) = scaled::<u64, 12>(source.perp_price)?;
    if perpetuals != 0 {
        // Its profit and funding are given: settled at the mark less both.
        let profit = [source.unrealised_pnl, source.unrealised_funding].map(|profit| profit.scaled(21));
        let [Some(pnl), Some(funding)] = profit else { bail!("a profit beyond all bounds") };
        let settled = Decimal::new(perpetuals * i128::from(mark) - pnl - funding, -21);
        positions.push(position(Kind::Perpetual, None, None, perpetuals, Some(settled)));
    }
    let mut market = underlying(SYMBOL, scaled(source.spot_price)?, model);
    market.confidence = scaled(source.spot_confidence)?;
    market.lot_size = Scaled(lot_size);
    market.settlement_window = SETTLEMENT_WINDOW;
    market.expiries = source.option_feeds.iter().map(expiry).collect::<Result<_>>()?;
    if mark > 0 {
        market.perpetual = Some(Perpetual { mark: Scaled(mark), confidence: scaled(source.perp_confidence)? });
    }
    let factor = parameters.OtherContingency.get("CONF_MARGIN").copied().context("CONF_MARGIN")?;
    let (mut collaterals, mut balances) = (Vec::new(), Vec::new());
    for (number, token) in source.collaterals.iter().enumerate().filter(|(_, token)| !token.amount.is_zero()) {
        let symbol = format!("T{number}");
        let (amount, decimals) = token_amount(token.amount)?;
        collaterals.push(Collateral {
            symbol: symbol.clone(),
            decimals,
            price: scaled(token.price)?,
            confidence: scaled(token.confidence)?,
            haircuts: Haircuts {
                maintenance: scaled(token.maintenance_haircut)?,
                initial: scaled(token.initial_haircut)?,
            },
            confidence_charge: file::ConfidenceCharge {
                threshold: scaled(token.confidence_factor)?,
                factor: scaled(factor)?,
            },
            link: if token.is_risk_cancelling { Link::CancelsRisk } else { Link::Index },
            underlying: Some(SYMBOL.to_owned()),
        });
        balances.push(Balance { symbol, amount });
    }
    Ok(Portfolio {
        time: NOW,
        quote: Quote { price: Some(scaled(source.stable_price)?), ..Quote::default() },
        underlyings: vec![market],
        collaterals,
        correlation: None,
        account: Account { mode: Mode::Portfolio, cash: source.cash, balances, positions },
    })
}

fn expiry(feed: &Feed) -> Result<Expiry> {
    let [a, b, rho, m, sigma, reference, years] = feed.svi;
    let confidences = [feed.forward_confidence, feed.rate_confidence, feed.option_vol_confidences];
    let confidences = confidences.map(scaled::<u64, 9>);
    let [forward, rate, vol] = confidences;
    Ok(Expiry {
        expiry: Moment::FromNow(feed.feed_expiry),
        forward: Some(scaled(feed.forward)?),
        rate: scaled(feed.rate)?,
        svi: Some(Svi {
            a: scaled(a)?,
            b: scaled(b)?,
            rho: scaled(rho)?,
            m: scaled(m)?,
            sigma: scaled(sigma)?,
            forward: Some(scaled(reference)?),
            time: Some(seconds(years, YEAR)?),
        }),
        confidence: forward?.min(rate?).min(vol?),
        // Nothing of an expired series moves any more.
        observed_average: if feed.feed_expiry <= 0 { Some(scaled(feed.forward)?) } else { None },
    })
}

#[cfg(test)]
mod tests {
    use margin_client::presets::preset;

    use super::*;
    use crate::published;

    /// Most published cases have the preset's parameters and grid.
    #[test]
    fn the_preset_is_the_published_model() {
        let file: File = published("derive_pmrm2.json");
        let preset = preset("derive-pmrm2").unwrap();
        let is_preset = |vector: &&Vector| {
            let cells = &file.scenario_sets[&vector.scenario_set];
            let mut grid: Vec<Scenario> =
                cells.iter().map(|cell| scenario(cell, multiple(cells).unwrap()).unwrap()).collect();
            grid.sort_by_key(|scenario| (scenario.vol as u8, scenario.spot));
            parameters(&vector.params).unwrap() == preset.parameters && grid == preset.scenarios
        };
        let alike = file.vectors.iter().filter(is_preset).count();
        assert!(alike >= 20, "{alike}");
    }
}
