//! A stored margin model by the names of the preset files.

use margin_client::{
    presets::file,
    state::{RiskParameters, VolShock},
};
use serde_json::Value;

/// Every parameter that is switched on, as `group.field` and its decimal value.
pub fn parameters(risk: &RiskParameters) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    // A group of numbers, text and truth values always becomes JSON.
    flatten("", &serde_json::to_value(file::RiskParameters::from(risk)).unwrap_or_default(), &mut rows);
    rows
}

fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let text = match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, member, rows);
            }
            return;
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if !["0", "false", "null"].contains(&text.as_str()) {
        rows.push((path.to_owned(), text));
    }
}

/// A vol shock as the preset files name it.
pub fn vol_name(shock: VolShock) -> &'static str {
    match shock {
        VolShock::Up => "up",
        VolShock::None => "none",
        VolShock::Down => "down",
        VolShock::SkewLinear => "skew-linear",
        VolShock::SkewAbs => "skew-abs",
    }
}
