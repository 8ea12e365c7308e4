//! Where things are: the workspace, its one target directory and the programs in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process;

/// The workspace as cargo describes it.
#[derive(Debug)]
pub struct Workspace {
    pub root: PathBuf,
    /// Honours `CARGO_TARGET_DIR` and `build.target-dir`.
    pub target: PathBuf,
    pub programs: Vec<Program>,
}

/// An on-chain program: a member below `programs/` that builds a `cdylib`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Package name, as in `-p`.
    pub package: String,
    /// Library name, as in the file name of the `.so`.
    pub library: String,
    pub manifest: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

impl Workspace {
    /// Asks cargo about the workspace that holds this xtask (`cargo run` says where) or the current folder.
    pub fn load() -> Result<Self> {
        let folder = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
        let json =
            process::capture(cargo().current_dir(folder).args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: Metadata = serde_json::from_str(&json).context("read cargo's metadata")?;
        let folder = metadata.workspace_root.join("programs");
        let mut programs: Vec<Program> = metadata
            .packages
            .into_iter()
            .filter(|package| package.manifest_path.starts_with(&folder))
            .filter_map(|package| {
                let library =
                    package.targets.iter().find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))?;
                Some(Program {
                    library: library.name.replace('-', "_"),
                    package: package.name,
                    manifest: package.manifest_path,
                })
            })
            .collect();
        programs.sort_by(|a, b| a.package.cmp(&b.package));
        Ok(Self { root: metadata.workspace_root, target: metadata.target_directory, programs })
    }

    /// The programs with the given names, or all of them if none is given.
    pub fn select(&self, names: &[String]) -> Result<Vec<Program>> {
        if names.is_empty() {
            return Ok(self.programs.clone());
        }
        names.iter().map(|name| self.program(name).cloned()).collect()
    }

    /// One program, by package or library name.
    pub fn program(&self, name: &str) -> Result<&Program> {
        match self.programs.iter().find(|program| program.package == name || program.library == name) {
            Some(program) => Ok(program),
            None => {
                let known: Vec<&str> = self.programs.iter().map(|program| program.package.as_str()).collect();
                bail!("there is no program `{name}`; the workspace has: {}", known.join(", "))
            }
        }
    }

    /// The folder of the finished `.so` files, where Anchor's and Anza's tools look for them too.
    pub fn deploy(&self) -> PathBuf {
        self.target.join("deploy")
    }

    /// The same workspace copied to another folder, with a target directory of its own.
    pub fn moved_to(&self, root: &Path) -> Self {
        let programs = self.programs.iter().cloned().map(|program| {
            let manifest = root.join(program.manifest.strip_prefix(&self.root).unwrap_or(&program.manifest));
            Program { manifest, ..program }
        });
        Self { root: root.to_path_buf(), target: root.join("target"), programs: programs.collect() }
    }

    /// A cargo command that runs in the workspace root.
    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        command
    }
}

/// The cargo that runs this xtask, so that `cargo +toolchain xtask` stays with that toolchain.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Set by the outer `cargo run` for this package alone; build scripts of children must not see them.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Where cargo keeps the registry's sources.
pub fn cargo_home() -> PathBuf {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
        .unwrap_or_else(|| PathBuf::from("/nonexistent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_of_this_workspace_are_found() {
        let workspace = Workspace::load().unwrap();
        let engine = workspace.program("margin-engine").unwrap();
        assert_eq!(engine.library, "margin_engine");
        assert_eq!(workspace.select(&["margin_engine".into()]).unwrap(), std::slice::from_ref(engine));
        assert!(workspace.programs.iter().all(|program| program.manifest.starts_with(workspace.root.join("programs"))));
    }

    #[test]
    fn an_unknown_program_lists_the_known_ones() {
        let error = Workspace::load().unwrap().select(&["no-such".into()]).unwrap_err().to_string();
        assert!(error.contains("`no-such`") && error.contains("margin-engine"), "{error}");
    }
}
