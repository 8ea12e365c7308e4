//! What the decoder refuses, and the helpers on decoded accounts.

mod common;

use common::*;
use margin_client::{
    AccountError, AccountKind, Loaded, PROGRAM_ID,
    accounts::{decode, encode, search_filters, symbol_bytes},
    state::{Collateral, Engine, MarginAccount, Underlying},
};
use solana_account::Account;
use solana_pubkey::Pubkey;

#[test]
fn each_fault_has_its_own_error() {
    let good = encode(&*engine());
    assert!(decode::<Engine>(&PROGRAM_ID, &good).is_ok());

    let owner = key(5);
    assert_eq!(decode::<Engine>(&owner, &good).unwrap_err(), AccountError::ForeignOwner { owner });

    let kind = |data: &[u8]| decode::<MarginAccount>(&PROGRAM_ID, data).unwrap_err();
    let expected = AccountKind::MarginAccount;
    assert_eq!(kind(&good), AccountError::WrongKind { expected, found: Some(AccountKind::Engine) });
    assert_eq!(kind(&[]), AccountError::WrongKind { expected, found: None });
    assert_eq!(kind(&good[1..]), AccountError::WrongKind { expected, found: None });

    for length in [8, 639, 641] {
        let mut data = good.clone();
        data.resize(length, 0);
        let want = AccountError::WrongLength { expected: 640, found: length };
        assert_eq!(decode::<Engine>(&PROGRAM_ID, &data).unwrap_err(), want);
    }

    for version in [0, 2, 255] {
        let mut data = good.clone();
        data[8] = version;
        let want = AccountError::UnknownVersion { found: version };
        assert_eq!(decode::<Engine>(&PROGRAM_ID, &data).unwrap_err(), want);
    }
}

#[test]
fn errors_read_well() {
    let wrong = AccountError::WrongKind { expected: AccountKind::MarginAccount, found: Some(AccountKind::Underlying) };
    assert_eq!(wrong.to_string(), "an underlying, not a margin account");
    let unknown = AccountError::WrongKind { expected: AccountKind::Engine, found: None };
    assert_eq!(unknown.to_string(), "none of the margin engine's account types, so not an engine");
    let owner = AccountError::ForeignOwner { owner: Pubkey::default() };
    assert_eq!(
        owner.to_string(),
        format!("owned by 11111111111111111111111111111111, not by the margin engine {PROGRAM_ID}")
    );
}

#[test]
fn bytes_may_lie_anywhere_in_memory() {
    let good = encode(&*engine());
    for shift in 0..8 {
        let mut buffer = vec![0; shift];
        buffer.extend_from_slice(&good);
        let decoded = decode::<Engine>(&PROGRAM_ID, &buffer[shift..]).unwrap();
        assert_eq!(encode(&*decoded), good);
    }
}

#[test]
fn an_underlying_shows_its_symbol_and_its_expiries_in_order() {
    let mut underlying = btc();
    assert_eq!(underlying.symbol(), "BTC");
    underlying.state_mut().expiries[0].expiry = EXPIRY + 86_400;
    let expiries: Vec<i64> = underlying.listed_expiries().iter().map(|slot| slot.expiry).collect();
    assert_eq!(expiries, [EXPIRY, EXPIRY + 86_400]);

    underlying.state_mut().symbol = *b"ABCDEFGHIJKLMNOP";
    assert_eq!(underlying.symbol(), "ABCDEFGHIJKLMNOP");
    assert_eq!(symbol_bytes("ABCDEFGHIJKLMNOP"), Some(*b"ABCDEFGHIJKLMNOP"));
    assert_eq!(symbol_bytes("ABCDEFGHIJKLMNOPQ"), None);
}

#[test]
fn cash_rounds_down_also_when_negative() {
    let mut state = account(0);
    for (bits, atoms) in [(0i128, 0i128), (3 << 47, 1), (-(3i128 << 47), -2), (-1, -1), (i128::MIN, -(1i128 << 79))] {
        state.cash = bits.to_le_bytes();
        let loaded = Loaded::from_state(key(1), state.clone());
        assert_eq!(loaded.cash_atoms_floor(), atoms, "{bits}");
    }
    assert_eq!(Loaded::from_state(key(1), state.clone()).delegate(), None);
    state.delegate = key(4);
    assert_eq!(Loaded::from_state(key(1), state).delegate(), Some(key(4)));
}

#[test]
fn a_fetched_account_keeps_its_address() {
    let account = Account { data: encode(&*btc()), owner: PROGRAM_ID, ..Account::default() };
    let loaded = Loaded::<Underlying>::from_account(key(3), &account).unwrap();
    assert_eq!(loaded.address, key(3));
    assert_eq!(loaded.lot_size, 10_000_000);
}

#[test]
fn filters_find_the_engines_accounts_and_no_others() {
    let engine = engine().address;
    let matches = |data: &[u8], filters: &[(usize, Vec<u8>)]| {
        filters.iter().all(|(offset, bytes)| data.get(*offset..offset + bytes.len()) == Some(&bytes[..]))
    };
    let (collateral, underlying) = (encode(&*sol_collateral()), encode(&*btc()));
    let account = encode(&*account(0));
    for (filters, found) in [
        (search_filters::<Collateral>(&engine), &collateral),
        (search_filters::<Underlying>(&engine), &underlying),
        (search_filters::<MarginAccount>(&engine), &account),
    ] {
        for data in [&collateral, &underlying, &account] {
            assert_eq!(matches(data, &filters), std::ptr::eq(data, found));
        }
    }
    assert!(!matches(&account, &search_filters::<MarginAccount>(&key(1))));
}
