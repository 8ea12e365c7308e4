//! Health of a hundred thousand accounts after a price change.
//!
//! `cargo run --release -p margin-keeper --no-default-features --example bench_health [ACCOUNTS [THREADS]]`
//!
//! Every account holds eight legs on BTC and ETH: options of two expiries at strikes of its own, and a perpetual of each.
//! Exit status 1 beyond two seconds or a gibibyte, the limits that the keeper is built for.

#[path = "../../src/testing.rs"]
mod testing;

use std::process::ExitCode;
use std::time::Instant;

use margin_client::{
    margin::PriceUse,
    state::{Instrument, InstrumentKind},
};
use margin_keeper::{
    health::{Health, Scope, View, sweep},
    store::{Clock, Store},
};
use solana_pubkey::Pubkey;
use testing::{BTC, ETH, EXPIRIES, NOW, SPOTS};

const SECONDS: f64 = 2.0;
const GIBIBYTE: u64 = 1 << 30;
const LEGS: usize = 8;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let mut next = |default| arguments.next().map_or(Ok(default), |argument| argument);
    let (Ok(accounts), Ok(threads)) = (next(100_000), next(2)) else {
        eprintln!("usage: bench_health [ACCOUNTS [THREADS]]");
        return ExitCode::from(2);
    };

    let (mut store, mut clock) = (Store::new(testing::engine_address()), Clock::default());
    for index in [BTC, ETH] {
        store.markets.choose_price(testing::feed(index), testing::price_address(index));
    }
    for (address, account) in testing::markets() {
        store.apply(address, Some(&account), clock.arrived(1));
    }
    let mut random = Random(1);
    for number in 0..accounts {
        let account = testing::margin_account(owner(number), 15_000, &book(&mut random));
        assert_eq!(account.positions().len(), LEGS);
        store.apply(owner(number), Some(&testing::stored(&*account)), clock.arrived(1));
    }
    let view = View::new(&store, PriceUse::Liquidation, NOW).expect("the market is complete");
    store.take_changed();
    let first = sweep(&mut store, &view, Scope::All, threads);
    assert_eq!((first.assessed, first.unpriceable), (accounts, 0));

    // A price change of BTC and one of ETH touch every account.
    let mut worst = 0.0f64;
    for step in 1..=3u64 {
        for index in [BTC, ETH] {
            let price = SPOTS[usize::from(index)] / 1_000 * (1_000 - 3 * step);
            let account = testing::price(index, price, NOW);
            store.apply(testing::price_address(index), Some(&account), clock.arrived(1 + step));
        }
        let since = Instant::now();
        let view = View::new(&store, PriceUse::Liquidation, NOW).expect("the market is complete");
        let scope = Scope::Touched(store.take_changed());
        let swept = sweep(&mut store, &view, scope, threads);
        let seconds = since.elapsed().as_secs_f64();
        worst = worst.max(seconds);
        assert_eq!((swept.assessed, swept.unpriceable), (accounts, 0));
        println!("price change {step}: {accounts} accounts x {LEGS} legs in {seconds:.3} s on {threads} threads");
    }
    let liquidatable = store.entries().iter().filter(|entry| entry.health.liquidatable()).count();
    let known = store.entries().iter().filter(|entry| matches!(entry.health, Health::Known(_))).count();
    assert_eq!(known, accounts);
    let each = worst * threads as f64 / accounts as f64 * 1e6;
    println!("cost: {each:.1} us of one core per account, {:.2} us per leg", each / LEGS as f64);
    println!(
        "accounts in memory: {} MiB, {} bytes each",
        store.account_bytes() >> 20,
        store.account_bytes() / accounts.max(1)
    );
    println!("below maintenance margin: {liquidatable}");
    let peak = peak_memory();
    match peak {
        Some(peak) => println!("peak memory: {} MiB", peak >> 20),
        None => println!("peak memory: this system does not tell"),
    }
    if worst < SECONDS && peak.is_none_or(|peak| peak < GIBIBYTE) {
        return ExitCode::SUCCESS;
    }
    eprintln!("limits: {SECONDS} s and {} MiB", GIBIBYTE >> 20);
    ExitCode::FAILURE
}

/// Eight legs: on each underlying three options and the perpetual.
fn book(random: &mut Random) -> Vec<(Instrument, i64)> {
    let mut legs = Vec::with_capacity(LEGS);
    for underlying in [BTC, ETH] {
        let spot = SPOTS[usize::from(underlying)];
        for number in 0..3 {
            let kind = if random.below(2) == 0 { InstrumentKind::Call } else { InstrumentKind::Put };
            let expiry = EXPIRIES[random.below(2) as usize];
            // 70 to 130 % of spot, no two the same.
            let strike = spot / 1_000 * (700 + number * 200 + random.below(200));
            legs.push((testing::option(underlying, kind, expiry, strike), 50 - random.below(100) as i64));
        }
        legs.push((Instrument::perpetual(underlying), 1 + random.below(50) as i64));
    }
    // No lots are no position.
    for leg in &mut legs {
        leg.1 = if leg.1 == 0 { 1 } else { leg.1 };
    }
    legs
}

fn owner(number: usize) -> Pubkey {
    let mut bytes = [0xa5; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    Pubkey::new_from_array(bytes)
}

/// A linear congruential generator: the same books every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Most memory that the process ever had, as Linux tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}
