//! An engine with one market and its traders.

use margin_client::{
    Loaded, MarketDirectory,
    accounts::symbol_bytes,
    addresses,
    instructions::{
        AccountOpen, AccountOpenArgs, CollateralAdd, CollateralAddArgs, CollateralAddresses, Deposit, EngineInitialize,
        EngineInitializeArgs, ExpiryList, LiquidationBid, LiquidationBidArgs, LiquidationStart, MarginCheck,
        MarginCheckArgs, SurfacePublish, SurfacePublishArgs, TradeExecute, TradeExecuteArgs, TradeLeg, TradingSet,
        UnderlyingAdd, UnderlyingAddArgs, Withdraw, WithdrawArgs, WitnessArgs,
    },
    margin::Snapshot,
    presets,
    state::{AccountMode, CollateralHaircuts, CollateralLink, ConfidenceCharge, Engine, MarginAccount},
};
use solana_instruction::AccountMeta;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{BTC, Spec, SurfaceSpec, free_trading, oracle, specs};

use crate::Chain;

/// Thirty days.
const TENOR: i64 = 2_592_000;

/// A trader with margin account 0.
pub struct Party {
    pub key: Keypair,
    pub account: Pubkey,
    pub wallet: Pubkey,
}

/// An engine with USDC-like cash and BTC, one expiry thirty days out.
pub struct Desk {
    pub chain: Chain,
    pub engine: Pubkey,
    pub quote: CollateralAddresses,
    pub expiry: i64,
    btc: Spec,
    price: Pubkey,
    directory: MarketDirectory,
}

impl Desk {
    /// Initialises the engine and lists the market; everything is signed by the chain's payer.
    pub async fn open(mut chain: Chain) -> Self {
        let admin = chain.payer().pubkey();
        let mint = chain.mint(6).await;
        let engine = addresses::engine(&admin);
        let args = EngineInitializeArgs { admin, guardian: Pubkey::default(), liquidation: presets::liquidation() };
        chain.accept(EngineInitialize { creator: admin, quote_mint: mint, args }.instruction(), &[]).await;
        let token_program = spl_token_interface::ID;
        let args = CollateralAddArgs {
            oracle: None,
            haircuts: CollateralHaircuts::default(),
            confidence: ConfidenceCharge::default(),
            link: CollateralLink::None,
            underlying: 0,
            deposit_cap: 1_000_000_000_000_000,
        };
        chain.accept(CollateralAdd { admin, engine, mint, token_program, args }.instruction(), &[]).await;

        let [btc, ..] = specs();
        let args = UnderlyingAddArgs {
            symbol: symbol_bytes(btc.symbol).expect("a short symbol"),
            publisher: admin,
            oracle: oracle(btc.feed),
            lot_size: btc.lot_size,
            max_surface_age: 3_600,
            liquidation_max_mark_age: 7_200,
            settlement_window: 1_800,
        };
        chain.accept(UnderlyingAdd { admin, engine, index: BTC, args }.instruction(), &[]).await;
        let underlying = addresses::underlying(&engine, BTC);
        for instruction in btc.model.clone().instructions(admin, engine, underlying) {
            chain.accept(instruction, &[]).await;
        }
        chain.accept(TradingSet { admin, engine, underlying, parameters: free_trading() }.instruction(), &[]).await;
        let expiry = chain.now().await + TENOR;
        chain.accept(ExpiryList { admin, engine, underlying, expiry }.instruction(), &[]).await;

        let price = Pubkey::new_unique();
        let mut directory = MarketDirectory::default();
        directory.insert_underlying(BTC, underlying, price);
        let quote = CollateralAddresses::derive(&engine, &mint, &token_program);
        let mut desk = Self { chain, engine, quote, expiry, btc, price, directory };
        desk.set_price(1.0).await;
        desk.publish().await;
        desk
    }

    /// Posts the price of BTC as a multiple of the default market's.
    pub async fn set_price(&mut self, factor: f64) {
        let price = (self.btc.spot as f64 * factor / 1e6) as u64 * 1_000_000;
        self.chain.set_price(self.price, self.btc.feed, price).await;
    }

    async fn publish(&mut self) {
        let now = self.chain.now().await;
        let surface = SurfaceSpec { expiry: self.expiry, ..self.btc.surfaces[0] };
        let forward = surface.forward(self.btc.spot);
        let args = SurfacePublishArgs {
            expiry: self.expiry,
            forward,
            spot_reference: self.btc.spot,
            rate: surface.rate,
            svi: surface.parameters(forward, now),
            confidence: 1_000_000_000,
            observed_at: now,
        };
        let underlying = addresses::underlying(&self.engine, BTC);
        let publish = SurfacePublish { publisher: self.chain.payer().pubkey(), underlying, args };
        self.chain.accept(publish.instruction(), &[]).await;
    }

    /// A trader who deposits all but a thousandth of what he has.
    pub async fn party(&mut self, atoms: u64) -> Party {
        let key = Keypair::new();
        let args = AccountOpenArgs { index: 0, delegate: Pubkey::default(), mode: AccountMode::Portfolio };
        let payer = self.chain.payer().pubkey();
        let open = AccountOpen { owner: key.pubkey(), payer, engine: self.engine, args };
        self.chain.accept(open.instruction(), &[&key]).await;
        let wallet = self.chain.wallet(&key.pubkey(), &self.quote.mint, atoms).await;
        let account = addresses::margin_account(&self.engine, &key.pubkey(), 0);
        let party = Party { key, account, wallet };
        let deposit = self.deposit(&party, atoms - atoms / 1_000);
        self.chain.accept(deposit.instruction(), &[&party.key]).await;
        party
    }

    pub async fn account(&self, party: &Party) -> Loaded<MarginAccount> {
        let account = self.chain.account(party.account).await.expect("an open account");
        Loaded::from_account(party.account, &account).expect("a margin account")
    }

    /// What a client fetches to compute margins off-chain.
    pub async fn snapshot(&self) -> Snapshot {
        let engine = self.chain.account(self.engine).await.expect("an engine");
        let engine = Loaded::<Engine>::from_account(self.engine, &engine).expect("an engine");
        let mut fetched = Vec::new();
        for address in self.directory.addresses() {
            fetched.push((address, self.chain.account(address).await.expect("a market account")));
        }
        Snapshot::new(engine, self.directory.clone(), fetched)
    }

    #[must_use]
    pub fn deposit(&self, party: &Party, amount: u64) -> Deposit {
        Deposit {
            authority: party.key.pubkey(),
            engine: self.engine,
            margin_account: party.account,
            collateral: self.quote,
            source: party.wallet,
            amount,
        }
    }

    pub async fn withdraw(&self, party: &Party, amount: u64) -> Withdraw {
        let account = self.account(party).await;
        Withdraw {
            owner: party.key.pubkey(),
            engine: self.engine,
            margin_account: party.account,
            collateral: self.quote,
            destination: party.wallet,
            args: WithdrawArgs { amount, allow_borrow: false },
            markets: self.directory.for_withdrawal(&account, 0, amount).expect("listed markets"),
        }
    }

    pub async fn trade(&self, maker: &Party, taker: &Party, legs: &[TradeLeg]) -> TradeExecute {
        let (ours, theirs) = (self.account(maker).await, self.account(taker).await);
        TradeExecute {
            maker: maker.key.pubkey(),
            taker: taker.key.pubkey(),
            engine: self.engine,
            maker_account: maker.account,
            taker_account: taker.account,
            args: TradeExecuteArgs {
                legs: legs.to_vec(),
                deadline: self.chain.now().await + 60,
                maker_sequence: Some(ours.sequence),
                taker_sequence: Some(theirs.sequence),
                maker_reduce_only: false,
                taker_reduce_only: false,
            },
            markets: self.directory.for_trade(&ours, &theirs, legs).expect("listed markets"),
        }
    }

    pub async fn check(&self, party: &Party) -> MarginCheck {
        MarginCheck {
            engine: self.engine,
            margin_account: party.account,
            markets: self.markets(party).await,
            args: MarginCheckArgs::default(),
        }
    }

    pub async fn start(&self, keeper: &Party, party: &Party) -> LiquidationStart {
        LiquidationStart {
            liquidator: keeper.key.pubkey(),
            engine: self.engine,
            margin_account: party.account,
            args: WitnessArgs::default(),
            markets: self.markets(party).await,
        }
    }

    /// A bid for all that may be had, at any price.
    pub async fn bid(&self, keeper: &Party, party: &Party) -> LiquidationBid {
        let (ours, theirs) = (self.account(keeper).await, self.account(party).await);
        let markets = self.directory.for_bid(&ours, &theirs);
        LiquidationBid {
            bidder: keeper.key.pubkey(),
            engine: self.engine,
            bidder_account: keeper.account,
            margin_account: party.account,
            args: LiquidationBidArgs { fraction: 1_000_000_000, price_limit: i64::MAX, legs: None },
            markets: markets.expect("listed markets"),
        }
    }

    async fn markets(&self, party: &Party) -> Vec<AccountMeta> {
        let account = self.account(party).await;
        self.directory.for_account(&account).expect("listed markets")
    }
}
