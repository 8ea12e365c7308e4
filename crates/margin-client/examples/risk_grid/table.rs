//! The figures of the picture as a table of the document.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use margin_core::Usd;

use crate::book::{DEPOSIT, Figures};
use crate::chain::Chain;
use crate::draw::{move_label, vol_label};

const BEGIN: &str = "<!-- risk-grid: begin (written by `cargo xtask risk-grid`) -->\n";
const END: &str = "<!-- risk-grid: end -->\n";

/// The document with its table replaced.
pub fn replace(document: &str, table: &str) -> Result<String> {
    let (before, rest) = document.split_once(BEGIN).context("the document has no begin marker")?;
    let (_, after) = rest.split_once(END).context("the document has no end marker")?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

/// Positions, then the account's figures. Whole dollars; equity and profits down, requirements up.
pub fn markdown(chain: &Chain, figures: &Figures) -> Result<String> {
    let worst = figures.scenarios.get(figures.worst).context("the worst scenario")?;
    let scenario = format!("spot {}, {}", move_label(worst), vol_label(worst.shock.vol));
    let mut text = String::new();
    writeln!(text, "| position | BTC | traded at | value now | in the worst scenario | initial margin alone |")?;
    writeln!(text, "|---|--:|--:|--:|--:|--:|")?;
    let mut sum = Usd::ZERO;
    for leg in &figures.legs {
        let profit = *leg.profits.get(figures.worst).context("a profit for each scenario")?;
        sum = sum.checked_add(profit).context("a sum of profits")?;
        writeln!(
            text,
            "| {} | {:+.1} | {} | {} | {} | {} |",
            leg.name,
            leg.units,
            spaced((leg.traded).round() as i128),
            floor(leg.mark_to_market),
            floor(profit),
            ceiling(leg.alone),
        )?;
    }
    ensure!(sum == figures.risk.worst, "the legs add up to {sum:?}, the book to {:?}", figures.risk.worst);
    writeln!(text, "\n| figure of the account | USD |")?;
    writeln!(text, "|---|--:|")?;
    for (name, value) in [
        ("cash before the trades", spaced(i128::from(DEPOSIT))),
        ("equity", floor(figures.account.equity)),
        ("initial margin", ceiling(figures.account.initial_margin)),
        ("maintenance margin", ceiling(figures.account.maintenance_margin)),
        ("sum of the positions' initial margins alone", ceiling(figures.isolated_initial)),
        ("sum of the positions' maintenance margins alone", ceiling(figures.isolated_maintenance)),
    ] {
        writeln!(text, "| {name} | {value} |")?;
    }
    writeln!(text, "| worst scenario: {scenario} | {} |", floor(figures.risk.worst))?;
    writeln!(
        text,
        "\nQuotes of {} UTC; the surface meets the mark vols of the held strikes within {:.2} vol points.",
        chain.taken,
        figures.fit_error * 100.0
    )?;
    Ok(text)
}

const DOLLAR: i128 = 1_000_000_000_000;

/// Whole dollars, rounded down.
pub fn floor(amount: Usd) -> String {
    spaced(amount.0.div_euclid(DOLLAR))
}

/// Whole dollars, rounded up.
pub fn ceiling(amount: Usd) -> String {
    spaced(-(-amount.0).div_euclid(DOLLAR))
}

/// Digits in groups of three.
fn spaced(value: i128) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::from(if value < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
