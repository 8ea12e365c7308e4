//! One instruction a file: arguments, accounts, `validate` (every account in order) and handler.

mod account_close;
mod account_open;
mod account_set_delegate;
mod account_set_mode;
mod account_transfer;
mod cash_sync;
mod collateral_add;
mod collateral_limits_set;
mod correlation_set;
mod deposit;
mod engine_initialize;
mod expiry_list;
mod interest_accrue;
mod interest_set;
mod liquidation_bid;
mod liquidation_start;
mod liquidation_stop;
mod margin_breakdown;
mod margin_check;
mod margin_quote;
mod model_set;
mod pause_set;
mod perpetual_publish;
mod scenarios_set;
mod sequence_check;
mod surface_publish;
mod trade_execute;
mod underlying_add;
mod withdraw;

pub use {
    account_close::*, account_open::*, account_set_delegate::*, account_set_mode::*, account_transfer::*, cash_sync::*,
    collateral_add::*, collateral_limits_set::*, correlation_set::*, deposit::*, engine_initialize::*, expiry_list::*,
    interest_accrue::*, interest_set::*, liquidation_bid::*, liquidation_start::*, liquidation_stop::*,
    margin_breakdown::*, margin_check::*, margin_quote::*, model_set::*, pause_set::*, perpetual_publish::*,
    scenarios_set::*, sequence_check::*, surface_publish::*, trade_execute::*, underlying_add::*, withdraw::*,
};
