//! Per leg × per scenario figures that add up exactly to the total.

use super::{MarginError, scan::Signs};

/// Most expiries of a book that is taken apart.
const MAX_EXPIRIES: usize = 16;

/// Signs of the expiries of a book, in its order: recorded from the whole book, replayed for parts of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SignLog {
    entries: [Signs; MAX_EXPIRIES],
    next: usize,
    replays: bool,
}

impl SignLog {
    /// From now on, what was recorded is replayed from its beginning.
    pub(super) fn rewind(&mut self) {
        (self.next, self.replays) = (0, true);
    }

    /// Signs of the expiry at hand, when replaying.
    pub(super) fn replayed(&self) -> Option<Signs> {
        if self.replays { self.entries.get(self.next).copied() } else { None }
    }

    /// The next expiry.
    pub(super) fn advance(&mut self, signs: Signs) -> Result<(), MarginError> {
        let entry = self.entries.get_mut(self.next).ok_or(MarginError::TooManyExpiries)?;
        if !self.replays {
            *entry = signs;
        }
        self.next = self.next.saturating_add(1);
        Ok(())
    }
}
