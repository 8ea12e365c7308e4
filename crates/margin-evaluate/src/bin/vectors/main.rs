//! Runs published figures of margin models through the program on a virtual machine of Solana.
//!
//! `cargo xtask vectors PATH…`. Each file is recognised by its members; the runner builds accounts from it, calls
//! `margin_check`, `margin_breakdown` or `margin_quote`, and compares. Nothing in the program knows a vector.
//!
//! Exit status: 0 every case passed, 1 a case failed or a file could not be read.

mod dederi;
mod deribit;
mod numbers;
mod paradex;
mod pmrm2;
mod score;
mod span;
mod srm;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use margin_evaluate::{Svm, default_program};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use score::Score;

/// When portfolios are judged; any moment would do.
const NOW: i64 = 1_767_225_600;

/// Published margin figures, through the SBF program.
#[derive(Parser)]
#[command(name = "cargo xtask vectors")]
struct Arguments {
    /// Files in the formats of the published vectors, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print one JSON array and nothing else
    #[arg(long)]
    json: bool,
    /// The program [default: where `cargo xtask build-sbf` leaves it]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// Where the figures come from.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    DerivePmrm2,
    DeriveSrm,
    DeribitPm,
    ParadexPm,
    Span,
    Dederi,
    /// Liquidations: no margin figures.
    Auction,
}

/// What became of a file.
#[derive(Serialize)]
struct Outcome {
    file: String,
    #[serde(flatten)]
    result: Verdict,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Verdict {
    Run {
        format: Format,
        #[serde(flatten)]
        score: Score,
    },
    NotMargin {
        format: Format,
        note: &'static str,
    },
    Unreadable {
        error: String,
    },
}

impl Verdict {
    fn failed(&self) -> bool {
        match self {
            Self::Run { score, .. } => score.passed != score.cases || score.cases == 0,
            Self::NotMargin { .. } => false,
            Self::Unreadable { .. } => true,
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every case passed.
fn run(arguments: &Arguments) -> Result<bool> {
    let path = arguments.program.clone().unwrap_or_else(default_program);
    let program = fs::read(&path)
        .with_context(|| format!("read {}; `cargo xtask build-sbf margin-engine` makes it", path.display()))?;
    let mut machine = Svm::new(&program)?;
    let files = files(&arguments.paths)?;
    let outcomes: Vec<Outcome> = files
        .iter()
        .map(|file| Outcome {
            file: file.display().to_string(),
            result: judge(file, &mut machine)
                .unwrap_or_else(|error| Verdict::Unreadable { error: format!("{error:#}") }),
        })
        .collect();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&outcomes)?);
    } else {
        print(&outcomes);
    }
    Ok(!outcomes.iter().any(|outcome| outcome.result.failed()))
}

/// The files named, and those of the folders named.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).with_context(|| format!("read {}", path.display()))?;
        let mut inside = Vec::new();
        for entry in entries {
            let file = entry?.path();
            if file.extension().is_some_and(|extension| extension == "json") {
                inside.push(file);
            }
        }
        if inside.is_empty() {
            bail!("{} holds no .json file", path.display());
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

fn judge(path: &Path, machine: &mut Svm) -> Result<Verdict> {
    let text = fs::read_to_string(path).context("read the file")?;
    let value: Value = serde_json::from_str(&text).context("read the file as JSON")?;
    let format = recognise(&value).context(
        "an unknown format: it has the members of none of Derive's portfolio or standard margin, Deribit's simulation, \
         Paradex' examples, SPAN arrays, Dederi's futures",
    )?;
    let mut score = Score::default();
    match format {
        Format::DerivePmrm2 => pmrm2::run(&parse(&text)?, machine, &mut score),
        Format::DeriveSrm => srm::run(&parse(&text)?, machine, &mut score),
        Format::DeribitPm => deribit::run(&parse(&text)?, machine, &mut score),
        Format::ParadexPm => paradex::run(&parse(&text)?, machine, &mut score),
        Format::Span => span::run(&parse(&text)?, machine, &mut score),
        Format::Dederi => dederi::run(&parse(&text)?, machine, &mut score),
        Format::Auction => {
            return Ok(Verdict::NotMargin { format, note: "not a margin file: auctions, nothing for a margin check" });
        }
    }
    Ok(Verdict::Run { format, score })
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| anyhow::anyhow!("{}: {}", error.path(), error.inner()))
}

/// The format by the members it must have.
fn recognise(value: &Value) -> Option<Format> {
    let first = value.get("vectors").and_then(|vectors| vectors.get(0));
    let vector_has = |name: &str| first.is_some_and(|vector| vector.get(name).is_some());
    if value.get("auction_params").is_some() {
        Some(Format::Auction)
    } else if value.get("scenario_sets").is_some() {
        Some(Format::DerivePmrm2)
    } else if value.get("params").is_some() && value.get("vectors").is_some_and(Value::is_object) {
        Some(Format::DeriveSrm)
    } else if value.get("scenarios").is_some() && value.pointer("/expected/scan_risk").is_some() {
        Some(Format::Span)
    } else if vector_has("positions_base") {
        Some(Format::DeribitPm)
    } else if vector_has("contingency_factor") {
        Some(Format::Dederi)
    } else if vector_has("unhedged") || vector_has("share_step") {
        Some(Format::ParadexPm)
    } else {
        None
    }
}

fn print(outcomes: &[Outcome]) {
    println!(
        "{:<32} {:>5} {:>6} {:>7}  {:<13} {:>12} {:>9}  slowest case",
        "file", "cases", "passed", "figures", "largest error", "of tolerance", "CU"
    );
    for Outcome { file, result } in outcomes {
        let name = Path::new(file).file_name().map_or_else(|| file.clone(), |name| name.to_string_lossy().into_owned());
        match result {
            Verdict::Run { score, .. } => {
                let error = if score.largest_error == 0.0 {
                    "exact".to_owned()
                } else {
                    format!("{:.3e}", score.largest_error)
                };
                let Score { cases, passed, figures, slowest_cu, slowest_case, .. } = score;
                let share = format!("{:.3} %", 100.0 * score.share_of_tolerance);
                println!(
                    "{name:<32} {cases:>5} {passed:>6} {figures:>7}  {error:<13} {share:>12} {slowest_cu:>9}  {slowest_case}"
                );
                if !score.largest_error_at.is_empty() {
                    println!("{:<32} largest error: {}", "", score.largest_error_at);
                }
                for failure in &score.failures {
                    println!("{:<32} FAILED {failure}", "");
                }
            }
            Verdict::NotMargin { note, .. } => println!("{name:<32} {note}"),
            Verdict::Unreadable { error } => println!("{name:<32} FAILED {error}"),
        }
    }
}

/// A published file, in place: `MARGIN_DATA` names the folder that holds `vectors`.
#[cfg(test)]
fn published<T: DeserializeOwned>(name: &str) -> T {
    let data = std::env::var_os("MARGIN_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = data.join("vectors").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; set MARGIN_DATA", path.display()));
    parse(&text).unwrap()
}
