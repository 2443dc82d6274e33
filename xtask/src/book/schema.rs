//! The configuration's JSON Schemas and its reference chapter, from the model.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::model::{Kind, Model, Type};

/// The schema of the type that a file is read as.
pub(crate) fn schema(model: &Model, root: &str, title: &str) -> Result<String> {
    let mut names = BTreeSet::new();
    let of_root = model.get(root).context("the root is a type")?;
    let mut schema = table(model, of_root, &mut names);
    let mut definitions = Map::new();
    let mut done = BTreeSet::new();
    while let Some(name) = names.iter().find(|name| !done.contains(*name)).cloned() {
        done.insert(name.clone());
        let of_type = model.get(&name).context("a definition is a type")?;
        let definition = match &of_type.kind {
            Kind::Table(_) => table(model, of_type, &mut names),
            Kind::Words(words, _) => json!({
                "type": "string",
                "description": described(words),
                "enum": words.iter().map(|(word, _)| word).collect::<Vec<_>>(),
            }),
            Kind::Text(_) => json!({ "type": "string", "description": flat(&of_type.doc) }),
        };
        definitions.insert(name, definition);
    }
    let object = schema.as_object_mut().context("a schema is an object")?;
    object.insert("title".into(), title.into());
    object.insert(
        "$schema".into(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    object.insert("$defs".into(), definitions.into());
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}

fn table(model: &Model, of_type: &Type, names: &mut BTreeSet<String>) -> Value {
    let Kind::Table(fields) = &of_type.kind else {
        return json!({});
    };
    let mut properties = Map::new();
    for field in fields {
        let mut property = kind(model, &field.rust_type, names);
        if let Some(object) = property.as_object_mut() {
            if !field.doc.is_empty() {
                object.insert("description".into(), flat(&field.doc).into());
            }
            let default = field.default.as_deref().map(serde_json::from_str::<Value>);
            if let Some(Ok(default)) = default {
                object.insert("default".into(), default);
            }
        }
        properties.insert(field.name.clone(), property);
    }
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name.as_str())
        .collect();
    json!({
        "type": "object",
        "description": flat(&of_type.doc),
        "additionalProperties": false,
        "properties": properties,
        "required": required,
    })
}

fn kind(model: &Model, rust_type: &str, names: &mut BTreeSet<String>) -> Value {
    if let Some(items) = inside(rust_type, "Vec<") {
        return json!({ "type": "array", "items": kind(model, items, names) });
    }
    if let Some(both) = inside(rust_type, "BTreeMap<") {
        let value = both.split_once(", ").map_or("String", |(_, value)| value);
        return json!({ "type": "object", "additionalProperties": kind(model, value, names) });
    }
    match rust_type {
        "bool" => json!({ "type": "boolean" }),
        "u8" | "u16" | "u32" | "u64" | "usize" | "NonZeroU32" | "NonZeroU64" | "NonZeroUsize" => {
            json!({ "type": "integer", "minimum": 0 })
        }
        "f32" | "f64" => json!({ "type": "number" }),
        "String" | "PathBuf" | "SocketAddr" | "IpAddr" => json!({ "type": "string" }),
        name if model.get(name).is_some() => {
            names.insert(name.to_owned());
            json!({ "$ref": format!("#/$defs/{name}") })
        }
        // A type of another room: serde says what it takes, and refuses the rest.
        _ => json!({}),
    }
}

fn inside<'a>(rust_type: &'a str, wrapper: &str) -> Option<&'a str> {
    rust_type.strip_prefix(wrapper)?.strip_suffix('>')
}

fn described(words: &[(String, String)]) -> String {
    let each: Vec<String> = words
        .iter()
        .map(|(word, doc)| format!("{word}: {}", flat(doc).trim_end_matches('.')))
        .collect();
    each.join("; ")
}

fn flat(doc: &str) -> String {
    doc.replace("\n\n", "\u{0}")
        .replace('\n', " ")
        .replace('\u{0}', "\n\n")
}

/// The chapter about a daemon's keys.
pub(crate) fn chapter(model: &Model, root: &str, text: &mut String) {
    let mut queue = vec![(String::new(), false, root.to_owned())];
    let mut shown = BTreeSet::new();
    while !queue.is_empty() {
        let (prefix, many, name) = queue.remove(0);
        let Some(Type {
            doc,
            kind: Kind::Table(fields),
        }) = model.get(&name)
        else {
            continue;
        };
        let again = !shown.insert(name.clone());
        if !prefix.is_empty() {
            let heading = if many {
                format!("[[{prefix}]]")
            } else {
                format!("[{prefix}]")
            };
            let _ = writeln!(text, "\n### `{heading}`\n\n{doc}");
        }
        if again {
            let _ = writeln!(
                text,
                "\nIts keys are those of the other table of this kind above."
            );
            continue;
        }
        let _ = writeln!(
            text,
            "\n| key | takes | default | meaning |\n|---|---|---|---|"
        );
        for field in fields {
            let default = match (&field.default, field.required) {
                (_, true) => "needed".to_owned(),
                (Some(default), _) if default != "{}" => format!("`{default}`"),
                _ => "–".to_owned(),
            };
            let takes = takes(model, &field.rust_type);
            let meaning = flat(&field.doc).replace("\n\n", " ").replace('|', "\\|");
            let _ = writeln!(
                text,
                "| `{}` | {takes} | {default} | {meaning} |",
                field.name
            );
            let inner = inside(&field.rust_type, "Vec<").unwrap_or(&field.rust_type);
            let value = inside(inner, "BTreeMap<String, ").unwrap_or(inner);
            if matches!(
                model.get(value),
                Some(Type {
                    kind: Kind::Table(_),
                    ..
                })
            ) {
                let joined = if prefix.is_empty() {
                    field.name.clone()
                } else {
                    format!("{prefix}.{}", field.name)
                };
                let many = field.rust_type.starts_with("Vec<");
                queue.push((joined, many, value.to_owned()));
            }
        }
    }
}

fn takes(model: &Model, rust_type: &str) -> String {
    if let Some(items) = inside(rust_type, "Vec<") {
        return format!("list of {}", takes(model, items));
    }
    if let Some(value) = inside(rust_type, "BTreeMap<String, ") {
        return format!("table of {}", takes(model, value));
    }
    match rust_type {
        "bool" => "`true` or `false`".into(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "number".into(),
        "String" => "text".into(),
        "PathBuf" => "path".into(),
        "SocketAddr" => "`ADDRESS:PORT`".into(),
        name => match model.get(name).map(|known| &known.kind) {
            Some(Kind::Words(words, _)) => {
                let words: Vec<String> = words
                    .iter()
                    .map(|(word, _)| format!("`\"{word}\"`"))
                    .collect();
                words.join(", ")
            }
            Some(Kind::Table(_)) => "table".into(),
            _ => "text".into(),
        },
    }
}
