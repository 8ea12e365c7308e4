//! The largest account.

use margin_client::{
    instructions::{Fund, WitnessArgs},
    presets::{self, MAX_COMPUTE_UNITS, MarginModel},
    state::MarginAccount,
};
use solana_instruction::Instruction;
use tests_svm::{Footprint, MAX_ACCOUNT_LOCKS, MAX_TRANSACTION_BYTES, Shape, Trader, Wide, rich_model, usdc};

const FOUR_BY_THREE: Shape = Shape { underlyings: 4, expiries: 3 };
const TWELVE_BY_ONE: Shape = Shape { underlyings: 12, expiries: 1 };
const POSITIONS: usize = 128;
const WHOLE: u64 = 1_000_000_000;

/// The model of a large options venue: 31 scenarios and everything such a venue charges.
pub fn venue_model() -> MarginModel {
    presets::preset("derive-pmrm2").expect("a preset file").model()
}

/// A trader, a keeper and what they did.
struct Stage {
    wide: Wide,
    trader: Trader,
    keeper: Trader,
    positions: usize,
    /// Whether one scenario judges an account under the model.
    has_witnesses: bool,
    steps: Vec<(&'static str, Footprint)>,
}

impl Stage {
    /// A trader with the largest book, and a keeper with cash who holds the same instruments: his table is full.
    fn new(model: &MarginModel, shape: Shape, tokens: u16, positions: usize) -> Self {
        let mut wide = Wide::new(model, shape, tokens);
        let (trader, keeper) = (wide.world.trader(), wide.world.trader());
        let book: Vec<_> = wide.book(0, positions).collect();
        wide.hold(&trader, &book);
        wide.hold(&keeper, &book);
        wide.enrich(&keeper);
        let has_witnesses = model.parameters.risk.scan.shortfall_count <= 1;
        Self { wide, trader, keeper, positions, has_witnesses, steps: Vec::new() }
    }

    fn state(&self) -> margin_client::Loaded<MarginAccount> {
        self.wide.world.account(&self.trader)
    }

    /// A step that must be possible.
    #[track_caller]
    fn step(&mut self, name: &'static str, instruction: Instruction) -> Footprint {
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

    /// Starts again by witnesses.
    fn start_by_witness(&mut self) {
        let underlyings = usize::from(self.wide.shape().underlyings);
        let worst = self.state().liquidation.witness[..underlyings].to_vec();
        self.forget_liquidation();
        // Nothing of the grid is worse than debts.
        self.wide.set_equity(&self.trader, -1_000);
        self.start("start by a witness", Some(vec![0; underlyings]));
        let mut replace = self.wide.world.witness(&self.trader, &worst);
        self.step("replace the witness", replace.clone().instruction());
        self.forget_liquidation();
        self.start("start by a witness again", Some(vec![0; underlyings]));
        replace.args = WitnessArgs::default();
        self.step("replace the witness, all scenarios", replace.instruction());
        self.forget_liquidation();
        self.wide.set_equity(&self.trader, 50);
        self.start("start by the worst witness", Some(worst));
    }

    /// Every step of a liquidation.
    fn liquidate(&mut self) {
        self.wide.set_equity(&self.trader, 50);
        self.start("start, all scenarios", None);
        if self.has_witnesses {
            self.start_by_witness();
        }
        let lots = self.state().positions()[0].lots;
        let bid = self.wide.world.bid(&self.keeper, &self.trader, WHOLE / 10);
        self.step("bid for a slice", bid.instruction());
        assert_eq!(self.state().positions().len(), self.positions);
        assert_ne!(self.state().positions()[0].lots, lots);
        if !self.state().balances().is_empty() {
            let bid = self.wide.world.collateral_bid(&self.keeper, &self.trader, 1, 1_000_000);
            self.step("bid for a token", bid.instruction());
        }
        self.bid_leg();
        let bid = self.wide.world.bid(&self.keeper, &self.trader, WHOLE);
        self.step("bid for all that restores it", bid.instruction());
        assert_eq!(self.state().positions().len(), self.positions);
        // A bid does not look at so many in full.
        assert!(self.state().in_liquidation());
        let stop = self.wide.world.stop(&self.trader);
        self.step("stop", stop.instruction());
        assert!(!self.state().in_liquidation());

        self.wide.set_equity(&self.trader, 50);
        self.start("start again", None);
        self.wide.set_equity(&self.trader, -50);
        let convert = self.wide.world.conversion(&self.trader);
        self.step("convert", convert.instruction());
        assert_ne!(self.state().liquidation.insolvent_at, 0);
        self.wide.world.insure(Fund::Common, usdc(100_000_000.0));
        self.wide.world.insure(Fund::Underlying(0), usdc(1_000.0));
        for (name, fraction) in [("insolvent bid for a tenth", WHOLE / 10), ("insolvent bid for all", WHOLE)] {
            let bid = self.wide.world.insolvent_bid(&self.keeper, &self.trader, fraction);
            self.step(name, bid.instruction());
        }
        assert!(!self.state().in_liquidation() && self.state().is_flat());
    }

    /// A leg whose sale frees margin, found as a keeper would: by trying.
    fn bid_leg(&mut self) {
        let world = &self.wide.world;
        let found = (0..self.positions).find_map(|leg| {
            let mut bid = world.bid(&self.keeper, &self.trader, WHOLE / 10);
            bid.args.legs = Some(world.legs(&self.trader, &[leg]));
            let instruction = bid.instruction();
            let transaction = world.transaction(std::slice::from_ref(&instruction), &[&self.keeper.key]);
            world.svm.simulate_transaction(transaction).is_ok().then_some(instruction)
        });
        self.step("bid for a leg", found.expect("a leg that frees margin"));
    }
}

fn liquidate(model: &MarginModel, shape: Shape, tokens: u16, positions: usize) {
    let mut stage = Stage::new(model, shape, tokens, positions);
    stage.liquidate();
    let Shape { underlyings, expiries } = shape;
    stage.print(&format!("{positions} positions, {underlyings} underlyings × {expiries} expiries, {tokens} tokens"));
}

#[test]
fn an_account_on_three_expiries_of_four_underlyings_fits() {
    liquidate(&venue_model(), FOUR_BY_THREE, 0, POSITIONS);
}

#[test]
fn an_account_on_twelve_underlyings_fits() {
    liquidate(&venue_model(), TWELVE_BY_ONE, 0, POSITIONS);
}

/// As many oracles as an account can depend on: every row of its tables is of another market.
#[test]
fn an_account_on_twelve_underlyings_with_twelve_tokens_fits() {
    liquidate(&venue_model(), TWELVE_BY_ONE, 12, POSITIONS);
}

/// Every part of the risk model on but expected shortfall: a mean of several scenarios has no witness, so that a bid looks at
/// the account twice under all of them. More scenarios than a venue's model has, and charges besides: fewer positions fit.
#[test]
fn an_account_under_the_whole_model_fits() {
    let mut model = rich_model(presets::major());
    model.parameters.risk.scan.shortfall_count = 1;
    liquidate(&model, TWELVE_BY_ONE, 0, 96);
}
