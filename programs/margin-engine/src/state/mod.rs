//! Zero-copy accounts. Every type asserts its size and alignment; 128-bit numbers are stored as bytes so that
//! no type needs more than 8-byte alignment.

mod cash;
mod cash_pool;
mod collateral;
mod correlation;
mod engine;
mod flow;
mod funding;
mod insurance;
mod interest;
mod liquidation;
mod margin_account;
mod model;
mod oracle_config;
mod pause;
mod position;
mod quote_nonces;
mod scenario;
mod socialised;
mod trading_parameters;
mod underlying;
mod venue;

pub use {
    cash::*, cash_pool::*, collateral::*, correlation::*, engine::*, flow::*, funding::*, insurance::*, interest::*,
    liquidation::*, margin_account::*, model::*, oracle_config::*, pause::*, position::*, quote_nonces::*, scenario::*,
    trading_parameters::*, underlying::*, venue::*,
};

/// Compile-time guard of a stored layout.
macro_rules! assert_layout {
    ($type:ty, $size:expr) => {
        const _: () = assert!(core::mem::size_of::<$type>() == $size);
        const _: () = assert!(core::mem::align_of::<$type>() <= 8);
    };
}
pub(crate) use assert_layout;
