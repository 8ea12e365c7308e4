//! The margins of many accounts at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use margin_client::{margin::MarginFailure, state::MarginAccount};
use margin_engine::risk::Workspace;

use super::{Health, View};
use crate::store::{Entry, Exposure, Store};

/// Accounts that a worker takes at a time.
const CHUNK: usize = 256;
/// Fewer accounts than this are not worth a thread.
const WORTH_A_THREAD: usize = 64;

/// Whose health is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everyone's: time has passed.
    All,
    /// Of accounts that changed, and of those that hold any of these.
    Touched(Exposure),
}

impl Scope {
    fn holds(self, entry: &Entry) -> bool {
        match self {
            Self::All => true,
            Self::Touched(exposure) => entry.stale || exposure == Exposure::ALL || entry.exposure.touches(exposure),
        }
    }
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub assessed: usize,
    /// Of them, those that nobody could judge.
    pub unpriceable: usize,
    pub took: Duration,
}

/// Computes the health of every account in scope, on this many threads.
pub fn sweep(store: &mut Store, view: &View, scope: Scope, threads: usize) -> Swept {
    let since = Instant::now();
    let touched = store.entries().iter().filter(|entry| scope.holds(entry)).take(WORTH_A_THREAD).count();
    let threads = if touched < WORTH_A_THREAD { 1 } else { threads.max(1) };
    let chunks = Mutex::new(store.entries_mut().chunks_mut(CHUNK));
    let work = || {
        let mut swept = Swept::default();
        let next = || chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
        let judged = view.with(|judge| {
            let (mut workspace, mut memory) = (Workspace::new(), bytemuck::zeroed_box::<MarginAccount>());
            while let Some(chunk) = next() {
                for entry in chunk.iter_mut().filter(|entry| scope.holds(entry)) {
                    entry.account_into(&mut memory);
                    swept.add(entry, judge.health(&memory, &mut workspace));
                }
            }
        });
        if let Err(error) = judged {
            let code = match &error {
                MarginFailure::Program(error) => error.code,
                _ => 0,
            };
            while let Some(chunk) = next() {
                for entry in chunk.iter_mut().filter(|entry| scope.holds(entry)) {
                    swept.add(entry, Health::Unpriceable(code));
                }
            }
        }
        swept
    };
    let mut total = Swept::default();
    if threads == 1 {
        total.sum(work());
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                match worker.join() {
                    Ok(swept) => total.sum(swept),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
    }
    total.took = since.elapsed();
    total
}

impl Swept {
    fn add(&mut self, entry: &mut Entry, health: Health) {
        self.assessed += 1;
        self.unpriceable += usize::from(matches!(health, Health::Unpriceable(_)));
        (entry.health, entry.stale) = (health, false);
    }

    fn sum(&mut self, other: Self) {
        self.assessed += other.assessed;
        self.unpriceable += other.unpriceable;
    }
}
