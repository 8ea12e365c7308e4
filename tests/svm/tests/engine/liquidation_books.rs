//! Bids on random books: the laws of a slice hold whatever is in it.

use margin_client::state::MarginAccount;
use tests_svm::{Rng, World, random_book};

use crate::{
    bid_laws::{Books, assert_bid, offer, take},
    liquidation::{WHOLE, start, tenth},
};

#[test]
fn random_books_are_conserved_to_the_last_bit() {
    const SEED: u64 = 0x11d_0001;
    let mut world = World::new();
    let (trader, keeper) = (world.trader(), world.trader());
    let parameters = world.engine_state().liquidation;
    let (mut taken, mut refused, mut released, mut whole) = (0, 0, 0, 0);
    for seed in SEED..SEED + 150 {
        let mut rng = Rng::new(seed);
        world.forge::<MarginAccount>(trader.account, |account| {
            random_book(account, &mut rng);
            account.liquidation = Default::default();
        });
        world.forge::<MarginAccount>(keeper.account, |account| {
            random_book(account, &mut rng);
            account.cash = (1_000_000_000_000_000_000i128 << 48).to_le_bytes();
        });
        let report = world.report(&trader);
        // Equity anywhere between nothing and maintenance margin; cash of any fraction of an atom.
        // Now and then so little that the account goes whole.
        let most = if rng.within(0, 7) == 0 { 100_000_000 } else { i64::MAX };
        let equity = rng.within(2, most.min(report.maintenance_margin - 2));
        let cash = (i128::from(report.cash + equity - report.equity) << 48) + i128::from(rng.bits() >> 16);
        world.forge::<MarginAccount>(trader.account, |account| account.cash = cash.to_le_bytes());
        let opening = world.report(&trader);
        if opening.equity >= opening.maintenance_margin - 2 {
            continue;
        }
        start(&mut world, &keeper, &trader);
        for _ in 0..3 {
            if world.account(&trader).liquidation.active == 0 {
                break;
            }
            let before = Books::of(&world, &trader, &keeper);
            let fraction = rng.pick(&[1, 1_000_000, 250_000_000, WHOLE]);
            println!("seed {seed:#x}, fraction {fraction}");
            let Some(event) = offer(&mut world, &keeper, &trader, fraction) else {
                refused += 1;
                continue;
            };
            assert_bid(&before, &Books::of(&world, &trader, &keeper), &event, parameters);
            if event.fraction == fraction && fraction < WHOLE {
                // Less than the most: the account is better off (figures are off by less than two atoms each).
                let lacking = |equity, requirement| requirement + tenth(requirement) - equity;
                let before = lacking(event.equity_before, event.maintenance_margin_before);
                let after = lacking(event.equity_after, event.maintenance_margin_after);
                assert!(after < before + 5, "{event:?}");
            }
            taken += 1;
            released += u32::from(event.released);
            whole += u32::from(event.fraction == WHOLE);
        }
    }
    assert!(
        taken > 200 && released > 50 && whole > 5,
        "{taken} bids, {refused} refusals, {released} releases, {whole} whole accounts"
    );
}

#[test]
fn a_restored_account_is_restored_whatever_its_book() {
    const SEED: u64 = 0x11d_1001;
    let mut world = World::new();
    let (trader, keeper) = (world.trader(), world.trader());
    world.forge::<MarginAccount>(keeper.account, |account| {
        account.cash = (1_000_000_000_000_000_000i128 << 48).to_le_bytes();
    });
    let mut restored = 0;
    for seed in SEED..SEED + 100 {
        let mut rng = Rng::new(seed);
        world.forge::<MarginAccount>(trader.account, |account| {
            random_book(account, &mut rng);
            account.liquidation = Default::default();
        });
        let report = world.report(&trader);
        let equity = rng.within(report.maintenance_margin / 3, report.maintenance_margin - 2);
        if equity < 200_000_000 {
            continue;
        }
        let cash = i128::from(report.cash + equity - report.equity) << 48;
        world.forge::<MarginAccount>(trader.account, |account| account.cash = cash.to_le_bytes());
        start(&mut world, &keeper, &trader);
        let event = take(&mut world, &keeper, &trader, WHOLE);
        let after = world.report(&trader);
        assert!(after.equity >= after.maintenance_margin, "seed {seed:#x}: {event:?}");
        restored += 1;
        world.forge::<MarginAccount>(keeper.account, |account| {
            account.positions.fill(Default::default());
            account.position_count = 0;
        });
    }
    assert!(restored > 50, "only {restored} accounts");
}
