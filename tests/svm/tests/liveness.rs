//! Liquidation goes on under every condition that stops trading, or one thing must happen first: which, and who can do it.

// Each target uses a part of the scene.
#[allow(dead_code)]
#[path = "attacks/scene.rs"]
mod scene;

use margin_client::{
    errors::EngineError as E,
    instructions::{Fund, SettlementFinalise},
    pyth::{PriceUpdate, feeds},
    state::{MarginAccount, PauseBits},
};
use margin_core::Price;
use scene::{Scene, WHOLE, refuse_all};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{BTC, ETH, FAR, NEAR, SOL_TOKEN, USDC, World, buy, call, lots_of, perpetual, sell, specs, usdc};

fn start_of(scene: &Scene) -> solana_instruction::Instruction {
    scene.world.start(&scene.keeper, &scene.trader).instruction()
}

fn bid_of(scene: &Scene, fraction: u64) -> solana_instruction::Instruction {
    scene.world.bid(&scene.keeper, &scene.trader, fraction).instruction()
}

fn keys(scene: &Scene) -> Keypair {
    scene.keeper.key.insecure_clone()
}

/// **A stale surface**, and a stale mark of a perpetual: trading and withdrawing stop. Liquidation goes on, from the start to the insolvent
/// auction, by the last surface with the forward moved with spot, and by the index for the perpetual.
#[test]
fn a_lost_publisher_stops_no_liquidation() {
    let mut scene = Scene::stretched();
    let [_, eth, ..] = specs();
    let mark = scene.world.perpetual_publication(&eth, 1_010_000_000);
    let admin = scene.world.admin.insecure_clone();
    scene.world.accept(mark.instruction(), &[&admin]);
    let at_mark = scene.world.report(&scene.trader).equity;
    // A fortnight without a word.
    scene.world.advance(14 * 86_400);
    scene.world.refresh_prices();
    let signers = [keys(&scene), scene.trader.key.insecure_clone()];
    let trade = scene.world.trade(&scene.keeper, &scene.trader, &[buy(1, call(BTC, FAR, 100_000), 4_500.0)]);
    scene.world.refuse(trade.instruction(), &[&signers[0], &signers[1]], E::SurfaceStale);
    let withdraw = scene.world.withdraw(&scene.trader, USDC, 1);
    scene.world.refuse(withdraw.instruction(), &[&signers[1]], E::SurfaceStale);

    // The short calls lose as BTC rises: their forward follows it.
    let before = scene.world.report(&scene.trader).equity;
    assert_ne!(before, at_mark);
    scene.sink(i64::MAX);
    assert!(scene.world.report(&scene.trader).equity < before);
    scene.start();
    scene.take(WHOLE / 50);
    let stop = scene.world.stop(&scene.trader).instruction();
    refuse_all(&mut scene.world, &[stop], &[], E::NotRecovered);
    let restored = scene.take(WHOLE);
    assert!(restored.fraction > WHOLE / 50 && restored.released);
    // What he bought he cannot turn into cash before the publisher is back.
    let withdraw = scene.world.withdraw(&scene.keeper, USDC, 1);
    scene.world.refuse(withdraw.instruction(), &[&signers[0]], E::SurfaceStale);

    scene.insure(Fund::Underlying(BTC), usdc(100_000.0));
    scene.sink(-1_000_000);
    scene.start();
    assert!(scene.take_insolvent(WHOLE).released);
}

#[test]
fn a_linear_book_needs_no_surface() {
    let mut world = World::new();
    let (maker, keeper, trader) = (world.funded(1_000_000.0), world.funded(1_000_000.0), world.funded(20_000.0));
    world.fill(&maker, &trader, &[sell(80, perpetual(BTC), 94_128.89)]);
    let mut scene = Scene { world, maker, trader, keeper };
    scene.sink(i64::MAX);
    // A week without a publication.
    scene.world.advance(7 * 86_400);
    scene.world.refresh_prices();
    scene.start();
    assert!(scene.take(WHOLE).fraction > 0);
}

/// **Paused trading**, withdrawing and borrowing: liquidation is none of them.
#[test]
fn no_pause_stops_liquidation() {
    let mut scene = Scene::distressed();
    let until = scene.world.now() + 86_400;
    let admin = scene.world.admin.insecure_clone();
    let all = PauseBits::TRADING | PauseBits::WITHDRAWING | PauseBits::BORROWING;
    let pause = scene.world.pausing(all, until);
    scene.world.accept(pause.instruction(), &[&admin]);
    let trade = scene.world.trade(&scene.maker, &scene.trader, &[buy(1, perpetual(ETH), 3_240.67)]);
    let signers = [scene.maker.key.insecure_clone(), scene.trader.key.insecure_clone()];
    scene.world.refuse(trade.instruction(), &[&signers[0], &signers[1]], E::Paused);
    scene.start();
    scene.take(WHOLE / 50);
    scene.insure(Fund::Underlying(BTC), usdc(100_000.0));
    scene.sink(-1_000_000);
    let convert = scene.convert();
    scene.world.accept(convert, &[]);
    scene.world.fund(&scene::copy(&scene.keeper), USDC, usdc(1.0));
    assert!(scene.take_insolvent(WHOLE).released);
}

/// **A failing second oracle**, here of a token held as collateral: every check of the account needs it. Prices are posted by anyone who pays for
/// the transaction (the oracle's own program verifies them), so whoever wants to bid posts one; five times the age and interval of trading do.
#[test]
fn a_stale_token_price_waits_for_anyone_to_post_one() {
    let mut scene = Scene::distressed();
    let key = keys(&scene);
    let sol = scene.world.spot(&feeds::SOL_USD);
    let stale = PriceUpdate::new(feeds::SOL_USD, Price(sol), Price(sol / 1_000), scene.world.now() - 300);
    scene.world.post(&feeds::SOL_USD, &stale);
    let start = start_of(&scene);
    scene.world.accept(start, &[&key]);
    let older = PriceUpdate::new(feeds::SOL_USD, Price(sol), Price(sol / 1_000), scene.world.now() - 301);
    scene.world.post(&feeds::SOL_USD, &older);
    let bid = bid_of(&scene, WHOLE / 50);
    scene.world.refuse(bid.clone(), &[&key], E::OracleStale);
    let doubtful = PriceUpdate::new(feeds::SOL_USD, Price(sol), Price(sol / 19), scene.world.now());
    scene.world.post(&feeds::SOL_USD, &doubtful);
    scene.world.refuse(bid.clone(), &[&key], E::OracleConfidence);
    let usable = PriceUpdate::new(feeds::SOL_USD, Price(sol), Price(sol / 20), scene.world.now());
    scene.world.post(&feeds::SOL_USD, &usable);
    scene.world.accept(bid, &[&key]);
    // Accounts that do not hold the token never look at it.
    scene.world.post(&feeds::SOL_USD, &older);
    let report = scene.world.report(&scene.maker);
    assert_eq!(report.underlying_count, 2);
}

/// **A token whose oracle has failed for good**: anyone claims so for a bond, anyone with a price could take it, and when nobody has for a day
/// liquidation goes on as if the token were not there. Whoever buys it takes it out, and it stands in his way no longer.
#[test]
fn a_token_without_a_price_holds_up_liquidation_for_a_day() {
    let mut scene = Scene::distressed();
    let key = keys(&scene);
    scene.world.svm.airdrop(&key.pubkey(), 1_000_000_000).expect("an airdrop");
    let claim = scene.world.challenge(&key, SOL_TOKEN).instruction();
    scene.world.accept(claim, &[&key]);
    let sol = scene.world.spot(&feeds::SOL_USD);
    let last = PriceUpdate::new(feeds::SOL_USD, Price(sol), Price(sol / 1_000), scene.world.now());
    scene.world.advance(86_399);
    scene.world.refresh();
    scene.world.post(&feeds::SOL_USD, &last);
    let start = start_of(&scene);
    scene.world.refuse(start.clone(), &[&key], E::OracleStale);
    scene.world.advance(1);
    scene.world.accept(start, &[&key]);
    // It frees no margin, so nobody gets it for nothing by choosing it; it goes with a slice of everything.
    let choice = scene.world.collateral_bid(&scene.keeper, &scene.trader, SOL_TOKEN, 1);
    scene.world.refuse(choice.instruction(), &[&key], E::BidWorsens);
    assert!(scene.take(WHOLE).fraction > 0);
    let taken = scene.world.account(&scene.keeper).balance_of(SOL_TOKEN);
    assert!(taken > 0);
    let cash = scene.world.withdraw(&scene.keeper, USDC, 1);
    scene.world.refuse(cash.instruction(), &[&key], E::OracleStale);
    let token = scene.world.withdraw(&scene.keeper, SOL_TOKEN, taken);
    scene.world.accept(token.instruction(), &[&key]);
    let cash = scene.world.withdraw(&scene.keeper, USDC, 1);
    scene.world.accept(cash.instruction(), &[&key]);
}

/// **An expired series that is not settled**: it counts at its average, or at spot where nothing was sampled, and moves with the slice. Anyone
/// samples, finalises and pays it, in liquidation or not.
#[test]
fn an_expired_series_is_sold_and_settled_in_liquidation() {
    let mut world = World::new();
    let (maker, keeper, trader) = (world.funded(1_000_000.0), world.funded(1_000_000.0), world.funded(30_000.0));
    world.fill(&maker, &trader, &[sell(50, call(BTC, NEAR, 100_000), 2_500.0), sell(40, perpetual(BTC), 94_128.89)]);
    world.set_time(NEAR + 60);
    world.refresh();
    let mut scene = Scene { world, maker, trader, keeper };
    scene.sink(i64::MAX);
    // Nobody has sampled, and nobody has finalised.
    assert_eq!(scene.world.slot(BTC, NEAR).expect("listed").finalised, 0);
    scene.start();
    let event = scene.take(WHOLE / 20);
    assert!(event.fraction > 0);
    assert!(lots_of(&scene.world.account(&scene.keeper), call(BTC, NEAR, 100_000)) < 0);
    // Missing samples are taken after the expiry, at spot, by anyone; then the series is final and anyone pays it.
    let mut minutes = 0;
    let finalise = |world: &World| -> SettlementFinalise { world.finalise(BTC, NEAR) };
    loop {
        let (world, last) = (&mut scene.world, minutes > 60);
        assert!(!last, "an hour of samples is enough");
        let attempt = finalise(world).instruction();
        match world.attempt(&[attempt], &[]) {
            Ok(_) => break,
            Err(error) => assert_eq!(error.name(), E::SettlementUncovered.name()),
        }
        world.advance(60);
        world.refresh_prices();
        let sample = world.sample(BTC, NEAR);
        world.accept(sample.instruction(), &[]);
        minutes += 1;
    }
    scene.world.refresh();
    let settler = scene.world.trader();
    let settle = scene.world.settle(BTC, NEAR, &settler, &[&scene.trader, &scene.keeper, &scene.maker]);
    scene.world.accept(settle.instruction(), &[]);
    assert_eq!(lots_of(&scene.world.account(&scene.trader), call(BTC, NEAR, 100_000)), 0);
    // What it required is free: the account has recovered, as anyone may find.
    let stop = scene.world.stop(&scene.trader);
    scene.world.accept(stop.instruction(), &[]);
}

/// **Dust**: an account of a few lots and cents goes whole, in one bid.
#[test]
fn an_account_of_dust_goes_whole() {
    let mut world = World::new();
    let (maker, keeper, trader) = (world.funded(1_000.0), world.funded(10_000.0), world.funded(75.0));
    world.fill(&maker, &trader, &[sell(1, perpetual(ETH), 3_240.67)]);
    world.fund(&trader, SOL_TOKEN, 1);
    let mut scene = Scene { world, maker, trader, keeper };
    scene.sink_by(ETH, 1.005, i64::MAX);
    scene.start();
    let event = scene.take(1_000_000_000);
    assert!(event.released && event.fraction == WHOLE, "{event:?}");
    assert!(scene.world.account(&scene.trader).is_flat());
}

/// **An account with one giant leg**, ten times what any bidder can carry: each takes what he can.
#[test]
fn a_giant_leg_goes_piece_by_piece() {
    let mut world = World::new();
    let (maker, keeper) = (world.funded(100_000_000.0), world.funded(1.0));
    let trader = world.funded(20_000_000.0);
    let leg = call(BTC, FAR, 100_000);
    world.fill(&maker, &trader, &[sell(80_000, leg, 6_000.0)]);
    let mut scene = Scene { world, maker, trader, keeper };
    scene.sink(i64::MAX);
    scene.start();
    let mut bidders = 0;
    while scene.state().active != 0 {
        assert!(bidders < 100, "a hundred bidders");
        scene.keeper = scene.world.funded(150_000.0);
        let mut fraction = WHOLE;
        // Halved until it is small enough for him.
        loop {
            let bid = bid_of(&scene, fraction);
            let key = keys(&scene);
            match scene.world.attempt(&[bid], &[&key]) {
                Ok(_) => break,
                Err(error) => assert_eq!(error.name(), E::BelowInitialMargin.name()),
            }
            fraction /= 2;
        }
        bidders += 1;
    }
    assert!(bidders > 5, "{bidders} bidders");
}

/// **An unknown scenario in a stored witness**, after the grid has changed: it costs nothing, so the account looks healthy to bidders; anyone
/// names a witness of the new grid and it goes on. It is not released meanwhile: that looks at all scenarios.
#[test]
fn a_witness_of_an_old_grid_is_replaced_by_anyone() {
    let mut scene = Scene::distressed();
    scene.start();
    let account = scene.trader.account;
    scene.world.forge::<MarginAccount>(account, |state| state.liquidation.witness[usize::from(BTC)] = 200);
    let (bid, key) = (bid_of(&scene, WHOLE), keys(&scene));
    scene.world.refuse(bid.clone(), &[&key], E::AccountHealthy);
    let stop = scene.world.stop(&scene.trader);
    scene.world.refuse(stop.instruction(), &[], E::NotRecovered);
    let replace = scene.replace_witness(None);
    scene.world.accept(replace, &[]);
    scene.world.accept(bid, &[&key]);
}

/// **Dust of a token whose oracle has failed**, sent to an account in liquidation: it takes no token that it does not have.
#[test]
fn an_account_in_liquidation_takes_no_new_token() {
    let mut world = World::new();
    let (maker, keeper, trader) = (world.funded(1_000_000.0), world.funded(1_000_000.0), world.funded(75.0));
    world.fill(&maker, &trader, &[sell(1, perpetual(ETH), 3_240.67)]);
    let mut scene = Scene { world, maker, trader, keeper };
    scene.sink_by(ETH, 1.005, i64::MAX);
    scene.start();
    let Scene { mut world, trader, .. } = scene;
    let second = world.second_account(&trader);
    world.give(&trader, SOL_TOKEN, 10);
    let mut elsewhere = world.deposit(&trader, SOL_TOKEN, 5);
    elsewhere.margin_account = second;
    world.accept(elsewhere.instruction(), &[&trader.key]);
    let dust = world.deposit(&trader, SOL_TOKEN, 1).instruction();
    world.refuse(dust, &[&trader.key], E::AccountInLiquidation);
    let mut over = world.transfer(&trader, second, SOL_TOKEN, 1);
    (over.source, over.destination) = (over.destination, over.source);
    world.refuse(over.instruction(), &[&trader.key], E::AccountInLiquidation);
    // Cash is always welcome.
    world.fund(&trader, USDC, 1);
}
