//! The program's code on this machine and its binary on the virtual machine give the same figures, bit for bit.

mod random;

use std::collections::BTreeMap;

use margin_client::state::AccountMode;
use margin_evaluate::{Book, EvaluateError, Host, Options, Svm, default_program, evaluate};
use random::{Rng, portfolio};

fn machine() -> Svm {
    let path = default_program();
    let program = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask build-sbf margin-engine` makes it", path.display()));
    Svm::new(&program).unwrap()
}

#[test]
fn a_thousand_random_portfolios_agree_bit_for_bit() {
    const PORTFOLIOS: u64 = 1_000;
    let mut machine = machine();
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    let (mut judged, mut detailed, mut legs, mut worst) = (0u64, 0u64, 0usize, 0u64);
    let mut seen = BTreeMap::<&str, u64>::new();
    for seed in 0..PORTFOLIOS {
        let mut rng = Rng::new(seed);
        let portfolio = portfolio(&mut rng);
        let book = Book::new(&portfolio).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{portfolio:?}"));
        let mode = rng
            .chance(3)
            .then(|| [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard][rng.below(3) as usize]);
        let options = Options { mode, detail: seed % 8 == 0, greeks: !rng.chance(4) };
        let host = evaluate(&mut Host, &book, &options);
        let mut chain = evaluate(&mut machine, &book, &options);
        if let Ok(evaluation) = &mut chain {
            worst = worst.max(evaluation.compute_units.take().expect("the machine counts"));
        }
        assert_eq!(host, chain, "seed {seed}\n{portfolio:?}");
        match host {
            Ok(evaluation) => {
                judged += 1;
                detailed += u64::from(!evaluation.underlyings.is_empty());
                legs = legs.max(book.account.positions().len());
                for detail in &evaluation.underlyings {
                    let parts = || detail.positions.iter().chain([&detail.collateral]);
                    let marks: i128 = parts().map(|part| part.mark_to_market).sum();
                    assert_eq!(marks, detail.book.mark_to_market, "seed {seed}");
                    for (scenario, profit) in detail.book.profits.iter().enumerate() {
                        let sum: i128 = parts().map(|part| part.profits[scenario]).sum();
                        assert_eq!(sum, *profit, "seed {seed}, scenario {scenario}");
                    }
                }
                let name = match evaluation.report.mode {
                    AccountMode::Portfolio if evaluation.report.cross.is_some() => "correlated",
                    AccountMode::Portfolio => "portfolio",
                    AccountMode::Isolated => "isolated",
                    AccountMode::Standard => "standard",
                };
                *seen.entry(name).or_default() += 1;
            }
            Err(EvaluateError::Program(error)) => *refused.entry(error.name).or_default() += 1,
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    println!(
        "{judged} judged {seen:?}, {detailed} by leg, up to {legs} legs, {worst} CU at most; refused: {refused:?}"
    );
    assert!(judged >= PORTFOLIOS * 9 / 10 && detailed > 50, "{judged} judged, {detailed} by leg");
    assert!(seen.len() == 4 && seen.values().all(|count| *count > 50), "{seen:?}");
}

#[test]
fn bytes_that_are_no_program_are_refused() {
    assert!(matches!(Svm::new(b"not an ELF"), Err(EvaluateError::Binary(_))));
}
