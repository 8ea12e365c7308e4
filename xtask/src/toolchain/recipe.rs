//! What the toolchain is made of, to the exact version, and the name of its cache folder.

use anyhow::{Result, bail};
use sha2::{Digest, Sha256};

use super::std_port;

/// Environment variable that accepts other Debian versions: `PACKAGE=VERSION[,PACKAGE=VERSION…]`.
pub const ACCEPT_DEBIAN: &str = "MARGIN_SBF_ACCEPT_DEBIAN";

/// The wrapper that cargo calls as `rustc`.
pub const RUSTC_WRAPPER: &str = include_str!("files/rustc.sh");

/// The target description of the Solana VM.
pub const TARGET_JSON: &str = include_str!("files/sbf-solana.json");

/// One Debian package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: &'static str,
    pub version: String,
    /// Of the `.deb`. `None` after [`ACCEPT_DEBIAN`]: then apt's signed index alone vouches for the file.
    pub sha256: Option<&'static str>,
    /// A compiler's version shapes the program's bytes, so another one is refused. A support library's does
    /// not: Debian's security updates of it are taken as they come.
    pub exact: bool,
}

/// A Python wheel.
#[derive(Debug)]
pub struct Wheel {
    pub requirement: &'static str,
    pub sha256: &'static str,
}

#[derive(Debug)]
pub struct Recipe {
    pub packages: Vec<Package>,
}

/// Total size of the pinned `.deb` files, for the progress display.
pub const DEBIAN_BYTES: u64 = 155_962_000;
/// Total size of the pinned wheels, for the progress display.
pub const WHEEL_BYTES: u64 = 91_939_254;

/// LLVM 23 as static libraries; the second wheel holds the BPF backend.
pub const WHEELS: [Wheel; 2] = [
    Wheel {
        requirement: "mlc-llvm-static==23.1.1.post0",
        sha256: "dcfec888abfaa418be77d41af585805f31463584cf9c90582992c00f392c1ac5",
    },
    Wheel {
        requirement: "mlc-llvm-static-extra-targets==23.1.1.post0",
        sha256: "c36e834d9a4e9cf9759f27fece65711ece7a2fc2b5a96dbb15d66f5e9e787929",
    },
];

pub const LINKER: &str = "sbpf-linker";
pub const LINKER_VERSION: &str = "0.2.6";

/// Debian's newest rustc, packaged for browsers' needs: the only one in bookworm that knows the VM's BPF target
/// well enough. Its four packages share one version.
pub const RUSTC: &str = "rustc-web";
const RUSTC_VERSION: &str = "1.96.0+dfsg1-1~deb12u2";

/// Name, version (empty: rustc's), sha256.
const EXACT: [(&str, &str, &str); 5] = [
    (RUSTC, "", "8fefe1d6377fe4082f5a9d2a47e095e2d20319eaab9754bd2f0275155c9adf90"),
    ("rust-web-src", "", "9de8597c464d0a9283672973ed7e50092b49a92b95861429043fe8b57468a208"),
    ("libstd-rust-web-dev", "", "e38dbeaaad673fc63fb47c5140cf34da271ac71c3ecafc828b762c2fb01fe77a"),
    ("libstd-rust-web-1.96", "", "3755f30434ae29574c91b0beb86632bee401607b0ac35c3e52810f9a53fae0d1"),
    ("libllvm22", "1:22.1.8-1~deb12u1", "729ec3e943d320515c2bbdc96acfffd7ce34861e62bd5c42726bf586d644dfe2"),
];

/// Shared libraries that rustc's LLVM loads, and pip as Debian's own wheel (so that neither `python3-pip` nor
/// `python3-venv` has to be installed).
const SUPPORT: [(&str, &str, &str); 7] = [
    ("libz3-4", "4.8.12-3.1", "6221ca25ad5abcfbe1965801029d85a88b4775320384b4b716de8fab7a4d2f7a"),
    ("libedit2", "3.1-20221030-2", "1cf14abf2716d3279db12d0657a5737cf70074a1e71d3bdf73206625e3c89ce6"),
    ("libxml2", "2.9.14+dfsg-1.3~deb12u6", "4460e39dda10a815881374217cde08474747cfa018358cd8612c14b390eff53b"),
    ("libicu72", "72.1-3+deb12u1", "f7f6f99c6d7b025914df2447fc93e11d22c44c0c8bdd8b6f36691c9e7ddcef88"),
    ("libbsd0", "0.11.7-2", "bb31cc8b40f962a85b2cec970f7f79cc704a1ae4bad24257a822055404b2c60b"),
    ("libmd0", "1.0.4-2", "03539fd30c509e27101d13a56e52eda9062bdf1aefe337c07ab56def25a13eab"),
    (PIP_WHEEL, "23.0.1+dfsg-1", "cc373690a1cb469fb301b9fe0125048e3102f2e365d1b2d27cab091ec89fccdc"),
];

/// Debian's package of pip's wheel.
pub const PIP_WHEEL: &str = "python3-pip-whl";

impl Recipe {
    /// The pinned recipe, with the versions that `accept` ([`ACCEPT_DEBIAN`]) names instead.
    pub fn new(accept: Option<&str>) -> Result<Self> {
        let row = |exact| {
            move |(name, version, sha256): (&'static str, &str, &'static str)| {
                let version = if version.is_empty() { RUSTC_VERSION } else { version };
                Package { name, version: version.to_owned(), sha256: Some(sha256), exact }
            }
        };
        let mut packages: Vec<Package> = EXACT.map(row(true)).into_iter().chain(SUPPORT.map(row(false))).collect();
        for entry in accept.unwrap_or_default().split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let Some((name, version)) = entry.split_once('=') else {
                bail!("{ACCEPT_DEBIAN}: `{entry}` is not PACKAGE=VERSION");
            };
            let Some(package) = packages.iter_mut().find(|package| package.name == name) else {
                bail!("{ACCEPT_DEBIAN}: `{name}` is not a package of the toolchain");
            };
            version.clone_into(&mut package.version);
            package.sha256 = None;
        }
        Ok(Self { packages })
    }

    /// Names the cache folder: any change of a version, the std port, the wrapper or the target builds a new one.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        let parts = format!("{:?}\n{WHEELS:?}\n{LINKER} {LINKER_VERSION}\n", self.packages);
        for part in [&parts, RUSTC_WRAPPER, TARGET_JSON, &std_port::fingerprint()] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        hex(&hash.finalize())[..12].to_owned()
    }

    /// The upstream version inside Debian's, as in the folder name of the sources: `1.96.0`.
    pub fn rustc_version(&self) -> &str {
        let version = self.packages.iter().find(|package| package.name == RUSTC).map_or("", |package| &package.version);
        version.split(['+', '-', '~']).next().unwrap_or_default()
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_complete() {
        let recipe = Recipe::new(None).unwrap();
        let debian = recipe.packages.iter().map(|package| package.sha256.expect("pinned"));
        for sha256 in debian.chain(WHEELS.iter().map(|wheel| wheel.sha256)) {
            assert!(sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()), "{sha256}");
        }
    }

    #[test]
    fn the_upstream_version_is_read_from_debians() {
        assert_eq!(Recipe::new(None).unwrap().rustc_version(), "1.96.0");
        assert_eq!(Recipe::new(Some("rustc-web=1.97.2-3")).unwrap().rustc_version(), "1.97.2");
    }

    #[test]
    fn an_accepted_version_drops_the_checksum_and_moves_the_cache() {
        let pinned = Recipe::new(None).unwrap();
        let other = Recipe::new(Some("libllvm22=1:22.1.9-1, rust-web-src=1.96.0+dfsg1-2")).unwrap();
        assert_eq!(other.packages[4].version, "1:22.1.9-1");
        assert_eq!(other.packages[4].sha256, None);
        assert_ne!(pinned.hash(), other.hash());
        assert_eq!(pinned.hash(), Recipe::new(Some("")).unwrap().hash());
    }

    #[test]
    fn a_malformed_override_is_refused() {
        assert!(Recipe::new(Some("rustc-web")).unwrap_err().to_string().contains("PACKAGE=VERSION"));
        assert!(Recipe::new(Some("bash=5")).unwrap_err().to_string().contains("`bash`"));
    }
}
