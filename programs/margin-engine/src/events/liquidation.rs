//! Events of liquidation and insurance. Equity in quote atoms rounded down, requirements rounded up.

use anchor_lang::prelude::*;

use super::IndexPrice;
use crate::{
    instructions::InsuranceLimitArgs,
    liquidation::{BidLegs, LossPayment},
};

#[event]
#[derive(Clone, Debug)]
pub struct LiquidationStarted {
    pub account: Pubkey,
    pub liquidator: Pubkey,
    pub equity: i64,
    /// Under the witness.
    pub maintenance_margin: i64,
    /// Whether the insolvent auction started at once.
    pub insolvent: bool,
}

#[event]
#[derive(Clone, Debug)]
pub struct WitnessReplaced {
    pub account: Pubkey,
    pub equity: i64,
    pub maintenance_margin_before: i64,
    pub maintenance_margin_after: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct LiquidationConverted {
    pub account: Pubkey,
    /// Whether the insolvent auction runs now; else the solvent one does again.
    pub insolvent: bool,
    pub equity: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct LiquidationBid {
    pub account: Pubkey,
    pub bidder: Pubkey,
    /// precision: 1e-9. The share of the account, or of the legs, that was taken.
    pub fraction: u64,
    /// precision: 1e-9. Share of its value that a slice cost at that time.
    pub share_paid: u64,
    /// `None`: a slice of everything.
    pub legs: Option<BidLegs>,
    /// Quote atoms: mark-to-market of what was taken.
    pub slice_value: i64,
    /// Quote atoms that the bidder paid (negative: was paid).
    pub price: i64,
    pub equity_before: i64,
    pub equity_after: i64,
    /// Under the witness.
    pub maintenance_margin_before: i64,
    pub maintenance_margin_after: i64,
    /// Whether the bid ended the liquidation.
    pub released: bool,
    /// Funding of its perpetuals that the account paid first (negative: received), quote atoms.
    pub funding: i64,
    /// The same of the bidder.
    pub bidder_funding: i64,
    pub bidder_cash_before: i64,
    pub bidder_cash_after: i64,
    /// Of every underlying that either account is exposed to.
    pub prices: Vec<IndexPrice>,
}

#[event]
#[derive(Clone, Debug)]
pub struct CollateralBid {
    pub account: Pubkey,
    pub bidder: Pubkey,
    /// Index of the token.
    pub collateral: u16,
    /// precision: token atoms.
    pub amount: u64,
    /// precision: 1e-9. Share of its value that a slice of everything cost at that time.
    pub share_paid: u64,
    /// Quote atoms: the tokens at their price.
    pub value: i64,
    /// Quote atoms that the bidder paid.
    pub price: i64,
    pub equity_before: i64,
    pub equity_after: i64,
    /// Under the witness.
    pub maintenance_margin_before: i64,
    pub maintenance_margin_after: i64,
    /// Whether the bid ended the liquidation.
    pub released: bool,
    pub bidder_cash_before: i64,
    pub bidder_cash_after: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct InsolventBid {
    pub account: Pubkey,
    pub bidder: Pubkey,
    /// precision: 1e-9. The share of the account that was taken.
    pub fraction: u64,
    /// Quote atoms: mark-to-market of what was taken.
    pub slice_value: i64,
    /// Quote atoms that the bidder was paid (negative: paid). What `loss` does not sum to was settled with the account: lots round.
    pub payout: i64,
    /// Index of the underlying whose fund paid first; 65 535: none.
    pub insured_underlying: u16,
    /// Who paid.
    pub loss: LossPayment,
    /// precision: 63 fractional bits. Share of a first deposit that losses have cost.
    pub socialised_before: u64,
    pub socialised_after: u64,
    pub equity_before: i64,
    /// Under the witness.
    pub maintenance_margin_before: i64,
    /// Whether the bid ended the liquidation.
    pub released: bool,
    /// After its share of a loss, before the payout.
    pub bidder_cash_before: i64,
    pub bidder_cash_after: i64,
    /// Of every underlying that either account is exposed to.
    pub prices: Vec<IndexPrice>,
}

#[event]
#[derive(Clone, Debug)]
pub struct LiquidationStopped {
    pub account: Pubkey,
    pub equity: i64,
    pub maintenance_margin: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct BankruptcyResolved {
    pub account: Pubkey,
    pub cash_before: i64,
    pub cash_after: i64,
    /// Who paid.
    pub loss: LossPayment,
    /// precision: 63 fractional bits. Share of a first deposit that losses have cost.
    pub socialised_before: u64,
    pub socialised_after: u64,
}

#[event]
#[derive(Clone, Debug)]
pub struct InsuranceDeposited {
    /// Index of the fund's underlying; 65 535: the common fund.
    pub underlying: u16,
    pub donor: Pubkey,
    pub amount: u64,
    pub before: u64,
    pub after: u64,
}

#[event]
#[derive(Clone, Debug)]
pub struct InsuranceRequested {
    /// Index of the fund's underlying; 65 535: the common fund.
    pub underlying: u16,
    /// What an earlier request asked for.
    pub before: u64,
    pub amount: u64,
    /// Unix seconds; 0: the request was taken back.
    pub available_at: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct InsuranceWithdrawn {
    /// Index of the fund's underlying; 65 535: the common fund.
    pub underlying: u16,
    pub destination: Pubkey,
    pub amount: u64,
    pub before: u64,
    pub after: u64,
}

#[event]
#[derive(Clone, Debug)]
pub struct InsuranceLimited {
    pub underlying: u16,
    pub before: InsuranceLimitArgs,
    pub after: InsuranceLimitArgs,
}

#[event]
#[derive(Clone, Debug)]
pub struct PriceChallenged {
    pub collateral: Pubkey,
    pub challenger: Pubkey,
    /// precision: lamports.
    pub bond: u64,
    /// Unix seconds.
    pub since: i64,
}

#[event]
#[derive(Clone, Debug)]
pub struct PriceAnswered {
    pub collateral: Pubkey,
    pub answerer: Pubkey,
    /// precision: 1e-12 USD.
    pub price: u64,
    /// precision: lamports. What the answerer was paid.
    pub bond: u64,
    /// Unix seconds.
    pub challenged_at: i64,
}
