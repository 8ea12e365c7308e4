//! The crash of one account as an SVG: its equity and requirements, what it costs at auction, and every bid.

use std::fmt::Write as _;

use crate::demo::NAKED;
use crate::keeper::Action;
use crate::replay::Hour;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 28.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = 60.0;
/// Quote atoms in a thousand dollars.
const THOUSAND: f64 = 1e9;

/// Colours of both themes. The picture paints its own ground, so that a page of either theme can hold it.
const STYLE: &str = "
.ground{fill:#ffffff}text{fill:#1c2333}.title{font-size:15px;font-weight:600}.small{font-size:12px;fill:#4a5166}
.line{stroke:#c9cede;stroke-width:1}.series{fill:none;stroke-width:2.5}.equity{stroke:#2f7ec2}.initial{stroke:#e0a03c}
.maintenance{stroke:#c2453d}.auction{stroke:#6b4fbb}.bid{fill:#6b4fbb;fill-opacity:.75}
.middle{text-anchor:middle}.end{text-anchor:end}
@media (prefers-color-scheme:dark){.ground{fill:#12161f}text{fill:#e8ebf3}.small{fill:#aab1c4}.line{stroke:#3a4256}}
";

/// One moment: hours since the beginning, quote atoms.
type Point = (f64, f64);

/// A bid: when, what it cost, and what share it took.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bid {
    at: f64,
    price: f64,
    /// What all of the account would have cost.
    whole: f64,
    fraction: f64,
}

/// What is drawn of the naked account.
#[derive(Clone, Debug, Default, PartialEq)]
struct Story {
    equity: Vec<Point>,
    initial: Vec<Point>,
    maintenance: Vec<Point>,
    bids: Vec<Bid>,
}

impl Story {
    fn of(hours: &[Hour]) -> Self {
        let mut story = Self::default();
        for hour in hours {
            let at = hour.hour as f64;
            let mut add = |at: f64, report: &margin_client::MarginReport| {
                story.equity.push((at, report.equity as f64));
                story.initial.push((at, report.initial_margin as f64));
                story.maintenance.push((at, report.maintenance_margin as f64));
            };
            add(at, &hour.before[NAKED]);
            add(at, &hour.after[NAKED]);
            for action in &hour.actions {
                if let Action::Bought(bid) = action {
                    let share = |nano: u64| nano as f64 / 1e9;
                    let whole = share(bid.share_paid) * bid.equity_before as f64;
                    let (price, fraction) = (bid.price as f64, share(bid.fraction));
                    story.bids.push(Bid { at, price, whole, fraction });
                }
            }
        }
        story
    }

    fn highest(&self) -> f64 {
        let points = [&self.equity, &self.initial, &self.maintenance];
        points.into_iter().flatten().map(|point| point.1).fold(0.0, f64::max)
    }

    fn last(&self) -> f64 {
        self.equity.last().map_or(1.0, |point| point.0.max(1.0))
    }
}

/// Draws the naked account's crash.
pub fn svg(hours: &[Hour]) -> String {
    draw(&Story::of(hours))
}

fn draw(story: &Story) -> String {
    let step = grid_step(story.highest());
    let top = (story.highest() / step).ceil().max(1.0) * step;
    let place = |hour: f64| LEFT + (WIDTH - LEFT - RIGHT) * hour / story.last();
    let height = |atoms: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - atoms.max(0.0) / top);
    let mut text = String::new();
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    line(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" role=\"img\" aria-label=\"Equity, margin requirements and auction of an account in a crash\">"
    ));
    line(format!("<style>{STYLE}</style>\n<rect class=\"ground\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>"));
    line(label(16.0, 28.0, "title", "The naked account in the crash of 2024-08-04 and 05"));
    line(label(
        16.0,
        48.0,
        "small",
        "thousand dollars by hour of the replay; circles: the keeper's bids, by the share they took",
    ));
    let mut level = 0.0;
    while level <= top + step / 2.0 {
        let y = height(level);
        line(format!("<line class=\"line\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>", WIDTH - RIGHT));
        line(label(LEFT - 10.0, y + 4.0, "small end", &format!("{:.0}", level / THOUSAND)));
        level += step;
    }
    let hours = story.last();
    let hour_step = (hours / 12.0).ceil().max(1.0);
    let mut hour = 0.0;
    while hour <= hours {
        line(label(place(hour), HEIGHT - BOTTOM + 20.0, "small middle", &format!("{hour:.0}")));
        hour += hour_step;
    }
    // Drawn bid by bid, below.
    let none = Vec::new();
    let series = [
        ("equity", "equity", &story.equity),
        ("initial margin", "initial", &story.initial),
        ("maintenance margin", "maintenance", &story.maintenance),
        ("price of all of it at auction", "auction", &none),
    ];
    for (number, (name, class, points)) in series.into_iter().enumerate() {
        let path = points.iter().fold(String::new(), |mut path, (at, atoms)| {
            // A string takes every write.
            let _ = write!(path, "{:.1},{:.1} ", place(*at), height(*atoms));
            path
        });
        if !points.is_empty() {
            line(format!("<polyline class=\"series {class}\" points=\"{}\"/>", path.trim_end()));
        }
        let x = LEFT + 200.0 * number as f64;
        let y = HEIGHT - 14.0;
        line(format!("<line class=\"series {class}\" x1=\"{x}\" y1=\"{y:.0}\" x2=\"{:.0}\" y2=\"{y:.0}\"/>", x + 26.0));
        line(label(x + 34.0, y + 4.0, "small", name));
    }
    for bid in &story.bids {
        // The price as it was when somebody bid: a stroke half an hour to either side.
        let (from, to, y) = (place(bid.at - 0.5), place(bid.at + 0.5), height(bid.whole));
        line(format!("<line class=\"series auction\" x1=\"{from:.1}\" y1=\"{y:.1}\" x2=\"{to:.1}\" y2=\"{y:.1}\"/>"));
        line(format!(
            "<circle class=\"bid\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{:.1}\"><title>hour {:.0}: {:.1} % for {:.0} thousand \
             dollars</title></circle>",
            place(bid.at),
            height(bid.whole),
            4.0 + 8.0 * bid.fraction.sqrt(),
            bid.at,
            100.0 * bid.fraction,
            bid.price / THOUSAND
        ));
    }
    line("</svg>".to_owned());
    text
}

/// Distance of the horizontal lines: 1, 2 or 5 times a power of ten, five to ten of them.
fn grid_step(highest: f64) -> f64 {
    let rough = (highest / 6.0).max(1.0);
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
    factor * power
}

fn label(x: f64, y: f64, class: &str, words: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_bids_stand_where_they_belong() {
        let bid = Bid { at: 10.0, price: 20.0 * THOUSAND, whole: 40.0 * THOUSAND, fraction: 0.25 };
        let story = Story {
            equity: vec![(0.0, 90.0 * THOUSAND), (20.0, 45.0 * THOUSAND)],
            bids: vec![bid],
            ..Story::default()
        };
        assert_eq!(grid_step(90.0 * THOUSAND), 20.0 * THOUSAND);
        let text = draw(&story);
        // From the left edge at 90 of 100 to the right edge at 45 of 100.
        assert!(text.contains("class=\"series equity\" points=\"92.0,108.4 932.0,254.2\""), "{text}");
        assert!(text.contains("hour 10: 25.0 % for 20 thousand"), "{text}");
        assert!(text.contains("cx=\"512.0\" cy=\"270.4\" r=\"8.0\""), "{text}");
        assert!(text.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn grids_have_round_steps() {
        for (highest, step) in [(7.0, 2.0), (60.0, 10.0), (61.0, 20.0), (299.0, 50.0)] {
            assert!((grid_step(highest) - step).abs() < 1e-9, "{highest}");
        }
    }
}
