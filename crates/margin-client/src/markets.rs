//! The accounts a margin check reads after the instruction's named ones.
//!
//! The program demands them in one exact form: every needed collateral by rising index, then every needed underlying
//! by rising index, each followed by its price account. [`RequiredMarkets`] says which are needed; a
//! [`MarketDirectory`] knows their addresses.

use std::collections::{BTreeMap, BTreeSet};

use margin_engine::{
    instructions::MarginQuoteArgs,
    state::{AccountMode, Collateral, MarginAccount},
    trading::TradeLeg,
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
    /// Underlyings that collaterals are linked to.
    links: BTreeMap<u16, u16>,
    underlyings: BTreeMap<u16, MarketAddresses>,
    correlation: Option<Pubkey>,
}

impl MarketDirectory {
    /// Adds or replaces a collateral (the quote token, number 0, only where it has an oracle).
    pub fn insert_collateral(&mut self, index: u16, market: Pubkey, price: Pubkey) -> &mut Self {
        self.collaterals.insert(index, MarketAddresses { market, price });
        self
    }

    /// Notes that a collateral is linked to an underlying: who holds it needs that as well.
    pub fn link_collateral(&mut self, index: u16, underlying: u16) -> &mut Self {
        self.links.insert(index, underlying);
        self
    }

    /// Notes that the engine's cross-underlying model, at this address, is on.
    pub fn set_correlation(&mut self, model: Pubkey) -> &mut Self {
        self.correlation = Some(model);
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
        self.markets().flat_map(|addresses| [addresses.market, addresses.price]).chain(self.correlation).collect()
    }

    fn markets(&self) -> impl Iterator<Item = &MarketAddresses> {
        self.collaterals.values().chain(self.underlyings.values())
    }

    /// Risk accounts of a check of one account as it is: `MarginCheck`, `MarginBreakdown`, `LiquidationStart`,
    /// `LiquidationStop`.
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

    /// Risk accounts of a trade: what either side holds before it, and what the legs touch, which is written.
    pub fn for_trade(
        &self,
        maker: &MarginAccount,
        taker: &MarginAccount,
        legs: &[TradeLeg],
    ) -> Result<Vec<AccountMeta>, DirectoryError> {
        self.for_fills(&[maker, taker], legs)
    }

    /// The same of a venue's fills between several accounts.
    pub fn for_fills(
        &self,
        accounts: &[&MarginAccount],
        legs: &[TradeLeg],
    ) -> Result<Vec<AccountMeta>, DirectoryError> {
        let held = accounts.iter().fold(RequiredMarkets::default(), |held, account| held.with_account(account));
        let mut metas = held.with_legs(legs).metas(self)?;
        for leg in legs {
            let written = self.underlying(leg.instrument.underlying)?.market;
            metas.iter_mut().filter(|meta| meta.pubkey == written).for_each(|meta| meta.is_writable = true);
        }
        Ok(metas)
    }

    /// Risk accounts of a check of an account in another mode: `MarginCheck` with one, `AccountSetMode`.
    pub fn for_mode(&self, account: &MarginAccount, mode: AccountMode) -> Result<Vec<AccountMeta>, DirectoryError> {
        RequiredMarkets::default().with_account_in(account, mode).metas(self)
    }

    /// Risk accounts of a quote: what the account holds, what the legs touch, and the tokens transferred.
    pub fn for_quote(
        &self,
        account: &MarginAccount,
        args: &MarginQuoteArgs,
    ) -> Result<Vec<AccountMeta>, DirectoryError> {
        RequiredMarkets::default().with_quote(account, args).metas(self)
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
    /// Whether the cross-underlying model is needed, where the engine has one.
    correlates: bool,
}

impl RequiredMarkets {
    /// Adds everything `account` holds, to be judged in its own mode.
    #[must_use]
    pub fn with_account(self, account: &MarginAccount) -> Self {
        // A mode that this client does not know is the program's to refuse.
        self.with_account_in(account, account.mode().unwrap_or(AccountMode::Standard))
    }

    /// Adds everything `account` holds, to be judged in `mode`.
    #[must_use]
    pub fn with_account_in(mut self, account: &MarginAccount, mode: AccountMode) -> Self {
        self.correlates |= mode == AccountMode::Portfolio;
        self.collaterals.extend(account.balances().iter().map(|balance| balance.collateral));
        self.collaterals.remove(&Collateral::QUOTE_INDEX);
        self.underlyings.extend(account.positions().iter().map(|position| position.underlying));
        self
    }

    /// Adds what a quote for `account` reads.
    #[must_use]
    pub fn with_quote(self, account: &MarginAccount, args: &MarginQuoteArgs) -> Self {
        let required = match args.check.mode {
            Some(mode) => self.with_account_in(account, mode),
            None => self.with_account(account),
        };
        let mut required = required.with_legs(&args.legs);
        required.collaterals.extend(args.transfers.iter().map(|transfer| transfer.collateral));
        required.collaterals.remove(&Collateral::QUOTE_INDEX);
        required
    }

    /// Adds the underlyings of a trade's legs.
    #[must_use]
    pub fn with_legs(mut self, legs: &[TradeLeg]) -> Self {
        self.underlyings.extend(legs.iter().map(|leg| leg.instrument.underlying));
        self
    }

    /// The needed accounts in the order of the program: the cross-underlying model where it is on, the quote token where
    /// it has an oracle, the tokens and underlyings held, and the underlyings that the tokens are linked to.
    pub fn resolve(&self, directory: &MarketDirectory) -> Result<Vec<Pubkey>, DirectoryError> {
        let mut addresses: Vec<Pubkey> = directory.correlation.filter(|_| self.correlates).into_iter().collect();
        let quote = directory.collaterals.contains_key(&Collateral::QUOTE_INDEX).then_some(Collateral::QUOTE_INDEX);
        let mut underlyings = self.underlyings.clone();
        for index in quote.into_iter().chain(self.collaterals.iter().copied()) {
            let market = directory.collateral(index)?;
            addresses.extend([market.market, market.price]);
            underlyings.extend(directory.links.get(&index));
        }
        for index in underlyings {
            let market = directory.underlying(index)?;
            addresses.extend([market.market, market.price]);
        }
        Ok(addresses)
    }

    /// The needed accounts, all read-only.
    pub fn metas(&self, directory: &MarketDirectory) -> Result<Vec<AccountMeta>, DirectoryError> {
        let addresses = self.resolve(directory)?;
        Ok(addresses.into_iter().map(|address| AccountMeta::new_readonly(address, false)).collect())
    }
}
