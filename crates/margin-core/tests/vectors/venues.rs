//! Deribit (inverse futures), Paradex (minimum delta, liquidation steps), SPAN (given risk arrays), Dederi (futures).

use std::collections::BTreeMap;

use margin_core::portfolio::*;
use margin_core::{ExpiryInputs, Lots, Price, Rate, Scenario, Seconds, Svi, Usd, Vol, VolLevel};
use serde::Deserialize;

use crate::units::*;

const DAY: u64 = 86_400;

fn book_position(kind: InstrumentKind, expiry: i64, strike: Price, lots: i64) -> BookPosition {
    BookPosition { kind, expiry, strike, lots: Lots(lots), settled_value: Usd(0) }
}

fn flat(forward: Price, seconds: u64, vol: Vol) -> ExpiryMarket {
    let time = Seconds(seconds);
    let deviation = vol.0 as f64 / 1e8;
    ExpiryMarket {
        inputs: ExpiryInputs { forward, fixed: Price(0), time, rate: Rate(0) },
        surface: Svi {
            a: (deviation * deviation * seconds as f64 / 31_536_000.0 * 1e15).round() as i64,
            b: 0,
            rho: 0,
            m: 0,
            sigma: 1_000_000_000,
            forward,
            time,
        }
        .into(),
        confidence: Ratio::ONE,
    }
}

fn market<'a>(spot: Price, lot_size: u64, parameters: &'a RiskParameters, scenarios: &'a [GridScenario]) -> Market<'a> {
    Market {
        spot,
        perpetual: spot,
        stable: Price::ONE_USD,
        lot_size,
        spot_confidence: Ratio::ONE,
        perpetual_confidence: Ratio::ONE,
        hedge: Usd(0),
        parameters,
        scenarios,
    }
}

fn cell(spot: f64, weight: f64, extended: bool) -> GridScenario {
    let shock = Scenario::new(multiplier(spot), VolLevel::None).unwrap();
    GridScenario { shock, weight: ratio(weight), extended }
}

#[derive(Deserialize)]
struct DeribitFile {
    vectors: Vec<Deribit>,
}

#[derive(Deserialize)]
struct Deribit {
    name: String,
    positions_base: BTreeMap<String, f64>,
    index: f64,
    params: BTreeMap<String, f64>,
    expected: serde_json::Value,
}

#[test]
fn deribit_simulations_agree() {
    let file: DeribitFile = crate::load("deribit_pme_simulate.json");
    assert_eq!(file.vectors.len(), 2);
    for vector in &file.vectors {
        let param = |name: &str| vector.params[name];
        let range = param("price_range");
        // Amounts are in base coin, one unit of which is worth one.
        let one = Price::ONE_USD;
        let parameters = RiskParameters {
            scan: ScanFactors {
                initial: Ratio::ONE,
                maintenance: ratio(param("mm_factor")),
                gain_haircut: ratio(1.0 - param("pnl_offset")),
                scales_charges: true,
                inverse: true,
                extended_range: ratio(range),
                extended_dampener: usd(param("extended_dampener_usd") / vector.index),
                ..Default::default()
            },
            roll: Roll {
                min_move: ratio(vector.params.get("min_annualised_move").copied().unwrap()),
                annual_move: ratio(param("annualised_move_risk")),
                gross: true,
            },
            ..Default::default()
        };
        let moves: Vec<f64> = (-4..=4).map(|step| range * f64::from(step) / 4.0).collect();
        let mut scenarios: Vec<GridScenario> = moves.iter().map(|by| cell(1.0 + by, 1.0, false)).collect();
        let tails = [-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0f64];
        scenarios.extend(tails.map(|by| cell(1.0 + by, range / by.abs(), true)));
        let mut book: Vec<BookPosition> = vector
            .positions_base
            .iter()
            .map(|(name, amount)| {
                let lots = (amount * 1e9).round() as i64;
                if name.ends_with("PERPETUAL") {
                    book_position(InstrumentKind::Perpetual, 0, Price(0), lots)
                } else {
                    // 28 June 2024, eleven days after the response.
                    book_position(InstrumentKind::Future, 1, Price(0), lots)
                }
            })
            .collect();
        book.sort_by_key(|position| position.expiry);
        let surface = |_| -> Result<ExpiryMarket, MarginError> { Ok(flat(one, 11 * DAY, Vol(0))) };
        let mut scratch = Scratch::new();
        let market = market(one, 1, &parameters, &scenarios);
        let risk = assess_underlying(&market, book, surface, Detail::Margin, &mut scratch).unwrap();

        // A cent, in base coin, would be 1e-7; the published worst case is rounded to nine decimals.
        let check = |what: &str, ours: f64, published: f64| {
            println!("{} {what}: {ours} against {published}", vector.name);
            assert!((ours - published).abs() < 1e-9, "{} {what}: {ours} against {published}", vector.name);
        };
        let expected = |key: &str| vector.expected[key].as_f64().unwrap_or(0.0);
        check("worst case", -dollars(risk.worst), expected("worst_case"));
        check("roll shock", dollars(risk.charges.roll), expected("roll_shock"));
        let besides = expected("open_orders_margin") + expected("mmp_margin");
        check("initial", dollars(risk.initial_margin) + besides, expected("initial_margin"));
        check("maintenance", dollars(risk.maintenance_margin), expected("maintenance_margin"));
        let profits: Vec<f64> = scratch.profits(1).map(|profit| dollars(profit.unwrap())).collect();
        let buckets = vector.expected.get("bucket_pnl_by_move").or(vector.expected.get("pre_offset_pnl")).unwrap();
        let offset = param("pnl_offset");
        for (by, profit) in moves.iter().zip(&profits) {
            let named = buckets
                .as_object()
                .unwrap()
                .iter()
                .find(|(name, _)| name.parse::<f64>().is_ok_and(|named| (named - by).abs() < 1e-9));
            if let Some((_, published)) = named {
                let published = published.as_f64().unwrap();
                check("bucket", *profit, if published > 0.0 { published * offset } else { published });
            }
        }
        // Neither book reaches the dampener.
        assert!(profits[moves.len()..].iter().all(|profit| *profit >= 0.0));
    }
}

#[derive(Deserialize)]
struct ParadexFile {
    vectors: Vec<serde_json::Value>,
}

#[test]
fn paradex_minimum_delta_agrees() {
    let file: ParadexFile = crate::load("paradex_docs.json");
    let vector = &file.vectors[0];
    let spot = vector["spot"].as_f64().unwrap();
    let parameters = RiskParameters {
        scan: ScanFactors { initial: Ratio::ONE, maintenance: ratio(0.5), ..Default::default() },
        minimum_delta: MinimumDelta {
            unhedged: ratio(vector["unhedged"].as_f64().unwrap()),
            hedged: ratio(vector["hedged"].as_f64().unwrap()),
        },
        ..Default::default()
    };
    // A year at 50 % without rate: N(d1) = 0.3 at d1 = −0.5244005127.
    let (quantile, deviation) = (-0.524_400_512_708_040_7f64, 0.5f64);
    let strike = price(spot * (deviation * deviation / 2.0 - quantile * deviation).exp());
    let positions = &vector["positions"];
    assert_eq!((positions[0]["delta"].as_f64(), positions[1]["delta"].as_f64()), (Some(1.0), Some(0.3)));
    let lots = |index: usize| (positions[index]["qty"].as_f64().unwrap() * 1e3) as i64;
    let book = [
        book_position(InstrumentKind::Perpetual, 0, Price(0), lots(0)),
        book_position(InstrumentKind::Call, 1, strike, lots(1)),
    ];
    let scenarios = [cell(1.0, 1.0, false)];
    let surface = |_| -> Result<ExpiryMarket, MarginError> { Ok(flat(price(spot), 31_536_000, Vol(50_000_000))) };
    let market = market(price(spot), 1_000_000, &parameters, &scenarios);
    let risk = assess_underlying(&market, book, surface, Detail::Greeks, &mut Scratch::new()).unwrap();
    let published = vector["expected"]["min_delta_risk"].as_f64().unwrap();
    assert!((dollars(risk.minimum_delta) - published).abs() < 0.01, "{}", dollars(risk.minimum_delta));
    assert_eq!(risk.initial_margin, risk.minimum_delta);
    let net = dollars(NetGreeks::in_usd(risk.greeks.delta, 1_000_000).unwrap()) / spot;
    assert!((net - vector["expected"]["net_delta"].as_f64().unwrap()).abs() < 1e-6);
}

#[test]
fn paradex_liquidation_steps_agree() {
    let file: ParadexFile = crate::load("paradex_docs.json");
    let vector = &file.vectors[1];
    let number = |value: &serde_json::Value, key: &str| value[key].as_f64().unwrap();
    // The page states another fee than the one of its own table.
    let steps = LiquidationSteps {
        fee: ratio(0.5),
        step: ratio(number(vector, "share_step")),
        target: ratio(number(vector, "target_margin_ratio")),
    };
    let (requirement, value) = (usd(number(vector, "mmr")), usd(number(vector, "account_value")));
    let rows = vector["table"].as_array().unwrap();
    for row in rows {
        let after = steps.after(ratio(number(row, "share")), requirement, value).unwrap();
        assert!((dollars(after.requirement) - number(row, "new_mmr")).abs() < 1e-9);
        assert!((dollars(after.value) - number(row, "new_av")).abs() < 1e-9);
        let ratio = dollars(after.requirement) / dollars(after.value);
        // Published to three decimals, some of them truncated.
        assert!((ratio - number(row, "ratio")).abs() < 1e-3, "{ratio}");
    }
    let first = rows.iter().find(|row| number(row, "ratio") <= number(vector, "target_margin_ratio")).unwrap();
    assert_eq!(steps.first_sufficient(requirement, value).unwrap().share, ratio(number(first, "share")));
}

#[derive(Deserialize)]
struct Span {
    future: Vec<i64>,
    short_call: Vec<i64>,
    expected: SpanExpected,
}

#[derive(Deserialize)]
struct SpanExpected {
    portfolio: Vec<i64>,
    scan_risk: i64,
}

#[test]
fn span_risk_arrays_add_up() {
    let vector: Span = crate::load("span_covered_write.json");
    let sum: Vec<Usd> =
        vector.future.iter().zip(&vector.short_call).map(|(a, b)| Usd(i128::from(a + b) * 1_000_000_000_000)).collect();
    let published: Vec<i64> = sum.iter().map(|profit| (profit.0 / 1_000_000_000_000) as i64).collect();
    assert_eq!(published, vector.expected.portfolio);
    let (worst, case) = Measure::Worst.worst(&sum).unwrap();
    assert_eq!(worst, -i128::from(vector.expected.scan_risk) * 1_000_000_000_000);
    assert_eq!(case, WorstCase::Scenario(12));
}

#[derive(Deserialize)]
struct DederiFile {
    vectors: Vec<Dederi>,
}

#[derive(Deserialize)]
struct Dederi {
    qty: f64,
    index: f64,
    basis: f64,
    days: u64,
    expected: DederiExpected,
    contingency_factor: f64,
}

#[derive(Deserialize)]
struct DederiExpected {
    #[serde(rename = "F0")]
    forward: f64,
    contingency: f64,
    pnl: BTreeMap<String, f64>,
}

#[test]
fn dederi_future_agrees() {
    let file: DederiFile = crate::load("dederi_future_example.json");
    let vector = &file.vectors[0];
    // Published to one decimal, and every figure after it derived from that.
    let forward = vector.index * (vector.basis * vector.days as f64 / 365.0).exp();
    let forward = price((forward * 10.0).round() / 10.0);
    assert_eq!(forward, price(vector.expected.forward));
    let parameters = RiskParameters {
        scan: ScanFactors { initial: Ratio::ONE, maintenance: Ratio::ONE, ..Default::default() },
        charges: PositionCharges { perpetual_maintenance: ratio(vector.contingency_factor), ..Default::default() },
        ..Default::default()
    };
    let moves: Vec<(f64, f64)> = vector
        .expected
        .pnl
        .iter()
        .map(|(by, profit)| (by.trim_end_matches('%').parse::<f64>().unwrap() / 100.0, *profit))
        .collect();
    let scenarios: Vec<GridScenario> = moves.iter().map(|(by, _)| cell(1.0 + by, 1.0, false)).collect();
    let book = [book_position(InstrumentKind::Future, 1, Price(0), vector.qty as i64)];
    let surface = |_| -> Result<ExpiryMarket, MarginError> { Ok(flat(forward, vector.days * DAY, Vol(0))) };
    let mut scratch = Scratch::new();
    let market = market(price(vector.index), 1_000_000_000, &parameters, &scenarios);
    let risk = assess_underlying(&market, book, surface, Detail::Margin, &mut scratch).unwrap();
    for ((_, published), profit) in moves.iter().zip(scratch.profits(1_000_000_000)) {
        // Published in whole dollars.
        assert!((dollars(profit.unwrap()) - published).abs() <= 0.5, "{published}");
    }
    // Published to one decimal.
    assert!((dollars(risk.charges.perpetual_maintenance) - vector.expected.contingency).abs() <= 0.05);
}
