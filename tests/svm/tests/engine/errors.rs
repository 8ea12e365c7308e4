//! No error without a test that provokes it.

use std::{collections::BTreeSet, fs, path::Path};

use margin_client::errors::ENGINE_ERRORS;

/// Errors that no state and no input can provoke, each with its reason.
const UNREACHABLE: [&str; 0] = [];

/// Names behind `E::` or `EngineError::` in code, without what is commented out.
fn named_in(source: &str) -> BTreeSet<String> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| {
        line.match_indices("E::").chain(line.match_indices("EngineError::")).map(|(at, path)| {
            let name = &line[at + path.len()..];
            name[..name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len())].to_owned()
        })
    })
    .collect()
}

#[test]
fn every_error_of_the_program_is_provoked_by_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine");
    let mut named = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("the folder of these tests") {
        let path = entry.expect("an entry").path();
        if path.file_name() != Path::new(file!()).file_name() {
            named.extend(named_in(&fs::read_to_string(path).expect("a source file")));
        }
    }
    assert!(ENGINE_ERRORS.len() > 100, "the client lists the program's errors");
    for error in ENGINE_ERRORS.iter().map(|error| error.name()) {
        let exempt = UNREACHABLE.contains(&error.as_str());
        assert_ne!(named.contains(&error), exempt, "{error}: a test for it, or a reason why there can be none");
    }
}

#[test]
fn names_are_found_in_code_only() {
    let source = "world.refuse(x, E::First);\n // E::Second\nlet e = EngineError::Third;";
    assert_eq!(named_in(source), ["First", "Third"].map(str::to_owned).into());
}
