//! The committed model files: read, valid by the program's rules, and the figures they promise.

use margin_client::presets::{self, PRESETS};
use margin_core::portfolio as core;

#[test]
fn every_file_is_named_after_its_preset_and_says_what_it_is() {
    for (name, text) in PRESETS {
        let file: presets::ModelFile = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(file.name, name);
        assert!(!file.description.is_empty(), "{name}");
        assert_eq!(presets::preset(name), Some(file));
    }
    assert_eq!(presets::preset("no-such"), None);
}

#[test]
fn every_preset_that_may_trade_passes_the_rules_of_the_program() {
    for (name, _) in PRESETS {
        let file = presets::preset(name).unwrap();
        let model = file.model();
        let grid: Vec<core::GridScenario> = model.scenarios.iter().map(grid_scenario).collect();
        let stored = &model.parameters;
        let verdict = core::RiskParameters::from(&stored.risk).validate(&grid);
        assert_eq!(verdict, Ok(()), "{name}");
        assert_eq!(stored.risk.scan.inverse != 0, file.vector_only, "{name}");
        let standard = core::StandardParameters::from(&stored.standard);
        assert!(stored.standard == Default::default() || standard.validate() == Ok(()), "{name}");
        assert_eq!(core::FactorExposure::from(&stored.exposure).validate(), Ok(()), "{name}");
        assert_eq!(core::AdaptiveRange::from(&stored.adaptive).validate(), Ok(()), "{name}");
    }
}

fn grid_scenario(args: &margin_client::state::ScenarioArgs) -> core::GridScenario {
    let shock = margin_core::Scenario::new(margin_core::Multiplier(args.spot), args.vol.into()).unwrap();
    core::GridScenario { shock, weight: core::Ratio(u64::from(args.weight)), extended: args.extended }
}

/// The tails of our own grids make a linear book lose a fifth of what it loses at the edge, rounded up.
#[test]
fn weights_of_our_own_tails_follow_their_rule() {
    for (model, edge) in [(presets::major(), 180_000_000u64), (presets::high_beta(), 240_000_000)] {
        assert_eq!(model.scenarios.len(), 31);
        for scenario in model.scenarios.iter().filter(|scenario| scenario.spot.abs_diff(1_000_000_000) > edge) {
            let distance = u128::from(scenario.spot.abs_diff(1_000_000_000));
            assert_eq!(u128::from(scenario.weight), (u128::from(edge) * 200_000_000).div_ceil(distance));
        }
    }
}

#[test]
fn a_model_file_refuses_what_it_does_not_know() {
    let read = |text: &str| serde_json::from_str::<presets::ModelFile>(text).unwrap_err().to_string();
    assert!(read(r#"{"parameters": {"vol": {"range": 1}}}"#).contains("unknown field `range`"));
    assert!(read(r#"{"scenarios": [{"vol": "up"}]}"#).contains("missing field `spot`"));
    assert!(read(r#"{"scenarios": [{"spot": 1, "vol": "sideways"}]}"#).contains("unknown variant"));
    assert!(read(r#"{"scenarios": [{"spot": -1}]}"#).contains("-1 is out of range"));
}
