//! Engines, markets and prices as a node shows them.

use std::collections::BTreeSet;

use margin_client::{
    AccountError, AccountKind, Loaded, MarketDirectory, PROGRAM_ID,
    accounts::{Stored, search_filters},
    addresses,
    margin::{MarginFailure, PriceUse, PriceView, Snapshot, read_price},
    pyth::{self, FEED_ID_OFFSET_WHEN_FULL, RECEIVER_PROGRAM},
    state::{Collateral, CorrelationModel, Engine, MarginAccount, OracleConfig, OracleProvider, Underlying},
};
use solana_account::Account;
use solana_pubkey::Pubkey;

use crate::{
    cli::{AccountSelector, FeedName, Global, PriceAccount},
    error::CliError,
    node::Node,
};

/// A listed market and its price.
pub struct Listed<T> {
    pub market: Loaded<T>,
    /// `None` for the quote token, and where no account carries the feed.
    pub price: Option<Priced>,
}

/// A price account and what the program would read from it now.
pub struct Priced {
    pub address: Pubkey,
    pub reading: Result<PriceView, MarginFailure>,
    pub account: Account,
}

/// All of one engine.
pub struct Markets {
    pub engine: Loaded<Engine>,
    /// By index; the quote token first.
    pub collaterals: Vec<Listed<Collateral>>,
    pub underlyings: Vec<Listed<Underlying>>,
    /// The cross-underlying model, where it is on.
    pub correlation: Option<Loaded<CorrelationModel>>,
    /// Unix seconds of the chain.
    pub now: i64,
}

pub fn load<T: Stored>(node: &Node, address: Pubkey) -> Result<Loaded<T>, CliError> {
    let account = node.account(&address)?.ok_or(CliError::AccountNotFound { address })?;
    Loaded::from_account(address, &account).map_err(|error| CliError::NotTheAccount { address, error })
}

/// The engine asked for, or the only one there is.
pub fn engine_address(node: &Node, global: &Global) -> Result<Pubkey, CliError> {
    if let Some(engine) = global.engine {
        return Ok(engine);
    }
    let filter = (0, AccountKind::Engine.discriminator().to_vec());
    let engines: Vec<Pubkey> = node.search(&PROGRAM_ID, &[filter])?.into_iter().map(|(address, _)| address).collect();
    match engines[..] {
        [] => Err(CliError::NoEngine),
        [engine] => Ok(engine),
        _ => Err(CliError::SeveralEngines(engines)),
    }
}

/// The margin account asked for.
pub fn margin_account(
    node: &Node,
    global: &Global,
    selector: &AccountSelector,
) -> Result<Loaded<MarginAccount>, CliError> {
    let Some(owner) = selector.owner else {
        // The command line demands one of the two.
        return load(node, selector.address.unwrap_or_default());
    };
    let (engine, index) = (engine_address(node, global)?, selector.index);
    let address = addresses::margin_account(&engine, &owner, index);
    load(node, address).map_err(|error| match error {
        CliError::AccountNotFound { .. } => CliError::OwnerHasNoAccount { owner, index, engine },
        other => other,
    })
}

impl Markets {
    /// Reads an engine, its markets and their prices.
    pub fn load(node: &Node, global: &Global, engine: Pubkey) -> Result<Self, CliError> {
        let mut markets = Self::load_without_prices(node, engine)?;
        let prices = Prices { node, chosen: &global.price_accounts, now: markets.now };
        let has_quote_oracle = markets.engine.has_quote_oracle();
        for listed in &mut markets.collaterals {
            if listed.market.is_quote() && !has_quote_oracle {
                continue;
            }
            listed.price = prices.find(&listed.market.oracle, None)?;
        }
        for listed in &mut markets.underlyings {
            listed.price = prices.find(&listed.market.oracle, Some(listed.market.symbol()))?;
        }
        Ok(markets)
    }

    /// Reads an engine and its markets.
    pub fn load_without_prices(node: &Node, engine: Pubkey) -> Result<Self, CliError> {
        let engine: Loaded<Engine> = load(node, engine).map_err(|error| match error {
            CliError::AccountNotFound { address } => CliError::EngineNotFound { address },
            other => other,
        })?;
        let now = node.time()?;
        let mut collaterals = Vec::new();
        for (address, account) in node.search(&PROGRAM_ID, &search_filters::<Collateral>(&engine.address))? {
            collaterals.push(Listed { market: decoded(address, &account)?, price: None });
        }
        collaterals.sort_by_key(|listed: &Listed<Collateral>| listed.market.index);

        let addresses: Vec<Pubkey> =
            (0..engine.underlying_count).map(|index| addresses::underlying(&engine.address, index)).collect();
        let mut underlyings = Vec::new();
        for (address, account) in addresses.iter().zip(node.accounts(&addresses)?) {
            let account = account.ok_or(CliError::AccountNotFound { address: *address })?;
            underlyings.push(Listed { market: decoded(*address, &account)?, price: None });
        }
        let correlation = match engine.correlates() {
            true => Some(load(node, addresses::correlation(&engine.address))?),
            false => None,
        };
        Ok(Self { engine, collaterals, underlyings, correlation, now })
    }

    /// Finds a token by its mint.
    pub fn token(&self, mint: &Pubkey) -> Result<&Loaded<Collateral>, CliError> {
        let listed = self.collaterals.iter().find(|listed| listed.market.mint == *mint);
        Ok(&listed.ok_or(CliError::UnknownMint { mint: *mint })?.market)
    }

    /// Finds an underlying by symbol, in any case of letters.
    pub fn underlying(&self, symbol: &str) -> Result<&Listed<Underlying>, CliError> {
        self.underlyings.iter().find(|listed| listed.market.symbol().eq_ignore_ascii_case(symbol)).ok_or_else(|| {
            CliError::UnknownSymbol {
                symbol: symbol.to_owned(),
                listed: self.underlyings.iter().map(|listed| listed.market.symbol().to_owned()).collect(),
            }
        })
    }

    /// Symbol of an underlying by its index.
    pub fn symbol(&self, index: u16) -> &str {
        self.underlyings.get(usize::from(index)).map_or("?", |listed| listed.market.symbol())
    }

    /// What a check of `account` reads, for the program and for the off-chain calculation.
    pub fn snapshot(&self, account: &MarginAccount) -> Result<Snapshot, CliError> {
        let mut directory = MarketDirectory::default();
        let mut accounts = Vec::new();
        let mut needed: BTreeSet<u16> = account.positions().iter().map(|position| position.underlying).collect();
        let has_quote_oracle = self.engine.has_quote_oracle();
        for Listed { market, price } in &self.collaterals {
            let held = account.balances().iter().any(|balance| balance.collateral == market.index);
            if !(held || market.is_quote() && has_quote_oracle) {
                continue;
            }
            let name = || format!("the token {}", market.mint);
            let priced = price.as_ref().ok_or_else(|| no_price(name(), &market.oracle))?;
            directory.insert_collateral(market.index, market.address, priced.address);
            if let Some(underlying) = market.linked_underlying() {
                directory.link_collateral(market.index, underlying);
                needed.insert(underlying);
            }
            accounts.push((market.address, stored(&**market)));
            accounts.push((priced.address, priced.account.clone()));
        }
        for index in needed {
            if let Some(Listed { market, price }) = self.underlyings.get(usize::from(index)) {
                let priced = price.as_ref().ok_or_else(|| no_price(market.symbol().to_owned(), &market.oracle))?;
                directory.insert_underlying(market.index, market.address, priced.address);
                accounts.push((market.address, stored(&**market)));
                accounts.push((priced.address, priced.account.clone()));
            }
        }
        if let Some(model) = &self.correlation {
            directory.set_correlation(model.address);
            accounts.push((model.address, stored(&**model)));
        }
        Ok(Snapshot::new(self.engine.clone(), directory, accounts))
    }
}

fn decoded<T: Stored>(address: Pubkey, account: &Account) -> Result<Loaded<T>, CliError> {
    Loaded::from_account(address, account).map_err(|error: AccountError| CliError::NotTheAccount { address, error })
}

fn stored<T: Stored>(state: &T) -> Account {
    Account { data: margin_client::accounts::encode(state), owner: PROGRAM_ID, ..Account::default() }
}

fn no_price(market: String, oracle: &OracleConfig) -> CliError {
    CliError::NoPriceAccount { market, feed: hex(&oracle.feed_id) }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Finds price accounts.
struct Prices<'a> {
    node: &'a Node,
    chosen: &'a [PriceAccount],
    now: i64,
}

impl Prices<'_> {
    /// The account chosen by hand; else, for Pyth's push oracle, the account that its configuration names; else the
    /// freshest fully verified update of the feed.
    fn find(&self, oracle: &OracleConfig, symbol: Option<&str>) -> Result<Option<Priced>, CliError> {
        let chosen = self.chosen.iter().find(|chosen| match &chosen.feed {
            FeedName::Id(id) => *id == oracle.feed_id,
            FeedName::Symbol(name) => symbol.is_some_and(|symbol| symbol.eq_ignore_ascii_case(name)),
        });
        let found = if let Some(PriceAccount { address, .. }) = chosen {
            let account = self.node.account(address)?.ok_or(CliError::AccountNotFound { address: *address })?;
            Some((*address, account))
        } else if oracle.provider == OracleProvider::PythPush as u8 {
            let address = Pubkey::new_from_array(oracle.feed_id);
            self.node.account(&address)?.map(|account| (address, account))
        } else {
            self.freshest(oracle)?
        };
        Ok(found.map(|(address, account)| Priced {
            address,
            reading: read_price(oracle, address, &account, PriceUse::Liquidation, self.now),
            account,
        }))
    }

    fn freshest(&self, oracle: &OracleConfig) -> Result<Option<(Pubkey, Account)>, CliError> {
        // The level Full is the byte 1 just before the feed id.
        let content = [&[1], &oracle.feed_id[..]].concat();
        let found = match self.node.search(&RECEIVER_PROGRAM, &[(FEED_ID_OFFSET_WHEN_FULL - 1, content)]) {
            Ok(found) => found,
            // Public nodes may not search that program: there Pyth's sponsored account is the best guess.
            Err(CliError::NodeRefused { .. }) => {
                let address = pyth::sponsored_address(&oracle.feed_id, 0);
                self.node.account(&address)?.map(|account| (address, account)).into_iter().collect()
            }
            Err(error) => return Err(error),
        };
        let published = |account: &Account| pyth::decode(account).ok().map(|update| update.price_message.publish_time);
        Ok(found
            .into_iter()
            .filter_map(|(address, account)| published(&account).map(|time| (time, address, account)))
            .max_by_key(|(time, address, _)| (*time, *address))
            .map(|(_, address, account)| (address, account)))
    }
}
