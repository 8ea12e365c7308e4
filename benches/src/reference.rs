//! Errors of value and Greeks over a reference file, on the host and in the SVM.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use margin_core::{Greeks, Price, Rate, Seconds, Vol};
use serde::{Deserialize, Serialize};
use svm_probe::{ReferenceCase, Request, Writer};

use crate::decimal::{fixed, number};
use crate::svm::Probe;

const YEAR: f64 = 31_536_000.0;
/// Density of the standard normal at zero.
const PEAK: f64 = 0.398_942_280_401_432_7;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

/// One case as stored: exact decimal strings.
#[derive(Deserialize)]
struct Case {
    #[serde(rename = "S")]
    spot: String,
    #[serde(rename = "K")]
    strike: String,
    #[serde(rename = "T")]
    seconds: u64,
    vol: String,
    r: String,
    call: String,
    put: String,
    delta_call: String,
    delta_put: String,
    gamma: String,
    vega: String,
    theta_call: String,
    theta_put: String,
    rho_call: String,
    rho_put: String,
    vanna: String,
    volga: String,
}

/// Largest normalised errors; see [`Errors::raise`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Errors {
    value: f64,
    delta: f64,
    gamma: f64,
    vega: f64,
    theta: f64,
    rho: f64,
    vanna: f64,
    volga: f64,
    #[serde(skip)]
    relative_value: f64,
}

const LIMITS: Errors = Errors {
    value: 2e-11,
    delta: 2e-10,
    gamma: 1e-9,
    vega: 1e-9,
    theta: 1e-8,
    rho: 1e-9,
    vanna: 1e-8,
    volga: 1e-8,
    relative_value: 1e-7,
};

#[derive(Serialize)]
struct Report {
    cases: usize,
    host_equals_svm: bool,
    max: Errors,
}

/// Prints the maxima; fails when host and SVM differ or a maximum passes its limit.
pub fn run(path: &Path, json: bool) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let file: File = serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))?;
    ensure!(!file.cases.is_empty(), "{} holds no case", path.display());
    let mut probe = Probe::load()?;
    let (mut max, mut host_equals_svm) = (Errors::default(), true);
    for (batch, cases) in file.cases.chunks(ReferenceCase::BATCH).enumerate() {
        let first = batch * ReferenceCase::BATCH;
        let mut request = Writer::request(Request::Reference);
        let mut units = Vec::with_capacity(cases.len());
        for (index, case) in cases.iter().enumerate() {
            let (input, unit) = case.to_kernel().with_context(|| format!("case {}", first + index))?;
            input.write(&mut request);
            units.push(unit);
        }
        let host = svm_probe::answer(&request.0)
            .map_err(|code| anyhow!("a case from {first} on is outside the kernel's domain: error {code:#x}"))?;
        host_equals_svm &= probe.ask(&request.0)? == host;
        for ((case, unit), answer) in cases.iter().zip(units).zip(host.chunks_exact(ReferenceCase::ANSWER)) {
            max.raise(case, unit, &ReferenceCase::parse(answer).context("short answer")?)
                .with_context(|| format!("a case from {first} on"))?;
        }
    }
    let report = Report { cases: file.cases.len(), host_equals_svm, max };
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    ensure!(host_equals_svm, "host and SVM differ");
    ensure!(max.within(&LIMITS), "accuracy limits passed: {max:?}");
    Ok(())
}

fn print(report: &Report) {
    println!("{} cases; host = SVM: {}", report.cases, report.host_equals_svm);
    for ((name, error), limit) in Errors::NAMES.iter().zip(report.max.all()).zip(LIMITS.all()) {
        println!("{name:<34} {error:>9.2e}   at most {limit:.0e}");
    }
}

impl Case {
    /// The case in kernel units and the value of one price unit.
    ///
    /// Values are homogeneous of degree one in (S, K), so both are expressed in the decimal unit that uses a
    /// [`Price`] best; otherwise the resolution of 1e-12 USD, not the kernel, would be measured on small prices.
    fn to_kernel(&self) -> Result<(ReferenceCase, f64)> {
        let larger = number(&self.spot)?.max(number(&self.strike)?);
        ensure!(larger > 0.0, "S and K must be positive");
        let places = 18 - larger.log10().floor() as i32; // larger * 10^places is in [1e18, 1e19)
        let price = |text: &str| -> Result<Price> { Ok(Price(u64::try_from(fixed(text, places)?)?)) };
        let case = ReferenceCase {
            spot: price(&self.spot)?,
            strike: price(&self.strike)?,
            time: Seconds(self.seconds),
            vol: Vol(u64::try_from(fixed(&self.vol, 8)?)?),
            rate: Rate(i64::try_from(fixed(&self.r, 10)?)?),
        };
        Ok((case, 10f64.powi(-places)))
    }
}

impl Errors {
    const NAMES: [&'static str; 9] = [
        "value / max(S, K)",
        "delta",
        "gamma S vol sqrt(tau)",
        "vega / S",
        "theta / scale",
        "rho / max(S, K)",
        "vanna vol",
        "volga vol / (S sqrt(tau))",
        "value, relative, above 1e-6 S",
    ];

    const fn all(&self) -> [f64; 9] {
        [
            self.value,
            self.delta,
            self.gamma,
            self.vega,
            self.theta,
            self.rho,
            self.vanna,
            self.volga,
            self.relative_value,
        ]
    }

    fn within(&self, limits: &Self) -> bool {
        self.all().iter().zip(limits.all()).all(|(error, limit)| *error <= limit)
    }

    /// Raises the maxima by one case. Natural scales: theta S phi(0) vol / (2 sqrt(tau)) + |r| K; vanna 1/vol;
    /// volga S sqrt(tau) / vol; gamma 1 / (S vol sqrt(tau)), so that its error is one of the density.
    fn raise(&mut self, case: &Case, unit: f64, kernel: &[(Price, Greeks); 2]) -> Result<()> {
        let (s, k, vol, r) = (number(&case.spot)?, number(&case.strike)?, number(&case.vol)?, number(&case.r)?);
        let root = (case.seconds as f64 / YEAR).sqrt();
        let q40 = |greek: i64| greek as f64 / (1u64 << margin_core::GREEK_BITS) as f64;
        let theta_scale = s * PEAK * vol / (2.0 * root) + r.abs() * k;
        for ((price, greeks), [value, delta, theta, rho]) in kernel.iter().zip([
            [&case.call, &case.delta_call, &case.theta_call, &case.rho_call],
            [&case.put, &case.delta_put, &case.theta_put, &case.rho_put],
        ]) {
            let exact = number(value)?;
            let error = (price.0 as f64 * unit - exact).abs();
            raise(&mut self.value, error / s.max(k));
            if exact > 1e-6 * s {
                raise(&mut self.relative_value, error / exact);
            }
            raise(&mut self.delta, q40(greeks.delta) - number(delta)?);
            raise(&mut self.gamma, (q40(greeks.gamma) - number(&case.gamma)? * s) * vol * root);
            raise(&mut self.vega, q40(greeks.vega) - number(&case.vega)? / s);
            raise(&mut self.theta, (q40(greeks.theta) * s - number(theta)?) / theta_scale);
            raise(&mut self.rho, (q40(greeks.rho) * s - number(rho)?) / s.max(k));
            raise(&mut self.vanna, (q40(greeks.vanna) - number(&case.vanna)?) * vol);
            raise(&mut self.volga, (q40(greeks.volga) - number(&case.volga)? / s) * vol / root);
        }
        Ok(())
    }
}

fn raise(slot: &mut f64, error: f64) {
    // A NaN must not pass for a small error.
    *slot = if error.is_nan() { f64::INFINITY } else { slot.max(error.abs()) };
}
