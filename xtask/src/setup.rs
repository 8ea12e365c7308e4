//! What a machine needs before anything can be built, and its installation where that is possible.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// A tool outside Rust.
#[derive(Debug)]
struct Requirement {
    /// What a user would call it.
    name: &'static str,
    /// Debian's package.
    package: &'static str,
    present: fn() -> bool,
}

/// For the host: C and C++ code in dependencies, and OpenSSL, which its crate builds from source.
const HOST: [Requirement; 4] = [
    Requirement { name: "a C compiler (cc)", package: "build-essential", present: || process::find("cc").is_some() },
    Requirement {
        name: "a C++ compiler (c++)",
        package: "build-essential",
        present: || process::find("c++").is_some(),
    },
    Requirement { name: "make", package: "build-essential", present: || process::find("make").is_some() },
    Requirement {
        name: "Perl with its standard modules",
        package: "perl",
        present: || runs("perl", &["-MFindBin", "-MIPC::Cmd", "-MFile::Compare", "-MTime::Piece", "-e", "1"]),
    },
];

/// For the SBF toolchain.
const TOOLCHAIN: [Requirement; 2] = [
    Requirement {
        name: "Python 3.10 or newer with its standard library",
        package: "python3",
        present: || runs("python3", &["-c", "import ssl, sys, zipfile; assert sys.version_info >= (3, 10)"]),
    },
    Requirement {
        name: "the system's certificates",
        package: "ca-certificates",
        present: || std::path::Path::new("/etc/ssl/certs/ca-certificates.crt").exists(),
    },
];

/// Parts of Debian itself that the SBF toolchain uses.
const DEBIAN_TOOLS: [&str; 3] = ["apt-get", "apt-cache", "dpkg"];

/// Installs what building for the host needs and is missing, or says what to install.
pub fn host() -> Result<()> {
    provide(&HOST)
}

/// The same for the set-up of the SBF toolchain.
pub fn toolchain() -> Result<()> {
    let missing: Vec<&str> = DEBIAN_TOOLS.into_iter().filter(|tool| process::find(tool).is_none()).collect();
    if !missing.is_empty() {
        bail!("the self-made SBF toolchain needs Debian's {}; install Anza's tools instead", missing.join(", "));
    }
    provide(&HOST)?;
    provide(&TOOLCHAIN)
}

/// `rustfmt` and `clippy`, which minimal installations of Rust lack.
pub fn rust_components() -> Result<()> {
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let present =
            || crate::workspace::cargo().args([tool, "--version"]).output().is_ok_and(|output| output.status.success());
        if !present() {
            let added = process::capture(Command::new("rustup").args(["component", "add", component]));
            if added.is_err() || !present() {
                bail!("`cargo {tool}` is missing; run `rustup component add {component}`");
            }
        }
    }
    Ok(())
}

fn provide(requirements: &[Requirement]) -> Result<()> {
    let missing: Vec<&Requirement> = requirements.iter().filter(|requirement| !(requirement.present)()).collect();
    let Some(packages) = packages(&missing) else { return Ok(()) };
    if !is_root() || process::find("apt-get").is_none() {
        return Err(missing_error(&missing, &packages));
    }
    eprintln!("installing Debian packages: {}", packages.join(" "));
    // Unreachable third-party sources make `update` fail without harm; `install` decides.
    let update = process::capture(apt().arg("update"));
    let install = process::capture(apt().args(["install", "--yes", "--no-install-recommends"]).args(&packages));
    match (install, update) {
        (Ok(_), _) => Ok(()),
        (Err(error), Ok(_)) => Err(error.context("step \"installation of Debian packages\" failed")),
        (Err(_), Err(error)) => Err(error.context("step \"installation of Debian packages\" failed (no network?)")),
    }
}

/// The packages to install, each once; `None` if nothing is missing.
fn packages(missing: &[&Requirement]) -> Option<Vec<&'static str>> {
    let mut packages: Vec<&str> = missing.iter().map(|requirement| requirement.package).collect();
    packages.sort_unstable();
    packages.dedup();
    (!packages.is_empty()).then_some(packages)
}

fn missing_error(missing: &[&Requirement], packages: &[&str]) -> anyhow::Error {
    let names: Vec<&str> = missing.iter().map(|requirement| requirement.name).collect();
    anyhow::anyhow!("missing: {}; as root: apt-get install {}", names.join(", "), packages.join(" "))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    command
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Requirement =
        Requirement { name: "a tool", package: "tool-package", present: || runs("margin-engine-no-such-program", &[]) };

    #[test]
    fn nothing_missing_installs_nothing() {
        let present =
            Requirement { name: "a shell", package: "no-such-package", present: || runs("sh", &["-c", "exit 0"]) };
        provide(&[present]).unwrap();
    }

    #[test]
    fn the_message_names_tools_and_packages_once() {
        assert!(!(ABSENT.present)());
        let missing = [&ABSENT, &ABSENT];
        let packages = packages(&missing).unwrap();
        assert_eq!(packages, ["tool-package"]);
        let text = missing_error(&missing, &packages).to_string();
        assert_eq!(text, "missing: a tool, a tool; as root: apt-get install tool-package");
    }

    #[test]
    fn a_tool_that_runs_but_fails_is_missing() {
        assert!(!runs("sh", &["-c", "exit 1"]));
    }
}
