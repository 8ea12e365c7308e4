//! The toolchain that builds Solana programs without Anza's: a rustc that knows the VM's BPF target (Debian), a
//! standard library ported to it, LLVM 23 (PyPI) and a linker over it (crates registry).
//!
//! It lives in one cache folder per recipe, shared by all clones. Each step produces its result beside its place
//! and moves it there when complete, so an interrupted set-up continues with the first missing step.

mod debian;
mod llvm;
mod recipe;
mod std_port;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::process;
use crate::progress::{Progress, Step};
use recipe::{ACCEPT_DEBIAN, LINKER, LINKER_VERSION, Recipe};

pub use debian::sha256_of;

/// Environment variable that names the cache folder in place of `~/.cache/margin-engine`.
const CACHE: &str = "MARGIN_SBF_CACHE";

/// Number of steps of a set-up.
const STEPS: usize = 5;

/// A toolchain that is ready to use.
#[derive(Debug)]
pub struct Toolchain {
    root: PathBuf,
}

impl Toolchain {
    /// The wrapper to use as `RUSTC`.
    pub fn rustc(&self) -> PathBuf {
        self.root.join("bin/rustc")
    }

    pub fn linker(&self) -> PathBuf {
        self.root.join("bin").join(LINKER)
    }

    /// The target description, whose file name is the target's name.
    pub fn target(&self) -> PathBuf {
        self.root.join("sbf-solana.json")
    }

    /// The ported `library/` folder.
    pub fn library(&self) -> PathBuf {
        self.root.join("library")
    }

    /// Finds the toolchain in the cache or sets it up.
    pub fn ensure() -> Result<Self> {
        let recipe = Recipe::new(std::env::var(ACCEPT_DEBIAN).ok().as_deref())?;
        let toolchain = Self { root: cache_folder()?.join(format!("sbf-{}", recipe.hash())) };
        if !toolchain.is_ready() {
            toolchain
                .set_up(&recipe)
                .with_context(|| format!("set-up of the SBF toolchain in {}", toolchain.root.display()))?;
        }
        Ok(toolchain)
    }

    fn ready_marker(&self) -> PathBuf {
        self.root.join("ready")
    }

    fn is_ready(&self) -> bool {
        self.ready_marker().exists()
    }

    fn set_up(&self, recipe: &Recipe) -> Result<()> {
        supported_platform()?;
        crate::setup::toolchain()?;
        fs::create_dir_all(&self.root)?;
        let _lock = lock(&self.root.join("lock"))?;
        if self.is_ready() {
            return Ok(());
        }
        eprintln!("Setting up the SBF toolchain (once; about 3 minutes) in {}", self.root.display());
        let mut progress = Progress::new(STEPS);
        self.once(&mut progress, "Debian packages: rustc", &self.root.join("rust"), |step, partial| {
            self.unpack(recipe, step, partial)
        })?;
        self.once(&mut progress, "standard library for the VM", &self.library(), |_, partial| {
            self.port_std(recipe, partial)
        })?;
        if self.linker().exists() {
            progress.reuse("LLVM libraries from PyPI");
        } else {
            self.once(&mut progress, "LLVM libraries from PyPI", &self.llvm(), |step, partial| {
                llvm::install(&self.pip_wheels(), partial, step)
            })?;
        }
        self.once(&mut progress, "sbpf-linker from the crates registry", &self.linker(), |step, partial| {
            self.build_linker(step, partial)
        })?;
        progress.step("check", |_| self.finish(recipe))
    }

    /// Runs a step whose result is the path `result`, unless that is there.
    fn once(
        &self,
        progress: &mut Progress,
        name: &str,
        result: &Path,
        work: impl FnOnce(&Step, &Path) -> Result<()>,
    ) -> Result<()> {
        if result.exists() {
            progress.reuse(name);
            return Ok(());
        }
        progress.step(name, |step| {
            let partial = self.root.join("partial");
            remove(&partial)?;
            fs::create_dir_all(&partial)?;
            let made = partial.join(result.file_name().context("a step's result has a name")?);
            work(step, &made)?;
            if let Some(parent) = result.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::rename(&made, result).with_context(|| format!("move the result to {}", result.display()))?;
            remove(&partial)
        })
    }

    fn debs(&self) -> PathBuf {
        self.root.join("debs")
    }

    fn llvm(&self) -> PathBuf {
        self.root.join("llvm")
    }

    /// Where Debian's pip package keeps its wheel.
    fn pip_wheels(&self) -> PathBuf {
        self.root.join("rust/usr/share/python-wheels")
    }

    fn unpack(&self, recipe: &Recipe, step: &Step, into: &Path) -> Result<()> {
        let files = debian::download(recipe, &self.debs(), step)?;
        for file in &files {
            step.message(&format!("unpacking {}", file.file_name().unwrap_or_default().to_string_lossy()));
            debian::unpack(file, into)?;
        }
        // Of the compiler's sources only the standard library is used; the rest is two thirds of the size.
        let sources = into.join("usr/src").join(format!("rustc-{}", recipe.rustc_version()));
        fs::rename(sources.join("library"), into.join("library")).context("rust-web-src holds no `library` folder")?;
        fs::remove_dir_all(into.join("usr/src"))?;
        Ok(())
    }

    fn port_std(&self, _recipe: &Recipe, into: &Path) -> Result<()> {
        process::capture(Command::new("cp").arg("-r").arg(self.root.join("rust/library")).arg(into))?;
        std_port::apply(into)
    }

    fn build_linker(&self, step: &Step, into: &Path) -> Result<()> {
        let partial = into.parent().context("the partial folder")?;
        let prefix = llvm::prefix(&self.llvm());
        let mut command = crate::workspace::cargo();
        command
            .args([
                "install",
                "--locked",
                "--no-default-features",
                "--features",
                "bpf-linker/llvm-23,bpf-linker/llvm-link-static",
            ])
            .arg("--root")
            .arg(partial)
            .arg(format!("{LINKER}@{LINKER_VERSION}"))
            // Outside the workspace, whose configuration is none of the linker's business.
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", partial.join("target"))
            .env("LLVM_PREFIX", &prefix)
            .env("LLVM_SYS_231_PREFIX", &prefix)
            .env("LIBZSTD_PATH", prefix.join("lib"))
            .env("ZLIB_PATH", prefix.join("lib"));
        for name in
            ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"]
        {
            command.env_remove(name);
        }
        process::run_logged(&mut command, &self.root.join("sbpf-linker.log"), |line| step.message(line))
            .context("build of sbpf-linker (network, or a C++ compiler?)")?;
        fs::rename(partial.join("bin").join(LINKER), into).context("cargo install left no executable")
    }

    /// Writes the small files, tries both executables and marks the toolchain as ready.
    fn finish(&self, recipe: &Recipe) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        fs::write(self.target(), recipe::TARGET_JSON)?;
        fs::write(self.rustc(), recipe::RUSTC_WRAPPER)?;
        fs::set_permissions(self.rustc(), fs::Permissions::from_mode(0o755))?;
        let version = process::capture(Command::new(self.rustc()).arg("--version"))?;
        ensure!(version.starts_with(&format!("rustc {}", recipe.rustc_version())), "unexpected compiler: {version}");
        let version = process::capture(Command::new(self.linker()).arg("--version"))?;
        ensure!(version.contains(LINKER_VERSION) && version.contains("LLVM 23."), "unexpected linker: {version}");
        for leftover in [self.debs(), self.llvm(), self.root.join("rust/library")] {
            remove(&leftover)?;
        }
        File::create(self.ready_marker())?;
        Ok(())
    }
}

fn cache_folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set(CACHE)
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("margin-engine")))
        .or_else(|| Some(set("HOME")?.join(".cache/margin-engine")))
        .with_context(|| format!("no cache folder: set HOME or {CACHE}"))?;
    std::path::absolute(folder).context("path of the cache folder")
}

/// The recipe's binaries are Debian 12's for x86-64.
fn supported_platform() -> Result<()> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    check_platform(std::env::consts::ARCH, &release)
}

fn check_platform(arch: &str, os_release: &str) -> Result<()> {
    let field = |name: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or("unknown")
            .trim_matches('"')
    };
    if arch != "x86_64" || field("ID") != "debian" || field("VERSION_ID") != "12" {
        bail!(
            "the self-made SBF toolchain needs Debian 12 on x86_64, this is {} on {arch}; \
             install Anza's tools (`cargo-build-sbf` on PATH) instead",
            field("PRETTY_NAME")
        );
    }
    Ok(())
}

/// Locks a file until the returned handle is dropped; waits for another set-up.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("another process is setting up the toolchain; waiting for it");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(file)
}

/// Removes a file or folder if there is one.
fn remove(path: &Path) -> Result<()> {
    let result = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN_12: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";

    #[test]
    fn other_platforms_are_told_what_to_do() {
        check_platform("x86_64", DEBIAN_12).unwrap();
        let error = check_platform("aarch64", DEBIAN_12).unwrap_err().to_string();
        assert!(error.contains("aarch64") && error.contains("cargo-build-sbf"), "{error}");
        let error = check_platform("x86_64", "PRETTY_NAME=\"Other 1\"\nID=other\n").unwrap_err().to_string();
        assert!(error.contains("Other 1"), "{error}");
    }

    #[test]
    fn an_interrupted_step_is_repeated_and_a_finished_one_is_not() {
        let folder = crate::scratch::folder("steps");
        let toolchain = Toolchain { root: folder.path().to_path_buf() };
        let result = folder.path().join("result");
        let mut progress = Progress::new(3);
        let broken = toolchain.once(&mut progress, "a", &result, |_, partial| {
            fs::write(partial, "half")?;
            bail!("interrupted")
        });
        assert!(broken.is_err() && !result.exists());
        toolchain.once(&mut progress, "a", &result, |_, partial| Ok(fs::write(partial, "whole")?)).unwrap();
        toolchain.once(&mut progress, "a", &result, |_, _| bail!("must not run")).unwrap();
        assert_eq!(fs::read_to_string(&result).unwrap(), "whole");
    }

    #[test]
    fn one_set_up_at_a_time() {
        let folder = crate::scratch::folder("lock");
        let path = folder.path().join("lock");
        let held = lock(&path).unwrap();
        assert!(matches!(File::open(&path).unwrap().try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
        File::open(&path).unwrap().try_lock().unwrap();
    }
}
