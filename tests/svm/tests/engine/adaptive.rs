//! Adaptive ranges: a grid follows the market's own vol, towards its target and no faster than the daily change.

use margin_client::{
    events::EngineEvent,
    presets::{self, MarginModel},
    state::{AdaptiveRange, MarginAccount, Scenario},
};
use margin_core::{
    Seconds, Vol,
    portfolio::{AdaptiveRange as CoreRange, Ratio},
};
use tests_svm::{BTC, NEAR, NOW, Spec, World, call, perpetual, rich_model, specs};

const ONE: u64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// A design move of 18 % for 4 standard deviations of a day: a vol of 86 %.
const RANGE: AdaptiveRange = AdaptiveRange {
    reference: 180_000_000,
    floor: 100_000_000,
    deviations: 4 * ONE,
    horizon: DAY as u64,
    least: ONE / 2,
    most: 2 * ONE,
    daily_change: 200_000_000,
    scale: 0,
    scaled_at: 0,
};

/// An engine with BTC on an adaptive grid, before any surface is published.
fn world() -> (World, Spec) {
    let [btc, ..] = specs();
    let MarginModel { mut parameters, scenarios } = rich_model(presets::major());
    parameters.adaptive = RANGE;
    let spec = Spec { model: MarginModel { parameters, scenarios }, ..btc };
    let mut world = World::bare();
    world.list_quote();
    world.list_underlying(&spec);
    world.set_price(&spec.feed, spec.spot);
    (world, spec)
}

/// Publishes the near surface with a flat vol, and returns the grid's scale as the event tells it.
fn publish(world: &mut World, spec: &Spec, expiry: usize, vol: f64) -> u64 {
    world.set_price(&spec.feed, spec.spot);
    let mut publish = world.publication(spec, &spec.surfaces[expiry]);
    let years = publish.args.svi.time as f64 / 31_536_000.0;
    let svi = &mut publish.args.svi;
    (svi.a, svi.b, svi.rho, svi.m, svi.sigma) = ((vol * vol * years * 1e15) as i64, 0, 0, 0, 1_000_000_000_000);
    let admin = world.admin.insecure_clone();
    let events = world.accept(publish.instruction(), &[&admin]).events();
    let [EngineEvent::SurfacePublished(event)] = &events[..] else { panic!("one event") };
    assert_eq!(event.grid_scale, world.underlying(BTC).adaptive.scale);
    event.grid_scale
}

/// Every move is the design's times the scale; skew scenarios stay.
#[track_caller]
fn assert_scaled(world: &World) {
    let state = world.underlying(BTC);
    for Scenario { design_spot, spot, ln_spot, .. } in state.scenarios() {
        let change = (i128::from(*design_spot) - i128::from(ONE)) * i128::from(state.adaptive.scale);
        let exact = change as f64 / 1e9 + 1e9;
        let bounded = exact.clamp(1e7, 8e9);
        assert!((*spot as f64 - bounded).abs() <= 0.5 + 1e-6 * bounded / 1e9, "{spot} is not {bounded}");
        assert!((*ln_spot as f64 / 2f64.powi(56) - (*spot as f64 * 1e-9).ln()).abs() < 1e-12);
    }
}

#[test]
fn a_new_grid_is_its_design() {
    let (world, spec) = world();
    let state = world.underlying(BTC);
    assert_eq!(state.adaptive, AdaptiveRange { scale: ONE, ..RANGE });
    for (stored, args) in state.scenarios().iter().zip(&spec.model.scenarios) {
        assert_eq!((stored.design_spot, stored.spot), (args.spot, args.spot));
    }
}

#[test]
fn the_scale_moves_to_its_target_no_faster_than_the_daily_change() {
    let (mut world, spec) = world();
    // The first publication starts the clock.
    assert_eq!(publish(&mut world, &spec, 1, 1.5), ONE);
    assert_eq!(world.underlying(BTC).adaptive.scaled_at, NOW);
    // A vol of 150 % asks for 4 · 1.5 · √(1 / 365) / 0.18 = 1.745; a fifth a day.
    let mut expected = ONE;
    for hours in [1, 6, 17, 24, 48, 24, 24] {
        world.advance(hours * 3_600);
        let step = 200_000_000 * hours as u64 / 24;
        expected = (expected + step).min(1_744_732_000);
        let scale = publish(&mut world, &spec, 1, 1.5);
        assert!(scale.abs_diff(expected) < 10_000, "{scale} is not {expected}");
        expected = scale;
        assert_scaled(&world);
    }
    // Twice in one second changes nothing.
    let scale = publish(&mut world, &spec, 1, 1.5);
    assert_eq!(publish(&mut world, &spec, 1, 0.2), scale);
    // A calm market: down to the floor of 10 % over 18 %, at the same pace.
    for day in 1..=8 {
        world.advance(DAY);
        let scale_now = publish(&mut world, &spec, 1, 0.2);
        let floor = 555_555_556;
        assert_eq!(scale_now, (scale - 200_000_000 * day).max(floor), "day {day}");
        assert_scaled(&world);
    }
}

#[test]
fn the_program_scales_as_the_core_does() {
    let (mut world, spec) = world();
    publish(&mut world, &spec, 1, 0.8);
    for (seconds, vol) in [(60, 0.9), (3_599, 3.0), (100_000, 1.1), (7, 0.01), (500_000, 0.01), (300_000, 0.87)] {
        let before = world.underlying(BTC).adaptive;
        world.advance(seconds);
        let scale = publish(&mut world, &spec, 1, vol);
        let next = |vol: f64| {
            CoreRange::from(&before).next(Ratio(before.scale), Seconds(seconds as u64), Vol((vol * 1e8) as u64)).0
        };
        // The surface's vol is its variance's root, to a hundred millionth.
        assert!((next(vol - 3e-8)..=next(vol + 3e-8)).contains(&scale), "{scale} is not {}", next(vol));
        assert_eq!(world.underlying(BTC).adaptive.scaled_at, world.now());
    }
}

#[test]
fn the_highest_vol_of_the_live_expiries_counts() {
    let (mut world, spec) = world();
    publish(&mut world, &spec, 0, 2.0);
    world.advance(20 * DAY);
    // The near expiry still says 200 %, which is beyond the bound of twice the design.
    assert_eq!(publish(&mut world, &spec, 1, 0.2), 2 * ONE);
    // Once it has expired it no longer counts.
    world.set_time(NEAR);
    let scale = publish(&mut world, &spec, 1, 0.2);
    assert!(scale < 2 * ONE, "{scale}");
}

#[test]
fn requirements_follow_the_grid() {
    let (mut world, spec) = world();
    publish(&mut world, &spec, 0, 1.5);
    publish(&mut world, &spec, 1, 1.5);
    let trader = world.trader();
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(perpetual(BTC), 100, 0).expect("a row");
        account.add_position(call(BTC, NEAR, 150_000), -50, 0).expect("a row");
    });
    let design = world.report(&trader);
    world.advance(2 * DAY);
    publish(&mut world, &spec, 0, 1.5);
    publish(&mut world, &spec, 1, 1.5);
    let wide = world.report(&trader);
    assert!(
        wide.initial_margin > design.initial_margin * 5 / 4,
        "{} after {}",
        wide.initial_margin,
        design.initial_margin
    );
    assert_eq!(
        world.snapshot().report(&world.account(&trader), margin_client::margin::PriceUse::Liquidation, world.now()),
        Ok(wide)
    );
}

#[test]
fn a_fixed_grid_stays() {
    let mut world = World::new();
    world.advance(DAY);
    let [btc, ..] = specs();
    assert_eq!(publish(&mut world, &btc, 0, 3.0), ONE);
    let state = world.underlying(BTC);
    assert!(state.scenarios().iter().all(|scenario| scenario.spot == scenario.design_spot));
    assert_eq!(state.adaptive.scaled_at, 0);
}
