//! What a margin model may say: every rule about its parameters by its error, and how a model comes to an underlying.

use margin_client::{
    addresses,
    errors::EngineError as E,
    instructions::{ModelSet, ModelSetArgs, ScenariosSet},
    presets,
    state::{AdaptiveRange, ScenarioArgs, VolShock},
};
use solana_signer::Signer;
use tests_svm::{BTC, ETH, Spec, USDC, World, buy, free_trading, perpetual, rich_model, specs};

const ONE: u64 = 1_000_000_000;

/// An engine with the quote token and an underlying that has no margin model yet.
pub fn unmodelled() -> World {
    let mut world = World::bare();
    world.list_quote();
    let [btc, ..] = specs();
    let add = world.underlying_listing(&btc);
    let admin = world.admin.insecure_clone();
    world.accept(add.instruction(), &[&admin]);
    world
}

pub fn model_set(world: &World, args: ModelSetArgs) -> ModelSet {
    let underlying = addresses::underlying(&world.engine, BTC);
    ModelSet { admin: world.admin.pubkey(), engine: world.engine, underlying, args }
}

pub fn scenarios_set(world: &World, scenarios: Vec<ScenarioArgs>) -> ScenariosSet {
    let underlying = addresses::underlying(&world.engine, BTC);
    ScenariosSet { admin: world.admin.pubkey(), engine: world.engine, underlying, scenarios }
}

/// Parameters with everything on, an adaptive range included.
pub fn parameters() -> ModelSetArgs {
    let adaptive = AdaptiveRange {
        reference: 180_000_000,
        floor: 100_000_000,
        deviations: 4 * ONE,
        horizon: 86_400,
        least: ONE / 2,
        most: 2 * ONE,
        daily_change: 200_000_000,
        ..AdaptiveRange::default()
    };
    ModelSetArgs { adaptive, ..rich_model(presets::major()).parameters }
}

type Change = fn(&mut ModelSetArgs);

/// Every rule, broken by as little as possible on each side.
const RULES: &[(Change, E)] = &[
    (|args| args.risk.vol.range_up = 10 * ONE + 1, E::ParameterVolRange),
    (|args| args.risk.vol.range_down = ONE + 1, E::ParameterVolRange),
    (|args| args.risk.vol.short_term_power = 10 * ONE + 1, E::ParameterTenorPower),
    (|args| args.risk.vol.long_term_power = u64::MAX, E::ParameterTenorPower),
    (|args| args.risk.vol.tenor_floor = 3_599, E::ParameterTenorFloor),
    (|args| args.risk.vol.tenor_floor = 400 * 86_400 + 1, E::ParameterTenorFloor),
    (|args| args.risk.vol.min_vol_up = 1_000_000_001, E::ParameterMinVolUp),
    (|args| args.risk.scan.maintenance = 0, E::ParameterScanFactor),
    (|args| args.risk.scan.maintenance = 10 * ONE + 1, E::ParameterScanFactor),
    (|args| args.risk.scan.initial = 10 * ONE + 1, E::ParameterScanFactor),
    (|args| args.risk.scan.initial = args.risk.scan.maintenance - 1, E::ParameterInitialBelowMaintenance),
    (|args| args.risk.scan.shortfall_count = 41, E::ParameterShortfallCount),
    (|args| args.risk.scan.gain_haircut = ONE + 1, E::ParameterGainHaircut),
    (|args| args.risk.scan.extended_range = 8 * ONE + 1, E::ParameterExtended),
    (|args| args.risk.static_discount.long_markdown = -1, E::ParameterLongMarkdown),
    (|args| args.risk.static_discount.long_markdown = ONE as i64 + 1, E::ParameterLongMarkdown),
    (|args| args.risk.static_discount.short_markup = 3 * ONE + 1, E::ParameterShortMarkup),
    (|args| args.risk.static_discount.long_rate_scale = 10 * ONE + 1, E::ParameterDiscountRate),
    (|args| args.risk.static_discount.long_rate_add = 10 * ONE + 1, E::ParameterDiscountRate),
    (|args| args.risk.static_discount.short_rate_scale = 10 * ONE + 1, E::ParameterDiscountRate),
    (|args| args.risk.static_discount.short_rate_add = 10 * ONE + 1, E::ParameterDiscountRate),
    (|args| args.risk.skew.linear.base = 10 * ONE + 1, E::ParameterSkewCap),
    (|args| args.risk.skew.abs.slope = -10 * (ONE as i64) - 1, E::ParameterSkewCap),
    (|args| args.risk.skew.abs.slope = i64::MIN, E::ParameterSkewCap),
    (|args| args.risk.skew.min_width = 10 * ONE + 1, E::ParameterSkewWidth),
    (|args| args.risk.skew.width_scale = 10 * ONE + 1, E::ParameterSkewVol),
    (|args| args.risk.skew.vol_static = 20 * ONE + 1, E::ParameterSkewVol),
    (|args| args.risk.skew.vol_scale = -20 * (ONE as i64) - 1, E::ParameterSkewVol),
    (|args| args.risk.basis.up = ONE, E::ParameterBasisShock),
    (|args| args.risk.basis.up = 8 * ONE + 1, E::ParameterBasisShock),
    (|args| args.risk.basis.down = ONE, E::ParameterBasisShock),
    (|args| args.risk.basis.down = 0, E::ParameterBasisShock),
    (|args| args.risk.basis.add = 20 * ONE + 1, E::ParameterBasisFactor),
    (|args| args.risk.basis.annual = 20 * ONE + 1, E::ParameterBasisFactor),
    (|args| args.risk.charges.perpetual_maintenance = 3 * ONE + 1, E::ParameterPositionCharge),
    (|args| args.risk.charges.perpetual_initial = 3 * ONE + 1, E::ParameterPositionCharge),
    (|args| args.risk.charges.short_option_maintenance = 3 * ONE + 1, E::ParameterPositionCharge),
    (|args| args.risk.charges.short_option_initial = u64::MAX, E::ParameterPositionCharge),
    (|args| args.risk.minimum_delta.unhedged = ONE + 1, E::ParameterMinimumDelta),
    (|args| args.risk.minimum_delta.hedged = args.risk.minimum_delta.unhedged + 1, E::ParameterMinimumDelta),
    (|args| args.risk.roll.min_move = ONE + 1, E::ParameterRollMove),
    (|args| args.risk.roll.annual_move = ONE + 1, E::ParameterRollMove),
    (|args| args.risk.vega.range = 10 * ONE + 1, E::ParameterVegaRange),
    (|args| args.risk.vega.offset = ONE + 1, E::ParameterVegaOffset),
    (|args| args.risk.concentration.delta_rate = ONE + 1, E::ParameterConcentrationRate),
    (|args| args.risk.concentration.vega_rate = ONE + 1, E::ParameterConcentrationRate),
    (|args| args.risk.concentration.max_rate = ONE + 1, E::ParameterConcentrationRate),
    (|args| args.risk.confidence.threshold = ONE + 1, E::ParameterConfidenceThreshold),
    (|args| args.risk.confidence.factor = 20 * ONE + 1, E::ParameterConfidenceFactor),
    (|args| args.risk.depeg.threshold = ONE + 1, E::ParameterPegThreshold),
    (|args| args.risk.depeg.threshold = u64::MAX, E::ParameterPegThreshold),
    (|args| args.risk.depeg.factor = 10 * ONE + 1, E::ParameterPegFactor),
    (|args| args.risk.scan.inverse = 1, E::ModelInverse),
    (|args| args.standard.most_spot = 3 * ONE + 1, E::ParameterStandardShare),
    (|args| args.standard.collateral = ONE + 1, E::ParameterStandardShare),
    (|args| args.standard.collateral_initial = ONE + 1, E::ParameterStandardShare),
    (|args| args.standard.perpetual_initial = 0, E::ParameterStandardInitialBelowMaintenance),
    (|args| args.standard.least_spot = 0, E::ParameterStandardInitialBelowMaintenance),
    (|args| args.standard.put_initial_over_maintenance = ONE - 1, E::ParameterStandardInitialBelowMaintenance),
    (|args| args.standard.unpaired_initial = 0, E::ParameterStandardInitialBelowMaintenance),
    (|args| args.standard.confidence.threshold = ONE + 1, E::ParameterConfidenceThreshold),
    (|args| args.standard.confidence.factor = 20 * ONE + 1, E::ParameterConfidenceFactor),
    (|args| args.standard.depeg.threshold = ONE + 1, E::ParameterPegThreshold),
    (|args| args.standard.depeg.factor = 10 * ONE + 1, E::ParameterPegFactor),
    (|args| args.exposure.beta = 8 * ONE as i64 + 1, E::ParameterFactorBeta),
    (|args| args.exposure.beta = i64::MIN, E::ParameterFactorBeta),
    (|args| args.exposure.residual = ONE + 1, E::ParameterFactorResidual),
    (|args| args.adaptive.least = 0, E::ParameterAdaptiveBounds),
    (|args| args.adaptive.least = ONE + 1, E::ParameterAdaptiveBounds),
    (|args| args.adaptive.most = ONE - 1, E::ParameterAdaptiveBounds),
    (|args| args.adaptive.most = 8 * ONE + 1, E::ParameterAdaptiveBounds),
    (|args| args.adaptive.reference = ONE + 1, E::ParameterAdaptiveMove),
    (|args| args.adaptive.floor = ONE + 1, E::ParameterAdaptiveMove),
    (|args| args.adaptive.deviations = 20 * ONE + 1, E::ParameterAdaptiveMove),
    (|args| args.adaptive.horizon = 59, E::ParameterAdaptiveMove),
    (|args| args.adaptive.horizon = 31_536_001, E::ParameterAdaptiveMove),
    (|args| args.adaptive.daily_change = 0, E::ParameterAdaptiveChange),
    (|args| args.adaptive.daily_change = 8 * ONE + 1, E::ParameterAdaptiveChange),
];

#[test]
fn every_rule_about_parameters_has_its_error() {
    let mut world = unmodelled();
    let admin = world.admin.insecure_clone();
    for (change, error) in RULES {
        let mut set = model_set(&world, parameters());
        change(&mut set.args);
        world.refuse(set.instruction(), &[&admin], *error);
    }
    let set = model_set(&world, parameters());
    world.accept(set.instruction(), &[&admin]);
}

#[test]
fn the_ends_of_the_ranges_are_inside() {
    let mut world = unmodelled();
    let admin = world.admin.insecure_clone();
    let mut set = model_set(&world, parameters());
    let args = &mut set.args;
    (args.risk.vol.range_up, args.risk.vol.range_down, args.risk.vol.tenor_floor) = (10 * ONE, ONE, 3_600);
    (args.risk.scan.initial, args.risk.scan.maintenance) = (10 * ONE, 10 * ONE);
    (args.risk.scan.shortfall_count, args.risk.scan.gain_haircut) = (40, ONE);
    (args.risk.basis.up, args.risk.basis.down, args.risk.basis.add) = (8 * ONE, 1, 20 * ONE);
    (args.risk.minimum_delta.unhedged, args.risk.minimum_delta.hedged) = (ONE, ONE);
    args.risk.unrealised_profit_cap = 0;
    (args.exposure.beta, args.exposure.residual) = (-8 * (ONE as i64), ONE);
    (args.adaptive.least, args.adaptive.most, args.adaptive.horizon) = (1, 8 * ONE, 60);
    // Where a part is off, its other numbers do not matter.
    args.standard = Default::default();
    world.accept(set.clone().instruction(), &[&admin]);
    let stored = world.underlying(BTC);
    assert_eq!((stored.risk, stored.exposure), (set.args.risk, set.args.exposure));
    set.args.adaptive = AdaptiveRange { most: u64::MAX, ..AdaptiveRange::default() };
    (set.args.risk.basis.add, set.args.risk.basis.annual, set.args.risk.basis.up) = (0, 0, 0);
    world.accept(set.instruction(), &[&admin]);
}

#[test]
fn the_state_of_an_adaptive_range_is_the_programs() {
    let mut world = unmodelled();
    let admin = world.admin.insecure_clone();
    let mut set = model_set(&world, parameters());
    (set.args.adaptive.scale, set.args.adaptive.scaled_at) = (3 * ONE, 7);
    world.accept(set.instruction(), &[&admin]);
    let stored = world.underlying(BTC).adaptive;
    assert_eq!((stored.scale, stored.scaled_at), (0, 0));
}

#[test]
fn a_model_is_set_once_and_completed_by_its_grid() {
    let mut world = unmodelled();
    let admin = world.admin.insecure_clone();
    let grid = rich_model(presets::major()).scenarios;
    let early = scenarios_set(&world, grid.clone());
    world.refuse(early.instruction(), &[&admin], E::ModelMissing);
    // Until its grid is set, parameters may be set again.
    for leverage in [2 * ONE, ONE] {
        let mut set = model_set(&world, parameters());
        set.args.risk.scan.initial = leverage;
        world.accept(set.instruction(), &[&admin]);
        assert_eq!(world.underlying(BTC).risk.scan.initial, leverage);
    }
    let complete = scenarios_set(&world, grid.clone());
    world.accept(complete.clone().instruction(), &[&admin]);
    let stored = world.underlying(BTC);
    assert_eq!(usize::from(stored.scenario_count), grid.len());
    assert_eq!(stored.scenarios[grid.len() - 1].vol, VolShock::SkewAbs as u8);
    // Afterwards neither.
    world.refuse(complete.instruction(), &[&admin], E::ModelAlreadySet);
    let again = model_set(&world, parameters());
    world.refuse(again.instruction(), &[&admin], E::ModelAlreadySet);
}

#[test]
fn nothing_trades_before_the_grid_is_set() {
    let mut world = World::new();
    let [btc, ..] = specs();
    let admin = world.admin.insecure_clone();
    let spec = Spec { index: 3, ..btc };
    let add = world.underlying_listing(&spec);
    world.accept(add.instruction(), &[&admin]);
    let (underlying, price) = (addresses::underlying(&world.engine, 3), world.price_account(&spec.feed));
    world.directory.insert_underlying(3, underlying, price);
    let (maker, taker) = (world.funded(1_000_000.0), world.funded(1_000_000.0));
    let trade = |world: &World| world.trade(&maker, &taker, &[buy(1, perpetual(3), 94_128.89)]).instruction();
    let signers = [&maker.key, &taker.key];
    let early = trade(&world);
    world.refuse(early, &signers, E::TradingNotSet);
    world.set_trading(3, free_trading());
    let early = trade(&world);
    world.refuse(early, &signers, E::ModelIncomplete);
    let [parameters, grid] = presets::major().instructions(admin.pubkey(), world.engine, underlying);
    world.accept(parameters, &[&admin]);
    let early = trade(&world);
    world.refuse(early, &signers, E::ModelIncomplete);
    world.accept(grid, &[&admin]);
    let complete = trade(&world);
    world.accept(complete, &signers);
}

#[test]
fn only_the_admin_sets_models_and_only_of_his_own_engine() {
    let mut world = unmodelled();
    let admin = world.admin.insecure_clone();
    let stranger = world.trader();
    let mut set = model_set(&world, parameters());
    set.admin = stranger.owner();
    world.refuse(set.instruction(), &[&stranger.key], E::NotAdmin);
    let mut set = scenarios_set(&world, presets::major().scenarios);
    set.admin = stranger.owner();
    world.refuse(set.instruction(), &[&stranger.key], E::NotAdmin);
    world.set_price(&specs()[0].feed, specs()[0].spot);
    let other = world.another_engine();
    let mut set = model_set(&world, parameters());
    set.underlying = addresses::underlying(&other, BTC);
    world.refuse(set.instruction(), &[&admin], E::ForeignEngine);
    let mut set = scenarios_set(&world, presets::major().scenarios);
    set.underlying = addresses::underlying(&other, BTC);
    world.refuse(set.instruction(), &[&admin], E::ForeignEngine);
}

#[test]
fn a_linked_token_is_judged_by_its_haircuts_until_its_underlying_has_a_model() {
    use margin_client::{pyth::feeds, state::CollateralLink};
    let mut world = unmodelled();
    let admin = world.admin.insecure_clone();
    let token = world.mint(&tests_svm::MintOptions::spl(9));
    let mut add = world.token_listing(token, feeds::ETH_USD, Default::default());
    add.args.link = CollateralLink::CancelsRisk;
    world.list(token, add);
    world.set_price(&feeds::ETH_USD, specs()[usize::from(ETH)].spot);
    world.set_price(&feeds::BTC_USD, specs()[usize::from(BTC)].spot);
    let (underlying, price) = (addresses::underlying(&world.engine, BTC), world.price_account(&feeds::BTC_USD));
    world.directory.insert_underlying(BTC, underlying, price);
    let trader = world.funded(100.0);
    world.fund(&trader, 1, 1_000_000_000);
    // Otherwise a deposit could keep an account from being liquidated.
    let early = world.report(&trader);
    assert_eq!((early.underlying_count, early.initial_margin), (0, 0));
    assert!(early.collateral_value > 0);
    for instruction in presets::major().instructions(admin.pubkey(), world.engine, underlying) {
        world.accept(instruction, &[&admin]);
    }
    let complete = world.report(&trader);
    assert_eq!((complete.underlying_count, complete.equity), (1, early.equity));
    assert!(complete.initial_margin > 0, "the token enters the scenarios now");
    // Cash alone never needed it.
    let withdraw = world.withdraw(&trader, USDC, 1);
    world.accept(withdraw.instruction(), &[&trader.key]);
}
