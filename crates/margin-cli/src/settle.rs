//! `margin settle`: one round of a keeper for series that end.

use margin_client::{
    Loaded, PROGRAM_ID,
    accounts::search_filters,
    addresses,
    margin::{PriceUse, read_price},
    settlement::{SettlementStep, settlement_steps},
    state::MarginAccount,
    text::{Align, Cell, Style, Table, Tone, utc},
};
use serde_json::{Value, json};
use solana_signer::Signer as _;

use crate::{
    chain::{Listed, Markets, Priced, engine_address, load},
    cli::{Global, SettleArguments},
    error::CliError,
    node::{Node, keypair},
    output::{Output, Page},
};

/// Samples, finalises and settles whatever is due; the second value says whether all of it was done.
///
/// A step that fails does not keep the others from being tried: somebody else may have been faster.
pub fn run(
    node: &Node,
    global: &Global,
    arguments: &SettleArguments,
    style: Style,
) -> Result<(Output, bool), CliError> {
    let payer = keypair(&arguments.keypair)?;
    let engine = engine_address(node, global)?;
    let settler = arguments.settler.unwrap_or_else(|| addresses::margin_account(&engine, &payer.pubkey(), 0));
    // Whoever gives a wrong account learns it before anything is due.
    load::<MarginAccount>(node, settler)?;
    let markets = Markets::load(node, global, engine)?;
    let accounts = margin_accounts(node, &markets)?;

    let mut table = Table::new([
        ("series (UTC)", Align::Left),
        ("step", Align::Left),
        ("accounts", Align::Right),
        ("result", Align::Left),
    ]);
    let mut steps = Vec::new();
    let mut all_done = true;
    for listed in &markets.underlyings {
        for step in settlement_steps(&listed.market, price(listed, markets.now), &accounts, &settler, markets.now) {
            let (name, count) = described(&step);
            let (symbol, expiry) = (listed.market.symbol(), step.expiry());
            let sent = node.send(&payer, &[step.instruction()]);
            all_done &= sent.is_ok();
            let result = match &sent {
                Ok(signature) => Cell::toned(signature.clone(), Tone::Good),
                Err(error) => Cell::toned(error.to_string(), Tone::Bad),
            };
            let accounts = count.map(|count| count.to_string()).unwrap_or_default();
            table.row([format!("{symbol} {}", utc(expiry)).into(), name.into(), accounts.into(), result]);
            steps.push(step_json(symbol, expiry, name, count, &sent));
        }
    }

    let mut page = Page::new(&format!("Settlement of engine {engine}"), style);
    page.facts([
        ("time", format!("{} UTC", utc(markets.now)).into()),
        ("settler", settler.to_string().into()),
        ("steps", if steps.is_empty() { "nothing is due".into() } else { steps.len().to_string().into() }),
    ]);
    page.table("Steps", &table);
    let json = json!({
        "engine": engine.to_string(),
        "time": markets.now,
        "settler": settler.to_string(),
        "steps": steps,
    });
    Ok((Output { json, text: page.finish() }, all_done))
}

fn margin_accounts(node: &Node, markets: &Markets) -> Result<Vec<Loaded<MarginAccount>>, CliError> {
    let found = node.search(&PROGRAM_ID, &search_filters::<MarginAccount>(&markets.engine.address))?;
    let decoded = found.into_iter().map(|(address, account)| {
        Loaded::from_account(address, &account).map_err(|error| CliError::NotTheAccount { address, error })
    });
    decoded.collect()
}

/// The price account, if a trade could use it now.
fn price(
    listed: &Listed<margin_client::state::Underlying>,
    now: i64,
) -> Option<(solana_pubkey::Pubkey, margin_client::margin::PriceView)> {
    let Priced { address, account, .. } = listed.price.as_ref()?;
    let view = read_price(&listed.market.oracle, *address, account, PriceUse::RaiseRisk, now).ok()?;
    Some((*address, view))
}

/// Name of a step, and how many accounts it settles.
fn described(step: &SettlementStep) -> (&'static str, Option<usize>) {
    match step {
        SettlementStep::Sample(_) => ("sample", None),
        SettlementStep::Finalise(_) => ("finalise", None),
        SettlementStep::Settle(settle) => ("settle", Some(settle.margin_accounts.len())),
    }
}

fn step_json(symbol: &str, expiry: i64, step: &str, accounts: Option<usize>, sent: &Result<String, CliError>) -> Value {
    json!({
        "symbol": symbol,
        "expiry": expiry,
        "step": step,
        "accounts": accounts,
        "signature": sent.as_ref().ok(),
        "error": sent.as_ref().err().map(|error| json!({ "code": error.code(), "message": error.to_string() })),
    })
}
