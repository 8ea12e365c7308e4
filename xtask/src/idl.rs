//! `cargo xtask idl`: the program's interface, as JSON, as TypeScript and as JSON for other programs.

mod declare;
mod typescript;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anchor_lang_idl::build::IdlBuilder;
use anyhow::{Context, Result, bail};

use crate::workspace::{Program, Workspace};

/// The program whose interface is published.
const PROGRAM: &str = "margin-engine";

/// Folder of the committed copies, so that integrators need no build.
const COMMITTED: &str = "idl";

/// Folder of the copy for programs, where `declare_program!` looks for it.
const DECLARED: &str = "idls";

/// A generated file and the places where it belongs.
struct Output {
    text: String,
    generated: PathBuf,
    committed: PathBuf,
}

/// Writes the interface to the target directory, to `idl/` and to `idls/`.
pub fn write(workspace: &Workspace) -> Result<()> {
    for output in outputs(workspace)? {
        for path in [&output.generated, &output.committed] {
            write_file(path, &output.text)?;
        }
        eprintln!("wrote {}", relative(&output.committed, &workspace.root));
    }
    Ok(())
}

/// Fails when the committed copies are not what the program says now.
pub fn check(workspace: &Workspace) -> Result<()> {
    let outputs = outputs(workspace)?;
    for output in &outputs {
        write_file(&output.generated, &output.text)?;
    }
    let stale = stale(&outputs, &workspace.root);
    if !stale.is_empty() {
        bail!("the committed IDL is stale: {}; run `cargo xtask idl` and commit the result", stale.join(", "));
    }
    eprintln!("the committed IDL is current");
    Ok(())
}

/// Prints the JSON: the part of the work that needs an environment of its own, see [`build`].
pub fn print(manifest: &Path) -> Result<()> {
    let folder = manifest.parent().context("a manifest has a folder")?;
    let idl = IdlBuilder::new()
        .program_path(folder.to_path_buf())
        .cargo_args(vec!["--locked".into(), "--lib".into()])
        .build()?;
    println!("{}", serde_json::to_string_pretty(&idl)?);
    Ok(())
}

fn outputs(workspace: &Workspace) -> Result<[Output; 3]> {
    let program = workspace.program(PROGRAM)?;
    let json = build(program)?;
    let idl: serde_json::Value = serde_json::from_str(&json).context("read the IDL")?;
    check_address(&idl, program, &fs::read_to_string(workspace.root.join("Anchor.toml")).context("read Anchor.toml")?)?;
    let file = |kind: &str, folder: &str, extension: &str, text| {
        let name = format!("{}.{extension}", program.library);
        let generated = workspace.target.join(kind).join(&name);
        Output { text, generated, committed: workspace.root.join(folder).join(name) }
    };
    let types = typescript::render(&program.library, &idl)?;
    let declared = format!("{}\n", serde_json::to_string_pretty(&declare::for_programs(&idl)?)?);
    Ok([
        file("idl", COMMITTED, "json", json),
        file("types", COMMITTED, "ts", types),
        file("idls", DECLARED, "json", declared),
    ])
}

/// Runs [`print`] in a process of its own, whose environment makes Anchor's library call the right cargo:
/// the library sets `RUSTFLAGS` (which would rebuild every dependency) and misreads `RUSTUP_TOOLCHAIN`.
fn build(program: &Program) -> Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["print-idl", "--manifest"])
        .arg(&program.manifest)
        .stderr(std::process::Stdio::inherit())
        .stdin(std::process::Stdio::null())
        // Set, even to nothing, it takes precedence over RUSTFLAGS.
        .env("CARGO_ENCODED_RUSTFLAGS", "")
        .env_remove("RUSTUP_TOOLCHAIN");
    if let Some(path) = path_with_own_cargo() {
        command.env("PATH", path);
    }
    let output = command.output()?;
    if !output.status.success() {
        bail!("the IDL of {} could not be built", program.package);
    }
    String::from_utf8(output.stdout).context("the IDL is not UTF-8")
}

/// `PATH` with the running toolchain first.
fn path_with_own_cargo() -> Option<std::ffi::OsString> {
    let cargo = PathBuf::from(std::env::var_os("CARGO")?);
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(cargo.parent()?.to_path_buf()).chain(std::env::split_paths(&path))).ok()
}

/// Anchor's tools deploy to the address in Anchor.toml; the program refuses to run at any other than its own.
fn check_address(idl: &serde_json::Value, program: &Program, anchor_toml: &str) -> Result<()> {
    let address = idl["address"].as_str().context("the IDL has no address")?;
    let line = format!("{} = \"{address}\"", program.library);
    if !anchor_toml.lines().any(|found| found.trim() == line) {
        bail!("Anchor.toml must name the program's own address: {line}");
    }
    Ok(())
}

fn stale(outputs: &[Output], root: &Path) -> Vec<String> {
    outputs
        .iter()
        .filter(|output| fs::read_to_string(&output.committed).ok().as_ref() != Some(&output.text))
        .map(|output| relative(&output.committed, root))
        .collect()
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("a file has a folder")?)?;
    fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_absent_file_is_stale() {
        let folder = crate::scratch::folder("idl-stale");
        let output = |name: &str, text: &str| Output {
            text: text.into(),
            generated: folder.path().join("unused"),
            committed: folder.path().join(name),
        };
        fs::write(folder.path().join("same"), "1").unwrap();
        fs::write(folder.path().join("changed"), "1").unwrap();
        let outputs = [output("same", "1"), output("changed", "2"), output("absent", "3")];
        assert_eq!(stale(&outputs, folder.path()), ["changed", "absent"]);
    }

    #[test]
    fn the_address_of_anchor_toml_must_be_the_programs() {
        let program = Program { package: "a-b".into(), library: "a_b".into(), manifest: "Cargo.toml".into() };
        let idl = serde_json::json!({ "address": "Addr1" });
        check_address(&idl, &program, "[programs.localnet]\na_b = \"Addr1\"\n").unwrap();
        let error = check_address(&idl, &program, "a_b = \"Addr2\"\n").unwrap_err().to_string();
        assert!(error.contains("a_b = \"Addr1\""), "{error}");
    }
}
