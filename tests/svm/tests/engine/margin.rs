//! The margin itself: on-chain figures against the client's, against an independent model, and against the laws that
//! every margin model of this kind obeys.

use std::collections::BTreeMap;

use margin_client::{
    Loaded, MarginReport, addresses,
    errors::EngineError as E,
    margin::{PriceUse, Snapshot},
    state::{Collateral, ExpirySlot, InstrumentKind, MarginAccount, Underlying},
};
use tests_svm::{
    BTC, ETH, FAR, NEAR, NOW, Reference, Rng, SOL, SOL_TOKEN, Trader, World, call, perpetual, put, random_book,
    random_digital_book, specs,
};

const SEED: u64 = 0x5eed_0001;
const BOOKS: u64 = 240;

/// Overwrites an account with a random book and moves spots and time now and then.
fn next_book(world: &mut World, trader: &Trader, seed: u64) -> Rng {
    let mut rng = Rng::new(seed);
    world.forge::<MarginAccount>(trader.account, |account| random_book(account, &mut rng));
    if rng.one_in(3) {
        for spec in specs() {
            let percent = rng.within(60, 150).unsigned_abs();
            world.set_price(&spec.feed, spec.spot / 100 * percent);
        }
    }
    if rng.one_in(10) {
        world.advance(rng.within(0, 12));
    }
    rng
}

fn off_chain(world: &World, trader: &Trader) -> MarginReport {
    let snapshot: Snapshot = world.snapshot();
    snapshot.report(&world.account(trader), PriceUse::Liquidation, world.now()).expect("a report")
}

#[test]
fn on_chain_margin_equals_the_clients_bit_for_bit() {
    let mut world = World::new();
    let trader = world.trader();
    for seed in SEED..SEED + BOOKS {
        next_book(&mut world, &trader, seed);
        let expected = off_chain(&world, &trader);
        assert_eq!(world.report(&trader), expected, "seed {seed:#x}");
    }
}

#[test]
fn on_chain_margin_agrees_with_an_independent_model() {
    let mut world = World::new();
    let trader = world.trader();
    let listing: Loaded<Collateral> = world.load(world.tokens[1].collateral(&world.engine).collateral);
    for seed in SEED..SEED + BOOKS {
        let mut rng = next_book(&mut world, &trader, seed);
        if rng.one_in(2) {
            world.forge::<MarginAccount>(trader.account, |account| random_digital_book(account, &mut rng));
        }
        let report = world.report(&trader);
        let underlyings = [BTC, ETH, SOL].map(|index| world.underlying(index));
        let spot = |index: u16| world.spot(&specs()[usize::from(index)].feed) as f64 * 1e-12;
        let model = Reference {
            underlyings: underlyings.iter().map(|state| (state.index, (&**state, spot(state.index)))).collect(),
            collaterals: BTreeMap::from([(SOL_TOKEN, (&*listing, spot(SOL)))]),
            quote_decimals: 6,
            now: world.now(),
        };
        let want = model.figures(&world.account(&trader));
        // Reports are in atoms, rounded against the account.
        let close = |got: i64, want: f64, scale: f64| (got as f64 * 1e-6 - want).abs() <= 1e-6 * scale + 2e-6;
        let MarginReport { equity, initial_margin, maintenance_margin, .. } = report;
        assert!(close(equity, want.equity, want.gross), "seed {seed:#x}: equity {equity}, not {want:?}");
        assert!(
            close(initial_margin, want.initial_margin, want.initial_margin),
            "seed {seed:#x}: initial margin {initial_margin}, not {want:?}"
        );
        assert!(
            close(maintenance_margin, want.maintenance_margin, want.maintenance_margin),
            "seed {seed:#x}: maintenance margin {maintenance_margin}, not {want:?}"
        );
    }
}

#[test]
fn maintenance_never_passes_initial_margin_and_netting_never_costs() {
    let mut world = World::new();
    let trader = world.trader();
    let mut netted = 0;
    for seed in SEED..SEED + BOOKS {
        next_book(&mut world, &trader, seed);
        let report = world.report(&trader);
        assert!(0 <= report.maintenance_margin && report.maintenance_margin <= report.initial_margin, "{seed:#x}");
        let account = world.account(&trader);
        let apart = world.snapshot().position_by_position(&account, PriceUse::Liquidation, world.now());
        let apart = apart.expect("a sum");
        // Each part is rounded up by less than two atoms.
        let slack = 2 * (account.positions().len() as i64 + 1);
        assert!(report.initial_margin <= apart.initial_margin + slack, "{seed:#x}: {report:?} against {apart:?}");
        assert!(report.maintenance_margin <= apart.maintenance_margin + slack, "{seed:#x}");
        netted += u32::from(report.initial_margin + slack < apart.initial_margin);
    }
    assert!(netted > 100, "only {netted} books netted anything");
}

#[test]
fn options_bought_and_paid_for_can_never_be_liquidated() {
    let mut world = World::new();
    let trader = world.trader();
    for seed in SEED..SEED + 60 {
        next_book(&mut world, &trader, seed);
        world.forge::<MarginAccount>(trader.account, |account| {
            account.cash = [0; 16];
            account.set_balance(SOL_TOKEN, 0).expect("nothing to add");
            for position in account.positions().to_vec() {
                let instrument = position.instrument().expect("a known kind");
                let change = match instrument.kind {
                    InstrumentKind::Perpetual => -position.lots,
                    _ => position.lots.unsigned_abs() as i64 - position.lots,
                };
                account.add_position(instrument, change, -position.settled_value).expect("a row");
            }
            account.cash = [0; 16];
        });
        let report = world.report(&trader);
        assert!(report.equity >= 0, "{seed:#x}");
        // A loss of more than the whole value is impossible in any scenario.
        assert!(report.initial_margin <= report.equity + 2, "{seed:#x}: {report:?}");
    }
}

#[test]
fn a_hedge_lowers_the_requirement_and_its_mirror_carries_the_opposite_greeks() {
    let mut world = World::new();
    let trader = world.trader();
    let hold = |world: &mut World, book: &[(margin_client::state::Instrument, i64)]| {
        let lots = book.to_vec();
        world.forge::<MarginAccount>(trader.account, |account| {
            for position in account.positions().to_vec() {
                account.add_position(position.instrument().expect("a kind"), -position.lots, 0).expect("a row");
            }
            for (instrument, lots) in lots {
                account.add_position(instrument, lots, 0).expect("a row");
            }
        });
        world.report(&trader)
    };
    let short = (call(BTC, NEAR, 100_000), -10);
    let naked = hold(&mut world, &[short]);
    let spread = hold(&mut world, &[short, (call(BTC, NEAR, 105_000), 10)]);
    // A spread cannot lose more than the distance of its strikes: 0.1 BTC × 5 000.
    let charge = 94_128_890_000i64 / 10 * 5 / 1_000;
    assert!(spread.initial_margin <= 500_000_000 + charge, "{spread:?}");
    assert!(spread.initial_margin < naked.initial_margin / 2);
    // Its delta in perpetuals takes the edge off a short call; a covered perpetual needs less than a bare one.
    let delta = naked.underlyings[0].greeks.delta;
    let hedged = hold(&mut world, &[short, (perpetual(BTC), -delta / 10_000_000)]);
    assert!(hedged.initial_margin < naked.initial_margin, "{hedged:?} against {naked:?}");
    let bare = hold(&mut world, &[(perpetual(BTC), 10)]);
    let covered = hold(&mut world, &[short, (perpetual(BTC), 10)]);
    assert!(covered.initial_margin < bare.initial_margin, "{covered:?} against {bare:?}");

    let book = [(call(BTC, NEAR, 95_000), 30), (put(BTC, FAR, 90_000), -20), (perpetual(ETH), 15)];
    let one = hold(&mut world, &book);
    let mirror = hold(&mut world, &book.map(|(instrument, lots)| (instrument, -lots)));
    for (a, b) in one.underlyings.iter().zip(&mirror.underlyings) {
        for (x, y) in
            [(a.greeks.delta, b.greeks.delta), (a.greeks.gamma, b.greeks.gamma), (a.greeks.vega, b.greeks.vega)]
        {
            assert!((x + y).abs() <= 1, "{a:?} and {b:?}");
        }
    }
    // 30 long calls near the money have a positive delta and vega; a perpetual's delta is its quantity.
    assert_eq!(one.underlyings[1].greeks.delta, 1_500_000_000);
    assert!(one.underlyings[0].greeks.delta > 0);
}

#[test]
fn an_expired_series_counts_at_intrinsic_value() {
    let mut world = World::new();
    let trader = world.trader();
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(call(BTC, NEAR, 90_000), 10, 0).expect("a row");
        account.add_position(call(BTC, NEAR, 100_000), -10, 0).expect("a row");
    });
    world.set_time(NEAR + 60);
    world.refresh();
    let report = world.report(&trader);
    // 0.1 BTC × (94 128.89 − 90 000); the short call expires worthless.
    assert_eq!(report.positions_value, 412_889_000);
}

#[test]
fn a_stored_market_that_the_kernel_cannot_price_is_refused() {
    type Change = fn(&mut ExpirySlot);
    const DISTANT: i64 = NOW + 5 * 31_536_000;
    let cases: [(i64, Change, E); 5] = [
        (NEAR, |slot| slot.forward = 0, E::KernelForward),
        (NEAR, |slot| slot.rate = 30_000_000_001, E::KernelRate),
        (NEAR, |slot| slot.slice[0] = -(1 << 60), E::KernelSvi),
        (DISTANT, |slot| slot.expiry = DISTANT, E::KernelTime),
        (NEAR, |slot| (slot.forward, slot.spot_reference) = (u64::MAX, 1), E::ForwardRange),
    ];
    for (expiry, change, error) in cases {
        let mut world = World::new();
        let trader = world.trader();
        world.forge::<MarginAccount>(trader.account, |account| {
            account.add_position(call(BTC, expiry, 100_000), 1, 0).expect("a free row");
        });
        let market = addresses::underlying(&world.engine, BTC);
        world.forge::<Underlying>(market, |state| {
            change(state.expiries.iter_mut().find(|slot| slot.expiry == NEAR).expect("listed"));
        });
        let check = world.margin_check(&trader);
        world.refuse(check.instruction(), &[], error);
    }
}

#[test]
fn an_empty_account_needs_nothing() {
    let mut world = World::new();
    let trader = world.trader();
    let report = world.report(&trader);
    assert_eq!((report.equity, report.initial_margin, report.maintenance_margin), (0, 0, 0));
    assert!(report.underlyings.is_empty());
}
