//! Measures the risk kernel inside the SVM: `cu` (compute units) and `reference` (accuracy, host against SVM).
//!
//! Both run the probe program `target/deploy/svm_probe.so`; `cargo xtask cu` and `cargo xtask reference` build it
//! first.

mod chart;
mod cu;
mod decimal;
mod engine;
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
#[command(about = "Compute units and accuracy of the risk kernel")]
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
        Command::Reference { file, json } => reference::run(&file, json),
    }
}
