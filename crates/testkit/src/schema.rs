//! Output beside the JSON Schema that documents it.
//!
//! Knows the words that our schemas use: `type`, `enum`, `required`, `properties`,
//! `additionalProperties`, `items`, `anyOf`. Others say nothing here.

use serde_json::Value;

/// Where and how a value differs from its schema; nothing where it does not.
///
/// ```
/// use indelible_testkit::schema;
/// use serde_json::json;
///
/// let schema = json!({ "type": "object", "required": ["a"], "properties": { "a": { "type": "integer" } } });
/// assert_eq!(schema::differences(&schema, &json!({ "a": 1 })), [""; 0]);
/// assert_eq!(schema::differences(&schema, &json!({ "a": "1" })), ["/a: \"1\" is no integer"]);
/// assert_eq!(schema::differences(&schema, &json!({})), ["/a is missing"]);
/// ```
#[must_use]
pub fn differences(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(schema, value, "", &mut found);
    found
}

fn compare(schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(types) = schema.get("type")
        && !is_of(types, value)
    {
        let types = types
            .as_str()
            .map_or_else(|| types.to_string(), str::to_owned);
        found.push(format!("{place}: {value} is no {types}"));
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{place}: {value} is none of {}", schema["enum"]));
    }
    if let Some(ways) = schema["anyOf"].as_array()
        && !ways.iter().any(|way| differences(way, value).is_empty())
    {
        found.push(format!("{place}: {value} has none of the shapes"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap_or_default()).is_none() {
            found.push(format!(
                "{place}/{} is missing",
                name.as_str().unwrap_or_default()
            ));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        match schema["properties"].get(name) {
            Some(schema) => compare(schema, member, &place, found),
            None if schema["additionalProperties"] == false => {
                found.push(format!("{place} is not documented"));
            }
            None if schema["additionalProperties"].is_object() => {
                compare(&schema["additionalProperties"], member, &place, found);
            }
            None => {}
        }
    }
    if let (Some(schema), Some(items)) = (schema.get("items"), value.as_array()) {
        for (index, item) in items.iter().enumerate() {
            compare(schema, item, &format!("{place}/{index}"), found);
        }
    }
}

fn is_of(types: &Value, value: &Value) -> bool {
    if let Some(types) = types.as_array() {
        return types.iter().any(|one| is_of(one, value));
    }
    match types.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("null") => value.is_null(),
        _ => false,
    }
}
