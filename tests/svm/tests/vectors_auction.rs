//! Derive's published auctions (`vectors/derive_dutch_auction.json`) through the program: figures before each bid, the largest
//! fraction, the price, and figures after it.
//!
//! One short call at the published vol, forward and time left, undiscounted: the program computes its mark. The published
//! maintenance margin is another exchange's, so it is an input: a charge on naked short options brings the account's to it, and
//! scales with the position as theirs does. Derive takes a fee when an auction starts; the cash here is what is left after it.

use std::sync::LazyLock;

use margin_client::{
    addresses,
    events::{EngineEvent, InsolventBid as InsolventBidEvent, LiquidationBid as LiquidationBidEvent},
    instructions::{Fund, InsolventBid, InsolventBidArgs, InsuranceDeposit},
    presets::MarginModel,
    state::{LiquidationParameters, ScenarioArgs, SviParameters, Underlying, VolShock},
};
use margin_core::{
    Seconds, Usd,
    portfolio::{AccountRisk, OnSale, Ratio},
};
use serde_json::Value;
use tests_svm::{
    BTC, MintOptions, NOW, Spec, SurfaceSpec, Trader, USDC, World, call, lots_of, market_data, sell, specs, usd, usdc,
};

const WHOLE: u64 = 1_000_000_000;
/// All eight expire so many seconds after their start.
const TIME_TO_EXPIRY: i64 = 500_400;
const EXPIRY: i64 = NOW + TIME_TO_EXPIRY;

static FILE: LazyLock<Value> = LazyLock::new(|| {
    let text = std::fs::read_to_string(market_data("vectors/derive_dutch_auction.json")).expect("a readable file");
    serde_json::from_str(&text).expect("JSON")
});

/// A figure with 18 decimals.
fn figure(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number")) / 1e18
}

fn auction(name: &str) -> &'static [Value] {
    FILE["vectors"][name]["Actions"].as_array().expect("a known vector")
}

fn parameters() -> LiquidationParameters {
    let of = |name: &str| FILE["auction_params"][name].as_f64().expect("a parameter");
    let billionths = |ratio: f64| (ratio * 1e9).round() as u32;
    LiquidationParameters {
        start_discount: billionths(1.0 - of("startingMtMPercentage")),
        fast_discount: billionths(1.0 - of("fastAuctionCutoffPercentage")),
        buffer: billionths(of("bufferMarginPercentage")),
        fast_seconds: of("fastAuctionLength_s") as u32,
        slow_seconds: of("slowAuctionLength_s") as u32,
        insolvent_seconds: of("insolventAuctionLength_s") as u32,
        insurance_delay: 86_400,
        small_account: 0,
    }
}

/// Within 1e-6 of it, or a hundredth of a cent: the file asks for a cent.
#[track_caller]
fn assert_near(got: f64, want: f64, what: &str) {
    assert!((got - want).abs() <= (want.abs() * 1e-6).max(1e-4), "{what}: {got} is not {want}");
}

/// An engine with Derive's auction and one underlying in lots of a billionth, whose model is a charge on naked shorts alone.
struct Stage {
    world: World,
    spec: Spec,
    trader: Trader,
    keeper: Trader,
}

impl Stage {
    /// With an auction that has begun: a trader short one call with the vector's cash, in the vector's first market.
    fn open(name: &str) -> Self {
        let mut world = World::uninitialized(&MintOptions::spl(6));
        let mut initialize = world.initialization();
        initialize.args.liquidation = parameters();
        let admin = world.admin.insecure_clone();
        world.accept(initialize.instruction(), &[&admin]);
        world.list_quote();
        let [btc, ..] = specs();
        // A grid has to fall and to rise; this one loses nothing worth mentioning.
        let still =
            [WHOLE - 1, WHOLE + 1].map(|spot| ScenarioArgs { spot, weight: 1, vol: VolShock::None, extended: false });
        let mut model = MarginModel { scenarios: still.into(), ..btc.model.clone() };
        model.parameters.risk.charges = Default::default();
        let [near, far] = btc.surfaces;
        let surfaces = [SurfaceSpec { expiry: EXPIRY, ..near }, far];
        let spec = Spec { spot: usd(1_500.0), lot_size: 1, model, surfaces, ..btc };
        world.list_underlying(&spec);
        let (keeper, trader) = (world.funded(1_000_000.0), world.trader());
        let mut stage = Self { world, spec, trader, keeper };

        let vector = &FILE["vectors"][name];
        let first = &vector["Actions"][0];
        // He sells the call at a price at which he can: far below the strike.
        let mut calm = vector["InitialPortfolio"].clone();
        (calm["SpotPrice"], calm["Forwards"][0]) = (1e21.into(), 1e21.into());
        stage.publish(&calm, 0);
        const PREMIUM: f64 = 40.0;
        stage.world.fund(&stage.trader, USDC, usdc(figure(&first["PortfolioAndFeeds"]["Cash"]) - PREMIUM));
        stage.world.fill(&stage.keeper, &stage.trader, &[sell(WHOLE as i64, call(BTC, EXPIRY, 1_500), PREMIUM)]);
        stage.publish(&vector["InitialPortfolio"], 0);
        stage.charge(&first["Results"], figure(&vector["InitialPortfolio"]["SpotPrice"]));
        let start = stage.world.start(&stage.keeper, &stage.trader);
        stage.world.accept(start.instruction(), &[&stage.keeper.key]);
        stage
    }

    /// The market of an action at its time.
    fn publish(&mut self, market: &Value, time: i64) {
        let picodollars = |value: &Value| (figure(value) * 1e12).round() as u64;
        self.world.set_time(NOW + time);
        self.world.set_price(&self.spec.feed, picodollars(&market["SpotPrice"]));
        let (vol, left) = (figure(&market["OptionVols"][0]), TIME_TO_EXPIRY - time);
        let mut publish = self.world.publication(&self.spec, &self.spec.surfaces[0]);
        publish.args.forward = picodollars(&market["Forwards"][0]);
        publish.args.rate = 0;
        // A flat smile: total variance is vol²·τ everywhere.
        let variance = vol * vol * left as f64 / 31_536_000.0;
        publish.args.svi = SviParameters {
            a: (variance * 1e15).round() as i64,
            b: 0,
            rho: 0,
            m: 0,
            sigma: 100_000_000_000_000,
            forward: publish.args.forward,
            time: left.unsigned_abs(),
        };
        let admin = self.world.admin.insecure_clone();
        self.world.accept(publish.instruction(), &[&admin]);
    }

    /// Makes the maintenance requirement what the vector says. No sum depends on parameters: conservation is still proven.
    fn charge(&mut self, results: &Value, spot: f64) {
        let requirement = figure(&results["PreMtM"]) - figure(&results["PreMM"]);
        let short = -lots_of(&self.world.account(&self.trader), call(BTC, EXPIRY, 1_500)) as f64 * 1e-9;
        let charge = (requirement / (spot * short) * 1e9).round() as u64;
        self.world.forge::<Underlying>(addresses::underlying(&self.world.engine, BTC), |state| {
            state.risk.charges.short_option_maintenance = charge;
        });
        self.world.forged = false;
    }

    /// The market and the margin of an action.
    fn set(&mut self, action: &Value) {
        let market = &action["PortfolioAndFeeds"];
        self.publish(market, action["Time"].as_i64().expect("whole seconds"));
        self.charge(&action["Results"], figure(&market["SpotPrice"]));
        let account = self.world.account(&self.trader);
        assert_near(account.cash().to_num::<f64>() * 1e-6, figure(&market["Cash"]), "cash");
        let short = -lots_of(&account, call(BTC, EXPIRY, 1_500)) as f64 * 1e-9;
        assert_near(short, -figure(&market["OptionAmounts"][0]), "contracts");
    }

    fn bid(&mut self, fraction: f64) -> LiquidationBidEvent {
        let bid = self.world.bid(&self.keeper, &self.trader, (fraction * 1e9).round() as u64);
        let mut events = self.world.accept(bid.instruction(), &[&self.keeper.key]).events();
        let Some(EngineEvent::LiquidationBid(event)) = events.pop() else { panic!("one event of a bid") };
        event
    }

    fn insolvent_bid(&mut self, fraction: f64) -> InsolventBidEvent {
        let world = &self.world;
        let markets = world.directory.for_bid(&world.account(&self.keeper), &world.account(&self.trader));
        let bid = InsolventBid {
            bidder: self.keeper.owner(),
            engine: world.engine,
            bidder_account: self.keeper.account,
            margin_account: self.trader.account,
            quote: world.collateral_address(USDC),
            insured_underlying: Some(addresses::underlying(&world.engine, BTC)),
            args: InsolventBidArgs { fraction: (fraction * 1e9).round() as u64, minimum_payout: i64::MIN },
            markets: markets.expect("listed markets"),
        };
        let mut events = self.world.accept(bid.instruction(), &[&self.keeper.key]).events();
        let Some(EngineEvent::InsolventBid(event)) = events.pop() else { panic!("one event of a bid") };
        event
    }

    /// Mark-to-market and maintenance margin (what is left of the former beyond the requirement), in USD.
    fn margins(&mut self) -> (f64, f64) {
        let report = self.world.report(&self.trader);
        (dollars(report.equity), dollars(report.equity - report.maintenance_margin))
    }
}

fn dollars(atoms: i64) -> f64 {
    atoms as f64 * 1e-6
}

const SOLVENT: [&str; 6] = ["Test1", "Test2", "Test3", "Test4", "Test5", "Test6"];

#[test]
fn the_solvent_auctions_are_reproduced() {
    let buffer = f64::from(parameters().buffer) * 1e-9;
    let mut bids = 0;
    for name in SOLVENT {
        let actions = auction(name);
        for last in 0..actions.len() {
            // The largest fraction, by a bid for everything.
            let mut stage = Stage::open(name);
            for action in &actions[..last] {
                stage.set(action);
                stage.bid(figure(&action["Liquidator"]["PercentWant"]));
            }
            stage.set(&actions[last]);
            let most = stage.bid(1.0).fraction;
            assert_near(most as f64 * 1e-9, figure(&actions[last]["Results"]["PreFMax"]), "f_max");
        }
        let mut stage = Stage::open(name);
        for (number, action) in actions.iter().enumerate() {
            let what = |part: &str| format!("{name}, bid {number}: {part}");
            let results = &action["Results"];
            stage.set(action);
            let event = stage.bid(figure(&action["Liquidator"]["PercentWant"]));
            let (equity, requirement) = (dollars(event.equity_before), dollars(event.maintenance_margin_before));
            assert_near(equity, figure(&results["PreMtM"]), &what("MtM"));
            assert_near(equity - requirement, figure(&results["PreMM"]), &what("MM"));
            assert_near(equity - requirement * (1.0 + buffer), figure(&results["PreBM"]), &what("B"));
            assert_near(event.fraction as f64 * 1e-9, figure(&results["fLiquidatedOfOriginal"]), &what("f"));
            assert_near(dollars(event.price), figure(&results["ExpectedBidPrice"]), &what("price"));
            let (equity, requirement) = (dollars(event.equity_after), dollars(event.maintenance_margin_after));
            assert_near(equity, figure(&results["PostMtM"]), &what("MtM'"));
            assert_near(equity - requirement, figure(&results["PostMM"]), &what("MM'"));
            assert_eq!(event.released, figure(&results["PostFMax"]) == 0.0, "{}", what("released"));
            assert_eq!(stage.margins(), (equity, dollars(event.equity_after - event.maintenance_margin_after)));
            bids += 1;
        }
    }
    assert_eq!(bids, 10);
}

#[test]
fn the_core_crate_alone_reproduces_them() {
    let auction_parameters = parameters().solvent_auction();
    for name in SOLVENT {
        let mut from_bids = 0.0;
        for action in auction(name) {
            let results = &action["Results"];
            let [equity, margin] = ["PreMtM", "PreMM"].map(|key| figure(&results[key]));
            let picodollars = |dollars: f64| Usd((dollars * 1e12).round() as i128);
            let risk = AccountRisk {
                equity: picodollars(equity),
                maintenance_margin: picodollars(equity - margin),
                initial_margin: picodollars(equity - margin),
            };
            let elapsed = Seconds(action["Time"].as_u64().expect("whole seconds"));
            let sale = OnSale {
                buffer_margin: risk.buffer_margin(parameters().buffer()).expect("in range"),
                equity: risk.equity,
                cash_from_bids: picodollars(from_bids),
                share_paid: auction_parameters.share_paid(elapsed).expect("before its end"),
            };
            assert_near(sale.buffer_margin.0 as f64 * 1e-12, figure(&results["PreBM"]), name);
            let most = sale.maximum_fraction().expect("in range") as f64 * 1e-9;
            assert_near(most, figure(&results["PreFMax"]), name);
            let fraction = most.min(figure(&action["Liquidator"]["PercentWant"]));
            let Ratio(paid) = sale.share_paid;
            let price = fraction * paid as f64 * 1e-9 * (equity - from_bids);
            assert_near(price, figure(&results["ExpectedBidPrice"]), name);
            let after = |figure: f64| (figure - from_bids) * (1.0 - fraction) + from_bids + price;
            assert_near(after(equity), figure(&results["PostMtM"]), name);
            assert_near(after(margin), figure(&results["PostMM"]), name);
            from_bids += price;
        }
    }
}

/// Theirs follow an older rule of payouts: what still agrees is the buffer margin, and that everything scales by 1 − f.
#[test]
fn the_insolvent_auctions_scale() {
    let buffer = f64::from(parameters().buffer) * 1e-9;
    for name in ["InsolventTest1", "InsolventTest2"] {
        let mut stage = Stage::open(name);
        let donor = stage.world.funded(0.000_001);
        stage.world.give(&donor, USDC, usdc(10_000.0));
        let deposit = InsuranceDeposit {
            donor: donor.owner(),
            engine: stage.world.engine,
            fund: Fund::Underlying(BTC),
            quote: stage.world.quote.collateral(&stage.world.engine),
            source: donor.wallets[usize::from(USDC)],
            amount: usdc(10_000.0),
        };
        stage.world.accept(deposit.instruction(), &[&donor.key]);
        let mut left = 1.0;
        for action in auction(name) {
            let results = &action["Results"];
            stage.set(action);
            // The share is of the account as it was at first.
            let wanted = figure(&action["Liquidator"]["PercentWant"]);
            let event = stage.insolvent_bid(wanted / left);
            left -= wanted;
            let (equity, requirement) = (dollars(event.equity_before), dollars(event.maintenance_margin_before));
            assert_near(equity, figure(&results["PreMtM"]), "MtM");
            assert_near(equity - requirement, figure(&results["PreMM"]), "MM");
            assert_near(equity - requirement * (1.0 + buffer), figure(&results["PreBM"]), "B");
            let (equity, margin) = stage.margins();
            assert_near(equity, figure(&results["PostMtM"]), "MtM'");
            assert_near(margin, figure(&results["PostMM"]), "MM'");
            assert_eq!(event.released, left <= 1e-9);
        }
    }
}
