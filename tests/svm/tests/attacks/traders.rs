//! Attacks by trades and by the edges of an oracle's interval.

use margin_client::{
    errors::EngineError as E,
    instructions::MarginCheckArgs,
    margin::PriceUse,
    pyth::{PriceUpdate, feeds},
};
use margin_core::Price;
use solana_keypair::Keypair;
use solana_signer::Signer;

use tests_svm::{BTC, ETH, FAR, NEAR, SOL_TOKEN, Trader, USDC, World, buy, call, lots_of, perpetual, sell, specs};

use crate::scene::{Scene, WHOLE, refuse_all};

/// Posts BTC's price as it is with an interval of so many billionths of it.
fn doubt(world: &mut World, billionths: u64) {
    let [btc, ..] = specs();
    let price = world.spot(&btc.feed);
    let interval = (u128::from(price) * u128::from(billionths) / 1_000_000_000) as u64;
    let update = PriceUpdate::new(btc.feed, Price(price), Price(interval), world.now());
    world.post(&btc.feed, &update);
}

/// **A fill to oneself to bankrupt an account** and leave its debt to insurance: nobody trades with the account itself; between two own
/// accounts the loser keeps his initial margin, at once or at the end of deferred checks, and what one loses the other wins.
#[test]
fn giving_money_to_oneself_stops_at_initial_margin() {
    let mut world = World::new();
    let (a, b) = (world.funded(10_000.0), world.funded(10_000.0));
    let mut scene = Scene { maker: world.trader(), keeper: world.funded(1_000.0), trader: a, world };
    let a = crate::scene::copy(&scene.trader);
    let gift = |lots| [sell(lots, call(ETH, NEAR, 3_000), 0.000_001)];
    let alone = scene.world.trade(&a, &a, &gift(1));
    refuse_all(&mut scene.world, &[alone.instruction()], &[&a.key], E::TradeWithSelf);
    let before = scene.wealth(&[&a, &b]);
    let mut given = 0;
    loop {
        let trade = scene.world.trade(&b, &a, &gift(20)).instruction();
        match scene.world.attempt(std::slice::from_ref(&trade), &[&a.key, &b.key]) {
            Ok(_) => given += 1,
            Err(error) => {
                assert_eq!(error.name(), E::BelowInitialMargin.name());
                let framed = [scene.world.begin(&a), trade, scene.world.end(&a, &gift(20))];
                refuse_all(&mut scene.world, &framed, &[&a.key, &b.key], E::BelowInitialMargin);
                break;
            }
        }
        let report = scene.world.report(&a);
        assert!(report.equity >= report.initial_margin && report.equity > 0, "{report:?}");
        assert!((scene.wealth(&[&a, &b]) - before).abs() <= 2, "nothing is won between them");
    }
    assert!(given > 2, "{given}");
    let start = scene.world.start(&scene.keeper, &a);
    scene.world.refuse(start.instruction(), &[&scene.keeper.key], E::AccountHealthy);
}

/// **Giving the rest away while flagged**, to a friend who buys dear or sells cheap: a trade in liquidation only reduces, and the account's equity
/// may not fall.
#[test]
fn a_flagged_account_gives_nothing_away() {
    let mut scene = Scene::distressed();
    scene.start();
    let keys = [scene.maker.key.insecure_clone(), scene.trader.key.insecure_clone()];
    let keys = [&keys[0], &keys[1]];
    let cover = |price| [buy(10, call(BTC, FAR, 100_000), price)];
    for reduce_only in [false, true] {
        let mut trade = scene.world.trade(&scene.maker, &scene.trader, &cover(20_000.0));
        trade.args.taker_reduce_only = reduce_only;
        let error = if reduce_only { E::ReduceOnlyHealth } else { E::AccountInLiquidation };
        scene.world.refuse(trade.instruction(), &keys, error);
    }
    let mut more = scene.world.trade(&scene.maker, &scene.trader, &[sell(1, call(BTC, FAR, 100_000), 20_000.0)]);
    more.args.taker_reduce_only = true;
    scene.world.refuse(more.instruction(), &keys, E::ReduceOnly);
    // At a price that leaves it better off it may go.
    let before = scene.wealth(&[&crate::scene::copy(&scene.trader)]);
    let mut fair = scene.world.trade(&scene.maker, &scene.trader, &cover(1_000.0));
    fair.args.taker_reduce_only = true;
    scene.world.accept(fair.instruction(), &keys);
    assert!(scene.wealth(&[&crate::scene::copy(&scene.trader)]) > before);
    assert_eq!(lots_of(&scene.world.account(&scene.trader), call(BTC, FAR, 100_000)), -191);
}

/// **A claim that a living price is none**, to have collateral count for nothing and buy it: for a day it does nothing, and whoever shows a price in
/// that day ends it and is paid for it.
#[test]
fn a_claim_against_a_living_price_costs_its_bond() {
    let mut scene = Scene::stretched();
    let (attacker, answerer) = (scene.keeper.key.insecure_clone(), Keypair::new());
    for key in [&attacker, &answerer] {
        scene.world.svm.airdrop(&key.pubkey(), 1_000_000_000).expect("an airdrop");
    }
    let start = scene.world.start(&scene.keeper, &scene.trader).instruction();
    scene.world.refuse(start.clone(), &[&attacker], E::AccountHealthy);
    let claim = scene.world.challenge(&attacker, SOL_TOKEN).instruction();
    scene.world.accept(claim, &[&attacker]);
    let sol = scene.world.spot(&feeds::SOL_USD);
    let old = PriceUpdate::new(feeds::SOL_USD, Price(sol), Price(sol / 1_000), scene.world.now());
    scene.world.advance(86_399);
    scene.world.refresh();
    scene.world.refuse(start.clone(), &[&attacker], E::AccountHealthy);
    let answer = scene.world.answer(&answerer, SOL_TOKEN).instruction();
    scene.world.accept(answer, &[&answerer]);
    let balance = |key: &Keypair| scene.world.svm.get_account(&key.pubkey()).expect("a wallet").lamports;
    assert_eq!(balance(&attacker) + balance(&answerer), 2_000_000_000);
    assert!(balance(&answerer) > 1_000_000_000);
    // An old price is an old price again.
    scene.world.advance(1);
    scene.world.post(&feeds::SOL_USD, &old);
    scene.world.refuse(start, &[&attacker], E::OracleStale);
}

/// **Prices at the edge of the oracle's interval**: liquidation goes on up to its limit and not beyond; a wide interval raises no maintenance
/// requirement, so it flags nobody; and nobody trades or withdraws at such a price.
#[test]
fn a_doubtful_price_flags_nobody_and_fills_nobody() {
    const LIMIT: u64 = 50_000_000;
    let mut scene = Scene::distressed();
    let bid = |scene: &Scene| scene.world.bid(&scene.keeper, &scene.trader, WHOLE / 20).instruction();
    doubt(&mut scene.world, LIMIT + 1_000);
    let start = scene.world.start(&scene.keeper, &scene.trader).instruction();
    scene.world.refuse(start.clone(), &[&scene.keeper.key], E::OracleConfidence);
    doubt(&mut scene.world, LIMIT);
    scene.world.accept(start, &[&scene.keeper.key]);
    let at_the_limit = bid(&scene);
    scene.world.accept(at_the_limit, &[&scene.keeper.key]);
    doubt(&mut scene.world, LIMIT + 1_000);
    let beyond = bid(&scene);
    scene.world.refuse(beyond, &[&scene.keeper.key], E::OracleConfidence);

    // The same requirement with a certain and a doubtful price, so nobody is flagged by doubt.
    let mut scene = Scene::stretched();
    let figures = |scene: &mut Scene, trader: &Trader| {
        let args = MarginCheckArgs { usage: PriceUse::Liquidation, ..MarginCheckArgs::default() };
        let report = scene.world.report_with(trader, args);
        (report.equity, report.maintenance_margin)
    };
    let trader = crate::scene::copy(&scene.trader);
    let certain = figures(&mut scene, &trader);
    doubt(&mut scene.world, LIMIT);
    assert_eq!(figures(&mut scene, &trader), certain);
    let start = scene.world.start(&scene.keeper, &trader);
    scene.world.refuse(start.instruction(), &[&scene.keeper.key], E::AccountHealthy);
    doubt(&mut scene.world, LIMIT / 5 + 1_000);
    let trade = scene.world.trade(&scene.maker, &trader, &[sell(1, perpetual(BTC), 94_128.89)]);
    scene.world.refuse(trade.instruction(), &[&scene.maker.key, &trader.key], E::OracleConfidence);
    let withdraw = scene.world.withdraw(&trader, USDC, 1);
    scene.world.refuse(withdraw.instruction(), &[&trader.key], E::OracleConfidence);
}
