//! Margin computed off-chain by the program's own code.
//!
//! A [`Snapshot`] holds the accounts a check would read. [`Snapshot::report`] hands them to the program's functions as the
//! runtime would, oracle policy included, so its figures and its refusals are those of `margin_check`, bit for bit.
//! From the same inputs come what a check does not return: each position on its own, and each scenario.

use std::collections::HashMap;

use anchor_lang::prelude::AccountInfo;
use margin_core::{Multiplier, Price, Usd, portfolio::Ratio};
pub use margin_engine::oracle::{PriceUse, PriceView};
use margin_engine::{
    constants::LAYOUT_VERSION,
    instructions::{MarginCheckArgs, MarginQuoteArgs},
    oracle,
    risk::{Breakdown, BreakdownPart, Check, ReportOptions, usd_to_atoms_floor},
    risk_accounts::{RequiredMarkets as ProgramRequiredMarkets, RiskAccounts},
    state::{Engine, MarginAccount, OracleConfig, Position, Underlying, VolShock},
};
use solana_account::{Account, ReadableAccount};
use solana_pubkey::Pubkey;

use crate::{
    GreeksReport, MarginReport,
    accounts::{AccountError, Loaded, decode},
    errors::{self, ProgramError},
    markets::{DirectoryError, MarketDirectory, RequiredMarkets},
    pyth::{self, FeedId, PriceUpdate},
};

/// Why a margin could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarginFailure {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error("the snapshot has no account {0}")]
    NotFetched(Pubkey),
    #[error("account {address}: {error}")]
    Account { address: Pubkey, error: AccountError },
    /// The program would refuse the check with this error.
    #[error(transparent)]
    Program(ProgramError),
    /// The program would fail with an error of the runtime.
    #[error("{0}")]
    Runtime(String),
}

impl From<anchor_lang::error::Error> for MarginFailure {
    fn from(error: anchor_lang::error::Error) -> Self {
        match &error {
            anchor_lang::error::Error::AnchorError(raised) => match errors::explain(raised.error_code_number) {
                Some(explained) => Self::Program(explained),
                None => Self::Runtime(raised.error_msg.clone()),
            },
            anchor_lang::error::Error::ProgramError(raised) => Self::Runtime(raised.to_string()),
        }
    }
}

/// One position as if the account held nothing else. Amounts in quote atoms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandAlone {
    pub position: Position,
    /// An option's mark, a perpetual's unrealised profit; rounded down.
    pub value: i64,
    /// Requirements, rounded up.
    pub initial_margin: i64,
    pub maintenance_margin: i64,
    pub greeks: GreeksReport,
}

/// Sum of the requirements of every position on its own and of the collateral haircuts: what the book would cost if
/// nothing netted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionByPosition {
    pub initial_margin: i64,
    pub maintenance_margin: i64,
}

/// One scenario of an underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScenarioProfit {
    pub spot: Multiplier,
    pub vol: VolShock,
    pub weight: Ratio,
    /// Weighted profit of all positions of the underlying, quote atoms, rounded down.
    pub profit: i64,
}

/// Accounts at one moment, fetched or made up.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub engine: Loaded<Engine>,
    pub directory: MarketDirectory,
    accounts: HashMap<Pubkey, Account>,
}

impl Snapshot {
    /// Takes an engine and the accounts of its markets: those of [`MarketDirectory::addresses`], or fewer.
    pub fn new(
        engine: Loaded<Engine>,
        directory: MarketDirectory,
        accounts: impl IntoIterator<Item = (Pubkey, Account)>,
    ) -> Self {
        Self { engine, directory, accounts: accounts.into_iter().collect() }
    }

    /// Adds or replaces an account.
    pub fn insert(&mut self, address: Pubkey, account: Account) {
        self.accounts.insert(address, account);
    }

    /// What if the price of a feed were this? Replaces every price account of the directory that carries the feed by a
    /// certain, fully verified update, and returns how many there were.
    pub fn set_price(&mut self, feed: &FeedId, price: Price, publish_time: i64) -> usize {
        let update = PriceUpdate::new(*feed, price, Price::ZERO, publish_time).account();
        let mut replaced = 0;
        for address in self.directory.price_accounts() {
            let Some(account) = self.accounts.get_mut(&address) else { continue };
            if pyth::decode(account).is_ok_and(|old| old.price_message.feed_id == *feed) {
                *account = update.clone();
                replaced += 1;
            }
        }
        replaced
    }

    /// Decodes an underlying of the snapshot.
    pub fn underlying(&self, index: u16) -> Result<Loaded<Underlying>, MarginFailure> {
        let address = self.directory.underlying(index)?.market;
        let account = self.account(&address)?;
        let state =
            decode(account.owner(), account.data()).map_err(|error| MarginFailure::Account { address, error })?;
        Ok(Loaded::from_state(address, state))
    }

    /// What `margin_check` would return at `now` (with [`PriceUse::Liquidation`]; the stricter use is what trades face).
    pub fn report(&self, account: &MarginAccount, usage: PriceUse, now: i64) -> Result<MarginReport, MarginFailure> {
        self.check(account, &MarginCheckArgs { usage, ..Default::default() }, now)
    }

    /// What `margin_check` with these arguments would return at `now`.
    pub fn check(
        &self,
        account: &MarginAccount,
        args: &MarginCheckArgs,
        now: i64,
    ) -> Result<MarginReport, MarginFailure> {
        let quote = MarginQuoteArgs { legs: Vec::new(), transfers: Vec::new(), check: args.clone() };
        self.quote(account, &quote, now)
    }

    /// What `margin_quote` would return at `now`.
    pub fn quote(
        &self,
        account: &MarginAccount,
        args: &MarginQuoteArgs,
        now: i64,
    ) -> Result<MarginReport, MarginFailure> {
        let required = args.required_markets(&self.engine, account)?;
        let addresses = RequiredMarkets::default().with_quote(account, args).resolve(&self.directory)?;
        self.with_markets(required, &addresses, args.check.usage, now, |markets| {
            Ok(args.judge(account, markets, &self.engine, now)?)
        })
    }

    /// What `margin_breakdown` would return at `now`.
    pub fn breakdown(
        &self,
        account: &MarginAccount,
        underlying: u16,
        part: BreakdownPart,
        now: i64,
    ) -> Result<Breakdown, MarginFailure> {
        let usage = PriceUse::Liquidation;
        self.for_account(account, usage, now, |markets| {
            Ok(Check::new(account, markets, &self.engine, usage, now)?.breakdown(underlying, part)?)
        })
    }

    /// Every position as if it were the only one, in the account's order.
    pub fn stand_alone(
        &self,
        account: &MarginAccount,
        usage: PriceUse,
        now: i64,
    ) -> Result<Vec<StandAlone>, MarginFailure> {
        self.for_account(account, usage, now, |markets| {
            let mut alone = empty_account(account);
            alone.position_count = 1;
            account
                .positions()
                .iter()
                .map(|position| {
                    alone.positions[0] = *position;
                    let check = Check::new(&alone, markets, &self.engine, usage, now)?;
                    let report = check.report(ReportOptions { first: 0, greeks: true })?;
                    Ok(StandAlone {
                        position: *position,
                        value: report.positions_value,
                        initial_margin: report.initial_margin,
                        maintenance_margin: report.maintenance_margin,
                        greeks: report.underlyings.first().map(|underlying| underlying.greeks).unwrap_or_default(),
                    })
                })
                .collect()
        })
    }

    /// What the book costs position by position.
    pub fn position_by_position(
        &self,
        account: &MarginAccount,
        usage: PriceUse,
        now: i64,
    ) -> Result<PositionByPosition, MarginFailure> {
        let mut collateral = empty_account(account);
        collateral.balance_count = account.balance_count;
        collateral.balances = account.balances;
        let haircuts = self.report(&collateral, usage, now)?;
        let mut sum = PositionByPosition {
            initial_margin: haircuts.initial_margin,
            maintenance_margin: haircuts.maintenance_margin,
        };
        for position in self.stand_alone(account, usage, now)? {
            sum.initial_margin = sum.initial_margin.saturating_add(position.initial_margin);
            sum.maintenance_margin = sum.maintenance_margin.saturating_add(position.maintenance_margin);
        }
        Ok(sum)
    }

    /// The profit of an account's positions of one underlying in each of its scenarios, in the grid's order. Empty if it
    /// holds none.
    pub fn scenarios(
        &self,
        account: &MarginAccount,
        underlying: u16,
        usage: PriceUse,
        now: i64,
    ) -> Result<Vec<ScenarioProfit>, MarginFailure> {
        if !account.positions().iter().any(|position| position.underlying == underlying) {
            return Ok(Vec::new());
        }
        let grid = self.underlying(underlying)?;
        let decimals = self.engine.quote_decimals;
        self.for_account(account, usage, now, |markets| {
            let check = Check::new(account, markets, &self.engine, usage, now)?;
            let book = check.breakdown(underlying, BreakdownPart::Book)?;
            let profits = grid.scenarios().iter().zip(&book.profits).map(|(scenario, profit)| {
                Ok(ScenarioProfit {
                    spot: Multiplier(scenario.spot),
                    vol: VolShock::from_byte(scenario.vol),
                    weight: Ratio(u64::from(scenario.weight)),
                    profit: usd_to_atoms_floor(Usd(*profit), decimals)?,
                })
            });
            profits.collect()
        })
    }

    fn account(&self, address: &Pubkey) -> Result<&Account, MarginFailure> {
        self.accounts.get(address).ok_or(MarginFailure::NotFetched(*address))
    }

    fn for_account<T>(
        &self,
        account: &MarginAccount,
        usage: PriceUse,
        now: i64,
        then: impl FnOnce(&RiskAccounts) -> Result<T, MarginFailure>,
    ) -> Result<T, MarginFailure> {
        let required = ProgramRequiredMarkets::of_accounts(&self.engine, &[account])?;
        let addresses = RequiredMarkets::default().with_account(account).resolve(&self.directory)?;
        self.with_markets(required, &addresses, usage, now, then)
    }

    /// Loads markets the way the program does, from copies of the accounts.
    fn with_markets<T>(
        &self,
        required: ProgramRequiredMarkets,
        addresses: &[Pubkey],
        usage: PriceUse,
        now: i64,
        then: impl FnOnce(&RiskAccounts) -> Result<T, MarginFailure>,
    ) -> Result<T, MarginFailure> {
        let mut copies = Vec::with_capacity(addresses.len());
        for address in addresses {
            copies.push(AccountCopy::new(*address, self.account(address)?));
        }
        let infos: Vec<AccountInfo> = copies.iter_mut().map(AccountCopy::info).collect();
        then(&RiskAccounts::load(&self.engine.address, &infos, required, usage, now)?)
    }
}

/// Reads a price as the program does: provider, owner, feed, verification, age and confidence must satisfy `config`.
pub fn read_price(
    config: &OracleConfig,
    address: Pubkey,
    account: &Account,
    usage: PriceUse,
    now: i64,
) -> Result<PriceView, MarginFailure> {
    Ok(oracle::read_price(config, &AccountCopy::new(address, account).info(), usage, now)?)
}

/// The owner's account without anything in it.
fn empty_account(account: &MarginAccount) -> Box<MarginAccount> {
    let mut empty: Box<MarginAccount> = bytemuck::zeroed_box();
    empty.version = LAYOUT_VERSION;
    empty.mode = account.mode;
    empty.engine = account.engine;
    empty.owner = account.owner;
    empty
}

/// An account as the runtime passes it: data aligned to eight bytes. What the program's own functions read.
pub struct AccountCopy {
    address: Pubkey,
    owner: Pubkey,
    lamports: u64,
    words: Vec<u64>,
    length: usize,
}

impl AccountCopy {
    #[must_use]
    pub fn new(address: Pubkey, account: &Account) -> Self {
        let length = account.data.len();
        let mut words = vec![0u64; length.div_ceil(size_of::<u64>())];
        bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..length].copy_from_slice(&account.data);
        Self { address, owner: account.owner, lamports: account.lamports, words, length }
    }

    /// The account, read-only.
    pub fn info(&mut self) -> AccountInfo<'_> {
        let data = &mut bytemuck::cast_slice_mut(&mut self.words)[..self.length];
        AccountInfo::new(&self.address, false, false, &mut self.lamports, data, &self.owner, false)
    }
}
