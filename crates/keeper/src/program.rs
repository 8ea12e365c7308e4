//! What the program's liquidation instructions would do, computed with the program's own functions.
//!
//! Everything that depends on the form of those instructions is in this module: the builders, and [`evaluate_bid`], which
//! follows `LiquidationBid` or `InsolventBid` step by step on copies of the two accounts.

use anchor_lang::Result;
use fixed::types::I80F48;
use margin_client::{
    DirectoryError, Loaded, MarketDirectory,
    instructions::{
        BankruptcyResolve, InsolventBid, InsolventBidArgs, LiquidationBid, LiquidationBidArgs, LiquidationConvert,
        LiquidationReplaceWitness, LiquidationStart, LiquidationStop, WitnessArgs, insured_underlying,
    },
    state::{LiquidationState, MarginAccount},
};
use margin_core::portfolio::AccountRisk;
use margin_engine::{
    constants::{MAX_POSITIONS, RATIO_ONE},
    error::EngineError,
    liquidation::{BidLegs, Court, InsolventSale, Sale, settle_funding, transfer_slice},
    risk::{Check, Witness, Workspace, usd_to_atoms_floor},
    state::{load_cash, store_cash},
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use crate::health::{Judge, code};

/// Which auction sells an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auction {
    /// Bidders pay.
    Solvent,
    /// Bidders are paid by insurance.
    Insolvent,
}

/// What a bid would do.
#[derive(Clone, Debug)]
pub struct BidOutcome {
    pub auction: Auction,
    /// precision: 1e-9. Share that would be taken.
    pub fraction: u64,
    /// Some positions and tokens instead of a slice of everything.
    pub legs: Option<BidLegs>,
    /// precision: quote atoms. What is taken at its marks, rounded down; negative: debts.
    pub value: i64,
    /// precision: quote atoms. What the bidder would pay, rounded up; negative: is paid.
    pub price: i64,
    /// Whether the account would leave liquidation.
    pub released: bool,
    /// The bidder's account after it, and its margin.
    pub bidder: Box<MarginAccount>,
    pub bidder_risk: AccountRisk,
}

/// How an account in liquidation stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Under every scenario.
    pub full: AccountRisk,
    /// Under its witness: as bids are judged.
    pub witnessed: AccountRisk,
    /// It may be released.
    pub recovered: bool,
    /// Nobody can bid, although it has not recovered: its witness demands too little.
    pub needs_witness: bool,
    /// It is in the wrong one of the two auctions.
    pub needs_conversion: bool,
}

fn court<'a>(judge: &'a Judge) -> Court<'a> {
    Court { engine: judge.engine, markets: judge.markets, now: judge.now() }
}

/// How an account in liquidation stands.
pub fn standing(judge: &Judge, account: &MarginAccount, workspace: &mut Workspace) -> Result<Standing> {
    let court = court(judge);
    let (full, witnessed) = (court.in_full(account, workspace)?, court.under_witness(account, workspace)?);
    let recovered = court.buffer_margin(&full)?.0 >= 0;
    let done = court.buffer_margin(&witnessed)?.0 >= 0;
    let insolvent = court.is_insolvent(&account.liquidation, &witnessed);
    Ok(Standing {
        full,
        witnessed,
        recovered,
        needs_witness: done && !recovered && full.maintenance_margin > witnessed.maintenance_margin,
        needs_conversion: insolvent != (account.liquidation.insolvent_at != 0) && !(insolvent && done),
    })
}

/// Whether nothing is left of an account but debt.
#[must_use]
pub fn bankrupt(account: &MarginAccount) -> bool {
    account.is_flat() && account.cash() < I80F48::ZERO
}

/// The account as `start` would leave it.
pub fn started(judge: &Judge, account: &MarginAccount, witness: Option<&[u8]>) -> Result<Box<MarginAccount>> {
    let court = court(judge);
    let witness = witness.map_or(Witness::All, Witness::Listed);
    let found = Check { witness, ..court.check(account)? }.assess_witnesses(&mut Workspace::new())?;
    let mut state = LiquidationState::started(judge.now(), found.witness, found.greatest);
    if court.is_insolvent(&state, &found.risk) {
        state.insolvent_at = judge.now();
    }
    let mut after = boxed(account);
    after.liquidation = state;
    Ok(after)
}

/// The engine's addresses that instructions need.
#[derive(Clone, Copy, Debug)]
pub struct Addresses<'a> {
    pub engine: Pubkey,
    pub directory: &'a MarketDirectory,
    /// The quote token's listing, where it has been seen.
    pub quote: Option<Pubkey>,
}

impl Addresses<'_> {
    /// Puts an account into liquidation under a witness; `None`: under every scenario.
    pub fn start(
        &self,
        liquidator: Pubkey,
        account: &Loaded<MarginAccount>,
        witness: Option<Vec<u8>>,
    ) -> std::result::Result<Instruction, DirectoryError> {
        let (engine, margin_account, markets) = self.parts(account)?;
        let args = WitnessArgs { witness };
        Ok(LiquidationStart { liquidator, engine, margin_account, args, markets }.instruction())
    }

    /// Judges an account in liquidation under a witness that demands more.
    pub fn replace_witness(
        &self,
        account: &Loaded<MarginAccount>,
        witness: Option<Vec<u8>>,
    ) -> std::result::Result<Instruction, DirectoryError> {
        let (engine, margin_account, markets) = self.parts(account)?;
        let args = WitnessArgs { witness };
        Ok(LiquidationReplaceWitness { engine, margin_account, args, markets }.instruction())
    }

    /// Switches between the auctions.
    pub fn convert(&self, account: &Loaded<MarginAccount>) -> std::result::Result<Instruction, DirectoryError> {
        let (engine, margin_account, markets) = self.parts(account)?;
        Ok(LiquidationConvert { engine, margin_account, markets }.instruction())
    }

    /// Releases an account that has recovered.
    pub fn stop(&self, account: &Loaded<MarginAccount>) -> std::result::Result<Instruction, DirectoryError> {
        let (engine, margin_account, markets) = self.parts(account)?;
        Ok(LiquidationStop { engine, margin_account, markets }.instruction())
    }

    /// Has the debt of an account that holds nothing else paid. `None` while the quote token is unknown.
    #[must_use]
    pub fn resolve(&self, account: &Loaded<MarginAccount>) -> Option<Instruction> {
        let resolve = BankruptcyResolve {
            engine: self.engine,
            margin_account: account.address,
            quote: self.quote?,
            insured_underlying: insured_underlying(&self.engine, account),
        };
        Some(resolve.instruction())
    }

    /// Buys what `outcome` says; fails on-chain if it costs more than `price_limit` quote atoms (negative: if it brings less).
    pub fn bid(
        &self,
        bidder: Pubkey,
        own: &Loaded<MarginAccount>,
        account: &Loaded<MarginAccount>,
        outcome: &BidOutcome,
        price_limit: i64,
    ) -> Option<Instruction> {
        let (engine, fraction) = (self.engine, outcome.fraction);
        let (bidder_account, margin_account) = (own.address, account.address);
        let markets = self.directory.for_bid(own, account).ok()?;
        Some(match outcome.auction {
            Auction::Solvent => {
                let args = LiquidationBidArgs { fraction, price_limit, legs: outcome.legs };
                LiquidationBid { bidder, engine, bidder_account, margin_account, args, markets }.instruction()
            }
            Auction::Insolvent => {
                let args = InsolventBidArgs { fraction, minimum_payout: price_limit.saturating_neg() };
                let (quote, insured_underlying) = (self.quote?, insured_underlying(&engine, account));
                let bid = InsolventBid {
                    bidder,
                    engine,
                    bidder_account,
                    margin_account,
                    quote,
                    insured_underlying,
                    args,
                    markets,
                };
                bid.instruction()
            }
        })
    }

    fn parts(
        &self,
        account: &Loaded<MarginAccount>,
    ) -> std::result::Result<(Pubkey, Pubkey, Vec<solana_instruction::AccountMeta>), DirectoryError> {
        Ok((self.engine, account.address, self.directory.for_account(account)?))
    }
}

/// Does to copies of both accounts what the program would do, but for the bidder's own margin: [`BidOutcome::bidder_risk`]
/// tells it, and the caller decides with how much to spare.
///
/// Where the bidder's table has no room for every position, the bid is for those that it has room for.
pub fn evaluate_bid(
    judge: &Judge,
    bidder: &MarginAccount,
    account: &MarginAccount,
    fraction: u64,
    workspace: &mut Workspace,
) -> Result<BidOutcome> {
    let (engine, now, decimals) = (judge.engine, judge.now(), judge.engine.quote_decimals);
    let (mut bidder, mut account) = (boxed(bidder), boxed(account));
    bidder.accrue_interest(engine, now)?;
    account.accrue_interest(engine, now)?;
    settle_funding(&mut account, judge.markets, decimals)?;
    settle_funding(&mut bidder, judge.markets, decimals)?;
    let mut outcome = match solvent(judge, &mut bidder, &mut account, fraction, workspace) {
        Err(error) if code(&error) == u32::from(EngineError::AuctionInsolvent) => {
            insolvent(judge, &mut bidder, &mut account, fraction, workspace)?
        }
        outcome => outcome?,
    };
    outcome.bidder_risk = judge.assess(&bidder, workspace)?;
    outcome.bidder = bidder;
    Ok(outcome)
}

fn solvent(
    judge: &Judge,
    bidder: &mut MarginAccount,
    account: &mut MarginAccount,
    fraction: u64,
    workspace: &mut Workspace,
) -> Result<BidOutcome> {
    let legs = legs_that_fit(bidder, account);
    let sale = Sale::open(court(judge), account, workspace)?;
    let maximum = sale.maximum_fraction()?;
    let fraction = fraction.min(maximum);
    let from_bids = load_cash(account.liquidation.cash_from_bids);
    if !transfer_slice(account, bidder, fraction, from_bids, legs.as_ref())? {
        return Err(EngineError::BidTooSmall.into());
    }
    let mut sold = match legs {
        None => sale.pay_for_slice(account, bidder, i64::MAX, workspace)?,
        Some(_) => sale.pay_for_legs(account, bidder, i64::MAX, workspace)?,
    };
    sale.conclude(account, &mut sold, legs.is_none() && fraction == maximum, workspace)?;
    Ok(BidOutcome {
        auction: Auction::Solvent,
        fraction,
        legs,
        value: usd_to_atoms_floor(sold.value, judge.engine.quote_decimals)?,
        price: sold.price,
        released: !account.in_liquidation(),
        // The caller's to fill in.
        bidder: bytemuck::zeroed_box(),
        bidder_risk: AccountRisk::default(),
    })
}

fn insolvent(
    judge: &Judge,
    bidder: &mut MarginAccount,
    account: &mut MarginAccount,
    fraction: u64,
    workspace: &mut Workspace,
) -> Result<BidOutcome> {
    let court = court(judge);
    let mut sale = InsolventSale::open(court, account, workspace)?;
    account.liquidation.cash_from_bids = store_cash(I80F48::ZERO);
    if !transfer_slice(account, bidder, fraction, I80F48::ZERO, None)? {
        return Err(EngineError::BidTooSmall.into());
    }
    sale.price(court, account, fraction, workspace)?;
    let payout = I80F48::checked_from_num(sale.payout).ok_or(EngineError::Overflow)?;
    bidder.add_cash(payout)?;
    if sale.payout < 0 {
        account.add_cash(-payout)?;
    }
    Ok(BidOutcome {
        auction: Auction::Insolvent,
        fraction,
        legs: None,
        value: usd_to_atoms_floor(sale.value, judge.engine.quote_decimals)?,
        price: sale.payout.checked_neg().ok_or(EngineError::Overflow)?,
        released: account.is_flat() && account.cash() >= I80F48::ZERO,
        bidder: bytemuck::zeroed_box(),
        bidder_risk: AccountRisk::default(),
    })
}

/// The positions that a bidder has room for, and no token: those that it holds already, then the others in their order. `None`:
/// all fit.
#[must_use]
pub fn legs_that_fit(bidder: &MarginAccount, account: &MarginAccount) -> Option<BidLegs> {
    let mut room = MAX_POSITIONS.saturating_sub(bidder.positions().len());
    let (mut positions, mut left_out) = ([0u64; 2], false);
    for (number, position) in account.positions().iter().enumerate().filter(|(_, position)| position.lots != 0) {
        let held = position.instrument().is_some_and(|instrument| bidder.position(&instrument).is_some());
        if !held && room == 0 {
            left_out = true;
            continue;
        }
        room -= usize::from(!held);
        if let Some(word) = positions.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }
    left_out.then_some(BidLegs { sequence: account.sequence, positions, balances: 0 })
}

/// All of it.
pub const WHOLE: u64 = RATIO_ONE;

/// A copy on the heap: an account is too large to be handed around.
fn boxed(account: &MarginAccount) -> Box<MarginAccount> {
    let mut copy: Box<MarginAccount> = bytemuck::zeroed_box();
    *copy = *account;
    copy
}
