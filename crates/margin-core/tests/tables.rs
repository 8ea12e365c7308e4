//! The committed tables are what the committed generator writes.

use std::process::Command;

#[test]
fn the_generator_reproduces_the_tables() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("python3")
        .arg(format!("{folder}/tables/generate.py"))
        .arg("--stdout")
        .output()
        .unwrap_or_else(|error| panic!("python3, which generates the tables, does not start: {error}"));
    assert!(output.status.success(), "generate.py failed:\n{}", String::from_utf8_lossy(&output.stderr));
    let committed = std::fs::read(format!("{folder}/src/tables.rs")).expect("src/tables.rs");
    assert!(output.stdout == committed, "src/tables.rs differs from what tables/generate.py writes; run the generator");
}
