//! Plain, aligned terminal output. Colour only on a terminal, and never under `NO_COLOR`.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

/// What a text means, not what it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Heading,
    Faint,
    Good,
    Warning,
    Bad,
}

impl Style {
    /// For standard output as it is.
    pub fn detect() -> Self {
        // https://no-color.org: any value but the empty one counts.
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: std::io::stdout().is_terminal() && !refused }
    }

    pub const fn plain() -> Self {
        Self { colour: false }
    }

    pub const fn coloured() -> Self {
        Self { colour: true }
    }

    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Heading => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// One cell: its text, and its tone.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    pub fn paint(&self, style: Style) -> String {
        style.paint(self.tone, &self.text)
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// Which side of its column a cell keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Rows under a heading, each column as wide as its widest cell.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn new<const N: usize>(columns: [(&str, Align); N]) -> Self {
        Self { columns: columns.map(|(name, align)| (name.to_owned(), align)).to_vec(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.to_vec());
    }

    /// The table as text, each line indented by two blanks and ended by a line feed.
    pub fn render(&self, style: Style) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count());
            cells.chain([self.columns[column].0.chars().count()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let heading: Vec<Cell> = self.columns.iter().map(|(name, _)| Cell::toned(name, Tone::Faint)).collect();
        let mut out = String::new();
        let titled = self.columns.iter().any(|(name, _)| !name.is_empty());
        for row in titled.then_some(&heading).into_iter().chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), (_, align)) in row.iter().zip(&widths).zip(&self.columns) {
                // Padding goes outside the colour, so that escape codes do not count as width.
                let padding = " ".repeat(width - cell.text.chars().count());
                let text = style.paint(cell.tone, &cell.text);
                let _ = match align {
                    Align::Left => write!(line, "  {text}{padding}"),
                    Align::Right => write!(line, "  {padding}{text}"),
                };
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// `-1 234 567.89`: a fixed-point integer with `decimals`, rounded half away from zero to `shown` places.
pub fn fixed(value: i128, decimals: u32, shown: u32) -> String {
    let drop = 10_u128.pow(decimals.saturating_sub(shown));
    let scaled = (value.unsigned_abs() + drop / 2) / drop;
    let unit = 10_u128.pow(shown.min(decimals));
    let (whole, part) = (scaled / unit, scaled % unit);
    let digits = whole.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    let sign = if value < 0 && scaled > 0 { "-" } else { "" };
    if shown == 0 {
        format!("{sign}{grouped}")
    } else {
        format!("{sign}{grouped}.{part:0>width$}", width = shown.min(decimals) as usize)
    }
}

/// Whole dollars of an amount in quote atoms of six decimals.
pub fn dollars(atoms: i64) -> String {
    fixed(i128::from(atoms), 6, 0)
}

/// A UTC time as `2026-01-05 21:21`.
pub fn utc_minute(unix: i64) -> String {
    let (days, seconds) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
    // Civil date from days, by eras of 400 years that start on 1 March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", seconds / 3_600, seconds / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_rounded_half_away_from_zero() {
        assert_eq!(fixed(1_234_567_890_000, 6, 2), "1 234 567.89");
        assert_eq!(fixed(-1_234_565, 6, 0), "-1");
        assert_eq!(fixed(-1_500_000, 6, 0), "-2");
        assert_eq!(fixed(-400_000, 6, 0), "0");
        assert_eq!(fixed(999_999, 6, 0), "1");
        assert_eq!(fixed(5, 0, 0), "5");
        assert_eq!(fixed(-120_500, 3, 1), "-120.5");
        assert_eq!(dollars(-100_000_000_000), "-100 000");
    }

    #[test]
    fn times_are_civil() {
        assert_eq!(utc_minute(0), "1970-01-01 00:00");
        assert_eq!(utc_minute(1_767_648_090), "2026-01-05 21:21");
        assert_eq!(utc_minute(951_782_400), "2000-02-29 00:00");
        assert_eq!(utc_minute(-60), "1969-12-31 23:59");
    }

    #[test]
    fn columns_align_with_and_without_colour() {
        let mut table = Table::new([("who", Align::Left), ("equity", Align::Right)]);
        table.row(["hedged".into(), Cell::toned("1 000", Tone::Good)]);
        table.row(["x".into(), Cell::toned("-20", Tone::Bad)]);
        assert_eq!(table.render(Style::plain()), "  who     equity\n  hedged   1 000\n  x          -20\n");
        let coloured = table.render(Style::coloured());
        assert!(coloured.contains(" \x1b[32m1 000\x1b[0m\n"), "{coloured:?}");
    }
}
