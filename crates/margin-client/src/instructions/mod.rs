//! One builder for each instruction of the program: named accounts and typed arguments in, an [`Instruction`] out.
//!
//! Derived addresses (PDAs, vaults, the event authority) are filled in. `markets` are the risk accounts from a
//! [`MarketDirectory`](crate::MarketDirectory).

mod account;
mod admin;
mod cash;
mod insurance;
mod liquidation;
mod margin;
mod model;
mod settlement;
mod trade;
mod venue;

pub use {
    account::*, admin::*, cash::*, insurance::*, liquidation::*, margin::*, model::*, settlement::*, trade::*, venue::*,
};

/// Arguments, as the program defines them.
pub use margin_engine::instructions::{
    AccountOpenArgs, CollateralAddArgs, CollateralBidArgs, CollateralLimits, CorrelationSetArgs, EngineInitializeArgs,
    FillSettleArgs, InsolventBidArgs, InsuranceLimitArgs, LiquidationBidArgs, MarginCheckArgs, MarginQuoteArgs,
    MinimumHealth, ModelSetArgs, PerpetualPublishArgs, QuoteExecuteArgs, QuoteTransfer, SurfacePublishArgs,
    TradeExecuteArgs, UnderlyingAddArgs, WithdrawArgs, WitnessArgs,
};
pub use margin_engine::{
    liquidation::BidLegs,
    risk::BreakdownPart,
    trading::{Fill, Quote, TradeLeg},
};

use anchor_lang::{InstructionData, ToAccountMetas};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

use crate::addresses::PROGRAM_ID;

/// The system program.
const SYSTEM_PROGRAM: Pubkey = anchor_lang::system_program::ID;

fn instruction(accounts: &impl ToAccountMetas, data: &impl InstructionData, markets: &[AccountMeta]) -> Instruction {
    let mut metas = accounts.to_account_metas(None);
    metas.extend_from_slice(markets);
    Instruction { program_id: PROGRAM_ID, accounts: metas, data: data.data() }
}
