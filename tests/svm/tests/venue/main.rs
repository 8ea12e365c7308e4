//! The example venue's SBF binary over CPI to the margin engine's, on LiteSVM.

mod cost;
mod desk;
mod fills;
mod limits;
mod quotes;
mod requests;
