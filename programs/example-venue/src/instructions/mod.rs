//! One file for each instruction: accounts, `validate`, `handle`.

mod book_open;
mod quote_post;
mod quote_withdraw;
mod request_cancel;
mod request_fill;
mod request_open;

pub use {book_open::*, quote_post::*, quote_withdraw::*, request_cancel::*, request_fill::*, request_open::*};
