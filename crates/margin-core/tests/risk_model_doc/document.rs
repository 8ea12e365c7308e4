//! The document's examples, and how their figures are compared.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;

use margin_core::portfolio::Ratio;
use margin_core::{Lots, Multiplier, Price, Rate, Seconds, Usd, Vol};

use crate::lab::LOTS_PER_UNIT;

/// The document.
pub fn text() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/risk-model.md");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One ```` ```text ```` block: inputs, and from the line with the arrow on figures.
pub struct Example {
    pub name: String,
    rows: Vec<Row>,
    failures: RefCell<Vec<String>>,
}

struct Row {
    key: String,
    value: String,
    unit: String,
    /// After the arrow.
    is_figure: bool,
    used: Cell<bool>,
}

/// An example's name and what computes it.
pub type Computation = (&'static str, fn(&Example));

/// All examples, in order.
pub fn examples(document: &str) -> Result<Vec<Example>, String> {
    let mut examples = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("```text") else { continue };
        let name = name.strip_prefix(' ').ok_or_else(|| format!("a block without a name: {line}"))?;
        let (mut rows, mut is_figure) = (Vec::new(), false);
        for line in lines.by_ref().take_while(|line| *line != "```") {
            let figures = line.strip_prefix("=> ");
            is_figure |= figures.is_some();
            for entry in figures.unwrap_or(line).split(", ") {
                rows.push(Row { is_figure, ..row(entry)? });
            }
        }
        examples.push(Example { name: name.to_owned(), rows, failures: RefCell::default() });
    }
    Ok(examples)
}

fn row(line: &str) -> Result<Row, String> {
    let wrong = || format!("not `name = value unit`: {line}");
    let (key, rest) = line.split_once('=').ok_or_else(wrong)?;
    let (value, unit) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    value.parse::<f64>().map_err(|_| wrong())?;
    let own = |text: &str| text.trim().to_owned();
    Ok(Row { key: own(key), value: own(value), unit: own(unit), is_figure: false, used: Cell::new(false) })
}

/// A number of the core: `raw · 10^-decimals`.
#[derive(Clone, Copy)]
pub struct Exact {
    raw: i128,
    decimals: usize,
}

impl Exact {
    /// To the nearest last digit, halves away from zero.
    fn print(self, digits: usize) -> String {
        let (raw, places) = match digits.checked_sub(self.decimals) {
            Some(more) => (self.raw * 10i128.pow(more as u32), digits),
            None => {
                let unit = 10i128.pow((self.decimals - digits) as u32);
                let magnitude = (self.raw.abs() + unit / 2) / unit;
                (if self.raw < 0 { -magnitude } else { magnitude }, digits)
            }
        };
        let text = format!("{:0>width$}", raw.abs(), width = places + 1);
        let (whole, rest) = text.split_at(text.len() - places);
        let sign = if raw < 0 { "-" } else { "" };
        if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
    }
}

macro_rules! exact {
    ($($type:ty, $decimals:expr;)*) => {$(
        impl From<$type> for Exact {
            fn from(value: $type) -> Self {
                Self { raw: i128::from(value.0), decimals: $decimals }
            }
        }
    )*};
}
exact! { Usd, 12; Price, 12; Ratio, 9; Vol, 8; }

impl Example {
    /// Everything that does not agree, and rows that nothing looked at.
    pub fn failures(&self) -> Vec<String> {
        let unused = self.rows.iter().filter(|row| !row.used.get());
        let unused = unused.map(|row| format!("[{}] {} is neither read nor computed", self.name, row.key));
        self.failures.borrow().iter().cloned().chain(unused).collect()
    }

    fn fail(&self, key: &str, what: &str) {
        self.failures.borrow_mut().push(format!("[{}] {key}: {what}", self.name));
    }

    fn row(&self, key: &str, is_figure: bool) -> &Row {
        let row = self.rows.iter().find(|row| row.key == key);
        let row = row.unwrap_or_else(|| panic!("[{}] has no row {key}", self.name));
        if row.is_figure != is_figure {
            self.fail(key, if is_figure { "a figure before the arrow" } else { "an input after the arrow" });
        }
        row.used.set(true);
        row
    }

    /// An input in its unit's base: a percentage as a fraction, times in seconds.
    pub fn given(&self, key: &str) -> f64 {
        let row = self.row(key, false);
        let value: f64 = row.value.parse().unwrap();
        let unit = match row.unit.as_str() {
            "" | "USD" | "BTC" | "ETH" | "SOL" => 1.0,
            "%" => 0.01,
            "min" => 60.0,
            "hours" => 3_600.0,
            "days" => 86_400.0,
            unit => panic!("[{}] {key}: unknown unit {unit}", self.name),
        };
        value * unit
    }

    pub fn price(&self, key: &str) -> Price {
        // Six decimals are more than any example has.
        Price((self.given(key) * 1e6).round() as u64 * 1_000_000)
    }

    pub fn usd(&self, key: &str) -> Usd {
        Usd((self.given(key) * 1e6).round() as i128 * 1_000_000)
    }

    pub fn ratio(&self, key: &str) -> Ratio {
        Ratio((self.given(key) * 1e9).round() as u64)
    }

    pub fn vol(&self, key: &str) -> Vol {
        Vol((self.given(key) * 1e8).round() as u64)
    }

    pub fn rate(&self, key: &str) -> Rate {
        Rate((self.given(key) * 1e10).round() as i64)
    }

    pub fn seconds(&self, key: &str) -> Seconds {
        Seconds(self.given(key).round() as u64)
    }

    /// Years of 31 536 000 seconds.
    pub fn years(&self, key: &str) -> f64 {
        self.given(key) / 31_536_000.0
    }

    /// Units of the underlying in lots.
    pub fn lots(&self, key: &str) -> Lots {
        Lots((self.given(key) * LOTS_PER_UNIT).round() as i64)
    }

    /// A spot move as a multiplier.
    pub fn spot(&self, key: &str) -> Multiplier {
        Multiplier(((1.0 + self.given(key)) * 1e9).round() as u64)
    }

    /// A figure of the core that a reader finds as `reader`.
    pub fn figure(&self, key: &str, core: impl Into<Exact>, reader: f64) {
        let row = self.row(key, true);
        let mut core = core.into();
        if row.unit == "%" {
            core.raw *= 100;
        }
        let printed = core.print(digits(row));
        if printed != row.value {
            self.fail(key, &format!("the document says {}, the core {printed}", row.value));
        }
        self.compare(row, reader);
    }

    /// A step on the way that the core does not tell, or tells in a form of its own.
    pub fn step(&self, key: &str, reader: f64) {
        self.compare(self.row(key, true), reader);
    }

    /// Within the last printed digit, and a tenth of one for what the core rounds on the way.
    fn compare(&self, row: &Row, reader: f64) {
        let reader = if row.unit == "%" { reader * 100.0 } else { reader };
        let digits = digits(row);
        let printed: f64 = row.value.parse().unwrap();
        let distance = (printed - reader).abs() * 10f64.powi(digits as i32);
        if distance.is_nan() || distance > 0.6 {
            self.fail(&row.key, &format!("the document says {}, a reader finds {reader:.digits$}", row.value));
        }
    }
}

fn digits(row: &Row) -> usize {
    row.value.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

#[test]
fn exact_numbers_print_to_the_nearest_digit() {
    let print = |raw, digits| Exact { raw, decimals: 3 }.print(digits);
    assert_eq!(print(1_234_500, 0), "1235");
    assert_eq!(print(-1_234_500, 1), "-1234.5");
    assert_eq!(print(-49, 1), "0.0");
    assert_eq!(print(-50, 1), "-0.1");
    assert_eq!(print(7, 5), "0.00700");
}
