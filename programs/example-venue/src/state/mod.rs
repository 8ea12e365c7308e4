//! Accounts of the program.

mod book;
mod request;

pub use {book::*, request::*};
