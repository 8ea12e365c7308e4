use std::sync::Mutex;

use margin_client::errors::EngineError;
use solana_instruction::{AccountMeta, Instruction, error::InstructionError};
use solana_pubkey::Pubkey;
use solana_transaction_error::TransactionError;

use super::*;
use crate::plan::ActionKind;

/// A cluster in a script.
#[derive(Default)]
struct Scripted {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Requests that fail before anything else happens.
    outage: usize,
    simulation_error: Option<TransactionError>,
    /// Sends that are lost on the way.
    lost: usize,
    height: u64,
    sent: Vec<VersionedTransaction>,
    landed: Option<(Signature, Option<TransactionError>)>,
    landing_error: Option<TransactionError>,
    hashes: u8,
}

impl Scripted {
    fn with<T>(&self, then: impl FnOnce(&mut State) -> T) -> Result<T, NodeError> {
        let mut state = self.state.lock().expect("no test panics with the lock");
        if state.outage > 0 {
            state.outage -= 1;
            return Err(NodeError::Unreachable("connection refused".to_owned()));
        }
        Ok(then(&mut state))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with the lock")
    }
}

impl Cluster for Scripted {
    async fn blockhash(&self) -> Result<Blockhash, NodeError> {
        self.with(|state| {
            state.hashes += 1;
            Blockhash { hash: Hash::new_from_array([state.hashes; 32]), last_valid_height: state.height + 3 }
        })
    }

    async fn simulate(&self, _: &VersionedTransaction) -> Result<Simulated, NodeError> {
        self.with(|state| Simulated { error: state.simulation_error.clone(), units: 100_000 })
    }

    async fn send(&self, transaction: &VersionedTransaction) -> Result<(), NodeError> {
        self.with(|state| {
            state.sent.push(transaction.clone());
            if state.lost > 0 {
                state.lost -= 1;
            } else {
                state.landed = Some((transaction.signatures[0], state.landing_error.clone()));
            }
        })
    }

    async fn status(&self, signature: &Signature) -> Result<Option<Landed>, NodeError> {
        self.with(|state| {
            let landed = state.landed.as_ref().filter(|(landed, _)| landed == signature);
            landed.map(|(_, error)| Landed { slot: state.height, error: error.clone() })
        })
    }

    async fn block_height(&self) -> Result<u64, NodeError> {
        self.with(|state| {
            state.height += 1;
            state.height
        })
    }

    async fn recent_fees(&self, _: &[Pubkey]) -> Result<Vec<u64>, NodeError> {
        Ok(vec![9_000_000, 0, 5_000, 7_000])
    }
}

fn sender(state: State) -> Sender<Scripted> {
    let brief = Duration::from_millis(1);
    Sender {
        cluster: Scripted { state: Mutex::new(state) },
        key: Keypair::new(),
        tables: Vec::new(),
        settings: SendSettings { poll: brief, resend_every: Duration::ZERO, ..SendSettings::default() },
    }
}

fn action() -> Action {
    let accounts = vec![AccountMeta::new(Pubkey::new_unique(), false)];
    let instruction = Instruction { program_id: Pubkey::new_unique(), accounts, data: vec![1] };
    Action {
        kind: ActionKind::Fund,
        subject: Pubkey::new_unique(),
        expected_profit: 0,
        instructions: vec![instruction],
    }
}

fn custom(error: EngineError) -> Option<TransactionError> {
    Some(TransactionError::InstructionError(2, InstructionError::Custom(u32::from(error))))
}

#[tokio::test]
async fn limit_and_fee_come_from_what_was_measured() {
    let sender = sender(State::default());
    let sent = sender.execute(&action()).await;
    // The three quarters of four fees: the third of 0, 5 000, 7 000, 9 000 000.
    assert!(matches!(sent, Sent::Landed { units: 100_000, fee: 7_000, .. }), "{sent:?}");
    let state = sender.cluster.state();
    let data: Vec<_> = state.sent[0].message.instructions().iter().map(|i| i.data.clone()).collect();
    assert_eq!(data[0][1..5], 112_000u32.to_le_bytes(), "a tenth and the spare units above the measure");
    assert_eq!(data[1][1..9], 7_000u64.to_le_bytes());
}

#[tokio::test]
async fn a_lost_transaction_is_sent_again_with_the_same_signature() {
    let sender = sender(State { lost: 2, ..State::default() });
    assert!(matches!(sender.execute(&action()).await, Sent::Landed { .. }));
    let state = sender.cluster.state();
    assert_eq!(state.sent.len(), 3);
    assert!(state.sent.iter().all(|sent| sent.signatures == state.sent[0].signatures));
}

#[tokio::test]
async fn a_new_blockhash_is_taken_only_when_the_old_one_has_run_out() {
    let sender = sender(State { lost: 4, ..State::default() });
    assert!(matches!(sender.execute(&action()).await, Sent::Landed { .. }));
    let state = sender.cluster.state();
    // Valid for three blocks and checked after every send: four sends with the first one.
    assert_eq!((state.hashes, state.sent.len()), (2, 5));
    assert_ne!(state.sent[3].signatures, state.sent[4].signatures);
}

#[tokio::test]
async fn an_outage_is_survived_and_a_long_one_reported() {
    let short = sender(State { outage: 2, ..State::default() });
    assert!(matches!(short.execute(&action()).await, Sent::Landed { .. }));
    let long = sender(State { outage: 100, ..State::default() });
    assert!(matches!(long.execute(&action()).await, Sent::Failed(Failure::Node(NodeError::Unreachable(_)))));
    assert!(long.cluster.state().sent.is_empty());
}

#[tokio::test]
async fn what_the_program_refuses_in_simulation_is_never_sent() {
    let sender = sender(State { simulation_error: custom(EngineError::NotInLiquidation), ..State::default() });
    assert!(matches!(sender.execute(&action()).await, Sent::Failed(Failure::LostRace(_))));
    assert!(sender.cluster.state().sent.is_empty());
}

#[tokio::test]
async fn a_race_lost_on_the_chain_is_no_reason_to_try_again() {
    let sender = sender(State { landing_error: custom(EngineError::AccountHealthy), ..State::default() });
    assert!(matches!(sender.execute(&action()).await, Sent::Failed(Failure::LostRace(_))));
    assert_eq!(sender.cluster.state().sent.len(), 1);
}

#[tokio::test]
async fn a_dry_run_sends_nothing() {
    let mut sender = sender(State::default());
    sender.settings.dry_run = true;
    assert_eq!(sender.execute(&action()).await, Sent::Simulated { units: 100_000 });
    let state = sender.cluster.state();
    assert_eq!((state.sent.len(), state.hashes), (0, 0));
}
