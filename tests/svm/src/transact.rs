//! Sending transactions, and what must hold after each of them.

use std::collections::BTreeMap;

use anchor_lang::error::ErrorCode;
use fixed::types::I80F48;
use litesvm::types::{FailedTransactionMetadata, TransactionMetadata};
use margin_client::{
    Loaded, MarginReport, PROGRAM_ID, decode_margin_report,
    errors::{EngineError, engine_error, explain},
    events::EngineEvent,
    presets,
    state::{CashPool, Collateral, InstrumentKind, MarginAccount, Underlying},
};
use solana_account::Account;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::Transaction;

use crate::{
    World,
    token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM},
    token_balance,
};

/// What an accepted transaction left behind.
#[derive(Debug)]
pub struct Receipt {
    pub compute_units: u64,
    pub return_data: Vec<u8>,
    pub logs: Vec<String>,
    account_keys: Vec<Pubkey>,
    inner: Vec<(u8, Vec<u8>)>,
}

impl Receipt {
    fn new(message: &Message, meta: TransactionMetadata) -> Self {
        let inner = meta.inner_instructions.into_iter().flatten();
        Self {
            compute_units: meta.compute_units_consumed,
            return_data: meta.return_data.data,
            logs: meta.logs,
            account_keys: message.account_keys.clone(),
            inner: inner.map(|inner| (inner.instruction.program_id_index, inner.instruction.data)).collect(),
        }
    }

    /// The program's events in their order.
    #[must_use]
    pub fn events(&self) -> Vec<EngineEvent> {
        let inner = self.inner.iter().map(|(program, data)| (*program, data.as_slice()));
        EngineEvent::collect(&self.account_keys, inner).expect("the client knows every event of the program")
    }

    /// The transaction's accounts, by their numbers.
    #[must_use]
    pub fn account_keys(&self) -> &[Pubkey] {
        &self.account_keys
    }

    /// The inner instructions: number of the program, and data.
    #[must_use]
    pub fn inner(&self) -> &[(u8, Vec<u8>)] {
        &self.inner
    }

    /// Data of the inner instructions of a program, in their order: among them its events.
    pub fn inner_of(&self, program: Pubkey) -> impl Iterator<Item = &[u8]> {
        let is_of = move |index: u8| self.account_keys.get(usize::from(index)) == Some(&program);
        self.inner.iter().filter(move |(index, _)| is_of(*index)).map(|(_, data)| data.as_slice())
    }

    /// The return data of a margin check.
    #[must_use]
    pub fn report(&self) -> MarginReport {
        decode_margin_report(&PROGRAM_ID, &self.return_data).expect("a margin report")
    }
}

/// Why the runtime refused a transaction.
#[derive(Debug)]
pub struct Refusal {
    pub code: Option<u32>,
    pub cause: String,
    pub logs: Vec<String>,
}

impl Refusal {
    pub(crate) fn new(failed: FailedTransactionMetadata) -> Self {
        let cause = format!("{:?}", failed.err);
        // `InstructionError(1, Custom(6120))`: the codes live in crates of several versions, their text in one.
        let code = cause
            .split_once("Custom(")
            .and_then(|(_, rest)| rest.split_once(')'))
            .and_then(|(code, _)| code.parse().ok());
        Self { code, cause, logs: failed.meta.logs }
    }

    #[must_use]
    pub fn describe(&self) -> String {
        let explained = self.code.and_then(explain).map(|error| error.to_string()).unwrap_or_default();
        format!("{} {explained}\n{}", self.cause, self.logs.join("\n"))
    }
}

impl World {
    /// Signs instructions with the largest compute budget; the payer's signature is added.
    #[must_use]
    pub fn transaction(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Transaction {
        let mut all = vec![presets::compute_unit_limit(presets::MAX_COMPUTE_UNITS)];
        all.extend(self.frame.0.iter().chain(instructions).chain(&self.frame.1).cloned());
        let mut keys: Vec<&Keypair> = vec![&self.payer];
        for signer in signers {
            if !keys.iter().any(|key| key.pubkey() == signer.pubkey()) {
                keys.push(signer);
            }
        }
        let message = Message::new(&all, Some(&self.payer.pubkey()));
        Transaction::new(&keys, message, self.svm.latest_blockhash())
    }

    /// Sends instructions.
    pub fn send(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Receipt, Refusal> {
        // The same transaction may be sent twice in one test.
        self.svm.expire_blockhash();
        let transaction = self.transaction(instructions, signers);
        let message = transaction.message.clone();
        match self.svm.send_transaction(transaction) {
            Ok(meta) => {
                let receipt = Receipt::new(&message, meta);
                self.count_settled(&receipt);
                Ok(receipt)
            }
            Err(failed) => Err(Refusal::new(failed)),
        }
    }

    /// Sends an instruction that must succeed, and proves that claims still equal vaults.
    #[track_caller]
    pub fn accept(&mut self, instruction: Instruction, signers: &[&Keypair]) -> Receipt {
        match self.send(&[instruction], signers) {
            Ok(receipt) => {
                self.assert_conserved();
                receipt
            }
            Err(refusal) => panic!("refused: {}", refusal.describe()),
        }
    }

    /// Sends an instruction that the program must refuse with `error`, and proves that it changed nothing.
    #[track_caller]
    pub fn refuse(&mut self, instruction: Instruction, signers: &[&Keypair], error: EngineError) -> Refusal {
        self.refuse_code(instruction, signers, u32::from(error), &error.name())
    }

    /// The same for a check that Anchor makes.
    #[track_caller]
    pub fn refuse_anchor(&mut self, instruction: Instruction, signers: &[&Keypair], error: ErrorCode) -> Refusal {
        self.refuse_code(instruction, signers, u32::from(error), &error.name())
    }

    /// The same for any code.
    #[track_caller]
    pub fn refuse_code(&mut self, instruction: Instruction, signers: &[&Keypair], code: u32, name: &str) -> Refusal {
        let before = self.stored();
        match self.send(&[instruction], signers) {
            Ok(_) => panic!("accepted where {name} was expected"),
            Err(refusal) => {
                assert_eq!(refusal.code, Some(code), "expected {name}, got {}", refusal.describe());
                assert!(self.stored() == before, "a refused transaction changed an account");
                refusal
            }
        }
    }

    /// Sends instructions that may be refused. If they pass, claims still equal vaults; if not, it is for a reason that the
    /// engine gives and nothing has changed: the runtime never fails, no code is unknown, the compute budget suffices.
    #[track_caller]
    pub fn attempt(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Receipt, EngineError> {
        let before = self.stored();
        match self.send(instructions, signers) {
            Ok(receipt) => {
                self.assert_conserved();
                Ok(receipt)
            }
            Err(refusal) => {
                let error = refusal.code.and_then(engine_error);
                let error = error.unwrap_or_else(|| panic!("no error of the engine: {}", refusal.describe()));
                assert!(self.stored() == before, "a refused transaction changed an account");
                Err(error)
            }
        }
    }

    /// Positions that have been paid at their settlement price so far: each left less than an atom in the vault.
    #[must_use]
    pub fn settled_positions(&self) -> u64 {
        self.settled
    }

    /// Every account of the program and of the token programs.
    fn stored(&self) -> BTreeMap<Pubkey, Account> {
        [PROGRAM_ID, TOKEN_PROGRAM, TOKEN_2022_PROGRAM]
            .iter()
            .flat_map(|program| self.svm.get_program_accounts(program))
            .collect()
    }

    /// All margin accounts of the engine.
    #[must_use]
    pub fn margin_accounts(&self) -> Vec<Loaded<MarginAccount>> {
        let accounts = self.svm.get_program_accounts(&PROGRAM_ID);
        let decoded =
            accounts.iter().filter_map(|(key, account)| Loaded::<MarginAccount>::from_account(*key, account).ok());
        decoded.filter(|account| account.engine == self.engine).collect()
    }

    /// All underlyings of the engine.
    fn underlyings(&self) -> Vec<Loaded<Underlying>> {
        (0..self.engine_state().underlying_count).map(|index| self.underlying(index)).collect()
    }

    fn pays_funding(&self) -> bool {
        self.underlyings().iter().any(|underlying| underlying.perpetual.funding.index != 0)
    }

    /// What no accepted transaction may break: cash with its interest less unsettled value of linear positions, fees and what the
    /// pool keeps sum to the quote vault; the pool's totals are the accounts'; token balances to their vaults, recorded deposits are what the vault holds, every instrument's lots sum to
    /// zero, and every series counts what its positions say.
    ///
    /// Worlds with forged state or donated tokens are exempt.
    #[track_caller]
    pub fn assert_conserved(&self) {
        if self.forged {
            return;
        }
        let accounts = self.margin_accounts();
        let mut lots = BTreeMap::<_, i64>::new();
        let mut claims = PoolClaims::default();
        let mut cash = I80F48::ZERO;
        // Positions that only wait to be paid.
        let mut unpaid = 0;
        let mut balances = BTreeMap::<u16, u64>::new();
        let mut open = BTreeMap::<(u16, i64), u64>::new();
        for account in &accounts {
            assert_eq!(account.checks_deferred, 0, "no check is deferred beyond a transaction");
            claims.add(account, self.borrow_index());
            assert!(account.interest.socialised <= self.engine_state().socialised, "nobody bears a loss in advance");
            for position in account.positions() {
                let instrument = position.instrument().expect("a known kind");
                if instrument.kind.has_expiry() {
                    assert!(position.counted_lots >= position.lots.unsigned_abs(), "a series counts every lot");
                    *open.entry((position.underlying, position.expiry)).or_default() += position.counted_lots;
                }
                assert!(position.lots != 0 || position.counted_lots != 0, "a stored position has lots");
                cash -= I80F48::from_num(position.settled_value);
                if instrument.kind == InstrumentKind::Perpetual {
                    let market = self.underlying(position.underlying);
                    let owed = position.funding(market.perpetual.funding.index, market.lot_size);
                    let atom = 10i128.pow(12 - u32::from(self.engine_state().quote_decimals));
                    // Rounded up, as it will be paid.
                    cash += I80F48::from_num((-owed.0).div_euclid(atom));
                }
                match self.settlement_value(position) {
                    Some(value) => (cash, unpaid) = (cash + value, unpaid + 1),
                    None => *lots.entry(instrument).or_default() += position.lots,
                }
            }
            for balance in account.balances() {
                assert_ne!(balance.amount, 0, "a stored balance is not zero");
                *balances.entry(balance.collateral).or_default() += balance.amount;
            }
        }
        assert!(lots.values().all(|sum| *sum == 0), "lots do not sum to zero: {lots:?}");
        for underlying in self.underlyings() {
            for slot in underlying.expiries.iter().filter(|slot| slot.expiry != 0) {
                let counted = open.remove(&(underlying.index, slot.expiry)).unwrap_or(0);
                assert_eq!(slot.open_lots, counted, "open lots of {} {}", underlying.symbol(), slot.expiry);
            }
        }
        assert!(open.is_empty(), "lots of series that are not listed: {open:?}");
        for token in &self.tokens {
            let listing: Loaded<Collateral> = self.load(token.collateral(&self.engine).collateral);
            let vault = token_balance(&self.svm, &listing.vault);
            if listing.is_quote() {
                let interest = I80F48::from_bits(claims.with(&listing.pool, self.borrow_index()));
                assert_eq!((claims.deposited, claims.borrowed), (listing.pool.deposited, listing.pool.borrowed));
                let funds: u64 = self.underlyings().iter().map(|underlying| underlying.insurance.amount).sum();
                assert_eq!(listing.insured, listing.insurance.amount + funds, "insurance is what the funds hold");
                // Every payment of funding keeps the odd part of an atom, and so does every position at its settlement.
                let own = I80F48::from_num(listing.fees + listing.insured);
                let surplus = I80F48::from_num(vault) - interest - cash - own;
                let dust = if self.pays_funding() { I80F48::from_num(10_000) } else { I80F48::ZERO };
                let dust = dust + I80F48::from_num(self.settled + unpaid);
                assert!(surplus >= 0 && surplus <= dust, "the quote vault holds {surplus} more than is claimed");
            } else {
                assert_eq!(balances.get(&listing.index).copied().unwrap_or(0), vault, "vault of {}", listing.index);
            }
            assert_eq!(listing.total_deposits, vault, "recorded deposits of {}", listing.index);
        }
    }

    /// What everybody can claim of the quote vault and the pool keeps: cash, waiting fees, interest earned or not divided yet,
    /// reserve. Unsettled values of positions are not in it.
    #[must_use]
    pub fn pool_claims(&self) -> I80F48 {
        let mut claims = PoolClaims::default();
        self.margin_accounts().iter().for_each(|account| claims.add(account, self.borrow_index()));
        let quote: Loaded<Collateral> = self.load(self.quote.collateral(&self.engine).collateral);
        I80F48::from_bits(claims.with(&quote.pool, self.borrow_index()))
    }

    /// The borrow index of now: what `interest_accrue` published, and its rate since then.
    #[must_use]
    pub fn borrow_index(&self) -> u64 {
        let published = self.engine_state().borrow;
        let growth = u128::from(published.rate) * (self.now() - published.published_at).min(30 * 86_400) as u128;
        published.index + u64::try_from(growth.div_ceil(1 << 16)).expect("a test's time")
    }
}

/// Everybody's claims on the quote vault, in 2⁻⁴⁸ atoms.
#[derive(Default)]
struct PoolClaims {
    cash: i128,
    /// Recorded deposits times the deposit index up to which each has been paid, subtracted from their sum by [`Self::with`].
    paid: i128,
    deposited: u64,
    borrowed: u64,
}

impl PoolClaims {
    /// An account once it has paid up to the index: what it pays beyond what the pool counts on stays in `unreported`, so
    /// that only interest on its recorded borrow leaves this sum.
    fn add(&mut self, account: &MarginAccount, index: u64) {
        let state = &account.interest;
        let reported = i128::from(state.recorded_borrow) * i128::from(index - state.borrow_index);
        self.cash += account.cash().to_bits() + i128::from_le_bytes(state.unreported) - reported;
        // Fees have left cash and not the vault.
        self.cash += i128::from(account.fees) << 48;
        self.paid += i128::from(state.recorded_deposit) * i128::from(state.deposit_index);
        self.deposited += state.recorded_deposit;
        self.borrowed += state.recorded_borrow;
    }

    /// With what the pool keeps, what it owes depositors and what recorded borrows have not brought it yet.
    fn with(&self, pool: &CashPool, index: u64) -> i128 {
        let owed_to_depositors = i128::from(self.deposited) * i128::from(pool.deposit_index) - self.paid;
        let income = i128::from(self.borrowed) * i128::from(index - pool.borrow_index);
        let kept = i128::from_le_bytes(pool.reserve) + i128::from_le_bytes(pool.pot);
        self.cash + owed_to_depositors + income + kept
    }
}
