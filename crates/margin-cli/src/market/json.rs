//! Markets for programs: every figure exact, as a decimal string.

use margin_client::{
    state::{ExpirySlot, Scenario, Underlying, VolShock},
    text::{PRICE_DECIMALS, UNIT_DECIMALS, exact},
};
use serde_json::{Value, json};

use super::{RATE_DECIMALS, RATIO_DECIMALS, VOL_DECIMALS, forward_vol, provider, ratio};
use crate::{
    chain::{Listed, Markets, Priced, hex},
    model::{parameters, vol_name},
};

pub(super) fn engine_json(markets: &Markets) -> Value {
    let engine = &markets.engine;
    let quote = |atoms: u64| exact(i128::from(atoms), u32::from(engine.quote_decimals));
    let collaterals: Vec<Value> = markets
        .collaterals
        .iter()
        .map(|Listed { market, price }| {
            let amount = |atoms: u64| exact(i128::from(atoms), u32::from(market.decimals));
            json!({
                "index": market.index,
                "address": market.address.to_string(),
                "mint": market.mint.to_string(),
                "vault": market.vault.to_string(),
                "decimals": market.decimals,
                "quote": market.is_quote(),
                "price": price.as_ref().map(price_json),
                "maintenanceHaircut": ratio(market.haircuts.maintenance),
                "initialHaircut": ratio(market.haircuts.maintenance.saturating_add(market.haircuts.initial)),
                "totalDeposits": amount(market.total_deposits),
                "depositCap": amount(market.deposit_cap),
                "challengedSince": (market.challenge.since != 0).then_some(market.challenge.since),
            })
        })
        .collect();
    json!({
        "address": engine.address.to_string(),
        "admin": engine.admin.to_string(),
        "quoteMint": engine.quote_mint.to_string(),
        "quoteDecimals": engine.quote_decimals,
        "time": markets.now,
        "liquidation": {
            "startDiscount": ratio(engine.liquidation.start_discount),
            "fastDiscount": ratio(engine.liquidation.fast_discount),
            "fastSeconds": engine.liquidation.fast_seconds,
            "slowSeconds": engine.liquidation.slow_seconds,
            "insolventSeconds": engine.liquidation.insolvent_seconds,
            "insuranceDelay": engine.liquidation.insurance_delay,
            "buffer": ratio(engine.liquidation.buffer),
            "smallAccount": quote(engine.liquidation.small_account),
        },
        "guardian": engine.guardian.to_string(),
        "borrowRate": exact(i128::from(engine.borrow_rate()), RATIO_DECIMALS),
        "collaterals": collaterals,
        "underlyings": markets.underlyings.iter().map(|listed| underlying_json(listed, markets.now)).collect::<Vec<_>>(),
    })
}

pub(super) fn underlying_json(listed: &Listed<Underlying>, now: i64) -> Value {
    let Listed { market, price } = listed;
    let slot_json = |slot: &ExpirySlot| {
        let published = slot.updated_at != 0;
        json!({
            "expiry": slot.expiry,
            "secondsLeft": slot.expiry.saturating_sub(now),
            "publishedAt": published.then_some(slot.updated_at),
            "forward": published.then(|| exact(i128::from(slot.forward), PRICE_DECIMALS)),
            "spotReference": published.then(|| exact(i128::from(slot.spot_reference), PRICE_DECIMALS)),
            "rate": published.then(|| exact(i128::from(slot.rate), RATE_DECIMALS)),
            "volAtForward": if published { forward_vol(slot).map(|vol| exact(vol, VOL_DECIMALS)) } else { None },
        })
    };
    let scenario_json = |scenario: &Scenario| {
        json!({
            "spot": exact(i128::from(scenario.spot), RATIO_DECIMALS),
            "vol": vol_name(VolShock::from_byte(scenario.vol)),
            "weight": ratio(scenario.weight),
        })
    };
    let model: serde_json::Map<String, Value> =
        parameters(&market.risk).into_iter().map(|(name, value)| (name, value.into())).collect();
    json!({
        "index": market.index,
        "symbol": market.symbol(),
        "address": market.address.to_string(),
        "publisher": market.publisher.to_string(),
        "oracle": { "provider": provider(market.oracle.provider), "feed": hex(&market.oracle.feed_id) },
        "price": price.as_ref().map(price_json),
        "lotSize": exact(i128::from(market.lot_size), UNIT_DECIMALS),
        "expiries": market.listed_expiries().into_iter().map(slot_json).collect::<Vec<_>>(),
        "model": model,
        "scenarios": market.scenarios().iter().map(scenario_json).collect::<Vec<_>>(),
    })
}

fn price_json(priced: &Priced) -> Value {
    match &priced.reading {
        Ok(view) => json!({
            "account": priced.address.to_string(),
            "price": exact(i128::from(view.price.0), PRICE_DECIMALS),
            "confidence": exact(i128::from(view.confidence.0), PRICE_DECIMALS),
            "publishTime": view.publish_time,
        }),
        Err(error) => json!({ "account": priced.address.to_string(), "error": error.to_string() }),
    }
}
