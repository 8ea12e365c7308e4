//! The table of compute units: measured, held against its limits and against the committed figures.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use svm_probe::{BookLeg, Request, SCENARIOS, Writer};

use crate::engine::Bench;
use crate::inputs::{self, ASSESSED_DAYS, EXPIRY_DAYS};
use crate::limits;
use crate::scale;
use crate::svm::{Probe, root};
use crate::trading;
use crate::whole;

/// Where the table is committed.
const TABLE: &str = "benches/CU.md";
/// Where the chart is.
const CHART: &str = "docs/compute-units.svg";
/// A figure may grow by this share before the run fails.
const TOLERANCE_PERCENT: u64 = 2;

/// One row.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub name: &'static str,
    pub cu: u64,
    #[serde(skip)]
    pub limit: Option<u64>,
    #[serde(skip)]
    pub what: &'static str,
}

/// Measures, prints, and fails when a figure passes its limit or grows by more than the tolerance.
pub fn run(json: bool, update: bool) -> Result<()> {
    let mut rows = measure(&mut Probe::load()?)?;
    let mut bench = Bench::load(whole::pmrm2()?)?;
    rows.extend(whole::checks(&mut bench)?);
    rows.extend(trading::rows()?);
    rows.extend(limits::rows()?);
    let chart = whole::chart(&mut bench)?;
    let text = render(&rows)?;
    if json {
        println!("{}", serde_json::to_string(&rows)?);
    } else {
        println!("{text}");
    }
    let path = root().join(TABLE);
    if update {
        fs::write(&path, &text).with_context(|| format!("write {TABLE}"))?;
        fs::write(root().join(CHART), &chart).with_context(|| format!("write {CHART}"))?;
        scale::update(&rows)?;
    }
    let committed = fs::read_to_string(&path).with_context(|| format!("read {TABLE}; `--update` writes it"))?;
    let problems = judge(&rows, &parse(&committed)?);
    ensure!(problems.is_empty(), "compute units out of bounds:\n{}", problems.join("\n"));
    Ok(())
}

fn measure(probe: &mut Probe) -> Result<Vec<Row>> {
    Ok(vec![
        Row {
            name: "leg_scenario",
            cu: leg_scenario(probe)?,
            limit: Some(100),
            what: "one (leg, scenario): a thirty-first of a whole `RiskArray::add` with three vol levels; dearest of 105 legs",
        },
        Row {
            name: "leg_setup",
            cu: leg_setup(probe)?,
            limit: Some(900),
            what: "strike, SVI vol, three vol levels and leg preparation: dearest of 20 strikes",
        },
        Row {
            name: "price_greeks_cold",
            cu: price_greeks_cold(probe)?,
            limit: Some(1_100),
            what: "price and seven Greeks with nothing prepared: dearest of 600 cases, calls and puts",
        },
        Row {
            name: "risk_array_1x31",
            cu: risk_array_leg(probe)?,
            limit: Some(4_000),
            what: "one leg, from strike and lots to totals: strike, SVI vol, three vol levels, leg, 31 scenarios, sums in USD; the \
                   expiry (discount, smile, shocked forwards) is prepared; dearest of 48 legs",
        },
        Row {
            name: "risk_array_64x31",
            cu: risk_array(probe, &inputs::book(), &EXPIRY_DAYS)?,
            limit: Some(230_000),
            what: "64 strikes on 4 expiries, 31 scenarios: everything from raw market data to totals",
        },
        Row {
            name: "risk_array_1x31_cold",
            cu: risk_array(probe, &[(0, inputs::leg(inputs::strike(103), 1_000, 0))], &[EXPIRY_DAYS[2]])?,
            limit: None,
            what: "`risk_array_1x31` with the scenario set, the expiry, its smile and its forwards prepared for this one leg",
        },
        Row {
            name: "assess_1",
            cu: assess(probe, &[(0, inputs::leg(inputs::strike(103), -1_000, 0))], &[EXPIRY_DAYS[2]])?,
            limit: None,
            what: "`assess_prepared` with Greeks, PMRM-2 class model (31 scenarios, skew, static discounts, forward contingency, \
                   charges): one short call, working memory included, the grid prepared",
        },
        Row {
            name: "assess_16",
            cu: assess(probe, &inputs::options(4, 4), &ASSESSED_DAYS[..4])?,
            limit: None,
            what: "the same, 16 legs of 16 strikes on 4 expiries",
        },
        Row {
            name: "assess_64",
            cu: assess(probe, &inputs::options(4, 16), &ASSESSED_DAYS[..4])?,
            limit: None,
            what: "the same, 64 legs of 64 strikes on 4 expiries",
        },
        Row {
            name: "assess_128",
            cu: assess(probe, &inputs::options(8, 16), &ASSESSED_DAYS)?,
            limit: None,
            what: "the same, 128 legs of 128 strikes on 8 expiries",
        },
        Row {
            name: "assess_witness_64",
            cu: witness(probe, &inputs::options(4, 16), &ASSESSED_DAYS[..4])?,
            limit: None,
            what: "`assess_witness` of one scenario of `assess_64`: dearest of 31",
        },
        Row {
            name: "leg_row_128",
            cu: leg_row(probe, &inputs::options(8, 16), &ASSESSED_DAYS)?.max(leg_row(
                probe,
                &inputs::options(1, 128),
                &ASSESSED_DAYS[1..2],
            )?),
            limit: Some(1_350_000),
            what: "`leg_row` of the last of 128 legs: profit in each of 31 scenarios; on 8 expiries or on one, the dearer",
        },
        Row {
            name: "solmath_price",
            cu: rival(probe, Request::SolmathPrice)?,
            limit: None,
            what: "solmath 0.2 black_scholes_price: mean",
        },
        Row {
            name: "solmath_price_greeks",
            cu: rival(probe, Request::SolmathPriceGreeks)?,
            limit: None,
            what: "solmath 0.2 bs_full: mean",
        },
        Row {
            name: "i80f48_price",
            cu: rival(probe, Request::I80F48Price)?,
            limit: None,
            what: "plain I80F48 Black-Scholes: mean",
        },
    ])
}

fn units(probe: &mut Probe, request: &Writer) -> Result<u64> {
    let (answer, units) = probe.measure(&request.0)?;
    let host = svm_probe::answer(&request.0).map_err(|code| anyhow::anyhow!("host: error {code}"))?;
    ensure!(host == answer, "host and SVM differ on {:?}:\n{host:?}\n{answer:?}", request.0);
    Ok(units)
}

fn leg_scenario(probe: &mut Probe) -> Result<u64> {
    let mut dearest = 0;
    for days in EXPIRY_DAYS.into_iter().chain([400]) {
        for percent in [50, 80, 95, 100, 105, 125, 200] {
            for (calls, puts) in [(1_000, 0), (-3, 1_000), (1 << 30, 5)] {
                let mut request = Writer::request(Request::LegScenario);
                inputs::market(days).write(&mut request);
                inputs::leg(inputs::strike(percent), calls, puts).write(&mut request);
                dearest = dearest.max(units(probe, &request)?);
            }
        }
    }
    Ok(dearest.div_ceil(SCENARIOS as u64))
}

fn leg_setup(probe: &mut Probe) -> Result<u64> {
    let mut dearest = 0;
    for days in EXPIRY_DAYS {
        for percent in [50, 80, 100, 125, 200] {
            let mut request = Writer::request(Request::LegSetup);
            inputs::market(days).write(&mut request);
            inputs::leg(inputs::strike(percent), 1, 0).write(&mut request);
            dearest = dearest.max(units(probe, &request)?);
        }
    }
    Ok(dearest)
}

fn price_greeks_cold(probe: &mut Probe) -> Result<u64> {
    let mut dearest = 0;
    for case in inputs::cold_cases() {
        for put in [0, 1] {
            let mut request = Writer::request(Request::PriceGreeksCold);
            case.write(&mut request);
            request.put([put]);
            dearest = dearest.max(units(probe, &request)?);
        }
    }
    Ok(dearest)
}

fn risk_array_leg(probe: &mut Probe) -> Result<u64> {
    let mut dearest = 0;
    for days in EXPIRY_DAYS {
        for percent in [60, 80, 97, 103, 125, 180] {
            for (calls, puts) in [(1_000, 0), (-700, 300)] {
                let mut request = Writer::request(Request::RiskArrayLeg);
                inputs::market(days).write(&mut request);
                inputs::leg(inputs::strike(percent), calls, puts).write(&mut request);
                dearest = dearest.max(units(probe, &request)?);
            }
        }
    }
    Ok(dearest)
}

fn risk_array(probe: &mut Probe, book: &[BookLeg], days: &[u64]) -> Result<u64> {
    let mut request = Writer::request(Request::RiskArray);
    write_book(&mut request, book, days);
    units(probe, &request)
}

fn assess(probe: &mut Probe, book: &[BookLeg], days: &[u64]) -> Result<u64> {
    let mut request = Writer::request(Request::Assess);
    write_book(&mut request, book, days);
    units(probe, &request)
}

fn witness(probe: &mut Probe, book: &[BookLeg], days: &[u64]) -> Result<u64> {
    let mut dearest = 0;
    for scenario in 0..SCENARIOS as u8 {
        let mut request = Writer::request(Request::Witness);
        request.put([scenario]);
        write_book(&mut request, book, days);
        dearest = dearest.max(units(probe, &request)?);
    }
    Ok(dearest)
}

fn leg_row(probe: &mut Probe, book: &[BookLeg], days: &[u64]) -> Result<u64> {
    let mut request = Writer::request(Request::LegRow);
    request.put([book.len() as u8 - 1]);
    write_book(&mut request, book, days);
    units(probe, &request)
}

fn write_book(request: &mut Writer, book: &[BookLeg], days: &[u64]) {
    request.put([days.len() as u8]);
    for &days in days {
        inputs::market(days).write(request);
    }
    for (expiry, leg) in book {
        request.put([*expiry]);
        leg.write(request);
    }
}

fn rival(probe: &mut Probe, kind: Request) -> Result<u64> {
    let cases = inputs::rival_cases();
    let mut sum = 0;
    for case in &cases {
        let mut request = Writer::request(kind);
        case.write(&mut request);
        sum += units(probe, &request)?;
    }
    Ok(sum / cases.len() as u64)
}

fn render(rows: &[Row]) -> Result<String> {
    let find = |name: &str| rows.iter().find(|row| row.name == name).map(|row| row.cu).context("missing row");
    let mut text = String::from(
        "# Compute units\n\nWritten by `cargo xtask cu --update`; `cargo xtask cu` fails when a figure passes its limit or \
         grows by more than 2 %.\n`margin_check_*` and `witness_64` are whole instructions of `programs/margin-engine` in LiteSVM \
         under the `derive-pmrm2` preset (31 scenarios), their answers equal to the off-chain ones; the other \
         rows are steps of `programs/svm-probe` between two readings of the compute meter. SBPF v3.\n\n\
         ![Margin check against legs](../docs/compute-units.svg)\n\n| name | CU | at most | what |\n|---|---:|---:|---|\n",
    );
    for Row { name, cu, limit, what } in rows {
        let limit = limit.map_or_else(|| "–".to_owned(), |limit| limit.to_string());
        text += &format!("| `{name}` | {cu} | {limit} | {what} |\n");
    }
    let cold = find("price_greeks_cold")? as f64;
    text += &format!(
        "\nAgainst `price_greeks_cold` (price and seven Greeks): solmath price {:.1}×, solmath price and Greeks {:.1}×, \
         plain I80F48 price {:.1}×.\n",
        find("solmath_price")? as f64 / cold,
        find("solmath_price_greeks")? as f64 / cold,
        find("i80f48_price")? as f64 / cold,
    );
    Ok(text)
}

/// Figures of a rendered table by name.
fn parse(table: &str) -> Result<BTreeMap<String, u64>> {
    let mut figures = BTreeMap::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(name), Some(cu)) = (cells.next(), cells.next()) else { bail!("bad row in {TABLE}: {line}") };
        figures.insert(name.trim_matches('`').to_owned(), cu.parse().with_context(|| format!("bad row: {line}"))?);
    }
    Ok(figures)
}

/// What is wrong with the measured rows, given the committed figures.
fn judge(rows: &[Row], committed: &BTreeMap<String, u64>) -> Vec<String> {
    let mut problems = Vec::new();
    for Row { name, cu, limit, .. } in rows {
        if let Some(limit) = limit.filter(|limit| cu > limit) {
            problems.push(format!("{name}: {cu} CU, at most {limit}"));
        }
        match committed.get(*name) {
            None => problems.push(format!("{name}: not in {TABLE}; `--update` writes it")),
            Some(before) if cu * 100 > before * (100 + TOLERANCE_PERCENT) => {
                problems.push(format!("{name}: {cu} CU, {before} committed"));
            }
            Some(_) => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cu: u64, limit: Option<u64>) -> Row {
        Row { name: "step", cu, limit, what: "" }
    }

    #[test]
    fn a_regression_over_two_percent_fails() {
        let committed = BTreeMap::from([("step".to_owned(), 1_000)]);
        assert!(judge(&[row(1_020, Some(2_000))], &committed).is_empty());
        assert_eq!(judge(&[row(1_021, Some(2_000))], &committed).len(), 1);
        assert_eq!(judge(&[row(1_000, Some(999))], &committed).len(), 1);
        assert_eq!(judge(&[row(1_000, None)], &BTreeMap::new()).len(), 1);
    }

    #[test]
    fn a_rendered_table_reads_back() {
        let rows = ["price_greeks_cold", "solmath_price", "solmath_price_greeks", "i80f48_price"].map(|name| Row {
            name,
            cu: 7,
            limit: None,
            what: "x",
        });
        let figures = parse(&render(&rows).unwrap()).unwrap();
        assert_eq!(figures.len(), 4);
        assert_eq!(figures["i80f48_price"], 7);
    }
}
