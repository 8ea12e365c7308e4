//! Bids for some legs, and for a token.

use margin_client::{
    errors::EngineError as E,
    events::{CollateralBid, EngineEvent, LiquidationBid},
    instructions::BidLegs,
    state::MarginAccount,
};
use tests_svm::{BTC, ETH, NEAR, SOL_TOKEN, Trader, World, call, lots_of, put, usdc};

use crate::{
    bid_laws::{from_bids, take},
    liquidation::{WHOLE, distressed, start, tenth},
};

#[track_caller]
fn take_legs(
    world: &mut World,
    keeper: &Trader,
    trader: &Trader,
    fraction: u64,
    positions: &[usize],
) -> LiquidationBid {
    let mut bid = world.bid(keeper, trader, fraction);
    bid.args.legs = Some(world.legs(trader, positions));
    let events = world.accept(bid.instruction(), &[&keeper.key]).events();
    let Ok([EngineEvent::LiquidationBid(event)]) = <[EngineEvent; 1]>::try_from(events) else { panic!("one event") };
    event
}

fn lacking(equity: i64, requirement: i64) -> i64 {
    requirement + tenth(requirement) - equity
}

#[test]
fn the_risky_leg_alone_earns_the_discount_of_the_margin_it_frees() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let before = world.account(&trader);
    let risky = before.positions().iter().position(|position| position.lots == -201).expect("the short calls");
    let report = world.report(&trader);
    let equity = world.report(&keeper).equity;
    let event = take_legs(&mut world, &keeper, &trader, WHOLE / 10, &[risky]);
    let after = world.account(&trader);

    // Only that leg has moved, and cash only by the price.
    for position in before.positions() {
        let instrument = position.instrument().expect("a known kind");
        let moved = if position.lots == -201 { -21 } else { 0 };
        assert_eq!(lots_of(&after, instrument), position.lots - moved);
    }
    assert_eq!((after.cash() - before.cash()).to_num::<i64>(), event.price);
    assert_eq!(after.balance_of(SOL_TOKEN), before.balance_of(SOL_TOKEN));
    // A debt: its taker is paid, a little more than it is worth. What he is paid is not cash from bids.
    assert!(event.slice_value < 0 && event.price < event.slice_value, "{event:?}");
    assert_eq!(from_bids(&after), 0);
    let discount = event.slice_value - event.price;
    assert!((world.report(&keeper).equity - equity - discount).abs() <= 2);
    // By the closed form, from figures in atoms: share of the missing margin that the leg frees at its marks.
    let (equity, missing) = (report.equity as f64, lacking(report.equity, report.maintenance_margin) as f64);
    let freed = missing - lacking(report.equity, event.maintenance_margin_after) as f64;
    let paid = event.share_paid as f64 * 1e-9;
    let expected = freed.min(missing) / (missing + equity * paid) * (1.0 - paid) * equity;
    assert!((discount as f64 - expected).abs() <= 3.0, "{discount} is not {expected}");
    let (before, after) = (missing as i64, lacking(event.equity_after, event.maintenance_margin_after));
    assert!(after < before, "the account is better off");
}

#[test]
fn nobody_strips_an_account_of_its_hedges() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let hedge = world.account(&trader).positions().iter().position(|position| position.lots == 77).expect("long calls");
    let mut bid = world.bid(&keeper, &trader, WHOLE);
    bid.args.legs = Some(world.legs(&trader, &[hedge]));
    world.refuse(bid.instruction(), &[&keeper.key], E::BidWorsens);
}

#[test]
fn legs_are_those_of_the_account_as_it_was() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let mut stale = world.bid(&keeper, &trader, WHOLE / 20);
    stale.args.legs = Some(world.legs(&trader, &[0]));
    let held = world.account(&trader).positions().len();
    for (positions, balances) in
        [([0, 0], 0), ([1 << held, 0], 0), ([0, 1], 0), ([0, 1 << 63], 0), ([1, 0], 2), ([0, 0], 1 << 15)]
    {
        let sequence = world.account(&trader).sequence;
        let mut bid = world.bid(&keeper, &trader, WHOLE / 20);
        bid.args.legs = Some(BidLegs { sequence, positions, balances });
        world.refuse(bid.instruction(), &[&keeper.key], E::BidLegs);
    }
    take(&mut world, &keeper, &trader, WHOLE / 20);
    world.refuse(stale.instruction(), &[&keeper.key], E::BidSequence);
}

#[test]
fn who_has_no_room_for_all_takes_some() {
    let mut world = World::new();
    let (trader, keeper) = (world.trader(), world.funded(10_000_000.0));
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(call(BTC, NEAR, 100_000), -200, 0).expect("a row");
        account.add_position(call(ETH, NEAR, 3_500), -20, 0).expect("a row");
    });
    let report = world.report(&trader);
    world.forge::<MarginAccount>(trader.account, |account| {
        account.cash = (i128::from(report.maintenance_margin / 2 - report.equity) << 48).to_le_bytes();
    });
    world.forge::<MarginAccount>(keeper.account, |state| {
        for strike in 0..127 {
            state.add_position(put(BTC, NEAR, 20_000 + 100 * strike), 1, 0).expect("a row");
        }
        state.add_position(call(BTC, NEAR, 100_000), 1, 0).expect("a row");
    });
    start(&mut world, &keeper, &trader);
    let all = world.bid(&keeper, &trader, WHOLE / 4);
    world.refuse(all.instruction(), &[&keeper.key], E::PositionTableFull);
    let event = take_legs(&mut world, &keeper, &trader, WHOLE / 4, &[0]);
    assert!(event.legs.is_some() && lots_of(&world.account(&keeper), call(BTC, NEAR, 100_000)) == -49, "{event:?}");
}

#[test]
fn a_token_goes_for_its_price_less_what_its_haircut_earns() {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let held = world.account(&trader).balance_of(SOL_TOKEN);
    let positions = world.account(&trader).positions().len();
    let bid = world.collateral_bid(&keeper, &trader, SOL_TOKEN, u64::MAX);
    let Ok([EngineEvent::CollateralBid(event)]) =
        <[EngineEvent; 1]>::try_from(world.accept(bid.clone().instruction(), &[&keeper.key]).events())
    else {
        panic!("one event")
    };
    let event: CollateralBid = event;
    // At most the share that a bid for everything could have taken.
    assert!(event.amount > 0 && event.amount < held, "{event:?}");
    let account = world.account(&trader);
    assert_eq!(account.balance_of(SOL_TOKEN), held - event.amount);
    assert_eq!(world.account(&keeper).balance_of(SOL_TOKEN), event.amount);
    assert_eq!((account.positions().len(), world.account(&keeper).positions().len()), (positions, 0));
    assert!(event.price < event.value && event.price > event.value * 95 / 100, "{event:?}");
    assert_eq!(from_bids(&account), event.price);
    assert_eq!(world.cash(&keeper), usdc(1_000_000.0) as i64 - event.price);
    let before = lacking(event.equity_before, event.maintenance_margin_before);
    assert!(lacking(event.equity_after, event.maintenance_margin_after) < before);

    let mut cheap = world.collateral_bid(&keeper, &trader, SOL_TOKEN, 1_000_000_000);
    cheap.args.price_limit = 1;
    world.refuse(cheap.instruction(), &[&keeper.key], E::BidPriceLimit);
    let none = world.collateral_bid(&keeper, &trader, SOL_TOKEN, 0);
    world.refuse(none.instruction(), &[&keeper.key], E::AmountZero);
    let other = world.collateral_bid(&keeper, &trader, 7, 5);
    world.refuse(other.instruction(), &[&keeper.key], E::BidLegs);
}
