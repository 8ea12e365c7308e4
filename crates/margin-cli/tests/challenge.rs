//! `margin market challenge` against a small node.

#[path = "../../margin-client/tests/common/mod.rs"]
mod common;
mod node;

use std::{
    fs,
    process::{Command, Output},
};

use common::*;
use node::{FakeNode, State};
use serde_json::{Value, json};
use solana_account::Account;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;

/// An engine with a token, on which somebody claims already, or not, that nobody has its price.
fn state(since: i64) -> State {
    let clock: Vec<u8> = [1u64, 0, 0, 0, NOW as u64].iter().flat_map(|field| field.to_le_bytes()).collect();
    let (mut engine, mut token) = (engine(), sol_collateral());
    engine.state_mut().underlying_count = 0;
    token.state_mut().challenge.since = since;
    let mut state = State::default();
    state.accounts.extend([
        ("SysvarC1ock11111111111111111111111111111111".parse().unwrap(), Account { data: clock, ..Account::default() }),
        (engine.address, stored_account(&*engine)),
        (token.address, stored_account(&*token)),
    ]);
    state
}

fn margin(state: State, arguments: &[&str]) -> Output {
    let node = FakeNode::start(state);
    let mut command = Command::new(env!("CARGO_BIN_EXE_margin"));
    command.env_remove("MARGIN_RPC_URL").env_remove("MARGIN_ENGINE");
    command.args(["--url", &node.url, "--json", "market"]).args(arguments).output().unwrap()
}

fn challenge(state: State, mint: &Pubkey, name: &str) -> Output {
    let key = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&key, json!(Keypair::new().to_bytes().to_vec()).to_string()).unwrap();
    margin(state, &["challenge", &mint.to_string(), "--keypair", key.to_str().unwrap()])
}

#[test]
fn a_claim_names_the_token_the_bond_and_the_time() {
    let output = challenge(state(0), &sol_collateral().mint, "claim.json");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let claim: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(claim["collateral"], sol_collateral().address.to_string());
    assert_eq!((&claim["bondLamports"], &claim["holdsFrom"]), (&json!(100_000_000), &json!(NOW + 86_400)));
    assert!(claim["signature"].as_str().unwrap().len() > 80);
}

#[test]
fn an_unknown_mint_and_a_refusal_are_errors() {
    let code = |output: Output| {
        assert_eq!(output.status.code(), Some(1));
        serde_json::from_slice::<Value>(&output.stderr).unwrap()["error"]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(challenge(state(0), &key(77), "unknown.json")), "unknown-mint");
    let refused = State { refuse_transactions: true, ..state(0) };
    assert_eq!(code(challenge(refused, &sol_collateral().mint, "refused-claim.json")), "node-refused");
}

#[test]
fn a_claim_is_shown_with_the_market() {
    for (since, shown) in [(0, Value::Null), (NOW - 5, json!(NOW - 5))] {
        let output = margin(state(since), &["show"]);
        let market: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(market["collaterals"][0]["challengedSince"], shown);
    }
}
