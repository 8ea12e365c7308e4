//! The largest account.

use margin_client::{
    instructions::{
        BidLegs, CollateralBid, CollateralBidArgs, InsolventBid, InsolventBidArgs, LiquidationConvert, LiquidationReplaceWitness,
        WitnessArgs, insured_underlying,
    },
    presets::{self, MAX_COMPUTE_UNITS, MarginModel},
    state::MarginAccount,
};
use solana_instruction::Instruction;
use tests_svm::{Footprint, MAX_ACCOUNT_LOCKS, MAX_TRANSACTION_BYTES, Shape, Trader, USDC, Wide, rich_model, usdc};

const FOUR_BY_THREE: Shape = Shape { underlyings: 4, expiries: 3 };
const TWELVE_BY_ONE: Shape = Shape { underlyings: 12, expiries: 1 };
const POSITIONS: usize = 128;
const WHOLE: u64 = 1_000_000_000;

/// The model of a large options venue: 31 scenarios and everything such a venue charges.
pub fn venue_model() -> MarginModel {
    presets::preset("derive-pmrm2").expect("a preset file").model()
}

pub struct Stage {
    pub wide: Wide,
    pub trader: Trader,
    pub keeper: Trader,
    pub steps: Vec<(&'static str, Footprint)>,
}

impl Stage {
    /// A trader with the largest book, and a keeper with cash who holds the same instruments: his table is full.
    fn new(model: &MarginModel, shape: Shape, tokens: u16) -> Self {
        let mut wide = Wide::new(model, shape, tokens);
        let (trader, keeper) = (wide.world.trader(), wide.world.trader());
        let book: Vec<_> = wide.book(0, POSITIONS).collect();
        wide.hold(&trader, &book);
        wide.hold(&keeper, &book);
        wide.set_equity(&keeper, 10_000);
        Self { wide, trader, keeper, steps: Vec::new() }
    }

    fn state(&self) -> margin_client::Loaded<MarginAccount> {
        self.wide.world.account(&self.trader)
    }

    /// A step that must be possible.
    #[track_caller]
    pub fn step(&mut self, name: &'static str, instruction: Instruction) -> Footprint {
        let footprint = self.wide.world.footprint(instruction, &self.keeper);
        let footprint = footprint.unwrap_or_else(|refusal| panic!("{name}: {}", refusal.describe()));
        assert!(footprint.compute_units <= u64::from(MAX_COMPUTE_UNITS), "{name}: {footprint:?}");
        assert!(footprint.bytes <= MAX_TRANSACTION_BYTES, "{name}: {footprint:?}");
        assert!(footprint.locks <= MAX_ACCOUNT_LOCKS, "{name}: {footprint:?}");
        self.steps.push((name, footprint));
        footprint
    }

    fn print(&self, title: &str) {
        println!("| {title} | CU | bytes | accounts |\n|---|---:|---:|---:|");
        for (name, Footprint { compute_units, bytes, locks }) in &self.steps {
            println!("| {name} | {compute_units} | {bytes} | {locks} |");
        }
    }

    fn start(&mut self, name: &'static str, witness: Option<Vec<u8>>) {
        let mut start = self.wide.world.start(&self.keeper, &self.trader);
        start.args = WitnessArgs { witness };
        self.step(name, start.instruction());
        assert!(self.state().in_liquidation());
    }

    fn forget_liquidation(&mut self) {
        self.wide.world.forge::<MarginAccount>(self.trader.account, |account| account.liquidation = Default::default());
    }

    /// Every step of a liquidation.
    fn liquidate(&mut self) {
        let (underlyings, engine) = (usize::from(self.wide.shape().underlyings), self.wide.world.engine);
        self.wide.set_equity(&self.trader, 50);
        // Spot down, which is not the worst case of all of them.
        self.start("start by witness", Some(vec![0; underlyings]));
        let markets = self.wide.world.directory.for_account(&self.state()).expect("listed markets");
        let replace = LiquidationReplaceWitness {
            engine,
            margin_account: self.trader.account,
            args: WitnessArgs::default(),
            markets: markets.clone(),
        };
        self.step("replace witness by the worst", replace.instruction());
        self.forget_liquidation();
        self.start("start, all scenarios", None);

        let lots = self.state().positions()[0].lots;
        let bid = self.wide.world.bid(&self.keeper, &self.trader, WHOLE / 10);
        self.step("bid for a slice", bid.instruction());
        assert_eq!(self.state().positions().len(), POSITIONS);
        assert_ne!(self.state().positions()[0].lots, lots);
        if !self.state().balances().is_empty() {
            let bid = CollateralBid {
                bidder: self.keeper.owner(),
                engine,
                bidder_account: self.keeper.account,
                margin_account: self.trader.account,
                args: CollateralBidArgs { collateral: 1, amount: 1_000_000, price_limit: i64::MAX },
                markets: self.wide.world.bid(&self.keeper, &self.trader, WHOLE).markets,
            };
            self.step("bid for a token", bid.instruction());
        }
        self.bid_legs();
        let bid = self.wide.world.bid(&self.keeper, &self.trader, WHOLE);
        self.step("bid for all that restores it", bid.instruction());
        assert_eq!(self.state().positions().len(), POSITIONS);
        // So many are not looked at in full by a bid.
        assert!(self.state().in_liquidation());
        let stop = self.wide.world.stop(&self.trader);
        self.step("stop", stop.instruction());
        assert!(!self.state().in_liquidation());

        self.wide.set_equity(&self.trader, 50);
        self.start("start again", None);
        self.wide.set_equity(&self.trader, -50);
        let convert = LiquidationConvert { engine, margin_account: self.trader.account, markets };
        self.step("convert", convert.instruction());
        assert_ne!(self.state().liquidation.insolvent_at, 0);
        self.wide.world.donate(USDC, usdc(1.0));
        for (name, fraction) in [("insolvent bid for a tenth", WHOLE / 10), ("insolvent bid for all", WHOLE)] {
            let bid = InsolventBid {
                bidder: self.keeper.owner(),
                engine,
                bidder_account: self.keeper.account,
                margin_account: self.trader.account,
                quote: self.wide.world.collateral_address(USDC),
                insured_underlying: insured_underlying(&engine, &self.state()),
                args: InsolventBidArgs { fraction, minimum_payout: i64::MIN },
                markets: self.wide.world.bid(&self.keeper, &self.trader, fraction).markets,
            };
            self.step(name, bid.instruction());
        }
        assert!(!self.state().in_liquidation() && self.state().is_flat());
    }

    /// The legs of which margin is freed first when they are bought: found as a keeper would, by trying.
    fn bid_legs(&mut self) {
        let account = self.state();
        let world = &self.wide.world;
        let found = (0..POSITIONS).find_map(|leg| {
            let mut bid = world.bid(&self.keeper, &self.trader, WHOLE / 10);
            let mut positions = [0; 2];
            positions[leg / 64] = 1 << (leg % 64);
            bid.args.legs = Some(BidLegs { sequence: account.sequence, positions, balances: 0 });
            let transaction = world.transaction(&[bid.clone().instruction()], &[&self.keeper.key]);
            world.svm.simulate_transaction(transaction).is_ok().then_some(bid)
        });
        let bid = found.expect("a leg that frees margin");
        self.step("bid for a leg", bid.instruction());
    }
}
