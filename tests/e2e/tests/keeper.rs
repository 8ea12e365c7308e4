//! The keeper on an embedded network: its loop over JSON-RPC and a WebSocket, races, outages, and dry runs.
//!
//! Needs the program: `cargo xtask build-sbf`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use margin_client::Loaded;
use margin_client::instructions::PriceChallenge;
use margin_client::state::Collateral;
use margin_keeper::config::Config;
use margin_keeper::plan::ActionKind;
use margin_keeper::run::Keeper;
use margin_keeper::send::Sent;
use margin_localnet::audit::audit;
use margin_localnet::books;
use margin_localnet::demo::Demo;
use margin_localnet::keeper::{configuration, liquidatable, margin_check};
use margin_localnet::narrate::Narrator;
use margin_localnet::seed::default_program;
use margin_localnet::traders::Trader;
use margin_localnet::{Network, NetworkConfig};
use solana_signer::Signer as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

const WAIT: Duration = Duration::from_secs(40);
/// The hour of the replay in which the naked account first falls below its maintenance margin.
const FALL: &str = "2024-08-05T00";

/// A market without positions, before the crash.
fn market() -> (Network, Demo) {
    let config = NetworkConfig::on_free_ports().expect("two free ports");
    let network = Network::start(&config).expect("the network starts");
    let demo = Demo::prepare(&network, &default_program()).expect("the market is seeded");
    (network, demo)
}

/// Both traders open their books.
fn trade(demo: &Demo) {
    let mut text = Vec::new();
    let mut out = Narrator::new(&mut text, margin_client::text::Style::plain());
    demo.trade(&demo.naked, &books::NAKED, &mut out).expect("the naked book");
    demo.trade(&demo.hedged, &books::HEDGED, &mut out).expect("the hedged book");
}

/// A market with both traders' books, before the crash.
fn start() -> (Network, Demo) {
    let (network, demo) = market();
    trade(&demo);
    (network, demo)
}

/// The market after the first hours of the crash.
fn crash(network: &Network, demo: &Demo) {
    let hour = (1..=demo.crash.hours())
        .find(|hour| demo.crash.row(*hour).expect("a row").time.starts_with(FALL))
        .expect("the hour is in the crash");
    let market = demo.market.replayed(&demo.crash, hour).expect("a market");
    network.set_time(market.time).expect("the clock moves");
    demo.venue.publish(&demo.sender, &market, market.time).expect("prices and surfaces");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn config(network: &Network, demo: &Demo, trader: &Trader) -> Config {
    let mut config = configuration(network, &demo.venue, trader);
    config.node.poll_milliseconds = 200;
    config
}

/// A keeper that runs until it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn run(runtime: &tokio::runtime::Runtime, config: Config, trader: &Trader) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let keeper = Keeper::with_key(config, trader.key.insecure_clone());
    let keeper = runtime.block_on(keeper).expect("the keeper connects");
    let task = runtime.spawn(async move {
        let stop = async {
            let _ = stopped.await;
        };
        keeper.run(stop).await.expect("the keeper stops in order");
    });
    Running { stop, task }
}

impl Running {
    fn stop(self, runtime: &tokio::runtime::Runtime) {
        self.stop.send(()).expect("it runs");
        let ended = runtime.block_on(async { tokio::time::timeout(WAIT, self.task).await });
        ended.expect("it stops when it is asked to").expect("it did not panic");
    }
}

/// Waits until the naked account has been liquidated: it has fewer positions' worth of risk and is free.
#[track_caller]
fn wait_for_liquidation(demo: &Demo) {
    let lots = |demo: &Demo| -> u64 {
        let account = demo.naked.fetch(&demo.sender, &demo.venue).expect("the account");
        account.positions().iter().map(|position| position.lots.unsigned_abs()).sum()
    };
    let (before, deadline) = (lots(demo), Instant::now() + WAIT);
    loop {
        let report = margin_check(&demo.sender, &demo.venue, &demo.naked).expect("a report");
        if lots(demo) < before && !report.in_liquidation && !liquidatable(&report) {
            return;
        }
        assert!(Instant::now() < deadline, "nobody liquidated the account: {report:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[track_caller]
fn initially_healthy(demo: &Demo, trader: &Trader) {
    let report = margin_check(&demo.sender, &demo.venue, trader).expect("a report");
    assert!(report.equity >= report.initial_margin, "{}: {report:?}", trader.name);
}

#[test]
fn a_keeper_follows_the_network_liquidates_and_stops_in_order() {
    let (network, demo) = market();
    let runtime = runtime();
    let mut config = config(&network, &demo, &demo.keeper);
    config.monitoring.listen = "127.0.0.1:0".to_owned();
    let keeper = Keeper::with_key(config, demo.keeper.key.insecure_clone());
    let keeper = runtime.block_on(keeper).expect("the keeper connects");
    let board = keeper.board();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = runtime.spawn(async move {
        let stop = async {
            let _ = stopped.await;
        };
        keeper.run(stop).await.expect("the keeper stops in order");
    });
    // At the start, and once the subscription stands.
    let deadline = Instant::now() + WAIT;
    while board.metrics.connected.get() == 0 || board.metrics.snapshots.get() < 2 {
        assert!(Instant::now() < deadline, "no subscription");
        std::thread::sleep(Duration::from_millis(20));
    }
    let changes = board.metrics.updates.with_label_values(&["changed"]);
    let (before, snapshots) = (changes.get(), board.metrics.snapshots.get());
    trade(&demo);
    // The maker's account and both traders'. Nothing but the subscription tells of them before the next snapshot.
    while changes.get() < before + 3 {
        assert!(Instant::now() < deadline, "nothing is pushed");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(board.metrics.snapshots.get(), snapshots, "{}", board.metrics.text());
    crash(&network, &demo);
    wait_for_liquidation(&demo);
    Running { stop, task }.stop(&runtime);
    initially_healthy(&demo, &demo.keeper);
    assert!(audit(&demo.sender, &demo.venue).expect("an audit").balanced());
    let metrics = board.metrics.text();
    for line in [
        "margin_keeper_accounts 5",
        "actions_total{kind=\"bid\",result=\"landed\"}",
        "kind=\"start\",result=\"landed\"",
    ] {
        assert!(metrics.contains(line), "{line:?} is missing in\n{metrics}");
    }
}

#[test]
fn two_keepers_race_without_harm() {
    let (network, demo) = start();
    let runtime = runtime();
    crash(&network, &demo);
    // The maker, the other side of all trades, keeps as well.
    let keepers = [&demo.keeper, &demo.maker];
    let running: Vec<_> = keepers.iter().map(|trader| run(&runtime, config(&network, &demo, trader), trader)).collect();
    wait_for_liquidation(&demo);
    for keeper in running {
        keeper.stop(&runtime);
    }
    for trader in keepers {
        initially_healthy(&demo, trader);
    }
    assert!(audit(&demo.sender, &demo.venue).expect("an audit").balanced());
}

#[test]
fn without_a_subscription_everything_is_asked_for() {
    let (network, demo) = market();
    let runtime = runtime();
    let mut config = config(&network, &demo, &demo.keeper);
    // Nobody listens there.
    config.node.websocket = Some("ws://127.0.0.1:9".to_owned());
    config.node.fallback_milliseconds = 300;
    let keeper = run(&runtime, config, &demo.keeper);
    trade(&demo);
    crash(&network, &demo);
    wait_for_liquidation(&demo);
    keeper.stop(&runtime);
    initially_healthy(&demo, &demo.keeper);
}

#[test]
fn a_dry_run_plans_and_sends_nothing() {
    let (network, demo) = start();
    let runtime = runtime();
    crash(&network, &demo);
    let before = demo.naked.fetch(&demo.sender, &demo.venue).expect("the account");
    let mut config = config(&network, &demo, &demo.keeper);
    config.keeper.dry_run = true;
    let keeper = Keeper::with_key(config, demo.keeper.key.insecure_clone());
    let mut keeper = runtime.block_on(keeper).expect("the keeper connects");
    let done = runtime.block_on(keeper.round()).expect("a round");
    let start = done.iter().find(|(action, _)| matches!(action.kind, ActionKind::Start { .. }));
    let (action, sent) = start.expect("a start is planned");
    assert_eq!(action.subject, demo.naked.account);
    assert!(done.iter().all(|(_, sent)| matches!(sent, Sent::Simulated { units: 1.. })), "{sent:?}");
    let after = demo.naked.fetch(&demo.sender, &demo.venue).expect("the account");
    assert_eq!((after.liquidation, after.sequence), (before.liquidation, before.sequence));
}

#[test]
fn a_claim_that_a_living_price_is_none_is_answered() {
    let (network, demo) = market();
    let runtime = runtime();
    let token = demo.venue.sol.collateral;
    let challenged = |demo: &Demo| {
        let account = demo.sender.account("the listing of SOL", &token).expect("an account");
        let listing: Loaded<Collateral> = Loaded::from_account(token, &account).expect("a listing");
        listing.challenge.since != 0
    };
    let claim = PriceChallenge { challenger: demo.maker.key.pubkey(), collateral: token };
    demo.sender.send(&[claim.instruction()], &demo.maker.key, &[]).expect("the claim");
    assert!(challenged(&demo));
    let keeper = run(&runtime, config(&network, &demo, &demo.keeper), &demo.keeper);
    let deadline = Instant::now() + WAIT;
    while challenged(&demo) {
        assert!(Instant::now() < deadline, "nobody answers");
        std::thread::sleep(Duration::from_millis(50));
    }
    keeper.stop(&runtime);
}

#[test]
fn the_node_s_loss_is_survived_and_what_happened_meanwhile_is_found() {
    let (network, demo) = start();
    let runtime = runtime();
    let mut config = config(&network, &demo, &demo.keeper);
    let mut wires = [network.rpc_url(), network.ws_url()].map(|url| {
        let port = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        runtime.block_on(Wire::new(port))
    });
    config.node.rpc = format!("http://{}", wires[0].address);
    config.node.websocket = Some(format!("ws://{}", wires[1].address));
    config.node.timeout_seconds = 2;
    let keeper = run(&runtime, config, &demo.keeper);
    for wire in &mut wires {
        runtime.block_on(wire.cut());
    }
    crash(&network, &demo);
    std::thread::sleep(Duration::from_secs(2));
    let naked = demo.naked.fetch(&demo.sender, &demo.venue).expect("the account");
    assert!(!naked.in_liquidation(), "the keeper is cut off");
    for wire in &mut wires {
        runtime.block_on(wire.mend());
    }
    wait_for_liquidation(&demo);
    keeper.stop(&runtime);
    assert!(audit(&demo.sender, &demo.venue).expect("an audit").balanced());
}

/// A TCP connection to the network that can be cut and mended.
struct Wire {
    address: SocketAddr,
    to: u16,
    listening: Option<AbortHandle>,
}

impl Wire {
    async fn new(to: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let mut wire = Self { address, to, listening: None };
        wire.listen(listener);
        wire
    }

    fn listen(&mut self, listener: TcpListener) {
        let to = self.to;
        let task = tokio::spawn(async move {
            // Dropped with the task, so that a cut closes every connection.
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                connections.spawn(async move {
                    if let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await {
                        let ((mut near_read, mut near_write), (mut far_read, mut far_write)) =
                            (near.into_split(), far.into_split());
                        tokio::select! {
                            () = copy(&mut near_read, &mut far_write) => {}
                            () = copy(&mut far_read, &mut near_write) => {}
                        }
                    }
                });
            }
        });
        self.listening = Some(task.abort_handle());
    }

    async fn cut(&mut self) {
        if let Some(task) = self.listening.take() {
            task.abort();
        }
        // The port is free once the task is gone.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is free again");
        self.listen(listener);
    }
}

async fn copy(from: &mut (impl tokio::io::AsyncRead + Unpin), to: &mut (impl tokio::io::AsyncWrite + Unpin)) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
