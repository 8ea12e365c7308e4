//! Instructions that move value, on the LiteSVM fixture of the tests: what `docs/scale.md` counts with.

use anyhow::{Result, anyhow, ensure};
use margin_client::{
    constants::LAYOUT_VERSION,
    instructions::TradeLeg,
    margin::PriceUse,
    presets::{self, MarginModel},
    pyth::feeds,
    state::{CollateralHaircuts, Instrument as Contract, MarginAccount},
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{
    BTC, FAR, MintOptions, NEAR, Spec, Trader, USDC, World, buy, call, future, program_bytes, put, specs, usd, usdc,
};

use crate::cu::Row;
use crate::{svm, whole};

/// Setting the limit of a transaction.
const BUDGET: u64 = 150;

/// Three underlyings under a model, two expiries each; fees and funding as the preset has them.
fn world(model: &MarginModel) -> World {
    let mut world = World::bare();
    world.list_quote();
    let sol = world.mint(&MintOptions::spl(9));
    world.list_token(sol, feeds::SOL_USD, CollateralHaircuts { maintenance: 100_000_000, initial: 50_000_000 });
    for spec in specs() {
        let spec = Spec { model: model.clone(), ..spec };
        world.list_underlying(&spec);
        world.set_price(&spec.feed, spec.spot);
        world.publish_surfaces(&spec);
        world.set_trading(spec.index, presets::trading());
    }
    world
}

fn send(world: &mut World, instructions: &[Instruction], signers: &[&Keypair]) -> Result<u64> {
    let receipt = world.send(instructions, signers).map_err(|refusal| anyhow!("{refusal:?}"))?;
    Ok(receipt.compute_units - BUDGET)
}

/// Options of BTC on two expiries, each at a strike of its own, and their prices near the marks.
fn legs(world: &World, count: u64) -> Result<Vec<TradeLeg>> {
    (0..count)
        .map(|leg| {
            let (expiry, strike) = ([NEAR, FAR][(leg % 2) as usize], 88_000 + 2_000 * (leg / 2));
            let instrument = if leg % 3 == 0 { call(BTC, expiry, strike) } else { put(BTC, expiry, strike) };
            let lots = if leg % 5 < 2 { -5 } else { 5 };
            Ok(buy(lots, instrument, price(world, instrument)?))
        })
        .collect()
}

/// The client's mark, in USD.
fn price(world: &World, instrument: Contract) -> Result<f64> {
    const LOTS: i64 = 100_000;
    let snapshot = world.snapshot();
    let mut probe: Box<MarginAccount> = bytemuck::zeroed_box();
    (probe.version, probe.engine) = (LAYOUT_VERSION, world.engine);
    probe.add_position(instrument, LOTS, 0)?;
    let report = snapshot.report(&probe, PriceUse::RaiseRisk, world.now())?;
    let units = LOTS as f64 * world.underlying(instrument.underlying).lot_size as f64 * 1e-9;
    Ok(report.positions_value as f64 * 1e-6 / units)
}

/// Every row.
pub fn rows() -> Result<Vec<Row>> {
    let file = svm::deployed("margin_engine.so");
    ensure!(std::fs::read(&file)? == program_bytes(), "{} is not the binary that the fixture runs", file.display());
    let model = whole::pmrm2()?;
    let row = |name, cu, what| Row { name, cu, limit: None, what };
    let mut rows = vec![
        row(
            "trade_1",
            trade(&model, 1)?,
            "`trade_execute`: one option between two empty accounts, each checked after it",
        ),
        row("trade_1_major", trade(&presets::major(), 1)?, "the same under the preset `major`"),
        row("trade_8", trade(&model, 8)?, "8 options at strikes of their own on 2 expiries between two empty accounts"),
        row(
            "quote_1",
            quote(&model)?,
            "`quote_execute`: `trade_1` on a quote signed off-line, whose verification costs no compute units",
        ),
        row(
            "fill_batch_4",
            fills(&model)?,
            "`fill_settle`: 4 fills of one option between a taker and 4 makers, all empty before",
        ),
    ];
    let (deposit, withdraw) = transfers(&model)?;
    rows.push(row("deposit", deposit, "cash into an account"));
    rows.push(row("withdraw", withdraw, "cash out of an account with one option"));
    let (start, bid) = liquidation(&model)?;
    rows.push(row("liquidation_start_16", start, "`liquidation_start` of 16 options on 2 expiries"));
    rows.push(row("bid_16", bid, "`liquidation_bid` for all that restores them, by an empty account"));
    rows.push(row("settle_20", settle(&model)?, "`position_settle` of 20 accounts with 3 positions each"));
    Ok(rows)
}

fn pair(world: &mut World) -> (Trader, Trader) {
    (world.funded(10_000_000.0), world.funded(1_000_000.0))
}

fn trade(model: &MarginModel, count: u64) -> Result<u64> {
    let mut world = world(model);
    let (maker, taker) = pair(&mut world);
    let legs = legs(&world, count)?;
    let trade = world.trade(&maker, &taker, &legs).instruction();
    send(&mut world, &[trade], &[&maker.key, &taker.key])
}

fn quote(model: &MarginModel) -> Result<u64> {
    let mut world = world(model);
    let (maker, taker) = pair(&mut world);
    let quote = world.quote_of(&maker, 1, &legs(&world, 1)?);
    let taking = world.taking(&maker, &taker, &quote, &maker.key);
    send(&mut world, &taking, &[&taker.key])
}

fn fills(model: &MarginModel) -> Result<u64> {
    let mut world = world(model);
    let venue = world.venue();
    let traders: Vec<Trader> = (0..5).map(|_| world.funded(1_000_000.0)).collect();
    let limits = world.wide_limits();
    for trader in &traders {
        world.approve(trader, venue.pubkey(), limits);
    }
    let leg = legs(&world, 1)?.remove(0);
    let fills: Vec<_> = (1..5).map(|maker| (0, maker, leg.clone())).collect();
    let traders: Vec<&Trader> = traders.iter().collect();
    let settle = world.settlement(venue.pubkey(), &traders, &fills).instruction();
    send(&mut world, &[settle], &[&venue])
}

fn transfers(model: &MarginModel) -> Result<(u64, u64)> {
    let mut world = world(model);
    let (maker, taker) = pair(&mut world);
    world.give(&taker, USDC, usdc(10.0));
    let deposit = world.deposit(&taker, USDC, usdc(10.0)).instruction();
    let deposit = send(&mut world, &[deposit], &[&taker.key])?;
    let legs = legs(&world, 1)?;
    world.fill(&maker, &taker, &legs);
    let withdraw = world.withdraw(&taker, USDC, usdc(10.0)).instruction();
    Ok((deposit, send(&mut world, &[withdraw], &[&taker.key])?))
}

/// Start and bid on an account with 16 options that is a dollar short of maintenance margin.
fn liquidation(model: &MarginModel) -> Result<(u64, u64)> {
    let mut world = world(model);
    let (keeper, trader) = (world.funded(10_000_000.0), world.trader());
    let legs = legs(&world, 16)?;
    let hold = |world: &mut World, cash: i64| {
        world.forge::<MarginAccount>(trader.account, |account| {
            account.cash = (i128::from(cash) << 48).to_le_bytes();
            for leg in &legs {
                let held = account.position(&leg.instrument).map_or(0, |position| position.lots);
                account.add_position(leg.instrument, leg.lots - held, 0).expect("a free row");
            }
        });
    };
    hold(&mut world, 0);
    let report = world.report(&trader);
    ensure!(world.account(&trader).positions().len() == 16, "16 positions");
    hold(&mut world, report.maintenance_margin - report.equity - 1_000_000);
    let start = world.start(&keeper, &trader).instruction();
    let start = send(&mut world, &[start], &[&keeper.key])?;
    let bid = world.bid(&keeper, &trader, 1_000_000_000).instruction();
    Ok((start, send(&mut world, &[bid], &[&keeper.key])?))
}

fn settle(model: &MarginModel) -> Result<u64> {
    let mut world = world(model);
    let (maker, settler) = (world.funded(10_000_000.0), world.funded(1.0));
    let takers: Vec<Trader> = (0..19).map(|_| world.funded(100_000.0)).collect();
    let mut all = Vec::new();
    for (instrument, lots) in [(call(BTC, NEAR, 90_000), 10), (put(BTC, NEAR, 100_000), 5), (future(BTC, NEAR), 2)] {
        all.push(buy(lots, instrument, price(&world, instrument)?));
    }
    for taker in &takers {
        world.fill(&maker, taker, &all);
    }
    world.finalise_at(BTC, NEAR, usd(95_145.0));
    let traders: Vec<&Trader> = takers.iter().chain([&maker]).collect();
    let settle = world.settle(BTC, NEAR, &settler, &traders).instruction();
    send(&mut world, &[settle], &[])
}
