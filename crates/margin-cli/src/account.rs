//! `margin account show`.

use margin_client::{
    state::MarginAccount,
    text::{Align, Cell, Style, Table, Tone, UNIT_DECIMALS, exact, fixed, instrument_name, utc},
};
use serde_json::{Value, json};

use crate::{
    chain::{Markets, margin_account},
    cli::{AccountSelector, Global},
    error::CliError,
    node::Node,
    output::{Output, Page, signed},
};

pub fn show(node: &Node, global: &Global, selector: &AccountSelector, style: Style) -> Result<Output, CliError> {
    let account = margin_account(node, global, selector)?;
    let markets = Markets::load_without_prices(node, account.engine)?;
    let decimals = u32::from(markets.engine.quote_decimals);
    let cash = account.cash_atoms_floor();

    let mut page = Page::new(&format!("Margin account {}", account.address), style);
    let delegate = account.delegate().map_or_else(|| "nobody".to_owned(), |delegate| delegate.to_string());
    page.facts([
        ("owner", account.owner.to_string().into()),
        ("number", account.index.to_string().into()),
        ("delegate", delegate.into()),
        ("engine", account.engine.to_string().into()),
        ("sequence", account.sequence.to_string().into()),
        ("state", state(&account)),
    ]);
    let owed = account.interest_owed(&markets.engine, markets.now);
    page.amounts(
        "Cash",
        [
            ("quote token", signed(fixed(cash, decimals, 2))),
            ("interest owed since the last contact", signed(fixed(-owed, decimals, 2))),
        ],
    );
    page.table("Token balances", &balances_table(&account, &markets));
    page.table("Positions", &positions_table(&account, &markets, decimals));
    if account.positions().is_empty() {
        page.line("");
        page.note("no positions");
    }

    let json = json!({
        "address": account.address.to_string(),
        "engine": account.engine.to_string(),
        "owner": account.owner.to_string(),
        "number": account.index,
        "delegate": account.delegate().map(|delegate| delegate.to_string()),
        "sequence": account.sequence,
        "inLiquidation": account.in_liquidation(),
        "liquidationStartedAt": account.in_liquidation().then_some(account.liquidation.started_at),
        "cash": exact(cash, decimals),
        "interestOwed": exact(owed, decimals),
        "balances": balances_json(&account, &markets),
        "positions": positions_json(&account, &markets, decimals),
    });
    Ok(Output { json, text: page.finish() })
}

/// Open for trading, or in liquidation since when.
pub fn state(account: &MarginAccount) -> Cell {
    if account.in_liquidation() {
        let since = utc(account.liquidation.started_at);
        Cell::toned(format!("IN LIQUIDATION since {since} UTC"), Tone::Bad)
    } else {
        Cell::toned("open", Tone::Good)
    }
}

/// Decimals of a collateral, and the address of its mint.
fn token(markets: &Markets, index: u16) -> (u32, String) {
    markets
        .collaterals
        .iter()
        .find(|listed| listed.market.index == index)
        .map_or((0, "?".to_owned()), |listed| (u32::from(listed.market.decimals), listed.market.mint.to_string()))
}

fn balances_table(account: &MarginAccount, markets: &Markets) -> Table {
    let mut table = Table::new([("mint", Align::Left), ("amount", Align::Right)]);
    for balance in account.balances() {
        let (decimals, mint) = token(markets, balance.collateral);
        table.row([mint.into(), fixed(i128::from(balance.amount), decimals, decimals).into()]);
    }
    table
}

fn balances_json(account: &MarginAccount, markets: &Markets) -> Vec<Value> {
    let balance = |balance: &margin_client::state::Balance| {
        let (decimals, mint) = token(markets, balance.collateral);
        json!({ "collateral": balance.collateral, "mint": mint, "amount": exact(i128::from(balance.amount), decimals) })
    };
    account.balances().iter().map(balance).collect()
}

/// A position's name, and its quantity in 1e-9 units of the underlying.
pub fn named(markets: &Markets, position: &margin_client::state::Position) -> (String, i128) {
    let symbol = markets.symbol(position.underlying);
    let name = position.instrument().map_or_else(
        || format!("{symbol}, unknown kind {}", position.kind),
        |instrument| instrument_name(symbol, &instrument),
    );
    let lot_size = markets.underlyings.get(usize::from(position.underlying)).map_or(0, |listed| listed.market.lot_size);
    (name, i128::from(position.lots) * i128::from(lot_size))
}

fn positions_table(account: &MarginAccount, markets: &Markets, decimals: u32) -> Table {
    let mut table = Table::new([
        ("instrument", Align::Left),
        ("quantity", Align::Right),
        ("lots", Align::Right),
        ("last settled value", Align::Right),
    ]);
    for position in account.positions() {
        let (name, quantity) = named(markets, position);
        let settled = match position.instrument() {
            Some(instrument) if instrument.kind.is_option() => String::new(),
            _ => fixed(i128::from(position.settled_value), decimals, 2),
        };
        table.row([
            name.into(),
            signed(fixed(quantity, UNIT_DECIMALS, 4)),
            fixed(i128::from(position.lots), 0, 0).into(),
            settled.into(),
        ]);
    }
    table
}

fn positions_json(account: &MarginAccount, markets: &Markets, decimals: u32) -> Vec<Value> {
    let position = |position: &margin_client::state::Position| {
        let (name, quantity) = named(markets, position);
        json!({
            "instrument": name,
            "underlying": position.underlying,
            "quantity": exact(quantity, UNIT_DECIMALS),
            "lots": position.lots,
            "settledValue": exact(i128::from(position.settled_value), decimals),
        })
    };
    account.positions().iter().map(position).collect()
}
