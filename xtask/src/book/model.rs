//! The configuration's types as their source says them: keys, documentation, kinds and defaults.
//!
//! This reads rustfmt's form of plain structs and enums, and no more of Rust than those need. What it
//! gets wrong, the test beside `config/defaults.rs` finds: it holds the schemas to what serde reads.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// The types by name.
#[derive(Debug, Default)]
pub(crate) struct Model {
    types: BTreeMap<String, Type>,
    /// Bodies of functions without arguments, and of constants: what defaults are made of.
    values: BTreeMap<String, String>,
    /// Of `impl Default`, by type and field.
    defaults: BTreeMap<(String, String), String>,
}

/// A struct or an enum.
#[derive(Debug)]
pub(crate) struct Type {
    pub(crate) doc: String,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Table(Vec<Field>),
    /// The words, with their documentation, and the number of the one that is the default.
    Words(Vec<(String, String)>, Option<usize>),
    /// Read from a text; how its default is written, where it has one.
    Text(Option<String>),
}

/// A key.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) doc: String,
    /// As the source has it, without `Option`.
    pub(crate) rust_type: String,
    pub(crate) required: bool,
    /// As JSON, where it is known.
    pub(crate) default: Option<String>,
}

impl Model {
    /// Reads files, each without its tests.
    pub(crate) fn read(sources: &[String]) -> Result<Self> {
        let mut model = Self::default();
        for source in sources {
            let source = source.split("#[cfg(test)]\nmod tests").next();
            model.scan(source.unwrap_or_default())?;
        }
        model.resolve_defaults();
        Ok(model)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Type> {
        self.types.get(name)
    }

    fn scan(&mut self, source: &str) -> Result<()> {
        let mut lines = source.lines().peekable();
        let mut above = Above::default();
        while let Some(line) = lines.next() {
            if above.takes(line) {
                continue;
            }
            let words: Vec<&str> = line.trim_end_matches(" {").split(' ').collect();
            if let Some(name) = between(line, "pub(crate) struct ", "(") {
                let taken = std::mem::take(&mut above);
                self.add(name, taken, |_| Ok(Kind::Text(None)))?;
                continue;
            }
            match words.as_slice() {
                ["pub(crate)", "struct", name] if line.ends_with('{') => {
                    let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
                    let taken = std::mem::take(&mut above);
                    self.add(name, taken, |above| fields(&body, above))?;
                }
                ["pub(crate)", "enum", name] => {
                    let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
                    let taken = std::mem::take(&mut above);
                    self.add(name, taken, |_| Ok(words_of(&body)))?;
                }
                ["impl", "Default", "for", name] => {
                    let body = lines.by_ref().take_while(|line| *line != "}");
                    for line in body {
                        if let Some((field, value)) = line.trim().split_once(": ") {
                            self.defaults.insert(
                                ((*name).to_owned(), kebab(field)),
                                value.trim_end_matches(',').to_owned(),
                            );
                        }
                    }
                }
                _ if line.contains("fn ") && line.contains("() -> ") && line.ends_with('{') => {
                    let name = between(line, "fn ", "(").context("a function has a name")?;
                    let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
                    if let [only] = body.as_slice() {
                        self.values.insert(name.to_owned(), only.trim().to_owned());
                    }
                }
                _ if line.contains("const ") && line.ends_with(';') => {
                    if let Some(name) = between(line, "const ", ":")
                        && let Some((_, value)) = line.split_once(" = ")
                    {
                        self.values
                            .insert(name.to_owned(), value.trim_end_matches(';').to_owned());
                    }
                }
                _ => {}
            }
            above = Above::default();
        }
        Ok(())
    }

    fn add(
        &mut self,
        name: &str,
        above: Above,
        body: impl FnOnce(&Above) -> Result<Kind>,
    ) -> Result<()> {
        if !above.attributes.contains("Deserialize") {
            return Ok(());
        }
        let kind = if above.attributes.contains("try_from = \"String\"") {
            // Its words are variants of one that takes no value, as everywhere here.
            let default = match body(&above) {
                Ok(Kind::Words(words, Some(at))) => words.get(at).map(|(word, _)| word.clone()),
                _ => None,
            };
            Kind::Text(default.map(|word| format!("{word:?}")))
        } else {
            body(&above).with_context(|| format!("in {name}"))?
        };
        let doc = above.doc;
        if self
            .types
            .insert(name.to_owned(), Type { doc, kind })
            .is_some()
        {
            bail!("two types of the configuration are called {name}");
        }
        Ok(())
    }

    /// Defaults are written as Rust; what can be said in JSON becomes it.
    fn resolve_defaults(&mut self) {
        let mut resolved = Vec::new();
        for (name, of_type) in &self.types {
            let Kind::Table(fields) = &of_type.kind else {
                continue;
            };
            for field in fields {
                let written = match field.default.as_deref() {
                    Some("default") => self.defaults.get(&(name.clone(), field.name.clone())),
                    Some(function) if !function.is_empty() => self.values.get(function),
                    _ => None,
                };
                let default = match (field.default.as_deref(), written) {
                    (None, _) => None,
                    (_, Some(written)) => self.json(written, &field.rust_type),
                    _ => self.default_of(&field.rust_type),
                };
                resolved.push((name.clone(), field.name.clone(), default));
            }
        }
        for (name, field, default) in resolved {
            if let Some(Type {
                kind: Kind::Table(fields),
                ..
            }) = self.types.get_mut(&name)
            {
                for known in fields.iter_mut().filter(|known| known.name == field) {
                    known.default.clone_from(&default);
                }
            }
        }
    }

    /// What `Default` gives for a type.
    fn default_of(&self, rust_type: &str) -> Option<String> {
        match rust_type {
            "bool" => Some("false".into()),
            text if text.starts_with("Vec<") => Some("[]".into()),
            text if text.starts_with("BTreeMap<") => Some("{}".into()),
            "u16" | "u32" | "u64" | "usize" => Some("0".into()),
            name => match &self.types.get(name)?.kind {
                Kind::Words(words, Some(at)) => Some(format!("{:?}", words.get(*at)?.0)),
                Kind::Words(..) => None,
                Kind::Text(default) => default.clone(),
                Kind::Table(_) => Some("{}".into()),
            },
        }
    }

    /// An expression of Rust in JSON.
    fn json(&self, written: &str, rust_type: &str) -> Option<String> {
        let written = written.trim();
        if let Some(number) = self.number(written, 0) {
            return Some(number.to_string());
        }
        match written {
            "true" | "false" => return Some(written.into()),
            "None" => return None,
            "Vec::new()" | "vec![]" => return Some("[]".into()),
            _ => {}
        }
        if let Some(text) = written
            .strip_prefix('"')
            .and_then(|text| text.split_once('"'))
        {
            return Some(format!("{:?}", text.0));
        }
        if let Some(parts) = between(written, "SocketAddr::from(([", "))") {
            let (ip, port) = parts.split_once("], ")?;
            let ip = ip.replace(", ", ".");
            return Some(format!("\"{ip}:{port}\""));
        }
        if let Some((_, name)) = written.rsplit_once("::")
            && name == "default()"
        {
            return self.default_of(rust_type);
        }
        if let Some((_, variant)) = written.split_once("::") {
            return Some(format!("{:?}", kebab(variant)));
        }
        None
    }

    /// Numbers, shifts and products of them, constants of the configuration.
    fn number(&self, written: &str, depth: u8) -> Option<u64> {
        let written = written.trim();
        if depth > 8 {
            return None;
        }
        if let Ok(number) = written.replace('_', "").parse() {
            return Some(number);
        }
        if let Some((left, right)) = written.split_once(" << ") {
            let bits = u32::try_from(self.number(right, depth + 1)?).ok()?;
            return self.number(left, depth + 1)?.checked_shl(bits);
        }
        if let Some((left, right)) = written.split_once(" * ") {
            return self
                .number(left, depth + 1)?
                .checked_mul(self.number(right, depth + 1)?);
        }
        let name = written.rsplit("::").next()?;
        self.number(self.values.get(name)?, depth + 1)
    }
}

/// What stands above an item: its documentation and attributes.
#[derive(Debug, Default)]
struct Above {
    doc: String,
    attributes: String,
    /// An attribute goes on over lines.
    open: bool,
}

impl Above {
    /// Takes a line that belongs above the next item.
    fn takes(&mut self, line: &str) -> bool {
        let line = line.trim();
        if self.open {
            self.attributes.push_str(line);
            self.open = !line.ends_with(")]");
            return true;
        }
        if let Some(doc) = line.strip_prefix("///") {
            if !self.doc.is_empty() {
                self.doc.push('\n');
            }
            self.doc.push_str(doc.strip_prefix(' ').unwrap_or(doc));
            return true;
        }
        if line.starts_with("#[") {
            self.attributes.push_str(line);
            self.open = !line.ends_with(']');
            return true;
        }
        false
    }
}

fn fields(body: &[&str], of: &Above) -> Result<Kind> {
    let all_default = of.attributes.contains(", default)]");
    let mut found = Vec::new();
    let mut above = Above::default();
    for line in body {
        if above.takes(line) || line.trim().is_empty() || line.trim().starts_with("//") {
            continue;
        }
        let above = std::mem::take(&mut above);
        let line = line.trim().trim_end_matches(',');
        let (name, rust_type) = line
            .trim_start_matches("pub(crate) ")
            .split_once(": ")
            .with_context(|| format!("{line:?} is no field"))?;
        let optional = between(rust_type, "Option<", ">").map(|_| {
            rust_type
                .trim_start_matches("Option<")
                .strip_suffix('>')
                .unwrap_or(rust_type)
        });
        let default = if let Some(function) = between(&above.attributes, "default = \"", "\"") {
            Some(function.to_owned())
        } else if above.attributes.contains("default") {
            Some(String::new())
        } else {
            all_default.then(|| "default".to_owned())
        };
        let renamed = between(&above.attributes, "rename = \"", "\"").map(str::to_owned);
        found.push(Field {
            name: renamed.unwrap_or_else(|| kebab(name)),
            doc: above.doc,
            rust_type: optional.unwrap_or(rust_type).to_owned(),
            required: optional.is_none() && default.is_none(),
            default: default.filter(|_| optional.is_none()),
        });
    }
    Ok(Kind::Table(found))
}

fn words_of(body: &[&str]) -> Kind {
    let mut words = Vec::new();
    let mut default = None;
    let mut above = Above::default();
    for line in body {
        if above.takes(line) || line.trim().is_empty() || line.trim().starts_with("//") {
            continue;
        }
        let above = std::mem::take(&mut above);
        let name = line.trim().trim_end_matches(',');
        if above.attributes.contains("#[default]") {
            default = Some(words.len());
        }
        let renamed = between(&above.attributes, "rename = \"", "\"").map(str::to_owned);
        words.push((renamed.unwrap_or_else(|| kebab(name)), above.doc));
    }
    Kind::Words(words, default)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// `connections_per_peer_max` and `DropOldest` as keys and words have them.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for (index, character) in name.chars().enumerate() {
        if character.is_ascii_uppercase() {
            if index > 0 {
                out.push('-');
            }
            out.push(character.to_ascii_lowercase());
        } else if character == '_' {
            out.push('-');
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_is_read_as_serde_reads_it() {
        let source = "\
/// A thing.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = \"kebab-case\")]
pub(crate) struct Thing {
    /// How many.
    ///
    /// Really.
    #[serde(default = \"five\")]
    pub(crate) count_max: u64,
    /// Where.
    pub(crate) place: Option<PathBuf>,
    #[serde(default)]
    pub(crate) mode: Mode,
}

#[derive(Deserialize)]
#[serde(rename_all = \"kebab-case\")]
pub(crate) enum Mode {
    /// One.
    OneWay,
    #[default]
    Other,
}

fn five() -> u64 {
    5 << 10
}
";
        let model = Model::read(&[source.to_owned()]).unwrap();
        let Kind::Table(fields) = &model.get("Thing").unwrap().kind else {
            panic!("no table");
        };
        let shown: Vec<String> = fields
            .iter()
            .map(|field| {
                format!(
                    "{} {} {} {:?}",
                    field.name, field.rust_type, field.required, field.default
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "count-max u64 false Some(\"5120\")",
                "place PathBuf false None",
                "mode Mode false Some(\"\\\"other\\\"\")"
            ]
        );
        assert_eq!(fields[0].doc, "How many.\n\nReally.");
    }
}
