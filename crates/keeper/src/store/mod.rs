//! The chain's state as far as a keeper needs it, in memory.
//!
//! # Order
//! States arrive twice, late and out of order: from a subscription, from a snapshot that was asked for earlier, from another
//! fork. Three rules keep the store right:
//!
//! 1. A state replaces another one only if its [`Version`] is higher; an equal or lower one is dropped.
//! 2. A closed account leaves a tombstone with its version, so that a late state does not bring it back.
//! 3. A full snapshot ([`Store::begin_snapshot`]) overrules whatever is of its slot or below: it replaces, and it removes what it
//!    does not hold. That repairs a missed closure, a gap, and states of a fork that was abandoned.
//!
//! A keeper subscribes with commitment `confirmed`: two thirds of the stake have voted for such a slot, so it is abandoned
//! only if a third of it is willing to be slashed, while `finalized` would be twelve seconds late in a crash and
//! `processed` shows forks that disappear. Whatever a keeper gets wrong, the program checks again.

mod exposure;
mod markets;
mod version;

use std::collections::HashMap;

use margin_client::{
    AccountKind, Loaded, PROGRAM_ID,
    accounts::decode,
    state::{Engine, MarginAccount},
};
use solana_account::{Account, ReadableAccount as _};
use solana_pubkey::Pubkey;

pub use exposure::Exposure;
pub use markets::{Market, Markets};
pub use version::{Clock, Version};

use crate::{health::Health, packed::Packed};

/// What became of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is newer than what was there and differs from it.
    Changed,
    /// It is newer, and the same.
    Unchanged,
    /// What was there is as new or newer: a duplicate, a late state, another fork's.
    Stale,
    /// It is none of this engine's accounts.
    Foreign,
    /// It is this program's, and not readable: a newer layout.
    Unreadable,
}

/// One margin account.
#[derive(Clone, Debug)]
pub struct Entry {
    pub address: Pubkey,
    pub version: Version,
    pub exposure: Exposure,
    /// Earliest expiry among its positions, Unix seconds; `i64::MAX` if none expires.
    pub first_expiry: i64,
    pub in_liquidation: bool,
    /// Changed since its health was computed.
    pub stale: bool,
    pub health: Health,
    packed: Packed,
}

impl Entry {
    fn new(address: Pubkey, version: Version, account: &MarginAccount) -> Self {
        Self {
            address,
            version,
            exposure: Exposure::of(account),
            first_expiry: account.positions().iter().map(|p| p.expiry).filter(|e| *e > 0).min().unwrap_or(i64::MAX),
            in_liquidation: account.in_liquidation(),
            stale: true,
            health: Health::Unknown,
            packed: Packed::new(account),
        }
    }

    /// The account as the program stores it.
    #[must_use]
    pub fn account(&self) -> Box<MarginAccount> {
        self.packed.unpack()
    }

    /// The same into memory that has served others.
    pub fn account_into(&self, memory: &mut MarginAccount) {
        self.packed.unpack_into(memory);
    }
}

/// A full snapshot being taken in.
#[derive(Debug)]
pub struct SnapshotInProgress {
    version: Version,
    seen: std::collections::HashSet<Pubkey>,
}

/// Everything of one engine.
#[derive(Clone, Debug)]
pub struct Store {
    pub markets: Markets,
    entries: Vec<Entry>,
    places: HashMap<Pubkey, usize>,
    /// Accounts that were closed, with the version of the closure.
    closed: HashMap<Pubkey, Version>,
    /// Markets that changed since the health was last computed.
    changed: Exposure,
    /// Highest slot that anything came from.
    slot: u64,
}

impl Store {
    #[must_use]
    pub fn new(engine: Pubkey) -> Self {
        Self {
            markets: Markets::new(engine),
            entries: Vec::new(),
            places: HashMap::new(),
            closed: HashMap::new(),
            changed: Exposure::ALL,
            slot: 0,
        }
    }

    #[must_use]
    pub fn engine_address(&self) -> Pubkey {
        self.markets.engine_address()
    }

    /// The engine, once it was seen.
    #[must_use]
    pub fn engine(&self) -> Option<&Loaded<Engine>> {
        self.markets.engine()
    }

    /// Highest slot that anything came from.
    #[must_use]
    pub fn slot(&self) -> u64 {
        self.slot
    }

    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    #[must_use]
    pub fn entry(&self, address: &Pubkey) -> Option<&Entry> {
        self.places.get(address).and_then(|place| self.entries.get(*place))
    }

    /// A margin account, unpacked.
    #[must_use]
    pub fn account(&self, address: &Pubkey) -> Option<Loaded<MarginAccount>> {
        self.entry(address).map(|entry| Loaded::from_state(*address, entry.account()))
    }

    /// Markets that changed since the last call, which forgets them.
    pub fn take_changed(&mut self) -> Exposure {
        std::mem::replace(&mut self.changed, Exposure::NONE)
    }

    /// Whether anything waits for its health to be computed.
    #[must_use]
    pub fn needs_sweep(&self) -> bool {
        !self.changed.is_empty() || self.entries.iter().any(|entry| entry.stale)
    }

    /// Bytes that the margin accounts take, the allocator's own aside.
    #[must_use]
    pub fn account_bytes(&self) -> usize {
        let packed: usize = self.entries.iter().map(|entry| entry.packed.bytes()).sum();
        packed + self.entries.len() * size_of::<Entry>()
    }

    /// Takes in a state. `None` or an account without lamports: it was closed.
    pub fn apply(&mut self, address: Pubkey, account: Option<&Account>, version: Version) -> Outcome {
        self.slot = self.slot.max(version.slot);
        let account = account.filter(|account| account.lamports > 0);
        if self.markets.is_price(&address) {
            let (outcome, touched) = self.markets.set_price(address, account, version);
            self.changed |= touched;
            return outcome;
        }
        let Some(account) = account.filter(|account| account.owner == PROGRAM_ID) else {
            return self.close(&address, version);
        };
        match AccountKind::of(account.data()) {
            Some(AccountKind::MarginAccount) => self.apply_margin_account(address, account, version),
            Some(
                AccountKind::Engine | AccountKind::Collateral | AccountKind::Underlying | AccountKind::CorrelationModel,
            ) => {
                let (outcome, touched) = self.markets.apply(address, account, version);
                self.changed |= touched;
                outcome
            }
            Some(_) | None => Outcome::Foreign,
        }
    }

    /// Whether what is held of an account is this, whatever its version.
    #[must_use]
    pub fn holds(&self, address: &Pubkey, account: &Account) -> bool {
        match self.entry(address) {
            Some(entry) => decode::<MarginAccount>(account.owner(), account.data())
                .is_ok_and(|state| entry.packed == Packed::new(&state)),
            None => self.markets.holds(address, account),
        }
    }

    fn apply_margin_account(&mut self, address: Pubkey, account: &Account, version: Version) -> Outcome {
        let Ok(state) = decode::<MarginAccount>(account.owner(), account.data()) else {
            return Outcome::Unreadable;
        };
        if state.engine != self.engine_address() {
            return Outcome::Foreign;
        }
        if self.closed.get(&address).is_some_and(|closed| *closed >= version) {
            return Outcome::Stale;
        }
        let entry = Entry::new(address, version, &state);
        match self.places.get(&address).and_then(|place| self.entries.get_mut(*place)) {
            Some(held) if held.version >= version => Outcome::Stale,
            Some(held) if held.packed == entry.packed => {
                held.version = version;
                Outcome::Unchanged
            }
            Some(held) => {
                *held = Entry { health: held.health, ..entry };
                Outcome::Changed
            }
            None => {
                self.closed.remove(&address);
                self.places.insert(address, self.entries.len());
                self.entries.push(entry);
                Outcome::Changed
            }
        }
    }

    fn close(&mut self, address: &Pubkey, version: Version) -> Outcome {
        let Some(entry) = self.entry(address) else { return Outcome::Foreign };
        if entry.version >= version {
            return Outcome::Stale;
        }
        self.closed.insert(*address, version);
        self.remove(address);
        Outcome::Changed
    }

    fn remove(&mut self, address: &Pubkey) {
        let Some(place) = self.places.remove(address) else { return };
        self.entries.swap_remove(place);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.address, place);
        }
    }

    /// Begins to take in a full snapshot of the program's accounts as of a slot; `asked` is [`Clock::mark`] at the request.
    #[must_use]
    pub fn begin_snapshot(&self, slot: u64, asked: u64) -> SnapshotInProgress {
        SnapshotInProgress { version: Version { slot, write: asked }, seen: Default::default() }
    }

    /// One account of the snapshot.
    pub fn apply_snapshot(&mut self, snapshot: &mut SnapshotInProgress, address: Pubkey, account: &Account) -> Outcome {
        snapshot.seen.insert(address);
        self.apply(address, Some(account), snapshot.version)
    }

    /// Ends it: margin accounts that it does not hold, and nothing newer was heard of, are gone. Returns how many.
    pub fn end_snapshot(&mut self, snapshot: &SnapshotInProgress) -> usize {
        let gone: Vec<Pubkey> = self
            .entries
            .iter()
            .filter(|entry| entry.version < snapshot.version && !snapshot.seen.contains(&entry.address))
            .map(|entry| entry.address)
            .collect();
        for address in &gone {
            self.remove(address);
        }
        // What could bring them back is as old as the snapshot, and it says that they are gone.
        self.closed.retain(|_, closed| *closed > snapshot.version);
        for address in &gone {
            self.closed.insert(*address, snapshot.version);
        }
        gone.len()
    }
}

#[cfg(test)]
mod tests;
