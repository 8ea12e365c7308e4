//! A portfolio as the accounts that a check reads.

use fixed::types::I80F48;
use margin_client::{
    Loaded, MarketDirectory,
    accounts::{Stored, encode},
    addresses,
    constants::{LAYOUT_VERSION, MAX_BALANCES, MAX_COLLATERALS, MAX_POSITIONS, MAX_UNDERLYINGS},
    decimal::Decimal,
    margin::Snapshot,
    presets::ModelFile,
    state::{self, AccountMode, Engine, EngineFeatures, MarginAccount, store_cash},
};
use margin_engine::error::EngineError;
use solana_account::Account as ChainAccount;
use solana_pubkey::Pubkey;

use crate::{
    Link, Portfolio, PortfolioError,
    listing::{self, owner, rule, underlying_index},
    position::add_position,
    prices::{FeedKind, feed, oracle, price_account},
};

/// A portfolio's accounts at their addresses, and the client's view of them.
#[derive(Clone, Debug)]
pub struct Book {
    /// Unix seconds at which it is judged.
    pub now: i64,
    /// Address of the margin account.
    pub address: Pubkey,
    pub account: Box<MarginAccount>,
    /// Engine and markets.
    pub snapshot: Snapshot,
    /// Every account, the margin account included.
    pub accounts: Vec<(Pubkey, ChainAccount)>,
    /// Underlyings as stored, by their number.
    pub underlyings: Vec<Box<state::Underlying>>,
    /// Their symbols.
    pub symbols: Vec<String>,
    /// Their models.
    pub models: Vec<ModelFile>,
}

/// Accounts while they are made.
struct Builder<'a> {
    portfolio: &'a Portfolio,
    engine: Pubkey,
    features: u8,
    directory: MarketDirectory,
    accounts: Vec<(Pubkey, ChainAccount)>,
}

impl Book {
    /// Builds every account.
    ///
    /// # Errors
    /// The first member of the portfolio that the program could not hold or would refuse.
    pub fn new(portfolio: &Portfolio) -> Result<Self, PortfolioError> {
        let engine = addresses::engine(&owner());
        let mut builder =
            Builder { portfolio, engine, features: 0, directory: MarketDirectory::default(), accounts: Vec::new() };
        builder.quote()?;
        let underlyings = builder.underlyings()?;
        builder.collaterals()?;
        if let Some(correlation) = &portfolio.correlation {
            let address = addresses::correlation(&engine);
            builder.push(address, &*listing::correlation(correlation, engine)?);
            builder.directory.set_correlation(address);
            builder.features |= EngineFeatures::CORRELATION;
        }
        let state = builder.engine();
        builder.push(engine, &*state);
        let account = builder.account(&underlyings)?;
        let address = addresses::margin_account(&engine, &owner(), 0);
        builder.push(address, &*account);
        let models =
            portfolio.underlyings.iter().enumerate().map(|(index, underlying)| {
                listing::model_file(&format!("underlyings[{index}].model"), &underlying.model)
            });
        let Builder { directory, accounts, .. } = builder;
        Ok(Self {
            now: portfolio.time,
            address,
            account,
            snapshot: Snapshot::new(Loaded::from_state(engine, state), directory, accounts.iter().cloned()),
            accounts,
            underlyings,
            symbols: portfolio.underlyings.iter().map(|underlying| underlying.symbol.clone()).collect(),
            models: models.collect::<Result<_, _>>()?,
        })
    }
}

impl Builder<'_> {
    fn push<T: Stored>(&mut self, address: Pubkey, state: &T) {
        let data = encode(state);
        // As much as makes an account exempt from rent.
        let lamports = (128 + data.len() as u64) * 3_480 * 2;
        let account = ChainAccount { lamports, data, owner: margin_client::PROGRAM_ID, ..ChainAccount::default() };
        self.accounts.push((address, account));
    }

    fn quote(&mut self) -> Result<(), PortfolioError> {
        const SYMBOL: &str = "quote";
        let quote = &self.portfolio.quote;
        if quote.decimals > 9 {
            return Err(rule("quote.decimals", EngineError::CollateralDecimals));
        }
        let (address, mut state) = listing::token(self.engine, 0, SYMBOL, quote.decimals);
        if let Some(price) = quote.price {
            let feed = feed(FeedKind::Token, SYMBOL);
            state.oracle = oracle("quote", feed)?;
            let price = price_account("quote", &feed, price, quote.confidence, self.portfolio.time)?;
            self.directory.insert_collateral(0, address, price.0);
            self.accounts.push(price);
            self.features |= EngineFeatures::QUOTE_ORACLE;
        }
        self.push(address, &*state);
        Ok(())
    }

    fn underlyings(&mut self) -> Result<Vec<Box<state::Underlying>>, PortfolioError> {
        let portfolio = self.portfolio;
        limit("underlyings", portfolio.underlyings.len(), usize::from(MAX_UNDERLYINGS))?;
        let mut built = Vec::with_capacity(portfolio.underlyings.len());
        for (index, source) in (0u16..).zip(&portfolio.underlyings) {
            let path = format!("underlyings[{index}]");
            let earlier = &portfolio.underlyings[..usize::from(index)];
            distinct(&path, &source.symbol, earlier.iter().map(|other| &other.symbol))?;
            let state = listing::underlying(&path, source, self.engine, index, portfolio.time)?;
            let feed = feed(FeedKind::Underlying, &source.symbol);
            let price = price_account(&path, &feed, source.spot, source.confidence, portfolio.time)?;
            let address = addresses::underlying(&self.engine, index);
            self.directory.insert_underlying(index, address, price.0);
            self.accounts.push(price);
            self.push(address, &*state);
            built.push(state);
        }
        Ok(built)
    }

    fn collaterals(&mut self) -> Result<(), PortfolioError> {
        let portfolio = self.portfolio;
        limit("collaterals", portfolio.collaterals.len(), usize::from(MAX_COLLATERALS) - 1)?;
        for (number, source) in portfolio.collaterals.iter().enumerate() {
            let path = format!("collaterals[{number}]");
            let index = number as u16 + 1;
            distinct(&path, &source.symbol, portfolio.collaterals[..number].iter().map(|other| &other.symbol))?;
            let at = format!("{path}.underlying");
            let underlying = match (source.link, &source.underlying) {
                (Link::None, None) => 0,
                (Link::None, Some(_)) => {
                    let why = "the token has no link; set `link` to \"index\" or \"cancels_risk\"";
                    return Err(PortfolioError::Unexpected { path: at, why });
                }
                (_, Some(symbol)) => underlying_index(portfolio, &at, symbol)?,
                (_, None) => {
                    let needs = "a linked token needs the symbol of its underlying";
                    return Err(PortfolioError::Missing { path: at, needs });
                }
            };
            let (address, state) = listing::collateral(&path, source, self.engine, index, underlying)?;
            let feed = feed(FeedKind::Token, &source.symbol);
            let price = price_account(&path, &feed, source.price, source.confidence, portfolio.time)?;
            self.directory.insert_collateral(index, address, price.0);
            if source.link != Link::None {
                self.directory.link_collateral(index, underlying);
            }
            self.accounts.push(price);
            self.push(address, &*state);
        }
        Ok(())
    }

    fn engine(&self) -> Box<Engine> {
        let mut state: Box<Engine> = bytemuck::zeroed_box();
        state.version = LAYOUT_VERSION;
        state.quote_decimals = self.portfolio.quote.decimals;
        state.features = self.features;
        // Both lists were checked to be short.
        state.collateral_count = self.portfolio.collaterals.len() as u16 + 1;
        state.underlying_count = self.portfolio.underlyings.len() as u16;
        state.creator = owner();
        state.admin = owner();
        state.quote_mint = listing::mint("quote");
        state.liquidation = margin_client::presets::liquidation();
        state
    }

    fn account(&self, underlyings: &[Box<state::Underlying>]) -> Result<Box<MarginAccount>, PortfolioError> {
        let (portfolio, source) = (self.portfolio, &self.portfolio.account);
        let decimals = u32::from(portfolio.quote.decimals);
        let mut account: Box<MarginAccount> = bytemuck::zeroed_box();
        account.version = LAYOUT_VERSION;
        account.mode = AccountMode::from(source.mode) as u8;
        account.engine = self.engine;
        account.owner = owner();
        account.cash = cash("account.cash", source.cash, decimals)?;
        limit("account.balances", source.balances.len(), MAX_BALANCES)?;
        for (number, balance) in source.balances.iter().enumerate() {
            let path = format!("account.balances[{number}]");
            distinct(&path, &balance.symbol, source.balances[..number].iter().map(|other| &other.symbol))?;
            let listed = portfolio.collaterals.iter().position(|token| token.symbol == balance.symbol);
            let Some(token) = listed else {
                let (path, symbol) = (format!("{path}.symbol"), balance.symbol.clone());
                return Err(PortfolioError::UnknownCollateral { path, symbol });
            };
            let path = format!("{path}.amount");
            let places = u32::from(portfolio.collaterals[token].decimals);
            let atoms = exactly(&path, balance.amount, places)?;
            let overflow = || PortfolioError::Overflow { path: path.clone(), value: balance.amount };
            let atoms = u64::try_from(atoms).map_err(|_| overflow())?;
            if atoms == 0 {
                return Err(PortfolioError::Zero { path });
            }
            account.set_balance(token as u16 + 1, atoms).map_err(|_| overflow())?;
        }
        limit("account.positions", source.positions.len(), MAX_POSITIONS)?;
        for (number, position) in source.positions.iter().enumerate() {
            let path = format!("account.positions[{number}]");
            add_position(portfolio, &path, position, underlyings, &mut account)?;
        }
        Ok(account)
    }
}

fn limit(path: &str, count: usize, most: usize) -> Result<(), PortfolioError> {
    if count > most {
        return Err(PortfolioError::TooMany { path: path.to_owned(), count, most });
    }
    Ok(())
}

fn distinct<'a>(
    path: &str,
    symbol: &String,
    mut earlier: impl Iterator<Item = &'a String>,
) -> Result<(), PortfolioError> {
    if earlier.any(|other| other == symbol) {
        return Err(PortfolioError::Duplicate { path: format!("{path}.symbol"), symbol: symbol.clone() });
    }
    Ok(())
}

fn exactly(path: &str, value: Decimal, places: u32) -> Result<i128, PortfolioError> {
    value.exactly(places).map_err(|error| PortfolioError::Number { path: path.to_owned(), error })
}

/// Quote tokens as stored, to the nearest 2⁻⁴⁸ atom.
fn cash(path: &str, amount: Decimal, decimals: u32) -> Result<state::StoredCash, PortfolioError> {
    let bits = amount.times(1 << I80F48::FRAC_NBITS).and_then(|bits| bits.scaled(decimals));
    let overflow = || PortfolioError::Overflow { path: path.to_owned(), value: amount };
    Ok(store_cash(I80F48::from_bits(bits.ok_or_else(overflow)?)))
}
