//! A trader whom BTC's rise ruins, a maker on the other side of his trades, and a keeper with plenty of cash.

use margin_client::{
    errors::EngineError,
    events::{EngineEvent, InsolventBid as InsolventBidEvent, LiquidationBid as LiquidationBidEvent},
    instructions::{
        Fund, InsolventBid, InsolventBidArgs, InsuranceDeposit, LiquidationConvert, LiquidationReplaceWitness,
        WitnessArgs, insured_underlying,
    },
    state::LiquidationState,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use tests_svm::{
    BTC, ETH, FAR, NEAR, Receipt, SOL_TOKEN, Trader, USDC, World, buy, call, perpetual, put, sell, token_balance, usdc,
};

pub const WHOLE: u64 = 1_000_000_000;

pub struct Scene {
    pub world: World,
    pub maker: Trader,
    pub trader: Trader,
    pub keeper: Trader,
}

impl Scene {
    /// He can just carry his book: 0 puts, 1 the short calls, 2 their hedge, 3 the perpetual; and SOL as collateral.
    pub fn stretched() -> Self {
        let mut world = World::new();
        let maker = world.funded(1_000_000.0);
        let keeper = world.funded(1_000_000.0);
        let trader = world.funded(30_000.0);
        world.fund(&trader, SOL_TOKEN, 5_123_456_789);
        let legs = [
            sell(201, call(BTC, FAR, 100_000), 4_500.0),
            buy(77, call(BTC, FAR, 110_000), 2_200.0),
            buy(13, put(BTC, NEAR, 85_000), 900.0),
            sell(19, perpetual(ETH), 3_240.67),
        ];
        world.fill(&maker, &trader, &legs);
        Self { world, maker, trader, keeper }
    }

    /// Below maintenance margin.
    pub fn distressed() -> Self {
        let mut scene = Self::stretched();
        scene.sink(i64::MAX);
        scene
    }

    /// Worth less than nothing.
    pub fn ruined() -> Self {
        let mut scene = Self::stretched();
        scene.sink(-1_000_000);
        scene
    }

    /// Raises BTC until the trader is below maintenance margin with an equity of at most so many atoms.
    pub fn sink(&mut self, equity: i64) {
        self.sink_by(BTC, 1.01, equity);
    }

    /// The same with another underlying, by other steps.
    pub fn sink_by(&mut self, underlying: u16, factor: f64, equity: i64) {
        for _ in 0..200 {
            let report = self.world.report(&self.trader);
            if report.equity < report.maintenance_margin && report.equity <= equity {
                return;
            }
            self.world.shock(underlying, factor);
        }
        panic!("two hundred steps of {factor} and the account still stands");
    }

    #[track_caller]
    pub fn start(&mut self) {
        let start = self.world.start(&self.keeper, &self.trader);
        self.world.accept(start.instruction(), &[&self.keeper.key]);
    }

    /// What a trader could walk away with: equity and wallet.
    #[track_caller]
    pub fn wealth(&mut self, traders: &[&Trader]) -> i64 {
        let wallet = |world: &World, trader: &Trader| token_balance(&world.svm, &trader.wallets[usize::from(USDC)]);
        traders.iter().map(|trader| self.world.report(trader).equity + wallet(&self.world, trader) as i64).sum()
    }

    pub fn markets(&self, trader: &Trader) -> Vec<AccountMeta> {
        self.world.directory.for_account(&self.world.account(trader)).expect("listed markets")
    }

    pub fn convert(&self) -> Instruction {
        let (engine, margin_account) = (self.world.engine, self.trader.account);
        LiquidationConvert { engine, margin_account, markets: self.markets(&self.trader) }.instruction()
    }

    pub fn replace_witness(&self, witness: Option<Vec<u8>>) -> Instruction {
        let (engine, margin_account) = (self.world.engine, self.trader.account);
        let args = WitnessArgs { witness };
        LiquidationReplaceWitness { engine, margin_account, args, markets: self.markets(&self.trader) }.instruction()
    }

    /// A bid of `keeper` in the insolvent auction.
    pub fn insolvent_bid(&self, keeper: &Trader, fraction: u64) -> Instruction {
        let world = &self.world;
        let account = world.account(&self.trader);
        let markets = world.directory.for_bid(&world.account(keeper), &account).expect("listed markets");
        InsolventBid {
            bidder: keeper.owner(),
            engine: world.engine,
            bidder_account: keeper.account,
            margin_account: self.trader.account,
            quote: world.collateral_address(USDC),
            insured_underlying: insured_underlying(&world.engine, &account),
            args: InsolventBidArgs { fraction, minimum_payout: i64::MIN },
            markets,
        }
        .instruction()
    }

    #[track_caller]
    pub fn take_insolvent(&mut self, fraction: u64) -> InsolventBidEvent {
        let bid = self.insolvent_bid(&self.keeper, fraction);
        let events = self.world.accept(bid, &[&self.keeper.key]).events();
        let Some(EngineEvent::InsolventBid(event)) = events.into_iter().next() else { panic!("one event of a bid") };
        event
    }

    #[track_caller]
    pub fn take(&mut self, fraction: u64) -> LiquidationBidEvent {
        let bid = self.world.bid(&self.keeper, &self.trader, fraction).instruction();
        let events = self.world.accept(bid, &[&self.keeper.key]).events();
        bid_of(events)
    }

    /// Gives cash to a fund.
    pub fn insure(&mut self, fund: Fund, amount: u64) {
        let donor = self.world.trader();
        self.world.give(&donor, USDC, amount);
        let deposit = InsuranceDeposit {
            donor: donor.owner(),
            engine: self.world.engine,
            fund,
            quote: self.world.quote.collateral(&self.world.engine),
            source: donor.wallets[usize::from(USDC)],
            amount,
        };
        self.world.accept(deposit.instruction(), &[&donor.key]);
    }

    /// Lets time pass and everything be published again.
    pub fn wait(&mut self, seconds: i64) {
        self.world.advance(seconds);
        self.world.refresh();
    }

    /// A fund's cash.
    pub fn fund(&self, underlying: u16) -> u64 {
        self.world.underlying(underlying).insurance.amount
    }

    pub fn state(&self) -> LiquidationState {
        self.world.account(&self.trader).liquidation
    }
}

pub fn bid_of(events: Vec<EngineEvent>) -> LiquidationBidEvent {
    match events.into_iter().next() {
        Some(EngineEvent::LiquidationBid(event)) => event,
        _ => panic!("one event of a bid"),
    }
}

/// Several instructions in one transaction that must fail with an error of the engine and change no cash.
#[track_caller]
pub fn refuse_all(world: &mut World, instructions: &[Instruction], signers: &[&Keypair], error: EngineError) {
    match world.attempt(instructions, signers) {
        Ok(_) => panic!("accepted where {} was expected", error.name()),
        Err(got) => assert_eq!(got.name(), error.name()),
    }
}

#[track_caller]
pub fn accept_all(world: &mut World, instructions: &[Instruction], signers: &[&Keypair]) -> Receipt {
    world.attempt(instructions, signers).unwrap_or_else(|error| panic!("refused: {}", error.name()))
}

/// Cash of quote tokens, in atoms.
pub fn atoms(tokens: f64) -> i64 {
    usdc(tokens) as i64
}

/// The same trader, where his scene is borrowed.
pub fn copy(trader: &Trader) -> Trader {
    Trader { key: trader.key.insecure_clone(), account: trader.account, wallets: trader.wallets.clone() }
}
