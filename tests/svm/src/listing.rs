//! Listing tokens, underlyings, expiries and surfaces.

use margin_client::{
    accounts::symbol_bytes,
    addresses,
    instructions::{
        CollateralAdd, CollateralAddArgs, CorrelationSet, CorrelationSetArgs, EngineInitialize, EngineInitializeArgs,
        ExpiryList, PerpetualPublish, PerpetualPublishArgs, SurfacePublish, SurfacePublishArgs, TradingSet,
        UnderlyingAdd, UnderlyingAddArgs,
    },
    presets,
    pyth::FeedId,
    state::{CollateralHaircuts, CollateralLink, ConfidenceCharge, OracleArgs, OracleProvider, TradingParameters},
};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

use crate::{Spec, SurfaceSpec, Token, USDC, World, correlation, specs, twin_venue, usdc};

impl World {
    #[must_use]
    pub fn initialization(&self) -> EngineInitialize {
        let args = EngineInitializeArgs {
            admin: self.admin.pubkey(),
            guardian: self.guardian.pubkey(),
            liquidation: presets::liquidation(),
        };
        EngineInitialize { creator: self.admin.pubkey(), quote_mint: self.quote.mint, args }
    }

    /// Lists the quote token as collateral number 0, at face value.
    pub fn list_quote(&mut self) {
        self.list_quote_with(None);
    }

    /// Lists the quote token, priced by an oracle if one is given.
    pub fn list_quote_with(&mut self, oracle: Option<OracleArgs>) {
        let mut add = self.quote_listing();
        add.args.oracle = oracle.clone();
        let admin = self.admin.insecure_clone();
        self.accept(add.instruction(), &[&admin]);
        self.tokens.push(self.quote);
        if let Some(oracle) = oracle {
            let price = self.price_account(&oracle.feed_id);
            self.directory.insert_collateral(USDC, self.quote.collateral(&self.engine).collateral, price);
        }
    }

    #[must_use]
    pub fn quote_listing(&self) -> CollateralAdd {
        let args = CollateralAddArgs {
            oracle: None,
            haircuts: CollateralHaircuts::default(),
            confidence: ConfidenceCharge::default(),
            link: CollateralLink::None,
            underlying: 0,
            deposit_cap: usdc(1_000_000_000.0),
        };
        self.listing(self.quote, args)
    }

    /// A listing of another token than the quote token.
    #[must_use]
    pub fn token_listing(&self, token: Token, feed: FeedId, haircuts: CollateralHaircuts) -> CollateralAdd {
        let oracle = Some(oracle(feed));
        let args = CollateralAddArgs {
            oracle,
            haircuts,
            confidence: ConfidenceCharge::default(),
            link: CollateralLink::None,
            underlying: 0,
            deposit_cap: 1_000_000_000_000_000,
        };
        self.listing(token, args)
    }

    fn listing(&self, token: Token, args: CollateralAddArgs) -> CollateralAdd {
        let (admin, engine) = (self.admin.pubkey(), self.engine);
        CollateralAdd { admin, engine, mint: token.mint, token_program: token.program, args }
    }

    /// Lists a token and returns its index.
    pub fn list_token(&mut self, token: Token, feed: FeedId, haircuts: CollateralHaircuts) -> u16 {
        let add = self.token_listing(token, feed, haircuts);
        self.list(token, add)
    }

    /// Sends the listing of a token and returns its index.
    pub fn list(&mut self, token: Token, add: CollateralAdd) -> u16 {
        let index = u16::try_from(self.tokens.len()).expect("few tokens");
        let price = self.price_account(&add.args.oracle.as_ref().expect("a token with a price").feed_id);
        self.directory.insert_collateral(index, token.collateral(&self.engine).collateral, price);
        if add.args.link != CollateralLink::None {
            self.directory.link_collateral(index, add.args.underlying);
        }
        let admin = self.admin.insecure_clone();
        self.accept(add.instruction(), &[&admin]);
        self.tokens.push(token);
        index
    }

    #[must_use]
    pub fn underlying_listing(&self, spec: &Spec) -> UnderlyingAdd {
        let args = UnderlyingAddArgs {
            symbol: symbol_bytes(spec.symbol).expect("a short symbol"),
            publisher: self.admin.pubkey(),
            oracle: oracle(spec.feed),
            lot_size: spec.lot_size,
            max_surface_age: 600,
            liquidation_max_mark_age: 3_600,
            settlement_window: 1_800,
        };
        UnderlyingAdd { admin: self.admin.pubkey(), engine: self.engine, index: spec.index, args }
    }

    /// Lists an underlying with its margin model and expiries.
    pub fn list_underlying(&mut self, spec: &Spec) {
        self.list_underlying_with(spec, oracle(spec.feed));
    }

    /// The same with other oracle limits than the default market's.
    pub fn list_underlying_with(&mut self, spec: &Spec, oracle: OracleArgs) {
        let admin = self.admin.insecure_clone();
        let mut add = self.underlying_listing(spec);
        add.args.oracle = oracle;
        self.accept(add.instruction(), &[&admin]);
        let (price, address) = (self.price_account(&spec.feed), addresses::underlying(&self.engine, spec.index));
        for instruction in spec.model.clone().instructions(admin.pubkey(), self.engine, address) {
            self.accept(instruction, &[&admin]);
        }
        self.set_trading(spec.index, free_trading());
        self.directory.insert_underlying(spec.index, address, price);
        for surface in &spec.surfaces {
            let list = self.expiry_listing(spec.index, surface.expiry);
            self.accept(list.instruction(), &[&admin]);
        }
    }

    pub fn set_trading(&mut self, underlying: u16, parameters: TradingParameters) {
        let admin = self.admin.insecure_clone();
        let set = self.trading_setting(underlying, parameters);
        self.accept(set.instruction(), &[&admin]);
    }

    #[must_use]
    pub fn trading_setting(&self, underlying: u16, parameters: TradingParameters) -> TradingSet {
        let underlying = addresses::underlying(&self.engine, underlying);
        TradingSet { admin: self.admin.pubkey(), engine: self.engine, underlying, parameters }
    }

    #[must_use]
    pub fn expiry_listing(&self, underlying: u16, expiry: i64) -> ExpiryList {
        let underlying = addresses::underlying(&self.engine, underlying);
        ExpiryList { admin: self.admin.pubkey(), engine: self.engine, underlying, expiry }
    }

    /// A publication at today's spot and time.
    #[must_use]
    pub fn publication(&self, spec: &Spec, surface: &SurfaceSpec) -> SurfacePublish {
        let spot = self.spot(&spec.feed);
        let forward = surface.forward(spot);
        let args = SurfacePublishArgs {
            expiry: surface.expiry,
            forward,
            spot_reference: spot,
            rate: surface.rate,
            svi: surface.parameters(forward, self.now()),
            confidence: 1_000_000_000,
            observed_at: self.now(),
        };
        let underlying = addresses::underlying(&self.engine, spec.index);
        SurfacePublish { publisher: self.admin.pubkey(), underlying, args }
    }

    pub fn publish_surfaces(&mut self, spec: &Spec) {
        let (admin, now) = (self.admin.insecure_clone(), self.now());
        for surface in spec.surfaces.iter().filter(|surface| surface.expiry > now) {
            let publish = self.publication(spec, surface);
            self.accept(publish.instruction(), &[&admin]);
        }
    }

    /// A publication of the perpetual's mark at today's spot and time; `basis` is the mark over spot in 1e-9.
    #[must_use]
    pub fn perpetual_publication(&self, spec: &Spec, basis: u64) -> PerpetualPublish {
        let spot = self.spot(&spec.feed);
        let mark = (u128::from(spot) * u128::from(basis) / 1_000_000_000) as u64;
        let args =
            PerpetualPublishArgs { mark, spot_reference: spot, confidence: 1_000_000_000, observed_at: self.now() };
        let underlying = addresses::underlying(&self.engine, spec.index);
        PerpetualPublish { publisher: self.admin.pubkey(), underlying, args }
    }

    /// Switches the cross-underlying model on.
    pub fn correlate(&mut self, args: CorrelationSetArgs) {
        let admin = self.admin.insecure_clone();
        let set = CorrelationSet { admin: admin.pubkey(), engine: self.engine, args };
        self.accept(set.instruction(), &[&admin]);
        self.directory.set_correlation(addresses::correlation(&self.engine));
    }

    /// A second engine on the same program and quote mint, with cash, BTC and a cross-underlying model; returns
    /// its address.
    pub fn another_engine(&mut self) -> Pubkey {
        let creator = Keypair::new();
        self.svm.airdrop(&creator.pubkey(), 1_000_000_000_000).expect("an airdrop");
        let engine = addresses::engine(&creator.pubkey());
        let admin = std::mem::replace(&mut self.admin, creator);
        let home = std::mem::replace(&mut self.engine, engine);
        let tokens = std::mem::take(&mut self.tokens);
        let directory = std::mem::take(&mut self.directory);
        let initialize = self.initialization();
        let creator = self.admin.insecure_clone();
        self.accept(initialize.instruction(), &[&creator]);
        self.list_quote();
        let [btc, ..] = specs();
        self.list_underlying(&btc);
        self.publish_surfaces(&btc);
        self.correlate(correlation());
        self.register_venue(twin_venue());
        (self.admin, self.engine, self.tokens, self.directory) = (admin, home, tokens, directory);
        engine
    }
}

/// Oracle limits of the default market: a minute and 1 % to trade, five minutes and 5 % to liquidate.
#[must_use]
pub fn oracle(feed: FeedId) -> OracleArgs {
    OracleArgs {
        provider: OracleProvider::PythPull,
        feed_id: feed,
        max_age: 60,
        liquidation_max_age: 300,
        max_confidence: 10_000_000,
        liquidation_max_confidence: 50_000_000,
        confidence_full_scale: 0,
    }
}

/// No fees, no funding, and the widest band: prices of tests may be anything that is worth testing.
#[must_use]
pub fn free_trading() -> TradingParameters {
    TradingParameters {
        band_mark: 1_000_000_000,
        band_index: 1_000_000_000,
        sample_spacing: 60,
        sample_count: 20,
        ..Default::default()
    }
}
