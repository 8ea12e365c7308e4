//! Money in and out: who may move it, how much, and that it only goes where it belongs.

use margin_client::{errors::EngineError as E, pyth::feeds, state::CollateralHaircuts};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{
    BTC, MintOptions, NEAR, SOL, SOL_TOKEN, Trader, USDC, World, buy, call, perpetual, sell, token_balance, usdc,
};

/// The token program's "account mint mismatch" and "owner does not match".
const TOKEN_MINT_MISMATCH: u32 = 3;
const TOKEN_OWNER_MISMATCH: u32 = 4;
/// The token program's "account is frozen".
const TOKEN_ACCOUNT_FROZEN: u32 = 17;

/// A trader with 1 000 in his account and 500 in his wallet, of both tokens.
fn holder() -> (World, Trader) {
    let mut world = World::new();
    let trader = world.trader();
    for (token, amount) in [(USDC, usdc(1_000.0)), (SOL_TOKEN, 1_000_000_000_000)] {
        world.fund(&trader, token, amount);
        world.give(&trader, token, amount / 2);
    }
    (world, trader)
}

#[test]
fn deposits_and_withdrawals_move_exactly_their_amount() {
    let (mut world, trader) = holder();
    let deposit = world.deposit(&trader, USDC, 123_456);
    world.accept(deposit.instruction(), &[&trader.key]);
    assert_eq!(world.cash(&trader), usdc(1_000.0) as i64 + 123_456);
    let withdraw = world.withdraw(&trader, SOL_TOKEN, 999_999_999_999);
    world.accept(withdraw.instruction(), &[&trader.key]);
    assert_eq!(world.account(&trader).balance_of(SOL_TOKEN), 1);
    assert_eq!(token_balance(&world.svm, &trader.wallets[1]), 1_499_999_999_999);
}

#[test]
fn nothing_is_not_an_amount() {
    let (mut world, trader) = holder();
    let deposit = world.deposit(&trader, USDC, 0);
    world.refuse(deposit.instruction(), &[&trader.key], E::AmountZero);
    let withdraw = world.withdraw(&trader, USDC, 0);
    world.refuse(withdraw.instruction(), &[&trader.key], E::AmountZero);
}

#[test]
fn a_cap_holds_for_the_sum_of_all_deposits() {
    let mut world = World::bare();
    let mut add = world.quote_listing();
    add.args.deposit_cap = 1_000;
    let admin = world.admin.insecure_clone();
    world.accept(add.instruction(), &[&admin]);
    world.tokens.push(world.quote);
    let (one, two) = (world.trader(), world.trader());
    world.fund(&one, USDC, 600);
    world.give(&two, USDC, 5_000);
    for amount in [401, u64::MAX] {
        let deposit = world.deposit(&two, USDC, amount);
        world.refuse(deposit.instruction(), &[&two.key], E::DepositCap);
    }
    let deposit = world.deposit(&two, USDC, 400);
    world.accept(deposit.instruction(), &[&two.key]);
    // What leaves makes room.
    let withdraw = world.withdraw(&one, USDC, 100);
    world.accept(withdraw.instruction(), &[&one.key]);
    let deposit = world.deposit(&two, USDC, 100);
    world.accept(deposit.instruction(), &[&two.key]);
}

#[test]
fn a_delegate_deposits_from_his_own_wallet_and_never_withdraws() {
    let mut world = World::new();
    let delegate = Keypair::new();
    let trader = world.trader_with_delegate(delegate.pubkey());
    world.fund(&trader, USDC, usdc(10.0));
    let quote = world.quote;
    let wallet = world.wallet(&delegate.pubkey(), quote);
    world.mint_to(quote, &wallet, usdc(5.0));

    let mut deposit = world.deposit(&trader, USDC, usdc(5.0));
    (deposit.authority, deposit.source) = (delegate.pubkey(), wallet);
    world.accept(deposit.instruction(), &[&delegate]);
    assert_eq!(world.cash(&trader), usdc(15.0) as i64);

    let mut withdraw = world.withdraw(&trader, USDC, 1);
    (withdraw.owner, withdraw.destination) = (delegate.pubkey(), wallet);
    world.refuse(withdraw.instruction(), &[&delegate], E::NotOwner);
}

#[test]
fn strangers_neither_deposit_nor_withdraw() {
    let (mut world, trader) = holder();
    let stranger = world.trader();
    world.give(&stranger, USDC, usdc(5.0));
    let mut deposit = world.deposit(&stranger, USDC, 1);
    deposit.margin_account = trader.account;
    world.refuse(deposit.instruction(), &[&stranger.key], E::NotOwnerOrDelegate);
    let mut withdraw = world.withdraw(&trader, USDC, 1);
    (withdraw.owner, withdraw.destination) = (stranger.owner(), stranger.wallets[0]);
    world.refuse(withdraw.instruction(), &[&stranger.key], E::NotOwner);
    // Nor may an owner deposit out of another's wallet.
    let mut deposit = world.deposit(&trader, USDC, 1);
    deposit.source = stranger.wallets[0];
    world.refuse_code(deposit.instruction(), &[&trader.key], TOKEN_OWNER_MISMATCH, "OwnerMismatch");
}

#[test]
fn an_owner_may_withdraw_to_any_wallet_of_the_token() {
    let (mut world, trader) = holder();
    let friend = world.trader();
    let mut withdraw = world.withdraw(&trader, USDC, usdc(1.0));
    withdraw.destination = friend.wallets[0];
    world.accept(withdraw.instruction(), &[&trader.key]);
    assert_eq!(token_balance(&world.svm, &friend.wallets[0]), usdc(1.0));
    let mut withdraw = world.withdraw(&trader, USDC, 1);
    withdraw.destination = friend.wallets[1];
    world.refuse_code(withdraw.instruction(), &[&trader.key], TOKEN_MINT_MISMATCH, "MintMismatch");
}

#[test]
fn mint_vault_and_token_program_are_the_collaterals() {
    let (mut world, trader) = holder();
    let [quote, sol] = [USDC, SOL_TOKEN].map(|index| world.tokens[usize::from(index)].collateral(&world.engine));
    let other_program = tests_svm::TOKEN_2022_PROGRAM;

    let mut deposit = world.deposit(&trader, USDC, 1);
    deposit.collateral.mint = sol.mint;
    world.refuse(deposit.instruction(), &[&trader.key], E::WrongMint);
    let mut deposit = world.deposit(&trader, USDC, 1);
    deposit.collateral.vault = sol.vault;
    world.refuse(deposit.instruction(), &[&trader.key], E::WrongVault);
    let mut deposit = world.deposit(&trader, USDC, 1);
    deposit.collateral.token_program = other_program;
    world.refuse(deposit.instruction(), &[&trader.key], E::WrongTokenProgram);
    let mut deposit = world.deposit(&trader, USDC, 1);
    deposit.source = trader.wallets[1];
    world.refuse_code(deposit.instruction(), &[&trader.key], TOKEN_MINT_MISMATCH, "MintMismatch");

    let mut withdraw = world.withdraw(&trader, USDC, 1);
    withdraw.collateral.mint = sol.mint;
    world.refuse(withdraw.instruction(), &[&trader.key], E::WrongMint);
    let mut withdraw = world.withdraw(&trader, USDC, 1);
    withdraw.collateral.vault = sol.vault;
    world.refuse(withdraw.instruction(), &[&trader.key], E::WrongVault);
    let mut withdraw = world.withdraw(&trader, USDC, 1);
    withdraw.collateral.token_program = other_program;
    world.refuse(withdraw.instruction(), &[&trader.key], E::WrongTokenProgram);
    // The wallet in the vault's place is not the vault either.
    let mut withdraw = world.withdraw(&trader, USDC, 1);
    (withdraw.collateral.vault, withdraw.destination) = (trader.wallets[0], quote.vault);
    world.refuse(withdraw.instruction(), &[&trader.key], E::WrongVault);
}

#[test]
fn collateral_and_account_belong_to_one_engine() {
    let (mut world, trader) = holder();
    let other = world.another_engine();
    let foreign = world.quote.collateral(&other);
    let mut deposit = world.deposit(&trader, USDC, 1);
    deposit.collateral = foreign;
    world.refuse(deposit.instruction(), &[&trader.key], E::ForeignEngine);
    let mut withdraw = world.withdraw(&trader, USDC, 1);
    withdraw.collateral = foreign;
    world.refuse(withdraw.instruction(), &[&trader.key], E::ForeignEngine);
    let mut withdraw = world.withdraw(&trader, USDC, 1);
    withdraw.engine = other;
    world.refuse(withdraw.instruction(), &[&trader.key], E::ForeignEngine);
}

#[test]
fn more_than_the_account_has_cannot_leave() {
    let (mut world, trader) = holder();
    for (token, amount) in [(USDC, usdc(1_000.0) + 1), (SOL_TOKEN, 1_000_000_000_001), (USDC, u64::MAX)] {
        let withdraw = world.withdraw(&trader, token, amount);
        world.refuse(withdraw.instruction(), &[&trader.key], E::InsufficientBalance);
    }
}

#[test]
fn initial_margin_stays() {
    let mut world = World::new();
    let maker = world.funded(100_000.0);
    let trader = world.funded(10_000.0);
    world.fund(&trader, SOL_TOKEN, 1_000_000_000);
    world.fill(&maker, &trader, &[sell(20, call(BTC, NEAR, 100_000), 2_500.0)]);
    let report = world.report(&trader);
    let free = (report.equity - report.initial_margin) as u64;
    assert!(free < report.cash as u64, "cash is not the limit");
    // Reports round against the account: an atom more than they say may be free, two are not.
    let withdraw = world.withdraw(&trader, USDC, free + 2);
    world.refuse(withdraw.instruction(), &[&trader.key], E::BelowInitialMargin);
    let withdraw = world.withdraw(&trader, USDC, free);
    world.accept(withdraw.instruction(), &[&trader.key]);
    let withdraw = world.withdraw(&trader, SOL_TOKEN, 1_000);
    world.refuse(withdraw.instruction(), &[&trader.key], E::BelowInitialMargin);
}

#[test]
fn profits_that_the_vault_does_not_hold_yet_wait() {
    let mut world = World::new();
    let (loser, winner) = (world.trader(), world.trader());
    for trader in [&loser, &winner] {
        world.fund(trader, SOL_TOKEN, 2_000_000_000_000);
    }
    world.fund(&winner, USDC, usdc(100.0));
    world.fill(&loser, &winner, &[buy(1_000, perpetual(SOL), 137.0)]);
    world.shock(SOL, 1.1);
    world.fill(&loser, &winner, &[buy(1, perpetual(SOL), 150.7)]);
    assert_eq!(world.cash(&winner), usdc(100.0 + 13_700.0) as i64);
    assert_eq!(world.cash(&loser), -(usdc(13_700.0) as i64));

    let withdraw = world.withdraw(&winner, USDC, usdc(100.0) + 1);
    world.refuse(withdraw.instruction(), &[&winner.key], E::VaultLiquidity);
    let withdraw = world.withdraw(&winner, USDC, usdc(100.0));
    world.accept(withdraw.instruction(), &[&winner.key]);
    // A debt is no balance.
    let withdraw = world.withdraw(&loser, USDC, 1);
    world.refuse(withdraw.instruction(), &[&loser.key], E::InsufficientBalance);
    // Once the debt is paid the profit can leave.
    world.fund(&loser, USDC, usdc(13_700.0));
    let withdraw = world.withdraw(&winner, USDC, usdc(13_700.0));
    world.accept(withdraw.instruction(), &[&winner.key]);
}

#[test]
fn deposits_survive_stale_oracles_and_surfaces() {
    let mut world = World::new();
    let maker = world.funded(100_000.0);
    let trader = world.funded(10_000.0);
    world.fill(&maker, &trader, &[sell(20, call(BTC, NEAR, 100_000), 2_500.0)]);
    world.advance(86_400);
    let withdraw = world.withdraw(&trader, USDC, 1);
    world.refuse(withdraw.instruction(), &[&trader.key], E::OracleStale);
    world.fund(&trader, USDC, usdc(1_000.0));
    world.fund(&trader, SOL_TOKEN, 1_000_000_000);
}

#[test]
fn what_the_issuer_freezes_neither_enters_nor_leaves() {
    let options = MintOptions { freeze_authority: true, ..MintOptions::spl(6) };
    let mut world = World::with_tokens(&options, &MintOptions::spl(9));
    let quote = world.quote;
    let trader = world.funded(10.0);
    let frozen = world.trader();
    world.give(&frozen, USDC, 5);
    world.freeze(quote, &frozen.wallets[0]);
    let deposit = world.deposit(&frozen, USDC, 5);
    world.refuse_code(deposit.instruction(), &[&frozen.key], TOKEN_ACCOUNT_FROZEN, "AccountFrozen");
    let mut withdraw = world.withdraw(&trader, USDC, 5);
    withdraw.destination = frozen.wallets[0];
    world.refuse_code(withdraw.clone().instruction(), &[&trader.key], TOKEN_ACCOUNT_FROZEN, "AccountFrozen");
    // The claim outlives a frozen vault; the books still count it.
    let vault = withdraw.collateral.vault;
    world.freeze(quote, &vault);
    let withdraw = world.withdraw(&trader, USDC, 5);
    world.refuse_code(withdraw.instruction(), &[&trader.key], TOKEN_ACCOUNT_FROZEN, "AccountFrozen");
    assert_eq!(world.cash(&trader), usdc(10.0) as i64);
}

#[test]
fn dust_moves_like_any_amount_and_leaves_no_row_behind() {
    let mut world = World::new();
    let trader = world.trader();
    for token in [USDC, SOL_TOKEN] {
        world.fund(&trader, token, 1);
        assert_eq!(world.report(&trader).collateral_value, 0, "a billionth of a SOL is worth no atom");
        let withdraw = world.withdraw(&trader, token, 1);
        world.accept(withdraw.instruction(), &[&trader.key]);
    }
    assert!(world.account(&trader).balances().is_empty());
    assert_eq!(world.cash(&trader), 0);
}

#[test]
fn an_account_holds_twelve_tokens_besides_cash() {
    let mut world = World::bare();
    world.list_quote();
    for _ in 0..13 {
        let token = world.mint(&MintOptions::spl(9));
        world.list_token(token, feeds::SOL_USD, CollateralHaircuts::default());
    }
    let trader = world.trader();
    for index in 1..=12 {
        world.fund(&trader, index, 1_000);
    }
    world.give(&trader, 13, 1_000);
    let thirteenth = world.deposit(&trader, 13, 1_000);
    world.refuse(thirteenth.clone().instruction(), &[&trader.key], E::BalanceTableFull);
    // More of one that is there fits, and so does the thirteenth once another has left.
    world.fund(&trader, 12, 5);
    world.set_price(&feeds::SOL_USD, 137_000_000_000_000);
    let withdraw = world.withdraw(&trader, 3, 1_000);
    world.accept(withdraw.instruction(), &[&trader.key]);
    world.accept(thirteenth.instruction(), &[&trader.key]);
}
