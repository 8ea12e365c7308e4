//! What the program's liquidation instructions would do, computed with the program's own functions.
//!
//! Everything that depends on the form of those instructions is in this module: [`start`], [`bid`], and [`evaluate_bid`], which
//! follows `LiquidationBid` step by step on copies of the two accounts.

use fixed::types::I80F48;
use margin_client::{
    DirectoryError, Loaded, MarketDirectory,
    instructions::{LiquidationBid, LiquidationBidArgs, LiquidationStart, LiquidationStop},
    state::{Engine, LiquidationState, MarginAccount},
};
use margin_core::{
    Usd,
    portfolio::{AccountRisk, Ratio, maximum_fraction},
};
use margin_engine::{
    constants::RATIO_ONE,
    error::EngineError,
    liquidation::{settle_funding, transfer_slice},
    risk::{Workspace, atoms_to_usd, cash_to_usd, margin_error, usd_to_atoms_ceil, usd_to_atoms_floor},
    state::load_cash,
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use crate::health::Judge;

/// What a bid would do.
#[derive(Clone, Debug)]
pub struct BidOutcome {
    /// precision: 1e-9. Share that would be taken.
    pub fraction: u64,
    /// precision: quote atoms. What the slice is worth at its marks, rounded down.
    pub value: i64,
    /// precision: quote atoms. What the bidder would pay, rounded up.
    pub price: i64,
    /// Whether the account would leave liquidation.
    pub released: bool,
    /// The bidder's account after it, and its margin.
    pub bidder: Box<MarginAccount>,
    pub bidder_risk: AccountRisk,
}

/// Puts an account into liquidation. The witness is not used by this version of the program.
pub fn start(
    directory: &MarketDirectory,
    engine: Pubkey,
    liquidator: Pubkey,
    account: &Loaded<MarginAccount>,
    _witness: Option<&[u8]>,
) -> Result<Instruction, DirectoryError> {
    let markets = directory.for_account(account)?;
    Ok(LiquidationStart { liquidator, engine, margin_account: account.address, markets }.instruction())
}

/// The account as `start` would leave it.
pub fn started(account: &MarginAccount, _witness: Option<&[u8]>, now: i64) -> Box<MarginAccount> {
    let mut after = boxed(account);
    after.liquidation = LiquidationState { active: 1, started_at: now, ..Default::default() };
    after
}

/// Releases an account that has recovered.
pub fn stop(
    directory: &MarketDirectory,
    engine: Pubkey,
    account: &Loaded<MarginAccount>,
) -> Result<Instruction, DirectoryError> {
    let markets = directory.for_account(account)?;
    Ok(LiquidationStop { engine, margin_account: account.address, markets }.instruction())
}

/// Whether the program would release an account in liquidation.
pub fn recovered(engine: &Engine, risk: &AccountRisk) -> bool {
    risk.buffer_margin(Ratio(u64::from(engine.liquidation.buffer))).is_ok_and(|buffer| buffer.0 >= 0)
}

/// Buys a slice; the bid fails on-chain if it costs more than `price_limit` quote atoms.
pub fn bid(
    directory: &MarketDirectory,
    engine: Pubkey,
    bidder: Pubkey,
    own: &Loaded<MarginAccount>,
    account: &Loaded<MarginAccount>,
    fraction: u64,
    price_limit: i64,
) -> Result<Instruction, DirectoryError> {
    let bid = LiquidationBid {
        bidder,
        engine,
        bidder_account: own.address,
        margin_account: account.address,
        args: LiquidationBidArgs { fraction, price_limit: u64::try_from(price_limit).unwrap_or(0) },
        markets: directory.for_bid(own, account)?,
    };
    Ok(bid.instruction())
}

/// Does to copies of both accounts what the program would do, but for the bidder's own margin: [`BidOutcome::bidder_risk`]
/// tells it, and the caller decides with how much to spare.
pub fn evaluate_bid(
    judge: &Judge,
    bidder: &MarginAccount,
    account: &MarginAccount,
    fraction: u64,
    workspace: &mut Workspace,
) -> anchor_lang::Result<BidOutcome> {
    let (engine, now, decimals) = (judge.engine, judge.now(), judge.engine.quote_decimals);
    let (mut bidder, mut account) = (boxed(bidder), boxed(account));
    bidder.accrue_interest(engine, now)?;
    account.accrue_interest(engine, now)?;
    settle_funding(&mut account, judge.markets, decimals)?;
    settle_funding(&mut bidder, judge.markets, decimals)?;

    let buffer_share = Ratio(u64::from(engine.liquidation.buffer));
    let before = judge.assess(&account, workspace)?;
    let buffer = before.buffer_margin(buffer_share).map_err(margin_error)?;
    if buffer.0 >= 0 {
        return Err(EngineError::AccountHealthy.into());
    }
    let share_paid = Ratio(RATIO_ONE - u64::from(engine.liquidation.discount));
    let cash_from_bids = load_cash(account.liquidation.cash_from_bids);
    let small = before.equity <= atoms_to_usd(engine.liquidation.small_account, decimals)?;
    let maximum = if small {
        RATIO_ONE
    } else {
        let from_bids = cash_to_usd(cash_from_bids, decimals)?;
        maximum_fraction(buffer, before.equity, from_bids, share_paid).map_err(margin_error)?
    };
    let fraction = fraction.min(maximum);
    if !transfer_slice(&mut account, &mut bidder, fraction, cash_from_bids)? {
        return Err(EngineError::BidTooSmall.into());
    }
    let mut after = judge.assess(&account, workspace)?;
    let value = Usd(before.equity.0.checked_sub(after.equity.0).ok_or(EngineError::Overflow)?);
    let price = share_paid.of_rounded_up(Usd(value.0.max(0))).map_err(margin_error)?;
    let price = usd_to_atoms_ceil(price, decimals)?;
    let payment = I80F48::checked_from_num(price).ok_or(EngineError::Overflow)?;
    bidder.add_cash(-payment)?;
    let paid = atoms_to_usd(price.unsigned_abs(), decimals)?;
    after.equity = Usd(after.equity.0.checked_add(paid.0).ok_or(EngineError::Overflow)?);
    let buffer_after = after.buffer_margin(buffer_share).map_err(margin_error)?;
    if fraction != maximum && buffer_after.0 <= buffer.0 {
        return Err(EngineError::BidWorsens.into());
    }
    Ok(BidOutcome {
        fraction,
        value: usd_to_atoms_floor(value, decimals)?,
        price,
        released: buffer_after.0 >= 0,
        bidder_risk: judge.assess(&bidder, workspace)?,
        bidder,
    })
}

/// A copy on the heap: an account is too large to be handed around.
fn boxed(account: &MarginAccount) -> Box<MarginAccount> {
    let mut copy: Box<MarginAccount> = bytemuck::zeroed_box();
    *copy = *account;
    copy
}
