//! `margin evaluate` on the committed example: figures, forms of output, errors.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/portfolio.json")
}

fn margin(arguments: &[&str], file: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_margin"));
    command.env_remove("MARGIN_RPC_URL").env_remove("MARGIN_ENGINE").env("NO_COLOR", "1");
    command.arg("evaluate").args(arguments).arg(file).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&text(&margin(&[arguments, &["--json"]].concat(), &example()))).unwrap()
}

/// Code and message of a failure under `--json`.
fn failure(arguments: &[&str], file: &Path) -> (String, String) {
    let output = margin(&[arguments, &["--json"]].concat(), file);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty());
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    let part = |name: &str| error["error"][name].as_str().unwrap().to_owned();
    (part("code"), part("message"))
}

/// A decimal string of up to twelve places as an integer.
fn pico(value: &Value) -> i128 {
    let text = value.as_str().unwrap();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<12}").parse().unwrap()
}

#[test]
fn the_report_has_every_section() {
    let shown = text(&margin(&[], &example()));
    for words in [
        "standing     healthy",
        "the program's code on this machine",
        "Equity",
        "The same book in each mode",
        "this account",
        "Scan risk across underlyings",
        "Net Greeks",
        "BTC: requirement",
        "charge on naked short options",
        "BTC: by scenario",
        "BTC: by leg",
        "BTC-8JAN26-95000-C",
        "tokens that offset",
        "ETH: by leg",
        "ETH-PERP",
    ] {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
    let worst = shown.lines().filter(|line| line.ends_with("worst")).count();
    assert_eq!(worst, 2, "{shown}");
}

#[test]
fn legs_add_up_to_the_book_in_every_scenario() {
    let report = json(&[]);
    let underlyings = report["underlyings"].as_array().unwrap();
    assert_eq!(underlyings.len(), 2);
    for underlying in underlyings {
        let breakdown = &underlying["breakdown"];
        let legs = breakdown["legs"].as_array().unwrap();
        let parts = || legs.iter().map(|leg| &leg["figures"]).chain([&breakdown["collateral"]]);
        let marks: i128 = parts().map(|part| pico(&part["markToMarket"])).sum();
        assert_eq!(marks, pico(&breakdown["book"]["markToMarket"]));
        for (number, scenario) in underlying["scenarios"].as_array().unwrap().iter().enumerate() {
            let sum: i128 = parts().map(|part| pico(&part["profits"][number])).sum();
            assert_eq!(sum, pico(&breakdown["book"]["profits"][number]));
            assert_eq!(scenario["profit"], breakdown["book"]["profits"][number]);
        }
    }
}

#[test]
fn netting_costs_less_the_more_of_it_there_is() {
    let report = json(&[]);
    let initial = |number: usize| pico(&report["modes"][number]["initialMargin"]);
    assert_eq!(report["initialMargin"], report["modes"][0]["initialMargin"]);
    assert!(initial(0) < initial(1) && initial(1) < initial(2), "{:#}", report["modes"]);
    assert_eq!(pico(&report["modes"][2]["savedByPortfolio"]), initial(2) - initial(0));
}

#[test]
fn the_program_on_a_virtual_machine_says_the_same() {
    let (mut host, mut chain) = (json(&[]), json(&["--on-chain"]));
    assert_eq!((&host["onChain"], &chain["onChain"]), (&Value::Bool(false), &Value::Bool(true)));
    assert!(host["computeUnits"].is_null() && chain["computeUnits"].as_u64().unwrap() > 10_000);
    for report in [&mut host, &mut chain] {
        let report = report.as_object_mut().unwrap();
        report.remove("onChain").unwrap();
        report.remove("computeUnits").unwrap();
    }
    assert_eq!(host, chain);
    assert!(text(&margin(&["--on-chain"], &example())).contains("the program on a virtual machine (up to "));
}

#[test]
fn another_model_takes_the_place_of_every_underlyings_own() {
    let own = json(&[]);
    let preset = json(&["--model", "high-beta"]);
    assert_eq!(preset["underlyings"][0]["model"], "high-beta");
    assert!(pico(&preset["initialMargin"]) > pico(&own["initialMargin"]));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../presets/high-beta.json");
    let mut from_file = json(&["--model", file.to_str().unwrap()]);
    from_file["file"] = preset["file"].clone();
    assert_eq!(from_file, preset);
    // A model without standard parameters offers no standard margin.
    let pmrm2 = json(&["--model", "derive-pmrm2"]);
    assert_eq!(pmrm2["modes"][2]["offered"], false);
    assert!(text(&margin(&["--model", "derive-pmrm2"], &example())).contains("not offered"));
}

#[test]
fn each_failure_has_its_code_and_says_what_to_do() {
    let folder = std::env::temp_dir().join(format!("margin-evaluate-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let bad = folder.join("bad.json");
    let source = fs::read_to_string(example()).unwrap();
    let missing = folder.join("missing.json");
    let check = |(code, message): (String, String), want: &str, words: &str| {
        assert!(code == want && message.contains(words), "{code}: {message}");
    };
    check(failure(&[], &missing), "no-file", "missing.json");
    check(failure(&["--model", "no-such"], &example()), "no-model", "major, high-beta");
    check(
        failure(&["--on-chain", "--program", missing.to_str().unwrap()], &example()),
        "no-program",
        "cargo xtask build-sbf",
    );
    check(
        failure(&["--on-chain", "--program", example().to_str().unwrap()], &example()),
        "evaluation",
        "does not take",
    );

    fs::write(&bad, source.replace("\"quantity\": -1.5", "\"quantity\": -1.505")).unwrap();
    check(
        failure(&[], &bad),
        "portfolio",
        "account.positions[0].quantity: -1.505 is not a whole number of lots of 0.01",
    );
    fs::write(&bad, source.replace("\"spot\": 3127.4", "\"spots\": 3127.4")).unwrap();
    check(failure(&[], &bad), "portfolio", "unknown field `spots`");
    fs::write(&bad, source.replace("\"strike\": 95000", "\"strike\": 0.00000001")).unwrap();
    check(failure(&[], &bad), "refused", "KernelStrike");
    fs::remove_dir_all(&folder).unwrap();

    let output = margin(&["--program", "x"], &example());
    assert_eq!(output.status.code(), Some(2), "a program without --on-chain is a mistake");
}
