//! A market and a book, put together row by row.

use std::collections::BTreeMap;

use margin_core::portfolio::*;
use margin_core::{ExpiryInputs, Lots, Multiplier, Price, Rate, Scenario, Seconds, Svi, Usd, Vol, VolLevel};

/// 0.01 unit, in 1e-9.
pub const LOT_SIZE: u64 = 10_000_000;
pub const LOTS_PER_UNIT: f64 = 100.0;

pub struct Lab {
    pub parameters: RiskParameters,
    pub grid: Vec<GridScenario>,
    pub spot: Price,
    pub stable: Price,
    pub perpetual_confidence: Ratio,
    pub hedge: Usd,
    pub expiries: BTreeMap<i64, ExpiryMarket>,
    pub positions: Vec<BookPosition>,
}

impl Lab {
    /// No charges, factors of one, an unshocked grid.
    pub fn new(spot: Price) -> Self {
        let scan = ScanFactors { initial: Ratio::ONE, maintenance: Ratio::ONE, ..ScanFactors::default() };
        Self {
            parameters: RiskParameters { scan, ..RiskParameters::default() },
            grid: vec![GridScenario::UNSHOCKED],
            spot,
            stable: Price::ONE_USD,
            perpetual_confidence: Ratio::ONE,
            hedge: Usd(0),
            expiries: BTreeMap::new(),
            positions: Vec::new(),
        }
    }

    pub fn scenario(&mut self, spot: Multiplier, vol: VolLevel) -> &mut GridScenario {
        let shock = Scenario::new(spot, vol).unwrap();
        self.grid.push(GridScenario { shock, ..GridScenario::UNSHOCKED });
        self.grid.last_mut().unwrap()
    }

    /// An expiry whose smile is flat; it is named by its time.
    pub fn expiry(&mut self, time: Seconds, forward: Price, vol: Vol, rate: Rate) -> i64 {
        let years = time.0 as f64 / 31_536_000.0;
        let vol = vol.0 as f64 / 1e8;
        let a = (vol * vol * years * 1e15).round() as i64;
        let svi = Svi { a, b: 0, rho: 0, m: 0, sigma: 1_000_000_000, forward, time };
        let inputs = ExpiryInputs { forward, fixed: Price(0), time, rate };
        self.expiries.insert(time.0 as i64, ExpiryMarket { inputs, surface: svi.into(), confidence: Ratio::ONE });
        time.0 as i64
    }

    pub fn hold(&mut self, kind: InstrumentKind, expiry: i64, strike: Price, lots: Lots) -> &mut Self {
        self.positions.push(BookPosition { kind, expiry, strike, lots, settled_value: Usd(0) });
        self
    }

    /// A perpetual settled at today's price.
    pub fn perpetual(&mut self, lots: Lots) -> &mut Self {
        self.hold(InstrumentKind::Perpetual, 0, Price(0), lots);
        self.positions.last_mut().unwrap().settled_value = lots_value(lots, self.spot, LOT_SIZE).unwrap();
        self
    }

    pub fn market(&self) -> Market<'_> {
        Market {
            spot: self.spot,
            perpetual: self.spot,
            stable: self.stable,
            lot_size: LOT_SIZE,
            spot_confidence: Ratio::ONE,
            perpetual_confidence: self.perpetual_confidence,
            hedge: self.hedge,
            parameters: &self.parameters,
            scenarios: &self.grid,
        }
    }

    pub fn surface(&self) -> impl Fn(i64) -> Result<ExpiryMarket, MarginError> + '_ {
        |expiry| Ok(self.expiries[&expiry])
    }

    pub fn book(&self) -> impl Iterator<Item = BookPosition> + Clone + '_ {
        self.positions.iter().copied()
    }

    pub fn assess(&self) -> UnderlyingRisk {
        self.assess_with_profits().0
    }

    pub fn greeks(&self) -> NetGreeks {
        let mut scratch = Scratch::new();
        let risk = assess_underlying(&self.market(), self.book(), self.surface(), Detail::Greeks, &mut scratch);
        risk.unwrap().greeks
    }

    /// Also the weighted profit of each scenario.
    pub fn assess_with_profits(&self) -> (UnderlyingRisk, Vec<Usd>) {
        let mut scratch = Scratch::new();
        let risk = assess_underlying(&self.market(), self.book(), self.surface(), Detail::Margin, &mut scratch);
        let profits = scratch.profits(LOT_SIZE).map(Result::unwrap).collect();
        (risk.unwrap(), profits)
    }
}
