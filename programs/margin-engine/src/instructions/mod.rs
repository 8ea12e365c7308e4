//! One instruction a file: arguments, accounts, `validate` (every account in order) and handler.

mod account_close;
mod account_open;
mod account_set_mode;
mod collateral_add;
mod correlation_set;
mod deposit;
mod engine_initialize;
mod expiry_list;
mod liquidation_bid;
mod liquidation_start;
mod liquidation_stop;
mod margin_breakdown;
mod margin_check;
mod margin_quote;
mod model_set;
mod perpetual_publish;
mod scenarios_set;
mod sequence_check;
mod surface_publish;
mod trade_execute;
mod underlying_add;
mod withdraw;

pub use {
    account_close::*, account_open::*, account_set_mode::*, collateral_add::*, correlation_set::*, deposit::*,
    engine_initialize::*, expiry_list::*, liquidation_bid::*, liquidation_start::*, liquidation_stop::*,
    margin_breakdown::*, margin_check::*, margin_quote::*, model_set::*, perpetual_publish::*, scenarios_set::*,
    sequence_check::*, surface_publish::*, trade_execute::*, underlying_add::*, withdraw::*,
};
