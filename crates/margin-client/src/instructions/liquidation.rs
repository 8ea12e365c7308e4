use margin_engine::{accounts, instruction, state::LiquidationState};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

use super::{
    CollateralBidArgs, InsolventBidArgs, LiquidationBidArgs, SYSTEM_PROGRAM, WitnessArgs, instruction as build,
};
use crate::{
    addresses::{self, PROGRAM_ID, event_authority},
    state::MarginAccount,
};

/// Puts an account below its maintenance margin into liquidation. Any `liquidator` signs.
#[derive(Clone, Debug)]
pub struct LiquidationStart {
    pub liquidator: Pubkey,
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    pub args: WitnessArgs,
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
        build(&accounts, &instruction::LiquidationStart { args: self.args }, &self.markets)
    }
}

/// Judges an account in liquidation under a witness that demands more. Nobody needs to sign.
#[derive(Clone, Debug)]
pub struct LiquidationReplaceWitness {
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    pub args: WitnessArgs,
    /// From [`MarketDirectory::for_account`](crate::MarketDirectory::for_account).
    pub markets: Vec<AccountMeta>,
}

impl LiquidationReplaceWitness {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::LiquidationReplaceWitness {
            engine: self.engine,
            margin_account: self.margin_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::LiquidationReplaceWitness { args: self.args }, &self.markets)
    }
}

/// Switches between the solvent and the insolvent auction, as equity and time demand. Nobody needs to sign.
#[derive(Clone, Debug)]
pub struct LiquidationConvert {
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// From [`MarketDirectory::for_account`](crate::MarketDirectory::for_account).
    pub markets: Vec<AccountMeta>,
}

impl LiquidationConvert {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::LiquidationConvert {
            engine: self.engine,
            margin_account: self.margin_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::LiquidationConvert {}, &self.markets)
    }
}

/// The market whose insurance pays first for an account: what [`InsolventBid`] and [`BankruptcyResolve`] must pass.
#[must_use]
pub fn insured_underlying(engine: &Pubkey, account: &MarginAccount) -> Option<Pubkey> {
    let index = account.liquidation.insured_underlying;
    (account.in_liquidation() && index != LiquidationState::NO_UNDERLYING).then(|| addresses::underlying(engine, index))
}

/// Takes a slice of an insolvent account and is paid by insurance. `bidder` (owner or delegate of `bidder_account`) signs.
#[derive(Clone, Debug)]
pub struct InsolventBid {
    pub bidder: Pubkey,
    pub engine: Pubkey,
    pub bidder_account: Pubkey,
    pub margin_account: Pubkey,
    /// The quote token's collateral account.
    pub quote: Pubkey,
    /// From [`insured_underlying`].
    pub insured_underlying: Option<Pubkey>,
    pub args: InsolventBidArgs,
    /// From [`MarketDirectory::for_bid`](crate::MarketDirectory::for_bid).
    pub markets: Vec<AccountMeta>,
}

impl InsolventBid {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::InsolventBid {
            bidder: self.bidder,
            engine: self.engine,
            bidder_account: self.bidder_account,
            margin_account: self.margin_account,
            quote: self.quote,
            insured_underlying: self.insured_underlying,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::InsolventBid { args: self.args }, &self.markets)
    }
}

/// Buys a token of an account in liquidation. `bidder` (owner or delegate of `bidder_account`) signs.
#[derive(Clone, Debug)]
pub struct CollateralBid {
    pub bidder: Pubkey,
    pub engine: Pubkey,
    pub bidder_account: Pubkey,
    pub margin_account: Pubkey,
    pub args: CollateralBidArgs,
    /// From [`MarketDirectory::for_bid`](crate::MarketDirectory::for_bid).
    pub markets: Vec<AccountMeta>,
}

impl CollateralBid {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::CollateralBid {
            bidder: self.bidder,
            engine: self.engine,
            bidder_account: self.bidder_account,
            margin_account: self.margin_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::CollateralBid { args: self.args }, &self.markets)
    }
}

/// Pays the debt of an account that holds nothing else. Nobody needs to sign.
#[derive(Clone, Debug)]
pub struct BankruptcyResolve {
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// The quote token's collateral account.
    pub quote: Pubkey,
    /// From [`insured_underlying`].
    pub insured_underlying: Option<Pubkey>,
}

impl BankruptcyResolve {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::BankruptcyResolve {
            engine: self.engine,
            margin_account: self.margin_account,
            quote: self.quote,
            insured_underlying: self.insured_underlying,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::BankruptcyResolve {}, &[])
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

/// Claims that nobody can bring a usable price of a token. Any `challenger` signs and pays the bond.
#[derive(Clone, Debug)]
pub struct PriceChallenge {
    pub challenger: Pubkey,
    pub collateral: Pubkey,
}

impl PriceChallenge {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::PriceChallenge {
            challenger: self.challenger,
            collateral: self.collateral,
            system_program: SYSTEM_PROGRAM,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::PriceChallenge {}, &[])
    }
}

/// Ends a challenge by a price that is good enough to liquidate by. Any `answerer` signs and is paid the bond.
#[derive(Clone, Debug)]
pub struct PriceAnswer {
    pub answerer: Pubkey,
    pub collateral: Pubkey,
    /// The token's price account.
    pub price: Pubkey,
}

impl PriceAnswer {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::PriceAnswer {
            answerer: self.answerer,
            collateral: self.collateral,
            price: self.price,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::PriceAnswer {}, &[])
    }
}
