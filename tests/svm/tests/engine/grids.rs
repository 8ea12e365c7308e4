//! What a risk grid and the cross-underlying model may say.

use margin_client::{
    addresses,
    errors::EngineError as E,
    events::EngineEvent,
    instructions::{CorrelationSet, CorrelationSetArgs},
    presets,
    state::{CorrelationModel, FactorScenarioArgs, ScenarioArgs, VolShock},
};
use solana_signer::Signer;
use tests_svm::{BTC, World, correlation, rich_model};

use crate::models::{model_set, parameters, scenarios_set, unmodelled};

const ONE: u32 = 1_000_000_000;

/// An underlying with parameters, to be completed by a grid.
fn without_grid() -> World {
    let mut world = unmodelled();
    let admin = world.admin.insecure_clone();
    let set = model_set(&world, parameters());
    world.accept(set.instruction(), &[&admin]);
    world
}

fn up(spot: u64) -> ScenarioArgs {
    ScenarioArgs { spot, weight: ONE, vol: VolShock::Up, extended: false }
}

#[test]
fn every_rule_about_a_grid_has_its_error() {
    let mut world = without_grid();
    let admin = world.admin.insecure_clone();
    type Change = fn(&mut Vec<ScenarioArgs>);
    let rules: &[(Change, E)] = &[
        (Vec::clear, E::ScenarioCount),
        (|grid| *grid = vec![grid[0]; 41], E::ScenarioCount),
        (|grid| grid[0].spot = 0, E::ScenarioSpot),
        (|grid| grid[0].spot = 9_999_999, E::ScenarioSpot),
        (|grid| grid[0].spot = 8_000_000_001, E::ScenarioSpot),
        (|grid| grid[0].spot = u64::MAX, E::ScenarioSpot),
        (|grid| grid[3].weight = 0, E::ScenarioWeight),
        (|grid| grid[3].weight = ONE + 1, E::ScenarioWeight),
        (|grid| grid.last_mut().expect("a scenario").spot += 1, E::ScenarioSkewSpot),
        (|grid| grid.retain(|scenario| scenario.spot >= u64::from(ONE)), E::ScenarioOneSided),
        (|grid| grid.retain(|scenario| scenario.spot <= u64::from(ONE)), E::ScenarioOneSided),
        (|grid| grid.swap(0, 1), E::ScenarioOrder),
        (|grid| grid.reverse(), E::ScenarioOrder),
    ];
    for (change, error) in rules {
        let mut set = scenarios_set(&world, rich_model(presets::major()).scenarios);
        change(&mut set.scenarios);
        world.refuse(set.instruction(), &[&admin], *error);
    }
    // A grid of the most scenarios, at the ends of their ranges.
    let mut grid: Vec<_> = (0..39).map(|step| up(10_000_000 + 200_000_000 * step)).collect();
    grid.push(ScenarioArgs { weight: 1, ..up(8_000_000_000) });
    let set = scenarios_set(&world, grid);
    world.accept(set.instruction(), &[&admin]);
    assert_eq!(world.underlying(BTC).scenario_count, 40);
}

#[test]
fn skew_scenarios_need_a_width() {
    let mut world = unmodelled();
    let admin = world.admin.insecure_clone();
    let mut set = model_set(&world, parameters());
    set.args.risk.skew.min_width = 0;
    world.accept(set.instruction(), &[&admin]);
    let grid = rich_model(presets::major()).scenarios;
    let skewed = scenarios_set(&world, grid.clone());
    world.refuse(skewed.instruction(), &[&admin], E::ParameterSkewWidth);
    let plain = grid.into_iter().filter(|scenario| scenario.vol <= VolShock::Down).collect();
    let set = scenarios_set(&world, plain);
    let events = world.accept(set.instruction(), &[&admin]).events();
    let [EngineEvent::ScenariosSet(event)] = &events[..] else { panic!("one event") };
    assert_eq!((event.underlying, event.count), (addresses::underlying(&world.engine, BTC), 31));
}

fn correlation_set(world: &World, args: CorrelationSetArgs) -> CorrelationSet {
    CorrelationSet { admin: world.admin.pubkey(), engine: world.engine, args }
}

#[test]
fn every_rule_about_the_market_factor_has_its_error() {
    let mut world = World::bare();
    let admin = world.admin.insecure_clone();
    type Change = fn(&mut CorrelationSetArgs);
    let rules: &[(Change, E)] = &[
        (|args| args.scenarios.clear(), E::FactorCount),
        (|args| args.scenarios = vec![args.scenarios[0]; 41], E::FactorCount),
        (|args| args.scenarios[2].market_move = -990_000_001, E::FactorMove),
        (|args| args.scenarios[2].market_move = 7_000_000_001, E::FactorMove),
        (|args| args.scenarios[2].market_move = i64::MIN, E::FactorMove),
        (|args| args.scenarios[2].weight = 0, E::FactorWeight),
        (|args| args.scenarios[2].weight = 1_000_000_001, E::FactorWeight),
        (|args| args.scenarios[2].vol = VolShock::SkewLinear, E::FactorSkew),
        (|args| args.scenarios[2].vol = VolShock::SkewAbs, E::FactorSkew),
        (|args| args.floor = 1_000_000_001, E::CorrelationFloor),
    ];
    for (change, error) in rules {
        let mut set = correlation_set(&world, correlation());
        change(&mut set.args);
        world.refuse(set.instruction(), &[&admin], *error);
        assert!(!world.engine_state().correlates());
    }
}

#[test]
fn the_cross_underlying_model_is_set_once_by_the_admin() {
    let mut world = World::bare();
    let admin = world.admin.insecure_clone();
    let stranger = world.trader();
    world.svm.airdrop(&stranger.owner(), 1_000_000_000).expect("an airdrop");
    let mut set = correlation_set(&world, correlation());
    set.admin = stranger.owner();
    world.refuse(set.instruction(), &[&stranger.key], E::NotAdmin);

    let edge = |market_move, weight| FactorScenarioArgs { market_move, weight, vol: VolShock::Down };
    let scenarios = [vec![edge(-990_000_000, 1), edge(7_000_000_000, 1_000_000_000)], vec![edge(0, 5); 38]].concat();
    let args = CorrelationSetArgs { floor: 1_000_000_000, scenarios };
    let set = correlation_set(&world, args.clone());
    let events = world.accept(set.clone().instruction(), &[&admin]).events();
    let [EngineEvent::CorrelationSet(event)] = &events[..] else { panic!("one event") };
    assert_eq!((event.engine, event.count, event.floor), (world.engine, 40, args.floor));
    assert!(world.engine_state().correlates());
    let stored = world.load::<CorrelationModel>(addresses::correlation(&world.engine));
    assert_eq!(stored.scenarios().len(), 40);
    for (stored, args) in stored.scenarios().iter().zip(&args.scenarios) {
        assert_eq!((stored.market_move, stored.weight, stored.vol), (args.market_move, args.weight, args.vol as u8));
    }
    // Its address is taken.
    world.refuse_code(set.instruction(), &[&admin], 0, "AccountAlreadyInUse");
}
