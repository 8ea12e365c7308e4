//! Bodies of the fuzz targets.
//!
//! `cargo fuzz run kernel` (cargo-fuzz, nightly). With a stable compiler, from this folder, the same flags by hand:
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing" \
//!     cargo run --release --target x86_64-unknown-linux-gnu --bin kernel -- -max_total_time=300
//! ```
//!
//! The test `fuzz_replay` of margin-core runs the same bodies on seeded random bytes.

pub mod kernel;
