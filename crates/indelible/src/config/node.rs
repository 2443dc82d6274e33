//! A configuration as it was written: values that know where they stand, so that each mistake and
//! each shown key has its file, line and column. Nothing here knows what keys mean.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file; line and column count from 1, columns in characters.
    File {
        path: Arc<str>,
        line: usize,
        column: usize,
    },
    /// The environment variable of this name.
    Environment(Arc<str>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{path}:{line}:{column}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// What TOML can say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Integer(i64),
    Float(f64),
    /// Also dates, which no key of ours takes.
    Text(String),
    Array(Vec<Node>),
    Table(BTreeMap<String, Entry>),
}

/// A key of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Where the key stands, as against its value.
    pub(crate) key: Origin,
    pub(crate) node: Node,
}

/// Text that is no TOML, or a number that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) origin: Origin,
    pub(crate) message: String,
}

impl Node {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// The first mistake in its syntax.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, Malformed> {
        let places = Places::new(path, text);
        let table = DeTable::parse(text).map_err(|error| Malformed {
            origin: places.at(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let origin = places.at(0);
        Ok(Self {
            value: places.table(table.get_ref())?,
            origin,
        })
    }

    /// The value of an environment variable: as TOML where it reads as such, else as text.
    pub(crate) fn of_variable(name: &str, text: &str) -> Self {
        let origin = Origin::Environment(name.into());
        let parsed = DeValue::parse(text)
            .ok()
            .filter(|value| !value.get_ref().is_datetime());
        let value = parsed.and_then(|value| Places::new(name, text).value(&value).ok());
        let mut node = Self {
            value: value.map_or_else(|| Value::Text(text.to_owned()), |node| node.value),
            origin: origin.clone(),
        };
        node.set_origin(&origin);
        node
    }

    /// This value under keys, outermost first.
    pub(crate) fn under<'a>(self, keys: impl DoubleEndedIterator<Item = &'a str>) -> Self {
        keys.rev().fold(self, |node, key| {
            let origin = node.origin.clone();
            let key_origin = origin.clone();
            let entry = Entry {
                key: key_origin,
                node,
            };
            Self {
                value: Value::Table(BTreeMap::from([(key.to_owned(), entry)])),
                origin,
            }
        })
    }

    /// Lays another over this one: tables key by key, everything else whole.
    pub(crate) fn lay(&mut self, over: Self) {
        match (&mut self.value, over.value) {
            (Value::Table(own), Value::Table(over)) => {
                for (name, entry) in over {
                    match own.get_mut(&name) {
                        Some(former) => former.node.lay(entry.node),
                        None => {
                            own.insert(name, entry);
                        }
                    }
                }
            }
            (own, over_value) => {
                *own = over_value;
                self.origin = over.origin;
            }
        }
    }

    /// Every value that is no table, with its keys, in order.
    pub(crate) fn leaves(&self) -> Vec<(Vec<&str>, &Node)> {
        let Value::Table(table) = &self.value else {
            return vec![(Vec::new(), self)];
        };
        let mut leaves = Vec::new();
        for (name, entry) in table {
            for (mut keys, node) in entry.node.leaves() {
                keys.insert(0, name);
                leaves.push((keys, node));
            }
        }
        leaves
    }

    /// Calls `change` for each text in it, with where it stands.
    pub(crate) fn each_text<E>(
        &mut self,
        change: &mut impl FnMut(&mut String, &Origin) -> Result<(), E>,
    ) -> Result<(), E> {
        match &mut self.value {
            Value::Text(text) => change(text, &self.origin),
            Value::Array(items) => items.iter_mut().try_for_each(|node| node.each_text(change)),
            Value::Table(table) => table
                .values_mut()
                .try_for_each(|entry| entry.node.each_text(change)),
            Value::Bool(_) | Value::Integer(_) | Value::Float(_) => Ok(()),
        }
    }

    fn set_origin(&mut self, origin: &Origin) {
        self.origin = origin.clone();
        match &mut self.value {
            Value::Array(items) => items.iter_mut().for_each(|node| node.set_origin(origin)),
            Value::Table(table) => table.values_mut().for_each(|entry| {
                entry.key = origin.clone();
                entry.node.set_origin(origin);
            }),
            Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => {}
        }
    }
}

/// The value as TOML writes it on one line.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) => write!(f, "{}", toml::Value::String(text.clone())),
            Self::Array(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", item.value)?;
                }
                f.write_str("]")
            }
            Self::Table(table) => {
                f.write_str("{ ")?;
                for (index, (name, entry)) in table.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{name} = {}", entry.node.value)?;
                }
                f.write_str(" }")
            }
        }
    }
}

/// Offsets in a text as lines and columns.
struct Places<'a> {
    path: Arc<str>,
    text: &'a str,
    /// Offset of each line's first byte.
    lines: Vec<usize>,
}

impl<'a> Places<'a> {
    fn new(path: &str, text: &'a str) -> Self {
        let feeds = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            path: path.into(),
            text,
            lines: std::iter::once(0).chain(feeds).collect(),
        }
    }

    fn at(&self, offset: usize) -> Origin {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        Origin::File {
            path: Arc::clone(&self.path),
            line,
            column: before.chars().count() + 1,
        }
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Value, Malformed> {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            let entry = Entry {
                key: self.at(key.span().start),
                node: self.value(value)?,
            };
            entries.insert(key.get_ref().to_string(), entry);
        }
        Ok(Value::Table(entries))
    }

    fn value(&self, value: &Spanned<DeValue<'_>>) -> Result<Node, Malformed> {
        let origin = self.at(value.span().start);
        let malformed = |message: &str| Malformed {
            origin: origin.clone(),
            message: message.to_owned(),
        };
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Datetime(time) => Value::Text(time.to_string()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(Value::Integer)
                .map_err(|_| malformed("the number is too large"))?,
            DeValue::Float(number) => number
                .as_str()
                .parse()
                .map(Value::Float)
                .map_err(|_| malformed("not a number"))?,
            DeValue::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.value(item))
                    .collect::<Result<_, _>>()?,
            ),
            DeValue::Table(table) => self.table(table)?,
        };
        Ok(Node { value, origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_where_they_stand() {
        let node = Node::parse("a.toml", "x = 1\n[t]\n  'ü' = ['b', 2]\n").unwrap();
        let shown: Vec<String> = node
            .leaves()
            .iter()
            .map(|(keys, node)| format!("{} = {} # {}", keys.join("."), node.value, node.origin))
            .collect();
        assert_eq!(
            shown,
            ["t.ü = [\"b\", 2] # a.toml:3:9", "x = 1 # a.toml:1:5"]
        );
    }

    #[test]
    fn what_is_no_toml_is_refused_with_its_place() {
        for (text, place) in [
            ("x = 1\ny = \n", "a.toml:2"),
            ("x = 99999999999999999999", "a.toml:1:5"),
            ("x = 1\nx = 2\n", "a.toml:2:1"),
            ("\u{0}", "a.toml:1"),
        ] {
            let error = Node::parse("a.toml", text).unwrap_err();
            let shown = error.origin.to_string();
            assert!(
                shown.starts_with(place),
                "{text:?}: {shown} {}",
                error.message
            );
        }
    }

    #[test]
    fn layers_replace_values_and_join_tables() {
        let mut node = Node::parse("a", "[t]\nx = 1\ny = [1]\n").unwrap();
        node.lay(Node::parse("b", "z = 0\n[t]\ny = [2, 3]\n").unwrap());
        node.lay(Node::of_variable("V", "kernel").under(["t", "w"].into_iter()));
        let shown: Vec<String> = node
            .leaves()
            .iter()
            .map(|(keys, node)| format!("{}={}@{}", keys.join("."), node.value, node.origin))
            .collect();
        assert_eq!(
            shown,
            [
                "t.w=\"kernel\"@environment variable V",
                "t.x=1@a:2:5",
                "t.y=[2, 3]@b:3:5",
                "z=0@b:1:5"
            ]
        );
    }

    #[test]
    fn variables_are_toml_or_text() {
        for (text, expect) in [
            ("10", "10"),
            ("true", "true"),
            ("0.0.0.0:6514", "\"0.0.0.0:6514\""),
            ("['a', 'b']", "[\"a\", \"b\"]"),
            ("'10'", "\"10\""),
            ("2026-01-01", "\"2026-01-01\""),
            ("", "\"\""),
        ] {
            assert_eq!(Node::of_variable("V", text).value.to_string(), expect);
        }
    }
}
