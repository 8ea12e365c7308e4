//! Many accounts: how many one transaction settles, books at random, and a keeper.

use margin_client::{
    margin::{PriceUse, read_price},
    settlement::{SettlementStep, settlement_steps},
};
use tests_svm::{BTC, ETH, FAR, NEAR, Rng, Trader, World, buy, call, free_trading, future, put, specs, usd, usdc};

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

/// A number from zero up to `limit`, which it never is.
fn below(rng: &mut Rng, limit: u64) -> u64 {
    rng.bits() % limit
}

/// Whatever is open at whatever price, settled in any order: after every step the vault holds what is claimed and less than
/// an atom more for each position. The world checks that after each accepted instruction.
#[test]
fn random_books_are_settled_to_the_atom() {
    let seed = 20_260_130;
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    for _ in 0..6 {
        let mut world = World::new();
        let rate = |rng: &mut Rng, most| u32::try_from(below(rng, most)).expect("a rate");
        let terms = margin_client::state::TradingParameters {
            settlement_fee: rate(&mut rng, 1_000_000),
            option_fee_cap: rate(&mut rng, 200_000_000),
            settler_reward: below(&mut rng, 2_000_000),
            taker_fee: rate(&mut rng, 1_000_000),
            ..free_trading()
        };
        world.set_trading(ETH, terms);
        let traders: Vec<Trader> = (0..5).map(|_| world.funded(1_000_000.0)).collect();
        let settler = world.funded(0.000_001);
        for _ in 0..12 {
            let (maker, taker) = (below(&mut rng, 5) as usize, below(&mut rng, 5) as usize);
            if maker == taker {
                continue;
            }
            let lots = 1 + below(&mut rng, 60) as i64;
            let lots = if rng.one_in(2) { lots } else { -lots };
            let strike = 2_800 + 100 * below(&mut rng, 8);
            let instrument = match below(&mut rng, 3) {
                0 => call(ETH, NEAR, strike),
                1 => put(ETH, NEAR, strike),
                _ => future(ETH, NEAR),
            };
            world.fill(&traders[maker], &traders[taker], &[buy(lots, instrument, 3_240.0)]);
        }
        // A price with all its twelve decimals, and a little different in every sample.
        let spot = usd(2_700.0) + below(&mut rng, usd(1_000.0));
        world.sample_window(ETH, NEAR, (0..20).map(|minute| spot + minute * 7_777_777_777));
        let finalise = world.finalise(ETH, NEAR);
        world.accept(finalise.instruction(), &[]);
        let mut left: Vec<&Trader> = traders.iter().collect();
        while !left.is_empty() {
            let one = left.remove(below(&mut rng, left.len() as u64) as usize);
            if world.slot(ETH, NEAR).is_some() {
                let settle = world.settle(ETH, NEAR, &settler, &[one]);
                world.accept(settle.instruction(), &[]);
            }
        }
        assert_eq!(world.slot(ETH, NEAR), None);
        let collect = world.fee_collection(&traders.iter().collect::<Vec<_>>());
        world.accept(collect.instruction(), &[]);
    }
}

/// Sends what the client proposes for BTC, and counts samples, finals and settlements.
fn crank(world: &mut World, settler: &Trader) -> [usize; 3] {
    let underlying = world.underlying(BTC);
    let address = world.price_account(&specs()[0].feed);
    let account = world.svm.get_account(&address).expect("a price account");
    let price = read_price(&underlying.oracle, address, &account, PriceUse::RaiseRisk, world.now());
    let price = price.ok().map(|view| (address, view));
    let steps = settlement_steps(&underlying, price, &world.margin_accounts(), &settler.account, world.now());
    let mut counts = [0; 3];
    for step in steps {
        let kind = match &step {
            SettlementStep::Sample(_) => 0,
            SettlementStep::Finalise(_) => 1,
            SettlementStep::Settle(_) => 2,
        };
        counts[kind] += 1;
        assert_eq!(step.expiry(), NEAR);
        world.accept(step.instruction(), &[]);
    }
    counts
}

#[test]
fn a_keeper_with_the_clients_steps_settles_everything() {
    let mut world = World::new();
    let (maker, settler) = (world.funded(10_000_000.0), world.funded(1.0));
    let takers: Vec<Trader> = (0..22).map(|_| world.funded(50_000.0)).collect();
    for taker in &takers {
        world.fill(&maker, taker, &[buy(1, call(BTC, NEAR, 90_000), 5_000.0), buy(1, future(BTC, FAR), 95_000.0)]);
    }
    world.set_time(NEAR - 3_600);
    world.refresh_prices();
    assert_eq!(crank(&mut world, &settler), [0, 0, 0], "nothing is due");
    let mut samples = 0;
    for minute in 0..19 {
        world.set_time(NEAR - 1_200 + 60 * minute);
        // Between two updates of the oracle there is nothing to do either.
        assert_eq!(crank(&mut world, &settler), [0, 0, 0]);
        world.refresh_prices();
        let [taken, ..] = crank(&mut world, &settler);
        samples += taken;
    }
    assert_eq!(samples, 19);
    // The last sample comes after the expiry, and all else with it: 23 accounts in two transactions.
    world.set_time(NEAR + 30);
    world.refresh_prices();
    assert_eq!(crank(&mut world, &settler), [1, 1, 2]);
    assert_eq!(world.slot(BTC, NEAR), None);
    assert_eq!(world.slot(BTC, FAR).expect("listed").open_lots, 44);
    assert_eq!(crank(&mut world, &settler), [0, 0, 0]);
}
