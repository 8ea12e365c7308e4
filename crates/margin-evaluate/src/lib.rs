//! A portfolio in a file, its margin out: by the program's code on this machine, or by the program itself on a virtual
//! machine of Solana. Both give the same figures, bit for bit.
//!
//! A [`Portfolio`] is read from JSON (`docs/evaluate.md` describes the format). [`Book::new`] turns it into the accounts
//! that a check reads, with the conversions and the rules of the program. An [`Evaluator`] judges the book: [`Host`]
//! calls the program's functions, [`Svm`] runs its SBF binary.
//!
//! ```
//! use margin_evaluate::{Book, Host, Options, Portfolio, evaluate};
//!
//! let text = r#"{
//!     "time": 1767225600,
//!     "underlyings": [{ "symbol": "BTC", "spot": 100000, "lot_size": 0.01, "model": "major" }],
//!     "account": {
//!         "cash": 50000,
//!         "positions": [{ "underlying": "BTC", "kind": "perpetual", "quantity": 0.5, "entry": 99000 }]
//!     }
//! }"#;
//! let book = Book::new(&Portfolio::from_json(text)?)?;
//! let evaluation = evaluate(&mut Host, &book, &Options::default())?;
//! assert_eq!(evaluation.report.equity, 50_500_000_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod book;
mod error;
mod evaluate;
mod listing;
mod portfolio;
mod position;
mod prices;
mod svm;

pub use book::Book;
pub use error::{EvaluateError, PortfolioError};
pub use evaluate::{Evaluation, Evaluator, Host, Options, Run, UnderlyingDetail, evaluate};
pub use portfolio::*;
pub use svm::{Svm, default_program};
