use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The program under test.
///
/// # Panics
/// When it has not been built.
pub fn program_bytes() -> &'static [u8] {
    static PROGRAM: LazyLock<Vec<u8>> = LazyLock::new(|| built_program("margin-engine"));
    &PROGRAM
}

/// A program's binary: in `target/deploy` of the workspace, or below `CARGO_TARGET_DIR`.
///
/// # Panics
/// When it has not been built. Tests of another program, or of none, would prove nothing.
#[must_use]
pub fn built_program(package: &str) -> Vec<u8> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    let path = target.join(format!("deploy/{}.so", package.replace('-', "_")));
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("cannot read {}: {error}.\nBuild the program first: cargo xtask build-sbf {package}", path.display())
    })
}

/// A file of the market data directory: `MARGIN_DATA`, by default `../shared` beside the workspace.
///
/// # Panics
/// When the directory is missing: tests on real data do not pass without it.
pub fn market_data(relative: &str) -> PathBuf {
    let root = std::env::var_os("MARGIN_DATA").map_or_else(|| workspace().join("../shared"), PathBuf::from);
    let path = root.join(relative);
    assert!(
        path.exists(),
        "{} does not exist. Set MARGIN_DATA to the directory that holds data/pyth (default: ../shared)",
        path.display()
    );
    path
}
