use margin_engine::{accounts, instruction};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

use super::{LiquidationBidArgs, instruction as build};
use crate::addresses::{PROGRAM_ID, event_authority};

/// Puts an account below its maintenance margin into liquidation. Any `liquidator` signs.
#[derive(Clone, Debug)]
pub struct LiquidationStart {
    pub liquidator: Pubkey,
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// From [`MarketDirectory::for_account`](crate::MarketDirectory::for_account).
    pub markets: Vec<AccountMeta>,
}

impl LiquidationStart {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::LiquidationStart {
            liquidator: self.liquidator,
            engine: self.engine,
            margin_account: self.margin_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::LiquidationStart {}, &self.markets)
    }
}

/// Buys a slice of an account in liquidation. `bidder` (owner or delegate of `bidder_account`) signs.
#[derive(Clone, Debug)]
pub struct LiquidationBid {
    pub bidder: Pubkey,
    pub engine: Pubkey,
    pub bidder_account: Pubkey,
    pub margin_account: Pubkey,
    pub args: LiquidationBidArgs,
    /// From [`MarketDirectory::for_bid`](crate::MarketDirectory::for_bid).
    pub markets: Vec<AccountMeta>,
}

impl LiquidationBid {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::LiquidationBid {
            bidder: self.bidder,
            engine: self.engine,
            bidder_account: self.bidder_account,
            margin_account: self.margin_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::LiquidationBid { args: self.args }, &self.markets)
    }
}

/// Releases an account that has recovered. Nobody needs to sign.
#[derive(Clone, Debug)]
pub struct LiquidationStop {
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// From [`MarketDirectory::for_account`](crate::MarketDirectory::for_account).
    pub markets: Vec<AccountMeta>,
}

impl LiquidationStop {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::LiquidationStop {
            engine: self.engine,
            margin_account: self.margin_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::LiquidationStop {}, &self.markets)
    }
}
