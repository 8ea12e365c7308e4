//! `cargo xtask build-sbf`: the on-chain programs, to `target/deploy/*.so`.

use std::collections::BTreeSet;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::elf;
use crate::process;
use crate::toolchain::{Toolchain, sha256_of};
use crate::workspace::{self, Program, Workspace};

/// Anza's build tool.
const ANZA: &str = "cargo-build-sbf";

/// Flags of every program build. The VM loads and stores at any address (without the feature LLVM goes byte by byte, a
/// third more code); the stack limit is the VM's frame size: LLVM refuses a function that needs more; of LLVM's
/// schedulers `list-burr` spills least here, 1 % of the kernel's compute units; inlining this freely takes another 1 % off a
/// margin check (`benches/CU.md`) and makes the program half as large again; memory operations of more words than the last
/// three say are system calls, which cost ten units and no stores.
const RUSTFLAGS: &str = "-Cpasses=lower-atomic -Ctarget-cpu=v2 -Clink-arg=--arch=v3 -Clink-arg=--deploy=false \
                         -Clink-arg=--fatal-errors=true -Clink-arg=--cpu-features=+allows-misaligned-mem-access \
                         -Clink-arg=--llvm-args=-bpf-stack-size=4096 -Clink-arg=--llvm-args=-pre-RA-sched=list-burr \
                         -Clink-arg=--llvm-args=-inline-threshold=1100 -Clink-arg=--llvm-args=-max-store-memset=20 \
                         -Clink-arg=--llvm-args=-max-store-memcpy=12 -Clink-arg=--llvm-args=-max-store-memmove=12";

/// Settings of the caller's shell that would change the program's bytes.
const FOREIGN_SETTINGS: [&str; 8] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_INCREMENTAL",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
];

/// Which tools build the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tools {
    /// Anza's if they are on PATH, the self-made toolchain otherwise.
    Auto,
    /// Anza's `cargo-build-sbf`.
    Anza,
    /// The toolchain that xtask sets up from Debian, PyPI and the crates registry.
    Own,
}

/// A finished program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    pub package: String,
    pub path: PathBuf,
    pub sha256: String,
    pub size: u64,
}

/// What [`Tools`] comes to on this machine.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Anza(PathBuf),
    Own,
}

/// Builds the programs one by one, checks the files and prints their hashes.
pub fn build(workspace: &Workspace, programs: &[Program], tools: Tools) -> Result<Vec<Artifact>> {
    let choice = choose(tools, process::find(ANZA))?;
    let artifacts = match &choice {
        Choice::Anza(tool) => build_with_anza(workspace, programs, tool)?,
        Choice::Own => build_with_own(workspace, programs, &Toolchain::ensure()?)?,
    };
    for artifact in &artifacts {
        let shown = artifact.path.strip_prefix(&workspace.root).unwrap_or(&artifact.path);
        eprintln!("{}  {:>7} bytes  {}", artifact.sha256, artifact.size, shown.display());
    }
    Ok(artifacts)
}

/// Whether [`Tools::Auto`] means Anza's.
pub fn anza_is_installed() -> bool {
    process::find(ANZA).is_some()
}

/// Builds a copy of the workspace in another folder as well and compares the bytes.
pub fn verify_reproducible(workspace: &Workspace, programs: &[Program], artifacts: &[Artifact]) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("margin-engine-reproduce-{}", std::process::id()));
    let outcome = (|| {
        copy_sources(&workspace.root, &folder)?;
        let copy = workspace.moved_to(&folder);
        eprintln!("building again in {}", folder.display());
        let again = build(
            &copy,
            &copy.select(&programs.iter().map(|program| program.package.clone()).collect::<Vec<_>>())?,
            Tools::Own,
        )?;
        compare(artifacts, &again)
    })();
    fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    outcome
}

fn choose(tools: Tools, anza: Option<PathBuf>) -> Result<Choice> {
    match (tools, anza) {
        (Tools::Own, _) | (Tools::Auto, None) => Ok(Choice::Own),
        (Tools::Anza | Tools::Auto, Some(tool)) => Ok(Choice::Anza(tool)),
        (Tools::Anza, None) => bail!("`{ANZA}` is not on PATH; `--tools own` needs no installed tools"),
    }
}

fn build_with_anza(workspace: &Workspace, programs: &[Program], tool: &Path) -> Result<Vec<Artifact>> {
    eprintln!("using {}", tool.display());
    let deploy = workspace.deploy();
    programs
        .iter()
        .map(|program| {
            process::run(
                Command::new(tool)
                    .current_dir(&workspace.root)
                    .args(["--arch", "v3", "--manifest-path"])
                    .arg(&program.manifest)
                    .arg("--sbf-out-dir")
                    .arg(&deploy)
                    // The workspace's rust-version is the host members'; Anza's Rust is an older one.
                    .args(["--", "--locked", "--ignore-rust-version"]),
            )
            .context("Anza's tools failed; `cargo xtask build-sbf --tools own` builds without them")?;
            inspect(program, deploy.join(format!("{}.so", program.library)))
        })
        .collect()
}

fn build_with_own(workspace: &Workspace, programs: &[Program], toolchain: &Toolchain) -> Result<Vec<Artifact>> {
    let target = workspace.target.join("sbf");
    fs::create_dir_all(workspace.deploy())?;
    programs
        .iter()
        .map(|program| {
            // One program at a time: together, cargo would unify the features of what they share.
            let mut command = cargo_build(workspace, toolchain, &target);
            let mut overflows = StackOverflows::default();
            let built =
                process::run_filtered(command.args(["--package", &program.package]), |line| !overflows.read(line));
            built.with_context(|| overflows.describe(&program.package))?;
            let linked = target.join(format!("sbf-solana/release/lib{}.so", program.library));
            let deployed = workspace.deploy().join(format!("{}.so", program.library));
            copy_if_changed(&linked, &deployed)?;
            inspect(program, deployed)
        })
        .collect()
}

/// Functions whose frame is larger than the VM's, as the linker's LLVM reports them: a line for each offending
/// instruction, with a mangled name.
#[derive(Debug, Default)]
struct StackOverflows {
    functions: BTreeSet<String>,
}

impl StackOverflows {
    /// Whether `line` is such a report, which is taken in.
    fn read(&mut self, line: &str) -> bool {
        let report = line.contains("BPF stack limit is exceeded");
        if let Some((_, rest)) = line.split_once("in function ").filter(|_| report) {
            let mangled = rest.split(' ').next().unwrap_or(rest);
            self.functions.insert(format!("{:#}", rustc_demangle::demangle(mangled)));
        }
        report
    }

    fn describe(&self, package: &str) -> String {
        let mut text = format!("{package} could not be built");
        if !self.functions.is_empty() {
            text.push_str("; the stack frames of these functions exceed the VM's 4096 bytes:");
            self.functions.iter().for_each(|function| text.push_str(&format!("\n    {function}")));
            text.push_str("\nthe build");
        }
        text
    }
}

fn cargo_build(workspace: &Workspace, toolchain: &Toolchain, target: &Path) -> Command {
    let mut command = workspace.cargo();
    command
        .args(["build", "--locked", "--release", "--lib", "-Zjson-target-spec", "-Zbuild-std=std,panic_abort"])
        .args(["-Zbuild-std-features=compiler-builtins-mem", "--target"])
        .arg(toolchain.target())
        // Debian's compiler is a stable one; the target and std need unstable features of it and of cargo.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", toolchain.rustc())
        // The only way to tell cargo where std's sources are; its name says that cargo's authors would rather not.
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", toolchain.library())
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_TARGET_SBF_SOLANA_LINKER", toolchain.linker())
        .env("CARGO_TARGET_SBF_SOLANA_RUSTFLAGS", RUSTFLAGS)
        // Without it the linker would keep LLVM's errors to itself.
        .env("RUST_LOG", "error")
        .env("RUST_BACKTRACE", "0")
        .env("CARGO_TERM_COLOR", if std::io::stderr().is_terminal() { "always" } else { "never" })
        .env("MARGIN_SBF_WORKSPACE", &workspace.root)
        .env("MARGIN_SBF_TARGET", target)
        .env("MARGIN_SBF_CARGO_HOME", workspace::cargo_home());
    for name in FOREIGN_SETTINGS {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PROFILE_") {
            command.env_remove(name);
        }
    }
    command
}

/// Checks a program's file and measures it.
fn inspect(program: &Program, path: PathBuf) -> Result<Artifact> {
    let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    elf::check(&bytes).with_context(|| format!("{} is not a program that the VM loads", path.display()))?;
    Ok(Artifact { package: program.package.clone(), sha256: sha256_of(&path)?, size: bytes.len() as u64, path })
}

/// Leaves an identical file and its time stamp alone, so that nothing that depends on it is rebuilt.
fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let new = fs::read(from).with_context(|| format!("read {}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    // Readers of the old file must never see half of the new one.
    let partial = to.with_extension("so.partial");
    fs::write(&partial, new)?;
    fs::rename(&partial, to).with_context(|| format!("write {}", to.display()))
}

/// Copies what git would commit: tracked and new files, without the ignored.
fn copy_sources(root: &Path, to: &Path) -> Result<()> {
    let list = process::capture(Command::new("git").current_dir(root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    for name in list.split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (root.join(name), to.join(name));
        if from.is_file() {
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            fs::copy(&from, &to).with_context(|| format!("copy {}", from.display()))?;
        }
    }
    Ok(())
}

fn compare(first: &[Artifact], second: &[Artifact]) -> Result<()> {
    let differing: Vec<&str> = first
        .iter()
        .zip(second)
        .filter(|(a, b)| a.package != b.package || a.sha256 != b.sha256)
        .map(|(a, _)| a.package.as_str())
        .collect();
    if first.len() != second.len() || !differing.is_empty() {
        bail!("not reproducible, two folders gave different bytes: {}", differing.join(", "));
    }
    eprintln!("reproducible: two folders gave the same bytes");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anzas_tools_are_preferred_when_present() {
        let folder = crate::scratch::folder("anza");
        crate::scratch::script(&folder.path().join(ANZA), "exit 0");
        let found = process::find_on_path(ANZA, Some(folder.path().as_os_str()));
        let tool = folder.path().join(ANZA);
        assert_eq!(choose(Tools::Auto, found.clone()).unwrap(), Choice::Anza(tool.clone()));
        assert_eq!(choose(Tools::Anza, found.clone()).unwrap(), Choice::Anza(tool));
        assert_eq!(choose(Tools::Own, found).unwrap(), Choice::Own);
        assert_eq!(choose(Tools::Auto, None).unwrap(), Choice::Own);
        assert!(choose(Tools::Anza, None).unwrap_err().to_string().contains("not on PATH"));
    }

    fn scratch_workspace(folder: &Path) -> (Workspace, Program) {
        let program =
            Program { package: "a-program".into(), library: "a_program".into(), manifest: folder.join("Cargo.toml") };
        let workspace =
            Workspace { root: folder.to_path_buf(), target: folder.join("target"), programs: vec![program.clone()] };
        (workspace, program)
    }

    #[test]
    fn anzas_tool_is_called_with_our_folders_and_its_output_is_checked() {
        let folder = crate::scratch::folder("anza-call");
        let tool = folder.path().join(ANZA);
        crate::scratch::script(
            &tool,
            "printf '%s\\n' \"$@\" > arguments; mkdir -p target/deploy; echo no program > target/deploy/a_program.so",
        );
        let (workspace, program) = scratch_workspace(folder.path());
        let error = build_with_anza(&workspace, &[program], &tool).unwrap_err();
        assert!(format!("{error:#}").contains("not an ELF file"), "{error:#}");
        let arguments = fs::read_to_string(folder.path().join("arguments")).unwrap();
        let expected = format!(
            "--arch\nv3\n--manifest-path\n{0}/Cargo.toml\n--sbf-out-dir\n{0}/target/deploy\n--\n--locked\n--ignore-rust-version\n",
            folder.path().display()
        );
        assert_eq!(arguments, expected);
    }

    #[test]
    fn functions_with_too_large_a_frame_are_named_once() {
        let report = "   ERROR llvm: <unknown>:0:0: in function _ZN4core3fmt5write17h0123456789abcdefE i64 (ptr): \
                      Looks like the BPF stack limit is exceeded. Please move";
        let mut overflows = StackOverflows::default();
        assert!(!overflows.read("   Compiling a-program v0.1.0"));
        assert!(overflows.read(report) && overflows.read(report));
        let text = overflows.describe("a-program");
        assert_eq!(text.matches("\n    core::fmt::write\n").count(), 1, "{text}");
        assert_eq!(StackOverflows::default().describe("a-program"), "a-program could not be built");
    }

    #[test]
    fn an_unchanged_file_keeps_its_time_stamp() {
        let folder = crate::scratch::folder("copy");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "1").unwrap();
        copy_if_changed(&from, &to).unwrap();
        let before = to.metadata().unwrap().modified().unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(to.metadata().unwrap().modified().unwrap(), before);
        fs::write(&from, "2").unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "2");
    }

    #[test]
    fn a_difference_is_named() {
        let artifact =
            |sha256: &str| Artifact { package: "p".into(), path: "p.so".into(), sha256: sha256.into(), size: 1 };
        compare(&[artifact("a")], &[artifact("a")]).unwrap();
        assert!(compare(&[artifact("a")], &[artifact("b")]).unwrap_err().to_string().contains(": p"));
        assert!(compare(&[artifact("a")], &[]).is_err());
    }
}
