//! The worked figures of `docs/risk-model.md`, recomputed.
//!
//! The document's ```` ```text ```` blocks name an example and list its inputs and, after an arrow, its
//! figures as `name = value unit`, separated by commas or line ends. For each example there is one computation here: it reads the inputs from the document, calls the
//! core's public API, and computes the same figure in floating point from the formula as a reader would. A figure must
//! agree with the core in every digit that is printed, and with the reader's.

#[path = "risk_model_doc/account.rs"]
mod account;
#[path = "risk_model_doc/charges.rs"]
mod charges;
#[path = "risk_model_doc/digital.rs"]
mod digital;
#[path = "risk_model_doc/document.rs"]
mod document;
#[path = "risk_model_doc/lab.rs"]
mod lab;
#[path = "risk_model_doc/marks.rs"]
mod marks;
#[path = "risk_model_doc/reader.rs"]
mod reader;
#[path = "risk_model_doc/rules.rs"]
mod rules;
#[path = "risk_model_doc/scan.rs"]
mod scan;

use std::collections::{BTreeMap, BTreeSet};

use document::{Computation, Example, examples, text};

fn computations() -> BTreeMap<&'static str, fn(&Example)> {
    let all: Vec<Computation> = [marks::ALL, scan::ALL, charges::ALL, account::ALL, digital::ALL].concat();
    let count = all.len();
    let map: BTreeMap<_, _> = all.into_iter().collect();
    assert_eq!(map.len(), count, "an example is computed twice");
    map
}

#[test]
fn every_figure_is_recomputed() {
    let computations = computations();
    let examples = examples(&text()).unwrap();
    let named: BTreeSet<&str> = examples.iter().map(|example| example.name.as_str()).collect();
    assert_eq!(named.len(), examples.len(), "an example's name is used twice");
    let mut failures: Vec<String> = computations
        .keys()
        .filter(|name| !named.contains(**name))
        .map(|name| format!("[{name}] is computed but not in the document"))
        .collect();
    for example in &examples {
        match computations.get(example.name.as_str()) {
            Some(compute) => {
                compute(example);
                failures.extend(example.failures());
            }
            None => failures.push(format!("[{}] is in the document but not computed", example.name)),
        }
    }
    assert!(failures.is_empty(), "docs/risk-model.md:\n{}", failures.join("\n"));
}

/// The comparison itself: a wrong last digit, a row nobody computes, an input nobody reads.
#[test]
fn a_wrong_document_is_noticed() {
    let right = "```text units.notional\nlots = -250, lot_size = 0.01 BTC\nprice = 64123.45 USD\n\
                 => value = -160308.63 USD\n```\n";
    let agrees = |text: &str| {
        let examples = examples(text).unwrap();
        let example = &examples[0];
        computations()[example.name.as_str()](example);
        example.failures().is_empty()
    };
    assert!(agrees(right));
    for (old, new) in [
        ("308.63", "308.62"),
        ("308.63", "308.630"),
        ("lot_size", "b = 1, lot_size"),
        (".45 USD", ".46 USD"),
        ("=> ", ""),
    ] {
        assert!(!agrees(&right.replace(old, new)), "{new}");
    }
    assert!(examples("```text\na = 1\n```\n").is_err());
    assert!(examples("```text name\nvalue\n```\n").is_err());
}
