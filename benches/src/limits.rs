//! The largest accounts in the widest markets, with every input as bad as a liquidation accepts.

use anyhow::{Result, anyhow, ensure};
use margin_client::instructions::WitnessArgs;
use margin_client::state::MarginAccount;
use tests_svm::{Shape, Trader, Wide};

use crate::cu::Row;
use crate::whole;

const WHOLE: u64 = 1_000_000_000;
/// One underlying, four expiries: the book of `margin_check_64x1`.
const ONE: Shape = Shape { underlyings: 1, expiries: 4 };
/// Twelve groups of legs; the dearer way to spread them.
const TWELVE: Shape = Shape { underlyings: 12, expiries: 1 };

/// Every row.
pub fn rows() -> Result<Vec<Row>> {
    let row = |name, cu, limit, what| Row { name, cu, limit: Some(limit), what };
    let (start_128, bid_128) = largest()?;
    Ok(vec![
        row("start_64", start_64()?, 110_000, "`liquidation_start` of 64 options by a witness: dearest scenario"),
        row("bid_64x64", bid_64(0)?, 700_000, "`liquidation_bid` on 64 options by an account that holds the same ones"),
        row("bid_64x64_other", bid_64(1)?, 700_000, "the same by an account that holds 64 others, 128 afterwards"),
        row("start_128", start_128, 1_400_000, "`liquidation_start` of 128 options on 12 underlyings, all scenarios"),
        row(
            "limit_128",
            bid_128,
            1_400_000,
            "the dearest bid, solvent or insolvent, on 128 options on 12 underlyings and 12 tokens by an account that holds the same",
        ),
    ])
}

/// An account with a book and a rich bidder with another one, or the same.
fn pair(shape: Shape, tokens: u16, legs: usize, number: u64) -> Result<(Wide, Trader, Trader)> {
    let mut wide = Wide::new(&whole::pmrm2()?, shape, tokens);
    let (trader, keeper) = (wide.world.trader(), wide.world.trader());
    let (book, own): (Vec<_>, Vec<_>) = (wide.book(0, legs).collect(), wide.book(number, legs).collect());
    wide.hold(&trader, &book);
    wide.hold(&keeper, &own);
    wide.enrich(&keeper);
    Ok((wide, trader, keeper))
}

fn units(wide: &mut Wide, instruction: solana_instruction::Instruction, keeper: &Trader) -> Result<u64> {
    let footprint = wide.world.footprint(instruction, keeper);
    Ok(footprint.map_err(|refusal| anyhow!("{}", refusal.describe()))?.compute_units)
}

fn start_64() -> Result<u64> {
    let (mut wide, trader, keeper) = pair(ONE, 0, 64, 0)?;
    // Below maintenance margin under every scenario.
    wide.set_equity(&trader, -1_000);
    let mut dearest = 0;
    for scenario in 0..u8::try_from(whole::pmrm2()?.scenarios.len())? {
        wide.world.forge::<MarginAccount>(trader.account, |account| account.liquidation = Default::default());
        let mut start = wide.world.start(&keeper, &trader);
        start.args = WitnessArgs { witness: Some(vec![scenario]) };
        dearest = dearest.max(units(&mut wide, start.instruction(), &keeper)?);
    }
    Ok(dearest)
}

fn bid_64(number: u64) -> Result<u64> {
    let (mut wide, trader, keeper) = pair(ONE, 0, 64, number)?;
    wide.set_equity(&trader, 50);
    let start = wide.world.start(&keeper, &trader).instruction();
    units(&mut wide, start, &keeper)?;
    let bid = wide.world.bid(&keeper, &trader, WHOLE).instruction();
    let bid = units(&mut wide, bid, &keeper)?;
    ensure!(wide.world.account(&trader).positions().len() == 64, "the account is the largest after the bid as well");
    Ok(bid)
}

/// A start of all scenarios, and the dearer of a bid and an insolvent one.
fn largest() -> Result<(u64, u64)> {
    let (mut wide, trader, keeper) = pair(TWELVE, 12, 128, 0)?;
    wide.set_equity(&trader, 50);
    let start = wide.world.start(&keeper, &trader).instruction();
    let start = units(&mut wide, start, &keeper)?;
    let bid = wide.world.bid(&keeper, &trader, WHOLE / 10).instruction();
    let bid = units(&mut wide, bid, &keeper)?;
    wide.set_equity(&trader, -50);
    let convert = wide.world.conversion(&trader).instruction();
    units(&mut wide, convert, &keeper)?;
    wide.world.insure(margin_client::instructions::Fund::Common, 100_000_000_000_000);
    let insolvent = wide.world.insolvent_bid(&keeper, &trader, WHOLE / 10).instruction();
    Ok((start, bid.max(units(&mut wide, insolvent, &keeper)?)))
}
