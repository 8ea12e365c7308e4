//! A keeper: asks the program whether accounts are safe, and buys what must be sold.

use margin_client::events::{EngineEvent, LiquidationBid as LiquidationBidEvent};
use margin_client::instructions::{
    LiquidationBid, LiquidationBidArgs, LiquidationStart, MarginCheck, MarginCheckArgs, WitnessArgs,
};
use margin_client::{MarginReport, constants, decode_margin_report, presets};
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;

use crate::error::LocalnetError;
use crate::traders::Trader;
use crate::venue::Venue;
use crate::{Result, Sender, events};

/// Bids on one account before the keeper gives up for this round.
const BIDS_PER_ROUND: usize = 8;

/// What the keeper did to an account.
pub enum Action {
    /// The program agreed that the account is below its maintenance margin.
    Started { account: Pubkey, equity: i64, maintenance_margin: i64 },
    /// A slice was bought, as the program's event says.
    Bought(LiquidationBidEvent),
    /// The program refused a bid, and why.
    Refused { account: Pubkey, reason: String },
}

/// Asks the program for an account's margin, by simulation: nothing is paid and nothing written.
pub fn margin_check(sender: &Sender, venue: &Venue, trader: &Trader) -> Result<MarginReport> {
    let state = trader.fetch(sender, venue)?;
    let check = MarginCheck {
        engine: venue.engine,
        margin_account: trader.account,
        markets: venue.directory.for_account(&state)?,
        args: MarginCheckArgs::default(),
    };
    let limit = presets::compute_unit_limit(presets::MAX_COMPUTE_UNITS);
    let simulation = sender.simulate(&[limit, check.instruction()], &trader.key)?;
    let (program, data) = simulation.return_data.unwrap_or_default();
    Ok(decode_margin_report(&program, &data)?)
}

/// Whether anyone may liquidate.
pub fn liquidatable(report: &MarginReport) -> bool {
    report.equity < report.maintenance_margin
}

/// One round over `accounts`: starts the liquidation of each that is below maintenance margin, and bids on each that
/// is in liquidation until the program releases it or nothing more can be bought.
pub fn round(sender: &Sender, venue: &Venue, keeper: &Trader, accounts: &[&Trader]) -> Result<Vec<Action>> {
    let mut actions = Vec::new();
    for trader in accounts {
        let report = margin_check(sender, venue, trader)?;
        if !report.in_liquidation {
            if !liquidatable(&report) {
                continue;
            }
            start(sender, venue, keeper, trader)?;
            actions.push(Action::Started {
                account: trader.account,
                equity: report.equity,
                maintenance_margin: report.maintenance_margin,
            });
        }
        for _ in 0..BIDS_PER_ROUND {
            let action = bid(sender, venue, keeper, trader)?;
            let more = matches!(&action, Action::Bought(bought) if !bought.released);
            actions.push(action);
            if !more {
                break;
            }
        }
    }
    Ok(actions)
}

fn start(sender: &Sender, venue: &Venue, keeper: &Trader, trader: &Trader) -> Result<()> {
    let state = trader.fetch(sender, venue)?;
    let start = LiquidationStart {
        liquidator: keeper.key.pubkey(),
        engine: venue.engine,
        margin_account: trader.account,
        args: WitnessArgs::default(),
        markets: venue.directory.for_account(&state)?,
    };
    let limit = presets::compute_unit_limit(presets::MAX_COMPUTE_UNITS);
    sender.send(&[limit, start.instruction()], &keeper.key, &[]).map(drop)
}

/// Bids for everything: the program sells no more than what restores the account.
fn bid(sender: &Sender, venue: &Venue, keeper: &Trader, trader: &Trader) -> Result<Action> {
    let (own, state) = (keeper.fetch(sender, venue)?, trader.fetch(sender, venue)?);
    let before = margin_check(sender, venue, trader)?;
    let bid = LiquidationBid {
        bidder: keeper.key.pubkey(),
        engine: venue.engine,
        bidder_account: keeper.account,
        margin_account: trader.account,
        // A slice is never worth more than the whole account.
        args: LiquidationBidArgs { fraction: constants::RATIO_ONE, price_limit: before.equity, legs: None },
        markets: venue.directory.for_bid(&own, &state)?,
    };
    let limit = presets::compute_unit_limit(presets::MAX_COMPUTE_UNITS);
    match sender.send(&[limit, bid.instruction()], &keeper.key, &[]) {
        Ok(signature) => {
            let bought = events::of_transaction(sender, &signature)?.into_iter().find_map(|event| match event {
                EngineEvent::LiquidationBid(bought) => Some(bought),
                _ => None,
            });
            bought.map(Action::Bought).ok_or_else(|| LocalnetError::Ledger {
                signature: signature.to_string(),
                reason: "a bid without its event".to_owned(),
            })
        }
        Err(LocalnetError::Transaction { program: Some(program), .. }) => {
            Ok(Action::Refused { account: trader.account, reason: program.to_string() })
        }
        Err(other) => Err(other),
    }
}
