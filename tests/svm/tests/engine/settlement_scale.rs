//! How many accounts one transaction settles.

use tests_svm::{BTC, NEAR, Trader, World, buy, call, free_trading, future, put, usd, usdc};

#[test]
fn twenty_accounts_fit_one_transaction() {
    let mut world = World::new();
    let terms = margin_client::state::TradingParameters {
        settlement_fee: 200_000,
        option_fee_cap: 100_000_000,
        settler_reward: usdc(0.1),
        ..free_trading()
    };
    world.set_trading(BTC, terms);
    let (maker, settler) = (world.funded(10_000_000.0), world.funded(1.0));
    let takers: Vec<Trader> = (0..19).map(|_| world.funded(50_000.0)).collect();
    for taker in &takers {
        let legs = [
            buy(10, call(BTC, NEAR, 90_000), 5_000.0),
            buy(5, put(BTC, NEAR, 100_000), 7_000.0),
            buy(2, future(BTC, NEAR), 94_500.0),
        ];
        world.fill(&maker, taker, &legs);
    }
    world.finalise_at(BTC, NEAR, usd(95_145.0));
    let all: Vec<&Trader> = takers.iter().chain([&maker]).collect();
    let settle = world.settle(BTC, NEAR, &settler, &all).instruction();
    let receipt = world.accept(settle, &[]);
    println!("20 accounts with 3 positions each: {} CU", receipt.compute_units);
    assert!(receipt.compute_units < 400_000, "{} CU", receipt.compute_units);
    assert_eq!(world.cash(&settler), usdc(3.0) as i64);
    assert_eq!(world.slot(BTC, NEAR), None);
}
