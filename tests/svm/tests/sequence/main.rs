//! Random sequences of everything that traders, a venue, a keeper and the admin can do, over the SBF binary. After every
//! instruction the books balance; at the end everything is closed and every balance returns to its owner.
//!
//! A sequence depends on its seed alone. A failure names it, and
//! `SEQUENCE_SEED=… cargo test -p tests-svm --test sequence from_the_environment -- --nocapture` runs it again
//! (`SEQUENCE_STEPS`: how many actions, 1 200 if not given).

mod admin;
mod cash;
mod closing;
mod desk;
mod equity;
mod found;
mod funds;
mod legs;
mod liquidation;
mod markets;
mod settlement;
mod table;
mod tally;
mod trades;
mod venue;

use desk::Desk;

/// Actions of a sequence. Most are one instruction, some several.
const STEPS: u64 = 1_200;

fn run(seed: u64, steps: u64) {
    println!("sequence: seed {seed}, {steps} actions");
    let mut desk = Desk::open(seed);
    for step in 1..=steps {
        let action = table::pick(&mut desk.rng);
        desk.begin(step, action.name);
        (action.run)(&mut desk);
        desk.check_equity();
    }
    desk.begin(steps + 1, "closing");
    closing::close_everything(&mut desk);
    desk.tally.print(seed);
    if steps >= STEPS {
        desk.tally.assert_everything_happened();
    }
}

#[test]
fn one() {
    run(20_260_101, STEPS);
}

#[test]
fn two() {
    run(20_260_102, STEPS);
}

#[test]
fn three() {
    run(20_260_103, STEPS);
}

#[test]
fn four() {
    run(20_260_104, STEPS);
}

/// Any other seed, to repeat a failure or to search for one. Without `SEQUENCE_SEED`, a short sequence.
#[test]
fn from_the_environment() {
    let number = |name: &str| {
        std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
    };
    let seed = number("SEQUENCE_SEED");
    let steps = number("SEQUENCE_STEPS").unwrap_or(if seed.is_some() { STEPS } else { 50 });
    run(seed.unwrap_or(1), steps);
}
