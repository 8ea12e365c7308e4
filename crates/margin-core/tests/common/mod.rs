//! The mpmath reference set and decimal helpers.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::PathBuf;

use serde::Deserialize;

#[derive(Deserialize)]
pub struct ReferenceFile {
    pub cases: Vec<Case>,
}

/// One case; numbers are exact decimal strings.
#[derive(Deserialize)]
pub struct Case {
    pub tag: String,
    #[serde(rename = "S")]
    pub spot: String,
    #[serde(rename = "K")]
    pub strike: String,
    #[serde(rename = "T")]
    pub seconds: u64,
    pub vol: String,
    pub r: String,
    pub call: String,
    pub put: String,
    pub delta_call: String,
    pub delta_put: String,
    pub gamma: String,
    pub vega: String,
    pub theta_call: String,
    pub theta_put: String,
    pub rho_call: String,
    pub rho_put: String,
    pub vanna: String,
    pub volga: String,
}

/// `MARGIN_DATA`, or `../shared` beside the workspace.
pub fn data_dir() -> PathBuf {
    std::env::var_os("MARGIN_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from)
}

pub fn reference() -> Vec<Case> {
    let path = data_dir().join("reference/bs_reference.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("reference data missing at {} (set MARGIN_DATA): {e}", path.display()));
    let file: ReferenceFile = serde_json::from_str(&text).expect("reference format");
    assert!(file.cases.len() > 2_000, "reference set is incomplete");
    file.cases
}
