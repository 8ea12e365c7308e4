//! Which of two states of an account is the newer one.

/// When a state was written.
///
/// A node's subscriptions name the slot alone. Within a slot the order in which its notifications arrive is the order of
/// the writes, so [`Clock`] numbers them; a source that tells write versions (a Geyser stream) passes its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub slot: u64,
    pub write: u64,
}

/// Numbers what arrives.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    last: u64,
}

impl Clock {
    /// Version of a notification that has just arrived.
    pub fn arrived(&mut self, slot: u64) -> Version {
        self.last += 1;
        Version { slot, write: self.last }
    }

    /// A point in the order of arrivals, taken when a request is sent: what arrives later is newer than the answer where
    /// both are of the same slot.
    pub fn mark(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}
