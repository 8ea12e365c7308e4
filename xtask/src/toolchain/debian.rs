//! Debian packages, downloaded and unpacked beside the system; nothing is installed and no root is needed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::recipe::{ACCEPT_DEBIAN, DEBIAN_BYTES, Package, Recipe, hex};
use crate::process;
use crate::progress::Step;

/// apt's package lists: the system's, or our own copy when those lack a version.
struct Apt {
    /// Folder of the private lists.
    private: Option<PathBuf>,
}

/// Downloads the packages of `recipe` that `folder` lacks, verifies all of them and returns their files.
pub fn download(recipe: &Recipe, folder: &Path, step: &Step) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let (apt, versions) = resolve(recipe, folder, step)?;
    let missing: Vec<String> = recipe
        .packages
        .iter()
        .zip(&versions)
        .filter(|(package, version)| find_file(folder, package.name, version).is_none())
        .map(|(package, version)| format!("{}={version}", package.name))
        .collect();
    if !missing.is_empty() {
        let _watch = step.watch(folder, DEBIAN_BYTES);
        process::capture(apt.command("apt-get").arg("download").args(&missing).current_dir(folder))
            .context("download of the Debian packages (network, or a mirror out of date?)")?;
    }
    recipe
        .packages
        .iter()
        .zip(&versions)
        .map(|(package, version)| {
            let file = find_file(folder, package.name, version)
                .with_context(|| format!("apt-get download left no file of {} {version}", package.name))?;
            match package.sha256 {
                Some(sha256) if *version == package.version => verify(&file, sha256)?,
                // Not pinned: apt has checked the file against the archive's signed index.
                _ => {}
            }
            Ok(file)
        })
        .collect()
}

/// Unpacks a package below `into`.
pub fn unpack(file: &Path, into: &Path) -> Result<()> {
    process::capture(Command::new("dpkg").arg("-x").arg(file).arg(into)).map(drop)
}

/// Compares a file with its checksum, and removes a file that differs so that the next run fetches it anew.
pub fn verify(file: &Path, sha256: &str) -> Result<()> {
    let found = sha256_of(file)?;
    if found != sha256 {
        fs::remove_file(file)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        bail!("checksum of {name}: wanted sha256 {sha256}, found {found}; the file was removed");
    }
    Ok(())
}

/// SHA-256 of a file's bytes, in hexadecimal.
pub fn sha256_of(file: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut reader = File::open(file).with_context(|| format!("open {}", file.display()))?;
    io::copy(&mut reader, &mut hash).with_context(|| format!("read {}", file.display()))?;
    Ok(hex(&hash.finalize()))
}

/// The version to fetch of each package, in order, from the system's lists or else from fresh ones.
fn resolve(recipe: &Recipe, folder: &Path, step: &Step) -> Result<(Apt, Vec<String>)> {
    let system = Apt { private: None };
    if let Ok(versions) = choose(recipe, &system.versions(recipe)?, step) {
        return Ok((system, versions));
    }
    step.message("apt-get update (private lists)");
    let fresh = Apt { private: Some(folder.join("apt")) };
    // Some sources of the machine may be unreachable without harm: what counts is what the lists hold then.
    let update = fresh.update();
    match choose(recipe, &fresh.versions(recipe)?, step) {
        Ok(versions) => Ok((fresh, versions)),
        Err(drift) => match update {
            Ok(()) => Err(drift),
            Err(update) => Err(update.context("apt-get update (no network, or no Debian 12 sources?)")),
        },
    }
}

/// Picks the recipe's version of each package, or for a support library the newest that `available` has.
fn choose(recipe: &Recipe, available: &BTreeMap<String, Vec<String>>, step: &Step) -> Result<Vec<String>> {
    let mut drifted = Vec::new();
    let mut versions = Vec::new();
    for package in &recipe.packages {
        let offered = available.get(package.name).map(Vec::as_slice).unwrap_or_default();
        match offered.first() {
            _ if offered.contains(&package.version) => versions.push(package.version.clone()),
            Some(newest) if !package.exact => {
                step.note(&format!("{}: taking {newest} (recorded: {})", package.name, package.version));
                versions.push(newest.clone());
            }
            _ => drifted.push((package, offered)),
        }
    }
    if drifted.is_empty() { Ok(versions) } else { Err(drift_error(&drifted)) }
}

fn drift_error(drifted: &[(&Package, &[String])]) -> anyhow::Error {
    let mut text = String::from("Debian offers other versions than this toolchain was proven with");
    let mut accept = Vec::new();
    for (package, offered) in drifted {
        let found = if offered.is_empty() { "none".to_owned() } else { offered.join(", ") };
        text.push_str(&format!("\n    {}: wanted {}, found {found}", package.name, package.version));
        if let Some(newest) = offered.first() {
            accept.push(format!("{}={newest}", package.name));
        }
    }
    if accept.len() == drifted.len() {
        text.push_str(&format!(
            "\nto try what Debian offers, at your own risk: {ACCEPT_DEBIAN}='{}'",
            accept.join(",")
        ));
    } else {
        text.push_str("\nis this Debian 12 with the bookworm-security sources?");
    }
    anyhow::anyhow!(text)
}

impl Apt {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        // As root, apt would drop to a user that cannot write to the cache folder.
        command.args(["-o", "APT::Sandbox::User=root"]).env("LC_ALL", "C");
        if let Some(folder) = &self.private {
            command.arg("-o").arg(format!("Dir::State::Lists={}", folder.join("lists").display()));
            command.arg("-o").arg(format!("Dir::Cache={}", folder.join("cache").display()));
        }
        command
    }

    fn update(&self) -> Result<()> {
        if let Some(folder) = &self.private {
            fs::create_dir_all(folder.join("lists/partial"))?;
            fs::create_dir_all(folder.join("cache/archives/partial"))?;
        }
        process::capture(self.command("apt-get").arg("update")).map(drop)
    }

    /// What the lists offer of each package, newest first.
    fn versions(&self, recipe: &Recipe) -> Result<BTreeMap<String, Vec<String>>> {
        let names = recipe.packages.iter().map(|package| package.name);
        Ok(parse_madison(&process::capture(self.command("apt-cache").arg("madison").args(names))?))
    }
}

/// Reads `apt-cache madison`: lines of `package | version | source`, newest first; without source packages.
fn parse_madison(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let mut columns = line.split('|').map(str::trim);
        if let (Some(name), Some(version), Some(source)) = (columns.next(), columns.next(), columns.next())
            && !source.ends_with(" Sources")
        {
            versions.entry(name.to_owned()).or_default().push(version.to_owned());
        }
    }
    versions
}

/// The file that apt names `name_version_architecture.deb`, with the colon of an epoch escaped.
fn find_file(folder: &Path, name: &str, version: &str) -> Option<PathBuf> {
    let stem = format!("{name}_{}", version.replace(':', "%3a"));
    ["amd64", "all"].iter().map(|arch| folder.join(format!("{stem}_{arch}.deb"))).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;

    const MADISON: &str = " rustc-web | 1.97.0-1 | http://mirror bookworm-security/main amd64 Packages\n \
                           rustc-web | 1.85.0-3 | http://mirror bookworm/main amd64 Packages\n \
                           rustc-web | 1.85.0-3 | http://mirror bookworm/main Sources\n";

    fn offered(recipe: &Recipe) -> BTreeMap<String, Vec<String>> {
        recipe.packages.iter().map(|package| (package.name.to_owned(), vec![package.version.clone()])).collect()
    }

    fn choose_in(recipe: &Recipe, available: &BTreeMap<String, Vec<String>>) -> Result<Vec<String>> {
        Progress::new(1).step("Debian packages", |step| choose(recipe, available, step))
    }

    #[test]
    fn the_lists_are_read() {
        assert_eq!(parse_madison(MADISON)["rustc-web"], ["1.97.0-1", "1.85.0-3"]);
    }

    #[test]
    fn the_recorded_versions_are_taken() {
        let recipe = Recipe::new(None).unwrap();
        let versions = choose_in(&recipe, &offered(&recipe)).unwrap();
        assert!(versions.iter().eq(recipe.packages.iter().map(|package| &package.version)));
    }

    #[test]
    fn another_compiler_is_an_error_that_says_everything() {
        let recipe = Recipe::new(None).unwrap();
        let mut available = offered(&recipe);
        available.extend(parse_madison(MADISON));
        let error = format!("{:#}", choose_in(&recipe, &available).unwrap_err());
        for part in [
            "Debian packages",
            "wanted 1.96.0+dfsg1-1~deb12u2",
            "found 1.97.0-1, 1.85.0-3",
            "MARGIN_SBF_ACCEPT_DEBIAN='rustc-web=1.97.0-1'",
        ] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
        // The command that the error proposes works.
        let accepted = Recipe::new(Some("rustc-web=1.97.0-1")).unwrap();
        assert_eq!(choose_in(&accepted, &available).unwrap()[0], "1.97.0-1");
    }

    #[test]
    fn an_absent_compiler_points_at_the_sources() {
        let recipe = Recipe::new(None).unwrap();
        let error = format!("{:#}", choose_in(&recipe, &BTreeMap::new()).unwrap_err());
        assert!(error.contains("found none") && error.contains("bookworm-security"), "{error}");
    }

    #[test]
    fn a_newer_support_library_is_taken() {
        let recipe = Recipe::new(None).unwrap();
        let mut available = offered(&recipe);
        available.insert("libxml2".into(), vec!["2.9.15-1".into()]);
        let at = recipe.packages.iter().position(|package| package.name == "libxml2").unwrap();
        assert_eq!(choose_in(&recipe, &available).unwrap()[at], "2.9.15-1");
    }

    #[test]
    fn a_wrong_checksum_removes_the_file() {
        let folder = crate::scratch::folder("checksum");
        let file = folder.path().join("x.deb");
        fs::write(&file, "abc").unwrap();
        verify(&file, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").unwrap();
        fs::write(&file, "abd").unwrap();
        let error =
            verify(&file, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").unwrap_err().to_string();
        assert!(error.contains("x.deb") && error.contains("wanted sha256 ba78"), "{error}");
        assert!(!file.exists());
    }

    #[test]
    fn files_with_an_epoch_are_found() {
        let folder = crate::scratch::folder("epoch");
        fs::write(folder.path().join("libllvm22_1%3a22.1.8-1_amd64.deb"), "").unwrap();
        assert!(find_file(folder.path(), "libllvm22", "1:22.1.8-1").is_some());
        assert!(find_file(folder.path(), "libllvm22", "1:22.1.9-1").is_none());
    }
}
