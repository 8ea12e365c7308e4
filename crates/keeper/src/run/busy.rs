//! What is left alone for a while.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use solana_pubkey::Pubkey;

use crate::plan::Busy;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Subjects of actions that are under way, and of those that failed lately: each failure in a row doubles the pause.
#[derive(Debug, Default)]
pub struct Pauses {
    under_way: HashMap<Pubkey, usize>,
    failed: HashMap<Pubkey, (u32, Instant)>,
}

impl Pauses {
    pub fn begin(&mut self, subject: Pubkey) {
        *self.under_way.entry(subject).or_default() += 1;
    }

    pub fn end(&mut self, subject: &Pubkey, failed: bool, now: Instant) {
        if let Some(count) = self.under_way.get_mut(subject) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(subject);
            }
        }
        if !failed {
            self.failed.remove(subject);
            return;
        }
        let (count, until) = self.failed.entry(*subject).or_insert((0, now));
        let pause = FIRST_PAUSE.saturating_mul(1 << (*count).min(10)).min(LONGEST_PAUSE);
        *count = count.saturating_add(1);
        *until = now + pause;
    }

    /// How many actions are under way.
    #[must_use]
    pub fn count(&self) -> usize {
        self.under_way.values().sum()
    }

    #[must_use]
    pub fn at(&self, now: Instant) -> Busy {
        let paused = self.failed.iter().filter(|(_, (_, until))| *until > now).map(|(subject, _)| *subject);
        self.under_way.keys().copied().chain(paused).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_every_failure_and_end_with_a_success() {
        let (mut pauses, subject, start) = (Pauses::default(), Pubkey::new_unique(), Instant::now());
        pauses.begin(subject);
        assert!(pauses.at(start).contains(&subject) && pauses.count() == 1);
        pauses.end(&subject, true, start);
        assert!(pauses.at(start).contains(&subject));
        assert!(!pauses.at(start + FIRST_PAUSE).contains(&subject));
        pauses.end(&subject, true, start);
        assert!(pauses.at(start + FIRST_PAUSE).contains(&subject));
        for _ in 0..40 {
            pauses.end(&subject, true, start);
        }
        assert!(!pauses.at(start + LONGEST_PAUSE).contains(&subject));
        pauses.end(&subject, false, start);
        assert!(pauses.at(start).is_empty());
    }
}
