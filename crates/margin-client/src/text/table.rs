use std::{fmt::Write as _, io::IsTerminal as _};

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
    /// Colours on a terminal, unless `NO_COLOR` is set to anything but nothing (<https://no-color.org>).
    #[must_use]
    pub fn detect() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: std::io::stdout().is_terminal() && !refused }
    }

    #[must_use]
    pub const fn plain() -> Self {
        Self { colour: false }
    }

    #[must_use]
    pub const fn coloured() -> Self {
        Self { colour: true }
    }

    #[must_use]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    #[must_use]
    pub fn paint(&self, style: Style) -> String {
        style.paint(self.tone, &self.text)
    }

    fn width(&self) -> usize {
        self.text.chars().count()
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
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Columns by heading; if all headings are empty there is no heading line.
    #[must_use]
    pub fn new<const N: usize>(columns: [(&str, Align); N]) -> Self {
        Self { columns: columns.map(|(name, align)| (name.to_owned(), align)).to_vec(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty, surplus ones are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().take(self.columns.len()).collect());
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text, each line indented by two blanks and ended by a line feed.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let heading: Vec<Cell> = self.columns.iter().map(|(name, _)| Cell::toned(name, Tone::Faint)).collect();
        let titled = heading.iter().any(|cell| cell.width() > 0);
        let lines: Vec<&Vec<Cell>> = titled.then_some(&heading).into_iter().chain(&self.rows).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| lines.iter().filter_map(|line| line.get(column)).map(Cell::width).max().unwrap_or_default())
            .collect();
        let mut out = String::new();
        for cells in lines {
            let mut line = String::new();
            for ((cell, width), (_, align)) in cells.iter().zip(&widths).zip(&self.columns) {
                // Padding goes outside the colour, so that escape codes do not count as width.
                let padding = " ".repeat(width - cell.width());
                let text = cell.paint(style);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([("who", Align::Left), ("equity", Align::Right)]);
        table.row(["hedged".into(), Cell::toned("1 000", Tone::Good)]);
        table.row(["x".into(), Cell::toned("-20", Tone::Bad)]);
        table
    }

    #[test]
    fn columns_align_with_and_without_colour() {
        assert_eq!(table().render(Style::plain()), "  who     equity\n  hedged   1 000\n  x          -20\n");
        let coloured = table().render(Style::coloured());
        assert!(coloured.contains("  hedged   \x1b[32m1 000\x1b[0m\n"), "{coloured}");
        assert!(coloured.contains("  x          \x1b[31m-20\x1b[0m\n"), "{coloured}");
    }

    #[test]
    fn short_rows_and_empty_headings_are_fine() {
        let mut table = Table::new([("", Align::Left), ("", Align::Right)]);
        assert!(table.is_empty());
        table.row(["alone".into()]);
        table.row(["a".into(), "1".into(), "dropped".into()]);
        assert_eq!(table.render(Style::plain()), "  alone\n  a      1\n");
    }
}
