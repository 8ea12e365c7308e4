//! Events as inner instructions carry them, and the return data of a margin check.

mod common;

use anchor_lang::{AnchorSerialize, Event};
use common::key;
use margin_client::{
    Breakdown, ChargesReport, CrossReport, GreeksReport, MarginReport, ModelReport, PROGRAM_ID, PortfolioReport,
    ReportError, StandardReport, UnderlyingReport, decode_breakdown, decode_margin_report,
    events::{AccountChange, Deposited, EngineEvent, EventError, LiquidationStarted, SettledLeg, TradeExecuted},
    state::{AccountMode, Instrument, InstrumentKind},
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
        mark: 6,
        index_price: 7,
        cost: -6,
        taker_fee: 8,
        maker_fee: 9,
        taker: 1,
        maker: 0,
    };
    let change = |account, cash_after| AccountChange { account, cash_before: 7, cash_after, funding: -1 };
    let trade = TradeExecuted { maker: change(key(1), 8), taker: change(key(2), -10), legs: vec![leg.clone(), leg] };
    let decoded = EngineEvent::decode(&inner_instruction(&trade)).unwrap().unwrap();
    assert_eq!(decoded.name(), "TradeExecuted");
    let EngineEvent::TradeExecuted(decoded) = decoded else { panic!("another event") };
    assert_eq!(decoded.legs.len(), 2);
    assert_eq!(decoded.legs[1].instrument.kind, InstrumentKind::Put);
    assert_eq!((decoded.maker.account, decoded.taker.cash_after), (key(1), -10));
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
    let started =
        LiquidationStarted { account: key(1), liquidator: key(2), equity: -5, maintenance_margin: 6, insolvent: true };
    let (first, second) = (inner_instruction(&deposited()), inner_instruction(&started));
    // The same bytes from another program are a forgery; a token transfer is no event; index 7 does not exist.
    let inner = [(1, &first[..]), (2, &first[..]), (2, &[3, 1, 0][..]), (2, &second[..]), (7, &first[..])];
    let events = EngineEvent::collect(&keys, inner).unwrap();
    let names: Vec<_> = events.iter().map(EngineEvent::name).collect();
    assert_eq!(names, ["Deposited", "LiquidationStarted"]);
}

fn report() -> MarginReport {
    let parts = PortfolioReport {
        worst_case: 255,
        worst_profit: 0,
        basis_contingency: -1,
        minimum_delta: 2,
        scan_risk: 3,
        initial_factor: 4,
        maintenance_factor: 5,
        charges: ChargesReport { perpetual_initial: 6, unrealised_profit: 0, ..ChargesReport::default() },
    };
    let underlying = UnderlyingReport {
        index: 1,
        positions_value: -2,
        initial_margin: 3,
        maintenance_margin: 2,
        greeks: GreeksReport { delta: 4, gamma: 5, vega: 6, theta: -7, rho: 8 },
        model: ModelReport::Portfolio(parts),
    };
    MarginReport {
        mode: AccountMode::Portfolio,
        in_liquidation: true,
        cash: 1,
        collateral_value: 2,
        collateral_maintenance: 3,
        collateral_initial: 4,
        positions_value: -2,
        equity: 1,
        initial_margin: 3,
        maintenance_margin: 2,
        cross: None,
        underlying_count: 1,
        underlyings: vec![underlying],
    }
}

/// Mode, flag, eight amounts, no cross-underlying part, two counts; then an underlying with its portfolio parts.
const LENGTH: usize = (2 + 8 * 8 + 1 + 1 + 4) + (2 + 3 * 8 + 5 * 8 + 1) + (1 + 6 * 8 + 9 * 8);

#[test]
fn a_report_decodes_also_without_its_trailing_zeros() {
    let mut data = Vec::new();
    report().serialize(&mut data).unwrap();
    assert_eq!(data.len(), LENGTH);
    assert_eq!(decode_margin_report(&PROGRAM_ID, &data).unwrap(), report());
    // The last charges are zero, so a node may have cut eight bytes and more.
    while data.last() == Some(&0) {
        data.pop();
    }
    assert!(data.len() <= LENGTH - 8);
    assert_eq!(decode_margin_report(&PROGRAM_ID, &data).unwrap(), report());
}

#[test]
fn the_longest_report_fits_return_data() {
    let mut full = report();
    full.cross = Some(CrossReport { systematic: 1, idiosyncratic: 2, stand_alone: 3, scan_risk: 4 });
    full.underlyings = vec![full.underlyings[0].clone(); 4];
    let mut data = Vec::new();
    full.serialize(&mut data).unwrap();
    assert!(data.len() <= 1_024, "{}", data.len());
    assert_eq!(decode_margin_report(&PROGRAM_ID, &data).unwrap(), full);
    // A standard account's parts are shorter.
    let standard = StandardReport {
        linear_initial: 1,
        linear_maintenance: 2,
        options_initial: 3,
        options_maintenance: 4,
        collateral_initial: 5,
        collateral_maintenance: 6,
        confidence: 7,
        depeg: 8,
    };
    let mut short = full.clone();
    short.underlyings.iter_mut().for_each(|underlying| underlying.model = ModelReport::Standard(standard));
    let mut data_of_standard = Vec::new();
    short.serialize(&mut data_of_standard).unwrap();
    assert!(data_of_standard.len() < data.len());
    assert_eq!(decode_margin_report(&PROGRAM_ID, &data_of_standard).unwrap(), short);
}

#[test]
fn a_breakdown_decodes() {
    let breakdown = Breakdown { mark_to_market: -1, profits: vec![i128::MIN, 0, 7] };
    let mut data = Vec::new();
    breakdown.serialize(&mut data).unwrap();
    assert_eq!(data.len(), 16 + 4 + 3 * 16);
    assert_eq!(decode_breakdown(&PROGRAM_ID, &data).unwrap(), breakdown);
    assert_eq!(decode_breakdown(&key(1), &data), Err(ReportError::ForeignProgram(key(1))));
}

#[test]
fn every_event_of_the_program_is_known() {
    let source = concat!(
        include_str!("../../../programs/margin-engine/src/events.rs"),
        include_str!("../../../programs/margin-engine/src/events/liquidation.rs"),
    );
    let emitted: Vec<_> = source
        .split("#[event]")
        .skip(1)
        .map(|text| text.split_once("pub struct ").unwrap().1.split_once(' ').unwrap().0)
        .filter(|name| *name != "SettledLeg")
        .collect();
    assert_eq!(EngineEvent::NAMES, emitted);
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
    data[1] = 2;
    assert!(matches!(decode_margin_report(&PROGRAM_ID, &data), Err(ReportError::Malformed(_))));
}
