//! The example venue's SBF binary over CPI to the margin engine's, on LiteSVM.

mod cost;
mod desk;
mod document;
mod fills;
mod integrator;
mod limits;
mod quotes;
mod requests;
