//! `margin report`: the program's figures, and the off-chain calculation of what makes them up.

mod json;

use margin_client::{
    Loaded, MarginReport, UnderlyingReport, decode_margin_report,
    errors::explain,
    instructions::{MarginCheck, MarginCheckArgs},
    margin::{MarginFailure, PositionByPosition, PriceUse, ScenarioProfit, StandAlone},
    presets::{MAX_COMPUTE_UNITS, compute_unit_limit},
    state::{AccountMode, MarginAccount, VolShock},
    text::{Align, Cell, Style, Table, Tone, UNIT_DECIMALS, exact, fixed, utc},
};
use solana_instruction::{Instruction, error::InstructionError};
use solana_pubkey::Pubkey;
use solana_transaction_error::TransactionError;

use crate::{
    account::named,
    chain::{Markets, margin_account},
    cli::{AccountSelector, Global},
    error::CliError,
    node::Node,
    output::{Output, Page, signed},
};

/// `margin_check` tolerates what a liquidation tolerates; its parts are computed alike.
const USAGE: PriceUse = PriceUse::Liquidation;
const RATIO_ONE: f64 = 1e9;

/// One account's margin in full.
struct Report<'a> {
    account: &'a Loaded<MarginAccount>,
    markets: &'a Markets,
    margin: MarginReport,
    units: Option<u64>,
    apart: Vec<StandAlone>,
    apart_total: PositionByPosition,
    /// The same book in each mode that its underlyings offer.
    modes: Vec<(&'static str, MarginReport)>,
    /// The worst scenario of each underlying in `margin.underlyings`.
    worst: Vec<Option<ScenarioProfit>>,
}

pub fn show(
    node: &Node,
    global: &Global,
    selector: &AccountSelector,
    fee_payer: Option<Pubkey>,
    style: Style,
) -> Result<Output, CliError> {
    let account = margin_account(node, global, selector)?;
    let markets = Markets::load(node, global, account.engine)?;
    let snapshot = markets.snapshot(&account)?;
    let check = MarginCheck {
        engine: account.engine,
        margin_account: account.address,
        markets: snapshot.directory.for_account(&account)?,
        args: MarginCheckArgs::default(),
    };
    let (margin, units) = simulate(node, fee_payer.unwrap_or(account.owner), check.instruction())?;
    let now = markets.now;
    let mut worst = Vec::with_capacity(margin.underlyings.len());
    for underlying in &margin.underlyings {
        let scenarios = snapshot.scenarios(&account, underlying.index, USAGE, now)?;
        let number = underlying.portfolio().map_or(usize::MAX, |parts| usize::from(parts.worst_case));
        worst.push(scenarios.get(number).copied());
    }
    let mut modes = Vec::new();
    for (mode, name) in [
        (AccountMode::Portfolio, "portfolio"),
        (AccountMode::Isolated, "isolated"),
        (AccountMode::Standard, "standard"),
    ] {
        let args = MarginCheckArgs { mode: Some(mode), ..Default::default() };
        match snapshot.check(&account, &args, now) {
            Ok(report) => modes.push((name, report)),
            // Not every underlying offers every mode.
            Err(MarginFailure::Program(error)) if error.name == "StandardNotOffered" => {}
            Err(error) => return Err(error.into()),
        }
    }
    let report = Report {
        apart: snapshot.stand_alone(&account, USAGE, now)?,
        apart_total: snapshot.position_by_position(&account, USAGE, now)?,
        account: &account,
        markets: &markets,
        margin,
        units,
        modes,
        worst,
    };
    Ok(Output { json: report.json(), text: report.text(style) })
}

/// Simulates a check and decodes its answer; the second is its compute units.
pub fn simulate(node: &Node, fee_payer: Pubkey, check: Instruction) -> Result<(MarginReport, Option<u64>), CliError> {
    let simulation = node.simulate(&fee_payer, &[compute_unit_limit(MAX_COMPUTE_UNITS), check])?;
    match (simulation.error, simulation.return_data) {
        (None, Some((program, data))) => Ok((decode_margin_report(&program, &data)?, simulation.units)),
        (None, None) => {
            Err(CliError::Simulation { reason: "the program returned no data".to_owned(), logs: simulation.logs })
        }
        (Some(TransactionError::AccountNotFound | TransactionError::InsufficientFundsForFee), _) => {
            Err(CliError::FeePayer(fee_payer))
        }
        (Some(error), _) => Err(custom_code(&error).and_then(explain).map_or_else(
            || CliError::Simulation { reason: error.to_string(), logs: simulation.logs },
            CliError::Refused,
        )),
    }
}

/// The program's own code in a failed transaction.
fn custom_code(error: &TransactionError) -> Option<u32> {
    match error {
        TransactionError::InstructionError(_, InstructionError::Custom(code)) => Some(*code),
        _ => None,
    }
}

impl Report<'_> {
    fn decimals(&self) -> u32 {
        u32::from(self.markets.engine.quote_decimals)
    }

    fn money(&self, atoms: i64) -> String {
        fixed(i128::from(atoms), self.decimals(), 2)
    }

    fn exact(&self, atoms: i64) -> String {
        exact(i128::from(atoms), self.decimals())
    }

    fn text(&self, style: Style) -> String {
        let margin = &self.margin;
        let mut page = Page::new(&format!("Margin of {}", self.account.address), style);
        let cost =
            self.units.map_or_else(String::new, |units| format!(" ({} compute units)", fixed(units.into(), 0, 0)));
        page.facts([
            ("owner", self.account.owner.to_string().into()),
            ("time", format!("{} UTC", utc(self.markets.now)).into()),
            ("standing", standing(margin)),
            ("computed by", format!("margin_check on the node{cost}").into()),
        ]);
        let surplus = |requirement: i64| signed(self.money(margin.equity.saturating_sub(requirement)));
        page.amounts(
            "Equity",
            [
                ("cash", signed(self.money(margin.cash))),
                ("token collateral", signed(self.money(margin.collateral_value))),
                ("positions", signed(self.money(margin.positions_value))),
                ("equity", signed(self.money(margin.equity))),
            ],
        );
        let mut table = Table::new([
            ("", Align::Left),
            ("requirement", Align::Right),
            ("equity beyond it", Align::Right),
            ("position by position", Align::Right),
            ("saved", Align::Right),
        ]);
        for (name, netted, apart) in [
            ("initial margin", margin.initial_margin, self.apart_total.initial_margin),
            ("maintenance margin", margin.maintenance_margin, self.apart_total.maintenance_margin),
        ] {
            table.row([
                name.into(),
                self.money(netted).into(),
                surplus(netted),
                self.money(apart).into(),
                saved(netted, apart).into(),
            ]);
        }
        page.table("Margin", &table);
        page.table("The same book in each mode", &self.modes_table());
        page.table("By underlying", &self.underlyings_table());
        page.table("Net Greeks", &greeks_table(&self.margin, self.decimals(), |index| self.markets.symbol(index)));
        if !margin.underlyings.is_empty() {
            page.note("delta in units, gamma: change of delta for +1 % of spot, vega: +1 vol point, theta: one day, rho: +1 %");
        }
        page.table("Each position on its own", &self.positions_table());
        page.finish()
    }

    /// Requirements in each mode, and with no netting at all.
    fn modes_table(&self) -> Table {
        let mut table = Table::new([
            ("", Align::Left),
            ("initial", Align::Right),
            ("maintenance", Align::Right),
            ("", Align::Left),
        ]);
        for (name, report) in &self.modes {
            let own = if report.mode == self.margin.mode { "this account" } else { "" };
            table.row([
                (*name).into(),
                self.money(report.initial_margin).into(),
                self.money(report.maintenance_margin).into(),
                own.into(),
            ]);
        }
        table.row([
            "every position alone".into(),
            self.money(self.apart_total.initial_margin).into(),
            self.money(self.apart_total.maintenance_margin).into(),
            "".into(),
        ]);
        table
    }

    fn underlyings_table(&self) -> Table {
        let mut table = Table::new([
            ("", Align::Left),
            ("price", Align::Right),
            ("positions", Align::Right),
            ("initial", Align::Right),
            ("maintenance", Align::Right),
            ("worst scenario", Align::Left),
            ("profit in it", Align::Right),
        ]);
        for (underlying, worst) in self.margin.underlyings.iter().zip(&self.worst) {
            table.row([
                self.markets.symbol(underlying.index).into(),
                self.price(underlying.index).map_or_else(|| "?".to_owned(), |price| fixed(price, 12, 2)).into(),
                signed(self.money(underlying.positions_value)),
                self.money(underlying.initial_margin).into(),
                self.money(underlying.maintenance_margin).into(),
                worst.as_ref().map_or_else(|| "none loses".to_owned(), scenario_name).into(),
                signed(self.money(worst_profit(underlying))),
            ]);
        }
        table
    }

    fn positions_table(&self) -> Table {
        let mut table = Table::new([
            ("instrument", Align::Left),
            ("quantity", Align::Right),
            ("value", Align::Right),
            ("initial", Align::Right),
            ("maintenance", Align::Right),
            ("delta", Align::Right),
        ]);
        for alone in &self.apart {
            let (name, quantity) = named(self.markets, &alone.position);
            table.row([
                name.into(),
                signed(fixed(quantity, UNIT_DECIMALS, 4)),
                signed(self.money(alone.value)),
                self.money(alone.initial_margin).into(),
                self.money(alone.maintenance_margin).into(),
                signed(fixed(i128::from(alone.greeks.delta), UNIT_DECIMALS, 4)),
            ]);
        }
        table
    }

    /// The price the program read, in 1e-12.
    fn price(&self, index: u16) -> Option<i128> {
        let priced = self.markets.underlyings.get(usize::from(index))?.price.as_ref()?;
        priced.reading.as_ref().ok().map(|view| i128::from(view.price.0))
    }
}

/// Net Greeks of each underlying.
pub fn greeks_table<'a>(margin: &MarginReport, decimals: u32, symbol: impl Fn(u16) -> &'a str) -> Table {
    let mut table = Table::new([
        ("", Align::Left),
        ("delta", Align::Right),
        ("gamma", Align::Right),
        ("vega", Align::Right),
        ("theta", Align::Right),
        ("rho", Align::Right),
    ]);
    let units = |value: i64| signed(fixed(i128::from(value), UNIT_DECIMALS, 4));
    let money = |value: i64| signed(fixed(i128::from(value), decimals, 2));
    for UnderlyingReport { index, greeks, .. } in &margin.underlyings {
        table.row([
            symbol(*index).into(),
            units(greeks.delta),
            units(greeks.gamma),
            money(greeks.vega),
            money(greeks.theta),
            money(greeks.rho),
        ]);
    }
    table
}

/// What the account may do.
pub fn standing(margin: &MarginReport) -> Cell {
    if margin.in_liquidation {
        Cell::toned("in liquidation", Tone::Bad)
    } else if margin.equity < margin.maintenance_margin {
        Cell::toned("below maintenance margin: anyone may liquidate it", Tone::Bad)
    } else if margin.equity < margin.initial_margin {
        Cell::toned("below initial margin: no new risk, no withdrawal", Tone::Warning)
    } else {
        Cell::toned("healthy", Tone::Good)
    }
}

/// `spot -18 %, vol up` and the weight of a tail.
pub fn scenario_name(scenario: &ScenarioProfit) -> String {
    let move_in_percent = (scenario.spot.0 as f64 / RATIO_ONE - 1.0) * 100.0;
    let vol = match scenario.vol {
        VolShock::None => "vol as it is",
        VolShock::Up => "vol up",
        VolShock::Down => "vol down",
        VolShock::SkewLinear => "smile tilted",
        VolShock::SkewAbs => "smile steeper",
    };
    let weight = scenario.weight.0 as f64 / RATIO_ONE;
    let weighted = if weight < 1.0 { format!(", weight {weight:.3}") } else { String::new() };
    format!("spot {move_in_percent:+.1} %, {vol}{weighted}")
}

/// Profit in the worst scenario; position by position there is none.
fn worst_profit(underlying: &UnderlyingReport) -> i64 {
    underlying.portfolio().map_or(0, |parts| parts.worst_profit)
}

/// Share that netting saves, in whole percent.
fn saved(netted: i64, apart: i64) -> String {
    if apart <= 0 {
        return String::new();
    }
    format!("{:.0} %", (1.0 - netted as f64 / apart as f64) * 100.0)
}
