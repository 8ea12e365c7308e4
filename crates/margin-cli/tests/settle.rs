//! `margin settle` against a small node.

#[path = "../../margin-client/tests/common/mod.rs"]
mod common;
mod node;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use common::*;
use margin_client::{
    Loaded, addresses,
    state::{InstrumentKind, MarginAccount},
};
use node::{FakeNode, State};
use serde_json::{Value, json};
use solana_account::Account;
use solana_keypair::Keypair;

/// A trader with a call of the BTC series.
fn trader() -> Loaded<MarginAccount> {
    let state = with_positions(account(20_000 * ATOM), &[(option(BTC, InstrumentKind::Call, 95_000), 100, 0)]);
    let address = addresses::margin_account(&engine().address, &state.owner, 0);
    Loaded::from_state(address, state)
}

/// A minute after the expiry of a BTC series without settlement window, with a price as fresh as that.
fn state() -> State {
    let now = EXPIRY + 60;
    let (mut btc, trader) = (btc(), trader());
    let slot = btc.state_mut().expiries.iter_mut().find(|slot| slot.expiry == EXPIRY).unwrap();
    slot.open_lots = 100;
    let price = margin_client::pyth::PriceUpdate::new(
        margin_client::pyth::feeds::BTC_USD,
        margin_core::Price(BTC_SPOT),
        margin_core::Price(BTC_SPOT / 1_000),
        now,
    );
    let clock: Vec<u8> = [1u64, 0, 0, 0, now as u64].iter().flat_map(|field| field.to_le_bytes()).collect();
    let mut engine = engine();
    engine.state_mut().underlying_count = 1;
    let mut state = State::default();
    state.accounts.extend([
        ("SysvarC1ock11111111111111111111111111111111".parse().unwrap(), Account { data: clock, ..Account::default() }),
        (engine.address, stored_account(&*engine)),
        (btc.address, stored_account(&*btc)),
        (key(100), price.account()),
        (trader.address, stored_account(&*trader)),
    ]);
    state
}

fn key_file(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, json!(Keypair::new().to_bytes().to_vec()).to_string()).unwrap();
    path
}

fn settle(state: State, arguments: &[&str]) -> Output {
    let node = FakeNode::start(state);
    let mut command = Command::new(env!("CARGO_BIN_EXE_margin"));
    command.env_remove("MARGIN_RPC_URL").env_remove("MARGIN_ENGINE");
    command.args(["--url", &node.url, "--json", "settle"]).args(arguments).output().unwrap()
}

#[test]
fn a_round_samples_finalises_and_settles() {
    let (key, settler) = (key_file("round.json"), trader().address.to_string());
    let output = settle(state(), &["--keypair", key.to_str().unwrap(), "--settler", &settler]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let round: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&round["settler"], &round["time"]), (&json!(settler), &json!(EXPIRY + 60)));
    let steps = round["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| (step["step"].as_str().unwrap(), step["accounts"].as_u64())).collect();
    assert_eq!(names, [("sample", None), ("finalise", None), ("settle", Some(1))]);
    for step in steps {
        assert_eq!((&step["symbol"], &step["expiry"]), (&json!("BTC"), &json!(EXPIRY)));
        assert!(step["signature"].as_str().unwrap().len() > 80 && step["error"].is_null());
    }
}

#[test]
fn a_round_that_fails_says_so_and_tries_everything() {
    let (key, settler) = (key_file("refused.json"), trader().address.to_string());
    let refused = State { refuse_transactions: true, ..state() };
    let output = settle(refused, &["--keypair", key.to_str().unwrap(), "--settler", &settler]);
    assert_eq!(output.status.code(), Some(1));
    let round: Value = serde_json::from_slice(&output.stdout).unwrap();
    let steps = round["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3);
    assert!(steps.iter().all(|step| step["error"]["code"] == "node-refused" && step["signature"].is_null()));
}

#[test]
fn a_settler_needs_a_key_and_a_margin_account() {
    let code = |arguments: &[&str]| {
        let output = settle(state(), arguments);
        assert_eq!(output.status.code(), Some(1));
        serde_json::from_slice::<Value>(&output.stderr).unwrap()["error"]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&["--keypair", "nowhere.json"]), "no-keypair");
    // This key has no margin account number 0.
    let key = key_file("stranger.json");
    assert_eq!(code(&["--keypair", key.to_str().unwrap()]), "account-not-found");
}
