//! The file as published.

use std::collections::BTreeMap;

use margin_client::decimal::Decimal;
use serde::Deserialize;

#[derive(Deserialize)]
pub struct File {
    pub scenario_sets: BTreeMap<String, Vec<Cell>>,
    pub vectors: Vec<Vector>,
}

#[derive(Deserialize)]
pub struct Cell {
    pub spot: Decimal,
    pub vol: String,
    pub damp: Decimal,
}

#[derive(Deserialize)]
pub struct Vector {
    pub name: String,
    pub scenario_set: String,
    pub market_and_portfolio: Source,
    pub params: Parameters,
    pub expected: Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Source {
    pub cash: Decimal,
    pub collaterals: Vec<Token>,
    pub spot_price: Decimal,
    pub spot_confidence: Decimal,
    pub num_perps: Decimal,
    pub perp_price: Decimal,
    pub perp_confidence: Decimal,
    #[serde(rename = "UnrealisedPerpPNL")]
    pub unrealised_pnl: Decimal,
    pub unrealised_funding: Decimal,
    pub stable_price: Decimal,
    pub options: Vec<OptionPosition>,
    pub option_feeds: Vec<Feed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Token {
    pub amount: Decimal,
    pub price: Decimal,
    pub confidence: Decimal,
    pub is_risk_cancelling: bool,
    #[serde(rename = "IMHaircut")]
    pub initial_haircut: Decimal,
    #[serde(rename = "MMHaircut")]
    pub maintenance_haircut: Decimal,
    /// The threshold, whatever it is called.
    pub confidence_factor: Decimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OptionPosition {
    pub expiry: i64,
    pub strike: Decimal,
    pub is_call: u8,
    pub amount: Decimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Feed {
    pub feed_expiry: i64,
    pub forward: Decimal,
    pub forward_confidence: Decimal,
    pub rate: Decimal,
    pub rate_confidence: Decimal,
    #[serde(rename = "SVIparam")]
    pub svi: [Decimal; 7],
    pub option_vol_confidences: Decimal,
}

#[derive(Deserialize)]
#[allow(non_snake_case, reason = "the file's names")]
pub struct Parameters {
    pub SkewShock: BTreeMap<String, Decimal>,
    pub VolShock: BTreeMap<String, Decimal>,
    pub Margin: BTreeMap<String, Decimal>,
    pub BasisContingency: BTreeMap<String, Decimal>,
    pub OtherContingency: BTreeMap<String, Decimal>,
}

#[derive(Deserialize)]
pub struct Expected {
    #[serde(rename = "IM")]
    pub initial: Decimal,
    #[serde(rename = "MM")]
    pub maintenance: Decimal,
    pub option_mtm: Decimal,
    pub basis_contingency: Decimal,
    pub scenario_pnl: Vec<Decimal>,
}
