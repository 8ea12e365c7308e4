//! Events as inner instructions carry them, and the return data of a margin check.

mod common;

use anchor_lang::{AnchorSerialize, Event};
use common::key;
use margin_client::{
    GreeksReport, MarginReport, PROGRAM_ID, ReportError, UnderlyingReport, decode_margin_report,
    events::{Deposited, EngineEvent, EventError, LiquidationStarted, SettledLeg, TradeExecuted},
    state::{Instrument, InstrumentKind},
};

/// The tag of Anchor's self-calls that carry events: the first bytes of sha256("anchor:event"), reversed.
const TAG: [u8; 8] = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];

fn inner_instruction(event: &impl Event) -> Vec<u8> {
    [&TAG[..], &event.data()].concat()
}

fn deposited() -> Deposited {
    Deposited { account: key(1), mint: key(2), amount: 3, balance_before: -4, balance_after: -1 }
}

#[test]
fn an_event_decodes_from_its_inner_instruction() {
    let leg = SettledLeg {
        instrument: Instrument { underlying: 1, expiry: 2, strike: 3, kind: InstrumentKind::Put },
        lots: -4,
        price: 5,
        cost: -6,
    };
    let trade = TradeExecuted {
        maker: key(1),
        taker: key(2),
        legs: vec![leg.clone(), leg],
        maker_cash_before: 7,
        maker_cash_after: 8,
        taker_cash_before: 9,
        taker_cash_after: -10,
    };
    let decoded = EngineEvent::decode(&inner_instruction(&trade)).unwrap().unwrap();
    assert_eq!(decoded.name(), "TradeExecuted");
    let EngineEvent::TradeExecuted(decoded) = decoded else { panic!("another event") };
    assert_eq!(decoded.legs.len(), 2);
    assert_eq!(decoded.legs[1].instrument.kind, InstrumentKind::Put);
    assert_eq!((decoded.maker, decoded.taker_cash_after), (key(1), -10));
}

#[test]
fn a_deposit_has_these_bytes() {
    let data = inner_instruction(&deposited());
    let mut want = TAG.to_vec();
    // sha256("event:Deposited").
    want.extend_from_slice(&[0x6f, 0x8d, 0x1a, 0x2d, 0xa1, 0x23, 0x64, 0x39]);
    want.extend_from_slice(&[1; 32]);
    want.extend_from_slice(&[2; 32]);
    for field in [3i64, -4, -1] {
        want.extend_from_slice(&field.to_le_bytes());
    }
    assert_eq!(data, want);
}

#[test]
fn what_is_no_event_and_what_is_a_broken_one() {
    // Another instruction of the program.
    assert!(matches!(EngineEvent::decode(&[1, 2, 3, 4, 5, 6, 7, 8, 9]), Ok(None)));
    assert!(matches!(EngineEvent::decode(&[]), Ok(None)));

    let mut unknown = TAG.to_vec();
    unknown.extend_from_slice(&[9; 12]);
    assert_eq!(EngineEvent::decode(&unknown).err(), Some(EventError::UnknownType(vec![9; 8])));
    assert_eq!(EngineEvent::decode(&TAG).err(), Some(EventError::UnknownType(Vec::new())));

    let mut cut = inner_instruction(&deposited());
    cut.pop();
    assert!(matches!(EngineEvent::decode(&cut), Err(EventError::Malformed { event: "Deposited", .. })));
    let mut long = inner_instruction(&deposited());
    long.push(0);
    assert!(matches!(EngineEvent::decode(&long), Err(EventError::Malformed { event: "Deposited", .. })));
}

#[test]
fn only_the_programs_own_instructions_count() {
    let keys = [key(1), key(9), PROGRAM_ID];
    let started = LiquidationStarted { account: key(1), liquidator: key(2), equity: -5, maintenance_margin: 6 };
    let (first, second) = (inner_instruction(&deposited()), inner_instruction(&started));
    // The same bytes from another program are a forgery; a token transfer is no event; index 7 does not exist.
    let inner = [(1, &first[..]), (2, &first[..]), (2, &[3, 1, 0][..]), (2, &second[..]), (7, &first[..])];
    let events = EngineEvent::collect(&keys, inner).unwrap();
    let names: Vec<_> = events.iter().map(EngineEvent::name).collect();
    assert_eq!(names, ["Deposited", "LiquidationStarted"]);
}

fn report() -> MarginReport {
    let underlying = UnderlyingReport {
        index: 1,
        worst_scenario: 255,
        worst_scenario_profit: 0,
        positions_value: -2,
        initial_margin: 3,
        maintenance_margin: 2,
        greeks: GreeksReport { delta: 4, gamma: 5, vega: 6, theta: -7, rho: 0 },
    };
    MarginReport {
        cash: 1,
        collateral_value: 2,
        positions_value: -2,
        equity: 1,
        initial_margin: 3,
        maintenance_margin: 2,
        in_liquidation: true,
        underlyings: vec![underlying],
    }
}

#[test]
fn a_report_decodes_also_without_its_trailing_zeros() {
    let mut data = Vec::new();
    report().serialize(&mut data).unwrap();
    assert_eq!(data.len(), 53 + 75);
    assert_eq!(decode_margin_report(&PROGRAM_ID, &data).unwrap(), report());
    // `rho` is zero, so a node may have cut eight bytes and more.
    while data.last() == Some(&0) {
        data.pop();
    }
    assert!(data.len() <= 53 + 75 - 8);
    assert_eq!(decode_margin_report(&PROGRAM_ID, &data).unwrap(), report());
}

#[test]
fn other_return_data_is_refused() {
    let mut data = Vec::new();
    report().serialize(&mut data).unwrap();
    assert_eq!(decode_margin_report(&key(1), &data), Err(ReportError::ForeignProgram(key(1))));
    let mut long = data.clone();
    long.push(1);
    assert!(matches!(decode_margin_report(&PROGRAM_ID, &long), Err(ReportError::Malformed(_))));
    assert!(matches!(decode_margin_report(&PROGRAM_ID, &[1; 1_025]), Err(ReportError::Malformed(_))));
    // A Boolean must be 0 or 1.
    data[48] = 2;
    assert!(matches!(decode_margin_report(&PROGRAM_ID, &data), Err(ReportError::Malformed(_))));
}
