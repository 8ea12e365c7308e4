//! Selling accounts that are below their maintenance margin.

mod insolvent;
mod judge;
mod loss;
mod sale;
mod slice;

pub use {insolvent::*, judge::*, loss::*, sale::*, slice::*};
