//! LLVM as static libraries: two wheels, fetched with pip and unpacked; no Python environment is made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::debian;
use super::recipe::{WHEEL_BYTES, WHEELS};
use crate::process;
use crate::progress::Step;

/// Where the wheels keep what `llvm-sys` calls the prefix.
pub fn prefix(llvm: &Path) -> PathBuf {
    llvm.join("mlc_llvm_static/static")
}

/// Downloads the wheels with the pip below `pip_wheels` and unpacks them to `into`.
pub fn install(pip_wheels: &Path, into: &Path, step: &Step) -> Result<()> {
    let pip = find(pip_wheels, |name| name.starts_with("pip-") && name.ends_with(".whl"))
        .context("Debian's python3-pip-whl holds no pip wheel")?;
    fs::create_dir_all(into)?;
    let folder = into.join("wheels");
    let requirements = into.join("requirements.txt");
    fs::write(&requirements, requirements_text())?;
    {
        let _watch = step.watch(&folder, WHEEL_BYTES);
        process::capture(
            Command::new("python3")
                // A wheel is a zip file and Python runs a package inside one.
                .arg(pip.join("pip"))
                .args(["download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"])
                .args(["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement"])
                .arg(&requirements)
                .arg("--dest")
                .arg(&folder),
        )
        .context("download of LLVM from PyPI (network?)")?;
    }
    for wheel in &WHEELS {
        let stem = wheel.requirement.replace('-', "_").replace("==", "-");
        let file = find(&folder, |name| name.starts_with(&stem))
            .with_context(|| format!("pip left no file of {}", wheel.requirement))?;
        debian::verify(&file, wheel.sha256)?;
        step.message(&format!("unpacking {}", wheel.requirement));
        process::capture(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&file).arg(into))?;
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}

/// pip verifies these hashes as it downloads.
fn requirements_text() -> String {
    WHEELS.iter().map(|wheel| format!("{} --hash=sha256:{}\n", wheel.requirement, wheel.sha256)).collect()
}

fn find(folder: &Path, matches: impl Fn(&str) -> bool) -> Option<PathBuf> {
    let names = fs::read_dir(folder).ok()?.flatten();
    names.map(|entry| entry.path()).find(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(&matches))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_is_pinned_by_hash() {
        let text = requirements_text();
        assert_eq!(text.lines().count(), WHEELS.len());
        assert!(text.lines().all(|line| line.contains("==23.1.1.post0 --hash=sha256:")), "{text}");
    }
}
