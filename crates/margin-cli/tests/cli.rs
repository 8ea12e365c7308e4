//! The `margin` binary against a small node: output, errors and exit status.

#[path = "../../margin-client/tests/common/mod.rs"]
mod common;
mod node;

use std::process::{Command, Output};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use common::*;
use margin_client::{
    Loaded, MarginReport, PROGRAM_ID,
    accounts::encode,
    addresses,
    errors::EngineError,
    margin::PriceUse,
    pyth::{PriceUpdate, VerificationLevel, feeds, sponsored_address},
    state::{BorrowIndex, InstrumentKind, LiquidationState, MarginAccount, rate_per_second},
};
use margin_core::Price;
use node::{FakeNode, State};
use serde_json::{Value, json};
use solana_account::Account;
use solana_pubkey::Pubkey;

fn trader() -> Loaded<MarginAccount> {
    let mut state = with_positions(
        account(20_000 * ATOM),
        &[
            (perpetual(BTC), 30, 28_000 * ATOM),
            (option(BTC, InstrumentKind::Call, 95_000), 100, 0),
            (option(BTC, InstrumentKind::Call, 105_000), -100, 0),
            (option(ETH, InstrumentKind::Put, 3_000), -500, 0),
        ],
    );
    state.set_balance(SOL_COLLATERAL, 100_500_000_000).unwrap();
    state.index = 3;
    state.sequence = 17;
    let address = addresses::margin_account(&engine().address, &state.owner, 3);
    Loaded::from_state(address, state)
}

fn clock() -> Account {
    let fields = [1u64, 0, 0, 0, NOW as u64];
    Account { data: fields.iter().flat_map(|field| field.to_le_bytes()).collect(), ..Account::default() }
}

/// The market of the client's tests, a trader, and the program's answer to his margin check.
fn state() -> State {
    let (sol, btc, eth, trader) = (sol_collateral(), btc(), eth(), trader());
    let mut state = State::default();
    state.accounts.extend([
        ("SysvarC1ock11111111111111111111111111111111".parse().unwrap(), clock()),
        (engine().address, stored_account(&*engine())),
        (sol.address, stored_account(&*sol)),
        (btc.address, stored_account(&*btc)),
        (eth.address, stored_account(&*eth)),
        (key(100), price_account(feeds::BTC_USD, BTC_SPOT)),
        (key(101), price_account(feeds::ETH_USD, ETH_SPOT)),
        (key(102), price_account(feeds::SOL_USD, SOL_SPOT)),
        (trader.address, stored_account(&*trader)),
    ]);
    let report = snapshot().report(&trader, PriceUse::Liquidation, NOW).unwrap();
    state.simulation = simulated(&report);
    state
}

fn simulated(report: &MarginReport) -> Value {
    let mut bytes = Vec::new();
    anchor_lang::AnchorSerialize::serialize(report, &mut bytes).unwrap();
    json!({
        "err": null,
        "logs": [],
        "unitsConsumed": 123_456,
        "returnData": { "programId": PROGRAM_ID.to_string(), "data": [BASE64_STANDARD.encode(bytes), "base64"] },
    })
}

fn margin(node: &FakeNode, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_margin"));
    command.env_remove("MARGIN_RPC_URL").env_remove("MARGIN_ENGINE").env_remove("NO_COLOR");
    command.args(["--url", &node.url]).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_str(&text(output)).unwrap()
}

/// Code and message of a failure under `--json`, which leaves standard output empty and ends with status 1.
fn failure(node: &FakeNode, arguments: &[&str]) -> (String, String) {
    let output = margin(node, &[&["--json"], arguments].concat());
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty());
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    let part = |name: &str| error["error"][name].as_str().unwrap().to_owned();
    (part("code"), part("message"))
}

#[test]
fn an_account_is_shown_whole() {
    let node = FakeNode::start(state());
    let trader = trader();
    let shown = text(&margin(&node, &["account", "show", &trader.address.to_string()]));
    let want = format!(
        "\
Margin account {address}
  owner     {owner}
  number    3
  delegate  nobody
  engine    {engine}
  sequence  17
  state     open

Cash
  quote token                           20 000.00
  interest owed since the last contact       0.00

Token balances
  mint                                                amount
  {mint}  100.500000000

Positions
  instrument            quantity  lots  last settled value
  BTC-PERP                0.3000    30           28 000.00
  BTC-30JAN26-95000-C     1.0000   100
  BTC-30JAN26-105000-C   -1.0000  -100
  ETH-30JAN26-3000-P     -5.0000  -500
",
        address = trader.address,
        owner = key(9),
        engine = engine().address,
        mint = key(8),
    );
    assert_eq!(shown, want);

    // By owner and number, with the only engine of the network; and as data.
    let by_owner = ["--json", "account", "show", "--owner", &key(9).to_string(), "--index", "3"];
    let shown = json_of(&margin(&node, &by_owner));
    assert_eq!(shown["address"], trader.address.to_string());
    assert_eq!(shown["cash"], "20000");
    assert_eq!(shown["balances"][0]["amount"], "100.5");
    assert_eq!(shown["positions"][2]["instrument"], "BTC-30JAN26-105000-C");
    assert_eq!(shown["positions"][2]["quantity"], "-1");
    assert_eq!(shown["inLiquidation"], false);
    assert_eq!(shown["interestOwed"], "0");
}

#[test]
fn interest_shows_before_it_is_taken() {
    let mut state = state();
    let (mut trader, mut engine) = (trader(), engine());
    // 100 000 of debt at 8 % a year, published a day before.
    trader.state_mut().cash = (i128::from(-100_000 * ATOM) << 48).to_le_bytes();
    let rate = rate_per_second(80_000_000).unwrap();
    engine.state_mut().borrow = BorrowIndex { index: 0, rate, published_at: NOW - 86_400 };
    engine.state_mut().guardian = key(77);
    state.accounts.insert(trader.address, stored_account(&*trader));
    state.accounts.insert(engine.address, stored_account(&*engine));
    let node = FakeNode::start(state);
    let shown = json_of(&margin(&node, &["--json", "account", "show", &trader.address.to_string()]));
    // 100 000 · 0.08 / 365, rounded up.
    assert_eq!((&shown["cash"], &shown["interestOwed"]), (&json!("-100000"), &json!("21.917809")));
    let shown = json_of(&margin(&node, &["--json", "market", "show"]));
    assert_eq!((&shown["borrowRate"], &shown["guardian"]), (&json!("0.08"), &json!(key(77).to_string())));
}

#[test]
fn liquidation_shows_in_the_state() {
    let mut state = state();
    let mut trader = trader();
    trader.state_mut().liquidation =
        LiquidationState { active: 1, started_at: NOW - 90, ..LiquidationState::default() };
    state.accounts.insert(trader.address, stored_account(&*trader));
    let node = FakeNode::start(state);
    let shown = text(&margin(&node, &["account", "show", &trader.address.to_string()]));
    assert!(shown.contains("  state     IN LIQUIDATION since 2026-01-05 21:20:00 UTC\n"), "{shown}");
}

#[test]
fn what_is_not_a_margin_account_is_told_apart() {
    let mut state = state();
    let (foreign, other_version) = (key(50), key(51));
    state.accounts.insert(foreign, Account { owner: key(60), ..stored_account(&*trader()) });
    let mut data = encode(&*trader());
    data[8] = 2;
    state.accounts.insert(other_version, Account { data, owner: PROGRAM_ID, ..Account::default() });
    let node = FakeNode::start(state);
    let show = |address: Pubkey| failure(&node, &["account", "show", &address.to_string()]);

    let (code, message) = show(key(99));
    assert_eq!(
        (code.as_str(), message),
        ("account-not-found", format!("account {} does not exist on this network", key(99)))
    );
    let (code, message) = show(foreign);
    assert_eq!(code, "wrong-program");
    assert!(message.contains(&format!("owned by {}, not by the margin engine {PROGRAM_ID}", key(60))), "{message}");
    let (code, message) = show(btc().address);
    assert_eq!(code, "wrong-account-kind");
    assert_eq!(message, format!("account {} is an underlying, not a margin account", btc().address));
    assert_eq!(show(other_version).0, "unknown-layout");
    let owner = key(9).to_string();
    let (code, message) = failure(&node, &["account", "show", "--owner", &owner]);
    assert_eq!(code, "account-not-found");
    assert!(message.starts_with(&format!("owner {owner} has no margin account 0 in engine")), "{message}");
}

#[test]
fn engines_are_found_or_asked_for() {
    let mut other = state();
    let mut second = engine();
    second.state_mut().creator = key(77);
    other.accounts.insert(addresses::engine(&key(77)), stored_account(&*second));
    let several = FakeNode::start(other);
    let (code, message) = failure(&several, &["market", "show"]);
    assert_eq!(code, "several-engines");
    assert!(
        message.contains(&engine().address.to_string()) && message.contains(&addresses::engine(&key(77)).to_string())
    );
    let shown = text(&margin(&several, &["market", "show", "--engine", &engine().address.to_string()]));
    assert!(shown.starts_with(&format!("Margin engine {}\n", engine().address)));

    let empty = FakeNode::start(State::default());
    assert_eq!(failure(&empty, &["market", "show"]).0, "engine-not-found");
    let named = ["market", "show", "--engine", &key(1).to_string()];
    assert_eq!(
        failure(&empty, &named),
        ("engine-not-found".to_owned(), format!("no margin engine exists at {} on this network", key(1)))
    );
}

#[test]
fn markets_are_shown_with_their_prices() {
    let node = FakeNode::start(state());
    let shown = text(&margin(&node, &["market", "show"]));
    for line in ["94 128.89", "3 240.67", "137.00", "5 s"] {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
    let btc_shown = text(&margin(&node, &["market", "show", "btc"]));
    for line in [
        "94 128.89 ± 94.13, 5 s old",
        "2026-01-30 08:00:00",
        "94 459.67",
        "42.82 %",
        "vol.min_vol_up                     0.45",
    ] {
        assert!(btc_shown.contains(line), "{line}:\n{btc_shown}");
    }
    let data = json_of(&margin(&node, &["market", "show", "BTC", "--json"]));
    assert_eq!(data["price"]["price"], "94128.89");
    assert_eq!(data["price"]["account"], key(100).to_string());
    assert_eq!(data["expiries"][0]["expiry"], EXPIRY);
    assert_eq!(data["scenarios"].as_array().unwrap().len(), 31);
    let (code, message) = failure(&node, &["market", "show", "DOGE"]);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("unknown-symbol", "the engine lists no underlying DOGE; it has BTC, ETH")
    );
}

#[test]
fn a_report_carries_the_programs_figures_and_their_parts() {
    let node = FakeNode::start(state());
    let trader = trader();
    let address = trader.address.to_string();
    let want = snapshot().report(&trader, PriceUse::Liquidation, NOW).unwrap();
    let apart = snapshot().position_by_position(&trader, PriceUse::Liquidation, NOW).unwrap();
    let data = json_of(&margin(&node, &["report", &address, "--json"]));
    let atoms = |value: &Value| (value.as_str().unwrap().parse::<f64>().unwrap() * 1e6).round() as i64;
    assert_eq!(atoms(&data["equity"]), want.equity);
    assert_eq!(atoms(&data["initialMargin"]), want.initial_margin);
    assert_eq!(atoms(&data["maintenanceMargin"]), want.maintenance_margin);
    assert_eq!(
        atoms(&data["underlyings"][1]["worstScenario"]["profit"]),
        want.underlyings[1].portfolio().unwrap().worst_profit
    );
    assert_eq!(atoms(&data["positionByPosition"]["initialMargin"]), apart.initial_margin);
    assert_eq!(data["positionByPosition"]["positions"].as_array().unwrap().len(), 4);
    assert_eq!(data["computeUnits"], 123_456);

    let shown = text(&margin(&node, &["report", &address]));
    for part in
        ["healthy", "margin_check on the node (123 456 compute units)", "BTC-30JAN26-105000-C", "vol up", "Net Greeks"]
    {
        assert!(shown.contains(part), "{part}:\n{shown}");
    }
    assert!(!shown.contains('\x1b'), "no colours where there is no terminal");
    // A quarter of the columns of tables are amounts: each of them must align.
    let table: Vec<&str> = shown.lines().skip_while(|line| !line.starts_with("Each position")).skip(1).collect();
    assert!(table.windows(2).all(|lines| lines[0].chars().count() == lines[1].chars().count()), "{table:#?}");
}

#[test]
fn refusals_of_the_program_are_explained() {
    let trader = trader().address.to_string();
    let failed = |error: Value| {
        let mut state = state();
        state.simulation = json!({ "err": error, "logs": ["Program log: why"], "unitsConsumed": 1 });
        failure(&FakeNode::start(state), &["report", &trader])
    };
    let code = u32::from(EngineError::SurfaceStale);
    let (kind, message) = failed(json!({ "InstructionError": [1, { "Custom": code }] }));
    assert_eq!(kind, "refused");
    assert!(message.ends_with("The vol surface is too old (SurfaceStale, error 6090)"), "{message}");
    let (kind, message) = failed(json!({ "InstructionError": [1, "ComputationalBudgetExceeded"] }));
    assert_eq!(kind, "simulation-failed");
    assert!(message.ends_with("\n  Program log: why"), "{message}");
    assert_eq!(
        failed(json!("AccountNotFound")),
        (
            "fee-payer".to_owned(),
            format!(
                "fee payer {} does not exist or holds no SOL, so the node cannot simulate; name another with --fee-payer",
                key(9)
            )
        )
    );
}

#[test]
fn the_freshest_fully_verified_price_is_taken() {
    let mut state = state();
    let at = |price: u64, time: i64| PriceUpdate::new(feeds::BTC_USD, Price(price * USD), Price(USD / 1_000), time);
    let partial = PriceUpdate { level: VerificationLevel::Partial { num_signatures: 12 }, ..at(3, NOW) };
    state.accounts.extend([
        (key(110), at(1, NOW - 50).account()),
        (key(111), at(2, NOW - 2).account()),
        (key(112), partial.account()),
        (key(113), Account { owner: key(1), ..at(4, NOW).account() }),
    ]);
    let node = FakeNode::start(state);
    let price = |arguments: &[&str]| {
        json_of(&margin(&node, &[&["market", "show", "BTC", "--json"], arguments].concat()))["price"].clone()
    };
    assert_eq!((&price(&[])["account"], &price(&[])["price"]), (&json!(key(111).to_string()), &json!("2")));
    let chosen = format!("BTC={}", key(110));
    assert_eq!(price(&["--price-account", &chosen])["price"], "1");
    // What the program would say to a partly verified or foreign one.
    let chosen = format!("{}={}", "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43", key(112));
    assert!(price(&["--price-account", &chosen])["error"].as_str().unwrap().contains("OracleVerification"));
    let chosen = format!("btc={}", key(113));
    assert!(price(&["--price-account", &chosen])["error"].as_str().unwrap().contains("OracleOwner"));
    let missing = format!("BTC={}", key(114));
    assert_eq!(failure(&node, &["market", "show", "--price-account", &missing]).0, "account-not-found");
}

#[test]
fn a_node_without_that_search_leads_to_the_sponsored_account() {
    let mut state = state();
    state.no_search_of = Some(margin_client::pyth::RECEIVER_PROGRAM);
    let sponsored = sponsored_address(&feeds::BTC_USD, 0);
    state.accounts.insert(sponsored, price_account(feeds::BTC_USD, BTC_SPOT));
    let node = FakeNode::start(state);
    let data = json_of(&margin(&node, &["market", "show", "--json"]));
    assert_eq!(data["underlyings"][0]["price"]["account"], sponsored.to_string());
    assert_eq!(data["underlyings"][1]["price"], Value::Null);
    let (code, message) = failure(&node, &["report", &trader().address.to_string()]);
    assert_eq!(code, "no-price-account");
    assert!(message.contains("--price-account ef0d8b6fda2ceba4"), "{message}");
}

#[test]
fn a_silent_node_and_a_wrong_command_line_end_differently() {
    let run = |url: &str, arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_margin")).env("MARGIN_RPC_URL", url).args(arguments).output().unwrap()
    };
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let silent = run(&url, &["market", "show"]);
    assert_eq!(silent.status.code(), Some(1));
    let message = String::from_utf8(silent.stderr).unwrap();
    assert!(message.starts_with(&format!("error: no Solana node answers at {url}: Connection refused")), "{message}");
    assert!(message.contains("MARGIN_RPC_URL"), "{message}");

    for (wrong, part) in [
        (&["report", "not-an-address"][..], "'not-an-address' is not an address"),
        (&["report"], "<ACCOUNT|--owner <ADDRESS>>"),
        (&["market", "show", "--price-account", "BTC"], "write FEED=ADDRESS"),
        (&["market", "show", "--url", "localhost:8899"], "begins with http://"),
    ] {
        let output = run(&url, wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(part), "{wrong:?}: {message}");
    }
}
