//! Compute units of a fill.

use tests_svm::{Trader, lots_of};

use crate::desk::{Desk, option};

/// The compute units of a transaction whose one fill takes quotes of so many makers.
fn fill_of(makers: usize) -> u64 {
    let mut desk = Desk::new();
    let taker = desk.trader(100_000.0);
    let makers: Vec<Trader> = (0..makers).map(|_| desk.trader(100_000.0)).collect();
    let lots = makers.len() as i64;
    let terms = desk.terms(1, lots, 2_500.0);
    let request = desk.request(&taker, terms);
    for maker in &makers {
        desk.quote(maker, request, 1, 2_400.0);
    }
    let makers: Vec<&Trader> = makers.iter().collect();
    let fill = desk.fill(taker.owner(), request, &taker, &makers).instruction();
    let receipt = desk.accept(fill, &[&taker.key]);
    assert_eq!(lots_of(&desk.world.account(&taker), option()), lots);
    receipt.compute_units
}

#[test]
fn a_fill_fits_a_transaction() {
    let [one, four, seven] = [1, 4, 7].map(fill_of);
    println!("compute units of a fill: 1 quote {one}, 4 quotes {four}, 7 quotes {seven}");
    // As docs/integrators.md has it: far below the transaction's 1.4 million, and below the default of 200 000 for one.
    assert!(one < 200_000, "{one}");
    assert!(four < 400_000, "{four}");
    assert!(seven < 700_000, "{seven}");
}
