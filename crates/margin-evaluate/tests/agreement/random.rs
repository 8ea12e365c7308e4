//! Portfolios by chance: markets, models and books of every kind that the program accepts.

use margin_client::{
    decimal::{Decimal, Scaled},
    presets::{
        self, ModelFile,
        file::{Concentration, ConfidenceCharge, MinimumDelta, Mode, Roll, VegaTermStructure, VolShock},
    },
};
use margin_evaluate::*;

/// SplitMix64.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(0x5851_f42d_4c95_7f2d))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    fn signed(&mut self, most: u64) -> i64 {
        self.below(2 * most + 1) as i64 - most as i64
    }

    /// Once in `times`.
    pub fn chance(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// `price` times something between `least` and `most` thousandths, with every digit used.
    fn near(&mut self, price: u64, least: u64, most: u64) -> u64 {
        let share = self.between(least * 1_000_000_000, most * 1_000_000_000);
        (u128::from(price) * u128::from(share) / 1_000_000_000_000) as u64
    }

    fn confidence(&mut self) -> Ratio {
        Scaled(if self.chance(3) { self.below(1_000_000_001) } else { 1_000_000_000 })
    }
}

const NOW: i64 = 1_767_225_600;
const LIVES: [i64; 9] = [-3_600, 60, 900, 3_600, 86_400, 604_800, 2_592_000, 15_552_000, 34_560_000];

pub fn portfolio(rng: &mut Rng) -> Portfolio {
    let mode = [Mode::Portfolio, Mode::Isolated, Mode::Standard][if rng.chance(2) { 0 } else { rng.below(3) as usize }];
    let count = rng.between(1, 5);
    let underlyings: Vec<Underlying> = (0..count).map(|number| underlying(rng, number, mode)).collect();
    let collaterals: Vec<Collateral> = (0..rng.below(4)).map(|number| collateral(rng, number, &underlyings)).collect();
    let balances = collaterals.iter().filter_map(|token| {
        let amount = Decimal::new(i128::from(rng.between(1, 50_000_000_000)), -6);
        (!rng.chance(3)).then(|| Balance { symbol: token.symbol.clone(), amount })
    });
    let balances = balances.collect();
    let decimals = rng.pick(&[6, 6, 6, 2, 9]);
    let price = rng.chance(3).then(|| Scaled(rng.near(1_000_000_000_000, 900, 1_010)));
    Portfolio {
        time: NOW,
        quote: Quote { decimals, price, confidence: rng.confidence() },
        correlation: rng.chance(3).then(|| correlation(rng)),
        account: Account {
            mode,
            cash: Decimal::new(i128::from(rng.signed(1_000_000_000_000_000)), -8),
            balances,
            positions: positions(rng, &underlyings, mode),
        },
        underlyings,
        collaterals,
    }
}

fn underlying(rng: &mut Rng, number: u64, mode: Mode) -> Underlying {
    let scale = rng.pick(&[20_000_000_000u64, 1_500_000_000_000, 150_000_000_000_000, 100_000_000_000_000_000]);
    let spot = rng.near(scale, 500, 1_500);
    let mut lives: Vec<i64> = LIVES.to_vec();
    let expiries = (0..rng.below(5)).map(|_| {
        let life = lives.swap_remove(rng.below(lives.len() as u64) as usize);
        expiry(rng, life, spot)
    });
    let expiries = expiries.collect();
    Underlying {
        symbol: format!("U{number}"),
        spot: Scaled(spot),
        confidence: rng.confidence(),
        perpetual: (!rng.chance(3))
            .then(|| Perpetual { mark: Scaled(rng.near(spot, 950, 1_050)), confidence: rng.confidence() }),
        lot_size: Scaled(rng.pick(&[1_000, 1_000_000, 10_000_000, 1_000_000_000])),
        settlement_window: rng.pick(&[0, 1_800, 3_600]),
        model: model(rng, mode),
        expiries,
    }
}

fn expiry(rng: &mut Rng, life: i64, spot: u64) -> Expiry {
    let left = life.max(1) as u128;
    // A level of vol between 20 % and 150 %, as total variance in 1e-15.
    let vol = u128::from(rng.between(200, 1_500));
    let variance = (vol * vol * left * 1_000_000_000 / 31_536_000) as i64;
    let svi = Svi {
        a: Scaled(variance / 2),
        b: Scaled(rng.between(0, variance.max(1) as u64) as i64),
        rho: Scaled(rng.signed(700_000_000_000_000)),
        m: Scaled(rng.signed(100_000_000_000_000)),
        sigma: Scaled(rng.between(10_000_000_000_000, 500_000_000_000_000) as i64),
        forward: rng.chance(4).then(|| Scaled(rng.near(spot, 980, 1_020))),
        time: rng.chance(4).then_some(life.max(1) as u64 + 60),
    };
    Expiry {
        expiry: Moment::FromNow(life),
        forward: (!rng.chance(4)).then(|| Scaled(rng.near(spot, 950, 1_100))),
        rate: Scaled(rng.signed(1_000_000_000)),
        svi: Some(svi),
        confidence: rng.confidence(),
        observed_average: rng.chance(2).then(|| Scaled(rng.near(spot, 970, 1_030))),
    }
}

/// A preset, or one with other rules switched on.
fn model(rng: &mut Rng, mode: Mode) -> ModelSource {
    let names: &[&str] = if mode == Mode::Standard {
        &["major", "high-beta", "derive-srm", "paradex-pm"]
    } else {
        &["major", "high-beta", "derive-pmrm2", "derive-pmrm2", "paradex-pm", "span-16"]
    };
    let name = rng.pick(names);
    if rng.chance(2) {
        return ModelSource::Preset(name.to_owned());
    }
    let mut file: ModelFile = presets::preset(name).unwrap();
    let parameters = &mut file.parameters;
    if rng.chance(3) {
        let hedged = rng.below(20_000_000);
        parameters.minimum_delta = MinimumDelta { unhedged: Scaled(hedged + 10_000_000), hedged: Scaled(hedged) };
    }
    if rng.chance(3) {
        let [min_move, annual_move] = [share(rng, 20_000_000), share(rng, 90_000_000)];
        parameters.roll = Roll { min_move, annual_move, gross: rng.chance(2) };
    }
    if rng.chance(3) {
        parameters.vega = VegaTermStructure { range: share(rng, 300_000_000), offset: share(rng, 1_000_000_000) };
    }
    if rng.chance(3) {
        parameters.concentration = Concentration {
            delta_depth: share(rng, 1_000_000_000_000),
            delta_rate: share(rng, 500_000_000),
            vega_depth: share(rng, 1_000_000_000_000),
            vega_rate: share(rng, 500_000_000),
            max_rate: share(rng, 500_000_000),
        };
    }
    if rng.chance(3) {
        let factor = share(rng, 1_000_000_000);
        parameters.confidence = ConfidenceCharge { threshold: share(rng, 1_000_000_000), factor };
    }
    parameters.scan.shortfall_count = Scaled(rng.pick(&[0, 0, 1, 3, 7]));
    parameters.scan.scales_charges = rng.chance(3);
    if rng.chance(4) {
        parameters.scan.gain_haircut = share(rng, 1_000_000_000);
    }
    if rng.chance(4) {
        parameters.scan.extended_range = Scaled(180_000_000);
        parameters.scan.extended_dampener = share(rng, 100_000_000_000);
        let tail = |scenario: &presets::file::Scenario| scenario.spot.0.abs_diff(1_000_000_000) > 250_000_000;
        for scenario in file.scenarios.iter_mut().filter(|scenario| tail(scenario)) {
            scenario.extended = true;
        }
    }
    if rng.chance(4) {
        parameters.unrealised_profit_cap = Some(share(rng, 1_000_000_000_000));
    }
    ModelSource::Inline(Box::new(file))
}

/// Below `most`, in units of any scale.
fn share<const PLACES: u32>(rng: &mut Rng, most: u64) -> Scaled<u64, PLACES> {
    Scaled(rng.below(most))
}

fn collateral(rng: &mut Rng, number: u64, underlyings: &[Underlying]) -> Collateral {
    let link = rng.pick(&[Link::None, Link::Index, Link::CancelsRisk]);
    let chosen = &underlyings[rng.below(underlyings.len() as u64) as usize];
    let price = if link == Link::None { rng.near(1_000_000_000_000, 900, 1_100) } else { chosen.spot.0 };
    let maintenance = rng.below(500_000_000) as u32;
    Collateral {
        symbol: format!("T{number}"),
        decimals: rng.pick(&[6, 8, 9]),
        price: Scaled(price),
        confidence: rng.confidence(),
        haircuts: Haircuts { maintenance: Scaled(maintenance), initial: Scaled(rng.below(500_000_000) as u32) },
        confidence_charge: ConfidenceCharge {
            threshold: Scaled(rng.below(1_000_000_000)),
            factor: Scaled(rng.below(1_000_000_000)),
        },
        link,
        underlying: (link != Link::None).then(|| chosen.symbol.clone()),
    }
}

fn correlation(rng: &mut Rng) -> Correlation {
    let scenario = |rng: &mut Rng| FactorScenario {
        market_move: Scaled(rng.signed(300_000_000)),
        vol: rng.pick(&[VolShock::Up, VolShock::None, VolShock::Down]),
        weight: Scaled(rng.between(1, 1_000_000_000)),
    };
    Correlation {
        floor: Scaled(rng.below(1_000_000_001)),
        scenarios: (0..rng.between(1, 9)).map(|_| scenario(rng)).collect(),
    }
}

fn positions(rng: &mut Rng, underlyings: &[Underlying], mode: Mode) -> Vec<Position> {
    let only = (mode == Mode::Isolated).then(|| rng.below(underlyings.len() as u64) as usize);
    let wanted = if rng.chance(10) { 40 } else { rng.below(14) };
    let mut book: Vec<Position> = Vec::new();
    for _ in 0..wanted {
        let index = only.unwrap_or_else(|| rng.below(underlyings.len() as u64) as usize);
        let underlying = &underlyings[index];
        let digitals = [Kind::DigitalCall, Kind::DigitalPut];
        let others = [Kind::Call, Kind::Put, Kind::Call, Kind::Put, Kind::Future, Kind::Perpetual];
        // A large book of them, seen under a market factor, passes what a transaction may compute.
        let kind = if wanted < 14 && rng.chance(4) { rng.pick(&digitals) } else { rng.pick(&others) };
        let expiry = match (kind, underlying.expiries.len()) {
            (Kind::Perpetual, _) => None,
            (_, 0) => continue,
            (_, count) => Some(underlying.expiries[rng.below(count as u64) as usize].expiry),
        };
        let is_option = kind.is_option();
        let strike = is_option.then(|| Scaled(rng.near(underlying.spot.0, 500, 1_800)));
        let lots = match rng.signed(3_000) {
            0 => 1,
            lots => lots,
        };
        let quantity = Decimal::new(i128::from(lots) * i128::from(underlying.lot_size.0), -9);
        let (mut entry, mut settled_value) = (None, None);
        if !is_option && rng.chance(2) {
            entry = Some(Scaled(rng.near(underlying.spot.0, 800, 1_200)));
        } else if !is_option {
            settled_value = Some(Decimal::new(i128::from(rng.signed(1_000_000_000)), -4));
        }
        let position =
            Position { underlying: underlying.symbol.clone(), kind, expiry, strike, quantity, entry, settled_value };
        let same = |other: &Position| {
            (&other.underlying, other.kind, other.expiry, other.strike)
                == (&position.underlying, position.kind, position.expiry, position.strike)
        };
        if !book.iter().any(same) {
            book.push(position);
        }
    }
    book
}
