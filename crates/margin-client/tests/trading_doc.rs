//! The figures of `docs/trading.md`.

use margin_client::{
    PROGRAM_ID,
    instructions::{Quote, TradeLeg},
    state::{FundingState, Instrument, TradingParameters},
};
use margin_core::Price;
use solana_pubkey::Pubkey;

const DOCUMENT: &str = include_str!("../../../docs/trading.md");

#[track_caller]
fn assert_documented(text: &str) {
    assert!(DOCUMENT.contains(text), "docs/trading.md does not say: {text}");
}

/// 1e-12 USD, all decimals.
fn usd(amount: i64) -> String {
    format!("{}.{:012} USD", amount / 1_000_000_000_000, amount % 1_000_000_000_000)
}

/// 1e-9, in per cent.
fn percent(share: i64) -> String {
    format!("{}.{:07} %", share / 10_000_000, share % 10_000_000)
}

#[test]
fn funding() {
    let terms = TradingParameters {
        funding_period: 28_800,
        funding_cap: 5_000_000,
        funding_gap: 3_600,
        premium_fade: 3_600,
        premium_depth: 1_000_000_000_000,
        ..Default::default()
    };
    let index = Price(100_000_000_000_000_000);
    let mut funding = FundingState { accrued_at: 1, ..Default::default() };
    funding.record(&terms, Price(100_100_000_000_000_000), index, 1_000_000_000_000).unwrap();
    assert_documented(&format!("| {} | 0 |", percent(funding.premium)));
    funding.accrue(&terms, index, 601).unwrap();
    assert_documented(&format!("| 600 seconds later | {} | {} |", percent(funding.premium), usd(funding.index)));
    funding.accrue(&terms, index, 7_801).unwrap();
    let row = format!("3 600 of them count | {} | {} |", percent(funding.premium), usd(funding.index));
    assert_documented(&row);
    // 2 BTC, rounded up to an atom.
    let paid = (funding.index * 2 + 999_999) / 1_000_000;
    assert_documented(&format!("paid {}.{:06} USDC", paid / 1_000_000, paid % 1_000_000));
}

#[test]
fn bytes_of_a_signed_quote() {
    let leg = TradeLeg { instrument: Instrument::perpetual(0), lots: 1, price: 1 };
    let quote = |legs: usize, taker_account, maker_sequence| Quote {
        engine: Pubkey::new_from_array([1; 32]),
        maker_account: Pubkey::new_from_array([2; 32]),
        taker_account,
        legs: vec![leg.clone(); legs],
        deadline: 5,
        nonce: 6,
        maker_sequence,
        reduce_only: true,
    };
    let length = |quote: Quote| quote.message().unwrap().len();
    let (one, eight) = (length(quote(1, None, None)), length(quote(8, None, None)));
    assert_documented(&format!("A quote of one leg for anyone has {one} bytes, one of eight {eight}."));
    assert_eq!(eight - one, 7 * 35);
    assert_eq!(length(quote(1, Some(Pubkey::default()), Some(7))), one + 32 + 8);
    let message = quote(1, None, None).message().unwrap();
    let expected =
        [b"margin quote v1\n".as_slice(), PROGRAM_ID.as_ref(), &[1; 32], &[2; 32], &[0], &1u32.to_le_bytes()];
    assert!(message.starts_with(&expected.concat()));
    assert!(message.ends_with(&[5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
}
