//! Margin of every account, by the program's own code.
//!
//! A [`View`] is the market at one moment. The program loads the markets of one account for each check; a view loads all of
//! them once, and every account is judged in it: the code and so the figures are the same, to the last digit. A market
//! whose price the program would refuse is left out, and the accounts that need it come out as
//! [`Health::Unpriceable`]: on-chain nobody could judge them either.

mod sweep;

use std::collections::BTreeMap;

use anchor_lang::prelude::AccountInfo;
use margin_client::{
    Loaded,
    margin::{AccountCopy, MarginFailure, PriceUse, read_price},
    state::{AccountMode, Engine, MarginAccount, OracleConfig},
};
use margin_core::portfolio::AccountRisk;
use margin_engine::{
    error::EngineError,
    risk::{Check, ModelReport, ReportOptions, Workspace},
    risk_accounts::{RequiredMarkets, RiskAccounts, UnderlyingView},
};
use solana_account::Account;
use solana_pubkey::Pubkey;

pub use sweep::{Scope, Swept, sweep};

use crate::store::{Market, Store};

/// What is known of an account's margin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    #[default]
    Unknown,
    Known(AccountRisk),
    /// The program would refuse to judge it, with this error.
    Unpriceable(u32),
}

impl Health {
    /// Whether anyone may put the account into liquidation.
    #[must_use]
    pub fn liquidatable(&self) -> bool {
        matches!(self, Self::Known(risk) if !risk.safe())
    }
}

/// Why there is no view yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoView {
    #[error("the engine {0} has not been seen yet")]
    Engine(Pubkey),
    #[error("the engine's cross-underlying model has not been seen yet")]
    Correlation,
    #[error(transparent)]
    Program(#[from] MarginFailure),
}

impl From<anchor_lang::error::Error> for NoView {
    fn from(error: anchor_lang::error::Error) -> Self {
        Self::Program(error.into())
    }
}

/// A market that cannot be used now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    pub market: Pubkey,
    pub symbol: String,
    pub reason: String,
}

/// All markets of an engine at one moment, for one use.
#[derive(Clone, Debug)]
pub struct View {
    engine: Loaded<Engine>,
    /// In the order in which the program demands them.
    accounts: Vec<(Pubkey, Account)>,
    required: RequiredMarkets,
    usage: PriceUse,
    now: i64,
    unusable: Vec<Unusable>,
}

impl View {
    /// The market as the store has it, at a time of the chain's clock.
    pub fn new(store: &Store, usage: PriceUse, now: i64) -> Result<Self, NoView> {
        let engine = store.engine().ok_or(NoView::Engine(store.engine_address()))?.clone();
        let mut view = Self {
            required: RequiredMarkets::of_engine(&engine),
            accounts: Vec::new(),
            usage,
            now,
            unusable: Vec::new(),
            engine,
        };
        view.add_correlation(store)?;
        view.add_markets(store)?;
        Ok(view)
    }

    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    #[must_use]
    pub fn engine(&self) -> &Loaded<Engine> {
        &self.engine
    }

    /// Markets whose accounts cannot be judged, and why.
    #[must_use]
    pub fn unusable(&self) -> &[Unusable] {
        &self.unusable
    }

    fn add_correlation(&mut self, store: &Store) -> Result<(), NoView> {
        if !self.engine.correlates() {
            return Ok(());
        }
        let model = store.markets.all().find_map(|(market, account)| match market {
            Market::Correlation(state) => Some((state.address, account.clone())),
            _ => None,
        });
        self.accounts.push(model.ok_or(NoView::Correlation)?);
        let nobody: Box<MarginAccount> = bytemuck::zeroed_box();
        Ok(self.required.add_account(&self.engine, &nobody, AccountMode::Portfolio)?)
    }

    fn add_markets(&mut self, store: &Store) -> Result<(), NoView> {
        // By index, so in the program's order.
        let (mut underlyings, mut unpriced) = (BTreeMap::new(), BTreeMap::new());
        for state in store.markets.underlyings() {
            match self.price(store, &state.oracle) {
                Ok(price) => {
                    self.required.add_underlying(state.index)?;
                    underlyings.insert(state.index, (state.address, price));
                }
                Err(reason) => {
                    let symbol = state.symbol().to_owned();
                    self.unusable.push(Unusable { market: state.address, symbol, reason });
                    unpriced.insert(state.index, (state.address, price_account(store, &state.oracle)));
                }
            }
        }
        // Unpriced underlyings that tokens without a price are linked to: there to be named, while positions in them cannot
        // be judged.
        let mut named = BTreeMap::new();
        let mut collaterals = BTreeMap::new();
        for state in store.markets.collaterals() {
            if state.is_quote() && !self.engine.has_quote_oracle() {
                continue;
            }
            let unpriced_link = state.linked_underlying().filter(|linked| !underlyings.contains_key(linked));
            let price = match (self.price(store, &state.oracle), unpriced_link) {
                (Ok(price), None) => price,
                // It counts for nothing.
                (Err(_), link) if self.usage == PriceUse::Liquidation && state.challenge.holds(self.now) => {
                    named.extend(link.and_then(|link| unpriced.remove_entry(&link)));
                    price_account(store, &state.oracle)
                }
                (failed, _) => {
                    let reason = failed.err().unwrap_or_else(|| "its underlying cannot be priced".to_owned());
                    let symbol = format!("token {}", state.mint);
                    self.unusable.push(Unusable { market: state.address, symbol, reason });
                    continue;
                }
            };
            self.required.add_collateral(state.index)?;
            collaterals.insert(state.index, (state.address, price));
        }
        underlyings.append(&mut named);
        let bytes = |market: &Pubkey| {
            store.markets.all().find_map(|(state, account)| (address_of(state) == *market).then(|| account.clone()))
        };
        for (market, price) in collaterals.into_values().chain(underlyings.into_values()) {
            self.accounts.extend(bytes(&market).map(|account| (market, account)));
            self.accounts.push(price);
        }
        Ok(())
    }

    /// The price account of an oracle, if the program would accept what it holds.
    fn price(&self, store: &Store, oracle: &OracleConfig) -> Result<(Pubkey, Account), String> {
        let (address, account) = store.markets.price(oracle).ok_or("no price account was seen yet")?;
        read_price(oracle, address, account, self.usage, self.now).map_err(|error| error.to_string())?;
        Ok((address, account.clone()))
    }

    /// Loads the markets and hands them out. What is borrowed belongs to one thread, so each worker loads its own.
    pub fn with<T>(&self, then: impl FnOnce(&Judge) -> T) -> Result<T, MarginFailure> {
        let mut copies: Vec<AccountCopy> =
            self.accounts.iter().map(|(address, account)| AccountCopy::new(*address, account)).collect();
        let infos: Vec<AccountInfo> = copies.iter_mut().map(AccountCopy::info).collect();
        let markets = RiskAccounts::load(&self.engine.address, &infos, self.required, self.usage, self.now)?;
        Ok(then(&Judge { engine: &self.engine, markets: &markets, usage: self.usage, now: self.now }))
    }
}

/// An oracle's price account as it is, or an empty one.
fn price_account(store: &Store, oracle: &OracleConfig) -> (Pubkey, Account) {
    store.markets.price(oracle).map_or_else(Default::default, |(address, account)| (address, account.clone()))
}

fn address_of(market: &Market) -> Pubkey {
    match market {
        Market::Underlying(state) => state.address,
        Market::Collateral(state) => state.address,
        Market::Correlation(state) => state.address,
    }
}

/// A loaded [`View`]: judges accounts.
pub struct Judge<'a> {
    pub engine: &'a Engine,
    pub markets: &'a RiskAccounts<'a>,
    usage: PriceUse,
    now: i64,
}

impl<'a> Judge<'a> {
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// What the program would compute for an account now.
    pub fn check(&'a self, account: &'a MarginAccount) -> anchor_lang::Result<Check<'a>> {
        Check::new(account, self.markets, self.engine, self.usage, self.now)
    }

    /// Margin figures of an account.
    pub fn assess(&self, account: &MarginAccount, workspace: &mut Workspace) -> anchor_lang::Result<AccountRisk> {
        self.check(account)?.assess_in(workspace)
    }

    fn health(&self, account: &MarginAccount, workspace: &mut Workspace) -> Health {
        match self.assess(account, workspace) {
            Ok(risk) => Health::Known(risk),
            Err(error) => Health::Unpriceable(code(&error)),
        }
    }

    /// The scenario that costs most in each underlying of an account, as a witness names it; `None` where the account's model
    /// knows no single one and is evaluated in full.
    pub fn witness(&self, account: &MarginAccount) -> anchor_lang::Result<Option<Vec<u8>>> {
        if account.mode()? == AccountMode::Standard
            || self.engine.correlates() && account.mode()? == AccountMode::Portfolio
        {
            return Ok(None);
        }
        // A mean of several scenarios has no single one.
        let averages = |view: &UnderlyingView| view.state.risk.scan.shortfall_count > 1;
        let exposed = |view: &&UnderlyingView| account.positions().iter().any(|p| p.underlying == view.state.index);
        if self.markets.underlyings().iter().filter(exposed).any(averages) {
            return Ok(None);
        }
        let mut witness = Vec::new();
        loop {
            let first = u8::try_from(witness.len()).map_err(|_| EngineError::Overflow)?;
            let report = self.check(account)?.report(ReportOptions { first, greeks: false })?;
            for underlying in &report.underlyings {
                match &underlying.model {
                    ModelReport::Portfolio(parts) => witness.push(parts.worst_case),
                    ModelReport::Standard(_) => return Ok(None),
                }
            }
            if report.underlyings.is_empty() || witness.len() >= usize::from(report.underlying_count) {
                return Ok(Some(witness));
            }
        }
    }
}

/// Number of an error, for counting.
pub(crate) fn code(error: &anchor_lang::error::Error) -> u32 {
    match error {
        anchor_lang::error::Error::AnchorError(raised) => raised.error_code_number,
        anchor_lang::error::Error::ProgramError(_) => 0,
    }
}
