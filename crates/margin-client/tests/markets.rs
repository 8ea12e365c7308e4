//! The order of risk accounts, judged by the program's own loader.

mod common;

use anchor_lang::prelude::AccountInfo;
use common::*;
use margin_client::{
    DirectoryError, MarketDirectory, RequiredMarkets,
    errors::EngineError,
    instructions::TradeLeg,
    margin::PriceUse,
    state::{InstrumentKind, MarginAccount},
};
use margin_engine::risk_accounts::{RequiredMarkets as ProgramRequiredMarkets, RiskAccounts};
use solana_account::Account;
use solana_instruction::AccountMeta;
use solana_pubkey::Pubkey;

/// Holds SOL, an ETH call and a BTC perpetual; positions are stored by underlying, whatever the order of trading.
fn diversified() -> Box<MarginAccount> {
    let positions = [(option(ETH, InstrumentKind::Call, 3_500), -10, 0), (perpetual(BTC), 5, 0)];
    let mut account = with_positions(account(1_000 * ATOM), &positions);
    account.set_balance(SOL_COLLATERAL, 3_000_000_000).unwrap();
    account
}

fn market_accounts() -> Vec<(Pubkey, Account)> {
    let (sol, btc, eth) = (sol_collateral(), btc(), eth());
    use margin_client::pyth::feeds;
    vec![
        (sol.address, stored_account(&*sol)),
        (btc.address, stored_account(&*btc)),
        (eth.address, stored_account(&*eth)),
        (key(100), price_account(feeds::BTC_USD, BTC_SPOT)),
        (key(101), price_account(feeds::ETH_USD, ETH_SPOT)),
        (key(102), price_account(feeds::SOL_USD, SOL_SPOT)),
    ]
}

/// What the program says to these remaining accounts of a check of `account`.
fn program_loads(account: &MarginAccount, addresses: &[Pubkey]) -> Result<(), u32> {
    let stored = market_accounts();
    let mut copies: Vec<(Pubkey, Account, Vec<u64>)> = addresses
        .iter()
        .map(|address| {
            let found = stored.iter().find(|(stored, _)| stored == address).expect("a known address").1.clone();
            let mut words = vec![0u64; found.data.len().div_ceil(8)];
            bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..found.data.len()].copy_from_slice(&found.data);
            (*address, found, words)
        })
        .collect();
    let infos: Vec<AccountInfo> = copies
        .iter_mut()
        .map(|(address, account, words)| {
            let data = &mut bytemuck::cast_slice_mut(words)[..account.data.len()];
            AccountInfo::new(address, false, false, &mut account.lamports, data, &account.owner, false)
        })
        .collect();
    let mut required = ProgramRequiredMarkets::default();
    required.add_account(&engine(), account, account.mode().unwrap()).unwrap();
    match RiskAccounts::load(&engine().address, &infos, required, PriceUse::RaiseRisk, NOW) {
        Ok(_) => Ok(()),
        Err(anchor_lang::error::Error::AnchorError(error)) => Err(error.error_code_number),
        Err(error) => panic!("{error}"),
    }
}

fn addresses(metas: &[AccountMeta]) -> Vec<Pubkey> {
    assert!(metas.iter().all(|meta| !meta.is_signer && !meta.is_writable));
    metas.iter().map(|meta| meta.pubkey).collect()
}

#[test]
fn collaterals_come_first_then_underlyings_each_by_index_with_its_price() {
    let account = diversified();
    let got = addresses(&directory().for_account(&account).unwrap());
    let want = [sol_collateral().address, key(102), btc().address, key(100), eth().address, key(101)];
    assert_eq!(got, want);
    assert_eq!(program_loads(&account, &got), Ok(()));
}

#[test]
fn the_program_refuses_any_other_list() {
    let account = diversified();
    let list = addresses(&directory().for_account(&account).unwrap());
    let code = |error: EngineError| Err(u32::from(error));
    let [sol, sol_price, btc, btc_price, eth, eth_price] = list[..] else { panic!("six accounts") };
    let refused = [
        (vec![sol, sol_price, eth, eth_price, btc, btc_price], EngineError::RiskAccountOrder),
        (vec![btc, btc_price, sol, sol_price, eth, eth_price], EngineError::RiskAccountOrder),
        (vec![sol, sol_price, btc, btc_price], EngineError::RiskAccountMissing),
        (vec![sol, sol_price, btc, btc_price, eth], EngineError::RiskAccountMissing),
        (vec![sol, btc_price, btc, btc_price, eth, eth_price], EngineError::OracleFeed),
        (vec![sol_price, sol, btc, btc_price, eth, eth_price], EngineError::RiskAccountOwner),
        (vec![sol, sol_price, btc, btc_price, btc, btc_price, eth, eth_price], EngineError::RiskAccountDuplicate),
    ];
    for (list, error) in refused {
        assert_eq!(program_loads(&account, &list), code(error), "{error:?}");
    }
    let mut smaller = account.clone();
    smaller.set_balance(SOL_COLLATERAL, 0).unwrap();
    assert_eq!(program_loads(&smaller, &list), code(EngineError::RiskAccountUnexpected));
}

#[test]
fn an_account_with_cash_alone_needs_no_market() {
    let account = account(5);
    assert!(directory().for_account(&account).unwrap().is_empty());
    assert!(MarketDirectory::default().for_account(&account).unwrap().is_empty());
    assert_eq!(program_loads(&account, &[]), Ok(()));
}

#[test]
fn a_withdrawal_in_full_drops_the_token() {
    let account = diversified();
    let directory = directory();
    let part = addresses(&directory.for_withdrawal(&account, SOL_COLLATERAL, 2_999_999_999).unwrap());
    let all = addresses(&directory.for_withdrawal(&account, SOL_COLLATERAL, 3_000_000_000).unwrap());
    assert_eq!(part, addresses(&directory.for_account(&account).unwrap()));
    assert_eq!(all, part[2..]);
    // Cash is no market, even when all of it leaves.
    assert_eq!(addresses(&directory.for_withdrawal(&account, 0, 1_000_000_000).unwrap()), part);
}

#[test]
fn a_trade_needs_both_books_and_its_legs_and_a_bid_both_books() {
    let directory = directory();
    let btc_holder = with_positions(account(0), &[(perpetual(BTC), 1, 0)]);
    let cash_only = account(0);
    let leg = TradeLeg { instrument: perpetual(ETH), lots: 1, price: ETH_SPOT };
    let mut metas = directory.for_trade(&cash_only, &btc_holder, &[leg]).unwrap();
    // What is traded is written.
    let written: Vec<_> = metas.iter().filter(|meta| meta.is_writable).map(|meta| meta.pubkey).collect();
    assert_eq!(written, [eth().address]);
    metas.iter_mut().for_each(|meta| meta.is_writable = false);
    let trade = addresses(&metas);
    assert_eq!(trade, [btc().address, key(100), eth().address, key(101)]);
    let bid = addresses(&directory.for_bid(&cash_only, &btc_holder).unwrap());
    assert_eq!(bid, [btc().address, key(100)]);
}

#[test]
fn missing_markets_are_named() {
    let account = diversified();
    let mut directory = MarketDirectory::default();
    assert_eq!(directory.for_account(&account), Err(DirectoryError::UnknownCollateral(SOL_COLLATERAL)));
    directory.insert_collateral(SOL_COLLATERAL, key(1), key(2)).insert_underlying(ETH, key(3), key(4));
    assert_eq!(directory.for_account(&account), Err(DirectoryError::UnknownUnderlying(BTC)));
    directory.insert_underlying(BTC, key(5), key(6));
    let required = RequiredMarkets::default().with_account(&account);
    assert_eq!(required.resolve(&directory).unwrap(), [1, 2, 5, 6, 3, 4].map(key));
}
