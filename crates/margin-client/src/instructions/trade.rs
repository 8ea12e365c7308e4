use margin_engine::{accounts, instruction};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{ed25519_program, sysvar};

use super::{Quote, QuoteExecuteArgs, TradeExecuteArgs, instruction as build};
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

/// Settles a quote that its maker signed off-line. `taker` (owner or delegate of the account) signs. The transaction must also
/// hold the [`quote_signature`], before or after.
#[derive(Clone, Debug)]
pub struct QuoteExecute {
    pub taker: Pubkey,
    pub engine: Pubkey,
    pub maker_account: Pubkey,
    pub taker_account: Pubkey,
    pub args: QuoteExecuteArgs,
    /// From [`MarketDirectory::for_trade`](crate::MarketDirectory::for_trade).
    pub markets: Vec<AccountMeta>,
}

impl QuoteExecute {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::QuoteExecute {
            taker: self.taker,
            engine: self.engine,
            maker_account: self.maker_account,
            taker_account: self.taker_account,
            instructions: sysvar::instructions::ID,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::QuoteExecute { args: self.args }, &self.markets)
    }
}

/// The instruction by which the runtime verifies a quote's signature; its number in the transaction goes into
/// [`QuoteExecuteArgs`]. `signature` is that of `signer`, owner or delegate of the maker's account, over
/// [`Quote::message`]. `None` for a quote too long for an instruction.
#[must_use]
pub fn quote_signature(quote: &Quote, signer: &Pubkey, signature: &[u8; 64]) -> Option<Instruction> {
    const HEADER: u16 = 16;
    const KEY: u16 = 32;
    const SIGNATURE: u16 = 64;
    /// The data lies in this instruction.
    const OWN: u16 = u16::MAX;
    let message = quote.message().ok()?;
    let length = u16::try_from(message.len()).ok()?;
    let fields = [HEADER + KEY, OWN, HEADER, OWN, HEADER + KEY + SIGNATURE, length, OWN];
    let mut data = vec![1, 0];
    data.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
    data.extend_from_slice(signer.as_ref());
    data.extend_from_slice(signature);
    data.extend_from_slice(&message);
    Some(Instruction { program_id: ed25519_program::ID, accounts: Vec::new(), data })
}

/// Voids every signed quote with a nonce below `floor`. `authority`: owner or delegate.
#[derive(Clone, Copy, Debug)]
pub struct QuotesCancel {
    pub authority: Pubkey,
    pub margin_account: Pubkey,
    pub floor: u64,
}

impl QuotesCancel {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::QuotesCancel {
            authority: self.authority,
            margin_account: self.margin_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::QuotesCancel { floor: self.floor }, &[])
    }
}

/// Defers an account's checks to [`ChecksEnd`] in the same transaction. `authority`: owner or delegate.
#[derive(Clone, Debug)]
pub struct ChecksBegin {
    pub authority: Pubkey,
    pub margin_account: Pubkey,
    /// Venues ([`addresses::venue`](crate::addresses::venue)) whose programs' instructions stand before the end.
    pub venues: Vec<Pubkey>,
}

impl ChecksBegin {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::ChecksBegin {
            authority: self.authority,
            margin_account: self.margin_account,
            instructions: sysvar::instructions::ID,
        };
        let venues: Vec<_> = self.venues.iter().map(|venue| AccountMeta::new_readonly(*venue, false)).collect();
        build(&accounts, &instruction::ChecksBegin {}, &venues)
    }
}

/// Requires initial margin of an account whose checks were deferred. Nobody signs.
#[derive(Clone, Debug)]
pub struct ChecksEnd {
    pub engine: Pubkey,
    pub margin_account: Pubkey,
    /// From [`MarketDirectory::for_account`](crate::MarketDirectory::for_account), of the account as it will be then.
    pub markets: Vec<AccountMeta>,
}

impl ChecksEnd {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::ChecksEnd { engine: self.engine, margin_account: self.margin_account };
        build(&accounts, &instruction::ChecksEnd {}, &self.markets)
    }
}

/// Brings a perpetual's funding up to date. Nobody signs.
#[derive(Clone, Copy, Debug)]
pub struct FundingUpdate {
    pub underlying: Pubkey,
    /// An account with the underlying's price.
    pub price: Pubkey,
}

impl FundingUpdate {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::FundingUpdate {
            underlying: self.underlying,
            price: self.price,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::FundingUpdate {}, &[])
    }
}

/// Brings the open interest of an underlying up to date with one account. Nobody signs.
#[derive(Clone, Copy, Debug)]
pub struct OpenInterestSync {
    pub underlying: Pubkey,
    pub margin_account: Pubkey,
}

impl OpenInterestSync {
    #[must_use]
    pub fn instruction(self) -> Instruction {
        let accounts = accounts::OpenInterestSync {
            underlying: self.underlying,
            margin_account: self.margin_account,
            event_authority: event_authority(),
            program: PROGRAM_ID,
        };
        build(&accounts, &instruction::OpenInterestSync {}, &[])
    }
}
