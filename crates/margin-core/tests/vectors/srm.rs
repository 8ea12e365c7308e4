//! Derive's standard margin: 19 portfolios on two underlyings.

use std::collections::BTreeMap;

use margin_core::portfolio::*;
use margin_core::{ExpiryInputs, Lots, Price, Rate, SVI_ONE, Seconds, Svi, Usd, quantities::SECONDS_PER_YEAR};
use serde::Deserialize;
use serde_json::Value;

use crate::agreement::Agreement;
use crate::units::*;

#[derive(Deserialize)]
struct File {
    params: BTreeMap<String, f64>,
    vectors: BTreeMap<String, Vector>,
}

#[derive(Deserialize)]
struct Vector {
    inputs: BTreeMap<String, Value>,
    #[serde(rename = "IM")]
    initial: f64,
    #[serde(rename = "MM")]
    maintenance: f64,
}

/// Published numbers carry eighteen decimals.
const UNIT: f64 = 1e18;
/// Lots of 1e-3 units.
const LOT_SIZE: u64 = 1_000_000;

fn model(params: &BTreeMap<String, f64>) -> StandardParameters {
    let of = |name: &str| ratio(params[name]);
    StandardParameters {
        perpetual_initial: of("perp_im"),
        perpetual_maintenance: of("perp_mm"),
        most_spot: of("maxSpotReq"),
        least_spot: of("minSpotReq"),
        call_maintenance: of("mmCallSpotReq"),
        put_maintenance: of("mmPutSpotReq"),
        put_mark_maintenance: of("MMPutMtMReq"),
        put_initial_over_maintenance: of("mmOffsetScale"),
        unpaired_initial: of("unpairedIMScale"),
        unpaired_maintenance: of("unpairedMMScale"),
        collateral: of("baseMarginFactor"),
        collateral_initial: of("baseIMScale"),
        confidence: ConfidenceCharge { threshold: of("confThreshold"), factor: of("OCFactor") },
        depeg: Depeg { threshold: price(params["depegThreshold"]), factor: of("depegFactor") },
    }
}

/// One underlying's part of a vector.
struct Side<'a> {
    inputs: &'a BTreeMap<String, Value>,
    name: &'a str,
    index: usize,
}

impl Side<'_> {
    fn number(&self, key: &str) -> f64 {
        self.inputs[key].as_f64().unwrap_or_else(|| panic!("{key}")) / UNIT
    }

    fn own(&self, prefix: &str) -> f64 {
        self.number(&format!("{prefix}{}", self.name))
    }

    fn list(&self, key: &str, index: usize) -> f64 {
        self.inputs[key][index].as_f64().unwrap_or_else(|| panic!("{key} {index}")) / UNIT
    }

    fn options(&self) -> impl Iterator<Item = usize> {
        let names = self.inputs["OptionUnderlying"].as_array().unwrap();
        names.iter().enumerate().filter(|(_, name)| *name == self.name).map(|(index, _)| index)
    }

    fn expiry(&self, index: usize) -> i64 {
        self.inputs["OptionExpiries"][index].as_i64().unwrap()
    }

    fn positions(&self, perpetual: Price) -> Vec<BookPosition> {
        let option = |index: usize| BookPosition {
            kind: if self.inputs["OptionIsCall"][index] == 1 { InstrumentKind::Call } else { InstrumentKind::Put },
            expiry: self.expiry(index),
            strike: price(self.list("OptionStrikes", index)),
            lots: lots(self.list("OptionAmounts", index)),
            settled_value: Usd(0),
        };
        let mut book: Vec<BookPosition> = self.options().map(option).collect();
        book.sort_by_key(|position| (position.expiry, position.strike, position.kind as u8));
        let amount = self.own("Perps_");
        if amount != 0.0 {
            let entry = lots_value(lots(amount), price(self.own("LastEntry")), LOT_SIZE).unwrap();
            let funding = self.number(&format!("Account{}FundingIndex", self.name))
                - self.number(&format!("{}GlobalFundingIndex", self.name));
            assert!(perpetual > Price::ZERO);
            book.insert(
                0,
                BookPosition {
                    kind: InstrumentKind::Perpetual,
                    expiry: 0,
                    strike: Price(0),
                    lots: lots(amount),
                    settled_value: Usd(entry.0 - usd(amount * funding).0),
                },
            );
        }
        book
    }

    fn surface(&self, expiry: i64) -> ExpiryMarket {
        let index = self.options().find(|index| self.expiry(*index) == expiry).unwrap();
        let forward = self.list("Forwards", index);
        // The only plain number among them.
        let fixed_share = if expiry <= 900 { self.own("PercentFixed") * UNIT } else { 0.0 };
        let svi = &self.inputs["SVIParams"];
        let unit = |place: usize| (svi[place].as_f64().unwrap() * SVI_ONE as f64).round() as i64;
        let confidence = ["OptionVolConfidences", "ForwardConfidences", "DiscountConfidences"]
            .map(|key| self.list(key, index))
            .into_iter()
            .fold(1.0, f64::min);
        ExpiryMarket {
            inputs: ExpiryInputs {
                forward: price(forward * (1.0 - fixed_share)),
                fixed: price(fixed_share * self.own("TWAP_")),
                time: Seconds(expiry as u64),
                rate: Rate(0),
            },
            // Total variance of a year at the published forward.
            surface: Svi {
                a: unit(0),
                b: unit(1),
                rho: unit(2),
                m: unit(3),
                sigma: unit(4),
                forward: price(forward),
                time: Seconds(SECONDS_PER_YEAR),
            }
            .into(),
            confidence: ratio(confidence),
        }
    }

    /// The surface must give the published vols: they are "final".
    fn check_vols(&self) {
        for index in self.options() {
            let slice = self.surface(self.expiry(index)).surface.prepared().unwrap();
            let ours = slice.vol(price(self.list("OptionStrikes", index))).unwrap();
            assert!((ours.0 as f64 / 1e8 - self.list("OptionVols", index)).abs() < 2e-8, "{} {index}", self.name);
        }
    }

    fn assess(&self, parameters: &StandardParameters, account: &mut (f64, f64)) {
        self.check_vols();
        let confidences = &self.inputs["SpotPerpConfidences"][self.index];
        let confidence = |place: usize| ratio(confidences[place].as_f64().unwrap() / UNIT);
        let perpetual = price(self.list("PerpPrice", self.index));
        let spot = self.number(&format!("{}SpotPrice", self.name));
        let scan = RiskParameters::default();
        let market = Market {
            spot: price(spot),
            perpetual,
            stable: price(self.number("USDCValue")),
            lot_size: LOT_SIZE,
            spot_confidence: confidence(0),
            perpetual_confidence: confidence(1),
            hedge: usd(self.own("w") * spot),
            parameters: &scan,
            scenarios: &[],
        };
        let surface = |expiry: i64| -> Result<ExpiryMarket, MarginError> { Ok(self.surface(expiry)) };
        let risk = assess_standard(&market, parameters, self.positions(perpetual), surface).unwrap();
        let margins = risk.margins().unwrap();
        account.0 += dollars(margins.initial);
        account.1 += dollars(margins.maintenance);
    }
}

fn lots(amount: f64) -> Lots {
    let lots = (amount * 1e3).round();
    assert!((lots / 1e3 - amount).abs() < 1e-12, "{amount}");
    Lots(lots as i64)
}

#[test]
fn every_standard_portfolio_agrees() {
    let file: File = crate::load("derive_srm.json");
    let parameters = model(&file.params);
    let mut agreement = Agreement::default();
    for (name, vector) in &file.vectors {
        let cash = vector.inputs["Cash"].as_f64().unwrap() / UNIT;
        let mut account = (cash, cash);
        for (index, underlying) in ["ETH", "BTC"].into_iter().enumerate() {
            Side { inputs: &vector.inputs, name: underlying, index }.assess(&parameters, &mut account);
        }
        agreement.check(&format!("{name} IM"), account.0, vector.initial / UNIT);
        agreement.check(&format!("{name} MM"), account.1, vector.maintenance / UNIT);
    }
    agreement.conclude("derive_srm.json", file.vectors.len());
    assert_eq!(file.vectors.len(), 19);
}
