//! Liquidation in every mode and with every part of the risk model on: the same laws hold.

use margin_client::{
    errors::EngineError as E,
    state::{AccountMode, MarginAccount},
};
use tests_svm::{
    BTC, ETH, NEAR, Rng, SOL, SOL_TOKEN, Trader, World, call, correlation, future, keep_digitals, perpetual,
    random_rich_book,
};

use crate::{
    bid_laws::{Books, assert_bid, offer, take},
    liquidation::{WHOLE, start},
};

/// A random book of at most `most` positions in an account of a mode.
fn hold(world: &mut World, trader: &Trader, mode: AccountMode, most: usize, rng: &mut Rng) {
    let correlates = world.engine_state().correlates();
    world.forge::<MarginAccount>(trader.account, |account| {
        account.mode = AccountMode::Portfolio as u8;
        random_rich_book(account, rng);
        if correlates {
            // With three scans a bid looks at the books nine times.
            keep_digitals(account, 0);
        }
        while account.positions().len() > most {
            let position = account.positions()[rng.within(0, most as i64) as usize];
            let instrument = position.instrument().expect("a known kind");
            account.add_position(instrument, -position.lots, -position.settled_value).expect("its row");
        }
        if mode == AccountMode::Isolated {
            let only = account.positions()[0].underlying;
            while let Some(other) = account.positions().iter().find(|position| position.underlying != only).copied() {
                let instrument = other.instrument().expect("a known kind");
                account.add_position(instrument, -other.lots, -other.settled_value).expect("its row");
            }
        }
        account.mode = mode as u8;
        account.liquidation = Default::default();
    });
}

fn set_cash(world: &mut World, trader: &Trader, bits: i128) {
    world.forge::<MarginAccount>(trader.account, |account| account.cash = bits.to_le_bytes());
}

/// Puts random books below their margin and sells them off slice by slice, in the modes by turns.
fn liquidate(mut world: World, seeds: std::ops::Range<u64>, modes: &[AccountMode]) {
    let (trader, keeper) = (world.trader(), world.trader());
    let parameters = world.engine_state().liquidation;
    let (mut taken, mut released) = (0, 0);
    for (seed, mode) in seeds.zip(modes.iter().cycle()) {
        let mut rng = Rng::new(seed);
        hold(&mut world, &trader, *mode, 4, &mut rng);
        hold(&mut world, &keeper, AccountMode::Portfolio, 2, &mut rng);
        set_cash(&mut world, &keeper, 1_000_000_000_000_000_000 << 48);
        let report = world.report(&trader);
        if report.maintenance_margin < 10 {
            continue;
        }
        let equity = rng.within(2, report.maintenance_margin - 3);
        let cash = i128::from(report.cash + equity - report.equity) << 48;
        set_cash(&mut world, &trader, cash + i128::from(rng.bits() >> 16));
        start(&mut world, &keeper, &trader);
        for fraction in [rng.pick(&[1, 1_000_000, 250_000_000]), WHOLE] {
            if world.account(&trader).liquidation.active == 0 {
                break;
            }
            let before = Books::of(&world, &trader, &keeper);
            let Some(event) = offer(&mut world, &keeper, &trader, fraction) else { continue };
            assert_bid(&before, &Books::of(&world, &trader, &keeper), &event, parameters);
            let report = world.report(&trader);
            assert_eq!(
                (event.equity_after, event.maintenance_margin_after),
                (report.equity, report.maintenance_margin)
            );
            taken += 1;
            released += u32::from(event.released);
        }
    }
    assert!(taken > 20 && released > 10, "{taken} bids, {released} releases");
}

const MODES: [AccountMode; 3] = [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard];

#[test]
fn slices_keep_their_laws_in_every_mode_with_the_whole_model_on() {
    liquidate(World::rich(), 0x11d_2000..0x11d_2030, &MODES);
}

#[test]
fn slices_keep_their_laws_under_the_cross_underlying_model() {
    let mut world = World::rich();
    world.correlate(correlation());
    liquidate(world, 0x11d_3000..0x11d_3018, &[AccountMode::Portfolio]);
}

#[test]
fn an_account_is_liquidated_by_the_margin_of_its_own_mode() {
    let mut world = World::new();
    let (trader, keeper) = (world.trader(), world.funded(1_000_000.0));
    // A calendar hedge: the portfolio model nets it, standard margin does not.
    world.forge::<MarginAccount>(trader.account, |account| {
        account.cash = (4_000_000_000i128 << 48).to_le_bytes();
        account.add_position(perpetual(BTC), -100, -94_128_890_000).expect("a row");
        account.add_position(future(BTC, NEAR), 100, 94_459_000_000).expect("a row");
    });
    let healthy = world.start(&keeper, &trader);
    world.refuse(healthy.instruction(), &[&keeper.key], E::AccountHealthy);
    world.forge::<MarginAccount>(trader.account, |account| account.mode = AccountMode::Standard as u8);
    start(&mut world, &keeper, &trader);
    // In liquidation it stays, whatever another mode would say.
    let stop = world.stop(&trader);
    world.refuse(stop.instruction(), &[], E::NotRecovered);
    let event = take(&mut world, &keeper, &trader, WHOLE);
    assert!(event.released && event.fraction < WHOLE, "{event:?}");
}

#[test]
fn an_isolated_bidder_takes_no_second_underlying() {
    let mut world = World::new();
    let (trader, keeper) = (world.trader(), world.funded(1_000_000.0));
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(call(ETH, NEAR, 3_500), -10, 0).expect("a row");
    });
    let report = world.report(&trader);
    world.forge::<MarginAccount>(trader.account, |account| {
        let cash = report.maintenance_margin / 2 - report.equity;
        account.cash = (i128::from(cash) << 48).to_le_bytes();
    });
    start(&mut world, &keeper, &trader);
    world.forge::<MarginAccount>(keeper.account, |account| {
        account.mode = AccountMode::Isolated as u8;
        account.add_position(perpetual(SOL), 1, 0).expect("a row");
    });
    let bid = world.bid(&keeper, &trader, WHOLE);
    world.refuse(bid.instruction(), &[&keeper.key], E::IsolatedUnderlying);
    world.forge::<MarginAccount>(keeper.account, |account| {
        account.add_position(perpetual(SOL), -1, 0).expect("its row");
    });
    take(&mut world, &keeper, &trader, WHOLE);
    assert_eq!(world.account(&keeper).positions()[0].underlying, ETH);
}

#[test]
fn a_bidder_takes_linked_tokens_with_their_underlying() {
    let mut world = World::rich();
    let (trader, keeper) = (world.trader(), world.funded(1_000_000.0));
    world.fund(&trader, SOL_TOKEN, 100_000_000_000);
    world.forge::<MarginAccount>(trader.account, |account| {
        account.cash = (-(14_000_000_000i128) << 48).to_le_bytes();
    });
    // Nothing but a token and a debt: the token alone is exposed to SOL.
    assert_eq!(world.report(&trader).underlying_count, 1);
    start(&mut world, &keeper, &trader);
    let event = take(&mut world, &keeper, &trader, 500_000_000);
    assert!(event.slice_value > 0 || event.price == 0, "{event:?}");
    assert!(world.account(&keeper).balance_of(SOL_TOKEN) > 0);
    assert_eq!(world.report(&keeper).underlyings[0].index, SOL);
}
