//! From what was written to what it means: serde over [`Node`], whose errors say where.

use std::collections::btree_map;
use std::fmt;

use indelible_query::near::nearest;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use thiserror::Error;

use super::no_address;
use super::node::{Entry, Node, Origin, Value};

/// Reads a value of type `T`.
///
/// # Errors
/// The first key or value that does not fit, with where it stands.
pub(crate) fn read<T: DeserializeOwned>(node: &Node) -> Result<T, Misfit> {
    T::deserialize(node)
}

/// A key or value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) struct Misfit {
    pub(crate) message: String,
    /// Of the innermost value or key that is known to be wrong.
    pub(crate) origin: Option<Origin>,
}

impl Misfit {
    fn at(mut self, origin: &Origin) -> Self {
        self.origin.get_or_insert_with(|| origin.clone());
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl de::Error for Misfit {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self {
            message: message.to_string(),
            origin: None,
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        de::Error::custom(format_args!(
            "unknown field `{field}`{}",
            OneOf(field, expected)
        ))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        de::Error::custom(format_args!(
            "unknown variant `{variant}`{}",
            OneOf(variant, expected)
        ))
    }
}

/// A name that is none, and those that are: the one that was meant, where it can be guessed, or all.
struct OneOf<'a>(&'a str, &'static [&'static str]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(meant) = nearest(self.0, self.1.iter().copied()) {
            return write!(f, "; did you mean `{meant}`?");
        }
        f.write_str(", known are ")?;
        for (index, name) in self.1.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{name}`")?;
        }
        Ok(())
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let read = match &self.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items(items.iter())),
            Value::Table(table) => visitor.visit_map(Entries::new(table.iter())),
        };
        read.map_err(|mut error: Misfit| {
            // What the standard library says does not name what would be right.
            if let Value::Text(text) = &self.value
                && error.message == NO_ADDRESS
            {
                error.message = no_address(text);
            }
            error.at(&self.origin)
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let read = match &self.value {
            Value::Text(text) => {
                let text: StrDeserializer<'_, Misfit> = text.as_str().into_deserializer();
                visitor.visit_enum(text)
            }
            Value::Table(table) if table.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(Entries::new(table.iter())))
            }
            other => Err(de::Error::custom(format_args!(
                "{other} is none of the words that are known here"
            ))),
        };
        read.map_err(|error| error.at(&self.origin))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Misfit> {
        self.0
            .next()
            .map(|node| {
                seed.deserialize(node)
                    .map_err(|error| error.at(&node.origin))
            })
            .transpose()
    }
}

struct Entries<'de> {
    rest: btree_map::Iter<'de, String, Entry>,
    value: Option<&'de Node>,
}

impl<'de> Entries<'de> {
    fn new(rest: btree_map::Iter<'de, String, Entry>) -> Self {
        Self { rest, value: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Misfit;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Misfit> {
        let Some((name, entry)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(&entry.node);
        let key: StrDeserializer<'_, Misfit> = name.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|error| error.at(&entry.key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        let node = self
            .value
            .take()
            .ok_or_else(|| de::Error::custom("a value without a key"))?;
        seed.deserialize(node)
            .map_err(|error| error.at(&node.origin))
    }
}

/// Of an address that is none, in the words of the standard library.
const NO_ADDRESS: &str = "invalid socket address syntax";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AgentConfig, CollectorConfig};

    fn check<T: DeserializeOwned>(text: &str, expect: &str) {
        let node = Node::parse("f", text).unwrap();
        let error = read::<T>(&node).err().expect("refused");
        let shown = error.to_string();
        assert!(shown.starts_with(expect), "{text:?}: {shown}");
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        check::<AgentConfig>("spool = '/s'\nspol = 1\n", "f:2:1: unknown field `spol`");
        check::<AgentConfig>(
            "spool = '/s'\nspol = 1\n",
            "f:2:1: unknown field `spol`; did you mean `spool`?",
        );
        check::<AgentConfig>(
            "spool = '/s'\n[limits]\nxylophone = 1\n",
            "f:3:1: unknown field `xylophone`, known are `max-bytes`, ",
        );
        check::<AgentConfig>("\ncapture = 'kernel'\n", "f:1:1: missing field `spool`");
        check::<AgentConfig>("spool = '/s'\ncapture = 'x'\n", "f:2:11: unknown capture");
        check::<AgentConfig>(
            "spool = '/s'\nsources = ['kmsg', 'x']",
            "f:2:20: unknown source",
        );
        check::<AgentConfig>("spool = 1\n", "f:1:9: invalid type: integer `1`");
        check::<AgentConfig>(
            "spool = '/s'\n[limits]\nmax-bytes = -1\n",
            "f:3:13: invalid value: integer `-1`, expected u64",
        );
        check::<AgentConfig>(
            "spool = '/s'\n[limits]\nwhen-full = 'never'\n",
            "f:3:13: unknown variant `never`",
        );
        check::<CollectorConfig>(
            "store = '/s'\nnative = 'x'\ntls = { ca = '', certificate = '', key = '' }\n",
            "f:2:10: \"x\" is no address to listen on",
        );
    }

    #[test]
    fn it_reads_what_the_toml_crate_reads() {
        let text = "spool = '/s'\ncapture = 'observe'\nsources = ['kmsg']\nsandbox = false\n\
                    [limits]\nmax-bytes = 0x10\nwhen-full = 'block'\n\
                    [collector]\naddress = 'c:6514'\nlog-key = 'v'\n\
                    tls = { ca = 'a', certificate = 'b', key = 'c' }\n";
        let node = Node::parse("f", text).unwrap();
        let ours: AgentConfig = read(&node).unwrap();
        assert_eq!(ours, toml::from_str(text).unwrap());
    }
}
