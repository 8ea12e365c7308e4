//! The embedded network: start, stop and move time.

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use solana_clock::Clock;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client::rpc_client::RpcClient;
use surfpool_core::runloops::start_local_surfnet_runloop;
use surfpool_core::surfnet::locker::SurfnetSvmLocker;
use surfpool_core::surfnet::svm::{SurfnetSvm, SurfnetSvmConfig};
use surfpool_sdk::{BlockProductionMode, SimnetCommand, SimnetEvent};
use surfpool_types::{ClockCommand, RpcConfig, SimnetConfig, SurfpoolConfig};

use crate::{LocalnetError, Result};

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
const START_TIMEOUT: Duration = Duration::from_secs(30);
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// Which endpoint a port serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    JsonRpc,
    WebSocket,
}

impl Port {
    /// The option of the `demo` command that moves this port.
    pub fn flag(self) -> &'static str {
        match self {
            Port::JsonRpc => "--rpc-port",
            Port::WebSocket => "--ws-port",
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Port::JsonRpc => "JSON-RPC",
            Port::WebSocket => "WebSocket",
        })
    }
}

/// Where and how the network runs.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    pub rpc_port: u16,
    pub ws_port: u16,
    /// The network's clock at start, Unix seconds. `None`: the machine's.
    pub start_time: Option<i64>,
    /// Network time a block takes. Blocks follow transactions until [`Network::run_in_real_time`].
    pub slot_time: Duration,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        // The ports wallets and the Solana tools expect of a local validator. A short slot keeps the network's
        // clock near the time that was set while hundreds of transactions pass.
        Self { rpc_port: 8899, ws_port: 8900, start_time: None, slot_time: Duration::from_millis(10) }
    }
}

impl NetworkConfig {
    /// Two ports that were free a moment ago, for tests that run beside each other.
    pub fn on_free_ports() -> Result<Self> {
        // Both listeners are held until both numbers are known, so they differ.
        let (rpc, ws) = (listen(Port::JsonRpc, 0)?, listen(Port::WebSocket, 0)?);
        let number = |listener: &TcpListener, port| match listener.local_addr() {
            Ok(address) => Ok(address.port()),
            Err(source) => Err(LocalnetError::PortUnusable { port, number: 0, source }),
        };
        Ok(Self { rpc_port: number(&rpc, Port::JsonRpc)?, ws_port: number(&ws, Port::WebSocket)?, ..Self::default() })
    }
}

/// A running network. Dropping it stops it.
pub struct Network {
    rpc_port: u16,
    ws_port: u16,
    commands: Sender<SimnetCommand>,
    lifecycle: Receiver<Lifecycle>,
    stopped: bool,
}

/// The few of the runtime's events that decide over its life; the rest is dropped unread.
enum Lifecycle {
    Started,
    Aborted(String),
    ServerClosed,
    RunloopEnded(Option<String>),
}

impl Network {
    /// Binds both endpoints to loopback and returns when they answer.
    pub fn start(config: &NetworkConfig) -> Result<Self> {
        if config.rpc_port == config.ws_port {
            return Err(LocalnetError::PortsEqual(config.rpc_port));
        }
        // The runtime would find a taken port too, but late and as text on standard error.
        drop(listen(Port::JsonRpc, config.rpc_port)?);
        drop(listen(Port::WebSocket, config.ws_port)?);

        let (commands, commands_rx) = unbounded();
        let (lifecycle_tx, lifecycle) = unbounded();
        spawn_runtime(config, commands.clone(), commands_rx, lifecycle_tx)?;

        let network = Self { rpc_port: config.rpc_port, ws_port: config.ws_port, commands, lifecycle, stopped: false };
        network.wait_until_started()?;
        if let Some(time) = config.start_time {
            network.set_time(time)?;
        }
        Ok(network)
    }

    /// `http://127.0.0.1:8899`
    pub fn rpc_url(&self) -> String {
        format!("http://{LOOPBACK}:{}", self.rpc_port)
    }

    /// `ws://127.0.0.1:8900`
    pub fn ws_url(&self) -> String {
        format!("ws://{LOOPBACK}:{}", self.ws_port)
    }

    /// A client that reads what the latest transaction wrote.
    pub fn client(&self) -> RpcClient {
        RpcClient::new_with_commitment(self.rpc_url(), CommitmentConfig::processed())
    }

    /// Sets the time programs see. The slot moves on as after any block, so unlike the network's own time travel
    /// the clock may also go back: a market of the past starts at its own date.
    pub fn set_time(&self, unix_timestamp: i64) -> Result<()> {
        let now = self.clock()?;
        let clock =
            Clock { slot: now.slot.saturating_add(1), unix_timestamp, epoch_start_timestamp: unix_timestamp, ..now };
        let (reply, confirmed) = crossbeam_channel::bounded(1);
        self.command(SimnetCommand::UpdateInternalClockWithConfirmation(None, clock, reply))?;
        confirmed
            .recv_timeout(REPLY_TIMEOUT)
            .map(drop)
            .map_err(|e| LocalnetError::Stopped(format!("clock update not confirmed: {e}")))
    }

    /// Blocks every 400 ms from now on, with or without transactions, as wallets expect.
    pub fn run_in_real_time(&self) -> Result<()> {
        const SLOT_MS: u64 = 400;
        self.command(SimnetCommand::CommandClock(None, ClockCommand::UpdateSlotInterval(SLOT_MS)))?;
        self.command(SimnetCommand::UpdateBlockProductionMode(BlockProductionMode::Clock))
    }

    /// Closes both endpoints and frees their ports.
    pub fn stop(mut self) -> Result<()> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.stopped, true) {
            return Ok(());
        }
        self.command(SimnetCommand::Terminate(None))?;
        let deadline = Instant::now() + REPLY_TIMEOUT;
        let mut open = 2; // HTTP and WebSocket
        while open > 0 {
            match self.lifecycle.recv_deadline(deadline) {
                Ok(Lifecycle::ServerClosed) => open -= 1,
                Ok(Lifecycle::Aborted(reason)) => return Err(LocalnetError::Stopped(reason)),
                Ok(Lifecycle::Started | Lifecycle::RunloopEnded(_)) => {}
                Err(_) => return Err(LocalnetError::Stopped(format!("{open} of 2 endpoints did not close"))),
            }
        }
        Ok(())
    }

    fn clock(&self) -> Result<Clock> {
        crate::cheats::read_clock(&self.client())
    }

    fn command(&self, command: SimnetCommand) -> Result<()> {
        self.commands.send(command).map_err(|e| LocalnetError::Stopped(e.to_string()))
    }

    fn wait_until_started(&self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        match self.lifecycle.recv_deadline(deadline) {
            Ok(Lifecycle::Started) => Ok(()),
            Ok(Lifecycle::Aborted(reason)) => Err(LocalnetError::Startup(reason)),
            Ok(Lifecycle::ServerClosed) => Err(LocalnetError::Startup("an endpoint closed at once".to_owned())),
            Ok(Lifecycle::RunloopEnded(reason)) => {
                Err(LocalnetError::Startup(reason.unwrap_or_else(|| "the runtime ended at once".to_owned())))
            }
            Err(_) => Err(LocalnetError::Startup(format!("no answer in {START_TIMEOUT:?}"))),
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Nothing is left to tell a caller here: `stop` is for those who need the ports free for certain.
        let _ = self.shut_down();
    }
}

fn listen(port: Port, number: u16) -> Result<TcpListener> {
    TcpListener::bind((LOOPBACK, number)).map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => LocalnetError::PortTaken { port, number },
        _ => LocalnetError::PortUnusable { port, number, source },
    })
}

/// Starts the bank and its endpoints on a thread of their own: the runtime blocks inside its executor, which it
/// therefore must not share with the caller.
fn spawn_runtime(
    config: &NetworkConfig,
    commands: Sender<SimnetCommand>,
    commands_rx: Receiver<SimnetCommand>,
    lifecycle: Sender<Lifecycle>,
) -> Result<()> {
    let slot_ms = u64::try_from(config.slot_time.as_millis()).unwrap_or(u64::MAX).max(1);
    let simnet = SimnetConfig {
        // No datasource: an account that does not exist here does not exist.
        offline_mode: true,
        remote_rpc_url: None,
        slot_time: slot_ms,
        block_production_mode: BlockProductionMode::Transaction,
        instruction_profiling_enabled: false,
        ..SimnetConfig::default()
    };
    let svm_config = SurfnetSvmConfig {
        slot_time: slot_ms,
        instruction_profiling_enabled: false,
        log_bytes_limit: simnet.log_bytes_limit,
        ..SurfnetSvmConfig::default()
    };
    let surfpool_config = SurfpoolConfig {
        simnets: vec![simnet],
        rpc: RpcConfig {
            bind_host: LOOPBACK.to_string(),
            bind_port: config.rpc_port,
            ws_port: config.ws_port,
            ..RpcConfig::default()
        },
        ..SurfpoolConfig::default()
    };
    let executor = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| LocalnetError::Startup(e.to_string()))?;
    let (svm, events, geyser_events) =
        SurfnetSvm::new(svm_config).map_err(|e| LocalnetError::Startup(e.to_string()))?;

    spawn("localnet-events", {
        let lifecycle = lifecycle.clone();
        move || forward_lifecycle(&events, &lifecycle)
    })?;
    spawn("localnet", move || {
        let run = start_local_surfnet_runloop(
            SurfnetSvmLocker::new(svm),
            surfpool_config,
            commands,
            commands_rx,
            geyser_events,
        );
        let reason = executor.block_on(run).err().map(|e| e.to_string());
        let _ = lifecycle.send(Lifecycle::RunloopEnded(reason));
    })
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
        .map_err(|e| LocalnetError::Startup(e.to_string()))
}

/// Drains the runtime's bounded event channel, on which it would otherwise block.
fn forward_lifecycle(events: &Receiver<SimnetEvent>, lifecycle: &Sender<Lifecycle>) {
    while let Ok(event) = events.recv() {
        let notice = match event {
            SimnetEvent::CoreStarted(_) => Lifecycle::Started,
            SimnetEvent::Aborted(reason) => Lifecycle::Aborted(reason),
            SimnetEvent::Shutdown => Lifecycle::ServerClosed,
            _ => continue,
        };
        if lifecycle.send(notice).is_err() {
            return;
        }
    }
}
