//! `cargo xtask crash`: a market-wide crash on the program's binary.
//!
//! Many accounts with the usual books of an options venue, at the quotes of a real chain; the prices of the hardest hours on
//! record, and the same three times as hard; two keepers with limited capital. Time goes in steps of five minutes. After every
//! hour the vault is proved to hold what everybody claims, to the atom.

mod books;
mod keeper;
mod market;
mod path;
mod report;

use anyhow::Result;
use clap::Args;
use margin_client::{instructions::Fund, state::MarginAccount};
use tests_svm::{BTC, ETH, NOW, Rng, usdc};

use books::Client;
use keeper::Keeper;
use market::Market;
use report::{BookOutcome, KeeperOutcome, Outcome, Tally};

/// Of the traders' deposits: what a keeper has, and what is in each fund.
const KEEPER_CAPITAL: f64 = 0.02;
const FUND: f64 = 0.01;
/// What the keepers want of a bid, in multiples of what selling it costs.
const GREED: [f64; 2] = [1.2, 3.0];
/// Accounts with more equity than this over their maintenance margin are looked at once an hour.
const NEAR_LIMIT: f64 = 1.5;

#[derive(Args)]
pub struct Arguments {
    /// Print one JSON array and nothing else.
    #[arg(long)]
    json: bool,
    /// Traders.
    #[arg(long, default_value_t = 1_000)]
    accounts: usize,
    /// Of the books.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The record, and three times as hard.
const CRASHES: [(&str, f64); 2] = [("12 March 2020", 1.0), ("three times as hard", 3.0)];

/// Runs both crashes and prints what came of them.
pub fn run(arguments: &Arguments) -> Result<()> {
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let runs = CRASHES.map(|(name, hardness)| {
            let (accounts, seed) = (arguments.accounts, arguments.seed);
            scope.spawn(move || simulate(name, hardness, accounts, seed))
        });
        let joined = runs.map(|run| run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.into_iter().collect::<Result<_>>()
    })?;
    if arguments.json {
        println!("{}", serde_json::to_string(&outcomes)?);
    } else {
        println!("{}\n{}", report::render(&outcomes), report::render_kinds(&outcomes));
    }
    Ok(())
}

fn simulate(name: &'static str, hardness: f64, accounts: usize, seed: u64) -> Result<Outcome> {
    let path = path::read(hardness)?;
    let mut market = Market::open()?;
    let mut rng = Rng::new(seed);
    let mut clients = Vec::with_capacity(accounts);
    while clients.len() < accounts {
        clients.extend(books::open(&mut market, &mut rng)?);
    }
    let deposits: f64 = clients.iter().map(|client| client.deposit).sum();
    let mut keepers = GREED.map(|greed| {
        let capital = deposits * KEEPER_CAPITAL;
        Keeper { trader: market.world.funded(capital), capital, greed, bids: 0 }
    });
    for fund in [Fund::Common, Fund::Underlying(BTC), Fund::Underlying(ETH)] {
        market.world.insure(fund, usdc(deposits * FUND));
    }
    market.prove();

    let (mut tally, mut proofs) = (Tally::default(), 1);
    for (tick, factors) in path.iter().enumerate() {
        market.move_to(NOW + path::TICK * (tick as i64 + 1), *factors)?;
        let new_hour = tick % path::TICKS_OF_AN_HOUR == 0;
        for client in &mut clients {
            if new_hour || client.cushion < NEAR_LIMIT {
                // Both have the same news; who is first changes from account to account.
                keepers.reverse();
                keeper::tend(&mut market, client, &mut keepers, &mut tally)?;
            }
        }
        keepers.sort_by(|a, b| a.greed.total_cmp(&b.greed));
        for keeper in &keepers {
            keeper::unwind(&mut market, &keeper.trader)?;
        }
        if new_hour || tick + 1 == path.len() {
            market.prove();
            proofs += 1;
        }
    }
    let states: Vec<_> = clients.iter().map(|client| market.world.account(&client.trader)).collect();
    let mut uncovered = 0.0;
    for (client, state) in clients.iter().zip(&states) {
        if !is_empty(state) {
            uncovered += (-keeper::equity(&market, &client.trader)?).max(0.0);
        }
    }
    let mut ends = Vec::new();
    for keeper in &keepers {
        let equity = keeper::equity(&market, &keeper.trader)?;
        let positions = market.world.account(&keeper.trader).positions().iter().filter(|held| held.lots != 0).count();
        ends.push(KeeperOutcome {
            capital_usd: keeper.capital,
            profit_usd: equity - keeper.capital,
            bids: keeper.bids,
            positions,
        });
    }
    let (vault, claims) = market.vault_and_claims();
    let lowest = [0, 1].map(|at| path.iter().map(|factors| factors[at] * 100.0).fold(f64::MAX, f64::min));
    Ok(Outcome {
        name,
        seed,
        hours: path.len().div_ceil(path::TICKS_OF_AN_HOUR),
        lowest,
        accounts,
        deposits_usd: deposits,
        liquidated: clients.iter().filter(|client| client.liquidations > 0).count(),
        insolvent: clients.iter().filter(|client| client.was_insolvent).count(),
        unfinished: states.iter().filter(|state| state.in_liquidation()).count(),
        uncovered_usd: uncovered,
        tally,
        keepers: ends,
        kinds: by_kind(&clients),
        proofs,
        vault,
        claims,
    })
}

fn is_empty(account: &MarginAccount) -> bool {
    account.is_flat() && account.cash() >= 0
}

fn by_kind(clients: &[Client]) -> Vec<BookOutcome> {
    let of = |book| clients.iter().filter(move |client| client.kind == book);
    let outcome = |book| {
        let liquidated = of(book).filter(|client| client.liquidations > 0).count();
        BookOutcome { book, accounts: of(book).count(), liquidated }
    };
    books::KINDS.map(outcome).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_market_survives_and_a_harder_crash_liquidates_more() {
        let [(_, mild), (_, hard)] = CRASHES;
        let run = |hardness| simulate("test", hardness, 60, 7).unwrap();
        let (first, again, harder) = (run(mild), run(mild), run(hard));
        assert_eq!(first, again, "the seed decides everything");
        assert!(first.liquidated > 0 && first.tally.solvent_bids > 0, "{first:?}");
        assert!(harder.liquidated > first.liquidated, "{} after {}", harder.liquidated, first.liquidated);
        assert!(harder.tally.shortfall > first.tally.shortfall, "{harder:?}");
        for outcome in [&first, &harder] {
            let Tally { shortfall, from_underlying, from_common, socialised, .. } = outcome.tally;
            assert_eq!(shortfall as u64, from_underlying + from_common + socialised);
            assert_eq!(outcome.vault as i128, outcome.claims, "to the atom");
            assert!(outcome.proofs as usize > outcome.hours);
        }
    }
}
