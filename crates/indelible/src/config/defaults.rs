//! The JSON Schemas of the configurations (docs/schemas), and from them what a key that is not set
//! comes to. `cargo xtask book` writes them; a test here holds them to the types.

use anyhow::{Context, Result};
use serde_json::Value as Json;

use super::node::{Node, Value};

/// The schema of a daemon's configuration.
pub(crate) fn schema_text(daemon: &str) -> &'static str {
    match daemon {
        "agent" => include_str!("../../../../docs/schemas/config-agent.json"),
        _ => include_str!("../../../../docs/schemas/config-collector.json"),
    }
}

/// Keys that have a default and are not set, with it. Of a table that is optional and not there,
/// nothing is said.
///
/// # Errors
/// Where the schema is not what this file takes it for.
pub(crate) fn of(daemon: &str, node: &Node) -> Result<Vec<(String, String)>> {
    let schema: Json =
        serde_json::from_str(schema_text(daemon)).context("the schema is no JSON")?;
    let mut found = Vec::new();
    collect(&schema, &schema, Some(node), "", &mut found);
    Ok(found)
}

fn collect(
    root: &Json,
    schema: &Json,
    node: Option<&Node>,
    prefix: &str,
    found: &mut Vec<(String, String)>,
) {
    let schema = resolve(root, schema);
    let Some(properties) = schema.get("properties").and_then(Json::as_object) else {
        return;
    };
    for (name, property) in properties {
        let set = node.and_then(|node| match &node.value {
            Value::Table(table) => table.get(name).map(|entry| &entry.node),
            _ => None,
        });
        let key = format!("{prefix}{name}");
        let is_table = resolve(root, property).get("properties").is_some();
        match property.get("default") {
            Some(_) if is_table => collect(root, property, set, &format!("{key}."), found),
            Some(default) if set.is_none() => found.push((key, default.to_string())),
            _ if set.is_some() => collect(root, property, set, &format!("{key}."), found),
            _ => {}
        }
    }
}

/// A schema, or the one that its `$ref` names.
fn resolve<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    schema
        .get("$ref")
        .and_then(Json::as_str)
        .and_then(|reference| root.pointer(reference.trim_start_matches('#')))
        .unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::Configuration;
    use crate::config::shape::{Shape, shape_of};
    use crate::config::{AgentConfig, CollectorConfig};

    /// Every struct that serde reads has in the schema the same keys, of the same kinds.
    #[test]
    fn schemas_are_what_serde_reads() {
        check::<AgentConfig>();
        check::<CollectorConfig>();
    }

    fn check<T: Configuration>() {
        let schema: Json = serde_json::from_str(schema_text(T::NAME)).unwrap();
        compare::<T>(&schema, &schema, &mut Vec::new());
    }

    fn compare<T: Configuration>(root: &Json, schema: &Json, path: &mut Vec<&'static str>) {
        let schema = resolve(root, schema);
        let place = format!("{} {}", T::NAME, path.join("."));
        let kind = schema.get("type").and_then(Json::as_str);
        match shape_of::<T>(path) {
            Shape::Table(fields) => {
                let properties = schema["properties"].as_object().expect(&place);
                let mut known: Vec<&str> = properties.keys().map(String::as_str).collect();
                let mut read = fields.to_vec();
                known.sort_unstable();
                read.sort_unstable();
                assert_eq!(known, read, "{place}: run `cargo xtask book`");
                assert_eq!(schema["additionalProperties"], false, "{place}");
                for field in fields {
                    path.push(field);
                    compare::<T>(root, &properties[*field], path);
                    path.pop();
                }
            }
            Shape::Words(words) => {
                let listed: Vec<&str> = schema["enum"]
                    .as_array()
                    .expect(&place)
                    .iter()
                    .filter_map(Json::as_str)
                    .collect();
                assert_eq!(listed, words, "{place}");
            }
            Shape::Bool => assert_eq!(kind, Some("boolean"), "{place}"),
            Shape::Integer => assert_eq!(kind, Some("integer"), "{place}"),
            Shape::Number => assert_eq!(kind, Some("number"), "{place}"),
            Shape::Text => assert_eq!(kind, Some("string"), "{place}"),
            Shape::List => {
                assert_eq!(kind, Some("array"), "{place}");
                path.push("[]");
                compare::<T>(root, &schema["items"], path);
                path.pop();
            }
            Shape::Map => assert_eq!(kind, Some("object"), "{place}"),
            Shape::Any => {}
        }
    }

    #[test]
    fn defaults_are_shown_for_what_is_not_set() {
        let node = Node::parse("f", "spool = '/s'\nlimits = { min-free = 1 }").unwrap();
        let found = of("agent", &node).unwrap();
        let has = |key: &str, value: &str| found.contains(&(key.to_owned(), value.to_owned()));
        assert!(has("capture", "\"kernel\""), "{found:?}");
        assert!(has("limits.history-bytes", "268435456"), "{found:?}");
        assert!(!found.iter().any(|(key, _)| key == "limits.min-free"));
        assert!(!found.iter().any(|(key, _)| key.starts_with("collector")));
    }
}
