//! The margin model in floating point, written from its formulas and sharing no code with the program: Black-76 by
//! the normal distribution's rational series, raw SVI, and full revaluation in every scenario.

use std::collections::BTreeMap;

use margin_client::state::{
    Collateral, CorrelationModel, ExpirySlot, InstrumentKind, MarginAccount, Position, Scenario, SviParameters,
    Underlying, VolShock,
};

const YEAR: f64 = 31_536_000.0;
const THIRTY_DAYS: f64 = 2_592_000.0;

/// Equity and requirements in USD.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub equity: f64,
    pub initial_margin: f64,
    pub maintenance_margin: f64,
    /// Sum of the absolute values that make up equity: the scale of its rounding error.
    pub gross: f64,
}

/// Parts of the scan risk across underlyings, in USD.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossFigures {
    pub systematic: f64,
    pub idiosyncratic: f64,
    pub stand_alone: f64,
    pub scan_risk: f64,
}

/// A market at one moment.
pub struct Reference<'a> {
    /// Underlyings and their spots in USD by index.
    pub underlyings: BTreeMap<u16, (&'a Underlying, f64)>,
    /// Collaterals and their prices in USD by index.
    pub collaterals: BTreeMap<u16, (&'a Collateral, f64)>,
    pub quote_decimals: u8,
    pub now: i64,
}

impl Reference<'_> {
    /// Margin of an account.
    #[must_use]
    pub fn figures(&self, account: &MarginAccount) -> Figures {
        let atom = 10f64.powi(-i32::from(self.quote_decimals));
        let cash = account.cash().to_num::<f64>() * atom;
        let mut figures = Figures { equity: cash, gross: cash.abs(), ..Figures::default() };
        for balance in account.balances() {
            let (listing, price) = self.collaterals[&balance.collateral];
            let value = balance.amount as f64 * 10f64.powi(-i32::from(listing.decimals)) * price;
            let maintenance = value * ratio(u64::from(listing.haircuts.maintenance));
            figures.equity += value;
            figures.gross += value;
            figures.maintenance_margin += maintenance;
            figures.initial_margin += maintenance + value * ratio(u64::from(listing.haircuts.initial));
        }
        for (index, (underlying, spot)) in &self.underlyings {
            let positions: Vec<_> = account.positions().iter().filter(|p| p.underlying == *index).collect();
            if !positions.is_empty() {
                self.add_underlying(&mut figures, underlying, *spot, &positions, atom);
            }
        }
        figures
    }

    fn add_underlying(&self, figures: &mut Figures, state: &Underlying, spot: f64, book: &[&Position], atom: f64) {
        let risk = &state.risk;
        let unit = lot(state);
        let mut marks = 0.0;
        let mut perpetual = 0.0;
        let mut naked = BTreeMap::<(i64, u64), f64>::new();
        let options = self.options(state, spot, book);
        for position in book {
            let quantity = position.lots as f64 * unit;
            if position.kind == InstrumentKind::Perpetual as u8 {
                perpetual += quantity;
                marks += quantity * spot - position.settled_value as f64 * atom;
                figures.gross += (quantity * spot).abs();
            } else if !is_digital(position) {
                *naked.entry((position.expiry, position.strike)).or_default() += quantity;
            }
        }
        for option in &options {
            let mark = option.quantity * option.value(1.0, option.vol);
            marks += mark;
            figures.gross += mark.abs();
        }
        let scenarios = &state.scenarios[..usize::from(state.scenario_count)];
        let loss = -self.profits(state, spot, book, scenarios).into_iter().fold(0.0, f64::min);
        let naked: f64 = naked.values().map(|net| (-net).max(0.0)).sum::<f64>() * spot;
        let perpetual = perpetual.abs() * spot;
        let digitals = Digitals::new(&options, state);
        let naked_digitals = digitals.naked * ratio(risk.charges.short_option_maintenance);
        let maintenance_charges = perpetual * ratio(risk.charges.perpetual_maintenance)
            + naked * ratio(risk.charges.short_option_maintenance)
            + naked_digitals
            + digitals.gap;
        let initial_charges = perpetual * ratio(risk.charges.perpetual_initial)
            + (naked + digitals.naked) * ratio(risk.charges.short_option_initial);
        figures.equity += marks;
        figures.maintenance_margin += ratio(risk.scan.maintenance) * loss + maintenance_charges;
        figures.initial_margin += ratio(risk.scan.initial) * loss + maintenance_charges + initial_charges;
    }

    fn options(&self, state: &Underlying, spot: f64, book: &[&Position]) -> Vec<OptionLeg> {
        book.iter().filter_map(|position| self.option(state, spot, position, lot(state))).collect()
    }

    /// Weighted profit of options and perpetuals in each scenario.
    fn profits(&self, state: &Underlying, spot: f64, book: &[&Position], scenarios: &[Scenario]) -> Vec<f64> {
        let options = self.options(state, spot, book);
        let linear = book.iter().filter(|position| position.kind == InstrumentKind::Perpetual as u8);
        let perpetual: f64 = linear.map(|position| position.lots as f64 * lot(state)).sum();
        let profit = |scenario: &Scenario| {
            let move_ = scenario.spot as f64 * 1e-9;
            let shocked: f64 = options
                .iter()
                .map(|o| o.quantity * (o.value(move_, o.shocked_vol(&state.risk, scenario)) - o.value(1.0, o.vol)))
                .sum();
            ratio(u64::from(scenario.weight)) * (shocked + perpetual * spot * (move_ - 1.0))
        };
        scenarios.iter().map(profit).collect()
    }

    /// Scan risk across underlyings, every part a loss.
    #[must_use]
    pub fn cross(&self, account: &MarginAccount, model: &CorrelationModel) -> CrossFigures {
        let mut sums = vec![0.0; model.scenarios().len()];
        let (mut squares, mut stand_alone) = (0.0, 0.0);
        for (index, (state, spot)) in &self.underlyings {
            let book: Vec<_> = account.positions().iter().filter(|p| p.underlying == *index).collect();
            let loss =
                |scenarios: &[Scenario]| -self.profits(state, *spot, &book, scenarios).into_iter().fold(0.0, f64::min);
            let (beta, residual) = (state.exposure.beta as f64 * 1e-9, ratio(state.exposure.residual));
            let scaled = |by: f64, change: f64| ((1.0 + by * change).clamp(0.01, 8.0) * 1e9).round() as u64;
            let factors: Vec<_> = model
                .scenarios()
                .iter()
                .map(|factor| Scenario {
                    spot: scaled(beta, factor.market_move as f64 * 1e-9),
                    weight: 1_000_000_000,
                    vol: factor.vol,
                    ..Scenario::default()
                })
                .collect();
            for (sum, profit) in sums.iter_mut().zip(self.profits(state, *spot, &book, &factors)) {
                *sum += profit;
            }
            let own = state.scenarios();
            let shrunk: Vec<_> =
                own.iter().map(|s| Scenario { spot: scaled(residual, ratio(s.spot) - 1.0), ..*s }).collect();
            squares += loss(&shrunk).powi(2);
            stand_alone += loss(own);
        }
        let weighted = sums.iter().zip(model.scenarios()).map(|(sum, factor)| sum * ratio(factor.weight));
        let systematic = -weighted.fold(0.0, f64::min);
        let idiosyncratic = squares.sqrt();
        let scan_risk = (systematic + idiosyncratic).max(ratio(model.floor) * stand_alone);
        CrossFigures { systematic, idiosyncratic, stand_alone, scan_risk }
    }

    fn option(&self, state: &Underlying, spot: f64, position: &Position, unit: f64) -> Option<OptionLeg> {
        if position.kind == InstrumentKind::Perpetual as u8 {
            return None;
        }
        let slot: &ExpirySlot = state.expiries.iter().find(|slot| slot.expiry == position.expiry)?;
        let kind = InstrumentKind::from_byte(position.kind)?;
        let seconds = (position.expiry - self.now) as f64;
        let strike = position.strike as f64 * 1e-12;
        Some(OptionLeg {
            call: [InstrumentKind::Call, InstrumentKind::DigitalCall].contains(&kind),
            digital: is_digital(position),
            expiry: position.expiry,
            quantity: position.lots as f64 * unit,
            strike,
            forward: slot.forward as f64 / slot.spot_reference as f64 * spot,
            seconds,
            rate: (slot.rate as f64 * 1e-10).max(0.0),
            vol: svi_vol(&slot.svi, strike),
        })
    }
}

struct OptionLeg {
    call: bool,
    /// Pays one USD or nothing.
    digital: bool,
    expiry: i64,
    /// Units of the underlying, signed.
    quantity: f64,
    strike: f64,
    forward: f64,
    seconds: f64,
    rate: f64,
    vol: f64,
}

impl OptionLeg {
    /// Black-76 of one unit with the forward multiplied by `move_`.
    fn value(&self, move_: f64, vol: f64) -> f64 {
        let years = self.seconds / YEAR;
        let discount = (-self.rate * years).exp();
        let (forward, strike) = (self.forward * move_, self.strike);
        let deviation = vol * years.sqrt();
        let sign = if self.call { 1.0 } else { -1.0 };
        if self.digital {
            let d2 = (forward / strike).ln() / deviation - deviation / 2.0;
            return discount * normal(sign * d2);
        }
        if deviation == 0.0 {
            return discount * (sign * (forward - strike)).max(0.0);
        }
        let d1 = (forward / strike).ln() / deviation + deviation / 2.0;
        let d2 = d1 - deviation;
        discount * sign * (forward * normal(sign * d1) - strike * normal(sign * d2))
    }

    fn shocked_vol(&self, risk: &margin_client::state::RiskParameters, scenario: &Scenario) -> f64 {
        let power =
            ratio(if self.seconds <= THIRTY_DAYS { risk.vol.short_term_power } else { risk.vol.long_term_power });
        let tenor = (THIRTY_DAYS / self.seconds.max(risk.vol.tenor_floor as f64)).powf(power);
        match VolShock::from_byte(scenario.vol) {
            VolShock::None => self.vol,
            VolShock::Up => {
                (self.vol * (1.0 + ratio(risk.vol.range_up) * tenor)).max(risk.vol.min_vol_up as f64 * 1e-8)
            }
            // The default model has none.
            VolShock::SkewLinear | VolShock::SkewAbs => f64::NAN,
            VolShock::Down => self.vol * (1.0 - ratio(risk.vol.range_down) * tenor).max(0.0),
        }
    }
}

/// What digital options are charged beside their scan, in USD.
#[derive(Default)]
struct Digitals {
    /// The most that each strike pays out, added up.
    naked: f64,
    /// By how much the payoff of an expiry dips, at most, between two spots of the grid, added up.
    gap: f64,
}

impl Digitals {
    fn new(options: &[OptionLeg], state: &Underlying) -> Self {
        let mut digitals = Self::default();
        let mut expiries: Vec<i64> = options.iter().filter(|leg| leg.digital).map(|leg| leg.expiry).collect();
        expiries.dedup();
        for expiry in expiries {
            let legs: Vec<_> = options.iter().filter(|leg| leg.digital && leg.expiry == expiry).collect();
            let mut strikes: Vec<f64> = legs.iter().map(|leg| leg.strike).collect();
            strikes.dedup();
            for strike in &strikes {
                let net = |call| -> f64 {
                    legs.iter().filter(|leg| leg.strike == *strike && leg.call == call).map(|leg| leg.quantity).sum()
                };
                digitals.naked -= net(true).min(net(false)).min(0.0);
            }
            digitals.gap += gap(&legs, &strikes, state);
        }
        digitals
    }
}

/// The deepest dip of an expiry's payoff between neighbouring spots, by looking just above every strike.
fn gap(legs: &[&OptionLeg], strikes: &[f64], state: &Underlying) -> f64 {
    const JUST_ABOVE: f64 = 1.0 + 1e-13;
    let payoff = |settlement: f64| -> f64 {
        legs.iter().filter(|leg| (settlement > leg.strike) == leg.call).map(|leg| leg.quantity).sum()
    };
    let mut spots = BTreeMap::<u64, u32>::new();
    for scenario in state.scenarios() {
        let weight = spots.entry(scenario.spot).or_default();
        *weight = (*weight).max(scenario.weight);
    }
    let spots: Vec<_> = spots.iter().map(|(spot, weight)| (legs[0].forward * ratio(*spot), *weight)).collect();
    let mut deepest = 0.0f64;
    for pair in spots.windows(2) {
        let [(low, weight), (high, other)] = [pair[0], pair[1]];
        let seen = payoff(low).min(payoff(high));
        let inside = strikes.iter().map(|strike| strike * JUST_ABOVE).filter(|price| *price > low && *price < high);
        let dip = seen - inside.map(payoff).fold(seen, f64::min);
        deepest = deepest.max(dip * ratio(u64::from(weight.min(other))));
    }
    let least = strikes.iter().map(|strike| payoff(strike * JUST_ABOVE)).fold(payoff(0.0), f64::min);
    let discount = if least > 0.0 { (-legs[0].rate * legs[0].seconds / YEAR).exp() } else { 1.0 };
    let mark: f64 = legs.iter().map(|leg| leg.quantity * leg.value(1.0, leg.vol)).sum();
    deepest.min(mark - least * discount).max(0.0)
}

fn is_digital(position: &Position) -> bool {
    InstrumentKind::from_byte(position.kind).is_some_and(InstrumentKind::is_digital)
}

/// Units of the underlying in one lot.
fn lot(state: &Underlying) -> f64 {
    state.lot_size as f64 * 1e-9
}

fn ratio(billionths: u64) -> f64 {
    billionths as f64 * 1e-9
}

fn svi_vol(svi: &SviParameters, strike: f64) -> f64 {
    let [a, b, rho, m, sigma] = [svi.a, svi.b, svi.rho, svi.m, svi.sigma].map(|x| x as f64 * 1e-15);
    let wing = 4.0 * (a + b * sigma).sqrt();
    let k = (strike / (svi.forward as f64 * 1e-12)).ln().clamp(-wing, wing);
    let variance = a + b * (rho * (k - m) + (k - m).hypot(sigma));
    (variance / (svi.time as f64 / YEAR)).sqrt()
}

/// Standard normal distribution: Taylor's series of the density's integral near zero, the continued fraction of the
/// Mills ratio in the tails; together good to 1e-14.
fn normal(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if x.abs() < 4.0 {
        let (mut term, mut sum, mut n) = (x, x, 1.0);
        while term.abs() > 1e-17 * sum.abs() {
            n += 2.0;
            term *= x * x / n;
            sum += term;
        }
        return 0.5 + density * sum;
    }
    let z = x.abs();
    let fraction = (1..=60).rev().fold(z, |tail, n| z + f64::from(n) / tail);
    let tail = density / fraction;
    if x < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn normal_distribution_has_its_published_values() {
        for (x, want) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.96, 0.024_997_895_148_220_435),
            (-5.0, 2.866_515_718_791_933e-7),
            (3.9, 0.999_951_903_655_982_4),
            (-8.0, 6.220_960_574_271_785e-16),
        ] {
            let got = normal(x);
            assert!((got - want).abs() <= 1e-13 * want.max(1e-3), "N({x}) = {got}, not {want}");
        }
    }
}
