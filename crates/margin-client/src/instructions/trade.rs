use margin_engine::{accounts, instruction};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

use super::{TradeExecuteArgs, instruction as build};
use crate::addresses::{PROGRAM_ID, event_authority};

/// Settles a trade. `maker` and `taker` (owners or delegates of their accounts) both sign.
#[derive(Clone, Debug)]
pub struct TradeExecute {
    pub maker: Pubkey,
    pub taker: Pubkey,
    pub engine: Pubkey,
    pub maker_account: Pubkey,
    pub taker_account: Pubkey,
    pub args: TradeExecuteArgs,
    /// From [`MarketDirectory::for_trade`](crate::MarketDirectory::for_trade).
    pub markets: Vec<AccountMeta>,
}

impl TradeExecute {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::TradeExecute {
            maker: self.maker,
            taker: self.taker,
            engine: self.engine,
            maker_account: self.maker_account,
            taker_account: self.taker_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::TradeExecute { args: self.args }, &self.markets)
    }
}
