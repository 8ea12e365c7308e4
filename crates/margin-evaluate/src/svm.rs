//! The program on a virtual machine of Solana.

use std::path::PathBuf;

use litesvm::{LiteSVM, types::FailedTransactionMetadata};
use margin_client::{
    Breakdown, MarginReport, PROGRAM_ID, decode_breakdown, decode_margin_report, errors,
    instructions::{BreakdownPart, MarginBreakdown, MarginCheck, MarginCheckArgs, MarginQuote, MarginQuoteArgs},
    presets,
};
use solana_clock::Clock;
use solana_instruction::{AccountMeta, Instruction};
use solana_message::Message;
use solana_pubkey::Pubkey;
use solana_transaction::Transaction;

use crate::{Book, EvaluateError, Evaluator, Run, listing::owner};

/// Where `cargo xtask build-sbf` leaves the program: in `MARGIN_DEPLOY_DIR`, else beside this workspace's other build
/// products.
#[must_use]
pub fn default_program() -> PathBuf {
    let folder = std::env::var_os("MARGIN_DEPLOY_DIR").map(PathBuf::from).unwrap_or_else(|| {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")), PathBuf::from);
        target.join("deploy")
    });
    folder.join("margin_engine.so")
}

/// A virtual machine with the program. Books take turns in it: each call replaces the accounts of the one before.
pub struct Svm {
    machine: LiteSVM,
    payer: Pubkey,
}

/// An instruction's answer.
struct Answer {
    program: Pubkey,
    data: Vec<u8>,
    compute_units: u64,
}

impl Svm {
    /// A machine with this SBF binary.
    ///
    /// # Errors
    /// `Binary`: the bytes are no program.
    pub fn new(program: &[u8]) -> Result<Self, EvaluateError> {
        // Nothing is signed and nothing is recorded: instructions are simulated.
        let mut machine = LiteSVM::new().with_sigverify(false).with_blockhash_check(false);
        machine.add_program(PROGRAM_ID, program).map_err(|error| EvaluateError::Binary(format!("{error:?}")))?;
        let payer = owner();
        machine
            .airdrop(&payer, 1_000_000_000)
            .map_err(|failed| EvaluateError::Binary(format!("no airdrop: {:?}", failed.err)))?;
        Ok(Self { machine, payer })
    }

    fn load(&mut self, book: &Book) -> Result<(), EvaluateError> {
        let clock = Clock { unix_timestamp: book.now, ..self.machine.get_sysvar() };
        self.machine.set_sysvar(&clock);
        for (address, account) in &book.accounts {
            self.machine
                .set_account(*address, account.clone())
                .map_err(|error| EvaluateError::Runtime(format!("account {address}: {error:?}")))?;
        }
        Ok(())
    }

    fn run(&mut self, book: &Book, instruction: Instruction) -> Result<Answer, EvaluateError> {
        self.load(book)?;
        let instructions = [presets::compute_unit_limit(presets::MAX_COMPUTE_UNITS), instruction];
        let transaction = Transaction::new_unsigned(Message::new(&instructions, Some(&self.payer)));
        let done = self.machine.simulate_transaction(transaction).map_err(refusal)?;
        let compute_units = consumed(&done.meta.logs).unwrap_or(done.meta.compute_units_consumed);
        let answer = done.meta.return_data;
        Ok(Answer { program: answer.program_id, data: answer.data, compute_units })
    }

    fn report(&mut self, book: &Book, instruction: Instruction) -> Result<Run<MarginReport>, EvaluateError> {
        let Answer { program, data, compute_units } = self.run(book, instruction)?;
        let value = decode_margin_report(&program, &data).map_err(|error| EvaluateError::Answer(error.to_string()))?;
        Ok(Run { value, compute_units: Some(compute_units) })
    }
}

impl Evaluator for Svm {
    fn check(&mut self, book: &Book, args: &MarginCheckArgs) -> Result<Run<MarginReport>, EvaluateError> {
        let directory = &book.snapshot.directory;
        let markets = match args.mode {
            Some(mode) => directory.for_mode(&book.account, mode),
            None => directory.for_account(&book.account),
        };
        let check = MarginCheck {
            engine: book.snapshot.engine.address,
            margin_account: book.address,
            markets: known(markets)?,
            args: args.clone(),
        };
        self.report(book, check.instruction())
    }

    fn quote(&mut self, book: &Book, args: &MarginQuoteArgs) -> Result<Run<MarginReport>, EvaluateError> {
        let quote = MarginQuote {
            engine: book.snapshot.engine.address,
            margin_account: book.address,
            markets: known(book.snapshot.directory.for_quote(&book.account, args))?,
            args: args.clone(),
        };
        self.report(book, quote.instruction())
    }

    fn breakdown(
        &mut self,
        book: &Book,
        underlying: u16,
        part: BreakdownPart,
    ) -> Result<Run<Breakdown>, EvaluateError> {
        let breakdown = MarginBreakdown {
            engine: book.snapshot.engine.address,
            margin_account: book.address,
            markets: known(book.snapshot.directory.for_account(&book.account))?,
            underlying,
            part,
        };
        let Answer { program, data, compute_units } = self.run(book, breakdown.instruction())?;
        let value = decode_breakdown(&program, &data).map_err(|error| EvaluateError::Answer(error.to_string()))?;
        Ok(Run { value, compute_units: Some(compute_units) })
    }
}

fn known<E: std::fmt::Display>(markets: Result<Vec<AccountMeta>, E>) -> Result<Vec<AccountMeta>, EvaluateError> {
    markets.map_err(|error| EvaluateError::Runtime(error.to_string()))
}

/// The program's own error where it raised one.
fn refusal(failed: FailedTransactionMetadata) -> EvaluateError {
    let cause = format!("{:?}", failed.err);
    // `InstructionError(1, Custom(6120))`: the codes live in crates of several versions, their text in one.
    let code = cause.split_once("Custom(").and_then(|(_, rest)| rest.split_once(')')).map(|(code, _)| code.parse());
    match code.and_then(Result::ok).and_then(errors::explain) {
        Some(error) => EvaluateError::Program(error),
        None => EvaluateError::Runtime(format!("{cause}\n{}", failed.meta.logs.join("\n"))),
    }
}

/// Compute units of the program's instruction: `Program … consumed 123 of 456 compute units`.
fn consumed(logs: &[String]) -> Option<u64> {
    let start = format!("Program {PROGRAM_ID} consumed ");
    logs.iter().rev().find_map(|line| line.strip_prefix(&start)?.split(' ').next()?.parse().ok())
}
