//! `cargo xtask risk-grid`: the risk grid of a real book, drawn.
//!
//! Reads a real option chain, trades a book at its bids and asks, assesses it under the default model and writes
//! `docs/risk-grid.svg` and the table between the markers of `docs/risk-model.md`. With `--check` nothing is written, and
//! a difference is an error.

mod book;
mod chain;
mod draw;
mod fit;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

const CURRENCY: &str = "btc";
const STAMP: &str = "20260120T1231Z";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => bail!("usage: risk_grid [--check]"),
    };
    let chain = chain::Chain::read(CURRENCY, STAMP)?;
    let figures = book::assess(&chain)?;
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let document = docs.join("risk-model.md");
    let text = fs::read_to_string(&document).with_context(|| format!("read {}", document.display()))?;
    for (path, content) in [
        (docs.join("risk-grid.svg"), draw::svg(&chain, &figures)?),
        (document, table::replace(&text, &table::markdown(&chain, &figures)?)?),
    ] {
        if check { compare(&path, &content)? } else { write(&path, &content)? }
    }
    Ok(())
}

fn write(path: &Path, content: &str) -> Result<()> {
    fs::write(path, content).with_context(|| format!("write {}", path.display()))
}

fn compare(path: &Path, content: &str) -> Result<()> {
    let committed = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    if committed == content {
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let differs = committed.lines().zip(content.lines()).find(|(old, new)| old != new);
    match differs {
        Some((old, new)) => bail!("docs/{name} is out of date (`cargo xtask risk-grid` writes it)\n- {old}\n+ {new}"),
        None => bail!("docs/{name} is out of date (`cargo xtask risk-grid` writes it)"),
    }
}
