//! A market in which every part of the risk model is on and costs something.

use margin_client::{
    instructions::CorrelationSetArgs,
    presets::MarginModel,
    pyth::feeds,
    state::{
        BasisContingency, CollateralHaircuts, CollateralLink, Concentration, ConfidenceCharge, Depeg, FactorExposure,
        FactorScenarioArgs, MinimumDelta, OracleArgs, RiskParameters, Roll, ScanFactors, ScenarioArgs, SkewCap,
        SkewShock, StandardParameters, StaticDiscount, VegaTermStructure, VolShock,
    },
};

use crate::{MintOptions, SOL, World, oracle, specs, usd};

const ONE: u64 = 1_000_000_000;
const PERCENT: u64 = ONE / 100;
/// Amounts of a model.
const DOLLAR: u64 = 1_000_000;

/// A model with every part on: skew scenarios, static discounts, forward contingency, minimum delta, roll, vega term
/// structure, concentration, oracle confidence, peg, capped profit, extended scenarios, gain haircut, expected shortfall.
#[must_use]
pub fn rich_model(base: MarginModel) -> MarginModel {
    let MarginModel { mut parameters, mut scenarios } = base;
    let confidence = ConfidenceCharge { threshold: 99 * PERCENT, factor: 50 * PERCENT };
    let depeg = Depeg { threshold: 99 * PERCENT, factor: 2 * ONE };
    parameters.risk = RiskParameters {
        scan: ScanFactors {
            gain_haircut: 10 * PERCENT,
            extended_range: 60 * PERCENT,
            extended_dampener: 50 * DOLLAR,
            shortfall_count: 3,
            scales_charges: 1,
            ..parameters.risk.scan
        },
        static_discount: StaticDiscount {
            long_markdown: PERCENT as i64,
            long_rate_scale: ONE,
            long_rate_add: 2 * PERCENT,
            short_markup: 2 * PERCENT,
            short_rate_scale: ONE / 2,
            short_rate_add: PERCENT,
        },
        skew: SkewShock {
            linear: SkewCap { base: 15 * PERCENT, slope: 10 * PERCENT as i64 },
            abs: SkewCap { base: 10 * PERCENT, slope: -5 * (PERCENT as i64) },
            min_width: 10 * PERCENT,
            width_scale: 50 * PERCENT,
            vol_static: 60 * PERCENT,
            vol_scale: 20 * PERCENT as i64,
        },
        basis: BasisContingency { up: 105 * PERCENT, down: 95 * PERCENT, add: 30 * PERCENT, annual: 50 * PERCENT },
        minimum_delta: MinimumDelta { unhedged: 5 * PERCENT, hedged: PERCENT },
        roll: Roll { min_move: PERCENT / 10, annual_move: 2 * PERCENT, ..Roll::default() },
        vega: VegaTermStructure { range: 10 * PERCENT, offset: 50 * PERCENT },
        concentration: Concentration {
            delta_depth: 200_000 * DOLLAR,
            delta_rate: 10 * PERCENT,
            vega_depth: 50_000 * DOLLAR,
            vega_rate: 20 * PERCENT,
            max_rate: 50 * PERCENT,
        },
        confidence,
        depeg,
        unrealised_profit_cap: 1_000 * DOLLAR,
        ..parameters.risk
    };
    parameters.standard = StandardParameters { confidence, depeg, ..parameters.standard };
    parameters.exposure = FactorExposure { beta: 120 * PERCENT as i64, residual: 40 * PERCENT };
    for scenario in &mut scenarios {
        scenario.extended = !(700_000_000..=1_300_000_000).contains(&scenario.spot);
    }
    for vol in [VolShock::SkewLinear, VolShock::SkewAbs] {
        scenarios.push(ScenarioArgs { spot: ONE, weight: ONE as u32, vol, extended: false });
    }
    MarginModel { parameters, scenarios }
}

/// A cross-underlying model: moves of the market factor to ±20 %, a breakdown floor of 30 %.
#[must_use]
pub fn correlation() -> CorrelationSetArgs {
    let scenario = |percent: i64, vol| FactorScenarioArgs { market_move: percent * PERCENT as i64, weight: ONE, vol };
    let mut scenarios: Vec<_> = [-20, -10, -5, 0, 5, 10, 20]
        .into_iter()
        .flat_map(|percent| [VolShock::Up, VolShock::None, VolShock::Down].map(|vol| scenario(percent, vol)))
        .collect();
    let half = 50 * PERCENT;
    scenarios.extend([-50, 100].map(|percent| FactorScenarioArgs { weight: half, ..scenario(percent, VolShock::Up) }));
    CorrelationSetArgs { floor: 30 * PERCENT, scenarios }
}

impl World {
    /// The default market with every part of the risk model on: [`rich_model`] on all underlyings, the quote token below
    /// its peg, SOL as collateral that cancels risk, doubtful oracles and publications, perpetuals off their index.
    #[must_use]
    pub fn rich() -> Self {
        let doubtful = |feed| OracleArgs { confidence_full_scale: 50_000_000, ..oracle(feed) };
        let mut world = Self::bare();
        world.list_quote_with(Some(doubtful(feeds::USDC_USD)));
        world.set_price(&feeds::USDC_USD, usd(0.97));
        let admin = world.admin.insecure_clone();
        for (spec, basis) in specs().into_iter().zip([1_002_000_000, 999_000_000, 1_010_000_000]) {
            let spec = crate::Spec { model: rich_model(spec.model.clone()), ..spec };
            world.list_underlying_with(&spec, doubtful(spec.feed));
            world.set_price(&spec.feed, spec.spot);
            for (surface, confidence) in spec.surfaces.iter().zip([990_000_000, 930_000_000]) {
                let mut publish = world.publication(&spec, surface);
                publish.args.confidence = confidence;
                world.accept(publish.instruction(), &[&admin]);
            }
            let mut publish = world.perpetual_publication(&spec, basis);
            publish.args.confidence = 940_000_000;
            world.accept(publish.instruction(), &[&admin]);
        }
        let sol = world.mint(&MintOptions::spl(9));
        let haircuts = CollateralHaircuts { maintenance: 100_000_000, initial: 50_000_000 };
        let mut add = world.token_listing(sol, feeds::SOL_USD, haircuts);
        add.args.oracle = Some(doubtful(feeds::SOL_USD));
        add.args.confidence = ConfidenceCharge { threshold: 99 * PERCENT, factor: 50 * PERCENT };
        (add.args.link, add.args.underlying) = (CollateralLink::CancelsRisk, SOL);
        world.list(sol, add);
        world
    }
}
