//! Whole instructions of the engine: rows of the table, and the chart.

use anyhow::{Context, Result};
use margin_client::presets::{self, MarginModel};

use crate::chart::{self, Series};
use crate::cu::Row;
use crate::engine::{Bench, Book};

/// The model that whole instructions are measured under: 31 scenarios and everything that a venue of that class has.
pub fn pmrm2() -> Result<MarginModel> {
    Ok(presets::preset("derive-pmrm2").context("a preset file")?.model())
}

/// Whole instructions.
pub fn checks(bench: &mut Bench) -> Result<Vec<Row>> {
    let book = |underlyings, expiries, legs| Book { underlyings, expiries, legs };
    let mut check = |name, limit, book, what| -> Result<Row> { Ok(Row { name, cu: bench.check(book)?, limit, what }) };
    let mut rows = vec![
        check("margin_check_1", Some(15_000), book(1, 1, 1), "whole `margin_check` with net Greeks: one option")?,
        check("margin_check_16", Some(80_000), book(1, 1, 16), "16 options at strikes of their own on one expiry")?,
        check("margin_check_16_4", None, book(1, 4, 16), "16 options on 4 expiries")?,
        check("margin_check_64x1", Some(280_000), book(1, 4, 64), "64 options on 4 expiries of one underlying")?,
        check("margin_check_64x4", Some(320_000), book(4, 1, 64), "64 options on one expiry of each of 4 underlyings")?,
        check("margin_check_64x4_8", None, book(4, 2, 64), "64 options on 2 expiries of each of 4 underlyings")?,
        check("margin_check_128", Some(560_000), book(1, 8, 128), "128 options on 8 expiries of one underlying")?,
    ];
    rows.push(Row {
        name: "witness_64",
        cu: bench.witness(book(1, 4, 64))?,
        limit: Some(90_000),
        what: "`margin_check` of one scenario, the book of `margin_check_64x1`: dearest scenario",
    });
    Ok(rows)
}

/// Compute units against legs, under a model with everything and under our own default.
pub fn chart(bench: &mut Bench) -> Result<String> {
    let mut series = Vec::new();
    for (name, class, model) in
        [("derive-pmrm2 preset", "first", pmrm2()?), ("major preset", "second", presets::major())]
    {
        bench.set_model(model);
        let mut points = Vec::new();
        for legs in [1, 2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128] {
            points.push((legs, bench.check(Book { underlyings: 1, expiries: legs.min(4), legs })?));
        }
        series.push(Series { name, class, points });
    }
    chart::svg(&series)
}
