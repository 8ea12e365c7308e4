//! One instruction a file: arguments, accounts, `validate` (every account in order) and handler.

mod account_close;
mod account_open;
mod account_set_delegate;
mod account_set_mode;
mod account_transfer;
mod bankruptcy_resolve;
mod cash_sync;
mod checks_begin;
mod checks_end;
mod collateral_add;
mod collateral_bid;
mod collateral_limits_set;
mod correlation_set;
mod deposit;
mod engine_initialize;
mod expiry_list;
mod fee_collect;
mod fee_withdraw;
mod fill_settle;
mod funding_update;
mod insolvent_bid;
mod insurance_deposit;
mod insurance_limit;
mod insurance_request;
mod insurance_withdraw;
mod interest_accrue;
mod interest_set;
mod liquidation_bid;
mod liquidation_convert;
mod liquidation_replace_witness;
mod liquidation_start;
mod liquidation_stop;
mod margin_breakdown;
mod margin_check;
mod margin_quote;
mod model_set;
mod open_interest_sync;
mod pause_set;
mod perpetual_publish;
mod position_settle;
mod price_answer;
mod price_challenge;
mod quote_execute;
mod quotes_cancel;
mod scenarios_set;
mod sequence_check;
mod settlement_finalise;
mod settlement_fix;
mod settlement_sample;
mod surface_publish;
mod trade_execute;
mod trading_set;
mod underlying_add;
mod venue_add;
mod venue_approve;
mod venue_enable;
mod withdraw;

pub use {
    account_close::*, account_open::*, account_set_delegate::*, account_set_mode::*, account_transfer::*,
    bankruptcy_resolve::*, cash_sync::*, checks_begin::*, checks_end::*, collateral_add::*, collateral_bid::*,
    collateral_limits_set::*, correlation_set::*, deposit::*, engine_initialize::*, expiry_list::*, fee_collect::*,
    fee_withdraw::*, fill_settle::*, funding_update::*, insolvent_bid::*, insurance_deposit::*, insurance_limit::*,
    insurance_request::*, insurance_withdraw::*, interest_accrue::*, interest_set::*, liquidation_bid::*,
    liquidation_convert::*, liquidation_replace_witness::*, liquidation_start::*, liquidation_stop::*,
    margin_breakdown::*, margin_check::*, margin_quote::*, model_set::*, open_interest_sync::*, pause_set::*,
    perpetual_publish::*, position_settle::*, price_answer::*, price_challenge::*, quote_execute::*, quotes_cancel::*,
    scenarios_set::*, sequence_check::*, settlement_finalise::*, settlement_fix::*, settlement_sample::*,
    surface_publish::*, trade_execute::*, trading_set::*, underlying_add::*, venue_add::*, venue_approve::*,
    venue_enable::*, withdraw::*,
};
