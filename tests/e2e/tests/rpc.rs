//! The demo's path over RPC, on an embedded network of its own for each test, and what a wallet sees of it.
//!
//! Needs the program: `cargo xtask build-sbf`.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use margin_client::errors::EngineError;
use margin_client::instructions::{LiquidationStart, Withdraw, WithdrawArgs, WitnessArgs};
use margin_client::state::MarginAccount;
use margin_client::text::Style;
use margin_client::{Loaded, decode_margin_report, presets};
use margin_localnet::audit::{all_accounts, audit};
use margin_localnet::books;
use margin_localnet::demo::{self, Demo};
use margin_localnet::keeper::margin_check;
use margin_localnet::narrate::Narrator;
use margin_localnet::quotes::Order;
use margin_localnet::seed::default_program;
use margin_localnet::{LocalnetError, Network, NetworkConfig, cheats, tokens};
use solana_account_decoder_client_types::UiAccountEncoding;
use solana_commitment_config::CommitmentConfig;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use solana_rpc_client_api::config::{RpcAccountInfoConfig, RpcSignatureSubscribeConfig};
use solana_rpc_client_api::response::RpcSignatureResult;
use solana_signer::Signer as _;
use solana_transaction::Transaction;

const WAIT: Duration = Duration::from_secs(20);
const SOL: u64 = 1_000_000_000;

fn start() -> (Network, Demo) {
    let config = NetworkConfig::on_free_ports().expect("two free ports");
    let network = Network::start(&config).expect("the network starts");
    let demo = Demo::prepare(&network, &default_program()).expect("the market is seeded");
    (network, demo)
}

/// Reads a subscription's socket while the test goes on.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn silently<T>(act: impl FnOnce(&mut Narrator) -> T) -> (T, String) {
    let mut text = Vec::new();
    let result = act(&mut Narrator::new(&mut text, Style::plain()));
    (result, String::from_utf8(text).expect("UTF-8"))
}

/// The program, not the runtime or the network, refused, and for this reason.
#[track_caller]
fn assert_refused(error: &LocalnetError, reason: EngineError) {
    let raised = error.program_error().map(|raised| raised.code);
    assert_eq!(raised, Some(u32::from(reason)), "{error}");
}

#[test]
fn the_demo_meets_every_expectation_and_a_wallet_can_watch_it() {
    let (network, demo) = start();
    let config = RpcAccountInfoConfig {
        encoding: Some(UiAccountEncoding::Base64),
        commitment: Some(CommitmentConfig::processed()),
        ..RpcAccountInfoConfig::default()
    };
    let runtime = runtime();
    let pubsub = runtime.block_on(PubsubClient::new(network.ws_url())).expect("a WebSocket");
    let (mut notices, unsubscribe) =
        runtime.block_on(pubsub.account_subscribe(&demo.naked.account, Some(config))).expect("a subscription");

    let (outcome, story) = silently(|out| demo::run(&network, &demo, 4, out).expect("the demo runs"));

    let failed: Vec<_> = outcome.expectations().into_iter().filter(|expectation| !expectation.met).collect();
    assert!(failed.is_empty(), "{failed:#?}\n{story}");
    for part in ["BTC-27MAR26-80000-P", "position by position", "keeper starts a liquidation", "released", "USDC vault"]
    {
        assert!(story.contains(part), "{part:?} is missing in\n{story}");
    }
    assert!(!story.contains('\x1b'), "colour in plain output");

    // Every change of the liquidated account was pushed; the last one is what the account holds now.
    let last = demo.naked.fetch(&demo.sender, &demo.venue).expect("the account");
    let deadline = Instant::now() + WAIT;
    let mut seen = Vec::new();
    while seen.last().is_none_or(|account: &Loaded<MarginAccount>| account.cash() != last.cash()) {
        let left = deadline.saturating_duration_since(Instant::now());
        let next = runtime.block_on(async { tokio::time::timeout(left, notices.next()).await });
        let notice = next.expect("the change of the account is pushed").expect("the socket stays open");
        let account = notice.value.to_account().expect("base64");
        seen.push(Loaded::<MarginAccount>::from_account(demo.naked.account, &account).expect("a margin account"));
    }
    assert!(seen.iter().any(|account| account.in_liquidation()), "the liquidation was pushed as well");
    assert_eq!(seen.last().expect("a notice").positions(), last.positions());
    runtime.block_on(unsubscribe());
}

#[test]
fn a_wallet_transfers_and_is_notified_while_the_network_runs_in_real_time() {
    let config = NetworkConfig::on_free_ports().expect("two free ports");
    let network = Network::start(&config).expect("the network starts");
    network.run_in_real_time().expect("the clock runs");
    let client = network.client();
    client.get_health().expect("healthy");
    assert!(!client.get_version().expect("a version").solana_core.is_empty());

    let (from, to) = (Keypair::new(), Pubkey::new_unique());
    cheats::fund(&client, &from.pubkey(), 2 * SOL).expect("the faucet pays");
    let slot = client.get_slot().expect("a slot");
    let transfer = solana_system_interface::instruction::transfer(&from.pubkey(), &to, SOL);
    let blockhash = client.get_latest_blockhash().expect("a blockhash");
    let payer = Some(&from.pubkey());
    let transfer = Transaction::new_signed_with_payer(&[transfer], payer, &[&from], blockhash);
    let config = RpcSignatureSubscribeConfig {
        commitment: Some(CommitmentConfig::confirmed()),
        enable_received_notification: Some(false),
    };
    let runtime = runtime();
    let pubsub = runtime.block_on(PubsubClient::new(network.ws_url())).expect("a WebSocket");
    let (mut notices, unsubscribe) =
        runtime.block_on(pubsub.signature_subscribe(&transfer.signatures[0], Some(config))).expect("a subscription");
    client.send_and_confirm_transaction(&transfer).expect("a transfer");
    let next = runtime.block_on(async { tokio::time::timeout(WAIT, notices.next()).await });
    let notice = next.expect("the transaction's confirmation is pushed").expect("the socket stays open");
    runtime.block_on(unsubscribe());
    assert!(matches!(notice.value, RpcSignatureResult::ProcessedSignature(ref result) if result.err.is_none()));
    assert_eq!(client.get_balance(&to).expect("a balance"), SOL);

    // Blocks come without transactions too.
    let deadline = Instant::now() + WAIT;
    while client.get_slot().expect("a slot") < slot + 5 {
        assert!(Instant::now() < deadline, "the network makes no blocks");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_trade_below_initial_margin_is_refused_by_name_and_changes_nothing() {
    let (_network, demo) = start();
    let before = demo.naked.fetch(&demo.sender, &demo.venue).expect("the account");
    let too_much = [Order::put("BTC", "2026-03-27", 80_000, -30.0)];
    let error = demo
        .naked
        .trade(&demo.sender, &demo.venue, &demo.market, &demo.maker, &too_much)
        .expect_err("thirty naked puts on sixty thousand dollars");
    assert_refused(&error, EngineError::BelowInitialMargin);
    assert!(error.to_string().contains("initial margin"), "a trader can read it: {error}");
    let after = demo.naked.fetch(&demo.sender, &demo.venue).expect("the account");
    assert_eq!((after.cash(), after.positions(), after.sequence), (before.cash(), before.positions(), before.sequence));
}

#[test]
fn a_healthy_account_cannot_be_liquidated() {
    let (_network, demo) = start();
    silently(|out| demo.trade(&demo.hedged, &books::HEDGED, out).expect("the hedged book"));
    let state = demo.hedged.fetch(&demo.sender, &demo.venue).expect("the account");
    let start = LiquidationStart {
        liquidator: demo.keeper.key.pubkey(),
        engine: demo.venue.engine,
        margin_account: demo.hedged.account,
        args: WitnessArgs::default(),
        markets: demo.venue.directory.for_account(&state).expect("markets"),
    };
    let error = demo.sender.send(&[start.instruction()], &demo.keeper.key, &[]).expect_err("the account is healthy");
    assert_refused(&error, EngineError::AccountHealthy);
}

#[test]
fn stale_prices_stop_trades_but_not_deposits() {
    let (network, demo) = start();
    network.set_time(demo.market.time + 120).expect("two minutes pass");
    let order = [Order::perpetual("BTC", 0.1)];
    let trade = |demo: &Demo| demo.naked.trade(&demo.sender, &demo.venue, &demo.market, &demo.maker, &order).map(drop);
    let error = trade(&demo).expect_err("prices are two minutes old");
    assert_refused(&error, EngineError::OracleStale);

    let (venue, owner) = (&demo.venue, &demo.naked.key);
    let source = tokens::mint_to(&demo.sender, &venue.admin, &venue.quote.mint, &owner.pubkey(), 7).expect("tokens");
    let deposit = margin_client::instructions::Deposit {
        authority: owner.pubkey(),
        engine: venue.engine,
        margin_account: demo.naked.account,
        collateral: venue.quote,
        source,
        amount: 7,
    };
    demo.sender.send(&[deposit.instruction()], owner, &[]).expect("a deposit needs no price");

    let now = demo.sender.time().expect("a clock");
    venue.publish(&demo.sender, &demo.market, now).expect("fresh prices");
    trade(&demo).expect("prices are fresh again");
}

#[test]
fn money_comes_out_up_to_initial_margin_and_the_books_balance() {
    let (_network, demo) = start();
    silently(|out| demo.trade(&demo.hedged, &books::HEDGED, out).expect("the hedged book"));
    let (sender, venue, owner) = (&demo.sender, &demo.venue, &demo.hedged.key);
    let destination = tokens::token_account(&owner.pubkey(), &venue.quote.mint);
    let withdraw = |amount: u64| {
        let state = demo.hedged.fetch(sender, venue).expect("the account");
        let withdraw = Withdraw {
            owner: owner.pubkey(),
            engine: venue.engine,
            margin_account: demo.hedged.account,
            collateral: venue.quote,
            destination,
            args: WithdrawArgs { amount, allow_borrow: false },
            markets: venue.directory.for_withdrawal(&state, 0, amount).expect("markets"),
        };
        let limit = presets::compute_unit_limit(presets::MAX_COMPUTE_UNITS);
        sender.send(&[limit, withdraw.instruction()], owner, &[])
    };
    // A second is worth more than two atoms, so all of it must happen within one; the network's clock goes on meanwhile.
    let within_a_second = (0..20).any(|_| {
        let now = sender.time().expect("a clock");
        let margin = margin_check(sender, venue, &demo.hedged).expect("a report");
        let free = u64::try_from(margin.equity - margin.initial_margin).expect("the account is initially healthy");
        let before = tokens::balance(sender, &destination).expect("a balance");
        // Both figures round against the account, by less than an atom each.
        let (refused, accepted) = (withdraw(free + 2), withdraw(free));
        if sender.time().expect("a clock") != now {
            return false;
        }
        assert_refused(&refused.expect_err("more than the free equity"), EngineError::BelowInitialMargin);
        accepted.expect("exactly the free equity");
        assert_eq!(tokens::balance(sender, &destination).expect("a balance"), before + free);
        true
    });
    assert!(within_a_second, "twenty attempts, and none within a second");
    assert!(audit(sender, venue).expect("an audit").balanced());
}

#[test]
fn anyone_finds_the_accounts_and_reads_a_margin_report() {
    let (_network, demo) = start();
    let mut found: Vec<Pubkey> =
        all_accounts(&demo.sender, &demo.venue).expect("a search").iter().map(|account| account.address).collect();
    let mut expected: Vec<Pubkey> = demo.people().iter().map(|trader| trader.account).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);

    // A stranger without any account simulates the check.
    let stranger = Keypair::new();
    cheats::fund(demo.sender.client(), &stranger.pubkey(), SOL).expect("the faucet pays");
    let state = demo.maker.fetch(&demo.sender, &demo.venue).expect("the account");
    let check = margin_client::instructions::MarginCheck {
        engine: demo.venue.engine,
        margin_account: demo.maker.account,
        markets: demo.venue.directory.for_account(&state).expect("markets"),
        args: margin_client::instructions::MarginCheckArgs::default(),
    };
    let simulation = demo.sender.simulate(&[check.instruction()], &stranger).expect("a simulation");
    let (program, data) = simulation.return_data.expect("return data");
    let report = decode_margin_report(&program, &data).expect("a report");
    assert_eq!(report.equity, i64::try_from(books::MAKER_FUNDS.usdc).expect("fits"));
    assert_eq!((report.initial_margin, report.maintenance_margin), (0, 0));
}
