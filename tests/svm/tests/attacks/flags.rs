//! Attacks on who is put into liquidation, how he is judged there, and for how long.

use std::collections::BTreeSet;

use margin_client::{
    addresses,
    errors::EngineError as E,
    instructions::{Fund, WitnessArgs},
    state::{MarginAccount, Underlying},
};
use tests_svm::{BTC, ETH, Rng, SOL, Trader, USDC, World, buy, perpetual, random_rich_book, sell, usdc};

use crate::scene::{Scene, WHOLE, refuse_all};

fn start_with(world: &mut World, keeper: &Trader, trader: &Trader, witness: Vec<u8>) -> Result<(), E> {
    let mut start = world.start(keeper, trader);
    start.args = WitnessArgs { witness: Some(witness) };
    world.attempt(&[start.instruction()], &[&keeper.key]).map(drop)
}

/// **Flagging a healthy account**, without a witness and with any: one scenario never demands more than the worst, whatever the book
/// and with every part of the risk model on. The account has exactly its maintenance margin.
#[test]
fn no_witness_flags_an_account_with_its_maintenance_margin() {
    const SEED: u64 = 0xa77_0001;
    for rich in [false, true] {
        let mut world = if rich { World::rich() } else { World::new() };
        for underlying in [BTC, ETH, SOL] {
            // The mean of several scenarios has no witness.
            let address = addresses::underlying(&world.engine, underlying);
            world.forge::<Underlying>(address, |state| state.risk.scan.shortfall_count = 0);
        }
        let (keeper, trader) = (world.trader(), world.trader());
        let mut errors = BTreeSet::new();
        for seed in SEED..SEED + 6 {
            let mut rng = Rng::new(seed);
            world.forge::<MarginAccount>(trader.account, |account| random_rich_book(account, &mut rng));
            let report = world.report(&trader);
            // Reports round against the account, by less than two atoms together.
            let cash = report.cash + report.maintenance_margin - report.equity;
            world.forge::<MarginAccount>(trader.account, |account| {
                account.cash = (i128::from(cash) << 48).to_le_bytes();
            });
            let start = world.start(&keeper, &trader);
            world.refuse(start.instruction(), &[&keeper.key], E::AccountHealthy);
            let exposed = usize::from(world.report(&trader).underlying_count);
            for scenario in (0..=40).chain(253..=255) {
                let error = start_with(&mut world, &keeper, &trader, vec![scenario; exposed]).expect_err("healthy");
                errors.insert(error.name());
            }
            for _ in 0..20 {
                let mixed = (0..exposed).map(|_| rng.within(0, 30) as u8).collect();
                let error = start_with(&mut world, &keeper, &trader, mixed).expect_err("healthy");
                errors.insert(error.name());
            }
            let wrong = start_with(&mut world, &keeper, &trader, vec![0; exposed + 1]);
            assert_eq!(wrong.expect_err("one too many").name(), E::WitnessCount.name());
        }
        let known = [E::AccountHealthy, E::UnknownScenario].map(|error| error.name());
        assert!(errors.iter().all(|error| known.contains(error)), "{errors:?}");
        assert!(errors.contains(&known[0]));
    }
}

/// The witness under which the trader lacks least and yet lacks something, by trying all for BTC; ETH costs nothing.
fn weakest(scene: &Scene) -> u8 {
    let mut found: Option<(i64, u8)> = None;
    for scenario in 0..31 {
        let mut check = scene.world.margin_check(&scene.trader);
        check.args.witness = Some(vec![scenario, u8::MAX]);
        let transaction = scene.world.transaction(&[check.instruction()], &[]);
        let Ok(meta) = scene.world.svm.simulate_transaction(transaction) else { continue };
        let report = margin_client::decode_margin_report(&margin_client::PROGRAM_ID, &meta.meta.return_data.data);
        let report = report.expect("a report");
        let lacks = report.maintenance_margin - report.equity;
        if lacks > 2 && found.is_none_or(|(least, _)| lacks < least) {
            found = Some((lacks, scenario));
        }
    }
    found.expect("a witness that suffices").1
}

/// **A weak witness chosen by the owner's friend**, so that bidders may take little and the account is soon released: anyone names a worse
/// one; and a bid that ends the deficit under the weak one looks at all scenarios.
#[test]
fn a_friends_weak_witness_neither_protects_nor_releases() {
    let scene = || {
        let mut scene = Scene::stretched();
        scene.sink(2_000_000_000);
        scene
    };
    let mut strict = scene();
    strict.start();
    let most = strict.take(WHOLE).fraction;

    let mut lenient = scene();
    let (friend, witness) = (lenient.world.trader(), weakest(&lenient));
    start_with(&mut lenient.world, &friend, &lenient.trader, vec![witness, u8::MAX]).expect("a witness that suffices");
    let before = lenient.state();
    let event = lenient.take(WHOLE);
    assert!(event.fraction < most, "under a weak witness less restores the account: {} of {most}", event.fraction);
    // Once the deficit under it is gone the account is looked at in full (lots round: perhaps only with the next bid), and
    // stays for sale by its worst scenarios.
    let mut bids = vec![event];
    while lenient.state().witness == before.witness {
        assert!(bids.len() < 3, "{bids:?}");
        bids.push(lenient.take(WHOLE));
    }
    assert!(bids.iter().all(|event| !event.released), "{bids:?}");
    while !lenient.take(WHOLE).released {
        bids.push(lenient.take(WHOLE));
        assert!(bids.len() < 6, "{bids:?}");
    }
    let report = lenient.world.report(&lenient.trader);
    assert!(report.equity > report.maintenance_margin);

    // Or somebody names the worst ones before the first bid.
    let mut corrected = scene();
    start_with(&mut corrected.world, &friend, &corrected.trader, vec![witness, u8::MAX]).expect("the same");
    let replace = corrected.replace_witness(None);
    corrected.world.accept(replace, &[]);
    assert_eq!(corrected.take(WHOLE).fraction, most);
}

/// **Changing the witness to block or to restart the auction**: only a worse one replaces, each at most once, and neither clock moves.
#[test]
fn a_witness_only_gets_worse_and_no_clock_restarts() {
    let mut scene = Scene::stretched();
    scene.sink(2_000_000_000);
    let weak = weakest(&scene);
    let friend = scene.world.trader();
    start_with(&mut scene.world, &friend, &scene.trader, vec![weak, u8::MAX]).expect("a witness that suffices");
    let started = scene.state();
    scene.wait(120);
    let mut replaced = 0;
    for scenario in (0..31).chain(0..31) {
        let replace = scene.replace_witness(Some(vec![scenario, u8::MAX]));
        match scene.world.attempt(&[replace], &[]) {
            Ok(_) => replaced += 1,
            Err(error) => assert_eq!(error.name(), E::WitnessNotWorse.name()),
        }
    }
    assert!((1..31).contains(&replaced), "a rising chain is finite: {replaced}");
    let worst = scene.replace_witness(None);
    scene.world.accept(worst.clone(), &[]);
    refuse_all(&mut scene.world, &[worst], &[], E::WitnessNotWorse);
    for back in [weak, u8::MAX] {
        let back = scene.replace_witness(Some(vec![back, u8::MAX]));
        refuse_all(&mut scene.world, &[back], &[], E::WitnessNotWorse);
    }
    let state = scene.state();
    assert_eq!((state.started_at, state.insolvent_at), (started.started_at, started.insolvent_at));
    // Two minutes into fifteen: 0.95 − 0.25·2/15.
    assert_eq!(scene.take(WHOLE / 100).share_paid, 916_666_667);
}

/// **Naming a witness so that another market's insurance pays**: whoever puts it right names the fund as well.
#[test]
fn a_worse_witness_names_the_fund_as_well() {
    let mut scene = Scene::ruined();
    scene.insure(Fund::Underlying(BTC), usdc(1_000_000.0));
    scene.insure(Fund::Underlying(ETH), usdc(1_000_000.0));
    // As if BTC, which has ruined him, could not move any more, and ETH could rise by 18 %.
    let friend = scene.world.trader();
    start_with(&mut scene.world, &friend, &scene.trader, vec![u8::MAX, 10]).expect("worth less than nothing");
    assert_eq!(scene.state().insured_underlying, ETH);
    let replace = scene.replace_witness(None);
    scene.world.accept(replace, &[]);
    assert_eq!(scene.state().insured_underlying, BTC);
    let event = scene.take_insolvent(WHOLE);
    assert_eq!((event.insured_underlying, event.loss.socialised), (BTC, 0));
    assert_eq!(scene.fund(ETH), usdc(1_000_000.0));
}

/// **Starting and stopping in a loop**, so that the auction's price begins anew: who is flagged is not flagged again, who is short of the
/// buffer is not released, and whoever paid for the release does not get it back while he is below initial margin.
#[test]
fn the_auction_restarts_only_for_who_was_really_restored() {
    let mut scene = Scene::distressed();
    scene.start();
    scene.wait(600);
    let again = scene.world.start(&scene.keeper, &scene.trader);
    scene.world.refuse(again.instruction(), &[&scene.keeper.key], E::AlreadyInLiquidation);
    let report = scene.world.report(&scene.trader);
    // Up to maintenance margin, and not to the buffer.
    let missing = (report.maintenance_margin - report.equity + 10).unsigned_abs();
    scene.world.fund(&scene.trader, USDC, missing);
    let stop = scene.world.stop(&scene.trader);
    scene.world.refuse(stop.clone().instruction(), &[], E::NotRecovered);
    let buffer = (report.maintenance_margin / 10 + 10).unsigned_abs();
    scene.world.fund(&scene.trader, USDC, buffer);
    scene.world.accept(stop.instruction(), &[]);
    let start = scene.world.start(&scene.keeper, &scene.trader);
    scene.world.refuse(start.instruction(), &[&scene.keeper.key], E::AccountHealthy);
    // A restart costs the whole buffer, locked in: it takes a fall by as much to get flagged again.
    let withdraw = scene.world.withdraw(&scene.trader, USDC, 1);
    scene.world.refuse(withdraw.instruction(), &[&scene.trader.key], E::BelowInitialMargin);
    let worse = [sell(1, perpetual(ETH), 3_240.67)];
    let trade = scene.world.trade(&scene.maker, &scene.trader, &worse);
    scene.world.refuse(trade.instruction(), &[&scene.maker.key, &scene.trader.key], E::BelowInitialMargin);
    let helps = [buy(1, perpetual(ETH), 3_240.67)];
    let mut trade = scene.world.trade(&scene.maker, &scene.trader, &helps);
    trade.args.taker_reduce_only = true;
    scene.world.accept(trade.instruction(), &[&scene.maker.key, &scene.trader.key]);
}
