//! Compute units of a margin check against the number of legs, as an SVG.

use std::fmt::Write;

use anyhow::Result;

/// A line of the chart: (legs, compute units), by rising legs.
pub struct Series {
    pub name: &'static str,
    pub class: &'static str,
    pub points: Vec<(usize, u64)>,
}

const WIDTH: usize = 860;
const HEIGHT: usize = 430;
const LEFT: usize = 84;
const RIGHT: usize = 40;
const TOP: usize = 66;
const BOTTOM: usize = 56;
const MOST_LEGS: usize = 128;
const LEG_STEP: usize = 16;
/// Distance of the grid's horizontal lines.
const UNIT_STEP: u64 = 100_000;

/// Colours of both themes. The picture paints its own ground, so that a page of either theme can hold it.
const STYLE: &str = "
.ground{fill:#ffffff}text{fill:#1c2333}.title{font-size:15px;font-weight:600}.small{font-size:12px;fill:#4a5166}
.line{stroke:#c9cede;stroke-width:1}.series{fill:none;stroke-width:2.5}.first{stroke:#d9692b}.second{stroke:#2f7ec2}
.first-dot{fill:#d9692b}.second-dot{fill:#2f7ec2}.middle{text-anchor:middle}.end{text-anchor:end}
@media (prefers-color-scheme:dark){.ground{fill:#12161f}text{fill:#e8ebf3}.small{fill:#aab1c4}.line{stroke:#3a4256}}
";

/// Draws the chart.
pub fn svg(series: &[Series]) -> Result<String> {
    let dearest = series.iter().flat_map(|series| &series.points).map(|point| point.1).max().unwrap_or(1);
    let top = dearest.div_ceil(UNIT_STEP) * UNIT_STEP;
    let mut text = String::new();
    writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" role=\"img\" aria-label=\"Compute units of a margin check against the number of legs\">"
    )?;
    writeln!(text, "<style>{STYLE}</style>")?;
    writeln!(text, "<rect class=\"ground\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>")?;
    label(&mut text, 16, 28, "title", "Compute units of a whole margin check, 31 scenarios, with net Greeks")?;
    label(
        &mut text,
        16,
        48,
        "small",
        "options at strikes of their own on one underlying; a transaction may use 1 400 000",
    )?;
    for units in (0..=top).step_by(UNIT_STEP as usize) {
        let y = height(units, top);
        writeln!(text, "<line class=\"line\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>", WIDTH - RIGHT)?;
        label(&mut text, LEFT - 10, y + 4, "small end", &grouped(units))?;
    }
    for legs in (0..=MOST_LEGS).step_by(LEG_STEP) {
        label(&mut text, place(legs), HEIGHT - BOTTOM + 20, "small middle", &legs.to_string())?;
    }
    label(&mut text, place(MOST_LEGS / 2), HEIGHT - 14, "small middle", "legs")?;
    for (row, Series { name, class, points }) in series.iter().enumerate() {
        let path: Vec<String> =
            points.iter().map(|(legs, units)| format!("{},{}", place(*legs), height(*units, top))).collect();
        writeln!(text, "<polyline class=\"series {class}\" points=\"{}\"/>", path.join(" "))?;
        for (legs, units) in points {
            let (x, y) = (place(*legs), height(*units, top));
            writeln!(
                text,
                "<circle class=\"{class}-dot\" cx=\"{x}\" cy=\"{y}\" r=\"3.5\"><title>{legs} legs: {} CU</title></circle>",
                grouped(*units)
            )?;
        }
        let y = TOP + 18 + 22 * row;
        writeln!(
            text,
            "<line class=\"series {class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            LEFT + 14,
            y - 4,
            LEFT + 40,
            y - 4
        )?;
        let last = points.last().map_or(0, |point| point.1);
        label(&mut text, LEFT + 50, y, "", &format!("{name}: {} at {MOST_LEGS} legs", grouped(last)))?;
    }
    text.push_str("</svg>\n");
    Ok(text)
}

fn place(legs: usize) -> usize {
    LEFT + legs * (WIDTH - LEFT - RIGHT) / MOST_LEGS
}

fn height(units: u64, top: u64) -> usize {
    let room = (HEIGHT - TOP - BOTTOM) as u64;
    HEIGHT - BOTTOM - (units * room / top) as usize
}

fn label(text: &mut String, x: usize, y: usize, class: &str, words: &str) -> Result<()> {
    Ok(writeln!(text, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>")?)
}

/// Thousands apart.
fn grouped(units: u64) -> String {
    match units / 1_000 {
        0 => units.to_string(),
        thousands => format!("{thousands} {:03}", units % 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_spans_its_axes() {
        assert_eq!((place(0), place(128)), (LEFT, WIDTH - RIGHT));
        assert_eq!((height(0, 10), height(10, 10)), (HEIGHT - BOTTOM, TOP));
        assert_eq!((grouped(7), grouped(512_034)), ("7".to_owned(), "512 034".to_owned()));
        let series = [Series { name: "a", class: "first", points: vec![(1, 30_000), (128, 560_000)] }];
        let text = svg(&series).unwrap();
        assert!(text.contains("600 000") && !text.contains("700 000") && text.contains("560 000 at 128 legs"));
    }
}
