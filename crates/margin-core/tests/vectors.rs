//! Third-party figures: published margin models must come out of the core as their venues compute them.
//!
//! The files lie in `vectors/` under `MARGIN_DATA` (default: `../shared` beside the workspace) and are read in place.

#[path = "vectors/agreement.rs"]
mod agreement;
#[path = "vectors/pmrm2.rs"]
mod pmrm2;
#[path = "vectors/srm.rs"]
mod srm;
#[path = "vectors/units.rs"]
mod units;
#[path = "vectors/venues.rs"]
mod venues;

use std::path::PathBuf;

use serde::de::DeserializeOwned;

/// A file of vectors; without it there is nothing to test against, so its absence is a failure.
fn load<T: DeserializeOwned>(name: &str) -> T {
    let root = std::env::var_os("MARGIN_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = root.join("vectors").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; set MARGIN_DATA to the directory of the vectors", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
