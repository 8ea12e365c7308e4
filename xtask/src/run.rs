//! Tasks that build and run an executable of a member: `demo`, `cu`, `crash`, `reference`, `vectors` and `risk-grid`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::build_sbf::{self, Tools};
use crate::workspace::Workspace;
use crate::{process, setup};

/// An executable of the workspace.
#[derive(Debug, Clone, Copy)]
pub struct Executable {
    pub name: &'static str,
    /// The programs it loads; all if empty.
    pub programs: &'static [&'static str],
}

/// The local network with a seeded market.
pub const DEMO: Executable = Executable { name: "demo", programs: &[] };

/// Compute-unit measurements on the VM.
pub const CU: Executable = Executable { name: "margin-bench", programs: &["svm-probe", "margin-engine"] };

/// Comparisons of the kernel on the VM.
pub const BENCH: Executable = Executable { name: "margin-bench", programs: &["svm-probe"] };

/// A crash of the market on the VM.
pub const CRASH: Executable = Executable { name: "margin-bench", programs: &["margin-engine"] };

/// Published margin figures through the program on the VM.
pub const VECTORS: Executable = Executable { name: "margin-vectors", programs: &["margin-engine"] };

/// Builds what is missing and runs `executable` with `arguments` in place of this process: it receives the
/// terminal's signals itself and its exit status is ours. Returns only on failure.
pub fn run(workspace: &Workspace, executable: Executable, arguments: &[OsString]) -> Result<()> {
    setup::host()?;
    let programs: Vec<String> = executable.programs.iter().map(ToString::to_string).collect();
    build_sbf::build(workspace, &workspace.select(&programs)?, Tools::Auto)?;
    Err(process::replace(Command::new(build(workspace, executable)?).args(arguments)))
}

/// The same as a child, for a stage of `cargo xtask test`, after the programs were built.
pub fn check(workspace: &Workspace, executable: Executable, arguments: &[OsString]) -> Result<()> {
    process::run(Command::new(build(workspace, executable)?).args(arguments))
}

/// Draws the picture of the risk model's document, or compares it with the committed one.
pub fn risk_grid(workspace: &Workspace, check: bool) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["run", "--locked", "--package", "margin-client", "--example", "risk_grid"]);
    if check {
        command.args(["--", "--check"]);
    }
    process::run(&mut command)
}

fn build(workspace: &Workspace, executable: Executable) -> Result<PathBuf> {
    // With the features of the whole workspace, as in `cargo xtask test`: neither compiles the validator anew
    // after the other.
    process::run(workspace.cargo().args(["build", "--locked", "--workspace", "--bin", executable.name]))?;
    let file = workspace.target.join("debug").join(executable.name);
    ensure!(file.is_file(), "cargo left no executable at {}", file.display());
    Ok(file)
}
