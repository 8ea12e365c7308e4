//! One instruction a file: arguments, accounts, `validate` (every account in order) and handler.

mod account_close;
mod account_open;
mod collateral_add;
mod deposit;
mod engine_initialize;
mod expiry_list;
mod liquidation_bid;
mod liquidation_start;
mod liquidation_stop;
mod margin_check;
mod surface_publish;
mod trade_execute;
mod underlying_add;
mod withdraw;

pub use {
    account_close::*, account_open::*, collateral_add::*, deposit::*, engine_initialize::*, expiry_list::*,
    liquidation_bid::*, liquidation_start::*, liquidation_stop::*, margin_check::*, surface_publish::*,
    trade_execute::*, underlying_add::*, withdraw::*,
};
