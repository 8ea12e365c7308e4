//! A raw SVI slice through the mark vols of one expiry.
//!
//! For a given (m, σ) total variance is linear in (a, bρ, b), so those come from weighted least squares; (m, σ) from a
//! search on a shrinking grid. No randomness: the same quotes give the same slice.

use anyhow::{Context, Result, ensure};
use margin_core::{Price, SVI_ONE, Seconds, Svi};

use crate::chain::OptionQuote;

const YEAR: f64 = 31_536_000.0;

/// A strike: k = ln(K/F), total variance and weight.
struct Point {
    k: f64,
    variance: f64,
    weight: f64,
}

#[derive(Clone, Copy)]
struct Candidate {
    a: f64,
    b: f64,
    rho: f64,
    m: f64,
    sigma: f64,
    error: f64,
}

/// Fits every listed strike; a strike weighs what its vega does.
pub fn svi(quotes: &[&OptionQuote], forward: Price, time: Seconds) -> Result<Svi> {
    let years = time.0 as f64 / YEAR;
    let points: Vec<Point> = quotes
        .iter()
        .map(|quote| {
            let (k, variance) = ((quote.strike / quote.forward).ln(), quote.mark_vol * quote.mark_vol * years);
            // Vega of a log-moneyness of d deviations, for errors in vol: dw = 2·vol·τ·dvol.
            let vega = (-k * k / (2.0 * variance)).exp();
            Point { k, variance, weight: vega / variance }
        })
        .collect();
    let deviation = points.iter().map(|point| point.variance).fold(f64::MAX, f64::min).sqrt();
    let (mut centre, mut width) = ((0.0, deviation.ln()), (deviation, 1.5));
    let mut best: Option<Candidate> = None;
    for _ in 0..60 {
        for step in 0..81 {
            let at = |index: i32| f64::from(index - 4) / 4.0;
            let (m, log_sigma) = (centre.0 + width.0 * at(step % 9), centre.1 + width.1 * at(step / 9));
            if let Some(candidate) = solve(&points, m, log_sigma.exp())
                && best.is_none_or(|best| candidate.error < best.error)
            {
                best = Some(candidate);
            }
        }
        let best = best.context("no slice fits")?;
        centre = (best.m, best.sigma.ln());
        width = (width.0 * 0.8, width.1 * 0.8);
    }
    let best = best.context("no slice fits")?;
    let unit = |value: f64| (value * SVI_ONE as f64).round() as i64;
    let svi = Svi {
        a: unit(best.a),
        b: unit(best.b),
        rho: unit(best.rho),
        m: unit(best.m),
        sigma: unit(best.sigma),
        forward,
        time,
    };
    ensure!(svi.prepare().is_ok(), "the kernel refuses the slice {svi:?}");
    Ok(svi)
}

/// Weighted least squares for (a, bρ, b).
fn solve(points: &[Point], m: f64, sigma: f64) -> Option<Candidate> {
    let mut normal = [[0.0f64; 4]; 3];
    for point in points {
        let x = point.k - m;
        let row = [1.0, x, x.hypot(sigma), point.variance];
        for (i, line) in normal.iter_mut().enumerate() {
            for (j, entry) in line.iter_mut().enumerate() {
                *entry += point.weight * row[i] * row[j];
            }
        }
    }
    for pivot in 0..3 {
        let scale = normal[pivot][pivot];
        if scale.abs() < 1e-300 {
            return None;
        }
        let lead = normal[pivot].map(|entry| entry / scale);
        normal[pivot] = lead;
        for (i, line) in normal.iter_mut().enumerate() {
            if i != pivot {
                let factor = line[pivot];
                line.iter_mut().zip(lead).for_each(|(entry, above)| *entry -= factor * above);
            }
        }
    }
    let (a, slope, b) = (normal[0][3], normal[1][3], normal[2][3]);
    let rho = slope / b;
    // A slice the kernel takes: positive wings and a positive least variance.
    if b <= 0.0 || rho.abs() >= 1.0 || a + b * sigma * (1.0 - rho * rho).sqrt() <= 0.0 {
        return None;
    }
    let square = |p: &Point| (a + b * (rho * (p.k - m) + (p.k - m).hypot(sigma)) - p.variance).powi(2) * p.weight;
    Some(Candidate { a, b, rho, m, sigma, error: points.iter().map(square).sum() })
}
