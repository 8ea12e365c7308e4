//! Publications of forwards, rates and surfaces.

use margin_client::{errors::EngineError as E, instructions::SurfacePublish};
use tests_svm::{NEAR, NOW, World, specs};

/// The default market two minutes after its publications, with the next one of BTC's near expiry.
fn next_publication() -> (World, SurfacePublish) {
    let mut world = World::new();
    world.advance(120);
    let [btc, ..] = specs();
    let publish = world.publication(&btc, &btc.surfaces[0]);
    (world, publish)
}

fn refuse(change: impl FnOnce(&mut SurfacePublish), error: E) {
    let (mut world, mut publish) = next_publication();
    change(&mut publish);
    let admin = world.admin.insecure_clone();
    world.refuse(publish.instruction(), &[&admin], error);
}

#[test]
fn a_publication_replaces_the_one_before() {
    let (mut world, mut publish) = next_publication();
    publish.args.forward += 1_000_000_000_000;
    publish.args.rate = -500_000_000;
    publish.args.svi.a += 1;
    publish.args.confidence = 77;
    let args = publish.args.clone();
    let admin = world.admin.insecure_clone();
    world.accept(publish.instruction(), &[&admin]);
    let stored = *world.underlying(0).expiry(NEAR).expect("listed");
    assert_eq!((stored.forward, stored.rate, stored.svi), (args.forward, args.rate, args.svi));
    assert_eq!((stored.confidence, stored.observed_average), (77, 0));
    assert_eq!(stored.updated_at, NOW + 120);
}

#[test]
fn only_the_publisher_publishes() {
    let (mut world, mut publish) = next_publication();
    let stranger = world.trader();
    publish.publisher = stranger.owner();
    world.refuse(publish.instruction(), &[&stranger.key], E::NotPublisher);
}

#[test]
fn only_listed_series_that_still_live_have_surfaces() {
    refuse(|publish| publish.args.expiry = NEAR + 1, E::ExpiryUnknown);
    refuse(|publish| publish.args.expiry = 0, E::ExpiryUnknown);
    let (mut world, mut publish) = next_publication();
    world.set_time(NEAR);
    publish.args.observed_at = NEAR;
    let admin = world.admin.insecure_clone();
    world.refuse(publish.instruction(), &[&admin], E::SeriesExpired);
}

#[test]
fn publications_come_in_order_and_never_from_the_future() {
    refuse(|publish| publish.args.observed_at = 0, E::SurfaceTime);
    refuse(|publish| publish.args.observed_at = NOW + 121, E::SurfaceTime);
    refuse(|publish| publish.args.observed_at = NOW - 1, E::SurfaceOutOfOrder);
    let (mut world, mut publish) = next_publication();
    publish.args.observed_at = NOW;
    let admin = world.admin.insecure_clone();
    world.accept(publish.instruction(), &[&admin]);
}

#[test]
fn a_forward_lies_within_half_of_spot() {
    refuse(|publish| publish.args.spot_reference = 0, E::ForwardRange);
    refuse(|publish| publish.args.forward = publish.args.spot_reference / 2 - 1, E::ForwardRange);
    refuse(|publish| publish.args.forward = publish.args.spot_reference / 2 * 3 + 1, E::ForwardRange);
    refuse(|publish| (publish.args.forward, publish.args.spot_reference) = (u64::MAX, 1), E::ForwardRange);
}

#[test]
fn a_confidence_is_at_most_one() {
    refuse(|publish| publish.args.confidence = 1_000_000_001, E::PublishedConfidence);
    refuse(|publish| publish.args.confidence = u64::MAX, E::PublishedConfidence);
}

#[test]
fn a_rate_lies_within_a_hundred_percent() {
    refuse(|publish| publish.args.rate = 10_000_000_001, E::RateRange);
    refuse(|publish| publish.args.rate = -10_000_000_001, E::RateRange);
    refuse(|publish| publish.args.rate = i64::MIN, E::RateRange);
}

#[test]
fn a_surface_refers_to_a_forward_and_a_time() {
    refuse(|publish| publish.args.svi.forward = 0, E::SviReference);
    refuse(|publish| publish.args.svi.time = 0, E::SviReference);
    refuse(|publish| publish.args.svi.time = 3 * 365 * 86_400 + 1, E::SviReference);
}

#[test]
fn a_surface_is_an_svi_slice_without_negative_variance() {
    const ONE: i64 = 1_000_000_000_000_000;
    refuse(|publish| publish.args.svi.a = 16 * ONE + 1, E::SviParameters);
    refuse(|publish| publish.args.svi.b = -1, E::SviParameters);
    refuse(|publish| publish.args.svi.rho = ONE, E::SviParameters);
    refuse(|publish| publish.args.svi.rho = i64::MIN, E::SviParameters);
    refuse(|publish| publish.args.svi.m = -16 * ONE - 1, E::SviParameters);
    refuse(|publish| publish.args.svi.sigma = 0, E::SviParameters);
    // The smallest variance is a + b·σ·√(1 − ρ²), here negative.
    refuse(|publish| publish.args.svi.a = -publish.args.svi.b, E::SviParameters);
}
