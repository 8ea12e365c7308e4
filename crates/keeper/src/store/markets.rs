//! The engine, its markets and their prices.

use std::collections::BTreeMap;

use margin_client::{
    AccountKind, Loaded, MarketDirectory,
    accounts::decode,
    state::{Collateral, CorrelationModel, Engine, OracleConfig, OracleProvider, Underlying},
};
use solana_account::{Account, ReadableAccount as _};
use solana_pubkey::Pubkey;

use super::{Exposure, Outcome, Version};

/// A listed market, decoded.
#[derive(Clone, Debug)]
pub enum Market {
    Underlying(Loaded<Underlying>),
    Collateral(Loaded<Collateral>),
    Correlation(Loaded<CorrelationModel>),
}

impl Market {
    /// What accounts must hold to depend on it.
    fn exposure(&self) -> Exposure {
        match self {
            Self::Underlying(state) => Exposure::underlying(state.index),
            Self::Collateral(state) => Exposure::collateral(state.index),
            Self::Correlation(_) => Exposure { correlation: true, ..Exposure::NONE },
        }
    }

    /// The oracle that checks read with it.
    fn oracle(&self) -> Option<&OracleConfig> {
        match self {
            Self::Underlying(state) => Some(&state.oracle),
            Self::Collateral(state) => (state.oracle.feed_id != [0; 32]).then_some(&state.oracle),
            Self::Correlation(_) => None,
        }
    }
}

#[derive(Clone, Debug)]
struct Stored<T> {
    version: Version,
    account: Account,
    state: T,
}

/// A price account; not seen yet while it has no account.
#[derive(Clone, Debug, Default)]
struct StoredPrice {
    version: Version,
    account: Option<Account>,
}

/// The engine, its markets and their prices.
#[derive(Clone, Debug)]
pub struct Markets {
    address: Pubkey,
    engine: Option<Stored<Loaded<Engine>>>,
    listed: BTreeMap<Pubkey, Stored<Market>>,
    /// Price account of each feed.
    chosen: BTreeMap<[u8; 32], Pubkey>,
    prices: BTreeMap<Pubkey, StoredPrice>,
    /// Kept beside `listed` and `chosen`.
    directory: MarketDirectory,
}

impl Markets {
    pub(super) fn new(address: Pubkey) -> Self {
        Self {
            address,
            engine: None,
            listed: BTreeMap::new(),
            chosen: BTreeMap::new(),
            prices: BTreeMap::new(),
            directory: MarketDirectory::default(),
        }
    }

    #[must_use]
    pub fn engine_address(&self) -> Pubkey {
        self.address
    }

    #[must_use]
    pub fn engine(&self) -> Option<&Loaded<Engine>> {
        self.engine.as_ref().map(|stored| &stored.state)
    }

    /// Addresses of all markets whose price account is known, for the accounts of an instruction.
    #[must_use]
    pub fn directory(&self) -> &MarketDirectory {
        &self.directory
    }

    /// All markets with the bytes they were read from.
    pub fn all(&self) -> impl Iterator<Item = (&Market, &Account)> {
        self.listed.values().map(|stored| (&stored.state, &stored.account))
    }

    pub fn underlyings(&self) -> impl Iterator<Item = &Loaded<Underlying>> {
        self.listed.values().filter_map(|stored| match &stored.state {
            Market::Underlying(state) => Some(state),
            _ => None,
        })
    }

    #[must_use]
    pub fn underlying(&self, index: u16) -> Option<&Loaded<Underlying>> {
        self.underlyings().find(|state| state.index == index)
    }

    pub fn collaterals(&self) -> impl Iterator<Item = &Loaded<Collateral>> {
        self.listed.values().filter_map(|stored| match &stored.state {
            Market::Collateral(state) => Some(state),
            _ => None,
        })
    }

    /// Feeds for which no price account is known yet.
    #[must_use]
    pub fn feeds_without_account(&self) -> Vec<OracleConfig> {
        let mut missing: Vec<OracleConfig> = self
            .listed
            .values()
            .filter_map(|stored| stored.state.oracle())
            .filter(|oracle| self.price_address(oracle).is_none())
            .copied()
            .collect();
        missing.sort_unstable_by_key(|oracle| oracle.feed_id);
        missing.dedup_by_key(|oracle| oracle.feed_id);
        missing
    }

    /// Names the account in which a feed's price is read. Anyone can write a Pyth update, so it is the reader's choice.
    pub fn choose_price(&mut self, feed: [u8; 32], address: Pubkey) {
        self.chosen.insert(feed, address);
        self.prices.entry(address).or_default();
        self.rebuild_directory();
    }

    /// Where the price of an oracle is read, if it is known: a push oracle names its account itself.
    #[must_use]
    pub fn price_address(&self, oracle: &OracleConfig) -> Option<Pubkey> {
        let named = (oracle.provider == OracleProvider::PythPush as u8).then(|| Pubkey::new_from_array(oracle.feed_id));
        self.chosen.get(&oracle.feed_id).copied().or(named)
    }

    /// The price account of an oracle, once it was seen.
    #[must_use]
    pub fn price(&self, oracle: &OracleConfig) -> Option<(Pubkey, &Account)> {
        let address = self.price_address(oracle)?;
        Some((address, self.prices.get(&address)?.account.as_ref()?))
    }

    /// Price accounts to follow.
    pub fn price_addresses(&self) -> impl Iterator<Item = Pubkey> {
        self.prices.keys().copied()
    }

    pub(super) fn holds(&self, address: &Pubkey, account: &Account) -> bool {
        let engine = self.engine.as_ref().filter(|_| *address == self.address).map(|stored| &stored.account);
        let market = self.listed.get(address).map(|stored| &stored.account);
        let price = self.prices.get(address).and_then(|stored| stored.account.as_ref());
        engine.or(market).or(price).is_some_and(|held| held.data == account.data)
    }

    pub(super) fn is_price(&self, address: &Pubkey) -> bool {
        self.prices.contains_key(address)
    }

    pub(super) fn set_price(
        &mut self,
        address: Pubkey,
        account: Option<&Account>,
        version: Version,
    ) -> (Outcome, Exposure) {
        let Some(stored) = self.prices.get_mut(&address) else { return (Outcome::Foreign, Exposure::NONE) };
        if stored.version >= version {
            return (Outcome::Stale, Exposure::NONE);
        }
        stored.version = version;
        // Lamports and the rent epoch say nothing about a price.
        let same = match (&stored.account, account) {
            (Some(held), Some(new)) => held.data == new.data && held.owner == new.owner,
            (None, None) => true,
            _ => false,
        };
        if same {
            return (Outcome::Unchanged, Exposure::NONE);
        }
        stored.account = account.cloned();
        (Outcome::Changed, self.priced_by(&address))
    }

    pub(super) fn apply(&mut self, address: Pubkey, account: &Account, version: Version) -> (Outcome, Exposure) {
        if address == self.address {
            return self.apply_engine(account, version);
        }
        let market = match decode_market(address, account) {
            Ok(Some((engine, market))) if engine == self.address => market,
            Ok(_) => return (Outcome::Foreign, Exposure::NONE),
            Err(Unreadable) => return (Outcome::Unreadable, Exposure::NONE),
        };
        match self.listed.get_mut(&address) {
            Some(stored) if stored.version >= version => return (Outcome::Stale, Exposure::NONE),
            Some(stored) if stored.account.data == account.data => {
                stored.version = version;
                return (Outcome::Unchanged, Exposure::NONE);
            }
            _ => {}
        }
        let touched = self.with_linked(market.exposure());
        self.listed.insert(address, Stored { version, account: account.clone(), state: market });
        for oracle in self.listed.values().filter_map(|stored| stored.state.oracle()) {
            if let Some(price) = self.price_address(oracle) {
                self.prices.entry(price).or_default();
            }
        }
        self.rebuild_directory();
        (Outcome::Changed, touched | self.with_linked(touched))
    }

    fn apply_engine(&mut self, account: &Account, version: Version) -> (Outcome, Exposure) {
        let Ok(state) = decode::<Engine>(account.owner(), account.data()) else {
            return (Outcome::Unreadable, Exposure::NONE);
        };
        match &mut self.engine {
            Some(stored) if stored.version >= version => return (Outcome::Stale, Exposure::NONE),
            Some(stored) if stored.account.data == account.data => {
                stored.version = version;
                return (Outcome::Unchanged, Exposure::NONE);
            }
            _ => {}
        }
        let state = Loaded::from_state(self.address, state);
        self.engine = Some(Stored { version, account: account.clone(), state });
        self.rebuild_directory();
        (Outcome::Changed, Exposure::ALL)
    }

    /// Markets that read a price account.
    fn priced_by(&self, address: &Pubkey) -> Exposure {
        let reads = |market: &&Market| market.oracle().and_then(|oracle| self.price_address(oracle)) == Some(*address);
        let markets = self.listed.values().map(|stored| &stored.state).filter(reads);
        self.with_linked(markets.fold(Exposure::NONE, |sum, market| sum | market.exposure()))
    }

    /// With the tokens that are linked to any of the underlyings. The quote token's price is part of every account.
    fn with_linked(&self, exposure: Exposure) -> Exposure {
        if exposure.touches(Exposure::collateral(Collateral::QUOTE_INDEX))
            && self.engine().is_some_and(|engine| engine.has_quote_oracle())
        {
            return Exposure::ALL;
        }
        let linked = self.collaterals().filter(|token| {
            token.linked_underlying().is_some_and(|index| exposure.touches(Exposure::underlying(index)))
        });
        linked.fold(exposure, |sum, token| sum | Exposure::collateral(token.index))
    }

    fn rebuild_directory(&mut self) {
        let mut directory = MarketDirectory::default();
        let has_quote_oracle = self.engine().is_some_and(|engine| engine.has_quote_oracle());
        let correlates = self.engine().is_some_and(|engine| engine.correlates());
        for (address, stored) in &self.listed {
            let price = stored.state.oracle().and_then(|oracle| self.price_address(oracle));
            match (&stored.state, price) {
                (Market::Underlying(state), Some(price)) => {
                    directory.insert_underlying(state.index, *address, price);
                }
                (Market::Collateral(state), Some(price)) if !state.is_quote() || has_quote_oracle => {
                    directory.insert_collateral(state.index, *address, price);
                    if let Some(underlying) = state.linked_underlying() {
                        directory.link_collateral(state.index, underlying);
                    }
                }
                (Market::Correlation(_), _) if correlates => {
                    directory.set_correlation(*address);
                }
                _ => {}
            }
        }
        self.directory = directory;
    }
}

/// It has the type's first bytes and cannot be read.
struct Unreadable;

/// A market and its engine; `None`: another type.
fn decode_market(address: Pubkey, account: &Account) -> Result<Option<(Pubkey, Market)>, Unreadable> {
    let (owner, data) = (account.owner(), account.data());
    let market = match AccountKind::of(data) {
        Some(AccountKind::Underlying) => {
            let state = decode::<Underlying>(owner, data).map_err(|_| Unreadable)?;
            (state.engine, Market::Underlying(Loaded::from_state(address, state)))
        }
        Some(AccountKind::Collateral) => {
            let state = decode::<Collateral>(owner, data).map_err(|_| Unreadable)?;
            (state.engine, Market::Collateral(Loaded::from_state(address, state)))
        }
        Some(AccountKind::CorrelationModel) => {
            let state = decode::<CorrelationModel>(owner, data).map_err(|_| Unreadable)?;
            (state.engine, Market::Correlation(Loaded::from_state(address, state)))
        }
        _ => return Ok(None),
    };
    Ok(Some(market))
}
