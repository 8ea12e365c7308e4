//! Fixture for tests of the margin engine's SBF binary on solana-program-test: a whole bank with its real fees, compute
//! limits, loaders and clock, behind the client that a validator's bank server speaks to.

use margin_client::{
    PROGRAM_ID,
    errors::engine_error,
    presets::{MAX_COMPUTE_UNITS, compute_unit_limit, compute_unit_price},
    pyth::{FeedId, PriceUpdate},
};
use margin_core::Price;
use solana_account::{Account, AccountSharedData};
use solana_clock::Clock;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_program_binaries::bpf_loader_upgradeable_program_accounts;
use solana_program_test::{BanksClientError, ProgramTest, ProgramTestContext};
use solana_pubkey::Pubkey;
use solana_rent::Rent;
use solana_signer::Signer;
use solana_transaction::Transaction;
use tests_svm::program_bytes;

mod desk;
mod tokens;

pub use desk::{Desk, Party};

/// A feature gate of the runtime: deployment and execution of SBPF version 3.
pub const SBPF_V3: Pubkey = Pubkey::from_str_const("5cC3foj77CWun58pC51ebHFUWavHWKarWyR5UUik7dnC");

/// What an accepted transaction left behind.
#[derive(Debug)]
pub struct Receipt {
    pub compute_units: u64,
    pub return_data: Vec<u8>,
}

/// A bank with the program, deployed as an upgradeable one.
pub struct Chain {
    context: ProgramTestContext,
    sent: u64,
}

impl Chain {
    /// With every feature of the runtime but those named.
    pub async fn start(without: &[Pubkey]) -> Self {
        let mut test = ProgramTest::default();
        // It logs every program's every line; what matters of it comes back with the transaction.
        agave_logger::setup_with_default("error");
        test.prefer_bpf(true);
        for feature in without {
            test.deactivate_feature(*feature);
        }
        for (address, account) in
            bpf_loader_upgradeable_program_accounts(&PROGRAM_ID, program_bytes(), &Rent::default())
        {
            test.add_account(address, account);
        }
        Self { context: test.start_with_context().await, sent: 0 }
    }

    /// Pays every fee.
    #[must_use]
    pub fn payer(&self) -> Keypair {
        self.context.payer.insecure_clone()
    }

    /// The bank's clock.
    pub async fn now(&self) -> i64 {
        self.context.banks_client.get_sysvar::<Clock>().await.expect("a clock").unix_timestamp
    }

    /// Lets at least `seconds` pass by skipping slots. For a runtime of one thread (that of `#[tokio::test]`): the bank would
    /// panic if its background task registered a blockhash meanwhile.
    pub async fn warp(&mut self, seconds: i64) {
        let target = self.now().await + seconds;
        while self.now().await < target {
            let slot = self.context.banks_client.get_sysvar::<Clock>().await.expect("a clock").slot;
            self.context.warp_to_slot(slot + 500).expect("a later slot");
        }
    }

    pub async fn account(&self, address: Pubkey) -> Option<Account> {
        self.context.banks_client.get_account(address).await.expect("an answer of the bank")
    }

    /// Writes a price as of now, with an interval of ±0.1 %.
    pub async fn set_price(&mut self, address: Pubkey, feed: FeedId, price: u64) {
        let update = PriceUpdate::new(feed, Price(price), Price(price / 1_000), self.now().await);
        self.context.set_account(&address, &AccountSharedData::from(update.account()));
    }

    /// Sends instructions with the largest compute budget; the error is the bank's.
    pub async fn send(
        &mut self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Receipt, (BanksClientError, Vec<String>)> {
        // A price makes the same instructions another transaction.
        self.sent += 1;
        let mut all = vec![compute_unit_limit(MAX_COMPUTE_UNITS), compute_unit_price(self.sent)];
        all.extend_from_slice(instructions);
        let payer = self.payer();
        let mut keys = vec![&payer];
        keys.extend(signers.iter().copied().filter(|key| key.pubkey() != payer.pubkey()));
        let blockhash = self.context.banks_client.get_latest_blockhash().await.expect("a blockhash");
        let transaction = Transaction::new_signed_with_payer(&all, Some(&payer.pubkey()), &keys, blockhash);
        let answer = self.context.banks_client.process_transaction_with_metadata(transaction).await;
        let answer = answer.map_err(|error| (error, Vec::new()))?;
        let metadata = answer.metadata;
        let logs = metadata.as_ref().map(|metadata| metadata.log_messages.clone()).unwrap_or_default();
        answer.result.map_err(|error| (BanksClientError::TransactionError(error), logs))?;
        let metadata = metadata.expect("an executed transaction");
        Ok(Receipt {
            compute_units: metadata.compute_units_consumed,
            return_data: metadata.return_data.map(|data| data.data).unwrap_or_default(),
        })
    }

    /// Sends an instruction that must succeed.
    pub async fn accept(&mut self, instruction: Instruction, signers: &[&Keypair]) -> Receipt {
        match self.send(&[instruction], signers).await {
            Ok(receipt) => receipt,
            Err((error, logs)) => panic!("refused: {error}\n{}", logs.join("\n")),
        }
    }

    /// Sends an instruction that the program must refuse, and returns the name of its error. The accounts it may write
    /// must stay as they were.
    pub async fn refuse(&mut self, instruction: Instruction, signers: &[&Keypair]) -> String {
        let payer = self.payer().pubkey();
        let written = instruction.accounts.iter().filter(|meta| meta.is_writable && meta.pubkey != payer);
        let written: Vec<Pubkey> = written.map(|meta| meta.pubkey).collect();
        let mut before = Vec::new();
        for address in &written {
            before.push(self.account(*address).await);
        }
        let (error, _) = self.send(&[instruction], signers).await.expect_err("a refusal");
        for (address, account) in written.iter().zip(before) {
            assert_eq!(self.account(*address).await, account, "a refused transaction changed {address}");
        }
        let cause = format!("{error:?}");
        let code = cause.split_once("Custom(").and_then(|(_, rest)| rest.split_once(')')).map(|(code, _)| code);
        match code.and_then(|code| engine_error(code.parse().ok()?)) {
            Some(error) => error.name(),
            None => cause,
        }
    }
}
