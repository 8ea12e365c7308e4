//! Progress of a long set-up: one line a step, alive on a terminal, plain in a log.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// How often a watched folder is measured.
const POLL: Duration = Duration::from_millis(200);

/// Numbers the steps of one set-up.
pub struct Progress {
    total: usize,
    started: usize,
}

/// A step under way.
pub struct Step {
    label: String,
    bar: Option<ProgressBar>,
    since: Instant,
}

impl Progress {
    pub fn new(total: usize) -> Self {
        Self { total, started: 0 }
    }

    /// Runs one step. An error is given the step's name.
    pub fn step<T>(&mut self, name: &str, work: impl FnOnce(&Step) -> Result<T>) -> Result<T> {
        self.started += 1;
        let label = format!("[{}/{}] {name}", self.started, self.total);
        let step = Step::start(label);
        let result = work(&step);
        step.end(result.is_ok());
        result.with_context(|| format!("step \"{name}\" failed"))
    }

    /// Says that a step's result is there already.
    pub fn reuse(&mut self, name: &str) {
        self.started += 1;
        eprintln!("[{}/{}] {name}: ready", self.started, self.total);
    }
}

impl Step {
    fn start(label: String) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(style("{spinner} {prefix} ({elapsed}) {wide_msg}"));
            bar.set_prefix(label.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("{label} …");
        }
        Self { label, bar, since: Instant::now() }
    }

    /// Shows what the step is doing now (terminals only: a log keeps one line a step).
    pub fn message(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.trim().to_owned());
        }
    }

    /// Says something that must stay readable after the step.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(format!("      {text}")),
            None => eprintln!("      {text}"),
        }
    }

    /// Shows the growth of `folder` towards `expected` bytes until the returned value is dropped.
    pub fn watch(&self, folder: &Path, expected: u64) -> Option<Watch> {
        let bar = self.bar.clone()?;
        bar.set_length(expected);
        bar.set_style(style("{spinner} {prefix} ({elapsed}) [{bar:30}] {bytes}/{total_bytes}"));
        let stop = Arc::new(AtomicBool::new(false));
        let (folder, stopped) = (folder.to_path_buf(), stop.clone());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                bar.set_position(size_of_files(&folder).min(expected));
                std::thread::sleep(POLL);
            }
            bar.set_style(style("{spinner} {prefix} ({elapsed}) {wide_msg}"));
        });
        Some(Watch { stop, thread: Some(thread) })
    }

    fn end(self, ok: bool) {
        let seconds = self.since.elapsed().as_secs();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{}: {} ({seconds} s)", self.label, if ok { "done" } else { "failed" });
    }
}

/// Ends the measuring of a folder when dropped.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The total size of the files below `folder`; a file that vanishes meanwhile counts nothing.
fn size_of_files(folder: &Path) -> u64 {
    let mut folders: Vec<PathBuf> = vec![folder.to_path_buf()];
    let mut total = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) => total += meta.len(),
                Err(_) => {}
            }
        }
    }
    total
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_is_named() {
        let error =
            Progress::new(1).step("Debian packages", |_| anyhow::bail!("no network") as Result<()>).unwrap_err();
        let text = format!("{error:#}");
        assert_eq!(text, "step \"Debian packages\" failed: no network");
    }

    #[test]
    fn files_of_nested_folders_are_summed() {
        let folder = crate::scratch::folder("size");
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        std::fs::write(folder.path().join("a"), [0; 3]).unwrap();
        std::fs::write(folder.path().join("inner/b"), [0; 4]).unwrap();
        assert_eq!(size_of_files(folder.path()), 7);
    }
}
