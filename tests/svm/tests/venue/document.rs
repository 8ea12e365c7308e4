//! `docs/integrators.md` shows code that is compiled and run, line by line.

use std::{fs, path::Path};

/// Blocks of Rust, each with the file that a comment before it names.
fn blocks(document: &str) -> Vec<(String, Vec<String>)> {
    let mut blocks = Vec::new();
    let (mut source, mut open): (Option<String>, Option<Vec<String>>) = (None, None);
    for line in document.lines() {
        if let Some(lines) = &mut open {
            if line.trim() == "```" {
                let source = source.take().expect("a block of Rust follows the name of its file");
                blocks.push((source, open.take().unwrap_or_default()));
            } else {
                lines.push(line.trim().to_owned());
            }
        } else if let Some(name) = line.strip_prefix("<!-- from ").and_then(|rest| rest.strip_suffix(" -->")) {
            source = Some(name.to_owned());
        } else if line.trim() == "```rust" {
            open = Some(Vec::new());
        }
    }
    blocks
}

#[test]
fn the_code_of_the_document_is_the_code_that_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/integrators.md")).unwrap();
    let blocks = blocks(&document);
    assert!(blocks.len() >= 10, "{} blocks", blocks.len());
    for (source, block) in blocks {
        let text = fs::read_to_string(root.join(&source)).unwrap_or_else(|error| panic!("{source}: {error}"));
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        // `…` stands for lines that are left out; blank lines do not count.
        let mut at = 0;
        for part in block.split(|line| line == "// …") {
            let part: Vec<&String> = part.iter().filter(|line| !line.is_empty()).collect();
            let wanted = |from: usize| {
                let found = lines[from..].iter().filter(|line| !line.is_empty()).take(part.len());
                found.eq(part.iter().copied())
            };
            let found = (at..lines.len()).find(|from| !lines[*from].is_empty() && wanted(*from));
            at = match found {
                _ if part.is_empty() => at,
                Some(from) => from + part.len(),
                None => panic!("{source} does not have:\n{}", block.join("\n")),
            };
        }
    }
}
