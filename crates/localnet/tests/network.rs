//! The embedded network by itself: no program of ours is involved.

use margin_client::pyth::{self, PriceUpdate, feeds};
use margin_core::Price;
use margin_localnet::network::Port;
use margin_localnet::{LocalnetError, Network, NetworkConfig, Sender, cheats, tokens};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;

const SOL: u64 = 1_000_000_000;

fn start() -> (Network, Sender, Keypair) {
    let network = Network::start(&NetworkConfig::on_free_ports().expect("two free ports")).expect("the network starts");
    let sender = Sender::new(&network);
    let payer = Keypair::new();
    cheats::fund(sender.client(), &payer.pubkey(), 10 * SOL).expect("the faucet pays");
    (network, sender, payer)
}

#[test]
fn a_taken_port_is_named_with_the_option_that_moves_it() {
    let config = NetworkConfig::on_free_ports().expect("two free ports");
    let _squatter = std::net::TcpListener::bind(("127.0.0.1", config.ws_port)).expect("the port is free");
    let error = Network::start(&config).err().expect("the WebSocket port is taken");
    assert!(
        matches!(error, LocalnetError::PortTaken { port: Port::WebSocket, number } if number == config.ws_port),
        "{error}"
    );
    assert!(error.to_string().contains("--ws-port"), "{error}");
}

#[test]
fn a_second_network_on_the_same_ports_is_refused_and_stop_frees_them() {
    let config = NetworkConfig::on_free_ports().expect("two free ports");
    let first = Network::start(&config).expect("the network starts");
    let error = Network::start(&config).err().expect("the port is taken");
    assert!(matches!(error, LocalnetError::PortTaken { port: Port::JsonRpc, .. }), "{error}");
    first.stop().expect("the network stops");
    Network::start(&config).expect("the ports are free again").stop().expect("the network stops");
}

#[test]
fn one_port_for_both_endpoints_is_refused() {
    let config = NetworkConfig { rpc_port: 9_000, ws_port: 9_000, ..NetworkConfig::default() };
    assert!(matches!(Network::start(&config).err(), Some(LocalnetError::PortsEqual(9_000))));
}

#[test]
fn the_clock_can_be_set_to_the_past_and_moves_on_with_transactions() {
    const SNAPSHOT: i64 = 1_767_648_090;
    let (network, sender, payer) = start();
    for time in [SNAPSHOT, SNAPSHOT + 3_600] {
        network.set_time(time).expect("the clock moves");
        for _ in 0..3 {
            let to = Keypair::new().pubkey();
            let transfer = solana_system_interface::instruction::transfer(&payer.pubkey(), &to, SOL / 100);
            sender.send(&[transfer], &payer, &[]).expect("a transfer");
            assert_eq!(sender.client().get_balance(&to).expect("a balance"), SOL / 100);
        }
        let now = sender.time().expect("a clock");
        assert!((time..time + 5).contains(&now), "{now} is not just after {time}");
    }
}

#[test]
fn tokens_are_minted_by_the_token_program() {
    let (_network, sender, payer) = start();
    let mint = tokens::create_mint(&sender, &payer, &Keypair::new(), 6).expect("a mint");
    let owner = Pubkey::new_unique();
    for expected in [250_000, 500_000] {
        let account = tokens::mint_to(&sender, &payer, &mint, &owner, 250_000).expect("tokens");
        assert_eq!(tokens::balance(&sender, &account).expect("a balance"), expected);
    }
}

#[test]
fn a_price_account_is_what_was_published() {
    let (_network, sender, _payer) = start();
    let update =
        PriceUpdate::new(feeds::BTC_USD, Price(94_128_890_000_000_000), Price(20_000_000_000_000), 1_767_648_090);
    let address = Pubkey::new_unique();
    cheats::set_account(sender.client(), &address, &update.account()).expect("a price");
    let account = sender.client().get_account(&address).expect("the account");
    let read = pyth::decode(&account).expect("a price update");
    assert_eq!(read.price_message.feed_id, feeds::BTC_USD);
    assert_eq!(pyth::price(&read).expect("a price"), Price(94_128_890_000_000_000));
}

#[test]
fn a_failed_transaction_says_why() {
    let (_network, sender, payer) = start();
    let transfer = solana_system_interface::instruction::transfer(&payer.pubkey(), &Pubkey::new_unique(), 11 * SOL);
    let error = sender.send(&[transfer], &payer, &[]).expect_err("more than the balance");
    let LocalnetError::Transaction { logs, .. } = &error else { panic!("{error}") };
    assert!(logs.iter().any(|l| l.contains("insufficient lamports")), "{logs:?}");
}

#[test]
fn an_account_that_does_not_exist_is_named() {
    let (_network, sender, _) = start();
    let address = Pubkey::new_unique();
    let error = sender.account("engine", &address).expect_err("nothing there");
    assert!(matches!(error, LocalnetError::AccountMissing { what: "engine", address: a } if a == address), "{error}");
}
