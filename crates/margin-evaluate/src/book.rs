//! A portfolio as the accounts that a check reads.

use fixed::types::I80F48;
use margin_client::{
    Loaded, MarketDirectory,
    accounts::{Stored, encode},
    addresses,
    constants::{LAYOUT_VERSION, MAX_BALANCES, MAX_COLLATERALS, MAX_POSITIONS, MAX_UNDERLYINGS},
    decimal::{Decimal, Scaled},
    margin::Snapshot,
    presets::ModelFile,
    state::{self, AccountMode, Engine, EngineFeatures, Instrument, InstrumentKind, MarginAccount, store_cash},
};
use margin_engine::{error::EngineError, risk::cost_atoms};
use solana_account::Account as ChainAccount;
use solana_pubkey::Pubkey;

use crate::{
    Kind, Link, Portfolio, PortfolioError, Position,
    listing::{self, FeedKind, feed, owner, rule, underlying_index},
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
            state.oracle = listing::oracle("quote", feed)?;
            let price = listing::price_account("quote", &feed, price, quote.confidence, self.portfolio.time)?;
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
            let price = listing::price_account(&path, &feed, source.spot, source.confidence, portfolio.time)?;
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
            let price = listing::price_account(&path, &feed, source.price, source.confidence, portfolio.time)?;
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
            self.add_position(&path, position, underlyings, &mut account)?;
        }
        Ok(account)
    }

    fn add_position(
        &self,
        path: &str,
        source: &Position,
        underlyings: &[Box<state::Underlying>],
        account: &mut MarginAccount,
    ) -> Result<(), PortfolioError> {
        let at = |member: &str| format!("{path}.{member}");
        let index = underlying_index(self.portfolio, &at("underlying"), &source.underlying)?;
        let underlying = &underlyings[usize::from(index)];
        let instrument = self.instrument(path, source, index, underlying)?;
        let lot_size = underlying.lot_size;
        let part = || PortfolioError::PartOfALot {
            path: at("quantity"),
            quantity: source.quantity,
            lot_size: Scaled::<u64, 9>(lot_size).into(),
        };
        let units = source.quantity.exactly(9).map_err(|_| part())?;
        if units % i128::from(lot_size) != 0 {
            return Err(part());
        }
        if units == 0 {
            return Err(PortfolioError::Zero { path: at("quantity") });
        }
        let overflow = || PortfolioError::Overflow { path: at("quantity"), value: source.quantity };
        let lots = i64::try_from(units / i128::from(lot_size)).map_err(|_| overflow())?;
        let settled_value = self.settled_value(path, source, lots, lot_size)?;
        if account.position(&instrument).is_some() {
            let symbol = format!("{} {:?}", source.underlying, source.kind).to_lowercase();
            return Err(PortfolioError::Duplicate { path: path.to_owned(), symbol });
        }
        account
            .add_position(instrument, lots, settled_value)
            .map_err(|error| PortfolioError::Rule { path: path.to_owned(), rule: listing::message(error) })
    }

    fn instrument(
        &self,
        path: &str,
        source: &Position,
        index: u16,
        underlying: &state::Underlying,
    ) -> Result<Instrument, PortfolioError> {
        let at = |member: &str| format!("{path}.{member}");
        let kind = match source.kind {
            Kind::Call => InstrumentKind::Call,
            Kind::Put => InstrumentKind::Put,
            Kind::Future => InstrumentKind::Future,
            Kind::Perpetual => InstrumentKind::Perpetual,
        };
        let expiry = match (source.expiry, kind.has_expiry()) {
            (Some(expiry), true) => expiry.at(self.portfolio.time),
            (None, false) => 0,
            (Some(_), false) => {
                return Err(PortfolioError::Unexpected { path: at("expiry"), why: "a perpetual has no expiry" });
            }
            (None, true) => {
                let needs = "options and futures need one of the underlying's expiries";
                return Err(PortfolioError::Missing { path: at("expiry"), needs });
            }
        };
        let strike = match (source.strike, kind.is_option()) {
            (Some(strike), true) if strike.0 > 0 => strike.0,
            (Some(_), true) => return Err(rule(&at("strike"), EngineError::LegStrike)),
            (None, false) => 0,
            (Some(_), false) => {
                return Err(PortfolioError::Unexpected { path: at("strike"), why: "only options have a strike" });
            }
            (None, true) => return Err(PortfolioError::Missing { path: at("strike"), needs: "options need a strike" }),
        };
        if kind.has_expiry() {
            let listed = underlying.expiry(expiry);
            let unknown = || PortfolioError::UnknownExpiry { path: at("expiry"), expiry };
            listed.ok_or_else(unknown)?;
            let has_surface = self.portfolio.underlyings[usize::from(index)]
                .expiries
                .iter()
                .any(|slot| slot.expiry.at(self.portfolio.time) == expiry && slot.svi.is_some());
            if kind.is_option() && expiry > self.portfolio.time && !has_surface {
                let needs = "an option that has not expired needs the `svi` of its expiry";
                return Err(PortfolioError::Missing { path: at("expiry"), needs });
            }
        }
        Ok(Instrument { underlying: index, expiry, strike, kind })
    }

    /// Value of a linear position when it was last settled, in quote atoms.
    fn settled_value(&self, path: &str, source: &Position, lots: i64, lot_size: u64) -> Result<i64, PortfolioError> {
        let decimals = self.portfolio.quote.decimals;
        let is_option = matches!(source.kind, Kind::Call | Kind::Put);
        let at = |member: &str| format!("{path}.{member}");
        match (source.entry, source.settled_value) {
            (None, None) if is_option => Ok(0),
            (Some(_), _) | (_, Some(_)) if is_option => {
                let member = if source.entry.is_some() { "entry" } else { "settled_value" };
                Err(PortfolioError::Unexpected { path: at(member), why: "an option's premium settles at once" })
            }
            (Some(entry), None) => cost_atoms(lots, entry.0, lot_size, decimals)
                .map_err(|_| PortfolioError::Overflow { path: at("entry"), value: entry.into() }),
            (None, Some(value)) => {
                let atoms = value.scaled(u32::from(decimals)).and_then(|atoms| i64::try_from(atoms).ok());
                atoms.ok_or_else(|| PortfolioError::Overflow { path: at("settled_value"), value })
            }
            (Some(_), Some(_)) => {
                Err(PortfolioError::Unexpected { path: at("settled_value"), why: "`entry` says the same; keep one" })
            }
            (None, None) => {
                let needs = "futures and perpetuals need the price at which they were last settled";
                Err(PortfolioError::Missing { path: at("entry"), needs })
            }
        }
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
