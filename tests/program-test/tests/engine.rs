//! The margin engine's path on solana-program-test: the same binary as on LiteSVM, on a whole bank.

use margin_client::{
    PROGRAM_ID, decode_margin_report,
    instructions::{EngineInitialize, EngineInitializeArgs, TradeLeg},
    margin::PriceUse,
    presets::{MAX_COMPUTE_UNITS, liquidation},
    state::MarginAccount,
};
use solana_signer::Signer;
use tests_program_test::{Chain, Desk, Party, SBPF_V3};
use tests_svm::{BTC, buy, call, perpetual, put, sell, usdc};

async fn desk() -> (Desk, Party, Party) {
    let mut desk = Desk::open(Chain::start(&[]).await).await;
    let maker = desk.party(usdc(1_000_000.0)).await;
    let taker = desk.party(usdc(5_000.0)).await;
    (desk, maker, taker)
}

/// A short strangle of 0.2 BTC and a perpetual against its delta.
fn strangle(desk: &Desk) -> [TradeLeg; 3] {
    [
        sell(20, call(BTC, desk.expiry, 105_000), 1_500.0),
        sell(20, put(BTC, desk.expiry, 80_000), 1_200.0),
        buy(2, perpetual(BTC), 94_128.89),
    ]
}

#[tokio::test]
async fn deposits_trades_checks_and_withdrawals() {
    let (mut desk, maker, taker) = desk().await;
    let trade = desk.trade(&maker, &taker, &strangle(&desk)).await;
    let receipt = desk.chain.accept(trade.clone().instruction(), &[&maker.key, &taker.key]).await;
    assert!(receipt.compute_units < u64::from(MAX_COMPUTE_UNITS));
    println!("trade, three legs: {} CU", receipt.compute_units);
    // Premiums of 0.2 BTC × 1 500 and 1 200; the perpetual at the index costs nothing.
    let account = desk.account(&taker).await;
    assert_eq!(account.cash_atoms_floor(), i128::from(usdc(4_995.0 + 300.0 + 240.0)));
    assert_eq!(desk.account(&maker).await.cash_atoms_floor(), i128::from(usdc(999_000.0 - 540.0)));
    // Signed for a sequence number, it runs once.
    assert_eq!(desk.chain.refuse(trade.instruction(), &[&maker.key, &taker.key]).await, "TradeSequence");

    let check = desk.check(&taker).await;
    let receipt = desk.chain.accept(check.instruction(), &[]).await;
    println!("margin check, three legs: {} CU", receipt.compute_units);
    let report = decode_margin_report(&PROGRAM_ID, &receipt.return_data).expect("a margin report");
    let off_chain = desk.snapshot().await.report(&account, PriceUse::Liquidation, desk.chain.now().await);
    assert_eq!(report, off_chain.expect("a report"));
    assert!(report.equity > report.initial_margin && report.initial_margin > report.maintenance_margin);

    let free = (report.equity - report.initial_margin) as u64;
    let withdraw = desk.withdraw(&taker, free + 2).await;
    assert_eq!(desk.chain.refuse(withdraw.instruction(), &[&taker.key]).await, "BelowInitialMargin");
    let withdraw = desk.withdraw(&taker, free).await;
    desk.chain.accept(withdraw.instruction(), &[&taker.key]).await;
    assert_eq!(desk.account(&taker).await.cash_atoms_floor(), i128::from(report.cash) - i128::from(free));
}

#[tokio::test]
async fn an_ageing_price_stops_trades_first_and_liquidation_later_but_no_deposit() {
    let (mut desk, maker, taker) = desk().await;
    let trade = desk.trade(&maker, &taker, &strangle(&desk)).await;
    desk.chain.accept(trade.instruction(), &[&maker.key, &taker.key]).await;

    // Prices may be a minute old for a trade, five for a check of an account that may be in danger.
    desk.chain.warp(61).await;
    let trade = desk.trade(&maker, &taker, &strangle(&desk)).await;
    assert_eq!(desk.chain.refuse(trade.instruction(), &[&maker.key, &taker.key]).await, "OracleStale");
    let withdraw = desk.withdraw(&taker, 1).await;
    assert_eq!(desk.chain.refuse(withdraw.instruction(), &[&taker.key]).await, "OracleStale");
    let check = desk.check(&taker).await;
    desk.chain.accept(check.instruction(), &[]).await;

    desk.chain.warp(300).await;
    let check = desk.check(&taker).await;
    assert_eq!(desk.chain.refuse(check.instruction(), &[]).await, "OracleStale");
    let start = desk.start(&maker, &taker).await;
    assert_eq!(desk.chain.refuse(start.instruction(), &[&maker.key]).await, "OracleStale");
    let deposit = desk.deposit(&taker, 1_000);
    desk.chain.accept(deposit.instruction(), &[&taker.key]).await;

    desk.set_price(1.0).await;
    let trade = desk.trade(&maker, &taker, &[buy(1, perpetual(BTC), 94_128.89)]).await;
    desk.chain.accept(trade.instruction(), &[&maker.key, &taker.key]).await;
}

#[tokio::test]
async fn an_account_below_maintenance_margin_is_liquidated() {
    let (mut desk, maker, taker) = desk().await;
    let keeper = desk.party(usdc(100_000.0)).await;
    let trade = desk.trade(&maker, &taker, &strangle(&desk)).await;
    desk.chain.accept(trade.instruction(), &[&maker.key, &taker.key]).await;
    let start = desk.start(&keeper, &taker).await;
    assert_eq!(desk.chain.refuse(start.instruction(), &[&keeper.key]).await, "AccountHealthy");

    desk.set_price(1.32).await;
    let start = desk.start(&keeper, &taker).await;
    let receipt = desk.chain.accept(start.instruction(), &[&keeper.key]).await;
    println!("liquidation start, three legs: {} CU", receipt.compute_units);
    assert_eq!(desk.account(&taker).await.liquidation.active, 1);
    let withdraw = desk.withdraw(&taker, 1).await;
    assert_eq!(desk.chain.refuse(withdraw.instruction(), &[&taker.key]).await, "AccountInLiquidation");

    let before = desk.account(&keeper).await.cash_atoms_floor() + desk.account(&taker).await.cash_atoms_floor();
    let bid = desk.bid(&keeper, &taker).await;
    let receipt = desk.chain.accept(bid.instruction(), &[&keeper.key]).await;
    println!("liquidation bid, three legs: {} CU", receipt.compute_units);
    let (bought, left) = (desk.account(&keeper).await, desk.account(&taker).await);
    assert_eq!(left.liquidation.active, 0, "the bid restores the account");
    assert_eq!(bought.cash_atoms_floor() + left.cash_atoms_floor(), before);
    let calls = call(BTC, desk.expiry, 105_000);
    let lots = |account: &MarginAccount| account.position(&calls).map_or(0, |p| p.lots);
    assert!(lots(&bought) < 0 && lots(&bought) + lots(&left) == -20);
    let check = desk.check(&taker).await;
    let receipt = desk.chain.accept(check.instruction(), &[]).await;
    let report = decode_margin_report(&PROGRAM_ID, &receipt.return_data).expect("a margin report");
    assert!(report.equity > report.maintenance_margin);
}

#[tokio::test]
async fn the_binary_needs_a_runtime_with_sbpf_version_3() {
    let mut chain = Chain::start(&[SBPF_V3]).await;
    let creator = chain.payer().pubkey();
    let quote_mint = chain.mint(6).await;
    let args = EngineInitializeArgs { admin: creator, guardian: creator, liquidation: liquidation() };
    let initialize = EngineInitialize { creator, quote_mint, args };
    let cause = chain.refuse(initialize.instruction(), &[]).await;
    assert_eq!(cause, "TransactionError(InstructionError(2, UnsupportedProgramId))");
}
