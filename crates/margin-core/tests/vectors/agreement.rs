//! The published tolerance, and the largest error seen.

/// 1e-6 relative or 0.01 USD, as the venues' figures are compared with ours.
#[derive(Debug, Default)]
pub struct Agreement {
    figures: usize,
    /// Largest absolute error in USD, and where.
    worst: (f64, String),
    /// Largest error as a share of the tolerance.
    share: f64,
    failures: Vec<String>,
}

impl Agreement {
    pub fn check(&mut self, what: &str, ours: f64, published: f64) {
        self.figures += 1;
        let error = (ours - published).abs();
        if !(error <= 0.01 || error <= 1e-6 * published.abs()) {
            self.failures.push(format!("{what}: {ours} against {published}"));
        }
        self.share = self.share.max(error / (1e-6 * published.abs()).max(0.01));
        if error > self.worst.0 {
            self.worst = (error, what.to_owned());
        }
    }

    /// Prints the summary; panics where a figure disagrees.
    pub fn conclude(self, file: &str, cases: usize) {
        let Self { figures, worst, share, failures } = self;
        println!(
            "{file}: {cases} cases, {figures} figures, largest error {:.3e} USD ({}), at most {:.2} % of the tolerance",
            worst.0,
            worst.1,
            100.0 * share
        );
        assert!(
            failures.is_empty(),
            "{file}: {} of {figures} figures disagree:\n{}",
            failures.len(),
            failures.join("\n")
        );
        assert!(figures > 0, "{file}: no figures");
    }
}
