//! The default market and the words tests use for it.

use margin_client::{
    instructions::TradeLeg,
    presets::{self, MarginModel},
    pyth::{FeedId, feeds},
    state::{Instrument, InstrumentKind, SviParameters},
};

/// Time of the market: 2026-01-05 21:21:30 UTC.
pub const NOW: i64 = 1_767_648_090;
/// 2026-01-30 08:00 UTC.
pub const NEAR: i64 = 1_769_760_000;
/// 2026-03-27 08:00 UTC.
pub const FAR: i64 = 1_774_598_400;

/// Indices of the underlyings.
pub const BTC: u16 = 0;
pub const ETH: u16 = 1;
pub const SOL: u16 = 2;

/// Surface of one expiry: basis over spot, rate in 1e-10 and raw SVI in 1e-15.
#[derive(Clone, Copy, Debug)]
pub struct SurfaceSpec {
    pub expiry: i64,
    /// Forward over spot, in 1e-9.
    pub basis: u64,
    pub rate: i64,
    pub svi: [i64; 5],
}

impl SurfaceSpec {
    /// Forward at a spot, rounded down.
    #[must_use]
    pub fn forward(&self, spot: u64) -> u64 {
        (u128::from(spot) * u128::from(self.basis) / 1_000_000_000) as u64
    }

    #[must_use]
    pub fn parameters(&self, forward: u64, now: i64) -> SviParameters {
        let [a, b, rho, m, sigma] = self.svi;
        SviParameters { a, b, rho, m, sigma, forward, time: (self.expiry - now).unsigned_abs() }
    }
}

/// An underlying of the default market.
#[derive(Clone, Debug)]
pub struct Spec {
    pub index: u16,
    pub symbol: &'static str,
    pub feed: FeedId,
    pub spot: u64,
    pub lot_size: u64,
    pub model: MarginModel,
    pub surfaces: [SurfaceSpec; 2],
}

/// BTC, ETH and SOL with prices of 2026-01-05. Near surfaces of BTC and ETH are fits to quotes of that day, the others
/// round figures of the same shape.
#[must_use]
pub fn specs() -> [Spec; 3] {
    let near = |basis, svi| SurfaceSpec { expiry: NEAR, basis, rate: 400_000_000, svi };
    let far = |basis, svi| SurfaceSpec { expiry: FAR, basis, rate: 380_000_000, svi };
    let e12 = 1_000_000_000_000i64;
    [
        Spec {
            index: BTC,
            symbol: "BTC",
            feed: feeds::BTC_USD,
            spot: usd(94_128.89),
            lot_size: 10_000_000,
            model: presets::major(),
            surfaces: [
                near(
                    1_003_514_000,
                    [
                        -55_308_998_518_962,
                        124_314_337_931_202,
                        -323_973_409_159_180,
                        -148_243_182_576_226,
                        572_848_159_919_208,
                    ],
                ),
                far(1_011_000_000, [10 * e12, 120 * e12, -250 * e12, 0, 400 * e12]),
            ],
        },
        Spec {
            index: ETH,
            symbol: "ETH",
            feed: feeds::ETH_USD,
            spot: usd(3_240.67),
            lot_size: 100_000_000,
            model: presets::major(),
            surfaces: [
                near(
                    1_002_759_000,
                    [
                        -24_939_794_570_293,
                        104_911_605_915_435,
                        -95_937_578_395_706,
                        -11_189_653_083_142,
                        461_882_576_377_374,
                    ],
                ),
                far(1_010_000_000, [20 * e12, 150 * e12, -100 * e12, 0, 450 * e12]),
            ],
        },
        Spec {
            index: SOL,
            symbol: "SOL",
            feed: feeds::SOL_USD,
            spot: usd(137.0),
            lot_size: 1_000_000_000,
            model: presets::high_beta(),
            surfaces: [
                near(1_001_000_000, [6 * e12, 80 * e12, -50 * e12, 0, 400 * e12]),
                far(1_004_000_000, [25 * e12, 200 * e12, 0, 50 * e12, 500 * e12]),
            ],
        },
    ]
}

/// A price in 1e-12 USD, from at most six decimals.
#[must_use]
pub fn usd(price: f64) -> u64 {
    (price * 1e6).round() as u64 * 1_000_000
}

/// Quote atoms.
#[must_use]
pub fn usdc(amount: f64) -> u64 {
    (amount * 1e6).round() as u64
}

#[must_use]
pub fn call(underlying: u16, expiry: i64, strike: u64) -> Instrument {
    Instrument { underlying, expiry, strike: usd(strike as f64), kind: InstrumentKind::Call }
}

#[must_use]
pub fn put(underlying: u16, expiry: i64, strike: u64) -> Instrument {
    Instrument { kind: InstrumentKind::Put, ..call(underlying, expiry, strike) }
}

#[must_use]
pub fn digital_call(underlying: u16, expiry: i64, strike: u64) -> Instrument {
    Instrument { kind: InstrumentKind::DigitalCall, ..call(underlying, expiry, strike) }
}

#[must_use]
pub fn digital_put(underlying: u16, expiry: i64, strike: u64) -> Instrument {
    Instrument { kind: InstrumentKind::DigitalPut, ..call(underlying, expiry, strike) }
}

#[must_use]
pub fn perpetual(underlying: u16) -> Instrument {
    Instrument { underlying, expiry: 0, strike: 0, kind: InstrumentKind::Perpetual }
}

#[must_use]
pub fn future(underlying: u16, expiry: i64) -> Instrument {
    Instrument { underlying, expiry, strike: 0, kind: InstrumentKind::Future }
}

/// The taker buys `lots` at `price`, in USD for one unit of the underlying.
#[must_use]
pub fn buy(lots: i64, instrument: Instrument, price: f64) -> TradeLeg {
    TradeLeg { instrument, lots, price: usd(price) }
}

/// The taker sells.
#[must_use]
pub fn sell(lots: i64, instrument: Instrument, price: f64) -> TradeLeg {
    buy(-lots, instrument, price)
}

/// Lots of an instrument in an account; zero when there is no position.
#[must_use]
pub fn lots_of(account: &margin_client::state::MarginAccount, instrument: Instrument) -> i64 {
    account.position(&instrument).map_or(0, |position| position.lots)
}
