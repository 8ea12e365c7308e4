//! The `demo` command as a user runs it. Needs the program: `cargo xtask build-sbf`.

use std::net::TcpListener;
use std::process::{Command, Output};

use margin_localnet::NetworkConfig;

fn demo(config: &NetworkConfig, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["--exit", "--rpc-port", &config.rpc_port.to_string(), "--ws-port", &config.ws_port.to_string()])
        .args(arguments)
        .output()
        .expect("the command runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_taken_port_ends_it_with_the_option_that_helps() {
    let config = NetworkConfig::on_free_ports().expect("two free ports");
    let _squatter = TcpListener::bind(("127.0.0.1", config.rpc_port)).expect("the port is free");
    let output = demo(&config, &[]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains(&format!("port {}", config.rpc_port)) && message.contains("--rpc-port"), "{message}");
}

#[test]
fn a_missing_program_ends_it_with_the_command_that_builds_it() {
    let config = NetworkConfig::on_free_ports().expect("two free ports");
    let output = demo(&config, &["--program", "no/such/program.so"]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains("no/such/program.so") && message.contains("build-sbf"), "{message}");
}

#[test]
fn a_run_succeeds_and_its_json_says_why() {
    let config = NetworkConfig::on_free_ports().expect("two free ports");
    let chart = std::env::temp_dir().join(format!("margin-demo-{}.svg", std::process::id()));
    let output = demo(&config, &["--fast", "--json", "--chart", chart.to_str().expect("a path in UTF-8")]);
    assert!(output.status.success(), "{}", stderr(&output));
    let drawn = std::fs::read_to_string(&chart).expect("the chart was written");
    std::fs::remove_file(&chart).expect("a temporary file");
    assert!(drawn.contains("class=\"series equity\"") && drawn.contains("<circle class=\"bid\""), "{drawn}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON alone on standard output");
    let expectations = result["expectations"].as_array().expect("a list");
    assert!(expectations.len() >= 10, "{result:#}");
    assert!(expectations.iter().all(|e| e["met"] == true), "{result:#}");
    for key in ["rpc", "websocket", "program", "engine", "quote_mint", "accounts"] {
        assert!(!result[key].is_null(), "{key} is missing in {result:#}");
    }
    assert!(!stderr(&output).contains('\x1b'), "colour without a terminal");
}
