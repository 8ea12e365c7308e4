//! The interface as Anchor's `declare_program!` can express it.
//!
//! The engine has types that are stored as they lie in memory and are arguments or parts of events as well. Their bytes are
//! the same in both roles, and Anchor's IDL describes them once, as memory. `declare_program!` gives such a type no Borsh, so
//! that an instruction or an event with it does not compile. Here every such type gets a twin for the second role.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Ends the name of a twin.
const SUFFIX: &str = "Borsh";

/// A copy of an IDL in which no argument and no event has a type that is described as memory.
pub fn for_programs(idl: &Value) -> Result<Value> {
    let types = idl["types"].as_array().context("the IDL has no types")?;
    let mut definitions = BTreeMap::new();
    for definition in types {
        definitions.insert(name_of(definition)?, definition);
    }
    let stored: BTreeSet<&str> =
        definitions.iter().filter(|(_, definition)| is_stored(definition)).map(|(name, _)| *name).collect();

    let mut copy = idl.clone();
    let mut twins = BTreeSet::new();
    point_to_twins(&mut copy["instructions"], &stored, &mut twins);
    for definition in copy["types"].as_array_mut().into_iter().flatten().filter(|definition| !is_stored(definition)) {
        point_to_twins(&mut definition["type"], &stored, &mut twins);
    }

    // A twin's own parts may need twins.
    let mut finished = BTreeMap::new();
    while let Some(name) = twins.pop_first() {
        if finished.contains_key(&name) {
            continue;
        }
        let twin_name = format!("{name}{SUFFIX}");
        if definitions.contains_key(twin_name.as_str()) {
            bail!("the program has a type {twin_name} of its own");
        }
        let mut twin = (*definitions.get(name.as_str()).context("a type that is not defined")?).clone();
        let members = twin.as_object_mut().context("a type's definition is an object")?;
        members.insert("name".into(), twin_name.into());
        members.remove("serialization");
        members.remove("repr");
        point_to_twins(&mut twin["type"], &stored, &mut twins);
        finished.insert(name, twin);
    }
    let all = copy["types"].as_array_mut().context("the IDL has no types")?;
    all.extend(finished.into_values());
    Ok(copy)
}

/// Makes every mention of a stored type one of its twin; notes the types.
fn point_to_twins(value: &mut Value, stored: &BTreeSet<&str>, twins: &mut BTreeSet<String>) {
    if let Some(Value::String(name)) = value.pointer_mut("/defined/name")
        && stored.contains(name.as_str())
    {
        twins.insert(name.clone());
        name.push_str(SUFFIX);
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| point_to_twins(item, stored, twins)),
        Value::Object(members) => members.values_mut().for_each(|member| point_to_twins(member, stored, twins)),
        _ => {}
    }
}

fn is_stored(definition: &Value) -> bool {
    definition["serialization"].as_str().is_some_and(|kind| kind.starts_with("bytemuck"))
}

fn name_of(definition: &Value) -> Result<&str> {
    definition["name"].as_str().context("a type without a name")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn structure(name: &str, field: Value, stored: bool) -> Value {
        let mut definition =
            json!({ "name": name, "type": { "kind": "struct", "fields": [{ "name": "x", "type": field }] } });
        if stored {
            definition["serialization"] = "bytemuck".into();
            definition["repr"] = json!({ "kind": "c" });
        }
        definition
    }

    fn defined(name: &str) -> Value {
        json!({ "defined": { "name": name } })
    }

    #[test]
    fn what_is_stored_and_sent_gets_a_twin_with_its_parts() {
        let idl = json!({
            "instructions": [{ "name": "set", "args": [{ "name": "limits", "type": { "option": defined("Limits") } }] }],
            "types": [
                structure("Limits", json!({ "array": [defined("Part"), 2] }), true),
                structure("Part", json!("u64"), true),
                structure("Account", defined("Limits"), true),
                structure("Event", defined("Part"), false),
            ],
        });
        let copy = for_programs(&idl).unwrap();
        assert_eq!(copy["instructions"][0]["args"][0]["type"], json!({ "option": defined("LimitsBorsh") }));
        let types = copy["types"].as_array().unwrap();
        assert_eq!(types[..3], idl["types"].as_array().unwrap()[..3], "what is stored stays");
        assert_eq!(types[3], structure("Event", defined("PartBorsh"), false));
        let twins = [
            structure("LimitsBorsh", json!({ "array": [defined("PartBorsh"), 2] }), false),
            structure("PartBorsh", json!("u64"), false),
        ];
        assert_eq!(types[4..], twins);
    }

    #[test]
    fn a_twin_takes_no_name_of_the_programs_own() {
        let idl = json!({
            "instructions": [{ "args": [{ "type": defined("A") }] }],
            "types": [structure("A", json!("u8"), true), structure("ABorsh", json!("u8"), false)],
        });
        assert!(for_programs(&idl).unwrap_err().to_string().contains("ABorsh"));
    }
}
