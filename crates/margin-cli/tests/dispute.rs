//! `margin dispute` against a small node that answers truly, wrongly, or with a refusal.

#[path = "../../margin-client/tests/common/mod.rs"]
mod common;
mod node;

use std::process::{Command, Output};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use common::*;
use margin_client::{
    Loaded, MarginReport, PROGRAM_ID, addresses,
    errors::EngineError,
    margin::PriceUse,
    pyth::feeds,
    state::{InstrumentKind, MarginAccount},
};
use node::{FakeNode, State};
use serde_json::{Value, json};
use solana_account::Account;

fn trader() -> Loaded<MarginAccount> {
    let mut state = with_positions(
        account(20_000 * ATOM),
        &[
            (perpetual(BTC), 30, 28_000 * ATOM),
            (option(BTC, InstrumentKind::Call, 105_000), -100, 0),
            (option(ETH, InstrumentKind::Put, 3_000), -500, 0),
        ],
    );
    state.set_balance(SOL_COLLATERAL, 100_500_000_000).unwrap();
    let address = addresses::margin_account(&engine().address, &state.owner, 0);
    Loaded::from_state(address, state)
}

/// A node with the market of the client's tests and this answer to every simulation.
fn node(simulation: Value) -> FakeNode {
    let (sol, btc, eth, trader) = (sol_collateral(), btc(), eth(), trader());
    let fields = [1u64, 0, 0, 0, NOW as u64];
    let clock = Account { data: fields.iter().flat_map(|field| field.to_le_bytes()).collect(), ..Account::default() };
    let mut state = State { simulation, ..State::default() };
    state.accounts.extend([
        ("SysvarC1ock11111111111111111111111111111111".parse().unwrap(), clock),
        (engine().address, stored_account(&*engine())),
        (sol.address, stored_account(&*sol)),
        (btc.address, stored_account(&*btc)),
        (eth.address, stored_account(&*eth)),
        (key(100), price_account(feeds::BTC_USD, BTC_SPOT)),
        (key(101), price_account(feeds::ETH_USD, ETH_SPOT)),
        (key(102), price_account(feeds::SOL_USD, SOL_SPOT)),
        (trader.address, stored_account(&*trader)),
    ]);
    FakeNode::start(state)
}

fn answer(report: &MarginReport) -> Value {
    let mut bytes = Vec::new();
    anchor_lang::AnchorSerialize::serialize(report, &mut bytes).unwrap();
    json!({
        "err": null,
        "logs": [],
        "unitsConsumed": 123_456,
        "returnData": { "programId": PROGRAM_ID.to_string(), "data": [BASE64_STANDARD.encode(bytes), "base64"] },
    })
}

fn refusal(error: EngineError) -> Value {
    json!({
        "err": { "InstructionError": [1, { "Custom": u32::from(error) }] },
        "logs": [], "unitsConsumed": 1, "returnData": null,
    })
}

fn truth() -> MarginReport {
    snapshot().report(&trader(), PriceUse::Liquidation, NOW).unwrap()
}

fn dispute(node: &FakeNode, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_margin"));
    command.env_remove("MARGIN_RPC_URL").env_remove("MARGIN_ENGINE").env("NO_COLOR", "1");
    let address = trader().address.to_string();
    command.args(["--url", &node.url, "dispute", &address]).args(arguments).output().unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn true_figures_match_line_by_line() {
    let node = node(answer(&truth()));
    let output = dispute(&node, &["--json"]);
    assert_eq!(output.status.code(), Some(0));
    let result = json_of(&output);
    assert_eq!((&result["matches"], &result["differences"]), (&json!(true), &json!(0)));
    let figures = result["figures"].as_array().unwrap();
    assert!(figures.iter().all(|line| line["same"] == true && line["node"] == line["own"]));
    for name in ["equity", "initial margin", "BTC: scan risk", "BTC: delta", "ETH: short-option charge, initial"] {
        assert!(figures.iter().any(|line| line["figure"] == name), "{name}");
    }
    let text = String::from_utf8(dispute(&node, &[]).stdout).unwrap();
    assert!(text.contains(&format!("all {} figures match", figures.len())) && !text.contains("DIFFERS"), "{text}");
}

#[test]
fn each_false_figure_is_found_and_ends_with_status_one() {
    type Lie = fn(&mut MarginReport);
    let lies: [(&str, Lie); 4] = [
        ("initial margin", |report| report.initial_margin += 1),
        ("token collateral", |report| report.collateral_value -= 1),
        ("BTC: gamma", |report| report.underlyings[0].greeks.gamma += 1),
        ("ETH: maintenance margin", |report| report.underlyings[1].maintenance_margin -= 1),
    ];
    for (name, lie) in lies {
        let mut report = truth();
        lie(&mut report);
        let node = node(answer(&report));
        let output = dispute(&node, &["--json"]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let result = json_of(&output);
        let differing: Vec<&Value> =
            result["figures"].as_array().unwrap().iter().filter(|line| line["same"] == false).collect();
        assert_eq!(differing.len(), 1, "{name}: {differing:?}");
        assert_eq!(differing[0]["figure"], name);
        assert_ne!(differing[0]["node"], differing[0]["own"]);
        let text = String::from_utf8(dispute(&node, &[]).stdout).unwrap();
        assert!(text.contains("figures differs") && text.contains("DIFFERS"), "{text}");
    }
}

#[test]
fn an_underlying_that_the_node_leaves_out_stands_against_nothing() {
    let mut report = truth();
    report.underlyings.pop().unwrap();
    report.underlying_count = 1;
    let result = json_of(&dispute(&node(answer(&report)), &["--json"]));
    let line = |name: &str| {
        let figures = result["figures"].as_array().unwrap();
        figures.iter().find(|line| line["figure"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(line("underlyings")["node"], "1");
    assert_eq!(line("ETH: delta")["node"], "-");
}

#[test]
fn a_refusal_that_the_code_here_does_not_share_is_a_difference() {
    let output = dispute(&node(refusal(EngineError::SurfaceStale)), &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let result = json_of(&output);
    assert_eq!(result["figures"][0]["figure"], "refusal");
    assert!(result["figures"][0]["node"].as_str().unwrap().contains("SurfaceStale"));
    assert_eq!(result["figures"][0]["own"], "-");
}
