//! The grid as a heat map: spot move by vol move, tails apart.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::{Context, Result};
use margin_core::portfolio::{GridScenario, Ratio};
use margin_core::{Multiplier, Usd, VolLevel};

use crate::book::Figures;
use crate::chain::Chain;
use crate::table::{ceiling, floor};

const LEFT: usize = 104;
const TOP: usize = 92;
const CELL: (usize, usize) = (56, 50);
/// Between the grid and its tails.
const GAP: usize = 26;
const WIDTH: usize = 1000;
const HEIGHT: usize = 372;
const LEVELS: [VolLevel; 3] = [VolLevel::Up, VolLevel::None, VolLevel::Down];

/// Colours of both themes. The picture paints its own ground, so that a page of either theme can hold it.
const STYLE: &str = "
.ground{fill:#ffffff}text{fill:#1c2333}.title{font-size:15px;font-weight:600}.small{font-size:12px;fill:#4a5166}
.cell{stroke:#c9cede;stroke-width:1}.loss{fill:#d9692b}.gain{fill:#2f7ec2}.none{fill:#f2f4f9}.worst{fill:none;stroke:#1c2333;stroke-width:3}
.value{font-size:13px;text-anchor:middle}.middle{text-anchor:middle}.end{text-anchor:end}
@media (prefers-color-scheme:dark){.ground{fill:#12161f}text{fill:#e8ebf3}.small{fill:#aab1c4}.cell{stroke:#3a4256}.none{fill:#1b2130}.worst{stroke:#ffffff}}
";

/// The picture.
pub fn svg(chain: &Chain, figures: &Figures) -> Result<String> {
    let columns = Columns::of(&figures.scenarios);
    let worst = floor(figures.risk.worst);
    let mut text = String::new();
    writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" role=\"img\" aria-label=\"Profit of a BTC book in each scenario of the risk grid; the worst \
         loses {} USD\">",
        worst.trim_start_matches('-')
    )?;
    writeln!(text, "<style>{STYLE}</style>")?;
    writeln!(text, "<rect class=\"ground\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>")?;
    label(&mut text, 16, 28, "title", "Profit in each scenario of the risk grid, 1000 USD, weighted")?;
    let taken = format!("A BTC book of options and a perpetual, quotes of {} UTC", chain.taken);
    label(&mut text, 16, 48, "small", &taken)?;
    columns.draw_heads(&mut text)?;
    draw_cells(&mut text, &columns, figures)?;
    draw_bars(&mut text, figures)?;
    text.push_str("</svg>\n");
    Ok(text)
}

/// Spot multipliers of the grid's two parts.
struct Columns {
    grid: Vec<Multiplier>,
    /// With the weight of each.
    tails: Vec<(Multiplier, Ratio)>,
}

impl Columns {
    fn of(scenarios: &[GridScenario]) -> Self {
        let is_full = |scenario: &&GridScenario| scenario.weight == Ratio::ONE;
        let grid: BTreeSet<u64> = scenarios.iter().filter(is_full).map(|scenario| scenario.shock.spot.0).collect();
        let tails: BTreeSet<(u64, u64)> =
            scenarios.iter().filter(|s| !is_full(s)).map(|s| (s.shock.spot.0, s.weight.0)).collect();
        Self {
            grid: grid.into_iter().map(Multiplier).collect(),
            tails: tails.into_iter().map(|(spot, weight)| (Multiplier(spot), Ratio(weight))).collect(),
        }
    }

    /// Left edge of a scenario's column.
    fn x(&self, scenario: &GridScenario) -> Option<usize> {
        let spot = scenario.shock.spot;
        if scenario.weight == Ratio::ONE {
            self.grid.iter().position(|column| *column == spot).map(|column| LEFT + column * CELL.0)
        } else {
            self.tails.iter().position(|column| column.0 == spot).map(|column| self.tails_x() + column * CELL.0)
        }
    }

    fn tails_x(&self) -> usize {
        LEFT + self.grid.len() * CELL.0 + GAP
    }

    fn draw_heads(&self, text: &mut String) -> Result<()> {
        label(text, LEFT - 12, TOP - 10, "small end", "spot, %")?;
        for (column, spot) in self.grid.iter().enumerate() {
            label(text, LEFT + column * CELL.0 + CELL.0 / 2, TOP - 10, "middle", &percent(*spot).replace(" %", ""))?;
        }
        label(text, self.tails_x(), TOP - 30, "small", "tails, with their weights")?;
        for (column, (spot, weight)) in self.tails.iter().enumerate() {
            let middle = self.tails_x() + column * CELL.0 + CELL.0 / 2;
            label(text, middle, TOP - 10, "middle", &percent(*spot).replace(" %", ""))?;
            let share = format!("× {:.3}", weight.0 as f64 / 1e9);
            label(text, middle, TOP + CELL.1 + 18, "small middle", &share)?;
        }
        for (row, level) in LEVELS.iter().enumerate() {
            label(text, LEFT - 12, TOP + row * CELL.1 + CELL.1 / 2 + 5, "end", vol_label(*level))?;
        }
        Ok(())
    }
}

fn draw_cells(text: &mut String, columns: &Columns, figures: &Figures) -> Result<()> {
    let largest = figures.profits.iter().map(|profit| profit.0.unsigned_abs()).max().unwrap_or(1).max(1);
    let mut frame = None;
    for (index, (scenario, profit)) in figures.scenarios.iter().zip(&figures.profits).enumerate() {
        let row = LEVELS.iter().position(|level| *level == scenario.shock.vol).context("a row for the scenario")?;
        let (x, y) = (columns.x(scenario).context("a column for the scenario")?, TOP + row * CELL.1);
        let class = if profit.0 < 0 { "loss" } else { "gain" };
        let strength = profit.0.unsigned_abs() as f64 / largest as f64;
        // At most two thirds opaque: the number stays readable on either ground.
        let opacity = 0.05 + 0.6 * strength;
        let size = format!("width=\"{}\" height=\"{}\"", CELL.0, CELL.1);
        writeln!(text, "<rect class=\"cell none\" x=\"{x}\" y=\"{y}\" {size}/>")?;
        writeln!(text, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" {size} fill-opacity=\"{opacity:.2}\"/>")?;
        let is_worst = index == figures.worst;
        let baseline = y + CELL.1 / 2 + if is_worst { 0 } else { 5 };
        label(text, x + CELL.0 / 2, baseline, "value", &thousands(*profit))?;
        if is_worst {
            label(text, x + CELL.0 / 2, baseline + 16, "small middle", "worst")?;
            frame = Some(format!("<rect class=\"worst\" x=\"{x}\" y=\"{y}\" {size}/>"));
        }
    }
    writeln!(text, "{}", frame.context("the worst scenario")?)?;
    Ok(())
}

/// Equity and requirements on one scale.
fn draw_bars(text: &mut String, figures: &Figures) -> Result<()> {
    const X: usize = 300;
    const LONGEST: f64 = 560.0;
    let account = &figures.account;
    let bars = [
        ("equity", floor(account.equity), account.equity, "gain"),
        ("maintenance margin", ceiling(account.maintenance_margin), account.maintenance_margin, "loss"),
        ("initial margin", ceiling(account.initial_margin), account.initial_margin, "loss"),
        ("initial margin, each position alone", ceiling(figures.isolated_initial), figures.isolated_initial, "loss"),
    ];
    let largest = bars.iter().map(|bar| bar.2.0).max().unwrap_or(1).max(1) as f64;
    for (row, (name, figure, amount, class)) in bars.into_iter().enumerate() {
        let y = TOP + 3 * CELL.1 + 34 + row * 24;
        let length = amount.0.max(0) as f64 / largest * LONGEST;
        label(text, X - 12, y + 13, "end", name)?;
        writeln!(
            text,
            "<rect class=\"{class}\" x=\"{X}\" y=\"{y}\" width=\"{length:.1}\" height=\"17\" fill-opacity=\"0.65\"/>"
        )?;
        label(text, X + length as usize + 10, y + 13, "small", &format!("{figure} USD"))?;
    }
    Ok(())
}

fn label(text: &mut String, x: usize, y: usize, class: &str, content: &str) -> Result<()> {
    writeln!(text, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{content}</text>")?;
    Ok(())
}

/// Name of a vol level.
pub fn vol_label(level: VolLevel) -> &'static str {
    match level {
        VolLevel::Up => "vol up",
        VolLevel::None => "vol as it is",
        VolLevel::Down => "vol down",
        VolLevel::SkewLinear => "linear skew",
        VolLevel::SkewAbs => "absolute skew",
    }
}

/// Spot move of a scenario.
pub fn move_label(scenario: &GridScenario) -> String {
    percent(scenario.shock.spot)
}

/// `+4.5 %`, `−66 %`, `0`.
fn percent(spot: Multiplier) -> String {
    let tenths = (spot.0 as f64 / 1e6).round() as i64 - 1_000;
    let sign = match tenths.signum() {
        0 => return "0".to_owned(),
        1 => '+',
        _ => '−',
    };
    let (whole, rest) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    if rest == 0 { format!("{sign}{whole} %") } else { format!("{sign}{whole}.{rest} %") }
}

/// Thousands with one decimal, rounded down.
fn thousands(profit: Usd) -> String {
    const HUNDRED: i128 = 100_000_000_000_000;
    let tenths = profit.0.div_euclid(HUNDRED);
    let sign = match tenths.signum() {
        0 => "",
        1 => "+",
        _ => "−",
    };
    format!("{sign}{}.{}", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10)
}
