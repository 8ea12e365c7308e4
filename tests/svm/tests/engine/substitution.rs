//! Every account of every instruction, replaced. For each instruction one valid call is taken apart: signers that do not
//! sign, accounts that may not be written, the same kind of account in another engine, another kind of account, the same
//! bytes in the hands of another program, an address with nothing behind it, foreign programs. Each must be refused by
//! a check of its own and change nothing; the call itself, untouched, is accepted at the end.

use margin_client::{
    AccountKind, addresses,
    errors::{EngineError as E, explain},
    instructions::{AccountOpen, AccountOpenArgs},
    state::AccountMode,
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{AnchorError as A, BTC, World, twin_venue};

use crate::substitution_cases::cases;

/// What an account is to its instruction.
pub enum Role {
    Signer,
    /// Signs and pays.
    Payer,
    /// Signs, and gives or is given lamports.
    Purse,
    /// Stored by the program and read; the code that refuses its like of another engine.
    Read(u32),
    /// The same, and written.
    Written(u32),
    /// Created by the instruction at a derived address.
    New,
    EventAuthority,
    /// The program itself, to be called for its events.
    Itself,
    /// A program that the instruction calls; the code that refuses another.
    Program(u32),
    /// Judged by another program or free to choose: `funds.rs` and `lifecycle.rs` see to it.
    Other,
}

pub struct Case {
    pub name: &'static str,
    pub world: World,
    pub instruction: Instruction,
    pub signers: Vec<Keypair>,
    pub roles: Vec<Role>,
    /// Owner of the account in the other engine that takes the place of a margin account.
    pub twin_owner: Keypair,
    /// What must stand before the instruction in its transaction, and after it.
    pub before: Vec<Instruction>,
    pub after: Vec<Instruction>,
}

impl Case {
    #[track_caller]
    fn refuse(&mut self, at: usize, change: &str, instruction: Instruction, code: u32) {
        let explained = explain(code).expect("a code of the program or of Anchor");
        let what = format!("{} for account {at} of {}, {change}", explained.name, self.name);
        let (before, after) = &self.world.frame;
        let all = || before.iter().chain([&instruction]).chain(after).flat_map(|one| &one.accounts);
        let signs = |key: &&Keypair| all().any(|meta| meta.is_signer && meta.pubkey == key.pubkey());
        let signers: Vec<_> = self.signers.iter().filter(signs).collect();
        self.world.refuse_code(instruction, &signers, code, &what);
    }

    #[track_caller]
    fn replace(&mut self, at: usize, change: &str, by: Pubkey, code: impl Into<u32>) {
        let mut instruction = self.instruction.clone();
        instruction.accounts[at].pubkey = by;
        self.refuse(at, change, instruction, code.into());
    }

    #[track_caller]
    fn unsigned(&mut self, at: usize) {
        let mut instruction = self.instruction.clone();
        instruction.accounts[at].is_signer = false;
        self.refuse(at, "unsigned", instruction, A::AccountNotSigner.into());
    }

    #[track_caller]
    fn read_only(&mut self, at: usize) {
        let mut instruction = self.instruction.clone();
        instruction.accounts[at].is_writable = false;
        self.refuse(at, "read-only", instruction, A::ConstraintMut.into());
    }

    /// A change that Anchor leaves to the runtime to refuse.
    #[track_caller]
    fn stopped_by_runtime(&mut self, instruction: Instruction, cause: &str) {
        let signers: Vec<_> = self.signers.iter().collect();
        let refusal = self.world.send(&[instruction], &signers).expect_err(cause);
        assert!(refusal.cause.contains(cause), "{}: {}", self.name, refusal.cause);
    }

    /// A new account is paid for before Anchor looks whether its payer may be debited.
    #[track_caller]
    fn payer_read_only(&mut self, at: usize) {
        let mut instruction = self.instruction.clone();
        instruction.accounts[at].is_writable = false;
        self.stopped_by_runtime(instruction, "PrivilegeEscalation");
    }

    /// The program calls itself to emit events, whatever stands in its own place; it cannot find itself then.
    #[track_caller]
    fn another_self(&mut self, at: usize) {
        let mut instruction = self.instruction.clone();
        instruction.accounts[at].pubkey = Pubkey::new_unique();
        self.stopped_by_runtime(instruction, "MissingAccount");
    }

    /// The same bytes, owned by another program.
    fn stolen(&mut self, at: usize) -> Pubkey {
        let mut copy = self.world.svm.get_account(&self.instruction.accounts[at].pubkey).expect("an account");
        copy.owner = Pubkey::new_unique();
        let address = Pubkey::new_unique();
        self.world.svm.set_account(address, copy).expect("an account");
        address
    }

    fn stored(&mut self, at: usize, other: &Pubkey, twin_code: u32) {
        let address = self.instruction.accounts[at].pubkey;
        let data = self.world.svm.get_account(&address).expect("a stored account").data;
        let quote = self.world.quote;
        let kind = AccountKind::of(&data).expect("an account of the program");
        let (twin, other_kind) = match kind {
            AccountKind::Engine => (*other, quote.collateral(&self.world.engine).collateral),
            AccountKind::Collateral => (quote.collateral(other).collateral, self.world.engine),
            AccountKind::Underlying => (addresses::underlying(other, BTC), self.world.engine),
            AccountKind::MarginAccount => {
                (addresses::margin_account(other, &self.twin_owner.pubkey(), 0), self.world.engine)
            }
            AccountKind::CorrelationModel => (addresses::correlation(other), self.world.engine),
            AccountKind::Venue => (addresses::venue(other, &twin_venue()), self.world.engine),
        };
        self.replace(at, "of another engine", twin, twin_code);
        self.replace(at, "of another kind", other_kind, A::AccountDiscriminatorMismatch);
        let stolen = self.stolen(at);
        self.replace(at, "of another program", stolen, A::AccountOwnedByWrongProgram);
        self.replace(at, "empty", Pubkey::new_unique(), A::AccountOwnedByWrongProgram);
    }

    fn risk_accounts(&mut self, other: &Pubkey) {
        let mut first = self.roles.len();
        let model = addresses::correlation(&self.world.engine);
        if self.instruction.accounts.get(first).is_some_and(|meta| meta.pubkey == model) {
            self.replace(first, "of another engine", addresses::correlation(other), E::ForeignEngine);
            self.replace(first, "of another kind", self.world.engine, E::RiskAccountCorrelation);
            let stolen = self.stolen(first);
            self.replace(first, "of another program", stolen, E::RiskAccountOwner);
            self.replace(first, "empty", Pubkey::new_unique(), E::RiskAccountOwner);
            first += 1;
        }
        for at in (first..self.instruction.accounts.len()).step_by(2) {
            let data = self.world.svm.get_account(&self.instruction.accounts[at].pubkey).expect("a market").data;
            let twin = match AccountKind::of(&data).expect("an account of the program") {
                AccountKind::Collateral => self.world.quote.collateral(other).collateral,
                _ => addresses::underlying(other, BTC),
            };
            self.replace(at, "of another engine", twin, E::ForeignEngine);
            self.replace(at, "of another kind", self.world.engine, E::RiskAccountKind);
            let stolen = self.stolen(at);
            self.replace(at, "of another program", stolen, E::RiskAccountOwner);
            self.replace(at, "empty", Pubkey::new_unique(), E::RiskAccountOwner);
            let stolen = self.stolen(at + 1);
            self.replace(at + 1, "of another program", stolen, E::OracleOwner);
            self.replace(at + 1, "empty", Pubkey::new_unique(), E::OracleOwner);
        }
    }

    fn run(mut self) {
        let other = self.world.another_engine();
        let args = AccountOpenArgs { index: 0, delegate: Pubkey::default(), mode: AccountMode::Portfolio };
        let twin_owner = self.twin_owner.insecure_clone();
        let open = AccountOpen { owner: twin_owner.pubkey(), payer: self.world.payer.pubkey(), engine: other, args };
        self.world.accept(open.instruction(), &[&twin_owner]);

        self.world.frame = (std::mem::take(&mut self.before), std::mem::take(&mut self.after));
        assert!(self.instruction.accounts.len() >= self.roles.len(), "{}", self.name);
        for at in 0..self.roles.len() {
            match self.roles[at] {
                Role::Signer => self.unsigned(at),
                Role::Payer => {
                    self.unsigned(at);
                    self.payer_read_only(at);
                }
                Role::Purse => {
                    self.unsigned(at);
                    self.read_only(at);
                }
                Role::Read(twin) => self.stored(at, &other, twin),
                Role::Written(twin) => {
                    self.stored(at, &other, twin);
                    self.read_only(at);
                }
                Role::New => self.replace(at, "at another address", Pubkey::new_unique(), A::ConstraintSeeds),
                Role::EventAuthority => self.replace(at, "another", Pubkey::new_unique(), A::ConstraintAddress),
                Role::Itself => self.another_self(at),
                Role::Program(code) => self.replace(at, "another program", Pubkey::new_unique(), code),
                Role::Other => {}
            }
        }
        self.risk_accounts(&other);
        let signers: Vec<_> = self.signers.iter().collect();
        self.world.accept(self.instruction, &signers);
    }
}

#[test]
fn no_account_of_any_instruction_can_be_replaced() {
    let mut names: Vec<_> = cases().into_iter().map(|case| (case.name, case.run()).0).collect();
    // One case for each instruction of the program.
    let source = include_str!("../../../../programs/margin-engine/src/lib.rs");
    let mut entry_points: Vec<_> =
        source.split("pub fn ").skip(1).filter_map(|text| text.split_once("<'info>")).map(|(name, _)| name).collect();
    names.sort_unstable();
    entry_points.sort_unstable();
    assert_eq!(names, entry_points);
}

#[test]
fn nobody_but_the_program_emits_its_events() {
    let mut world = World::bare();
    // Anchor's tag of an event instruction, then any payload.
    let data = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d, 1, 2, 3].to_vec();
    let fake = Keypair::new();
    for (authority, signs, code) in
        [(addresses::event_authority(), false, A::ConstraintSigner), (fake.pubkey(), true, A::ConstraintSeeds)]
    {
        let meta = solana_instruction::AccountMeta::new_readonly(authority, signs);
        let instruction =
            Instruction { program_id: margin_client::PROGRAM_ID, accounts: vec![meta], data: data.clone() };
        let signers = if signs { vec![&fake] } else { vec![] };
        world.refuse_anchor(instruction, &signers, code);
    }
}
