//! Time, prices and publications.

use margin_client::{addresses, instructions::PerpetualPublish};
use solana_instruction::Instruction;
use tests_svm::{FAR, NEAR, NOW, Spec, SurfaceSpec, specs};

use crate::{desk::Desk, liquidation};

impl Desk {
    /// The surface of an expiry today: the fitted one of the nearer date, with its variance and basis in proportion to time.
    fn surface(&self, spec: &Spec, expiry: i64) -> SurfaceSpec {
        let left = expiry - self.world.now();
        let [near, far] = spec.surfaces;
        let (of, date) = if left < 40 * 86_400 { (near, NEAR) } else { (far, FAR) };
        let share = |value: i64| (i128::from(value) * i128::from(left) / i128::from(date - NOW)) as i64;
        let [a, b, rho, m, sigma] = of.svi;
        let basis = 1_000_000_000 + share(of.basis as i64 - 1_000_000_000).unsigned_abs();
        SurfaceSpec { expiry, basis, rate: of.rate, svi: [share(a), share(b), rho, m, sigma] }
    }

    /// Expiries of an underlying that have not passed, published or not.
    pub fn live(&self, underlying: u16) -> Vec<i64> {
        let now = self.world.now();
        let market = self.world.underlying(underlying);
        market.listed_expiries().iter().map(|slot| slot.expiry).filter(|expiry| *expiry > now).collect()
    }

    /// Moves a price, if it stays between a half and twice what it was at first, where strikes are.
    fn move_price(&mut self, underlying: u16, factor: f64) {
        let spec = &specs()[usize::from(underlying)];
        let moved = self.world.spot(&spec.feed) as f64 * factor;
        if (0.5..2.0).contains(&(moved / spec.spot as f64)) {
            self.world.shock(underlying, factor);
        }
    }

    /// Every listed series: (underlying, expiry).
    pub fn series(&self) -> Vec<(u16, i64)> {
        let of = |spec: Spec| {
            let market = self.world.underlying(spec.index);
            let expiries: Vec<i64> = market.listed_expiries().iter().map(|slot| slot.expiry).collect();
            expiries.into_iter().map(move |expiry| (spec.index, expiry))
        };
        specs().into_iter().flat_map(of).collect()
    }

    /// Posts all prices and publishes all surfaces and marks, as of now.
    #[track_caller]
    pub fn republish(&mut self) {
        self.world.refresh_prices();
        for spec in specs() {
            let surfaces = self.live(spec.index).into_iter().map(|expiry| self.surface(&spec, expiry));
            let mut all: Vec<Instruction> =
                surfaces.map(|surface| self.world.publication(&spec, &surface).instruction()).collect();
            let basis = 1_000_000_000 + self.rng.within(-3_000_000, 3_000_000);
            let mark: PerpetualPublish = self.world.perpetual_publication(&spec, basis.unsigned_abs());
            all.push(mark.instruction());
            self.attempt("surface_publish", &all, &[]).unwrap_or_else(|error| panic!("publication: {error}"));
        }
    }
}

/// Prices as of now; most of the time surfaces as well.
pub fn publish(desk: &mut Desk) {
    if desk.rng.one_in(4) { desk.world.refresh_prices() } else { desk.republish() }
}

/// Seconds, hours, or up to the end of the next series; once in a while nobody publishes afterwards.
pub fn pass_time(desk: &mut Desk) {
    let now = desk.world.now();
    let next = desk.series().into_iter().map(|(_, expiry)| expiry).filter(|expiry| *expiry > now).min();
    let seconds = match (desk.rng.within(0, 9), next) {
        (0..=4, _) => desk.rng.within(1, 120),
        (5..=6, _) => desk.rng.within(300, 7_200),
        (7..=8, Some(expiry)) if expiry - now < 4 * 86_400 => (expiry - now - 1_800).max(60) + desk.rng.within(0, 900),
        (9, Some(expiry)) if expiry - now < 2 * 86_400 => expiry - now + desk.rng.within(0, 60),
        _ => desk.rng.within(60, 600),
    };
    desk.world.advance(seconds);
    if !desk.rng.one_in(6) {
        desk.republish();
    }
}

/// Moves one price, most by a little.
pub fn shock(desk: &mut Desk) {
    let underlying = desk.rng.pick(&[0, 1, 2]);
    let percent = match desk.rng.within(0, 9) {
        0 => 15,
        1..=3 => 6,
        _ => 2,
    };
    let factor = 1.0 + desk.rng.within(-percent * 100, percent * 100) as f64 / 10_000.0;
    desk.move_price(underlying, factor);
}

/// Moves prices against a trader until he can be liquidated, or eight times.
pub fn squeeze(desk: &mut Desk) {
    desk.republish();
    let trader = desk.trader();
    for _ in 0..8 {
        let positions = desk.world.account(&trader).positions().to_vec();
        let Some(before) = desk.surplus_of(&trader).filter(|surplus| *surplus >= 0 && !positions.is_empty()) else {
            break;
        };
        let underlying = desk.rng.pick(&positions).underlying;
        let up = desk.rng.one_in(2);
        desk.move_price(underlying, if up { 1.04 } else { 0.96 });
        if desk.surplus_of(&trader).is_some_and(|after| after > before) {
            // The other way hurts.
            desk.move_price(underlying, if up { 0.92 } else { 1.08 });
        }
    }
    liquidation::start(desk);
    liquidation::bid(desk);
}

pub fn update_funding(desk: &mut Desk) {
    let underlying = desk.rng.pick(&[0, 1, 2]);
    let mut update = desk.world.funding_update(underlying);
    if desk.rng.one_in(10) {
        // Another underlying's price.
        update.underlying = addresses::underlying(&desk.world.engine, (underlying + 1) % 3);
    }
    let _ = desk.attempt("funding_update", &[update.instruction()], &[]);
}
