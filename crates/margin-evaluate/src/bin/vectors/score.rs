//! How far the program's figures are from the published ones.

use margin_client::decimal::Decimal;
use margin_evaluate::Run;
use serde::Serialize;

/// How much a figure may differ.
#[derive(Clone, Copy, Debug)]
pub enum Tolerance {
    /// 0.01 or a millionth of the published figure, whichever is more.
    Cent,
    /// This much.
    Within(f64),
    Exact,
}

impl Tolerance {
    fn allowed(self, published: f64) -> f64 {
        match self {
            Self::Cent => (1e-6 * published.abs()).max(0.01),
            Self::Within(difference) => difference,
            Self::Exact => 0.0,
        }
    }
}

/// The result of one file.
#[derive(Debug, Default, Serialize)]
pub struct Score {
    pub cases: usize,
    pub passed: usize,
    /// Figures compared.
    pub figures: usize,
    /// In the file's currency.
    pub largest_error: f64,
    pub largest_error_at: String,
    /// Largest error over what was allowed.
    pub share_of_tolerance: f64,
    /// Compute units of the slowest case's dearest instruction.
    pub slowest_cu: u64,
    pub slowest_case: String,
    pub failures: Vec<String>,
    #[serde(skip)]
    case: String,
}

impl Score {
    /// Runs one case; it passes unless a figure disagrees or the program refuses it.
    pub fn case(&mut self, name: &str, run: impl FnOnce(&mut Self) -> anyhow::Result<()>) {
        self.cases += 1;
        name.clone_into(&mut self.case);
        let failures = self.failures.len();
        let figures = self.figures;
        match run(self) {
            Err(error) => self.failures.push(format!("{name}: {error:#}")),
            Ok(()) if self.figures == figures => self.failures.push(format!("{name}: no figure to compare")),
            Ok(()) => {}
        }
        self.passed += usize::from(self.failures.len() == failures);
    }

    /// Compares one figure.
    pub fn figure(&mut self, what: &str, ours: f64, published: f64, tolerance: Tolerance) {
        self.figures += 1;
        let error = (ours - published).abs();
        let at = format!("{} {what}", self.case);
        // A comparison that is false for what is not a number.
        let allowed = tolerance.allowed(published);
        if !(error <= allowed) {
            self.failures.push(format!("{at}: {ours} against {published}"));
        }
        if error > 0.0 {
            self.share_of_tolerance = self.share_of_tolerance.max(error / allowed);
        }
        if error > self.largest_error {
            (self.largest_error, self.largest_error_at) = (error, at);
        }
    }

    /// Takes the value out of a run and notes what it cost.
    pub fn spend<T>(&mut self, run: Run<T>) -> T {
        self.spent(run.compute_units);
        run.value
    }

    /// Notes what an instruction of the case cost.
    pub fn spent(&mut self, compute_units: Option<u64>) {
        let units = compute_units.unwrap_or(0);
        if units > self.slowest_cu {
            (self.slowest_cu, self.slowest_case) = (units, self.case.clone());
        }
    }
}

/// A figure for comparison only.
pub fn float(value: Decimal) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// Atoms of a token with this many decimals.
pub fn atoms(amount: i64, decimals: u8) -> f64 {
    amount as f64 / 10f64.powi(i32::from(decimals))
}

/// 1e-12 USD.
pub fn usd(amount: i128) -> f64 {
    amount as f64 / 1e12
}
