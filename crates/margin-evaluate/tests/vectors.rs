//! `margin-vectors`: what it says about good, wrong and unknown files, and its exit status.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

fn run(arguments: &[&str], file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_margin-vectors")).args(arguments).arg(file).output().unwrap()
}

/// The one outcome, after a run with this exit status.
fn outcome(status: i32, file: &Path) -> Value {
    let output = run(&["--json"], file);
    assert_eq!(output.status.code(), Some(status), "{}", String::from_utf8_lossy(&output.stderr));
    let outcomes: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes.into_iter().next().unwrap()
}

/// A file that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("margin-vectors-{}-{name}.json", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// Two arrays of our own, in SPAN's form; the sum's worst case is the third scenario.
fn arrays() -> Value {
    json!({
        "provenance": "this test",
        "scenarios": ["a", "b", "c", "d"],
        "long": [10, -7, 400, -250],
        "short": [-30, 12, -900, 120],
        "third": [0, 0, 1, 1],
        "expected": { "portfolio": [-20, 5, -499, -129], "scan_risk": 499 }
    })
}

#[test]
fn arrays_that_add_up_pass_exactly() {
    let file = Scratch::new("good", &arrays().to_string());
    let result = outcome(0, &file.0);
    assert_eq!((&result["cases"], &result["passed"]), (&json!(1), &json!(1)));
    assert_eq!((&result["format"], &result["largest_error"]), (&json!("span"), &json!(0.0)));
    assert!(result["slowest_cu"].as_u64().unwrap() > 10_000);
    let text = String::from_utf8(run(&[], &file.0).stdout).unwrap();
    assert!(text.contains("exact"), "{text}");
}

#[test]
fn a_wrong_figure_fails_its_case() {
    let mut wrong = arrays();
    wrong["expected"]["portfolio"][3] = json!(-128);
    let file = Scratch::new("wrong", &wrong.to_string());
    let result = outcome(1, &file.0);
    assert_eq!((&result["cases"], &result["passed"]), (&json!(1), &json!(0)));
    assert_eq!(result["failures"], json!(["risk arrays portfolio 3: -129 against -128"]));
    let text = String::from_utf8(run(&[], &file.0).stdout).unwrap();
    assert!(text.contains("FAILED risk arrays portfolio 3"), "{text}");
}

#[test]
fn unknown_and_unreadable_files_say_so() {
    let unknown = Scratch::new("unknown", "{\"vectors\": []}");
    assert!(outcome(1, &unknown.0)["error"].as_str().unwrap().contains("an unknown format"));
    let broken = Scratch::new("broken", "{");
    assert!(outcome(1, &broken.0)["error"].as_str().unwrap().contains("JSON"));
    let mut incomplete = arrays();
    incomplete["expected"] = json!({ "scan_risk": 1 });
    let incomplete = Scratch::new("incomplete", &incomplete.to_string());
    assert!(outcome(1, &incomplete.0)["error"].as_str().unwrap().contains("missing field `portfolio`"));
    assert!(outcome(1, Path::new("no-such-file.json"))["error"].as_str().unwrap().contains("read the file"));
}

#[test]
fn a_file_of_auctions_is_told_apart_and_fails_nothing() {
    let file = Scratch::new("auction", "{\"auction_params\": {}}");
    assert!(outcome(0, &file.0)["note"].as_str().unwrap().contains("not a margin file"));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let file = Scratch::new("program", &arrays().to_string());
    let output = run(&["--program", "nowhere.so"], &file.0);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("nowhere.so") && text.contains("cargo xtask build-sbf"), "{text}");
}

/// Every published file, in place: `MARGIN_DATA` names the folder that holds `vectors`.
#[test]
fn every_published_figure_agrees() {
    let data = std::env::var_os("MARGIN_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = data.join("vectors");
    assert!(folder.is_dir(), "no published figures at {}; set MARGIN_DATA", folder.display());
    let output = run(&["--json"], &folder);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let outcomes: Vec<Value> = serde_json::from_str(&text).unwrap();
    let passed = |name: &str| {
        let found = outcomes.iter().find(|outcome| outcome["file"].as_str().unwrap().ends_with(name));
        found.unwrap_or_else(|| panic!("no {name}"))["passed"].as_u64().unwrap()
    };
    assert_eq!((passed("derive_pmrm2.json"), passed("derive_srm.json")), (93, 19));
    assert_eq!((passed("deribit_pme_simulate.json"), passed("paradex_docs.json")), (2, 2));
    assert_eq!((passed("span_covered_write.json"), passed("dederi_future_example.json")), (1, 1));
}
