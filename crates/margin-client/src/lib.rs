//! Client of the margin engine: addresses, accounts, instructions, events, errors and off-chain margin.
//!
//! Instructions and addresses use `solana-pubkey` and `solana-instruction` types; nothing here talks to a network, so
//! the same code serves a bot on JSON-RPC, an embedded network and a test on a virtual machine.
//!
//! A read and a write, in outline:
//!
//! ```no_run
//! use margin_client::{Loaded, MarketDirectory, instructions::MarginCheck, state::MarginAccount};
//! # fn fetch(_: solana_pubkey::Pubkey) -> solana_account::Account { unimplemented!() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (address, btc, btc_price) = Default::default();
//! let account = Loaded::<MarginAccount>::from_account(address, &fetch(address))?;
//! let mut directory = MarketDirectory::default();
//! directory.insert_underlying(0, btc, btc_price);
//! let check = MarginCheck {
//!     engine: account.engine,
//!     margin_account: account.address,
//!     markets: directory.for_account(&account)?,
//!     args: Default::default(),
//! };
//! // Simulate it, then decode the return data with `decode_margin_report`.
//! let instruction = check.instruction();
//! # Ok(())
//! # }
//! ```

pub mod accounts;
pub mod addresses;
pub mod decimal;
pub mod errors;
pub mod events;
pub mod instructions;
pub mod margin;
mod markets;
pub mod presets;
pub mod pyth;
mod report;
pub mod settlement;
pub mod text;

pub use accounts::{AccountError, AccountKind, Loaded};
pub use addresses::PROGRAM_ID;
pub use markets::{DirectoryError, MarketAddresses, MarketDirectory, RequiredMarkets};
pub use report::*;

/// Limits, seeds and fixed-point scales of the program.
pub use margin_engine::constants;
/// Stored types and their parts, as the program defines them.
pub use margin_engine::state;
