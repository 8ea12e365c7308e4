//! `margin keeper run` as a user starts it wrongly: what is wrong is said, by name, before anything is connected to.

use std::process::{Command, Output};

fn keeper(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_margin"))
        .args(["keeper", "run"])
        .args(arguments)
        .env_remove("MARGIN_RPC_URL")
        .env_remove("MARGIN_ENGINE")
        .output()
        .expect("the command runs")
}

#[track_caller]
fn refused(arguments: &[&str], words: &str) {
    let output = keeper(arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(words), "{words:?} is missing in {message:?}");
}

#[test]
fn a_wrong_configuration_is_refused_by_name() {
    let file = std::env::temp_dir().join(format!("margin-keeper-{}.toml", std::process::id()));
    let path = file.to_str().expect("a path in UTF-8");
    refused(&["--config", path], "cannot read");
    for (text, words) in [
        ("[keeper]\nkeypiar = \"id.json\"\n", "unknown field `keypiar`"),
        ("[profit]\nminimum = -1.0\n", "profit.minimum: -1 is not within"),
        ("[monitoring]\nlisten = \"nowhere\"\n", "monitoring.listen"),
        ("[node]\nrpc = \"http://127.0.0.1:9\"\n", "keeper.keypair is missing"),
        ("[keeper]\nkeypair = \"no/such/key.json\"\n", "no/such/key.json"),
    ] {
        std::fs::write(&file, text).expect("a temporary file");
        refused(&["--config", path], words);
    }
    std::fs::remove_file(&file).expect("the temporary file");
}

#[test]
fn a_key_is_needed_also_for_a_dry_run() {
    refused(&["--dry-run"], "keeper.keypair is missing");
}
