//! `cargo xtask test`: every check of the workspace, cheap ones first, with one summary at the end.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build_sbf::{self, Tools};
use crate::process::{self, ChildFailed};
use crate::workspace::Workspace;
use crate::{idl, run, setup};

/// The end of a stage.
struct Finished {
    name: &'static str,
    took: Duration,
    ok: bool,
}

/// Results of all test executables.
#[derive(Debug, Default, PartialEq, Eq)]
struct Results {
    /// The runner's own lines.
    lines: Vec<String>,
    passed: u64,
    failed: u64,
}

/// Formats the workspace.
pub fn format(workspace: &Workspace) -> Result<()> {
    setup::rust_components()?;
    process::run(workspace.cargo().args(["fmt", "--all"]))
}

/// The stages that look at sources only.
pub fn lint(workspace: &Workspace) -> Result<()> {
    setup::rust_components()?;
    setup::host()?;
    check_format(workspace)?;
    clippy(workspace)
}

/// Runs all stages up to the first that fails.
pub fn all(workspace: &Workspace) -> Result<()> {
    let mut finished = Vec::new();
    let mut results = Results::default();
    let outcome = stages(workspace, &mut finished, &mut results);
    print_summary(&finished, &results);
    outcome
}

fn stages(workspace: &Workspace, finished: &mut Vec<Finished>, results: &mut Results) -> Result<()> {
    stage(finished, "set-up", || {
        setup::rust_components()?;
        setup::host()
    })?;
    stage(finished, "format", || check_format(workspace))?;
    stage(finished, "programs", || build_sbf::build(workspace, &workspace.programs, Tools::Auto).map(drop))?;
    stage(finished, "clippy", || clippy(workspace))?;
    stage(finished, "idl", || idl::check(workspace))?;
    stage(finished, "tests", || tests(workspace, results))?;
    let data = std::env::var_os("MARGIN_DATA").map_or_else(|| workspace.root.join("../shared"), PathBuf::from);
    stage(finished, "accuracy", || {
        let file = data.join("reference/bs_reference.json");
        run::check(workspace, run::BENCH, &["reference".into(), file.into()])
    })?;
    stage(finished, "vectors", || {
        let folder = data.join("vectors");
        if !folder.is_dir() {
            bail!("no published figures at {}; MARGIN_DATA names the folder that holds `vectors`", folder.display());
        }
        run::check(workspace, run::VECTORS, &[folder.into()])
    })?;
    stage(finished, "picture", || run::risk_grid(workspace, true))?;
    stage(finished, "compute", || {
        if build_sbf::anza_is_installed() {
            eprintln!("skipped: the figures of benches/CU.md hold for the project's own toolchain");
            return Ok(());
        }
        run::check(workspace, run::CU, &["cu".into()])
    })
}

fn stage(finished: &mut Vec<Finished>, name: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("\n== {name}");
    let since = Instant::now();
    let result = work();
    finished.push(Finished { name, took: since.elapsed(), ok: result.is_ok() });
    result.with_context(|| format!("stage \"{name}\" failed"))
}

fn check_format(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Runs the tests of all members, and all of them even after a failure.
fn tests(workspace: &Workspace, results: &mut Results) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["test", "--locked", "--workspace", "--no-fail-fast"]).stdout(Stdio::piped());
    let mut child = command.spawn().context("start cargo")?;
    let output = child.stdout.take().context("the child's output")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        results.read_line(&line);
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(ChildFailed { command: process::display(&command), status }.into());
    }
    if results.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

impl Results {
    /// Takes in a line such as `test result: ok. 3 passed; 0 failed; …`.
    fn read_line(&mut self, line: &str) {
        if !line.starts_with("test result: ") {
            return;
        }
        let count = |word: &str| {
            let words: Vec<&str> = line.split([' ', ';']).filter(|word| !word.is_empty()).collect();
            words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse::<u64>().ok()).unwrap_or(0)
        };
        self.passed += count("passed");
        self.failed += count("failed");
        self.lines.push(line.to_owned());
    }
}

fn print_summary(finished: &[Finished], results: &Results) {
    println!();
    for Finished { name, took, ok } in finished {
        println!("{name:<10} {:<6} {:>6.1} s", if *ok { "ok" } else { "FAILED" }, took.as_secs_f64());
    }
    if !results.lines.is_empty() {
        println!();
        for line in &results.lines {
            println!("{line}");
        }
        println!("{} passed, {} failed", results.passed, results.failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_executables_are_summed() {
        let mut results = Results::default();
        for line in [
            "running 3 tests",
            "test a ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.06s",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            results.read_line(line);
        }
        assert_eq!((results.passed, results.failed, results.lines.len()), (13, 2, 2));
    }

    #[test]
    fn a_failed_stage_is_recorded_and_named() {
        let mut finished = Vec::new();
        stage(&mut finished, "good", || Ok(())).unwrap();
        let error = stage(&mut finished, "bad", || bail!("reason")).unwrap_err();
        assert_eq!(format!("{error:#}"), "stage \"bad\" failed: reason");
        assert_eq!(
            finished.iter().map(|stage| (stage.name, stage.ok)).collect::<Vec<_>>(),
            [("good", true), ("bad", false)]
        );
    }
}
