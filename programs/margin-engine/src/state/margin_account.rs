use core::{cmp::Ordering, ops::Range};

use anchor_lang::prelude::*;
use fixed::types::I80F48;

use crate::{
    constants::{MAX_APPROVALS, MAX_BALANCES, MAX_POSITIONS},
    error::EngineError,
    risk::{cash_atoms_floor, usd_to_atoms_ceil},
    state::{
        Collateral, Instrument, InterestState, LiquidationState, Position, QuoteNonces, StoredCash, VenueApproval,
        assert_layout, load_cash, store_cash,
    },
};

/// How an account is margined. Stored as one byte.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AccountMode {
    /// Every position and balance nets in one requirement.
    Portfolio,
    /// The portfolio model for each underlying on its own; a trading account of this mode holds only one.
    Isolated,
    /// Position by position.
    Standard,
}

impl AccountMode {
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Portfolio),
            1 => Some(Self::Isolated),
            2 => Some(Self::Standard),
            _ => None,
        }
    }
}

/// One trader's book: cash, token balances and positions under one margin requirement.
///
/// PDA of `["account", engine, owner, index]`. Fits the 10 240 bytes that one CPI may allocate.
#[account(zero_copy)]
#[derive(Debug)]
#[repr(C)]
pub struct MarginAccount {
    pub version: u8,
    pub bump: u8,
    /// An [`AccountMode`].
    pub mode: u8,
    pub balance_count: u8,
    /// The owner's number for this account.
    pub index: u16,
    pub position_count: u16,
    pub engine: Pubkey,
    pub owner: Pubkey,
    /// May trade and deposit, never withdraw or close; the default address: nobody.
    pub delegate: Pubkey,
    /// precision: I80F48 quote atoms, without interest since the last contact. May be negative: a debt, covered by collateral.
    pub cash: StoredCash,
    /// Goes up with every trade and bid, so that a signed trade runs once.
    pub sequence: u64,
    /// precision: quote atoms. Fees taken from cash and not collected yet.
    pub fees: u64,
    pub quotes: QuoteNonces,
    /// 1 between `checks_begin` and `checks_end` of one transaction, and never outside.
    pub checks_deferred: u8,
    pub _padding: [u8; 7],
    pub liquidation: LiquidationState,
    pub approvals: [VenueApproval; MAX_APPROVALS],
    /// The first `balance_count`, sorted by collateral index; never a zero amount.
    pub balances: [Balance; MAX_BALANCES],
    pub interest: InterestState,
    pub _reserved: [u8; 64],
    /// The first `position_count`, sorted by [`Instrument`].
    pub positions: [Position; MAX_POSITIONS],
}
assert_layout!(MarginAccount, 8_024);

/// A token balance other than cash.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Balance {
    /// precision: token atoms.
    pub amount: u64,
    pub collateral: u16,
    pub _padding: [u8; 6],
}
assert_layout!(Balance, 16);

impl MarginAccount {
    /// As stored; interest since the last contact is not in it ([`cash_at`](Self::cash_at)).
    pub fn cash(&self) -> I80F48 {
        load_cash(self.cash)
    }

    /// Adds to cash; negative amounts subtract. Interest must have been accrued up to now
    /// ([`accrue_interest`](Self::accrue_interest)): what is added would bear it for the past.
    pub fn add_cash(&mut self, amount: I80F48) -> Result<()> {
        let cash = self.cash().checked_add(amount).ok_or(EngineError::Overflow)?;
        self.cash = store_cash(cash);
        Ok(())
    }

    /// Only accounts written by another layout can fail here.
    pub fn mode(&self) -> Result<AccountMode> {
        Ok(AccountMode::from_byte(self.mode).ok_or(EngineError::UnknownLayout)?)
    }

    pub fn in_liquidation(&self) -> bool {
        self.liquidation.in_use()
    }

    /// Nothing but cash is left. Positions without lots, which only their series still count, are nothing.
    pub fn is_flat(&self) -> bool {
        self.balances().is_empty() && self.positions().iter().all(|position| position.lots == 0)
    }

    /// Counts a change of the book, so that what was signed or chosen for the earlier one no longer runs.
    pub fn count_change(&mut self) -> Result<()> {
        self.sequence = self.sequence.checked_add(1).ok_or(EngineError::Overflow)?;
        Ok(())
    }

    /// The owner, or the delegate if there is one.
    pub fn may_trade(&self, signer: &Pubkey) -> bool {
        *signer == self.owner || (self.delegate != Pubkey::default() && *signer == self.delegate)
    }

    pub fn balances(&self) -> &[Balance] {
        let count = usize::from(self.balance_count).min(MAX_BALANCES);
        &self.balances[..count]
    }

    pub fn balance_of(&self, collateral: u16) -> u64 {
        self.balances().iter().find(|b| b.collateral == collateral).map_or(0, |b| b.amount)
    }

    /// What the account has of a token, as events show it: cash in whole atoms, rounded down, or the balance.
    pub fn holding(&self, collateral: u16) -> Result<i64> {
        if collateral == Collateral::QUOTE_INDEX {
            cash_atoms_floor(self.cash())
        } else {
            Ok(i64::try_from(self.balance_of(collateral)).map_err(|_| EngineError::Overflow)?)
        }
    }

    /// Sets a token balance, keeping the table sorted and free of zeros.
    pub fn set_balance(&mut self, collateral: u16, amount: u64) -> Result<()> {
        let count = self.balances().len();
        match self.balances().binary_search_by_key(&collateral, |b| b.collateral) {
            Ok(at) if amount == 0 => {
                self.balances.copy_within(at + 1..count, at);
                self.balances[count - 1] = Balance::default();
                self.balance_count -= 1;
            }
            Ok(at) => self.balances[at].amount = amount,
            Err(_) if amount == 0 => {}
            Err(at) => {
                require!(count < MAX_BALANCES, EngineError::BalanceTableFull);
                self.balances.copy_within(at..count, at + 1);
                self.balances[at] = Balance { amount, collateral, _padding: [0; 6] };
                self.balance_count += 1;
            }
        }
        Ok(())
    }

    pub fn positions(&self) -> &[Position] {
        let count = usize::from(self.position_count).min(MAX_POSITIONS);
        &self.positions[..count]
    }

    fn find(&self, instrument: &Instrument) -> core::result::Result<usize, usize> {
        let key = (instrument.underlying, instrument.expiry, instrument.strike, instrument.kind as u8);
        self.positions().binary_search_by_key(&key, Position::key)
    }

    /// Finds another account's position among the first `end` ones, from behind.
    fn find_before(&self, position: &Position, mut end: usize) -> core::result::Result<usize, usize> {
        while let Some(last) = end.checked_sub(1) {
            match self.positions[last].key().cmp(&position.key()) {
                Ordering::Greater => end = last,
                Ordering::Equal => return Ok(last),
                Ordering::Less => break,
            }
        }
        Err(end)
    }

    pub fn position(&self, instrument: &Instrument) -> Option<&Position> {
        self.find(instrument).ok().map(|at| &self.positions[at])
    }

    /// Adds lots and settled value to a position, opening it as needed. A position that comes back to zero lots is removed and
    /// what it still had to settle (nothing for options) goes to cash. Returns how many lots more its series has to count.
    pub fn add_position(&mut self, instrument: Instrument, lots: i64, settled_value: i64) -> Result<i64> {
        self.change_position(instrument, lots, settled_value)?;
        self.recount(&instrument)
    }

    /// Moves lots and settled value of the position of number `at` to another account, together with as many of the lots that
    /// the series counts: so it needs no write, and its count never falls below what is open. A perpetual's funding must be settled in
    /// both accounts.
    ///
    /// Its place in `to` is looked for from behind, before the position of number `end`; returns where it was. Whoever moves
    /// positions from the last to the first hands that on, and both tables are walked once.
    pub fn move_position(
        &mut self,
        at: usize,
        to: &mut MarginAccount,
        end: usize,
        lots: i64,
        settled_value: i64,
    ) -> Result<usize> {
        let position = self.positions()[at];
        let instrument = position.instrument().ok_or(EngineError::UnknownLayout)?;
        let counted = if instrument.kind.has_expiry() { lots.unsigned_abs() } else { 0 };
        let counted = i64::try_from(counted).map_err(|_| EngineError::Overflow)?;
        let negated = |value: i64| value.checked_neg().ok_or(EngineError::Overflow);
        self.change_at(at, negated(lots)?, negated(settled_value)?, Some(-counted))?;
        to.require_mode_allows(&instrument)?;
        let place = match to.find_before(&position, end) {
            Ok(at) => at,
            Err(at) => to.insert_position(at, instrument)?,
        };
        if !instrument.kind.has_expiry() {
            // Funding of both is settled.
            to.positions[place].funding_index = position.funding_index;
        }
        to.change_at(place, lots, settled_value, Some(counted))?;
        Ok(place)
    }

    /// Changes a position, opening it as needed.
    fn change_position(&mut self, instrument: Instrument, lots: i64, settled_value: i64) -> Result<()> {
        self.require_mode_allows(&instrument)?;
        let at = match self.find(&instrument) {
            Ok(at) => at,
            Err(_) if lots == 0 && settled_value == 0 => return Ok(()),
            Err(at) => self.insert_position(at, instrument)?,
        };
        self.change_at(at, lots, settled_value, None)
    }

    /// An account in isolated mode has positions in one underlying only.
    fn require_mode_allows(&self, instrument: &Instrument) -> Result<()> {
        if self.mode == AccountMode::Isolated as u8 {
            let alone = self.positions().iter().all(|position| position.underlying == instrument.underlying);
            require!(alone, EngineError::IsolatedUnderlying);
        }
        Ok(())
    }

    /// Opens a position where the order wants it; returns its number.
    fn insert_position(&mut self, at: usize, instrument: Instrument) -> Result<usize> {
        let count = self.positions().len();
        require!(count < MAX_POSITIONS, EngineError::PositionTableFull);
        self.positions.copy_within(at..count, at + 1);
        self.positions[at] = Position::new(instrument, 0);
        self.position_count += 1;
        Ok(at)
    }

    /// Changes a position and, where `counted` says by how much, the lots that its series counts for it. A position without
    /// either is removed.
    fn change_at(&mut self, at: usize, lots: i64, settled_value: i64, counted: Option<i64>) -> Result<()> {
        let position = &mut self.positions[at];
        position.lots = position.lots.checked_add(lots).ok_or(EngineError::Overflow)?;
        position.settled_value = position.settled_value.checked_add(settled_value).ok_or(EngineError::Overflow)?;
        let counts = position.counted_lots.checked_add_signed(counted.unwrap_or(0));
        position.counted_lots = counts.ok_or(EngineError::Overflow)?;
        if position.lots == 0 {
            let settled_value = core::mem::take(&mut position.settled_value);
            if counted.is_some() && position.counted_lots == 0 {
                self.remove_positions(at..at + 1);
            }
            self.add_cash(-I80F48::from_num(settled_value))?;
        }
        Ok(())
    }

    /// Removes positions by their numbers, which lie within the table.
    pub fn remove_positions(&mut self, range: Range<usize>) {
        let count = self.positions().len();
        let left = count.saturating_sub(range.len());
        self.positions.copy_within(range.end..count, range.start);
        self.positions[left..count].fill(Position::default());
        // At most the table's length.
        self.position_count = left as u16;
    }

    /// Makes the series count a position's own lots; returns how many more it counts than before. A position without lots is
    /// removed.
    pub fn recount(&mut self, instrument: &Instrument) -> Result<i64> {
        let Ok(at) = self.find(instrument) else { return Ok(0) };
        let position = &mut self.positions[at];
        let lots = if instrument.kind.has_expiry() { position.lots.unsigned_abs() } else { 0 };
        let before = core::mem::replace(&mut position.counted_lots, lots);
        if position.lots == 0 {
            self.remove_positions(at..at + 1);
        }
        Ok(i64::try_from(i128::from(lots) - i128::from(before)).map_err(|_| EngineError::Overflow)?)
    }

    /// Moves the unrealised profit or loss of a linear instrument to cash: `value` is the position's value now, in quote
    /// atoms. Cash less settled value does not change, so no rounding is won or lost.
    pub fn settle_linear(&mut self, instrument: Instrument, value: i64) -> Result<()> {
        let Ok(at) = self.find(&instrument) else { return Ok(()) };
        let position = &mut self.positions[at];
        let profit = value.checked_sub(position.settled_value).ok_or(EngineError::Overflow)?;
        position.settled_value = value;
        self.add_cash(I80F48::from_num(profit))
    }

    /// Pays a perpetual's funding since it was last settled; returns what was paid, in quote atoms (negative: received).
    /// Rounded up: the account pays the odd part of an atom. Before every change of the position's lots.
    pub fn settle_funding(&mut self, underlying: u16, funding_index: i64, lot_size: u64, decimals: u8) -> Result<i64> {
        let perpetual = Instrument::perpetual(underlying);
        let Ok(at) = self.find(&perpetual) else { return Ok(0) };
        let position = &mut self.positions[at];
        let paid = usd_to_atoms_ceil(position.funding(funding_index, lot_size), decimals)?;
        position.funding_index = funding_index;
        if paid != 0 {
            self.add_cash(-I80F48::from_num(paid))?;
        }
        Ok(paid)
    }

    /// Starts the funding of a perpetual that has just been opened; its funding must be settled.
    pub fn start_funding(&mut self, underlying: u16, funding_index: i64) {
        if let Ok(at) = self.find(&Instrument::perpetual(underlying)) {
            self.positions[at].funding_index = funding_index;
        }
    }

    /// Takes a fee from cash; it waits in the account until it is collected.
    pub fn charge_fee(&mut self, fee: u64) -> Result<()> {
        if fee == 0 {
            return Ok(());
        }
        self.fees = self.fees.checked_add(fee).ok_or(EngineError::Overflow)?;
        self.add_cash(-I80F48::checked_from_num(fee).ok_or(EngineError::Overflow)?)
    }
}
