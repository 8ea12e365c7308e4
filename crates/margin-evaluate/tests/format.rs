//! The portfolio format: what it means in the program's integers, and what each mistake is called.

use margin_client::{
    accounts::decode,
    margin::{PriceUse, read_price},
    state::{self, AccountMode, VolShock},
};
use margin_evaluate::{Book, Host, Options, Portfolio, PortfolioError, evaluate};
use serde_json::{Value, json};

fn example() -> Value {
    json!({
        "time": 1_767_225_600,
        "quote": { "price": "0.9995", "confidence": 0.75 },
        "underlyings": [{
            "symbol": "BTC", "spot": "98765.432109876543", "confidence": 0.123456789,
            "perpetual": { "mark": 98770.25, "confidence": 0.5 },
            "lot_size": 0.01, "settlement_window": 1800, "model": "major",
            "expiries": [
                { "expiry": "+2592000", "forward": 99000.5, "rate": 0.0425,
                  "svi": { "a": 0.01, "b": 0.02, "rho": -0.3, "m": 0.001, "sigma": 0.1 } },
                { "expiry": 1_767_139_200 }
            ]
        }],
        "collaterals": [{
            "symbol": "WBTC", "decimals": 8, "price": 98000, "haircuts": { "maintenance": 0.05, "initial": 0.025 },
            "link": "cancels_risk", "underlying": "BTC"
        }],
        "account": {
            "cash": "-1234.5678905",
            "balances": [{ "symbol": "WBTC", "amount": 0.5 }],
            "positions": [
                { "underlying": "BTC", "kind": "call", "expiry": "+2592000", "strike": 120000, "quantity": -1.5 },
                { "underlying": "BTC", "kind": "future", "expiry": "+2592000", "quantity": 2, "entry": 98000 },
                { "underlying": "BTC", "kind": "perpetual", "quantity": 0.25, "settled_value": 24000 },
                { "underlying": "BTC", "kind": "put", "expiry": 1_767_139_200, "strike": 100000, "quantity": 1 }
            ]
        }
    })
}

fn book(value: &Value) -> Result<Book, PortfolioError> {
    Book::new(&Portfolio::from_json(&value.to_string())?)
}

#[test]
fn members_become_the_integers_of_the_program() {
    let book = book(&example()).unwrap();
    let underlying = &book.underlyings[0];
    assert_eq!(underlying.lot_size, 10_000_000);
    assert_eq!(underlying.scenarios().len(), 31);
    assert_eq!(underlying.scenarios()[0].vol, VolShock::Up as u8);
    let slot = &underlying.expiries[0];
    assert_eq!((slot.expiry, slot.forward, slot.rate), (book.now + 2_592_000, 99_000_500_000_000_000, 425_000_000));
    assert_eq!((slot.spot_reference, slot.confidence), (98_765_432_109_876_543, 1_000_000_000));
    assert_eq!((slot.svi.rho, slot.svi.forward, slot.svi.time), (-300_000_000_000_000, slot.forward, 2_592_000));
    let account = &book.account;
    assert_eq!(account.mode().unwrap(), AccountMode::Portfolio);
    // To the nearest 2^-48 of an atom.
    assert_eq!(account.cash().to_bits(), (-1_234_567_890i128 << 48) - (1 << 47));
    assert_eq!(account.balance_of(1), 50_000_000);
    let lots: Vec<i64> = account.positions().iter().map(|position| position.lots).collect();
    assert_eq!(lots, [25, 100, 200, -150]);
    let settled: Vec<i64> = account.positions().iter().map(|position| position.settled_value).collect();
    assert_eq!(settled, [24_000_000_000, 0, 196_000_000_000, 0]);
}

#[test]
fn price_accounts_carry_price_and_confidence_exactly() {
    let book = book(&example()).unwrap();
    let underlying = &book.underlyings[0];
    let prices = book.snapshot.directory.underlying(0).unwrap();
    let account = &book.accounts.iter().find(|(address, _)| *address == prices.price).unwrap().1;
    let view = read_price(&underlying.oracle, prices.price, account, PriceUse::RaiseRisk, book.now).unwrap();
    assert_eq!((view.price.0, view.score.0), (98_765_432_109_876_543, 123_456_789));
}

#[test]
fn accounts_are_what_the_client_decodes() {
    let book = book(&example()).unwrap();
    let address = book.snapshot.directory.underlying(0).unwrap().market;
    let account = &book.accounts.iter().find(|(other, _)| *other == address).unwrap().1;
    let decoded: Box<state::Underlying> = decode(&account.owner, &account.data).unwrap();
    assert_eq!(bytemuck::bytes_of(&*decoded), bytemuck::bytes_of(&*book.underlyings[0]));
}

#[test]
fn the_same_book_can_be_judged_in_each_mode() {
    let book = book(&example()).unwrap();
    let mut initial = Vec::new();
    for mode in [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard] {
        let options = Options { mode: Some(mode), detail: true, greeks: true };
        let evaluation = evaluate(&mut Host, &book, &options).unwrap();
        assert_eq!(evaluation.report.mode, mode);
        assert_eq!(evaluation.underlyings[0].positions.len(), 4);
        assert!(evaluation.report.initial_margin >= evaluation.report.maintenance_margin);
        initial.push(evaluation.report.initial_margin);
    }
    // One underlying: nothing nets across; standard margin nets nothing at all.
    assert_eq!(initial[0], initial[1]);
    assert!(initial[2] > initial[0], "{initial:?}");
}

#[test]
fn a_passed_expiry_counts_at_its_observed_average_or_else_at_spot() {
    let worth = |average: Option<f64>| {
        let mut example = example();
        if let Some(average) = average {
            example["underlyings"][0]["expiries"][1]["observed_average"] = json!(average);
        }
        let positions = example["account"]["positions"].as_array().unwrap()[3].clone();
        example["account"]["positions"] = json!([positions]);
        example["account"]["balances"] = json!([]);
        let evaluation =
            evaluate(&mut Host, &book(&example).unwrap(), &Options { detail: true, ..Options::default() }).unwrap();
        (evaluation.report.positions_value, evaluation.underlyings[0].book.profits.clone())
    };
    // A put of 100 000: against spot it moves with it, against an average that is known it does not.
    let (value, profits) = worth(None);
    assert_eq!(value, 1_234_567_890);
    assert!(profits.iter().any(|profit| *profit < 0) && profits.iter().any(|profit| *profit > 0));
    let (value, profits) = worth(Some(97_500.5));
    assert_eq!(value, 2_499_500_000);
    // The scan's own resolution, 2e-11 of the strike, remains: below 2e-6 USD.
    assert!(profits.iter().all(|profit| profit.abs() < 2_000_000), "{profits:?}");
}

/// A change of the example and the words its error must have.
fn mistake(pointer: &str, value: Value) -> PortfolioError {
    let mut example = example();
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    match example.pointer_mut(parent).unwrap() {
        Value::Object(object) if value.is_null() => drop(object.remove(member).unwrap()),
        Value::Object(object) => drop(object.insert(member.to_owned(), value)),
        Value::Array(array) => array.push(value),
        other => panic!("{other}"),
    }
    book(&example).map(|_| ()).expect_err(pointer)
}

#[test]
fn every_mistake_names_its_place_and_what_to_do() {
    use PortfolioError as E;
    type Is = fn(&PortfolioError) -> bool;
    let position = json!({ "underlying": "BTC", "kind": "perpetual", "quantity": 0.25, "entry": 1 });
    let cases: Vec<(&str, Value, Is, &str)> = vec![
        ("/colour", json!(1), |e| matches!(e, E::Json { .. }), "unknown field `colour`"),
        ("/time", Value::Null, |e| matches!(e, E::Json { .. }), "missing field `time`"),
        (
            "/underlyings/0/spot",
            json!("9,8"),
            |e| matches!(e, E::Json { .. }),
            "underlyings[0].spot: '9,8' is not a decimal",
        ),
        ("/underlyings/0/spot", json!(1e9), |e| matches!(e, E::Json { .. }), "out of range"),
        ("/underlyings/0/spot", json!(0), |e| matches!(e, E::Rule { .. }), "underlyings[0].spot: "),
        ("/underlyings/0/symbol", json!("no way"), |e| matches!(e, E::Symbol { .. }), "letters and digits"),
        (
            "/underlyings/0/model",
            json!("maybe"),
            |e| matches!(e, E::UnknownPreset { .. }),
            "there are major, high-beta",
        ),
        ("/underlyings/0/model", json!({ "name": "x" }), |e| matches!(e, E::Rule { .. }), "model.scenarios: "),
        (
            "/underlyings/0/model",
            json!({ "parameters": { "scan": { "inital": 1 } } }),
            |e| matches!(e, E::Json { .. }),
            "parameters.scan.inital: unknown field `inital`",
        ),
        (
            "/underlyings/0/model",
            json!({ "parameters": { "scan": { "initial": 0.5, "maintenance": 0.8 } },
                    "scenarios": [{ "spot": 0.9 }, { "spot": 1.1 }] }),
            |e| matches!(e, E::Rule { .. }),
            "ParameterInitialBelowMaintenance",
        ),
        ("/underlyings/0/lot_size", json!(0), |e| matches!(e, E::Rule { .. }), "LotSizeParameter"),
        (
            "/underlyings/0/lot_size",
            json!(1),
            |e| matches!(e, E::PartOfALot { .. }),
            "-1.5 is not a whole number of lots of 1",
        ),
        (
            "/underlyings/0/expiries/-",
            json!({ "expiry": 1_767_139_200 }),
            |e| matches!(e, E::Duplicate { .. }),
            "expiries[2]",
        ),
        (
            "/underlyings/0/expiries/-",
            json!({ "expiry": "1d" }),
            |e| matches!(e, E::Json { .. }),
            "a moment is unix seconds",
        ),
        ("/underlyings/0/expiries/-", json!({ "expiry": "+99999999" }), |e| matches!(e, E::Rule { .. }), "KernelTime"),
        ("/underlyings/0/expiries/0/forward", json!(1), |e| matches!(e, E::Rule { .. }), "ForwardRange"),
        ("/underlyings/0/expiries/0/svi", Value::Null, |e| matches!(e, E::Missing { .. }), "needs the `svi`"),
        ("/underlyings/0/expiries/0/svi/rho", json!(2), |e| matches!(e, E::Rule { .. }), "expiries[0].svi: "),
        ("/underlyings/0/perpetual/mark", json!(1), |e| matches!(e, E::Rule { .. }), "PerpetualRange"),
        ("/quote/decimals", json!(10), |e| matches!(e, E::Rule { .. }), "quote.decimals"),
        ("/quote/confidence", json!(1.5), |e| matches!(e, E::Rule { .. }), "PublishedConfidence"),
        ("/collaterals/0/underlying", Value::Null, |e| matches!(e, E::Missing { .. }), "needs the symbol"),
        ("/collaterals/0/link", json!("none"), |e| matches!(e, E::Unexpected { .. }), "set `link`"),
        ("/collaterals/0/underlying", json!("ETH"), |e| matches!(e, E::UnknownUnderlying { .. }), "'ETH'"),
        ("/collaterals/0/haircuts/initial", json!(0.96), |e| matches!(e, E::Rule { .. }), "HaircutParameter"),
        ("/account/balances/0/symbol", json!("DAI"), |e| matches!(e, E::UnknownCollateral { .. }), "'DAI'"),
        (
            "/account/balances/0/amount",
            json!(0.000000001),
            |e| matches!(e, E::Number { .. }),
            "more than 8 decimal places",
        ),
        ("/account/balances/0/amount", json!(0), |e| matches!(e, E::Zero { .. }), "leave it out"),
        ("/account/balances/0/amount", json!(-1), |e| matches!(e, E::Overflow { .. }), "-1"),
        ("/account/cash", json!(1e30), |e| matches!(e, E::Overflow { .. }), "account.cash"),
        ("/account/positions/-", position, |e| matches!(e, E::Duplicate { .. }), "positions[4]"),
        ("/account/positions/0/quantity", json!(0), |e| matches!(e, E::Zero { .. }), "positions[0].quantity"),
        ("/account/positions/0/strike", Value::Null, |e| matches!(e, E::Missing { .. }), "positions[0].strike"),
        ("/account/positions/2/strike", json!(1), |e| matches!(e, E::Unexpected { .. }), "only options"),
        ("/account/positions/0/expiry", Value::Null, |e| matches!(e, E::Missing { .. }), "positions[0].expiry"),
        (
            "/account/positions/2/expiry",
            json!("+1"),
            |e| matches!(e, E::Unexpected { .. }),
            "a perpetual has no expiry",
        ),
        ("/account/positions/0/expiry", json!("+7"), |e| matches!(e, E::UnknownExpiry { .. }), "lists no expiry at"),
        ("/account/positions/0/entry", json!(1), |e| matches!(e, E::Unexpected { .. }), "premium settles at once"),
        ("/account/positions/1/entry", Value::Null, |e| matches!(e, E::Missing { .. }), "last settled"),
        ("/account/positions/2/entry", json!(1), |e| matches!(e, E::Unexpected { .. }), "keep one"),
        ("/account/positions/0/underlying", json!("SOL"), |e| matches!(e, E::UnknownUnderlying { .. }), "'SOL'"),
        (
            "/correlation",
            json!({ "floor": 2, "scenarios": [{ "market_move": 0 }] }),
            |e| matches!(e, E::Rule { .. }),
            "CorrelationFloor",
        ),
        ("/correlation", json!({ "floor": 1, "scenarios": [] }), |e| matches!(e, E::Rule { .. }), "FactorCount"),
    ];
    for (pointer, value, is, words) in cases {
        let error = mistake(pointer, value.clone());
        let text = error.to_string();
        assert!(is(&error) && text.contains(words), "{pointer} = {value}: {text} ({error:?})");
    }
}

#[test]
fn text_after_the_portfolio_is_refused() {
    let error = Portfolio::from_json(&format!("{} 7", example())).unwrap_err();
    assert!(error.to_string().contains("trailing characters"), "{error}");
}

#[test]
fn a_confidence_that_no_interval_expresses_is_refused() {
    let mut example = example();
    example["quote"] = json!({ "price": 0.000001, "confidence": 0.123456789 });
    let error = book(&example).map(|_| ()).unwrap_err();
    assert!(matches!(error, PortfolioError::PriceAccount { .. }), "{error}");
}

#[test]
fn digital_options_have_kinds_of_their_own() {
    let mut example = example();
    let positions = example["account"]["positions"].as_array_mut().unwrap();
    for (kind, quantity) in [("digital_call", -2_000), ("digital_put", 500)] {
        positions.push(json!({
            "underlying": "BTC", "kind": kind, "expiry": "+2592000", "strike": 120_000, "quantity": quantity
        }));
    }
    let book = book(&example).unwrap();
    let kinds: Vec<u8> = book.account.positions().iter().map(|position| position.kind).collect();
    use state::InstrumentKind::{Call, DigitalCall, DigitalPut, Future, Perpetual, Put};
    assert_eq!(kinds, [Perpetual, Put, Future, Call, DigitalCall, DigitalPut].map(|kind| kind as u8));
    let report = evaluate(&mut Host, &book, &Options::default()).unwrap().report;
    let before = evaluate(&mut Host, &self::book(&self::example()).unwrap(), &Options::default()).unwrap().report;
    // 2 000 dollars sold, of which some 15 % are due, and 500 bought of the other side.
    let value = report.positions_value - before.positions_value;
    assert!((0..500_000_000).contains(&value), "{value}");
    let mut priced = self::example();
    priced["account"]["positions"][0] = json!({
        "underlying": "BTC", "kind": "digital_call", "expiry": "+2592000", "strike": 120_000, "quantity": 1, "entry": 1
    });
    assert!(matches!(self::book(&priced), Err(PortfolioError::Unexpected { .. })));
    priced["account"]["positions"][0] =
        json!({ "underlying": "BTC", "kind": "digital_put", "expiry": "+2592000", "quantity": 1 });
    assert!(matches!(self::book(&priced), Err(PortfolioError::Missing { .. })));
}
