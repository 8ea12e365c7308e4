//! Decoding of the program's accounts.
//!
//! The stored types are the program's own; [`decode`] checks owner, type, length and layout version before it hands
//! one out, each fault with its own error.

use std::{mem::offset_of, ops::Deref};

use anchor_lang::Discriminator;
use bytemuck::Pod;
use fixed::types::I80F48;
use margin_engine::{
    constants::{LAYOUT_VERSION, RATIO_ONE, SECONDS_PER_YEAR},
    state::{Collateral, CorrelationModel, Engine, ExpirySlot, MarginAccount, Underlying, Venue},
};
use solana_account::ReadableAccount;
use solana_pubkey::Pubkey;

use crate::addresses::PROGRAM_ID;

/// Types of account that the program stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    Engine,
    Collateral,
    Underlying,
    MarginAccount,
    CorrelationModel,
    Venue,
}

impl AccountKind {
    const ALL: [Self; 6] =
        [Self::Engine, Self::Collateral, Self::Underlying, Self::MarginAccount, Self::CorrelationModel, Self::Venue];

    /// The eight bytes an account of this kind begins with; also the filter to search for its kind.
    #[must_use]
    pub fn discriminator(self) -> &'static [u8] {
        match self {
            Self::Engine => Engine::DISCRIMINATOR,
            Self::Collateral => Collateral::DISCRIMINATOR,
            Self::Underlying => Underlying::DISCRIMINATOR,
            Self::MarginAccount => MarginAccount::DISCRIMINATOR,
            Self::CorrelationModel => CorrelationModel::DISCRIMINATOR,
            Self::Venue => Venue::DISCRIMINATOR,
        }
    }

    /// Kind of an account of the program by its first bytes.
    #[must_use]
    pub fn of(data: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| data.starts_with(kind.discriminator()))
    }

    /// The kind with its article, for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Engine => "an engine",
            Self::Collateral => "a collateral",
            Self::Underlying => "an underlying",
            Self::MarginAccount => "a margin account",
            Self::CorrelationModel => "a cross-underlying model",
            Self::Venue => "a venue",
        }
    }
}

/// A type that the program stores behind a discriminator, beginning with its layout version.
pub trait Stored: Pod + Discriminator {
    const KIND: AccountKind;
}

impl Stored for Engine {
    const KIND: AccountKind = AccountKind::Engine;
}
impl Stored for Collateral {
    const KIND: AccountKind = AccountKind::Collateral;
}
impl Stored for Underlying {
    const KIND: AccountKind = AccountKind::Underlying;
}
impl Stored for MarginAccount {
    const KIND: AccountKind = AccountKind::MarginAccount;
}
impl Stored for CorrelationModel {
    const KIND: AccountKind = AccountKind::CorrelationModel;
}
impl Stored for Venue {
    const KIND: AccountKind = AccountKind::Venue;
}

/// Content by which a node finds all accounts of a type in an engine: (offset, bytes), for `getProgramAccounts`.
#[must_use]
pub fn search_filters<T: OfEngine>(engine: &Pubkey) -> [(usize, Vec<u8>); 2] {
    let discriminator = T::DISCRIMINATOR.to_vec();
    [(discriminator.len() + T::ENGINE_OFFSET, engine.to_bytes().to_vec()), (0, discriminator)]
}

/// A stored type that names its engine.
pub trait OfEngine: Stored {
    /// Offset of the engine's address behind the discriminator.
    const ENGINE_OFFSET: usize;
}

impl OfEngine for Collateral {
    const ENGINE_OFFSET: usize = offset_of!(Self, engine);
}
impl OfEngine for Underlying {
    const ENGINE_OFFSET: usize = offset_of!(Self, engine);
}
impl OfEngine for MarginAccount {
    const ENGINE_OFFSET: usize = offset_of!(Self, engine);
}

/// Why bytes are not the account they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    #[error("owned by {owner}, not by the margin engine {PROGRAM_ID}")]
    ForeignOwner { owner: Pubkey },
    #[error("{}", wrong_kind(*expected, *found))]
    WrongKind { expected: AccountKind, found: Option<AccountKind> },
    #[error("{found} bytes long where {expected} are needed")]
    WrongLength { expected: usize, found: usize },
    #[error("layout version {found}; this client reads version {LAYOUT_VERSION}")]
    UnknownVersion { found: u8 },
}

fn wrong_kind(expected: AccountKind, found: Option<AccountKind>) -> String {
    match found {
        Some(found) => format!("{}, not {}", found.name(), expected.name()),
        None => format!("none of the margin engine's account types, so not {}", expected.name()),
    }
}

/// A decoded account and where it lives.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    pub address: Pubkey,
    state: Box<T>,
}

impl<T> Deref for Loaded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.state
    }
}

impl<T: Stored> Loaded<T> {
    /// Decodes an account fetched from `address`.
    pub fn from_account(address: Pubkey, account: &impl ReadableAccount) -> Result<Self, AccountError> {
        Ok(Self { address, state: decode(account.owner(), account.data())? })
    }

    /// Takes a state that did not come from the chain, for what-if calculations and tests.
    #[must_use]
    pub fn from_state(address: Pubkey, state: Box<T>) -> Self {
        Self { address, state }
    }

    /// The state to change for a what-if calculation.
    pub fn state_mut(&mut self) -> &mut T {
        &mut self.state
    }
}

/// Decodes an account of the program: owner, type, length and version must be right.
pub fn decode<T: Stored>(owner: &Pubkey, data: &[u8]) -> Result<Box<T>, AccountError> {
    if *owner != PROGRAM_ID {
        return Err(AccountError::ForeignOwner { owner: *owner });
    }
    let found = AccountKind::of(data);
    if found != Some(T::KIND) {
        return Err(AccountError::WrongKind { expected: T::KIND, found });
    }
    let body = &data[T::DISCRIMINATOR.len()..];
    if body.len() != size_of::<T>() {
        return Err(AccountError::WrongLength { expected: account_size::<T>(), found: data.len() });
    }
    if body[0] != LAYOUT_VERSION {
        return Err(AccountError::UnknownVersion { found: body[0] });
    }
    let mut state: Box<T> = bytemuck::zeroed_box();
    bytemuck::bytes_of_mut(&mut *state).copy_from_slice(body);
    Ok(state)
}

/// Account bytes of a state: the inverse of [`decode`].
#[must_use]
pub fn encode<T: Stored>(state: &T) -> Vec<u8> {
    [T::DISCRIMINATOR, bytemuck::bytes_of(state)].concat()
}

/// Bytes that an account of this type occupies.
#[must_use]
pub fn account_size<T: Stored>() -> usize {
    T::DISCRIMINATOR.len() + size_of::<T>()
}

impl Loaded<Underlying> {
    /// Ticker, e.g. `BTC`.
    #[must_use]
    pub fn symbol(&self) -> &str {
        let length = self.symbol.iter().position(|byte| *byte == 0).unwrap_or(self.symbol.len());
        // The program accepts ASCII letters and digits only.
        str::from_utf8(&self.symbol[..length]).unwrap_or("?")
    }

    /// Listed expiries, soonest first.
    #[must_use]
    pub fn listed_expiries(&self) -> Vec<&ExpirySlot> {
        let mut slots: Vec<_> = self.expiries.iter().filter(|slot| slot.expiry != 0).collect();
        slots.sort_by_key(|slot| slot.expiry);
        slots
    }
}

/// Zero-padded symbol as `UnderlyingAddArgs` takes it; `None` if it is longer than 16 bytes.
#[must_use]
pub fn symbol_bytes(symbol: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    bytes.get_mut(..symbol.len())?.copy_from_slice(symbol.as_bytes());
    Some(bytes)
}

impl Loaded<Engine> {
    /// What borrowers pay now, in 1e-9 a year, rounded to nearest.
    #[must_use]
    pub fn borrow_rate(&self) -> u64 {
        let yearly = u128::from(self.borrow.rate) * u128::from(SECONDS_PER_YEAR.unsigned_abs() * RATIO_ONE);
        // Rates are at most ten.
        ((yearly + (1 << 63)) >> 64) as u64
    }
}

impl Loaded<Collateral> {
    /// What depositors earn at a borrow rate and today's utilisation, in 1e-9 a year, rounded down. Meant for the quote token.
    #[must_use]
    pub fn deposit_rate(&self, borrow_rate: u64) -> u64 {
        let income = u128::from(borrow_rate) * u128::from(self.pool.borrowed);
        let shared =
            income * u128::from(RATIO_ONE.saturating_sub(self.pool.rates.reserve_share)) / u128::from(RATIO_ONE);
        match self.pool.deposited {
            0 => 0,
            deposited => u64::try_from(shared / u128::from(deposited)).unwrap_or(u64::MAX).min(borrow_rate),
        }
    }
}

impl Loaded<MarginAccount> {
    /// Cash in whole quote atoms, rounded down: what a withdrawal could take at most.
    #[must_use]
    pub fn cash_atoms_floor(&self) -> i128 {
        // I80F48 has 80 integer bits, so its floor always fits.
        self.cash().floor_to_integer()
    }

    /// Interest owed and not yet taken out of cash, at a time, in whole quote atoms, rounded up.
    #[must_use]
    pub fn interest_owed(&self, engine: &Engine, now: i64) -> i128 {
        // What does not fit fails every check on-chain, too.
        self.cash_at(engine, now).map_or(0, |after| -(after - self.cash()).floor_to_integer())
    }

    /// Address of the delegate, if there is one.
    #[must_use]
    pub fn delegate(&self) -> Option<Pubkey> {
        (self.delegate != Pubkey::default()).then_some(self.delegate)
    }
}

trait FloorToInteger {
    fn floor_to_integer(self) -> i128;
}

impl FloorToInteger for I80F48 {
    fn floor_to_integer(self) -> i128 {
        // Arithmetic shift rounds towards −∞; `I80F48::floor` could overflow at the minimum.
        self.to_bits() >> I80F48::FRAC_NBITS
    }
}
