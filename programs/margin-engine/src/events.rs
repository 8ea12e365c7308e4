//! Events, emitted by CPI to the program itself so that log truncation cannot lose them. Amounts are in the token's
//! atoms unless named otherwise; cash amounts are whole quote atoms, rounded down, and cash before is before the interest that
//! an instruction accrues: what it changes beyond the amount it names is interest.

mod liquidation;

use anchor_lang::prelude::*;

pub use liquidation::*;

use crate::{
    instructions::CollateralLimits,
    state::{AccountMode, Instrument, RateParameters, TradingParameters, VenueLimits},
    trading::PricedLeg,
};

#[event]
#[derive(Clone, Debug)]
pub struct EngineInitialized {
    pub engine: Pubkey,
    pub admin: Pubkey,
    pub guardian: Pubkey,
    pub quote_mint: Pubkey,
}

#[event]
#[derive(Clone, Debug)]
pub struct CollateralAdded {
    pub engine: Pubkey,
    pub collateral: Pubkey,
    pub mint: Pubkey,
    pub index: u16,
}

#[event]
#[derive(Clone, Debug)]
pub struct UnderlyingAdded {
    pub engine: Pubkey,
    pub underlying: Pubkey,
    pub index: u16,
    pub symbol: [u8; 16],
}

#[event]
#[derive(Clone, Debug)]
pub struct ModelSet {
    pub underlying: Pubkey,
}

#[event]
#[derive(Clone, Debug)]
pub struct ScenariosSet {
    pub underlying: Pubkey,
    pub count: u8,
}

#[event]
#[derive(Clone, Debug)]
pub struct CorrelationSet {
    pub engine: Pubkey,
    /// Scenarios of the market factor.
    pub count: u8,
    /// precision: 1e-9.
    pub floor: u64,
}

#[event]
#[derive(Clone, Debug)]
pub struct ExpiryListed {
    pub underlying: Pubkey,
    pub expiry: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct SurfacePublished {
    pub underlying: Pubkey,
    pub expiry: i64,
    pub forward: u64,
    pub spot_reference: u64,
    pub rate: i64,
    /// precision: 1e-9.
    pub confidence: u64,
    /// precision: 1e-9. Scale of the risk grid after the publication.
    pub grid_scale: u64,
}

#[event]
#[derive(Clone, Debug)]
pub struct PerpetualPublished {
    pub underlying: Pubkey,
    pub mark: u64,
    pub spot_reference: u64,
    /// precision: 1e-9.
    pub confidence: u64,
}

#[event]
#[derive(Clone, Debug)]
pub struct AccountOpened {
    pub account: Pubkey,
    pub engine: Pubkey,
    pub owner: Pubkey,
    pub index: u16,
    pub mode: AccountMode,
}

#[event]
#[derive(Clone, Debug)]
pub struct AccountModeSet {
    pub account: Pubkey,
    pub before: AccountMode,
    pub after: AccountMode,
}

#[event]
#[derive(Clone, Debug)]
pub struct DelegateSet {
    pub account: Pubkey,
    pub before: Pubkey,
    pub after: Pubkey,
}

#[event]
#[derive(Clone, Debug)]
pub struct AccountClosed {
    pub account: Pubkey,
    pub owner: Pubkey,
    /// precision: 48 fractional bits of a quote atom. Cash below one atom, left to the reserve.
    pub dust: u64,
}

/// Cash or tokens from one account of an owner to another.
#[event]
#[derive(Clone, Debug)]
pub struct AccountTransferred {
    pub source: Pubkey,
    pub destination: Pubkey,
    /// Index of the collateral; 0: cash.
    pub collateral: u16,
    pub amount: u64,
    pub source_before: i64,
    pub source_after: i64,
    pub destination_before: i64,
    pub destination_after: i64,
}

/// An account and the pool agree again.
#[event]
#[derive(Clone, Debug)]
pub struct CashSynced {
    pub account: Pubkey,
    pub cash_before: i64,
    pub cash_after: i64,
    /// Quote atoms that the pool knows of: deposit less borrow.
    pub recorded_before: i128,
    pub recorded_after: i128,
}

#[event]
#[derive(Clone, Debug)]
pub struct InterestSet {
    pub collateral: Pubkey,
    pub before: RateParameters,
    pub after: RateParameters,
}

#[event]
#[derive(Clone, Debug)]
pub struct InterestAccrued {
    pub engine: Pubkey,
    /// precision: 1e-9. Average since the last publication.
    pub utilisation: u64,
    /// precision: 64 fractional bits, per second.
    pub borrow_rate_before: u64,
    pub borrow_rate_after: u64,
    /// precision: 48 fractional bits. Interest owed per atom since the start.
    pub borrow_index_before: u64,
    pub borrow_index_after: u64,
    /// precision: 48 fractional bits. Interest earned per atom since the start.
    pub deposit_index: u64,
    /// Quote atoms.
    pub reserve: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct CollateralLimitsSet {
    pub collateral: Pubkey,
    pub authority: Pubkey,
    pub before: CollateralLimits,
    pub after: CollateralLimits,
}

#[event]
#[derive(Clone, Debug)]
pub struct PauseSet {
    pub engine: Pubkey,
    pub authority: Pubkey,
    /// What was paused, and until when (Unix seconds).
    pub bits_before: u8,
    pub until_before: i64,
    pub bits_after: u8,
    pub until_after: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct Deposited {
    pub account: Pubkey,
    pub mint: Pubkey,
    pub amount: u64,
    pub balance_before: i64,
    pub balance_after: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct Withdrawn {
    pub account: Pubkey,
    pub mint: Pubkey,
    pub amount: u64,
    pub balance_before: i64,
    /// Below zero: borrowed.
    pub balance_after: i64,
}

/// One leg of a trade as settled. Quantities are the taker's; the maker's are the opposite.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct SettledLeg {
    pub instrument: Instrument,
    pub lots: i64,
    /// precision: 1e-12 USD per unit of underlying.
    pub price: u64,
    /// precision: 1e-12 USD per unit of underlying. The mark that the price had to be near.
    pub mark: u64,
    /// precision: 1e-12 USD.
    pub index_price: u64,
    /// Quote atoms the taker owes the maker for the leg (negative: is owed).
    pub cost: i64,
    /// Quote atoms.
    pub taker_fee: u64,
    /// Quote atoms.
    pub maker_fee: u64,
    /// Number of the taker among the accounts of the trade.
    pub taker: u8,
    /// Number of the maker among the accounts of the trade.
    pub maker: u8,
}

impl SettledLeg {
    pub(crate) fn new(leg: &PricedLeg, taker: u8, maker: u8) -> Self {
        Self {
            instrument: leg.instrument,
            lots: leg.lots,
            price: leg.price,
            mark: leg.mark.0,
            index_price: leg.index_price.0,
            cost: leg.cost,
            taker_fee: leg.taker_fee,
            maker_fee: leg.maker_fee,
            taker,
            maker,
        }
    }
}

/// What a trade did to the cash of an account, quote atoms, rounded down.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    pub account: Pubkey,
    pub cash_before: i64,
    pub cash_after: i64,
    /// Funding of perpetuals that the trade settled (negative: received).
    pub funding: i64,
}

/// A trade of two accounts that agreed, both signing or by a signed quote.
#[event]
#[derive(Clone, Debug)]
pub struct TradeExecuted {
    /// Account 0 of the legs.
    pub maker: AccountChange,
    /// Account 1 of the legs.
    pub taker: AccountChange,
    pub legs: Vec<SettledLeg>,
}

/// Fills of a venue.
#[event]
#[derive(Clone, Debug)]
pub struct FillsSettled {
    pub venue: Pubkey,
    /// The legs name them by their number.
    pub accounts: Vec<AccountChange>,
    pub legs: Vec<SettledLeg>,
}

#[event]
#[derive(Clone, Debug)]
pub struct VenueAdded {
    pub engine: Pubkey,
    pub venue: Pubkey,
    pub authority: Pubkey,
    /// The default address: none.
    pub program: Pubkey,
}

#[event]
#[derive(Clone, Debug)]
pub struct VenueEnabled {
    pub venue: Pubkey,
    pub before: bool,
    pub after: bool,
}

#[event]
#[derive(Clone, Debug)]
pub struct VenueApproved {
    pub account: Pubkey,
    /// The venue's.
    pub authority: Pubkey,
    pub before: VenueLimits,
    pub after: VenueLimits,
}

#[event]
#[derive(Clone, Debug)]
pub struct OpenInterestSynced {
    pub underlying: Pubkey,
    pub account: Pubkey,
    /// Lots, long and short, that are open in the underlying's series on top (never above zero).
    pub change: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct QuotesCancelled {
    pub account: Pubkey,
    /// Least nonce that was good before.
    pub before: u64,
    pub after: u64,
}

#[event]
#[derive(Clone, Debug)]
pub struct TradingSet {
    pub underlying: Pubkey,
    pub before: TradingParameters,
    pub after: TradingParameters,
}

#[event]
#[derive(Clone, Debug)]
pub struct FundingUpdated {
    pub underlying: Pubkey,
    /// precision: 1e-12 USD.
    pub index_price: u64,
    /// precision: 1e-12 USD per unit. What longs have paid since the listing.
    pub index_before: i64,
    pub index_after: i64,
    /// precision: 1e-9 of the index price.
    pub premium_before: i64,
    pub premium_after: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct SettlementSampled {
    pub underlying: Pubkey,
    pub expiry: i64,
    /// precision: 1e-12 USD.
    pub price: u64,
    /// Unix seconds.
    pub published_at: i64,
    /// With this one.
    pub samples: u32,
    /// Samples that the settlement price still needs.
    pub missing: u32,
    /// precision: 1e-12 USD.
    pub average_before: u64,
    pub average_after: u64,
}

#[event]
#[derive(Clone, Debug)]
pub struct SettlementFinalised {
    pub underlying: Pubkey,
    pub expiry: i64,
    /// precision: 1e-12 USD. The settlement price; 0 only where nothing is open.
    pub price: u64,
    pub samples: u32,
    /// Lots, long and short, that are to be settled.
    pub open_lots: u64,
}

/// The admin set a settlement price because the oracle had failed.
#[event]
#[derive(Clone, Debug)]
pub struct SettlementFixed {
    pub underlying: Pubkey,
    pub expiry: i64,
    /// precision: 1e-12 USD. 0: no sample was ever taken.
    pub average_before: u64,
    /// precision: 1e-12 USD. The settlement price.
    pub price: u64,
    pub samples: u32,
    /// precision: 1e-12 USD. As last published.
    pub forward: u64,
    pub open_lots: u64,
}

/// What settling a series did to an account. Quote atoms.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledAccount {
    pub account: Pubkey,
    pub cash_before: i64,
    /// After fee and reward.
    pub cash_after: i64,
    pub fee: u64,
    /// What it paid the settler.
    pub reward: u64,
    /// How many positions were paid and removed.
    pub positions: u16,
}

#[event]
#[derive(Clone, Debug)]
pub struct PositionsSettled {
    pub underlying: Pubkey,
    pub expiry: i64,
    /// precision: 1e-12 USD. The settlement price.
    pub price: u64,
    /// Lots, long and short, that are still to be settled.
    pub open_lots: u64,
    /// Margin account that received the rewards.
    pub settler: Pubkey,
    pub settler_cash_before: i64,
    pub settler_cash_after: i64,
    /// Those that had positions in the series.
    pub accounts: Vec<SettledAccount>,
}

/// The slot of a settled series may be used for another.
#[event]
#[derive(Clone, Debug)]
pub struct SeriesFreed {
    pub underlying: Pubkey,
    pub expiry: i64,
    /// precision: 1e-12 USD. The settlement price; 0 where nothing was open and no sample taken.
    pub price: u64,
}

#[event]
#[derive(Clone, Debug)]
pub struct FeesCollected {
    pub collateral: Pubkey,
    /// Quote atoms that the admin may withdraw.
    pub fees_before: u64,
    pub fees_after: u64,
}

#[event]
#[derive(Clone, Debug)]
pub struct FeesWithdrawn {
    pub collateral: Pubkey,
    pub destination: Pubkey,
    pub amount: u64,
    pub fees_before: u64,
    pub fees_after: u64,
}

/// An index price that a check used.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexPrice {
    /// Index of the underlying.
    pub underlying: u16,
    /// precision: 1e-12 USD.
    pub price: u64,
}
