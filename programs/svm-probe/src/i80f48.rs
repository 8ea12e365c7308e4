//! The plain way: Black-Scholes in I80F48, as a program without a kernel would write it. Measured for comparison.

use fixed::types::I80F48;

fn constant(numerator: i128, denominator: i128) -> I80F48 {
    I80F48::from_bits((numerator << 48) / denominator)
}

/// ln x by halving into [0.75, 1.5) and the series of 2 atanh((x - 1)/(x + 1)).
fn ln(x: I80F48) -> I80F48 {
    let ln_2 = constant(693_147_180_559_945_309, 1_000_000_000_000_000_000);
    let (mut m, mut exponent) = (x, I80F48::ZERO);
    while m >= constant(3, 2) {
        m /= I80F48::from_num(2);
        exponent += I80F48::ONE;
    }
    while m < constant(3, 4) {
        m *= I80F48::from_num(2);
        exponent -= I80F48::ONE;
    }
    let y = (m - I80F48::ONE) / (m + I80F48::ONE);
    let square = y * y;
    let (mut power, mut sum) = (y, y);
    for odd in [3, 5, 7, 9, 11, 13, 15] {
        power *= square;
        sum += power / I80F48::from_num(odd);
    }
    sum * I80F48::from_num(2) + exponent * ln_2
}

/// e^x for x <= 0 by halving six times, Taylor, and squaring.
fn exp(x: I80F48) -> I80F48 {
    if x < I80F48::from_num(-32) {
        return I80F48::ZERO;
    }
    let r = x / I80F48::from_num(64);
    let (mut term, mut sum) = (I80F48::ONE, I80F48::ONE);
    for n in 1..=8 {
        term = term * r / I80F48::from_num(n);
        sum += term;
    }
    for _ in 0..6 {
        sum *= sum;
    }
    sum
}

/// Normal CDF by the five-term rational approximation 26.2.17 of Abramowitz and Stegun (error 7.5e-8).
fn cdf(x: I80F48) -> I80F48 {
    const SCALE: i128 = 1_000_000_000;
    let a = x.abs();
    let t = I80F48::ONE / (I80F48::ONE + constant(231_641_900, SCALE) * a);
    let mut polynomial = I80F48::ZERO;
    for coefficient in [1_330_274_429, -1_821_255_978, 1_781_477_937, -356_563_782, 319_381_530] {
        polynomial = (polynomial + constant(coefficient, SCALE)) * t;
    }
    let density = exp(-a * a / I80F48::from_num(2)) * constant(398_942_280, SCALE);
    let tail = density * polynomial;
    if x < I80F48::ZERO { tail } else { I80F48::ONE - tail }
}

/// Black-Scholes call: S N(d1) - K e^(-rT) N(d2); time in years.
pub(crate) fn call(spot: I80F48, strike: I80F48, rate: I80F48, vol: I80F48, years: I80F48) -> I80F48 {
    let deviation = vol * years.sqrt();
    let d1 = (ln(spot / strike) + (rate + vol * vol / I80F48::from_num(2)) * years) / deviation;
    let d2 = d1 - deviation;
    spot * cdf(d1) - strike * exp(-rate * years) * cdf(d2)
}
