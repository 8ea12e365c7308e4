//! What a command prints, in both forms.
//!
//! In JSON amounts are exact decimal strings: money in whole quote tokens, quantities in units of their asset.

use margin_client::text::{Align, Cell, Style, Table, Tone};
use serde_json::Value;

pub struct Output {
    pub json: Value,
    pub text: String,
}

/// Sections of a text with headings.
pub struct Page {
    text: String,
    style: Style,
}

impl Page {
    pub fn new(title: &str, style: Style) -> Self {
        Self { text: format!("{}\n", style.paint(Tone::Heading, title)), style }
    }

    /// Names and their values, without a heading.
    pub fn facts<const N: usize>(&mut self, facts: [(&str, Cell); N]) {
        let mut table = Table::new([("", Align::Left), ("", Align::Left)]);
        for (name, value) in facts {
            table.row([Cell::toned(name, Tone::Faint), value]);
        }
        self.text.push_str(&table.render(self.style));
    }

    /// Names and amounts under each other.
    pub fn amounts(&mut self, heading: &str, amounts: impl IntoIterator<Item = (impl Into<Cell>, Cell)>) {
        let mut table = Table::new([("", Align::Left), ("", Align::Right)]);
        for (name, value) in amounts {
            table.row([name.into(), value]);
        }
        self.table(heading, &table);
    }

    /// A table under its heading; nothing if it has no rows.
    pub fn table(&mut self, heading: &str, table: &Table) {
        if !table.is_empty() {
            self.line("");
            self.line(&self.style.paint(Tone::Heading, heading));
            self.text.push_str(&table.render(self.style));
        }
    }

    pub fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub fn note(&mut self, note: &str) {
        let note = self.style.paint(Tone::Faint, note);
        self.line(&format!("  {note}"));
    }

    pub fn finish(self) -> String {
        self.text
    }
}

/// A cell that is red when the amount is negative.
pub fn signed(text: String) -> Cell {
    let tone = if text.starts_with('-') { Tone::Bad } else { Tone::Plain };
    Cell::toned(text, tone)
}
