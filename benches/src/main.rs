//! Measures the risk kernel inside the SVM: `cu` (compute units) and `reference` (accuracy, host against SVM); and `crash`, the
//! simulation of a market-wide crash.
//!
//! The first two run the probe program `target/deploy/svm_probe.so`; `cargo xtask cu` and `cargo xtask reference` build it
//! first.

mod chain;
mod chart;
mod crash;
mod cu;
mod decimal;
mod engine;
#[path = "../../crates/margin-client/examples/risk_grid/fit.rs"]
mod fit;
mod inputs;
mod limits;
mod reference;
mod scale;
mod svm;
mod trading;
mod whole;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Compute units and accuracy of the risk kernel, and a crash of the market")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compute units of kernel steps, compared with the limits and the committed table.
    Cu {
        /// Print `[{"name": …, "cu": …}]` and nothing else.
        #[arg(long)]
        json: bool,
        /// Rewrite benches/CU.md and the table of docs/scale.md with the measured figures.
        #[arg(long)]
        update: bool,
    },
    /// A market-wide crash: who is liquidated, who pays, who earns.
    Crash(crash::Arguments),
    /// Largest errors over a reference file, and whether host and SVM agree bit for bit.
    Reference {
        /// A file in the format of bs_reference.json.
        file: PathBuf,
        /// Print one JSON object and nothing else.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Cu { json, update } => cu::run(json, update),
        Command::Crash(arguments) => crash::run(&arguments),
        Command::Reference { file, json } => reference::run(&file, json),
    }
}
