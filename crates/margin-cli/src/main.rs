//! `margin`: accounts, markets and margin of a margin engine, over JSON-RPC.
//!
//! Exit status: 0 done, 1 the command failed, 2 the command line is wrong.

mod account;
mod chain;
mod challenge;
mod cli;
mod dispute;
mod error;
mod evaluate;
mod keeper;
mod market;
mod model;
mod node;
mod output;
mod report;
mod settle;

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use margin_client::text::Style;
use serde_json::json;

use crate::{
    cli::{AccountCommand, Cli, Command, KeeperCommand, MarketCommand},
    error::CliError,
    node::Node,
    output::Output,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok((output, holds)) => match print(&output, cli.global.json) {
            ExitCode::SUCCESS if !holds => ExitCode::FAILURE,
            printed => printed,
        },
        Err(error) => {
            if cli.global.json {
                let object = json!({ "error": { "code": error.code(), "message": error.to_string() } });
                eprintln!("{object}");
            } else {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// What to print, and whether what the command set out to show holds.
fn run(cli: &Cli) -> Result<(Output, bool), CliError> {
    let (global, node) = (&cli.global, Node::new(&cli.global.url));
    let style = Style::detect();
    let output = match &cli.command {
        Command::Dispute { account, fee_payer } => return dispute::show(&node, global, account, *fee_payer, style),
        Command::Settle(arguments) => return settle::run(&node, global, arguments, style),
        Command::Account(AccountCommand::Show { account }) => account::show(&node, global, account, style),
        Command::Market(MarketCommand::Show { symbol }) => market::show(&node, global, symbol.as_deref(), style),
        Command::Market(MarketCommand::Challenge(arguments)) => challenge::run(&node, global, arguments, style),
        Command::Evaluate(arguments) => evaluate::show(arguments, style),
        Command::Keeper(KeeperCommand::Run(arguments)) => keeper::run(global, arguments, style),
        Command::Report { account, fee_payer } => report::show(&node, global, account, *fee_payer, style),
    };
    Ok((output?, true))
}

/// Writes the result; a reader that has seen enough (`| head`) is no failure.
fn print(output: &Output, json: bool) -> ExitCode {
    let text = if json { format!("{:#}\n", output.json) } else { output.text.clone() };
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("error: cannot write the result: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
