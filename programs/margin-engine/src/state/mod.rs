//! Zero-copy accounts. Every type asserts its size and alignment; 128-bit numbers are stored as bytes so that
//! no type needs more than 8-byte alignment.

mod cash;
mod collateral;
mod correlation;
mod engine;
mod funding;
mod margin_account;
mod model;
mod oracle_config;
mod position;
mod quote_nonces;
mod scenario;
mod trading_parameters;
mod underlying;
mod venue;

pub use {
    cash::*, collateral::*, correlation::*, engine::*, funding::*, margin_account::*, model::*, oracle_config::*,
    position::*, quote_nonces::*, scenario::*, trading_parameters::*, underlying::*, venue::*,
};

/// Compile-time guard of a stored layout.
macro_rules! assert_layout {
    ($type:ty, $size:expr) => {
        const _: () = assert!(core::mem::size_of::<$type>() == $size);
        const _: () = assert!(core::mem::align_of::<$type>() <= 8);
    };
}
pub(crate) use assert_layout;
