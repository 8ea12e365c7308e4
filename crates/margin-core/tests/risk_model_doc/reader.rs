//! What a reader computes: the formulas in floating point, from nothing else.

pub use std::f64::consts::PI;

/// Standard normal density.
pub fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / (2.0 * PI).sqrt()
}

/// Standard normal distribution by Simpson's rule on the density; error below 1e-13.
pub fn normal(x: f64) -> f64 {
    if x.abs() > 12.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let steps = 2_000;
    let h = x / f64::from(steps);
    let inner: f64 = (1..steps).map(|i| density(f64::from(i) * h) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
    0.5 + (density(0.0) + inner + density(x)) * h / 3.0
}

/// A European option.
#[derive(Clone, Copy)]
pub struct Black {
    pub forward: f64,
    pub strike: f64,
    pub vol: f64,
    pub years: f64,
    pub rate: f64,
}

impl Black {
    pub fn deviation(&self) -> f64 {
        self.vol * self.years.sqrt()
    }

    pub fn d1(&self) -> f64 {
        (self.forward / self.strike).ln() / self.deviation() + self.deviation() / 2.0
    }

    pub fn d2(&self) -> f64 {
        self.d1() - self.deviation()
    }

    pub fn discount(&self) -> f64 {
        (-self.rate * self.years).exp()
    }

    pub fn call(&self) -> f64 {
        self.discount() * (self.forward * normal(self.d1()) - self.strike * normal(self.d2()))
    }

    pub fn put(&self) -> f64 {
        self.call() - self.discount() * (self.forward - self.strike)
    }

    /// The forward times `factor`.
    pub fn moved(self, factor: f64) -> Self {
        Self { forward: self.forward * factor, ..self }
    }

    pub fn with_vol(self, vol: f64) -> Self {
        Self { vol, ..self }
    }

    /// Of the call, for +100 % of spot.
    pub fn cash_delta(&self) -> f64 {
        self.discount() * self.forward * normal(self.d1())
    }

    pub fn cash_gamma(&self) -> f64 {
        self.discount() * self.forward * density(self.d1()) / self.deviation()
    }

    pub fn vega(&self) -> f64 {
        self.discount() * self.forward * density(self.d1()) * self.years.sqrt()
    }
}
