//! `margin market show`.

mod json;

use margin_client::{
    margin::MarginFailure,
    state::{ExpirySlot, OracleProvider, Scenario, Underlying, VolShock},
    text::{Align, Cell, PRICE_DECIMALS, Style, Table, Tone, UNIT_DECIMALS, exact, fixed, utc},
};
use margin_core::{Price, Svi};

use self::json::{engine_json, underlying_json};
use crate::{
    chain::{Listed, Markets, Priced, engine_address, hex},
    cli::Global,
    error::CliError,
    model::{parameters, vol_name},
    node::Node,
    output::{Output, Page},
};

/// Decimals of ratios, multipliers and weights.
const RATIO_DECIMALS: u32 = 9;
/// Decimals of vols, and of rates.
const VOL_DECIMALS: u32 = 8;
const RATE_DECIMALS: u32 = 10;
const DAY: i64 = 86_400;

pub fn show(node: &Node, global: &Global, symbol: Option<&str>, style: Style) -> Result<Output, CliError> {
    let markets = Markets::load(node, global, engine_address(node, global)?)?;
    match symbol {
        None => Ok(Output { json: engine_json(&markets), text: engine_text(&markets, style) }),
        Some(symbol) => {
            let listed = markets.underlying(symbol)?;
            Ok(Output { json: underlying_json(listed, markets.now), text: underlying_text(listed, markets.now, style) })
        }
    }
}

fn engine_text(markets: &Markets, style: Style) -> String {
    let engine = &markets.engine;
    let mut page = Page::new(&format!("Margin engine {}", engine.address), style);
    let liquidation = engine.liquidation;
    let small = fixed(i128::from(liquidation.small_account), u32::from(engine.quote_decimals), 2);
    page.facts([
        ("admin", engine.admin.to_string().into()),
        ("quote token", format!("{} ({} decimals)", engine.quote_mint, engine.quote_decimals).into()),
        (
            "liquidation",
            format!(
                "discount {} at first, {} after {} min, buffer {}, accounts up to {small} go whole",
                percent(liquidation.start_discount),
                percent(liquidation.fast_discount),
                liquidation.fast_seconds / 60,
                percent(liquidation.buffer)
            )
            .into(),
        ),
        ("guardian", engine.guardian.to_string().into()),
        ("interest", interest_text(markets).into()),
        ("time", format!("{} UTC", utc(markets.now)).into()),
    ]);

    let mut table = Table::new([
        ("", Align::Right),
        ("mint", Align::Left),
        ("price", Align::Right),
        ("age", Align::Right),
        ("haircut maintenance", Align::Right),
        ("initial", Align::Right),
        ("deposited", Align::Right),
        ("cap", Align::Right),
    ]);
    for Listed { market, price } in &markets.collaterals {
        let amount = |atoms: u64| fixed(i128::from(atoms), u32::from(market.decimals), 2);
        let (price, age) = if market.is_quote() {
            ("face value".into(), "".into())
        } else {
            (price_cell(price.as_ref()), age_cell(price.as_ref(), markets.now))
        };
        table.row([
            market.index.to_string().into(),
            market.mint.to_string().into(),
            price,
            age,
            percent(market.haircuts.maintenance).into(),
            percent(market.haircuts.maintenance.saturating_add(market.haircuts.initial)).into(),
            amount(market.total_deposits).into(),
            amount(market.deposit_cap).into(),
        ]);
    }
    page.table("Collaterals", &table);
    for Listed { market, .. } in markets.collaterals.iter().filter(|listed| listed.market.challenge.since != 0) {
        let since = utc(market.challenge.since);
        page.note(&match market.challenge.holds(markets.now) {
            true => {
                format!("token {}: without a price since {since} UTC; liquidation goes on without it", market.index)
            }
            false => format!(
                "token {}: said to have no price since {since} UTC; whoever has one takes the bond",
                market.index
            ),
        });
    }

    let mut table = Table::new([
        ("", Align::Right),
        ("symbol", Align::Left),
        ("price", Align::Right),
        ("age", Align::Right),
        ("lot", Align::Right),
        ("expiries", Align::Right),
        ("scenarios", Align::Right),
        ("address", Align::Left),
    ]);
    for Listed { market, price } in &markets.underlyings {
        table.row([
            market.index.to_string().into(),
            market.symbol().into(),
            price_cell(price.as_ref()),
            age_cell(price.as_ref(), markets.now),
            exact(i128::from(market.lot_size), UNIT_DECIMALS).into(),
            market.listed_expiries().len().to_string().into(),
            market.scenarios().len().to_string().into(),
            market.address.to_string().into(),
        ]);
    }
    page.table("Underlyings", &table);
    for listed in &markets.underlyings {
        if let Some(Priced { reading: Err(error), .. }) = &listed.price {
            page.note(&format!("{}: {error}", listed.market.symbol()));
        }
    }
    page.finish()
}

fn underlying_text(listed: &Listed<Underlying>, now: i64, style: Style) -> String {
    let Listed { market, price } = listed;
    let mut page = Page::new(&format!("{} {}", market.symbol(), market.address), style);
    let price_text = match price {
        None => Cell::toned("no account carries the feed", Tone::Bad),
        Some(Priced { reading: Err(error), .. }) => Cell::toned(unusable(error), Tone::Bad),
        Some(Priced { reading: Ok(view), .. }) => format!(
            "{} ± {}, {} s old",
            fixed(i128::from(view.price.0), PRICE_DECIMALS, 2),
            fixed(i128::from(view.confidence.0), PRICE_DECIMALS, 2),
            now.saturating_sub(view.publish_time)
        )
        .into(),
    };
    let account = price.as_ref().map_or_else(|| "none".to_owned(), |priced| priced.address.to_string());
    let oracle = market.oracle;
    page.facts([
        ("number", market.index.to_string().into()),
        ("price", price_text),
        ("price account", account.into()),
        ("oracle", format!("{}, feed {}", provider(oracle.provider), hex(&oracle.feed_id)).into()),
        (
            "price limits",
            format!(
                "{} s and {} to trade, {} s and {} to liquidate",
                oracle.max_age,
                percent(oracle.max_confidence),
                oracle.liquidation_max_age,
                percent(oracle.liquidation_max_confidence)
            )
            .into(),
        ),
        ("publisher", market.publisher.to_string().into()),
        ("surface limit", format!("{} s to trade, none to liquidate", market.max_surface_age).into()),
        (
            "mark limits",
            format!(
                "{} s to trade, {} s to liquidate, then the index",
                market.max_surface_age, market.liquidation_max_mark_age
            )
            .into(),
        ),
        ("lot", format!("{} {}", exact(i128::from(market.lot_size), UNIT_DECIMALS), market.symbol()).into()),
    ]);
    page.table("Expiries", &expiries_table(market.listed_expiries(), now));
    page.amounts("Margin model", parameters(&market.risk).into_iter().map(|(name, value)| (name, value.into())));
    page.table("Scenarios", &scenarios_table(market.scenarios()));
    page.finish()
}

fn expiries_table(slots: Vec<&ExpirySlot>, now: i64) -> Table {
    let mut table = Table::new([
        ("expiry (UTC)", Align::Left),
        ("days", Align::Right),
        ("forward", Align::Right),
        ("at the money", Align::Right),
        ("rate", Align::Right),
        ("surface age", Align::Right),
    ]);
    for slot in slots {
        let days = fixed(i128::from(slot.expiry.saturating_sub(now)) * 100 / i128::from(DAY), 2, 1);
        if slot.updated_at == 0 {
            let missing = Cell::toned("not published", Tone::Warning);
            table.row([utc(slot.expiry).into(), days.into(), "".into(), "".into(), "".into(), missing]);
            continue;
        }
        let vol = forward_vol(slot)
            .map_or_else(|| Cell::toned("?", Tone::Bad), |vol| format!("{} %", fixed(vol, VOL_DECIMALS - 2, 2)).into());
        table.row([
            utc(slot.expiry).into(),
            days.into(),
            fixed(i128::from(slot.forward), PRICE_DECIMALS, 2).into(),
            vol,
            format!("{} %", fixed(i128::from(slot.rate), RATE_DECIMALS - 2, 2)).into(),
            format!("{} s", now.saturating_sub(slot.updated_at)).into(),
        ]);
    }
    table
}

/// Vol of the published surface at the published forward, in 1e-8.
fn forward_vol(slot: &ExpirySlot) -> Option<i128> {
    let slice = Svi::from(&slot.svi).prepare().ok()?;
    Some(i128::from(slice.vol(Price(slot.forward)).ok()?.0))
}

fn scenarios_table(scenarios: &[Scenario]) -> Table {
    let mut table =
        Table::new([("", Align::Right), ("spot", Align::Right), ("vol", Align::Left), ("weight", Align::Right)]);
    for (number, scenario) in scenarios.iter().enumerate() {
        let shift = i128::from(scenario.spot) - 1_000_000_000;
        let sign = if shift > 0 { "+" } else { "" };
        table.row([
            number.to_string().into(),
            format!("{sign}{} %", fixed(shift, RATIO_DECIMALS - 2, 1)).into(),
            vol_name(VolShock::from_byte(scenario.vol)).into(),
            fixed(i128::from(scenario.weight), RATIO_DECIMALS, 3).into(),
        ]);
    }
    table
}

fn price_cell(priced: Option<&Priced>) -> Cell {
    match priced.map(|priced| &priced.reading) {
        None => Cell::toned("none", Tone::Bad),
        Some(Err(error)) => Cell::toned(unusable(error), Tone::Bad),
        Some(Ok(view)) => fixed(i128::from(view.price.0), PRICE_DECIMALS, 2).into(),
    }
}

fn age_cell(priced: Option<&Priced>, now: i64) -> Cell {
    match priced.map(|priced| &priced.reading) {
        Some(Ok(view)) => format!("{} s", now.saturating_sub(view.publish_time)).into(),
        _ => "".into(),
    }
}

/// Why a price cannot be used, in the program's short name.
fn unusable(error: &MarginFailure) -> String {
    match error {
        MarginFailure::Program(error) => error.name.clone(),
        other => other.to_string(),
    }
}

fn provider(byte: u8) -> &'static str {
    const PULL: u8 = OracleProvider::PythPull as u8;
    const PUSH: u8 = OracleProvider::PythPush as u8;
    match byte {
        PULL => "Pyth pull",
        PUSH => "Pyth push (legacy)",
        _ => "unknown",
    }
}

fn ratio(value: u32) -> String {
    exact(i128::from(value), RATIO_DECIMALS)
}

/// What borrowers pay and depositors earn.
fn interest_text(markets: &Markets) -> String {
    let rate = |value: u64| fixed(i128::from(value), RATIO_DECIMALS - 2, 2);
    let borrow = markets.engine.borrow_rate();
    let Some(Listed { market, .. }) = markets.collaterals.iter().find(|listed| listed.market.is_quote()) else {
        return "no quote token".to_owned();
    };
    format!(
        "borrowers pay {} % a year, depositors earn {} %, {} % of the cash is lent",
        rate(borrow),
        rate(market.deposit_rate(borrow)),
        rate(market.pool.utilisation(market.total_deposits))
    )
}

fn percent(value: u32) -> String {
    format!("{} %", exact(i128::from(value), RATIO_DECIMALS - 2))
}
