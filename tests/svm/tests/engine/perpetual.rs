//! Publications of the perpetual's mark, and what they do to books.

use margin_client::{
    errors::EngineError as E, events::EngineEvent, instructions::PerpetualPublish, margin::PriceUse,
    state::MarginAccount,
};
use solana_instruction::Instruction;
use tests_svm::{ETH, NOW, Trader, World, buy, perpetual, sell, specs, usd};

const ONE: u64 = 1_000_000_000;

fn publication(world: &World, basis: u64) -> PerpetualPublish {
    world.perpetual_publication(&specs()[usize::from(ETH)], basis)
}

fn publish(world: &mut World, basis: u64) {
    let publish = publication(world, basis);
    send(world, publish.instruction());
}

fn send(world: &mut World, instruction: Instruction) -> Vec<EngineEvent> {
    let admin = world.admin.insecure_clone();
    world.accept(instruction, &[&admin]).events()
}

#[test]
fn a_mark_is_stored_as_it_was_published() {
    let mut world = World::new();
    let mut first = publication(&world, 1_500_000_000);
    first.args.confidence = 123;
    let events = send(&mut world, first.clone().instruction());
    let [EngineEvent::PerpetualPublished(event)] = &events[..] else { panic!("one event") };
    assert_eq!((event.underlying, event.mark), (first.underlying, first.args.mark));
    assert_eq!((event.spot_reference, event.confidence), (first.args.spot_reference, 123));
    let stored = world.underlying(ETH).perpetual;
    assert_eq!((stored.mark, stored.spot_reference), (first.args.mark, first.args.spot_reference));
    assert_eq!((stored.confidence, stored.updated_at), (123, NOW));
    publish(&mut world, 500_000_000);
    assert_eq!(world.underlying(ETH).perpetual.mark, specs()[1].spot / 2);
}

#[test]
fn every_rule_about_a_mark_has_its_error() {
    let mut world = World::new();
    publish(&mut world, ONE);
    world.advance(60);
    let admin = world.admin.insecure_clone();
    type Change = fn(&mut PerpetualPublish);
    let rules: &[(Change, E)] = &[
        (|publish| publish.args.mark = publish.args.spot_reference / 2 - 1, E::PerpetualRange),
        (|publish| publish.args.mark = publish.args.spot_reference / 2 * 3 + 2, E::PerpetualRange),
        (|publish| publish.args.spot_reference = 0, E::PerpetualRange),
        (|publish| (publish.args.mark, publish.args.spot_reference) = (u64::MAX, 1), E::PerpetualRange),
        (|publish| publish.args.confidence = ONE + 1, E::PublishedConfidence),
        (|publish| publish.args.observed_at = 0, E::SurfaceTime),
        (|publish| publish.args.observed_at = NOW + 61, E::SurfaceTime),
        (|publish| publish.args.observed_at = NOW - 1, E::SurfaceOutOfOrder),
    ];
    for (change, error) in rules {
        let mut broken = publication(&world, ONE);
        change(&mut broken);
        world.refuse(broken.instruction(), &[&admin], *error);
    }
    let stranger = world.trader();
    let mut foreign = publication(&world, ONE);
    foreign.publisher = stranger.owner();
    world.refuse(foreign.instruction(), &[&stranger.key], E::NotPublisher);
}

fn holder() -> (World, Trader) {
    let mut world = World::new();
    let maker = world.funded(1_000_000.0);
    let trader = world.funded(100_000.0);
    world.fill(&maker, &trader, &[buy(10, perpetual(ETH), 3_240.67)]);
    (world, trader)
}

/// One unit of ETH.
#[test]
fn positions_are_valued_at_the_mark_which_moves_with_spot() {
    let (mut world, trader) = holder();
    assert_eq!(world.report(&trader).positions_value, 0);
    publish(&mut world, 1_010_000_000);
    // A hundredth of 3 240.67.
    assert_eq!(world.report(&trader).positions_value, 32_406_700);
    world.shock(ETH, 1.1);
    let spot = world.spot(&specs()[1].feed);
    let mark = (u128::from(spot) * 101 / 100) as i64;
    assert_eq!(world.report(&trader).positions_value, (mark - usd(3_240.67) as i64).div_euclid(1_000_000));
    // A trade settles to the mark.
    let maker = world.funded(1_000_000.0);
    world.fill(&maker, &trader, &[sell(10, perpetual(ETH), mark as f64 / 1e12)]);
    assert!(world.account(&trader).positions().is_empty());
}

#[test]
fn an_old_mark_stops_trades_and_gives_way_to_the_index_in_liquidation() {
    let (mut world, trader) = holder();
    publish(&mut world, 1_010_000_000);
    let withdraw = |world: &World| world.withdraw(&trader, 0, 1).instruction();
    world.advance(600);
    world.refresh_prices();
    let in_time = withdraw(&world);
    world.accept(in_time, &[&trader.key]);
    world.advance(1);
    let late = withdraw(&world);
    world.refuse(late, &[&trader.key], E::PerpetualStale);
    // Liquidation takes the mark for an hour, and then the index, which needs nobody.
    world.advance(2_999);
    world.refresh_prices();
    assert_eq!(world.report(&trader).positions_value, 32_406_700);
    world.advance(1);
    assert_eq!(world.report(&trader).positions_value, 0);
    let mut check = world.margin_check(&trader);
    check.args.usage = PriceUse::RaiseRisk;
    world.refuse(check.instruction(), &[], E::PerpetualStale);
    // A book without the perpetual does not depend on its mark.
    world.forge::<MarginAccount>(trader.account, |account| {
        account.add_position(perpetual(ETH), -10, 0).expect("a row");
    });
    world.report(&trader);
}
