//! Ports Debian's sources of the standard library to the Solana VM.
//!
//! The edits name exact text of one source version and how often it occurs. Any difference is an error that
//! quotes the text: another version is never ported by half.

mod edits;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// A change of one file below `library/`.
#[derive(Debug)]
pub struct Edit {
    pub file: &'static str,
    pub change: Change,
}

#[derive(Debug)]
pub enum Change {
    /// Writes a file that must not exist yet.
    Create(&'static str),
    /// Replaces `old`, which must occur exactly `count` times.
    Replace { old: &'static str, new: &'static str, count: usize },
    /// Inserts `text` before `anchor`, which must occur exactly once.
    Before { anchor: &'static str, text: &'static str },
    /// Inserts `text` after `anchor`, which must occur exactly once.
    After { anchor: &'static str, text: &'static str },
}

/// Ports the `library/` folder in place.
pub fn apply(library: &Path) -> Result<()> {
    edits::all().iter().try_for_each(|edit| apply_one(library, edit))
}

/// Text that differs whenever an edit does.
pub fn fingerprint() -> String {
    edits::all().iter().fold(String::new(), |mut text, edit| {
        let _ = writeln!(text, "{edit:?}");
        text
    })
}

fn apply_one(library: &Path, edit: &Edit) -> Result<()> {
    let path = library.join(edit.file);
    if let Change::Create(text) = edit.change {
        ensure!(!path.exists(), "port of std: {} exists already", edit.file);
        fs::create_dir_all(path.parent().expect("a file below `library`"))?;
        return fs::write(&path, text).with_context(|| format!("write {}", path.display()));
    }
    let text = fs::read_to_string(&path).with_context(|| format!("port of std: read {}", path.display()))?;
    let (old, new, count) = match edit.change {
        Change::Create(_) => unreachable!("handled above"),
        Change::Replace { old, new, count } => (old, new.to_owned(), count),
        Change::Before { anchor, text } => (anchor, format!("{text}{anchor}"), 1),
        Change::After { anchor, text } => (anchor, format!("{anchor}{text}"), 1),
    };
    let found = text.matches(old).count();
    if found != count {
        bail!(
            "port of std: {} holds the following text {found} times, expected {count}; \
             these are the sources of another version\n{old}",
            edit.file
        );
    }
    fs::write(&path, text.replace(old, &new)).with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLACE: Edit = Edit { file: "a.rs", change: Change::Replace { old: "old", new: "new", count: 2 } };

    #[test]
    fn text_is_replaced_and_inserted() {
        let folder = crate::scratch::folder("port");
        fs::write(folder.path().join("a.rs"), "old x old").unwrap();
        apply_one(folder.path(), &REPLACE).unwrap();
        apply_one(folder.path(), &Edit { file: "a.rs", change: Change::Before { anchor: "x", text: "<" } }).unwrap();
        apply_one(folder.path(), &Edit { file: "a.rs", change: Change::After { anchor: "x", text: ">" } }).unwrap();
        apply_one(folder.path(), &Edit { file: "b/c.rs", change: Change::Create("text") }).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("a.rs")).unwrap(), "new <x> new");
        assert_eq!(fs::read_to_string(folder.path().join("b/c.rs")).unwrap(), "text");
    }

    #[test]
    fn other_sources_are_refused_and_left_alone() {
        let folder = crate::scratch::folder("port-drift");
        let file = folder.path().join("a.rs");
        fs::write(&file, "old once").unwrap();
        let error = apply_one(folder.path(), &REPLACE).unwrap_err().to_string();
        assert!(error.contains("a.rs") && error.contains("1 times, expected 2"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old once");
    }

    #[test]
    fn a_second_port_is_refused() {
        let folder = crate::scratch::folder("port-twice");
        let edit = Edit { file: "new.rs", change: Change::Create("text") };
        apply_one(folder.path(), &edit).unwrap();
        assert!(apply_one(folder.path(), &edit).unwrap_err().to_string().contains("exists already"));
    }
}
