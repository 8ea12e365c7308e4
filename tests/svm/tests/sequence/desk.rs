//! The world of a sequence, and how it sends instructions.

use std::rc::Rc;

use margin_client::{
    errors::EngineError,
    events::EngineEvent,
    presets,
    state::{AccountMode, InstrumentKind, TradingParameters, VenueLimits},
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{Receipt, Rng, SOL_TOKEN, Trader, USDC, World, specs, usdc};

use crate::tally::Tally;

pub const MODES: [AccountMode; 3] = [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard];
const HOUR: i64 = 3_600;

/// Terms with every fee, a band that binds, and funding that moves.
pub fn terms() -> TradingParameters {
    TradingParameters {
        taker_fee: 500_000,
        maker_fee: 200_000,
        settlement_fee: 200_000,
        option_fee_cap: 125_000_000,
        band_mark: 100_000_000,
        band_index: 10_000_000,
        funding_period: 28_800,
        funding_cap: 5_000_000,
        funding_gap: 3_600,
        premium_fade: 14_400,
        sample_spacing: 60,
        sample_count: 5,
        premium_depth: usdc(100_000.0),
        settler_reward: usdc(0.1),
    }
}

/// Three underlyings, six traders in three modes, a keeper, a venue and an admin.
pub struct Desk {
    pub world: World,
    pub rng: Rng,
    /// Six traders, two of each mode at first; then the keeper.
    pub traders: Vec<Rc<Trader>>,
    pub venue: Keypair,
    /// Where the admin withdraws fees to.
    pub treasury: Pubkey,
    pub tally: Tally,
    /// Tokens ever minted into wallets, by collateral.
    pub given: [u64; 2],
    /// Nonce of the next signed quote.
    pub nonce: u64,
    /// Payments of funding so far, each with an odd part of an atom that stays in the vault.
    pub funding_payments: u64,
    /// Atoms in the vault that nobody claims, at the last look.
    pub surplus: Option<i128>,
    seed: u64,
    at: (u64, &'static str),
}

impl Desk {
    pub fn open(seed: u64) -> Self {
        let mut world = World::new();
        let now = world.now();
        for spec in specs() {
            world.set_trading(spec.index, terms());
        }
        let venue = world.venue();
        let admin = world.admin.pubkey();
        let treasury = world.wallet(&admin, world.quote);
        let traders: Vec<Rc<Trader>> = (0..7).map(|_| Rc::new(world.trader())).collect();
        let mut desk = Self {
            world,
            rng: Rng::new(seed),
            traders,
            venue,
            treasury,
            tally: Tally::default(),
            given: [0; 2],
            nonce: 0,
            funding_payments: 0,
            surplus: None,
            seed,
            at: (0, "opening"),
        };
        for (at, trader) in desk.traders.clone().into_iter().enumerate() {
            let mode = if at < 6 { MODES[at % 3] } else { AccountMode::Portfolio };
            desk.world.set_mode(&trader, mode);
            let dollars = if at < 6 { desk.rng.within(20, 200) as f64 * 1_000.0 } else { 2_000_000.0 };
            desk.fund(&trader, USDC, usdc(dollars));
            if desk.rng.one_in(2) {
                let tokens = desk.rng.within(1, 300) as u64 * 1_000_000_000;
                desk.fund(&trader, SOL_TOKEN, tokens);
            }
            let limits = VenueLimits { expires_at: now + 90 * 86_400, ..desk.world.wide_limits() };
            desk.world.approve(&trader, desk.venue.pubkey(), limits);
        }
        let rates = desk.world.interest_setting(presets::interest());
        desk.must("interest_set", rates.instruction(), &[]);
        for spec in specs() {
            for hours in [2, 26] {
                let list = desk.world.expiry_listing(spec.index, now + hours * HOUR);
                desk.must("expiry_list", list.instruction(), &[]);
            }
        }
        desk.republish();
        desk
    }

    /// Notes what happens now, for the message of a failure.
    pub fn begin(&mut self, step: u64, action: &'static str) {
        self.at = (step, action);
    }

    pub fn keeper(&self) -> Rc<Trader> {
        Rc::clone(&self.traders[6])
    }

    /// Any trader; the keeper seldom.
    pub fn trader(&mut self) -> Rc<Trader> {
        let last = if self.rng.one_in(5) { 6 } else { 5 };
        Rc::clone(&self.traders[self.rng.within(0, last) as usize])
    }

    /// Two traders; the same twice once in a while.
    pub fn pair(&mut self) -> (Rc<Trader>, Rc<Trader>) {
        let first = self.trader();
        loop {
            let second = self.trader();
            if second.account != first.account || self.rng.one_in(40) {
                return (first, second);
            }
        }
    }

    /// Sends an instruction, or a few in one transaction, that may be refused.
    #[track_caller]
    pub fn attempt(
        &mut self,
        name: &'static str,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Receipt, EngineError> {
        let admin = self.world.admin.insecure_clone();
        let needed = |key: &&Keypair| {
            let metas = || instructions.iter().flat_map(|instruction| &instruction.accounts);
            metas().any(|meta| meta.is_signer && meta.pubkey == key.pubkey())
        };
        let signers: Vec<&Keypair> = signers.iter().copied().chain([&admin]).filter(needed).collect();
        let result = self.world.attempt(instructions, &signers);
        self.tally.count(name, instructions.len(), result.as_ref().err().copied());
        match &result {
            Ok(receipt) => self.count_funding(receipt),
            // Sums of test money are nowhere near the ends of their types.
            Err(error) => assert!(
                !matches!(error, EngineError::Overflow | EngineError::KernelOverflow | EngineError::UnknownLayout),
                "{name}: {error}"
            ),
        }
        result
    }

    /// Sends an instruction that must be accepted.
    #[track_caller]
    pub fn must(&mut self, name: &'static str, instruction: Instruction, signers: &[&Keypair]) -> Receipt {
        self.attempt(name, &[instruction], signers).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Mints tokens to a trader, who deposits them.
    #[track_caller]
    pub fn fund(&mut self, trader: &Trader, collateral: u16, amount: u64) {
        self.give(trader, collateral, amount);
        let deposit = self.world.deposit(trader, collateral, amount);
        self.must("deposit", deposit.instruction(), &[&trader.key]);
    }

    /// Mints tokens into a trader's wallet.
    pub fn give(&mut self, trader: &Trader, collateral: u16, amount: u64) {
        self.world.give(trader, collateral, amount);
        self.given[usize::from(collateral)] += amount;
    }

    /// At most one payment for each side of a perpetual's leg, and for each underlying of both sides of a bid.
    fn count_funding(&mut self, receipt: &Receipt) {
        for event in receipt.events() {
            let legs = match &event {
                EngineEvent::TradeExecuted(trade) => &trade.legs,
                EngineEvent::FillsSettled(fills) => &fills.legs,
                EngineEvent::LiquidationBid(_) | EngineEvent::CollateralBid(_) => {
                    self.funding_payments += 6;
                    continue;
                }
                _ => continue,
            };
            let perpetuals = legs.iter().filter(|leg| leg.instrument.kind == InstrumentKind::Perpetual).count();
            self.funding_payments += 2 * perpetuals as u64;
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (seed, (step, action)) = (self.seed, self.at);
            println!("action {step} ({action}) of SEQUENCE_SEED={seed}");
        }
    }
}
