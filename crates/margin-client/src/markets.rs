//! The accounts a margin check reads after the instruction's named ones.
//!
//! The program demands them in one exact form: every needed collateral by rising index, then every needed underlying
//! by rising index, each followed by its price account. [`RequiredMarkets`] says which are needed; a
//! [`MarketDirectory`] knows their addresses.

use std::collections::{BTreeMap, BTreeSet};

use margin_engine::{
    instructions::TradeLeg,
    state::{Collateral, MarginAccount},
};
use solana_instruction::AccountMeta;
use solana_pubkey::Pubkey;

/// Where a collateral or underlying lives, and the price account that shall be read for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketAddresses {
    /// The `Collateral` or `Underlying`.
    pub market: Pubkey,
    /// An account with its price. Pyth updates can be written by anyone, so it is the client's choice.
    pub price: Pubkey,
}

/// A market that a check needs is not in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    #[error("collateral {0} is not in the market directory")]
    UnknownCollateral(u16),
    #[error("underlying {0} is not in the market directory")]
    UnknownUnderlying(u16),
}

/// Addresses of the markets of one engine by their index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketDirectory {
    collaterals: BTreeMap<u16, MarketAddresses>,
    underlyings: BTreeMap<u16, MarketAddresses>,
}

impl MarketDirectory {
    /// Adds or replaces a collateral (not the quote token, which needs no price).
    pub fn insert_collateral(&mut self, index: u16, market: Pubkey, price: Pubkey) -> &mut Self {
        self.collaterals.insert(index, MarketAddresses { market, price });
        self
    }

    /// Adds or replaces an underlying.
    pub fn insert_underlying(&mut self, index: u16, market: Pubkey, price: Pubkey) -> &mut Self {
        self.underlyings.insert(index, MarketAddresses { market, price });
        self
    }

    /// Addresses of a collateral.
    pub fn collateral(&self, index: u16) -> Result<MarketAddresses, DirectoryError> {
        self.collaterals.get(&index).copied().ok_or(DirectoryError::UnknownCollateral(index))
    }

    /// Addresses of an underlying.
    pub fn underlying(&self, index: u16) -> Result<MarketAddresses, DirectoryError> {
        self.underlyings.get(&index).copied().ok_or(DirectoryError::UnknownUnderlying(index))
    }

    /// Price accounts of all markets, each once.
    pub fn price_accounts(&self) -> BTreeSet<Pubkey> {
        self.markets().map(|addresses| addresses.price).collect()
    }

    /// Addresses of all markets and their prices, each once: what a snapshot of the engine fetches.
    pub fn addresses(&self) -> BTreeSet<Pubkey> {
        self.markets().flat_map(|addresses| [addresses.market, addresses.price]).collect()
    }

    fn markets(&self) -> impl Iterator<Item = &MarketAddresses> {
        self.collaterals.values().chain(self.underlyings.values())
    }

    /// Risk accounts of a check of one account as it is: `MarginCheck`, `LiquidationStart`, `LiquidationStop`.
    pub fn for_account(&self, account: &MarginAccount) -> Result<Vec<AccountMeta>, DirectoryError> {
        RequiredMarkets::default().with_account(account).metas(self)
    }

    /// Risk accounts of a withdrawal: a token that leaves in full is no longer checked.
    pub fn for_withdrawal(
        &self,
        account: &MarginAccount,
        collateral: u16,
        amount: u64,
    ) -> Result<Vec<AccountMeta>, DirectoryError> {
        let mut required = RequiredMarkets::default().with_account(account);
        if account.balance_of(collateral) == amount {
            required.collaterals.remove(&collateral);
        }
        required.metas(self)
    }

    /// Risk accounts of a trade: what either side holds before it, and what the legs touch.
    pub fn for_trade(
        &self,
        maker: &MarginAccount,
        taker: &MarginAccount,
        legs: &[TradeLeg],
    ) -> Result<Vec<AccountMeta>, DirectoryError> {
        RequiredMarkets::default().with_account(maker).with_account(taker).with_legs(legs).metas(self)
    }

    /// Risk accounts of a liquidation bid: what either account holds before it.
    pub fn for_bid(&self, bidder: &MarginAccount, account: &MarginAccount) -> Result<Vec<AccountMeta>, DirectoryError> {
        RequiredMarkets::default().with_account(bidder).with_account(account).metas(self)
    }
}

/// Which collaterals and underlyings a check needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequiredMarkets {
    collaterals: BTreeSet<u16>,
    underlyings: BTreeSet<u16>,
}

impl RequiredMarkets {
    /// Adds everything `account` holds. Cash counts at face value and needs no market.
    #[must_use]
    pub fn with_account(mut self, account: &MarginAccount) -> Self {
        self.collaterals.extend(account.balances().iter().map(|balance| balance.collateral));
        self.collaterals.remove(&Collateral::QUOTE_INDEX);
        self.underlyings.extend(account.positions().iter().map(|position| position.underlying));
        self
    }

    /// Adds the underlyings of a trade's legs.
    #[must_use]
    pub fn with_legs(mut self, legs: &[TradeLeg]) -> Self {
        self.underlyings.extend(legs.iter().map(|leg| leg.instrument.underlying));
        self
    }

    /// Indices of the needed collaterals, rising.
    pub fn collaterals(&self) -> impl Iterator<Item = u16> + '_ {
        self.collaterals.iter().copied()
    }

    /// Indices of the needed underlyings, rising.
    pub fn underlyings(&self) -> impl Iterator<Item = u16> + '_ {
        self.underlyings.iter().copied()
    }

    /// The needed markets in the order of the program.
    pub fn resolve(&self, directory: &MarketDirectory) -> Result<Vec<MarketAddresses>, DirectoryError> {
        let collaterals = self.collaterals().map(|index| directory.collateral(index));
        let underlyings = self.underlyings().map(|index| directory.underlying(index));
        collaterals.chain(underlyings).collect()
    }

    /// The needed accounts, all read-only, in the order of the program.
    pub fn metas(&self, directory: &MarketDirectory) -> Result<Vec<AccountMeta>, DirectoryError> {
        let markets = self.resolve(directory)?;
        Ok(markets
            .iter()
            .flat_map(|addresses| [addresses.market, addresses.price])
            .map(|address| AccountMeta::new_readonly(address, false))
            .collect())
    }
}
