//! The probe program in LiteSVM.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use litesvm::LiteSVM;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_pubkey::{Pubkey, pubkey};
use solana_signer::Signer;
use solana_transaction::Transaction;

const COMPUTE_BUDGET: Pubkey = pubkey!("ComputeBudget111111111111111111111111111111");
/// Everything a transaction may use.
const UNITS: u32 = 1_400_000;

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A built program, in `MARGIN_DEPLOY_DIR` or else in the target folder.
pub fn deployed(file: &str) -> PathBuf {
    let folder = std::env::var_os("MARGIN_DEPLOY_DIR").map_or_else(
        || std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from).join("deploy"),
        PathBuf::from,
    );
    folder.join(file)
}

/// A loaded probe.
pub struct Probe {
    svm: LiteSVM,
    program: Pubkey,
    payer: Keypair,
}

impl Probe {
    /// Loads `svm_probe.so`.
    pub fn load() -> Result<Self> {
        let file = deployed("svm_probe.so");
        let mut svm = LiteSVM::new();
        let program = Pubkey::new_unique();
        svm.add_program_from_file(program, &file)
            .map_err(|error| anyhow!("{error:?}"))
            .with_context(|| format!("load {}; `cargo xtask build-sbf` makes it", file.display()))?;
        let payer = Keypair::new();
        svm.airdrop(&payer.pubkey(), 1_000_000_000).map_err(|error| anyhow!("airdrop: {error:?}"))?;
        Ok(Self { svm, program, payer })
    }

    /// Runs one request and returns its answer.
    pub fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        Ok(self.run(request)?.0)
    }

    /// Runs a measurement and returns its answer and the compute units of the measured step.
    pub fn measure(&mut self, request: &[u8]) -> Result<(Vec<u8>, u64)> {
        let (answer, logs) = self.run(request)?;
        let readings: Vec<u64> = logs
            .iter()
            .filter_map(|line| line.strip_prefix("Program consumption: ")?.strip_suffix(" units remaining"))
            .map(|number| number.parse().context("meter reading"))
            .collect::<Result<_>>()?;
        let [first, second, third] = readings[..] else { bail!("three readings expected, got {readings:?}") };
        let (empty, full) = (first.saturating_sub(second), second.saturating_sub(third));
        Ok((answer, full.saturating_sub(empty)))
    }

    fn run(&mut self, request: &[u8]) -> Result<(Vec<u8>, Vec<String>)> {
        let mut limit = vec![2];
        limit.extend_from_slice(&UNITS.to_le_bytes());
        let instructions = [
            Instruction::new_with_bytes(COMPUTE_BUDGET, &limit, vec![]),
            Instruction::new_with_bytes(self.program, request, vec![]),
        ];
        let message = Message::new(&instructions, Some(&self.payer.pubkey()));
        // A simulation is not recorded, so the same request may run again.
        let transaction = Transaction::new(&[&self.payer], message, self.svm.latest_blockhash());
        match self.svm.simulate_transaction(transaction) {
            Ok(done) => Ok((done.meta.return_data.data, done.meta.logs)),
            Err(failed) => bail!("request {:?}: {:?}\n{}", request.first(), failed.err, failed.meta.logs.join("\n")),
        }
    }
}
