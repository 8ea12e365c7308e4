use std::collections::BTreeMap;

use litesvm::LiteSVM;
use margin_client::{
    Loaded, MarketDirectory, PROGRAM_ID,
    accounts::{Stored, encode},
    addresses,
    margin::Snapshot,
    pyth::{FeedId, PriceUpdate, feeds},
    state::{CollateralHaircuts, Engine, MarginAccount, Underlying},
};
use margin_core::Price;
use solana_clock::Clock;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

use crate::{MintOptions, NOW, Token, Trader, program_bytes, specs};

/// Collateral indices of the default market.
pub const USDC: u16 = 0;
pub const SOL_TOKEN: u16 = 1;

/// A validator in memory with one engine.
pub struct World {
    pub svm: LiteSVM,
    /// Pays every fee; no part of the engine.
    pub payer: Keypair,
    /// Creator and admin of the engine, publisher of its surfaces, mint authority of its tokens.
    pub admin: Keypair,
    /// May pause and tighten limits.
    pub guardian: Keypair,
    pub engine: Pubkey,
    /// The quote token, whether listed or not.
    pub quote: Token,
    /// Listed collaterals by index.
    pub tokens: Vec<Token>,
    pub directory: MarketDirectory,
    /// Price account of each feed.
    prices: BTreeMap<FeedId, (Pubkey, u64)>,
    /// Instructions that every transaction begins and ends with.
    pub frame: (Vec<Instruction>, Vec<Instruction>),
    /// Set once a test writes state by hand: sums need not match any more.
    pub forged: bool,
    /// Positions that have been settled.
    pub(crate) settled: u64,
}

impl World {
    /// The program and an initialized engine without markets; the quote token is a classic SPL mint.
    #[must_use]
    pub fn bare() -> Self {
        Self::with_quote(&MintOptions::spl(6))
    }

    /// The same with another quote token.
    #[must_use]
    pub fn with_quote(options: &MintOptions) -> Self {
        let mut world = Self::uninitialized(options);
        let initialize = world.initialization();
        let admin = world.admin.insecure_clone();
        world.accept(initialize.instruction(), &[&admin]);
        world
    }

    /// The program and a quote mint; no engine yet.
    #[must_use]
    pub fn uninitialized(options: &MintOptions) -> Self {
        let mut svm = LiteSVM::new().with_log_bytes_limit(Some(100_000));
        svm.add_program(PROGRAM_ID, program_bytes()).expect("a program that the virtual machine accepts");
        let (payer, admin) = (Keypair::new(), Keypair::new());
        for key in [&payer, &admin] {
            svm.airdrop(&key.pubkey(), 1_000_000_000_000).expect("an airdrop");
        }
        let nobody = Token { mint: Pubkey::default(), program: Pubkey::default(), decimals: 0 };
        let engine = addresses::engine(&admin.pubkey());
        let mut world = Self {
            svm,
            payer,
            admin,
            guardian: Keypair::new(),
            engine,
            quote: nobody,
            tokens: Vec::new(),
            directory: MarketDirectory::default(),
            prices: BTreeMap::new(),
            frame: Default::default(),
            forged: false,
            settled: 0,
        };
        world.set_time(NOW);
        world.quote = world.mint(options);
        world
    }

    /// The default market: USDC-like cash, SOL as collateral with haircuts of 10 % and 5 %, BTC, ETH and SOL underlyings
    /// with two expiries each, fresh surfaces and prices.
    #[must_use]
    pub fn new() -> Self {
        Self::with_tokens(&MintOptions::spl(6), &MintOptions::spl(9))
    }

    /// The default market on other mints.
    #[must_use]
    pub fn with_tokens(quote: &MintOptions, sol: &MintOptions) -> Self {
        let mut world = Self::with_quote(quote);
        world.list_quote();
        let sol = world.mint(sol);
        world.list_token(sol, feeds::SOL_USD, CollateralHaircuts { maintenance: 100_000_000, initial: 50_000_000 });
        for spec in specs() {
            world.list_underlying(&spec);
            world.set_price(&spec.feed, spec.spot);
            world.publish_surfaces(&spec);
        }
        world
    }

    // --- time and prices ----------------------------------------------------------------------

    #[must_use]
    pub fn now(&self) -> i64 {
        self.svm.get_sysvar::<Clock>().unix_timestamp
    }

    pub fn set_time(&mut self, unix_timestamp: i64) {
        let clock = Clock { unix_timestamp, ..self.svm.get_sysvar() };
        self.svm.set_sysvar(&clock);
    }

    /// Lets time pass; prices and surfaces age.
    pub fn advance(&mut self, seconds: i64) {
        self.set_time(self.now() + seconds);
    }

    /// Address of a feed's price account.
    #[must_use]
    pub fn price_account(&mut self, feed: &FeedId) -> Pubkey {
        self.prices.entry(*feed).or_insert_with(|| (Pubkey::new_unique(), 0)).0
    }

    /// The last price set for a feed.
    #[must_use]
    pub fn spot(&self, feed: &FeedId) -> u64 {
        self.prices.get(feed).map_or(0, |(_, price)| *price)
    }

    /// Posts a price as of now, with an interval of ±0.1 %.
    pub fn set_price(&mut self, feed: &FeedId, price: u64) {
        let update = PriceUpdate::new(*feed, Price(price), Price(price / 1_000), self.now());
        self.post(feed, &update);
        self.prices.entry(*feed).and_modify(|(_, last)| *last = price);
    }

    /// Posts any update to a feed's account.
    pub fn post(&mut self, feed: &FeedId, update: &PriceUpdate) {
        let address = self.price_account(feed);
        self.svm.set_account(address, update.account()).expect("an account");
    }

    /// Moves an underlying's price in an instant, to `factor` times the price before. Surfaces stay as they were.
    pub fn shock(&mut self, underlying: u16, factor: f64) {
        let feed = specs()[usize::from(underlying)].feed;
        let price = (self.spot(&feed) as f64 * factor / 1e6).round() as u64 * 1_000_000;
        self.set_price(&feed, price);
    }

    /// Posts all prices and publishes all surfaces again, as of now.
    pub fn refresh(&mut self) {
        self.refresh_prices();
        for spec in specs() {
            self.publish_surfaces(&spec);
        }
    }

    /// Posts all prices again, as of now.
    pub fn refresh_prices(&mut self) {
        for (feed, (_, price)) in self.prices.clone() {
            if price > 0 {
                self.set_price(&feed, price);
            }
        }
    }

    // --- state --------------------------------------------------------------------------------

    /// Decodes an account of the program.
    #[must_use]
    pub fn load<T: Stored>(&self, address: Pubkey) -> Loaded<T> {
        let account = self.svm.get_account(&address).unwrap_or_else(|| panic!("no account {address}"));
        Loaded::from_account(address, &account).expect("an account of this type")
    }

    #[must_use]
    pub fn account(&self, trader: &Trader) -> Loaded<MarginAccount> {
        self.load(trader.account)
    }

    /// Cash in whole atoms.
    #[must_use]
    pub fn cash(&self, trader: &Trader) -> i64 {
        i64::try_from(self.account(trader).cash_atoms_floor()).expect("a sum of test money")
    }

    #[must_use]
    pub fn engine_state(&self) -> Loaded<Engine> {
        self.load(self.engine)
    }

    #[must_use]
    pub fn underlying(&self, index: u16) -> Loaded<Underlying> {
        self.load(addresses::underlying(&self.engine, index))
    }

    /// Writes state that no instruction writes. Sums are no longer checked after it.
    pub fn forge<T: Stored>(&mut self, address: Pubkey, change: impl FnOnce(&mut T)) {
        let mut loaded: Loaded<T> = self.load(address);
        change(loaded.state_mut());
        let mut account = self.svm.get_account(&address).expect("loaded above");
        account.data = encode(&*loaded);
        self.svm.set_account(address, account).expect("an account");
        self.forged = true;
    }

    /// What a client fetches to compute margins off-chain.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let fetched = self.directory.addresses().into_iter().filter_map(|key| Some((key, self.svm.get_account(&key)?)));
        Snapshot::new(self.engine_state(), self.directory.clone(), fetched)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
