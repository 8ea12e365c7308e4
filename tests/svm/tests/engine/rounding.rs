//! Rounding: exact figures of linear books in integers, and the laws of scaling for all books. What an account owns rounds
//! down, what is asked of it rounds up, and by less than an atom for each figure.

use margin_client::{
    addresses,
    state::{Concentration, MarginAccount, RiskParameters, Underlying},
};
use tests_svm::{BTC, ETH, Rng, SOL, SOL_TOKEN, World, perpetual, random_book, random_rich_book, specs};

/// 1e-12 USD in an atom.
const ATOM: i128 = 1_000_000;
const ONE: i128 = 1_000_000_000;

/// Exact figures of a perpetual at the index, in 1e-12 USD over a power of 1e9 that leaves no fraction.
struct Linear {
    /// Over 1e9.
    value: i128,
    /// Worst weighted loss, over 1e21: the grid's moves are multiples of a thousandth.
    loss: i128,
    /// Notional, over 1e9.
    notional: i128,
}

fn linear(state: &Underlying, spot: u64, lots: i64) -> Linear {
    let value = i128::from(lots) * i128::from(state.lot_size) * i128::from(spot);
    let moves = state.scenarios().iter().map(|scenario| {
        let change = i128::from(scenario.spot) - ONE;
        assert_eq!(change % 1_000_000, 0);
        change / 1_000_000 * i128::from(scenario.weight)
    });
    let loss = moves.map(|weighted| -value * weighted).max().expect("a grid");
    Linear { value, loss: loss.max(0), notional: value.abs() }
}

#[test]
fn linear_books_are_exact_to_the_atom_and_never_in_the_accounts_favour() {
    let mut world = World::new();
    let trader = world.trader();
    for index in [BTC, ETH, SOL] {
        // Lots and prices that leave a fraction in every product.
        let address = addresses::underlying(&world.engine, index);
        world.forge::<Underlying>(address, |state| state.lot_size = 7_777 + 1_234 * u64::from(index));
    }
    for seed in 0..120u64 {
        let mut rng = Rng::new(0x11e4_0000 + seed);
        for spec in specs() {
            world.set_price(&spec.feed, spec.spot / 1_000 * 1_000 + rng.within(0, 999).unsigned_abs());
        }
        let cash = rng.within(-1_000_000_000, 1_000_000_000);
        let fraction = i128::from(rng.bits() >> 16);
        let settled = rng.within(-1_000_000, 1_000_000);
        let tokens = rng.within(1, 10_000_000_000) as u64;
        let underlying = rng.pick(&[BTC, ETH, SOL]);
        let lots = rng.within(1, 10_000) * rng.pick(&[-1, 1]);
        world.forge::<MarginAccount>(trader.account, |account| {
            for position in account.positions().to_vec() {
                let instrument = position.instrument().expect("a known kind");
                account.add_position(instrument, -position.lots, -position.settled_value).expect("a row");
            }
            account.cash = ((i128::from(cash) << 48) + fraction).to_le_bytes();
            account.set_balance(SOL_TOKEN, tokens).expect("a row");
            account.add_position(perpetual(underlying), lots, settled).expect("a row");
        });
        let report = world.report(&trader);
        let state = world.underlying(underlying);
        let spot = world.spot(&specs()[usize::from(underlying)].feed);
        let Linear { value, loss, notional } = linear(&state, spot, lots);

        // In 1e-12 USD over 1e9: cash with its fraction of an atom, tokens of nine decimals, unrealised profit.
        let cash = i128::from(cash) * ATOM * ONE + ((fraction * ATOM * ONE) >> 48);
        let token = i128::from(tokens) * i128::from(world.spot(&specs()[usize::from(SOL)].feed));
        let equity = cash + token + value - i128::from(settled) * ATOM * ONE;
        let below = equity - i128::from(report.equity) * ATOM * ONE;
        // Parts round down to 1e-12 USD, their sum to an atom.
        assert!((0..ATOM * ONE + 4 * ONE).contains(&below), "seed {seed}: equity {below} below the exact one");

        // Over 1e22: factor·loss + charge·notional + haircut·tokens.
        let risk = &state.risk;
        let requirement = |factor: u64, charge: u64, haircut: i128| {
            assert_eq!(factor % 100_000_000, 0, "a factor of one decimal");
            loss * i128::from(factor / 100_000_000) + (notional * i128::from(charge) + token * haircut) * 10_000
        };
        let charge = risk.charges.perpetual_maintenance;
        let maintenance = requirement(risk.scan.maintenance, charge, 100_000_000);
        let initial = requirement(risk.scan.initial, charge + risk.charges.perpetual_initial, 150_000_000);
        for (got, exact, name) in
            [(report.maintenance_margin, maintenance, "maintenance"), (report.initial_margin, initial, "initial")]
        {
            const UNIT: i128 = 10i128.pow(22);
            let above = i128::from(got) * ATOM * UNIT - exact;
            assert!((0..(ATOM + 8) * UNIT).contains(&above), "seed {seed}: {name} {above} above the exact one");
        }
    }
}

/// Compares a book with one of `times` its lots. Rounding costs the account at most once for each part of a figure, so the
/// larger book never fares worse than several small ones.
fn scale(mut world: World, books: u64, fill: fn(&mut MarginAccount, &mut Rng)) {
    let trader = world.trader();
    for index in [BTC, ETH, SOL] {
        let address = addresses::underlying(&world.engine, index);
        world.forge::<Underlying>(address, |state| {
            // What is in dollars does not scale with a book.
            state.risk.unrealised_profit_cap = RiskParameters::NO_CAP;
            state.risk.scan.extended_dampener = 0;
            state.risk.concentration = Concentration::default();
        });
    }
    for seed in 0..books {
        let mut rng = Rng::new(0x5ca1_e000 + seed);
        let times = rng.pick(&[2i64, 7, 1_000]);
        world.forge::<MarginAccount>(trader.account, |account| {
            fill(account, &mut rng);
            account.cash = [0; 16];
            account.set_balance(SOL_TOKEN, 0).expect("nothing to add");
        });
        let one = world.report(&trader);
        world.forge::<MarginAccount>(trader.account, |account| {
            for position in account.positions().to_vec() {
                let instrument = position.instrument().expect("a known kind");
                let more = times - 1;
                account.add_position(instrument, position.lots * more, position.settled_value * more).expect("its row");
            }
        });
        let all = world.report(&trader);
        for (one, all, name) in [
            (one.initial_margin, all.initial_margin, "initial"),
            (one.maintenance_margin, all.maintenance_margin, "maintenance"),
            (-one.equity, -all.equity, "minus equity"),
        ] {
            // An atom for the total, and less than one more for parts that are rounded to 1e-12 USD.
            assert!(
                (0..=2 * times).contains(&(one * times - all)),
                "seed {seed}: {name} {times} × {one} against {all}"
            );
        }
    }
}

#[test]
fn a_book_of_so_many_times_the_lots_needs_so_many_times_the_margin() {
    scale(World::new(), 120, random_book);
}

#[test]
fn scaling_holds_with_the_rest_of_the_model_on() {
    scale(World::rich(), 120, random_rich_book);
}
