//! `cargo xtask demo`: the main job on an embedded local network.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use margin_client::PROGRAM_ID;
use margin_client::text::{Style, Tone};
use margin_localnet::demo::{self, Demo};
use margin_localnet::expectations::Expectation;
use margin_localnet::narrate::Narrator;
use margin_localnet::{Network, NetworkConfig, chart, seed};
use serde_json::json;
use solana_signer::Signer as _;

/// Hours between two steps of a fast replay.
const FAST_STRIDE: usize = 4;
/// How often prices and surfaces are published while the network stays up.
const PUBLISH_EVERY: Duration = Duration::from_secs(10);

/// Runs the margin engine's whole path on a local network: market, trades, margin reports, a real crash, a liquidation.
#[derive(Parser)]
#[command(name = "demo", version)]
struct Options {
    /// Port of the JSON-RPC endpoint, on 127.0.0.1.
    #[arg(long, default_value_t = NetworkConfig::default().rpc_port, value_name = "PORT")]
    rpc_port: u16,
    /// Port of the WebSocket endpoint, on 127.0.0.1.
    #[arg(long, default_value_t = NetworkConfig::default().ws_port, value_name = "PORT")]
    ws_port: u16,
    /// Stop after the run. The exit status is 0 only if everything happened as it should.
    #[arg(long)]
    exit: bool,
    /// Replay every fourth hour only.
    #[arg(long)]
    fast: bool,
    /// Print the result as JSON on standard output, and the story on standard error.
    #[arg(long)]
    json: bool,
    /// Write the naked account's crash as an SVG: equity, margins, auction price and every bid.
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// The program to deploy [default: target/deploy/margin_engine.so].
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every expectation was met.
fn run(options: &Options) -> Result<bool> {
    let (mut stdout, mut stderr) = (std::io::stdout(), std::io::stderr());
    let out: &mut dyn Write = if options.json { &mut stderr } else { &mut stdout };
    let style = if options.json { Style::plain() } else { Style::detect() };
    let mut narrator = Narrator::new(out, style);

    let config = NetworkConfig { rpc_port: options.rpc_port, ws_port: options.ws_port, ..NetworkConfig::default() };
    let network = Network::start(&config)?;
    narrator.line(Tone::Plain, &format!("JSON-RPC {}   WebSocket {}", network.rpc_url(), network.ws_url()))?;
    let program = options.program.clone().unwrap_or_else(seed::default_program);
    let demo = Demo::prepare(&network, &program).context("preparing the market")?;
    narrator.line(Tone::Plain, &format!("program  {PROGRAM_ID}\nengine   {}", demo.venue.engine))?;
    narrator.market(&demo)?;

    let stride = if options.fast { FAST_STRIDE } else { 1 };
    let outcome = demo::run(&network, &demo, stride, &mut narrator)?;
    if let Some(file) = &options.chart {
        std::fs::write(file, chart::svg(&outcome.hours)).with_context(|| format!("writing {}", file.display()))?;
        narrator.line(Tone::Faint, &format!("  chart: {}", file.display()))?;
    }
    let expectations = outcome.expectations();
    narrator.expectations(&expectations)?;
    let met = expectations.iter().all(|expectation| expectation.met);
    if options.json {
        println!("{:#}", summary(&network, &demo, &expectations));
    }
    if options.exit {
        network.stop()?;
    } else {
        connect(&mut narrator, &network, &demo)?;
        stay_up(&network, &demo)?;
    }
    Ok(met)
}

fn summary(network: &Network, demo: &Demo, expectations: &[Expectation]) -> serde_json::Value {
    let accounts: serde_json::Map<String, serde_json::Value> = demo
        .people()
        .iter()
        .map(|t| (t.name.to_owned(), json!({ "owner": t.key.pubkey().to_string(), "account": t.account.to_string() })))
        .collect();
    let list: Vec<_> =
        expectations.iter().map(|e| json!({ "what": e.what, "met": e.met, "figures": e.figures })).collect();
    json!({
        "rpc": network.rpc_url(),
        "websocket": network.ws_url(),
        "program": PROGRAM_ID.to_string(),
        "engine": demo.venue.engine.to_string(),
        "quote_mint": demo.venue.quote.mint.to_string(),
        "accounts": accounts,
        "expectations": list,
    })
}

/// What a wallet or the command line needs to talk to the network.
fn connect(narrator: &mut Narrator, network: &Network, demo: &Demo) -> Result<()> {
    narrator.heading("The network stays up; Ctrl-C stops it")?;
    let rpc = network.rpc_url();
    narrator.text(&format!(
        "  JSON-RPC   {rpc}\n  WebSocket  {}\n  program    {PROGRAM_ID}\n  engine     {}\n  USDC mint  {}\n  SOL mint   {}\n",
        network.ws_url(),
        demo.venue.engine,
        demo.venue.quote.mint,
        demo.venue.sol.mint,
    ))?;
    for person in demo.people() {
        narrator.text(&format!("  {:<9}  {}  (wallet {})\n", person.name, person.account, person.key.pubkey()))?;
    }
    narrator.text(&format!("\n  margin --url {rpc} report {}\n", demo.hedged.account))?;
    Ok(())
}

/// Publishes the last market again and again, so that prices stay fresh for whoever trades, until Ctrl-C.
fn stay_up(network: &Network, demo: &Demo) -> Result<()> {
    network.run_in_real_time()?;
    let market = demo.market.replayed(&demo.crash, demo.crash.hours())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    loop {
        let stop = runtime.block_on(async {
            tokio::select! {
                signal = tokio::signal::ctrl_c() => signal.map(|()| true),
                () = tokio::time::sleep(PUBLISH_EVERY) => Ok(false),
            }
        })?;
        if stop {
            return Ok(());
        }
        demo.venue.publish(&demo.sender, &market, demo.sender.time()?).context("publishing prices")?;
    }
}
