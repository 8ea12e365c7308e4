//! Settling fills between margin accounts: what a leg costs, what it does to either account, what it tells the market,
//! and when the accounts are checked.

mod batch;
mod guard;
mod leg;
mod market;
mod quote;
mod signature;

pub use {batch::*, guard::*, leg::*, market::*, quote::*, signature::*};
